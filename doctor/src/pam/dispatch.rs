//! Models how libpam runs a stack: which lines are called, and the result.
use crate::pam::code::PamCode;
use crate::pam::control::ControlAction;
use crate::pam::libpam::Libpam;
use crate::pam::stack::{DEEPEST, Handler, StackKind};

/// Result of the stack so far, after the lines that have been called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Impression {
    /// No line has set a result.
    Undecided,
    /// Success, which a later line can turn into a failure.
    Positive,
    /// Failure, which only the action `reset` can remove.
    Negative,
}

/// One call of a module while a stack runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackStep {
    /// Index of the called line in the flattened stack, from 0.
    pub line: usize,
    /// Result of the stack before the call.
    pub before: Impression,
    /// Return code of the module.
    pub returned: PamCode,
}

/// Result of running a stack once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackOutcome {
    /// The code that libpam returns to the program.
    pub code: PamCode,
    /// The calls of modules, in order.
    pub steps: Vec<StackStep>,
}

#[derive(Clone, Copy)]
struct DispatchState {
    impression: Impression,
    status: PamCode,
}

const START: DispatchState =
    DispatchState { impression: Impression::Undecided, status: PamCode::PERM_DENIED };

enum Next {
    Line,
    Skip(u32),
    End,
}

/// The return codes of a line when pam_setcred calls its module: the code of this call, and the code in the login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answered {
    /// Return code of the present call.
    pub returned: PamCode,
    /// Return code that the line had in the login. libpam applies the control field to this code. `None` if libpam does
    /// not know the code; libpam then applies the control field to the return code of the present call.
    pub before: Option<PamCode>,
}

/// Runs a stack for pam_authenticate. `answer` returns the return code of the module of a line.
pub fn dispatch(stack: &[Handler], answer: &mut dyn FnMut(&Handler) -> PamCode) -> StackOutcome {
    run(stack, Libpam::Debian, &mut |number| {
        let returned = stack.get(number).map_or(PamCode::PERM_DENIED, &mut *answer);
        Answered { returned, before: None }
    })
}

/// Runs a stack for pam_setcred. `answer` returns the return codes of the line at an index. [`Libpam::Unknown`] is
/// treated as Debian's.
pub fn dispatch_credentials(
    stack: &[Handler],
    libpam: Libpam,
    answer: &mut dyn FnMut(usize) -> Answered,
) -> StackOutcome {
    run(stack, libpam, answer)
}

fn run(
    stack: &[Handler],
    libpam: Libpam,
    answer: &mut dyn FnMut(usize) -> Answered,
) -> StackOutcome {
    let mut steps = Vec::new();
    let mut state = START;
    let mut entered = [START; DEEPEST + 1];
    let mut previous_level = 0;
    let mut line = 0;
    while let Some(handler) = stack.get(line) {
        let level = handler.level;
        if previous_level < level
            && let Some(slot) = entered.get_mut(level)
        {
            *slot = state;
        }
        previous_level = level;
        let Answered { returned, before: known } = match handler.kind {
            StackKind::Substack => {
                line += 1;
                continue;
            }
            StackKind::Broken => Answered { returned: PamCode::PERM_DENIED, before: None },
            StackKind::Module { .. } => answer(line),
        };
        let before = state.impression;
        steps.push(StackStep { line, before, returned });
        if returned == PamCode::INCOMPLETE {
            return StackOutcome { code: returned, steps };
        }
        let origin = entered.get(level).copied().unwrap_or(START);
        let action = handler.actions.on(known.unwrap_or(returned));
        let counts = returned != PamCode::IGNORE || known.is_none_or(|code| code == returned);
        if counts && libpam == Libpam::Original && matches!(action, ControlAction::Jump(_)) {
            state.agree(returned);
        }
        let next = match counts || !matches!(action, ControlAction::Ok | ControlAction::Done) {
            true => state.hear(action, returned, origin),
            false => state.go_on(action),
        };
        line = state.follow(next, stack, line) + 1;
    }
    let code = state.result();
    StackOutcome { code, steps }
}

impl DispatchState {
    fn hear(&mut self, action: ControlAction, returned: PamCode, origin: Self) -> Next {
        match action {
            ControlAction::Ignore => Next::Line,
            ControlAction::Reset => {
                *self = origin;
                Next::Line
            }
            ControlAction::Ok | ControlAction::Done => {
                self.agree(returned);
                self.go_on(action)
            }
            ControlAction::Bad => {
                self.refuse(returned);
                Next::Line
            }
            ControlAction::Die => {
                self.refuse(returned);
                Next::End
            }
            ControlAction::Jump(count) => Next::Skip(count),
        }
    }

    /// Returns [`Next::End`] if the action is `done` and the result is success; otherwise [`Next::Line`].
    fn go_on(self, action: ControlAction) -> Next {
        let ends = action == ControlAction::Done && self.impression == Impression::Positive;
        if ends { Next::End } else { Next::Line }
    }

    /// Sets the result to success, unless it is a failure. libpam later returns the first code other than `SUCCESS`
    /// that a line with the action `ok` or `done` has returned.
    fn agree(&mut self, returned: PamCode) {
        let open = match self.impression {
            Impression::Undecided => true,
            Impression::Positive => self.status == PamCode::SUCCESS,
            Impression::Negative => false,
        };
        if open {
            self.impression = Impression::Positive;
            self.status = returned;
        }
    }

