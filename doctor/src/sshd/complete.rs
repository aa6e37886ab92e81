//! Decides whether a user can complete a way to log in. A way is a list of methods. doctor tries them in order, each
//! with the PAM stack that it calls.
use twinlock_core::policy::Echo;
use twinlock_core::policy::pam_line::{FirstPass, Forward};

use crate::pam::code::PamCode;
use crate::pam::control::ControlAction;
use crate::pam::credentials::outcome;
use crate::pam::modules::file_name;
use crate::pam::stack::{LinePlace, StackKind};
use crate::pam::table::{AssumedRole, CaseRow, CaseTable, Password};
use crate::pam::twinlock::ModuleAnswer;
use crate::sshd::effective::{Effective, Way};

/// Why a user who has every factor cannot complete a way to log in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MethodHindrance {
    /// sshd's settings switch off the method with this name.
    Off(String),
    /// sshd accepts no user's key, because of this setting.
    NoKeys(String),
    /// sshd ends each session, because it refuses this folder as the value of ChrootDirectory.
    NoFolder(String),
    /// The method with this name shows prompts through a device other than PAM, which twinlock does not support.
    Device(String),
    /// sshd's password method sends one hidden text as the answer to every prompt. The stack needs two different texts,
    /// or shows the code while the user types it.
    OneText,
    /// sshd verifies the key after the code, but twinlock's line requires that sshd has verified a key earlier.
    KeyLater,
    /// The PAM stack refuses a user although the user gives every factor correctly.
    Stack,
    /// sshd ends the login after prompts, because pam_setcred fails at this line.
    Credentials(BlamedLine),
}

/// A line of the stack at which pam_setcred fails.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BlamedLine {
    /// File and number of the line.
    pub place: LinePlace,
    /// The module, and the code that its pam_setcred returns, as `MODULE returns CODE`.
    pub says: String,
}

/// How a way to log in reaches PAM: by which method, and which factors sshd has verified by then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PamEntry {
    /// Whether PAM learns that sshd has verified a key. sshd tells PAM only about a key that it verified before the
    /// prompts.
    pub key: bool,
    /// Whether sshd requires a key in this way to log in, but does not tell PAM about it.
    pub unseen: bool,
    /// The last of the required methods that calls PAM.
    pub method: Method,
    /// Whether one of the required methods shows prompts (keyboard-interactive). Only in that case does sshd end the
    /// login if pam_setcred fails.
    pub prompted: bool,
}

/// A method by which sshd calls PAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// `keyboard-interactive`: the user answers each prompt.
    Prompts,
    /// `password`: the user gives one text, which is the answer to every prompt.
    OneText,
}

impl PamEntry {
    /// Reports whether a user who reaches PAM in this way can log in as the row of the truth table assumes. sshd may
    /// have verified a key of which PAM does not learn; a row in which the code is the only factor is then left out,
    /// because the user has two factors, the key and the code.
    #[must_use]
    pub fn takes(self, table: &CaseTable, row: &CaseRow) -> bool {
        row.passes()
            && row.world.key == self.key
            // PAM does not see the key. A login by a code alone then has two factors, the key and the code.
            && !(self.unseen && row.world.answer == ModuleAnswer::Right && row.world.empty_handed())
            && self.keeps(table, row)
            && (self.method == Method::Prompts || fits_one_text(table, row))
    }

    /// Reports whether sshd lets a login go on that PAM has granted as the row of the truth table assumes. It does if
    /// pam_setcred succeeds, or if a failure of pam_setcred has no effect.
    #[must_use]
    pub fn keeps(self, table: &CaseTable, row: &CaseRow) -> bool {
        let code = match self.method {
            Method::Prompts => table.credentials.code,
            Method::OneText if self.prompted => outcome(table, Some(row)).code,
            Method::OneText => PamCode::SUCCESS,
        };
        code == PamCode::SUCCESS
    }
}

