//! Replaces a key that another user has seen. The owner is told who has seen it, and may postpone the replacement a few
//! times.

use crate::{
    dialogue::{
        context::{DialogueContext, DialogueError, Judge, OVERTAKEN},
        new_key::{self, KeySlot},
    },
    event::Reason,
    message::{change::Change, set_up::is_begin},
    record::{Generation, Record, extras::KeyDisclosure},
    verify::record_update::change,
};

/// What happened to a key that another user has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOver {
    /// The user replaced the key. Holds the generation (id of the new state) of the record.
    Replaced(Generation),
    /// The user postponed the replacement.
    PutOff,
}

/// Tells the owner of the key who else has seen it, and replaces the key or counts a postponement.
///
/// # Errors
/// [`DialogueError`] if the key could not be replaced and no postponement could be counted. Access is denied then, and
/// the old key still works.
pub fn hand_over(
    context: &DialogueContext<'_>,
    place: &KeySlot,
    seen: &KeyDisclosure,
    judge: Judge<'_>,
) -> Result<HandOver, DialogueError> {
    let left = context.policy.handover_logins.saturating_sub(seen.postponed);
    let told = Change::Seen { by: seen.audit.by.clone(), at: seen.audit.at, left };
    let mut question = context.change(&told);
    for _ in 0..context.policy.tries {
        // If a program cannot show the question, this counts as a postponement.
        let Ok(typed) = context.ask_shown(&question) else { break };
        if is_begin(typed.text()) {
            let replaced = new_key::replace(context, place, judge);
            if matches!(replaced, Err(DialogueError::Declined(reason)) if reason != Reason::RecordChanging)
            {
                context.leave_word(context.change(&Change::OldKeyStays));
            }
            return replaced.map(HandOver::Replaced);
        }
        if typed.text().trim().is_empty() {
            break;
        }
        question = context.change(&Change::SeenAgain { left });
    }
    if left == 0 {
        return Err(DialogueError::Declined(Reason::NotHandedOver));
    }
    put_off(context, place, seen)?;
    Ok(HandOver::PutOff)
}

/// Counts a postponement durably before access is granted. Otherwise, an attacker who fills the disk could postpone the
/// replacement of a disclosed key without limit.
///
/// # Errors
/// [`DialogueError`] if the limit is reached or the record cannot be written.
pub fn put_off(
    context: &DialogueContext<'_>,
    place: &KeySlot,
    seen: &KeyDisclosure,
) -> Result<(), DialogueError> {
    Ok(change(context.ports.records, context.account, &mut |found| {
        let mut record = found.map(|found| found.record).ok_or(OVERTAKEN)?;
        let counted = seen_at(&mut record, place).filter(|now| now.audit == seen.audit);
        let counted = counted.ok_or(OVERTAKEN)?;
        if counted.postponed >= context.policy.handover_logins {
            return Err(DialogueError::Declined(Reason::NotHandedOver));
        }
        counted.postponed = counted.postponed.saturating_add(1);
        Ok(record)
    })?)
}

fn seen_at<'a>(record: &'a mut Record, place: &KeySlot) -> Option<&'a mut KeyDisclosure> {
    let is_same = record.generation == place.generation;
    let found = record.authenticators.get_mut(place.place).filter(|_| is_same)?;
    found.seen.as_mut()
}
