//! Asks for a second code before any change, because an attacker may have seen the first code. A second code of an app
//! must be of a later time step than the first.

use crate::{
    answer::{self, Answer},
    dialogue::context::{DialogueContext, DialogueError, Judge},
    event::{Accepted, Reason},
    message::{Message, change::Change},
    notify::notification::NotificationKind,
    verify::{attempt::Outcome, code_set_verify::LastCode},
};

/// A correct second code, with which the user authorizes a change.
pub enum SecondCode {
    /// The code was accepted and is used up.
    Used(Accepted),
    /// The code is the last backup code of a set. The change that the code authorizes must also use up the code.
    Last(LastCode),
}

impl SecondCode {
    /// Tells the user on screen and by mail that a backup code was used, and how many are left. Call this after the
    /// change that the code authorized is committed.
    pub fn tell_used(&self, context: &DialogueContext<'_>) {
        let left = match *self {
            Self::Used(Accepted::BackupCode { left, .. }) => left,
            Self::Last(_) => Some(0),
            Self::Used(_) => return,
        };
        context.write(NotificationKind::BackupCodeUsed, left);
        let Some(left) = left else { return };
        let few = left <= context.policy.backup_codes.warn_below;
        if few && left > 0 {
            context.write(NotificationKind::FewCodesLeft, Some(left));
        }
        let message =
            if few { Message::FewCodesLeft { left } } else { Message::CodesLeft { left } };
        context.person().tell(&context.login(&message));
    }
}

/// Shows the message `first`, asks for a second code and verifies the code.
///
/// # Errors
/// [`DialogueError`] if no code was correct or a fault occurred. The caller must change nothing then.
pub fn ask(
    context: &DialogueContext<'_>,
    first: &Change,
    judge: Judge<'_>,
) -> Result<SecondCode, DialogueError> {
    let mut question = context.change(first);
    let mut last = Reason::Stopped;
    for left in (0..context.policy.tries).rev() {
        let (message, reason) = match answer::read(&context.ask(&question)?) {
            Answer::Stop => return Err(DialogueError::Declined(Reason::Stopped)),
            // A ticket or bypass code proves that an administrator helps, not that the owner of the account entered it.
            Answer::Code(code) if !code.is_voucher() => match judge(&code) {
                Outcome::Granted(accepted) => return Ok(SecondCode::Used(accepted)),
                Outcome::LastCode(last) => return Ok(SecondCode::Last(last)),
                Outcome::Faulty(reason) => return Err(DialogueError::Broken(reason)),
                Outcome::HalfJudged(fault) => {
                    return Err(DialogueError::Broken(Reason::Codes(fault)));
                }
                Outcome::Throttled { until, wait } => return Err(context.throttled(until, wait)),
                Outcome::Locked => return Err(context.locked()),
                Outcome::Replayed { wait }
                | Outcome::Repeated { wait }
                | Outcome::BeforeEpoch { wait, .. } => {
                    (Change::UsedSecond { wait }, Reason::Replayed)
                }
                Outcome::Wrong
                | Outcome::Spent
                | Outcome::ClockOff { .. }
                | Outcome::Ticket(_)
                | Outcome::NoBypass
                | Outcome::NoTicket => (Change::WrongSecond { left }, Reason::WrongCode),
            },
            Answer::Code(_) | Answer::Help | Answer::Other => (Change::NotACode, Reason::NotACode),
        };
        last = reason;
        question = context.change(&message);
    }
    Err(DialogueError::Declined(last))
}