    fn refuse(&mut self, returned: PamCode) {
        if self.impression != Impression::Negative {
            self.impression = Impression::Negative;
            self.status = if returned == PamCode::IGNORE { PamCode::PERM_DENIED } else { returned };
        }
    }

    /// Applies what a control field says about the next line to call: the next one, a jump, or the end. Returns the
    /// index of the last line that is skipped, or `line` if none is skipped. If a jump would lead beyond the end of the
    /// stack of `line`, sets the result to failure.
    fn follow(&mut self, next: Next, stack: &[Handler], line: usize) -> usize {
        match next {
            Next::Line => line,
            Next::End => last_of_stack(stack, line),
            Next::Skip(count) => {
                let (landed, left) = skip(stack, line, count);
                if left > 0 {
                    self.impression = Impression::Negative;
                    self.status = PamCode::PERM_DENIED;
                }
                landed
            }
        }
    }

    /// Returns the code that the program receives. libpam returns success only if a module has succeeded.
    fn result(self) -> PamCode {
        if self.status == PamCode::SUCCESS && self.impression != Impression::Positive {
            return PamCode::PERM_DENIED;
        }
        self.status
    }
}

fn level(stack: &[Handler], line: usize) -> Option<usize> {
    stack.get(line).map(|handler| handler.level)
}

fn last_of_stack(stack: &[Handler], mut line: usize) -> usize {
    let own = level(stack, line);
    while level(stack, line + 1).is_some() && level(stack, line + 1) >= own {
        line += 1;
    }
    line
}

/// Skips `count` lines after `line`; a substack counts as one line. Returns the index of the last skipped line, and the
/// number of lines that the stack was too short for.
fn skip(stack: &[Handler], mut line: usize, mut count: u32) -> (usize, u32) {
    let own = level(stack, line);
    while count > 0 && level(stack, line + 1).is_some() && level(stack, line + 1) >= own {
        line += 1;
        while level(stack, line + 1) > own {
            line += 1;
        }
        count -= 1;
    }
    (line, count)
}

#[cfg(test)]
mod tests {
    use super::super::load::tests::{FileTexts, auth_stack};
    use super::*;

    /// Runs the stack of a PAM file with the text `lines`. Each module in it has the name of the code that it returns.
    /// Returns the final code and the indexes of the called lines.
    fn result(lines: &str) -> (PamCode, Vec<usize>) {
        let mut tree = FileTexts::new();
        tree.insert("/etc/pam.d/t".into(), lines.into());
        tree.insert(
            "/etc/pam.d/inner".into(),
            "auth sufficient success\nauth required auth_err\n".into(),
        );
        tree.insert(
            "/etc/pam.d/no".into(),
            "auth requisite auth_err\nauth required success\n".into(),
        );
        let stack = auth_stack(&tree, "t");
        let outcome = dispatch(&stack, &mut |handler| match &handler.kind {
            StackKind::Module { path, .. } => PamCode::from_name(path).unwrap(),
            StackKind::Broken | StackKind::Substack => panic!("not a module"),
        });
        (outcome.code, outcome.steps.iter().map(|step| step.line).collect())
    }

    #[test]
    fn a_jump_is_no_yes() {
        assert_eq!(
            result("auth [success=1 default=ignore] success\nauth required auth_err\n").0,
            PamCode::PERM_DENIED
        );
        assert_eq!(
            result("auth [success=1 default=die] success\nauth required auth_err\nauth required ignore\n").0,
            PamCode::PERM_DENIED
        );
    }

    #[test]
    fn a_jump_past_the_end_refuses_even_after_a_yes() {
        assert_eq!(
            result("auth required success\nauth [success=2] success\nauth required success\n").0,
            PamCode::PERM_DENIED
        );
    }

    #[test]
    fn a_jump_takes_a_substack_as_one_line_and_an_include_as_its_lines() {
        let over = "auth [success=1] success\nauth substack no\nauth required success\n";
        assert_eq!(result(over), (PamCode::SUCCESS, vec![0, 4]));
        let into = over.replace("substack", "include");
        assert_eq!(result(&into), (PamCode::SUCCESS, vec![0, 2, 3]));
    }

    #[test]
    fn done_and_die_end_a_substack_only_but_an_include_whole() {
        assert_eq!(
            result("auth substack inner\nauth required maxtries\n").0,
            PamCode::from_name("maxtries").unwrap()
        );
        assert_eq!(result("auth include inner\nauth required maxtries\n").0, PamCode::SUCCESS);
        assert_eq!(
            result("auth substack no\nauth required success\n"),
            (PamCode::AUTH_ERR, vec![1, 3])
        );
    }

    #[test]
    fn reset_returns_to_the_beginning_of_its_stack() {
        assert_eq!(
            result("auth required auth_err\nauth [default=reset] success\nauth required success\n")
                .0,
            PamCode::SUCCESS
        );
    }

    #[test]
    fn sufficient_after_a_no_does_not_end_the_stack() {
        assert_eq!(
            result("auth required auth_err\nauth sufficient success\nauth required success\n"),
            (PamCode::AUTH_ERR, vec![0, 1, 2])
        );
    }

    #[test]
    fn the_first_yes_that_is_no_success_stays() {
        assert_eq!(
            result("auth required new_authtok_reqd\nauth required success\n").0,
            PamCode::NEW_AUTHTOK_REQD
        );
    }
}
