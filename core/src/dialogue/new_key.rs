//! Adds or replaces a key: verifies the new key first, then asks for a second code, and commits one change.

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
    ports::Snapshot,
    record::{Authenticator, Generation, Record, State},
};

/// The authenticator to replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Index in the record.
    pub place: usize,
    /// Its name, which the new key keeps.
    pub name: String,
    /// The generation of the record that it was chosen from.
    pub generation: Generation,
}

/// Shows a new key, verifies it, asks for a second code of the old key and replaces the old key; returns the
/// generation of the new record.
///
/// # Errors
/// [`Stop`]; the old key is unchanged then.
pub fn replace(talk: &Talk<'_>, place: &Place, judge: Judge<'_>) -> Result<Generation, Stop> {
    let proven = proving::prove(talk, &place.name)?;
    let second = second_code::ask(talk, &Change::SecondOfOld, judge)?;
    let generation = put(talk, (place.generation, &proven, &second), &mut |record, new, stamp| {
        enrolment::replace(record, (place.place, new), stamp)
    })?;
    talk.person().tell(&talk.change(&Change::Replaced { entry: talk.entry(&place.name) }));
    second.tell_used(talk);
    talk.write(LetterKind::KeyChanged, None);
    Ok(generation)
}

/// Shows a new key, verifies it, asks for a second code of another key and adds the new key; returns the generation
/// of the new record.
///
/// # Errors
/// [`Stop`]; nothing was added then.
pub fn add(
    talk: &Talk<'_>,
    generation: Generation,
    name: &str,
    judge: Judge<'_>,
) -> Result<Generation, Stop> {
    let proven = proving::prove(talk, name)?;
    let second = second_code::ask(talk, &Change::SecondOfOther, judge)?;
    let generation = put(talk, (generation, &proven, &second), &mut enrolment::add)?;
    talk.person().tell(&talk.change(&Change::Added));
    second.tell_used(talk);
    talk.write(LetterKind::KeyChanged, None);
    Ok(generation)
}

/// Removes one of several authenticators after a second code; returns the generation of the new record.
///
/// # Errors
/// [`Stop`]; nothing was removed then.
pub fn remove(talk: &Talk<'_>, place: &Place, judge: Judge<'_>) -> Result<Generation, Stop> {
    let first = Change::SecondToRemove { name: place.name.clone() };
    let second = second_code::ask(talk, &first, judge)?;
    let stamp = talk.stamp()?;
    change(talk.ports.records, talk.account, &mut |found| {
        let record = judged(talk, found, place.generation, &second, stamp)?;
        enrolment::without(record, place.place, stamp).ok_or(OVERTAKEN)
    })?;
    talk.person().tell(&talk.change(&Change::Removed { entry: talk.entry(&place.name) }));
    talk.write(LetterKind::KeyChanged, None);
    second.tell_used(talk);
    Ok(stamp.0)
}

/// Returns the record to change if it still has this generation; marks a last backup code in it as used.
fn judged(
    talk: &Talk<'_>,
    found: Option<Snapshot>,
    generation: Generation,
    second: &Second,
    stamp: Stamp,
) -> Result<Record, Stop> {
    let record = found.map(|found| found.record).ok_or(OVERTAKEN)?;
    if record.state != State::Active || record.generation != generation {
        return Err(OVERTAKEN);
    }
    match second {
        Second::Used(_) => Ok(record),
        // This change uses up the last code of a set and so owes the user a new set.
        Second::Last(last) if last.is_of(&record) => {
            Ok(enrolment::owing_codes(record, talk.own_trace(stamp.1), stamp))
        }
        Second::Last(_) => Err(OVERTAKEN),
    }
}

/// Builds the new record from the old one and the verified key.
type Make<'a> = &'a mut dyn FnMut(Record, Authenticator, Stamp) -> Option<Record>;

fn put(
    talk: &Talk<'_>,
    (generation, proven, second): (Generation, &Proven, &Second),
    make: Make<'_>,
) -> Result<Generation, Stop> {
    let stamp = talk.stamp()?;
    change(talk.ports.records, talk.account, &mut |found| {
        let record = judged(talk, found, generation, second, stamp)?;
        if !proving::is_pending(&record, &proven.authenticator.key) {
            return Err(OVERTAKEN);
        }
        let mut record = make(record, proven.authenticator.copied(), stamp).ok_or(OVERTAKEN)?;
        proven.mark_as_fresh(talk, &mut record);
        Ok(record)
    })?;
    Ok(stamp.0)
}
