//! Adds or replaces a key: verifies the new key first, then asks for a second code, and commits one change.

use alloc::string::String;

use crate::{
    dialogue::{
        context::{DialogueContext, DialogueError, Judge, OVERTAKEN},
        proving::{self, ProvenKey},
        second_code::{self, Second},
    },
    message::change::Change,
    notify::notification::NotificationKind,
    ports::Snapshot,
    record::{
        Authenticator, Generation, Record, State,
        enrollment::{self, ChangeStamp},
    },
    verify::record_update::change,
};

/// The authenticator to replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySlot {
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
/// [`DialogueError`]; the old key is unchanged then.
pub fn replace(
    context: &DialogueContext<'_>,
    place: &KeySlot,
    judge: Judge<'_>,
) -> Result<Generation, DialogueError> {
    let proven = proving::prove(context, &place.name)?;
    let second = second_code::ask(context, &Change::SecondOfOld, judge)?;
    let generation =
        put(context, place.generation, &proven, &second, &mut |record, new, stamp| {
            enrollment::replace(record, place.place, new, stamp)
        })?;
    context.person().tell(&context.change(&Change::Replaced { entry: context.entry(&place.name) }));
    second.tell_used(context);
    context.write(NotificationKind::KeyChanged, None);
    Ok(generation)
}

/// Shows a new key, verifies it, asks for a second code of another key and adds the new key; returns the generation
/// of the new record.
///
/// # Errors
/// [`DialogueError`]; nothing was added then.
pub fn add(
    context: &DialogueContext<'_>,
    generation: Generation,
    name: &str,
    judge: Judge<'_>,
) -> Result<Generation, DialogueError> {
    let proven = proving::prove(context, name)?;
    let second = second_code::ask(context, &Change::SecondOfOther, judge)?;
    let generation = put(context, generation, &proven, &second, &mut enrollment::add)?;
    context.person().tell(&context.change(&Change::Added));
    second.tell_used(context);
    context.write(NotificationKind::KeyChanged, None);
    Ok(generation)
}

/// Removes one of several authenticators after a second code; returns the generation of the new record.
///
/// # Errors
/// [`DialogueError`]; nothing was removed then.
pub fn remove(
    context: &DialogueContext<'_>,
    place: &KeySlot,
    judge: Judge<'_>,
) -> Result<Generation, DialogueError> {
    let first = Change::SecondToRemove { name: place.name.clone() };
    let second = second_code::ask(context, &first, judge)?;
    let stamp = context.stamp()?;
    change(context.ports.records, context.account, &mut |found| {
        let record = judged(context, found, place.generation, &second, stamp)?;
        enrollment::without(record, place.place, stamp).ok_or(OVERTAKEN)
    })?;
    context.person().tell(&context.change(&Change::Removed { entry: context.entry(&place.name) }));
    context.write(NotificationKind::KeyChanged, None);
    second.tell_used(context);
    Ok(stamp.generation)
}

/// Returns the record to change if it still has this generation; marks a last backup code in it as used.
fn judged(
    context: &DialogueContext<'_>,
    found: Option<Snapshot>,
    generation: Generation,
    second: &Second,
    stamp: ChangeStamp,
) -> Result<Record, DialogueError> {
    let record = found.map(|found| found.record).ok_or(OVERTAKEN)?;
    if record.state != State::Active || record.generation != generation {
        return Err(OVERTAKEN);
    }
    match second {
        Second::Used(_) => Ok(record),
        // This change uses up the last code of a set and so owes the user a new set.
        Second::Last(last) if last.is_of(&record) => {
            Ok(enrollment::owing_codes(record, context.own_audit(stamp.at), stamp))
        }
        Second::Last(_) => Err(OVERTAKEN),
    }
}

/// Builds the new record from the old one and the verified key.
type Make<'a> = &'a mut dyn FnMut(Record, Authenticator, ChangeStamp) -> Option<Record>;

fn put(
    context: &DialogueContext<'_>,
    generation: Generation,
    proven: &ProvenKey,
    second: &Second,
    make: Make<'_>,
) -> Result<Generation, DialogueError> {
    let stamp = context.stamp()?;
    change(context.ports.records, context.account, &mut |found| {
        let record = judged(context, found, generation, second, stamp)?;
        if !proving::is_pending(&record, &proven.authenticator.key) {
            return Err(OVERTAKEN);
        }
        let mut record = make(record, proven.authenticator.copied(), stamp).ok_or(OVERTAKEN)?;
        proven.mark_as_fresh(context, &mut record);
        Ok(record)
    })?;
    Ok(stamp.generation)
}