/// Returns how the way to log in reaches PAM; `None` if it does not call PAM, or if one of its methods is switched off.
#[must_use]
pub fn entry(way: &Way, effective: &Effective) -> Option<PamEntry> {
    let on = way.0.iter().all(|method| switched_off(method, effective).is_none());
    if !on || !effective.yes("usepam") {
        return None;
    }
    let method = last(way)?;
    let key = way.key_before_pam() && method == Method::Prompts;
    let prompted = way.asks("keyboard-interactive");
    Some(PamEntry { key, unseen: way.asks("publickey") && !key, method, prompted })
}

fn last(way: &Way) -> Option<Method> {
    way.0.iter().rev().find_map(|method| match method.as_str() {
        "keyboard-interactive" => Some(Method::Prompts),
        "password" => Some(Method::OneText),
        _ => None,
    })
}

/// Returns why a user with every factor cannot complete this way to log in; `None` if the user can. `table` is the
/// truth table of the stack. If it is `None`, the stack is assumed to accept.
#[must_use]
pub fn hindrance(
    way: &Way,
    effective: &Effective,
    table: Option<&CaseTable>,
) -> Option<MethodHindrance> {
    if let Some(folder) = effective.value(REFUSED_FOLDER) {
        return Some(MethodHindrance::NoFolder(folder.to_owned()));
    }
    let mut key = false;
    for method in &way.0 {
        if let Some(why) = switched_off(method, effective) {
            return Some(why);
        }
        key |= method == "publickey";
        let asks_pam = ["password", "keyboard-interactive"].contains(&method.as_str());
        let table = table.filter(|_| asks_pam && effective.yes("usepam"));
        let Some(table) = table else { continue };
        let seen = key && method != "password";
        let unseen = !seen && way.asks("publickey");
        if !table.rows.iter().any(|row| right(row, seen)) {
            let with_key = unseen && table.rows.iter().any(|row| right(row, true));
            return Some(if with_key { MethodHindrance::KeyLater } else { MethodHindrance::Stack });
        }
        if method == "password" && !one_text_is_enough(table, seen) {
            return Some(MethodHindrance::OneText);
        }
    }
    let by_prompts = last(way) == Some(Method::Prompts) && effective.yes("usepam");
    table.filter(|_| by_prompts).and_then(no_credentials)
}

/// Returns the line at which pam_setcred fails after prompts; `None` if pam_setcred succeeds.
fn no_credentials(table: &CaseTable) -> Option<MethodHindrance> {
    let steps = &table.credentials.steps;
    let decided = steps.iter().find(|step| {
        let cast = table.cast.get(step.line);
        let action = cast.map(|line| line.handler.actions.on(step.returned));
        matches!(action, Some(ControlAction::Bad | ControlAction::Die))
    });
    let step = decided.or(steps.last())?;
    let line = &table.cast.get(step.line)?.handler;
    let StackKind::Module { path, .. } = &line.kind else { return None };
    let says = format!("{} returns {}", file_name(path), step.returned.name());
    (table.credentials.code != PamCode::SUCCESS)
        .then(|| MethodHindrance::Credentials(BlamedLine { place: line.place.clone(), says }))
}

fn switched_off(method: &str, effective: &Effective) -> Option<MethodHindrance> {
    if let Some(setting) = no_keys(effective).filter(|_| method == "publickey") {
        return Some(MethodHindrance::NoKeys(setting));
    }
    let on = match method {
        "publickey" => effective.value("pubkeyauthentication") != Some("no"),
        "password" => effective.yes("passwordauthentication"),
        "keyboard-interactive" => effective.prompts() && effective.yes("usepam"),
        "gssapi-with-mic" => effective.yes("gssapiauthentication"),
        "hostbased" => effective.yes("hostbasedauthentication"),
        "none" => effective.yes("permitemptypasswords"),
        other if other.starts_with("keyboard-interactive:") => {
            return Some(MethodHindrance::Device(other.to_owned()));
        }
        _ => false,
    };
    (!on).then(|| MethodHindrance::Off(method.to_owned()))
}

