//! Sorts the lines of an old PAM stack for a new stack: lines that the new stack keeps, and lines that it leaves out,
//! with the reason.
use crate::judge::case::Case;
use crate::pam::code::PamCode;
use crate::pam::control::ControlAction;
use crate::pam::modules::{ModuleAsks, file_name};
use crate::pam::stack::StackKind;
use crate::pam::table::{AssumedRole, Cast};

/// Lines of the old stack that neither call twinlock nor ask for a password, sorted by their place in the new stack.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    /// Lines that apply to every user and that refuse a login when they fail.
    pub first: Vec<String>,
    /// Lines that count a wrong password, such as `pam_faillock.so authfail`.
    pub on_failure: Vec<String>,
    /// Lines that reset the count of wrong passwords, such as `pam_faillock.so authsucc`.
    pub on_success: Vec<String>,
    /// Lines that the new stack leaves out: each reason, and the lines that it concerns, as `MODULE at FILE:LINE`.
    pub left_out: Vec<(&'static str, Vec<String>)>,
}

/// The list of [`Kept`] to which a line of the old stack goes.
enum KeptPlace {
    First,
    OnFailure,
    OnSuccess,
    LeftOut(&'static str),
    /// None of the lists of [`Kept`]. The new stack has a line of its own for the purpose, or the line has no effect.
    Anew,
}

impl Kept {
    pub(super) fn of(case: &Case<'_>) -> Self {
        let mut kept = Self::default();
        for (number, line) in case.table.cast.iter().enumerate() {
            let StackKind::Module { path, args } = &line.handler.kind else { continue };
            let (to, control) = match case.goes(number, line) {
                KeptPlace::Anew => continue,
                KeptPlace::LeftOut(why) => {
                    kept.leave_out(why, format!("{} at {}", file_name(path), line.handler.place));
                    continue;
                }
                KeptPlace::First => (&mut kept.first, must(line).unwrap_or("required")),
                KeptPlace::OnFailure => (&mut kept.on_failure, "[default=ignore]"),
                KeptPlace::OnSuccess => (&mut kept.on_success, "required"),
            };
            let words = args.iter().map(|arg| match arg.contains(' ') {
                true => format!(" [{arg}]"),
                false => format!(" {arg}"),
            });
            let text = format!("auth {control} {path}{}", words.collect::<String>());
            if !to.contains(&text) {
                to.push(text);
            }
        }
        kept
    }

    fn leave_out(&mut self, why: &'static str, line: String) {
        match self.left_out.iter_mut().find(|(other, _)| *other == why) {
            Some((_, lines)) => lines.push(line),
            None => self.left_out.push((why, vec![line])),
        }
    }

    /// Returns a text that names the lines that are left out, and the reasons; `None` if all lines are kept.
    pub(super) fn farewell(&self) -> Option<String> {
        let reason = |(why, lines): &(&str, Vec<String>)| format!("{} ({why})", lines.join(", "));
        let reasons: Vec<String> = self.left_out.iter().map(reason).collect();
        (!reasons.is_empty()).then(|| format!(". Left out: {}", reasons.join("; ")))
    }
}

impl Case<'_> {
    fn goes(&self, number: usize, line: &Cast) -> KeptPlace {
        let StackKind::Module { path, args } = &line.handler.kind else { return KeptPlace::Anew };
        let file = file_name(path);
        let says = |word: &str| file == "pam_faillock.so" && args.iter().any(|arg| arg == word);
        match &line.role {
            AssumedRole::Twinlock(_) | AssumedRole::Proof(_) | AssumedRole::Idle => KeptPlace::Anew,
            AssumedRole::Fixed(PamCode::MODULE_UNKNOWN) => KeptPlace::LeftOut("PAM cannot call it"),
            AssumedRole::Second(second) if second.asks == ModuleAsks::Code => {
                KeptPlace::LeftOut("it asks for a code of its own")
            }
            AssumedRole::Fixed(_) if ["pam_permit.so", "pam_deny.so"].contains(&file) => {
                KeptPlace::Anew
            }
            AssumedRole::Condition(_) if says("authfail") => self.counting(KeptPlace::OnFailure),
            AssumedRole::Condition(_) if says("authsucc") => self.counting(KeptPlace::OnSuccess),
            AssumedRole::Fixed(_) | AssumedRole::Condition(_) | AssumedRole::Second(_) => {
                match must(line) {
                    Some(_) if self.binds_all(number) => KeptPlace::First,
                    None if harmless(line) => KeptPlace::LeftOut("it refuses no login"),
                    Some(_) | None => KeptPlace::LeftOut(
                        "it applies only to some users: add it again where it is needed",
                    ),
                }
            }
        }
    }

    /// Returns the list for a line that counts wrong passwords or that resets their count. This is `place` if the new
    /// stack asks for a password, and otherwise [`KeptPlace::LeftOut`].
    fn counting(&self, place: KeptPlace) -> KeptPlace {
        match self.asks_password() {
            true => place,
            false => KeptPlace::LeftOut("no password is asked for"),
        }
    }

    /// Returns whether the line at index `number` applies to all users, which means that every successful login calls
    /// it. If no login can succeed, returns whether the line is before all lines that check a factor.
    fn binds_all(&self, number: usize) -> bool {
        let mut passing = self.table.rows.iter().filter(|row| row.passes()).peekable();
        if passing.peek().is_some() {
            return passing.all(|row| row.steps.iter().any(|step| step.line == number));
        }
        let factor = |line: &Cast| {
            matches!(
                line.role,
                AssumedRole::Twinlock(_) | AssumedRole::Proof(_) | AssumedRole::Second(_)
            )
        };
        !self.table.cast.iter().take(number).any(factor)
    }
}

/// Returns the control word, `required` or `requisite`, of a line whose failure refuses the login; `None` for other
/// lines.
fn must(line: &Cast) -> Option<&'static str> {
    match line.handler.actions.on(PamCode::AUTH_ERR) {
        ControlAction::Bad => Some("required"),
        ControlAction::Die => Some("requisite"),
        ControlAction::Ignore
        | ControlAction::Ok
        | ControlAction::Done
        | ControlAction::Reset
        | ControlAction::Jump(_) => None,
    }
    .filter(|_| line.handler.actions.on(PamCode::SUCCESS) == ControlAction::Ok)
}

/// Returns whether the line works like an `optional` line: a failure does not refuse the login, and a success does not
/// end the stack.
fn harmless(line: &Cast) -> bool {
    let on = |code| line.handler.actions.on(code);
    on(PamCode::AUTH_ERR) == ControlAction::Ignore
        && matches!(on(PamCode::SUCCESS), ControlAction::Ok | ControlAction::Ignore)
}
