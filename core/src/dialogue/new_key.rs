//! Adds, replaces or removes a key. A new key is verified first, then a second code is asked for, and one change is
//! committed.

use alloc::string::String;

use crate::{
    dialogue::{
        context::{DialogueContext, DialogueError, Judge, OVERTAKEN},
        proving::{self, ProvenKey},
        second_code::{self, SecondCode},
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

/// An authenticator in a record, to be replaced or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySlot {
    /// Index of the authenticator in the record, from 0.
    pub place: usize,
    /// Name of the authenticator. A key that replaces the old one keeps the name.
    pub name: String,
    /// Generation (id of its state) of the record from which the authenticator was chosen.
    pub generation: Generation,
}

/// Shows a new key, verifies it, asks for a second code of the old key and replaces the old key. Returns the generation
/// (id of its state) of the new record.
///
/// # Errors
/// [`DialogueError`] if the key was not replaced. The old key is unchanged then.
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

/// Shows a new key, verifies it, asks for a second code of a key that the record has and adds the new key. Returns the
/// generation (id of its state) of the new record.
///
/// # Errors
/// [`DialogueError`] if the key was not added.
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

/// Asks for a second code and removes one of several authenticators. Returns the generation (id of its state) of the
/// new record.
///
/// # Errors
/// [`DialogueError`] if the authenticator was not removed.
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

/// Returns the record to change; an error if `found` is `None`, is not enrolled, or has changed since the change was
/// decided. If the second code was the last backup code, notes in the record that the user must be shown new ones.
fn judged(
    context: &DialogueContext<'_>,
    found: Option<Snapshot>,
    generation: Generation,
    second: &SecondCode,
    stamp: ChangeStamp,
) -> Result<Record, DialogueError> {
    let record = found.map(|found| found.record).ok_or(OVERTAKEN)?;
    if record.state != State::Active || record.generation != generation {
        return Err(OVERTAKEN);
    }
    match second {
        SecondCode::Used(_) => Ok(record),
        // This change uses up the last code of a set, so new backup codes are due to the user.
        SecondCode::Last(last) if last.is_of(&record) => {
            Ok(enrollment::owing_codes(record, context.own_audit(stamp.at), stamp))
        }
        SecondCode::Last(_) => Err(OVERTAKEN),
    }
}

/// A function that builds the new record from the old record and the verified key. It returns `None` if the key is in
/// the record already or the record is full.
type Make<'a> = &'a mut dyn FnMut(Record, Authenticator, ChangeStamp) -> Option<Record>;

fn put(
    context: &DialogueContext<'_>,
    generation: Generation,
    proven: &ProvenKey,
    second: &SecondCode,
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
