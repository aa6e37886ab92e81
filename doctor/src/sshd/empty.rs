//! Finds accounts with an empty password, which PermitEmptyPasswords and `nullok` let in by the code alone.
use crate::finding::{Finding, Level};
use crate::pam::stack::StackKind;
use crate::pam::table::{CaseTable, Role};
use crate::sshd::judge::SshdFacts;

/// What is known about accounts with an empty password field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EmptyPasswords {
    /// The names of these accounts.
    Of(Vec<String>),
    /// The file cannot be read.
    Unread,
}

/// Returns a finding about accounts for which the password step asks for nothing.
#[must_use]
pub fn judge(facts: &SshdFacts, table: &CaseTable, empty: &EmptyPasswords) -> Option<Finding> {
    let mut settings = facts.asked.iter().map(|(_, effective)| effective);
    let permitted = facts.base.yes("permitemptypasswords")
        || settings.any(|one| one.yes("permitemptypasswords"));
    let takes_none = table.cast.iter().any(|line| match (&line.role, &line.handler.kind) {
        (Role::Proof(_), StackKind::Module { args, .. }) => {
            args.iter().any(|arg| ["nullok", "nullok_secure"].contains(&arg.as_str()))
        }
        (_, _) => false,
    });
    if !permitted || !takes_none {
        return None;
    }
    let (level, what) = match empty {
        EmptyPasswords::Of(names) if names.is_empty() => (
            Level::Warning,
            "An account with an empty password would need no password: no account has one now."
                .to_owned(),
        ),
        EmptyPasswords::Of(names) => (
            Level::WayIn,
            format!(
                "{}: the password is empty, so the code alone is enough for a login.",
                names.join(", ")
            ),
        ),
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
