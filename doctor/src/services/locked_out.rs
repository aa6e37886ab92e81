//! Finds out which users cannot log in through a service that asks for a code.
use crate::finding::{Finding, Level};
use crate::pam::table::{AssumedRole, CaseTable};
use crate::settings::{Decider, DoctorSettings, RootCode, Strangers};
use twinlock_core::policy::NotEnrolled;

/// Returns which users are locked out of the service `name`, each group of users in a few words. `target_is_root` tells
/// whether sudo asks for the password of root or of the target user. `findings` are those about the service.
pub fn of(
    settings: &DoctorSettings,
    target_is_root: bool,
    name: &str,
    table: &CaseTable,
    findings: &[Finding],
) -> Vec<String> {
    let locks = |id: &str| findings.iter().any(|one| one.id == id && one.level == Level::LockOut);
    let all = |one: &Finding| one.level == Level::LockOut && one.id != "exempt-shut-out";
    if findings.iter().any(all) {
        return vec!["everyone".to_owned()];
    }
    let mut who = Vec::new();
    let lenient = |who: &str| settings.lenient_to(name).any(|one| one.who == who);
    let refused = match settings.strangers {
        Strangers::Refused => settings.not_enrolled == Decider::Settings || !nullok(table),
        Strangers::LetIn | Strangers::Unknown => false,
    };
    if refused && !lenient("everyone") && !lenient("not enrolled") {
        who.push("not enrolled".to_owned());
        if settings.root == RootCode::HasNone
            && root_logs_in(target_is_root, name)
            && !lenient("user root")
        {
            who.push("root".to_owned());
        }
    }
    if settings.strangers == Strangers::Unknown {
        who.push("not known".to_owned());
    }
    if locks("exempt-shut-out") {
        who.push("exempt".to_owned());
    }
    who
}

/// Reports whether root can be the user whom the service `name` asks for a code. sudo asks root only if
/// `target_is_root`.
fn root_logs_in(target_is_root: bool, name: &str) -> bool {
    match name {
        "sudo" | "sudo-i" => target_is_root,
        // polkit asks an administrator for a code, and doas asks the calling user.
        "polkit-1" | "doas" => false,
        _ => true,
    }
}

/// Reports whether the stack has twinlock lines and each of them has `nullok`, so that users who are not enrolled get
/// in.
fn nullok(table: &CaseTable) -> bool {
    let ours = table.cast.iter().filter_map(|line| match &line.role {
        AssumedRole::Twinlock(args) => args.line.as_ref(),
        AssumedRole::Fixed(_)
        | AssumedRole::Condition(_)
        | AssumedRole::Proof(_)
        | AssumedRole::Second(_)
        | AssumedRole::Idle => None,
    });
    let mut all = ours.map(|line| line.not_enrolled == NotEnrolled::Allow).peekable();
    all.peek().is_some() && all.all(|lets_in| lets_in)
}
