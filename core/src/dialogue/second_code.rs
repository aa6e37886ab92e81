//! A second, later code: what it takes to change anything, since one may have been looked at over a shoulder.

use crate::{
    answer::{self, Answer},
    attempt::Outcome,
    dialogue::talk::{Judge, Stop, Talk},
    event::Reason,
    message::change::Change,
    spend::LastCode,
};

/// A second code that was right.
pub enum Second {
    /// It is used up.
    Used,
    /// The last of a set: the change that it is for has to use it up.
    Last(LastCode),
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
            // A voucher shows that an administrator helps, and not that its bearer is the owner.
            Answer::Code(code) if !code.is_voucher() => match judge(&code) {
                Outcome::Granted(_) => return Ok(Second::Used),
                Outcome::LastCode(last) => return Ok(Second::Last(last)),
                Outcome::Faulty(reason) => return Err(Stop::Broken(reason)),
                Outcome::HalfJudged(fault) => return Err(Stop::Broken(Reason::Codes(fault))),
                Outcome::Throttled { until, wait } => return Err(talk.throttled(until, wait)),
                Outcome::Locked => return Err(talk.locked()),
                Outcome::Replayed { wait } | Outcome::BeforeEpoch { wait } => {
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