/// Keyword for the list of revoked keys, if there is no such file: sshd then refuses every key. sshd itself has no such
/// keyword. The caller adds it to sshd's settings.
pub const NO_REVOKED_KEYS: &str = "no-revoked-keys";

/// Keyword for the value of ChrootDirectory, if sshd ends each session because of it. sshd itself has no such keyword.
/// The caller adds it to sshd's settings.
pub const REFUSED_FOLDER: &str = "refused-chroot-directory";

/// Returns the setting because of which sshd accepts no user's key; `None` if there is no such setting.
fn no_keys(effective: &Effective) -> Option<String> {
    if let Some(file) = effective.value(NO_REVOKED_KEYS) {
        return Some(format!("RevokedKeys {file}, which is missing"));
    }
    let sources = ["authorizedkeysfile", "authorizedkeyscommand", "trustedusercakeys"];
    let none = |keyword: &&str| effective.value(keyword) == Some("none");
    sources.iter().all(none).then(|| "AuthorizedKeysFile none".to_owned())
}

/// Reports whether the row of the truth table grants access to a user with a correct code and a key or password. One of
/// the known accounts must be able to be this user. `key` tells whether PAM knows of a key.
fn right(row: &CaseRow, key: bool) -> bool {
    let proven = row.world.key || !matches!(row.world.password, Password::None(_));
    let factors = row.world.key == key && proven && row.world.answer == ModuleAnswer::Right;
    row.passes() && factors && row.met
}

/// Reports whether some user gets in who gives one text as the answer to every prompt: a code, a password, or both in
/// one field. Logins without a correct code also count: other findings report them, and they are no lock-out.
fn one_text_is_enough(table: &CaseTable, key: bool) -> bool {
    let without_code = |row: &CaseRow| {
        let proven = row.world.key || !matches!(row.world.password, Password::None(_));
        let wrong = row.world.key == key && row.world.answer == ModuleAnswer::Wrong;
        row.passes() && proven && wrong && row.met
    };
    let gets_in = |row: &CaseRow| right(row, key) || without_code(row);
    table.rows.iter().any(|row| gets_in(row) && fits_one_text(table, row))
}

/// Reports whether one text can answer every prompt that the user sees in this row of the truth table: a password, a
/// code, or both in one field. One text cannot answer two prompts for a code, because twinlock accepts a code only
/// once. Nor can it answer a prompt that shows what the user types, because sshd's password method refuses such a
/// prompt.
fn fits_one_text(table: &CaseTable, row: &CaseRow) -> bool {
    let password = !matches!(row.world.password, Password::None(_));
    let codes = match row.world.answer {
        ModuleAnswer::Right => asked(table, row).count(),
        ModuleAnswer::Wrong | ModuleAnswer::Broken(_) | ModuleAnswer::Exempt => 0,
    };
    let hidden = codes == 0 || !shows_the_code(table, row);
    let one = codes < 2 && !(password && codes == 1) || codes == 1 && takes_one_field(table, row);
    hidden && one
}

fn asked<'a>(
    table: &'a CaseTable,
    row: &'a CaseRow,
) -> impl Iterator<Item = &'a twinlock_core::policy::pam_line::PamLine> {
    row.steps.iter().filter_map(|step| match &table.cast.get(step.line)?.role {
        AssumedRole::Twinlock(args) if args.stand.judges() => args.line.as_ref(),
        AssumedRole::Twinlock(_)
        | AssumedRole::Fixed(_)
        | AssumedRole::Condition(_)
        | AssumedRole::Proof(_)
        | AssumedRole::Second(_)
        | AssumedRole::Idle => None,
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

/// Reports whether the stack asks for a code in a field of its own: some row of the truth table asks for a code, and no
/// twinlock line takes the password in the same field.
#[must_use]
pub fn asks_a_code_alone(table: &CaseTable) -> bool {
    let mut rows = table.rows.iter().filter(|row| asks_for_code(table, row)).peekable();
    rows.peek().is_some() && !rows.any(|row| takes_one_field(table, row))
}
