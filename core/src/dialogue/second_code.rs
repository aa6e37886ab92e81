//! Asks for a second, later code before any change, since the first one may have been observed.

use crate::{
    answer::{self, Answer},
    attempt::Outcome,
    dialogue::talk::{Judge, Stop, Talk},
    event::{Accepted, Reason},
    letter::LetterKind,
    message::{Message, change::Change},
    spend::LastCode,
};

/// A correct second code.
pub enum Second {
    /// It is used up.
    Used(Accepted),
    /// The last of a set; the change that it authorizes must use it up.
    Last(LastCode),
}

impl Second {
    /// Reports on screen and by mail that a backup code was used, and how many are left, once the change is in force.
    pub fn tell_used(&self, talk: &Talk<'_>) {
        let left = match *self {
            Self::Used(Accepted::BackupCode { left, .. }) => left,
            Self::Last(_) => Some(0),
            Self::Used(_) => return,
        };
        talk.write(LetterKind::BackupCodeUsed, left);
        let Some(left) = left else { return };
        let few = left <= talk.policy.backup_codes.warn_below;
        if few && left > 0 {
            talk.write(LetterKind::FewCodesLeft, Some(left));
        }
        let message =
            if few { Message::FewCodesLeft { left } } else { Message::CodesLeft { left } };
        talk.person().tell(&talk.login(&message));
    }
}

/// Asks for a second code.
///
/// # Errors
/// [`Stop`]; nothing may be changed then.
pub fn ask(talk: &Talk<'_>, first: &Change, judge: Judge<'_>) -> Result<Second, Stop> {
    let mut question = talk.change(first);
    let mut last = Reason::Stopped;
    for left in (0..talk.policy.tries).rev() {
        let (message, reason) = match answer::read(&talk.ask(&question)?) {
            Answer::Stop => return Err(Stop::Declined(Reason::Stopped)),
            // A voucher proves that an administrator helps, not that its bearer is the owner.
            Answer::Code(code) if !code.is_voucher() => match judge(&code) {
                Outcome::Granted(accepted) => return Ok(Second::Used(accepted)),
                Outcome::LastCode(last) => return Ok(Second::Last(last)),
                Outcome::Faulty(reason) => return Err(Stop::Broken(reason)),
                Outcome::HalfJudged(fault) => return Err(Stop::Broken(Reason::Codes(fault))),
                Outcome::Throttled { until, wait } => return Err(talk.throttled(until, wait)),
                Outcome::Locked => return Err(talk.locked()),
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
        question = talk.change(&message);
    }
    Err(Stop::Declined(last))
}
