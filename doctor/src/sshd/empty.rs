//! Finds accounts with an empty password. If sshd has PermitEmptyPasswords and the PAM line has `nullok`, a code alone
//! lets them in.
use crate::finding::{Finding, Level};
use crate::pam::stack::StackKind;
use crate::pam::table::{AssumedRole, CaseRow, CaseTable, Password};
use crate::pam::twinlock::ModuleAnswer;
use crate::sshd::judge::{SshdFacts, entries};

/// The accounts with an empty password field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EmptyPasswords {
    /// The names of all accounts with an empty password field; the list may be empty.
    Of(Vec<String>),
    /// The accounts are not known, because /etc/shadow cannot be read.
    Unread,
}

/// Reports whether a module that asks for a password has the argument `nullok`, and therefore accepts an empty
/// password.
fn takes_none(table: &CaseTable) -> bool {
    table.cast.iter().any(|line| match (&line.role, &line.handler.kind) {
        (AssumedRole::Proof(_), StackKind::Module { args, .. }) => {
            args.iter().any(|arg| ["nullok", "nullok_secure"].contains(&arg.as_str()))
        }
        (_, _) => false,
    })
}

/// Reports whether the account `name` can log in with a password and a code, but without a key. With `None`, reports
/// this for any account.
fn is_enough(facts: &SshdFacts, table: &CaseTable, name: Option<&str>) -> bool {
    let entries = entries(facts);
    let without_key = || entries.iter().filter(|entry| !entry.key && !entry.unseen);
    let met = |row: &CaseRow| match (&table.census, name) {
        (Some(census), Some(name)) => census.is_met_by(table, row, name),
        (_, _) => true,
    };
    table.rows.iter().any(|row| {
        let proven = matches!(row.world.password, Password::By(_));
        let right = proven && row.world.answer == ModuleAnswer::Right;
        let enters = without_key().any(|entry| entry.keeps(table, row));
        row.passes() && !row.world.key && right && met(row) && enters
    })
}

/// Returns a finding about accounts with an empty password; `None` if sshd or the stack does not accept an empty
/// password.
#[must_use]
pub fn judge(facts: &SshdFacts, table: &CaseTable, empty: &EmptyPasswords) -> Option<Finding> {
    let mut settings = facts.asked.iter().map(|(_, effective)| effective);
    let permitted = facts.base.yes("permitemptypasswords")
        || settings.any(|one| one.yes("permitemptypasswords"));
    if !permitted || !takes_none(table) {
        return None;
    }
    let enough = |name: &&String| is_enough(facts, table, Some(name));
    let (level, what) = match empty {
        EmptyPasswords::Of(names) if !names.is_empty() && !names.iter().any(|one| enough(&one)) => (
            Level::Warning,
            "An account with an empty password needs no password; for no such account the code alone is enough now."
                .to_owned(),
        ),
        EmptyPasswords::Of(names) if names.is_empty() => (
            Level::Warning,
            "An account with an empty password would need no password: no account has one now."
                .to_owned(),
        ),
        EmptyPasswords::Of(names) => (
            Level::WayIn,
            format!(
                "{}: the password is empty, so the code alone is enough for a login.",
                names.iter().filter(enough).cloned().collect::<Vec<_>>().join(", ")
            ),
        ),
        EmptyPasswords::Unread if !is_enough(facts, table, None) => return None,
        EmptyPasswords::Unread => (
            Level::Unknown,
            "An account with an empty password needs no password, and /etc/shadow cannot be read."
                .to_owned(),
        ),
    };
    Some(Finding {
        level,
        id: "empty-password",
        place: facts.config.place(&["permitemptypasswords"]),
        what,
        remedy: "Write `PermitEmptyPasswords no`, or remove nullok behind the module that checks the password."
            .to_owned(),
    })
}
