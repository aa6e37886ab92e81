//! Whether a user can complete a way to log in: each of its methods in order, with the PAM stack behind it.
use twinlock_core::policy::Echo;
use twinlock_core::policy::pam_line::{FirstPass, Forward};

use crate::pam::table::{CaseRow, CaseTable, Password, Role};
use crate::pam::twinlock::ModuleAnswer;
use crate::sshd::effective::{Effective, Way};

/// Why a user cannot complete a way, even with every factor.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Hindrance {
    /// The method is switched off.
    Off(String),
    /// This sshd asks prompts by PAM only.
    Device(String),
    /// The password method gives one text to a stack that asks for two, or shows what is typed.
    OneText,
    /// The key comes after the code, and the line wants to see it.
    KeyLater,
    /// The stack refuses in any case.
    Stack,
}

/// Returns why the way cannot be completed. Without a table, the stack is taken to accept.
#[must_use]
pub fn hindrance(way: &Way, effective: &Effective, table: Option<&CaseTable>) -> Option<Hindrance> {
    let mut key = false;
    for method in &way.0 {
        if let Some(why) = switched_off(method, effective) {
            return Some(why);
        }
        key |= method == "publickey";
        let asks_pam = ["password", "keyboard-interactive"].contains(&method.as_str());
        let table = table.filter(|_| asks_pam && effective.yes("usepam"));
        let Some(table) = table else { continue };
        let later = !key && way.asks("publickey");
        if !table.rows.iter().any(|row| right(row, key)) {
            let with_key = later && table.rows.iter().any(|row| right(row, true));
            return Some(if with_key { Hindrance::KeyLater } else { Hindrance::Stack });
        }
        if method == "password" && !one_text_is_enough(table, key) {
            return Some(Hindrance::OneText);
        }
    }
    None
}

fn switched_off(method: &str, effective: &Effective) -> Option<Hindrance> {
    let on = match method {
        "publickey" => effective.value("pubkeyauthentication") != Some("no"),
        "password" => effective.yes("passwordauthentication"),
        "keyboard-interactive" => effective.prompts() && effective.yes("usepam"),
        "gssapi-with-mic" => effective.yes("gssapiauthentication"),
        "hostbased" => effective.yes("hostbasedauthentication"),
        "none" => effective.yes("permitemptypasswords"),
        other if other.starts_with("keyboard-interactive:") => {
            return Some(Hindrance::Device(other.to_owned()));
        }
        _ => false,
    };
    (!on).then(|| Hindrance::Off(method.to_owned()))
}

/// Reports whether a user with every factor gets in by this row.
fn right(row: &CaseRow, key: bool) -> bool {
    let proven = row.world.key || !matches!(row.world.password, Password::None(_));
    row.passes() && row.world.key == key && proven && row.world.answer == ModuleAnswer::Right
}

/// Reports whether one text can satisfy every prompt: a code alone, a password alone, or both in one field.
fn one_text_is_enough(table: &CaseTable, key: bool) -> bool {
    let enough = |row: &CaseRow| {
        let password = !matches!(row.world.password, Password::None(_));
        let code = row.world.answer == ModuleAnswer::Right && asks_for_code(table, row);
        let both = password && code;
        let hidden = !code || !shows_the_code(table, row);
        row.world.key == key && row.passes() && hidden && (!both || takes_one_field(table, row))
    };
    table.rows.iter().any(|row| right(row, key) && enough(row))
}

fn asked<'a>(
    table: &'a CaseTable,
    row: &'a CaseRow,
) -> impl Iterator<Item = &'a twinlock_core::policy::pam_line::PamLine> {
    row.steps.iter().filter_map(|step| match &table.cast.get(step.line)?.role {
        Role::Twinlock(args) if args.stand.judges() => args.line.as_ref(),
        Role::Twinlock(_)
        | Role::Fixed(_)
        | Role::Condition(_)
        | Role::Proof(_)
        | Role::Second(_)
        | Role::Idle => None,
    })
}

fn asks_for_code(table: &CaseTable, row: &CaseRow) -> bool {
    asked(table, row).next().is_some()
}

fn shows_the_code(table: &CaseTable, row: &CaseRow) -> bool {
    asked(table, row).any(|line| line.echo != Echo::Hidden)
}

fn takes_one_field(table: &CaseTable, row: &CaseRow) -> bool {
    asked(table, row)
        .any(|line| line.forward == Forward::Password || line.first_pass != FirstPass::Ignored)
}

/// Reports whether the stack asks for a code and takes no password in the same field.
#[must_use]
pub fn asks_a_code_alone(table: &CaseTable) -> bool {
    let mut rows = table.rows.iter().filter(|row| asks_for_code(table, row)).peekable();
    rows.peek().is_some() && !rows.any(|row| takes_one_field(table, row))
}
