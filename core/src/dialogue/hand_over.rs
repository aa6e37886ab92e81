//! Replaces a key that others have seen: tells the user who has seen it; the user replaces it or postpones this a few
//! times.

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

/// The result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOver {
    /// The old key was replaced; the new generation of the record.
    Replaced(Generation),
    /// The replacement was postponed.
    PutOff,
}

/// Tells the user who has seen the key, and replaces it.
///
/// # Errors
/// [`Stop`]; access is denied then, and the old key still works.
pub fn hand_over(
    talk: &Talk<'_>,
    (place, seen): (&Place, &Seen),
    judge: Judge<'_>,
) -> Result<HandOver, Stop> {
    let left = talk.policy.handover_logins.saturating_sub(seen.postponed);
    let told = Change::Seen { by: seen.trace.by.clone(), at: seen.trace.at, left };
    let mut question = talk.change(&told);
    for _ in 0..talk.policy.tries {
        // A program that cannot show the question counts as a postponement.
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

/// Counts a postponement durably before access is granted: otherwise, an attacker who fills the disk could use a
/// disclosed key for ever.
///
/// # Errors
/// [`Stop`] if the limit is reached or the record cannot be written.
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
