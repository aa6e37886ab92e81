//! A key that somebody else has seen: its owner is told by whom, and replaces it, or puts that off a few times.

use crate::{
    beside::Seen,
    change::change,
    dialogue::{
        new_key::{self, Place},
        talk::{Judge, OVERTAKEN, Stop, Talk},
    },
    event::Reason,
    message::{change::Change, set_up::is_begin},
    record::{Generation, Record},
};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOver {
    /// The old key works no more; the record that says so.
    Replaced(Generation),
    /// It was put off once more.
    PutOff,
}

/// Tells who has seen the key, and has it replaced.
///
/// # Errors
/// [`Stop`]; nobody gets in then, and the old key still works.
pub fn hand_over(
    talk: &Talk<'_>,
    (place, seen): (&Place, &Seen),
    judge: Judge<'_>,
) -> Result<HandOver, Stop> {
    let left = talk.policy.handover_logins.saturating_sub(seen.postponed);
    let told = Change::Seen { by: seen.trace.by.clone(), at: seen.trace.at, left };
    let mut question = talk.change(&told);
    for _ in 0..talk.policy.tries {
        // A program that cannot deliver the question puts it off, as its user would have to.
        let Ok(typed) = talk.ask_shown(&question) else { break };
        if is_begin(typed.text()) {
            let replaced = new_key::replace(talk, place, judge);
            if matches!(replaced, Err(Stop::Declined(reason)) if reason != Reason::RecordChanging) {
                talk.leave_word(talk.change(&Change::OldKeyStays));
            }
            return replaced.map(HandOver::Replaced);
        }
        if typed.text().trim().is_empty() {
            break;
        }
        question = talk.change(&Change::SeenAgain { left });
    }
    if left == 0 {
        return Err(Stop::Declined(Reason::NotHandedOver));
    }
    put_off(talk, place, seen)?;
    Ok(HandOver::PutOff)
}

/// Counts durably, before anybody gets in, that a change was put off: else whoever fills the disk has a seen key for ever.
///
/// # Errors
/// [`Stop`] where it was put off as often as the settings allow, or the record cannot be written.
pub fn put_off(talk: &Talk<'_>, place: &Place, seen: &Seen) -> Result<(), Stop> {
    Ok(change(talk.ports.records, talk.account, &mut |found| {
        let mut record = found.map(|found| found.record).ok_or(OVERTAKEN)?;
        let counted = seen_at(&mut record, place).filter(|now| now.trace == seen.trace);
        let counted = counted.ok_or(OVERTAKEN)?;
        if counted.postponed >= talk.policy.handover_logins {
            return Err(Stop::Declined(Reason::NotHandedOver));
        }
        counted.postponed = counted.postponed.saturating_add(1);
        Ok(record)
    })?)
}

fn seen_at<'a>(record: &'a mut Record, place: &Place) -> Option<&'a mut Seen> {
    let is_same = record.generation == place.generation;
    let found = record.authenticators.get_mut(place.place).filter(|_| is_same)?;
    found.seen.as_mut()
}
