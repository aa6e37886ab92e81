//! New backup codes: shown once, confirmed by the last group of the last one, and only then in force.

use crate::{
    backup_code,
    code_set::Shape,
    dialogue::talk::{Stop, Talk, no_entropy},
    draw,
    event::Reason,
    letter::LetterKind,
    message::new_codes::{Codes, NewCodes, Why},
    record::{Record, SetId},
};

/// Number of answers accepted for the last group.
const TRIES: u8 = 5;

/// Puts a set in force and invalidates the old one in the same change.
pub type PutInForce<'a> = &'a mut dyn FnMut(SetId) -> Result<(), Stop>;

/// Returns why codes are shown: the record owes them, or the user has used the last one.
#[must_use]
pub fn why_owed(record: &Record) -> Why {
    match &record.beside.owed_codes {
        Some(owed) if owed.by == record.user => Why::None,
        Some(owed) if owed.at == record.since => Why::First,
        Some(owed) => Why::Given { by: owed.by.clone() },
        None => Why::None,
    }
}

/// Shows a new set, has it confirmed and puts it in force; returns the number of codes.
///
/// # Errors
/// [`Stop`]; the old codes are unchanged then.
pub fn renew(talk: &Talk<'_>, why: Why, put_in_force: PutInForce<'_>) -> Result<u8, Stop> {
    let count = talk.policy.backup_codes.count;
    let codes = draw::codes(count, talk.ports.entropy).map_err(|_| no_entropy())?;
    let written = codes.iter().map(|code| backup_code::written(code)).collect();
    let last = codes.last().ok_or(no_entropy())?;
    // Set-up sends its own mail.
    let is_told = matches!(why, Why::SetUp { .. });
    let mut question = talk.new_codes(&NewCodes::Show { why, codes: Codes(written) });
    let mut empty = false;
    for left in (0..TRIES).rev() {
        let typed = talk.ask_shown(&question)?;
        if backup_code::is_shown(last, &typed) {
            let id = talk.ports.codes.lay_down(talk.folder, Shape::Letters20, &codes)?;
            if let Err(stop) = put_in_force(id) {
                let newest = talk.ports.records.newest(talk.account);
                let named = newest.map(|found| found.and_then(|found| found.record.codes));
                let refused =
                    matches!(stop, Stop::Declined(_) | Stop::Broken(Reason::RecordChanging));
                // If the store failed, or another process has built upon the change, a record names the set.
                if refused && named.is_ok_and(|named| named != Some(id)) {
                    talk.ports.codes.take_away(talk.folder, id);
                }
                return Err(stop);
            }
            talk.person().tell(&talk.new_codes(&NewCodes::InForce { count }));
            if !is_told {
                talk.write(LetterKind::CodesRenewed, Some(count));
            }
            return Ok(count);
        }
        // A single empty answer may be a slip, and the codes may be written down already; only the second one
        // cancels.
        let nothing = typed.text().trim().is_empty();
        if nothing && empty {
            break;
        }
        empty = nothing;
        question = talk.new_codes(&if nothing {
            NewCodes::NothingTyped { count }
        } else {
            NewCodes::NotTheLast { left, count }
        });
    }
    Err(Stop::Declined(Reason::Unconfirmed))
}
