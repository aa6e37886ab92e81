//! A new key in the place of an old one: the new is proven first, then the old dropped, in one change.

use crate::{
    change::change,
    dialogue::{
        proving::{self, Proven},
        second_code::{self, Second},
        talk::{Judge, OVERTAKEN, Stop, Talk},
    },
    enrolment,
    letter::LetterKind,
    message::change::Change,
    record::{Generation, State},
};

/// Which authenticator is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its place in the record.
    pub place: usize,
    /// The record that it was chosen by.
    pub generation: Generation,
}

/// Shows a new key, has it proven, asks for a second code of the old one, and puts it in the old one's place.
///
/// # Errors
/// [`Stop`]; the old key is what it was then.
pub fn replace(talk: &Talk<'_>, place: &Place, judge: Judge<'_>) -> Result<(), Stop> {
    let proven = proving::prove(talk)?;
    let second = second_code::ask(talk, &Change::SecondOfOld, judge)?;
    put(talk, place, (&proven, second))?;
    talk.person().tell(&talk.change(&Change::Replaced));
    talk.write(LetterKind::KeyChanged, None);
    Ok(())
}

fn put(talk: &Talk<'_>, place: &Place, (proven, second): (&Proven, Second)) -> Result<(), Stop> {
    let stamp = talk.stamp()?;
    Ok(change(talk.ports.records, talk.account, &mut |found| {
        let record = found.map(|found| found.record).ok_or(OVERTAKEN)?;
        if record.state != State::Active
            || record.generation != place.generation
            || !proving::is_pending(&record, &proven.authenticator.key)
        {
            return Err(OVERTAKEN);
        }
        let record = match second {
            Second::Used => record,
            // The last code of a set is used up by this change, which promises another set.
            Second::Last(last) if last.is_of(&record) => {
                enrolment::owing_codes(record, talk.own_trace(stamp.1), stamp)
            }
            Second::Last(_) => return Err(OVERTAKEN),
        };
        let new = proven.authenticator.copied();
        enrolment::replace(record, (place.place, new), stamp).ok_or(OVERTAKEN)
    })?)
}
