//! A new key: in the place of an old one, or beside it. The new is proven first, then a second code asked for, and one
//! change does the rest.

use alloc::string::String;

use crate::{
    change::change,
    dialogue::{
        proving::{self, Proven},
        second_code::{self, Second},
        talk::{Judge, OVERTAKEN, Stop, Talk},
    },
    enrolment::{self, Stamp},
    letter::LetterKind,
    message::change::Change,
    record::{Authenticator, Generation, Record, State},
};

/// Which authenticator is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its place in the record.
    pub place: usize,
    /// The record that it was chosen by.
    pub generation: Generation,
}

/// Shows a new key, has it proven, asks for a second code of the old one, and puts it in the old one's place; the
/// generation of the record that says so.
///
/// # Errors
/// [`Stop`]; the old key is what it was then.
pub fn replace(talk: &Talk<'_>, place: &Place, judge: Judge<'_>) -> Result<Generation, Stop> {
    let proven = proving::prove(talk)?;
    let second = second_code::ask(talk, &Change::SecondOfOld, judge)?;
    let generation = put(talk, (place.generation, &proven, second), &mut |record, new, stamp| {
        enrolment::replace(record, (place.place, new), stamp)
    })?;
    talk.person().tell(&talk.change(&Change::Replaced));
    talk.write(LetterKind::KeyChanged, None);
    Ok(generation)
}

/// Shows a new key, has it proven, asks for a second code of another one, and puts it beside the others; the generation
/// of the record that says so.
///
/// # Errors
/// [`Stop`]; nothing was added then.
pub fn add(
    talk: &Talk<'_>,
    (generation, name): (Generation, String),
    judge: Judge<'_>,
) -> Result<Generation, Stop> {
    let mut proven = proving::prove(talk)?;
    proven.authenticator.name = name;
    let second = second_code::ask(talk, &Change::SecondOfOther, judge)?;
    let generation = put(talk, (generation, &proven, second), &mut enrolment::add)?;
    talk.person().tell(&talk.change(&Change::Added));
    talk.write(LetterKind::KeyChanged, None);
    Ok(generation)
}

/// What a proven key makes of a record.
type Make<'a> = &'a mut dyn FnMut(Record, Authenticator, Stamp) -> Option<Record>;

fn put(
    talk: &Talk<'_>,
    (generation, proven, second): (Generation, &Proven, Second),
    make: Make<'_>,
) -> Result<Generation, Stop> {
    let stamp = talk.stamp()?;
    change(talk.ports.records, talk.account, &mut |found| {
        let record = found.map(|found| found.record).ok_or(OVERTAKEN)?;
        if record.state != State::Active
            || record.generation != generation
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
        make(record, proven.authenticator.copied(), stamp).ok_or(OVERTAKEN)
    })?;
    Ok(stamp.0)
}
