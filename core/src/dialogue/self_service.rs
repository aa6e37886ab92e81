//! Changes that a user can make after a correct code: get new backup codes, or add, replace or remove an authenticator.
//! Each change needs a second code.

use crate::{
    dialogue::{
        context::{DialogueContext, DialogueError, Judge, OVERTAKEN},
        new_codes,
        new_key::{self, KeySlot},
        second_code::{self, SecondCode},
    },
    message::{
        change::{Change, Fate},
        new_codes::Why,
    },
    otp::otpauth,
    record::{
        Generation, Record, SetId, State,
        enrollment::{self, ChangeStamp},
    },
    verify::record_update::change,
};

/// The change that the user has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// The user has changed nothing.
    Nothing,
    /// New backup codes are valid. Holds the generation (id of its state) of the new record.
    Codes(Generation),
    /// An authenticator was added, replaced or removed. Holds the generation (id of its state) of the new record.
    Key(Generation),
}

/// Shows the menu of changes and runs the one that the user chooses.
///
/// # Errors
/// [`DialogueError`] if the change failed. Nothing was changed then.
pub fn serve(
    context: &DialogueContext<'_>,
    record: &Record,
    judge: Judge<'_>,
) -> Result<Served, DialogueError> {
    let changed = record.extras.changed.unwrap_or(record.since);
    let authenticators = record.authenticators.len();
    let menu = context.change(&Change::Menu { changed, authenticators });
    let mut question = menu.clone();
    for _ in 0..context.policy.tries {
        match (context.ask_shown(&question)?.text().trim(), authenticators > 1) {
            ("1", _) => return codes(context, record, judge),
            ("2", _) => return key(context, record, judge),
            ("3", _) => return one_more(context, record, judge),
            ("4", true) => return remove(context, record, judge),
            ("" | "4" | "5", _) => return Ok(Served::Nothing),
            _ => question = alloc::format!("{}{menu}", context.change(&Change::NoSuchChoice)),
        }
    }
    Ok(Served::Nothing)
}

/// Asks for a second code and issues new backup codes.
///
/// # Errors
/// [`DialogueError`] if the new codes are not valid. The old codes still work then, except one that was used as the
/// second code.
pub fn codes(
    context: &DialogueContext<'_>,
    record: &Record,
    judge: Judge<'_>,
) -> Result<Served, DialogueError> {
    let second = second_code::ask(context, &Change::SecondCode, judge)?;
    let generation = context.stamp()?.generation;
    new_codes::renew(context, Why::Wished, &mut |id| {
        put_codes(context, record, &second, id, generation)
    })?;
    Ok(Served::Codes(generation))
}

fn put_codes(
    context: &DialogueContext<'_>,
    judged: &Record,
    second: &SecondCode,
    id: SetId,
    generation: Generation,
) -> Result<(), DialogueError> {
    let stamp = ChangeStamp { generation, at: context.now()?.unix };
    Ok(change(context.ports.records, context.account, &mut |found| {
        let record = found.map(|found| found.record).ok_or(OVERTAKEN)?;
        let fits = match second {
            SecondCode::Used(_) => {
                record.state == State::Active && record.generation == judged.generation
            }
            SecondCode::Last(last) => last.is_of(&record),
        };
        if fits { Ok(enrollment::with_codes(record, id, stamp)) } else { Err(OVERTAKEN) }
    })?)
}

/// Asks which authenticator to replace, and replaces it after a second code.
///
/// # Errors
/// [`DialogueError`] if the key was not replaced. The old key is unchanged then.
pub fn key(
    context: &DialogueContext<'_>,
    record: &Record,
    judge: Judge<'_>,
) -> Result<Served, DialogueError> {
    let Some(place) = which(context, record, Fate::Replaced)? else { return Ok(Served::Nothing) };
    new_key::replace(context, &place, judge).map(Served::Key)
}

/// Asks which of several authenticators to remove, and removes it after a second code.
///
/// # Errors
/// [`DialogueError`] if none was removed. All authenticators still work then.
pub fn remove(
    context: &DialogueContext<'_>,
    record: &Record,
    judge: Judge<'_>,
) -> Result<Served, DialogueError> {
    let Some(place) = which(context, record, Fate::Removed)? else { return Ok(Served::Nothing) };
    new_key::remove(context, &place, judge).map(Served::Key)
}

/// Asks for a name, and adds an authenticator with this name after a second code.
fn one_more(
    context: &DialogueContext<'_>,
    record: &Record,
    judge: Judge<'_>,
) -> Result<Served, DialogueError> {
    let typed = context.ask_shown(&context.change(&Change::Name))?;
    let wished = otpauth::tidy_name(typed.text());
    let name = enrollment::free_name(record, &wished).unwrap_or(wished);
    new_key::add(context, record.generation, &name, judge).map(Served::Key)
}

/// Asks the user which authenticator to replace or remove, and returns it; `None` if the user chose none. If there is
/// only one authenticator, returns it without a question.
fn which(
    context: &DialogueContext<'_>,
    record: &Record,
    fate: Fate,
) -> Result<Option<KeySlot>, DialogueError> {
    let place = |place: usize| {
        let name = record.authenticators.get(place)?.name.clone();
        Some(KeySlot { place, name, generation: record.generation })
    };
    if record.authenticators.len() < 2 {
        return Ok(place(0));
    }
    let names = record.authenticators.iter().map(|one| one.name.clone()).collect();
    let menu = context.change(&Change::Which { names, fate });
    let mut question = menu.clone();
    for _ in 0..context.policy.tries {
        let typed = context.ask_shown(&question)?;
        let typed = typed.text().trim();
        let number = typed.parse().ok().and_then(|number: usize| number.checked_sub(1));
        match number.and_then(place) {
            Some(place) => return Ok(Some(place)),
            None if typed.is_empty() => return Ok(None),
            None => question = alloc::format!("{}{menu}", context.change(&Change::NoSuchChoice)),
        }
    }
    Ok(None)
}
