//! Issues new backup codes. The codes are shown once. They become valid when the user types the last group of the last
//! code to confirm them.

use crate::{
    dialogue::context::{DialogueContext, DialogueError, no_entropy},
    event::Reason,
    message::new_codes::{Codes, NewCodes, Why},
    notify::notification::NotificationKind,
    record::{Record, SetId, code_set::Shape},
    verify::{code_match, generate},
};

/// Number of answers accepted for the last group of the last code.
const TRIES: u8 = 5;

/// A function that makes a new set of backup codes valid and the old set invalid in the same change of the record.
pub type PutInForce<'a> = &'a mut dyn FnMut(SetId) -> Result<(), DialogueError>;

/// Returns why the user is shown new backup codes: the reason that the record contains. Returns [`Why::None`] if the
/// record contains no reason, or if the user's own action made new codes necessary.
#[must_use]
pub fn why_owed(record: &Record) -> Why {
    match &record.extras.owed_codes {
        Some(owed) if owed.by == record.user => Why::None,
        Some(owed) if owed.at == record.since => Why::First,
        Some(owed) => Why::Given { by: owed.by.clone() },
        None => Why::None,
    }
}

/// Shows a new set of backup codes, asks the user to confirm it and makes it valid. Returns the number of codes.
///
/// # Errors
/// [`DialogueError`] if the set was not confirmed or could not be stored. The old codes are then unchanged, except that
/// after a fault of the store the new set may already be valid.
pub fn renew(
    context: &DialogueContext<'_>,
    why: Why,
    put_in_force: PutInForce<'_>,
) -> Result<u8, DialogueError> {
    let count = context.policy.backup_codes.count;
    let codes = generate::codes(count, context.ports.entropy).map_err(|_| no_entropy())?;
    let written = codes.iter().map(|code| code_match::written(code)).collect();
    let last = codes.last().ok_or(no_entropy())?;
    // Set-up sends its own mail.
    let is_told = matches!(why, Why::SetUp { .. });
    let mut question = context.new_codes(&NewCodes::Show { why, codes: Codes(written) });
    let mut empty = false;
    for left in (0..TRIES).rev() {
        let typed = context.ask_shown(&question)?;
        if code_match::is_shown(last, &typed) {
            let id = context.ports.codes.lay_down(context.folder, Shape::Letters20, &codes)?;
            if let Err(stop) = put_in_force(id) {
                let newest = context.ports.records.newest(context.account);
                let named = newest.map(|found| found.and_then(|found| found.record.codes));
                let refused = is_refusal(&stop);
                // A record may name the set in spite of the error: if the store failed, or if another process has built
                // upon the change.
                if refused && named.is_ok_and(|named| named != Some(id)) {
                    context.ports.codes.take_away(context.folder, id);
                }
                return Err(stop);
            }
            context.person().tell(&context.new_codes(&NewCodes::InForce { count }));
            if !is_told {
                context.write(NotificationKind::CodesRenewed, Some(count));
            }
            return Ok(count);
        }
        // A single empty answer may be a slip, and the codes may be written down already; only a second empty answer
        // cancels.
        let nothing = typed.text().trim().is_empty();
        if nothing && empty {
            break;
        }
        empty = nothing;
        question = context.new_codes(&if nothing {
            NewCodes::NothingTyped { count }
        } else {
            NewCodes::NotTheLast { left, count }
        });
    }
    Err(DialogueError::Declined(Reason::Unconfirmed))
}

/// Returns whether an error means that the change was refused as a whole, so that nothing was changed.
fn is_refusal(error: &DialogueError) -> bool {
    matches!(error, DialogueError::Declined(_) | DialogueError::Broken(Reason::RecordChanging))
}
