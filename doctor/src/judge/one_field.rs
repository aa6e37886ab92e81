//! Findings about twinlock lines that take the password and the code in one field, or that let in users who are not
//! enrolled.
use twinlock_core::policy::NotEnrolled;
use twinlock_core::policy::pam_line::{FirstPass, Forward, PamLine};

use crate::finding::{Finding, Level};
use crate::pam::code::PamCode;
use crate::pam::control::ControlAction;
use crate::pam::modules::{Nature, file_name, nature};
use crate::pam::stack::{Handler, StackKind};
use crate::pam::twinlock::{is_twinlock, read};

/// Returns the findings about each twinlock line that verifies codes. They also depend on the lines after it.
#[must_use]
pub(crate) fn judge(auth: &[Handler]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, handler) in auth.iter().enumerate() {
        let StackKind::Module { path, args } = &handler.kind else { continue };
        let ours = Some(read(args)).filter(|_| is_twinlock(path));
        let Some(arguments) = ours.filter(|arguments| arguments.stand.judges()) else { continue };
        let Some(line) = arguments.line else { continue };
        let behind = auth.get(number + 1..).unwrap_or_default();
        found.extend(let_through(handler, &line));
        found.extend(asked_again(handler, &line, behind));
        found.extend(told_apart(handler, &line));
    }
    found
}

fn let_through(handler: &Handler, line: &PamLine) -> Option<Finding> {
    (line.not_enrolled == NotEnrolled::Allow).then(|| Finding {
        level: Level::WayIn,
        id: "nullok",
        place: handler.place.to_string(),
        what: "Because of `nullok`, a user who is not enrolled logs in with the first factor alone (unless twinlock.toml has \
               not_enrolled)."
            .to_owned(),
        remedy: "See who is enrolled (`twinlock list`), enroll the others, then remove `nullok`.".to_owned(),
    })
}

/// Returns a finding if the twinlock line `handler` passes the password on, but the next line that asks for a password
/// has no option to use it. The module of that next line may then ask for the password a second time, and a client that
/// can answer only one prompt cannot log in. `behind` are the lines after `handler`.
fn asked_again(handler: &Handler, line: &PamLine, behind: &[Handler]) -> Option<Finding> {
    let (path, args) = behind.iter().find_map(|next| match &next.kind {
        StackKind::Module { path, args } => {
            let proof = !is_twinlock(path) && matches!(nature(path, args), Nature::Proof(_));
            proof.then_some((path, args))
        }
        StackKind::Substack | StackKind::Broken => None,
    })?;
    let takes = |arg: &String| ["use_first_pass", "try_first_pass"].contains(&arg.as_str());
    let forwards = line.forward == Forward::Password;
    (forwards && !args.iter().any(takes)).then(|| Finding {
        level: Level::Warning,
        id: "password-asked-again",
        place: handler.place.to_string(),
        what: format!(
            "This line passes the password on, but {} has no option to use it, and may ask again.",
            file_name(path)
        ),
        remedy: format!("Write use_first_pass after {}.", file_name(path)),
    })
}

/// Returns a finding if the line takes the password and the code in one field and ends the stack after a wrong code.
/// The password is then not checked, and an attacker can tell from the response time whether the code was correct.
fn told_apart(handler: &Handler, line: &PamLine) -> Option<Finding> {
    let one_field = line.forward == Forward::Password || line.first_pass != FirstPass::Ignored;
    let ends = handler.actions.on(PamCode::AUTH_ERR) == ControlAction::Die;
    (one_field && ends).then(|| Finding {
        level: Level::Warning,
        id: "code-told-apart",
        place: handler.place.to_string(),
        what: "A wrong code ends the stack before the password is checked, so the response time shows whether the code was \
               correct."
            .to_owned(),
        remedy: "Write `required` instead of `requisite` there.".to_owned(),
    })
}
