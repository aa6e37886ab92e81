//! Changes that a user can make after a correct code: new backup codes or authenticators. Each needs a second code.

use crate::{
    change::change,
    dialogue::{
        new_codes,
        new_key::{self, Place},
        second_code::{self, Second},
        talk::{Judge, OVERTAKEN, Stop, Talk},
    },
    enrolment,
    message::{
        change::{Change, Fate},
        new_codes::Why,
    },
    otp::otpauth,
    record::{Generation, Record, SetId, State},
};

/// The change that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// Nothing.
    Nothing,
    /// New backup codes; the generation of the new record.
    Codes(Generation),
    /// A changed authenticator; the generation of the new record.
    Key(Generation),
}

/// Shows the menu and runs the choice.
///
/// # Errors
/// [`Stop`]; nothing was changed then.
pub fn serve(talk: &Talk<'_>, record: &Record, judge: Judge<'_>) -> Result<Served, Stop> {
    let changed = record.beside.changed.unwrap_or(record.since);
    let authenticators = record.authenticators.len();
    let menu = talk.change(&Change::Menu { changed, authenticators });
    let mut question = menu.clone();
    for _ in 0..talk.policy.tries {
        match (talk.ask_shown(&question)?.text().trim(), authenticators > 1) {
            ("1", _) => return codes(talk, record, judge),
            ("2", _) => return key(talk, record, judge),
            ("3", _) => return one_more(talk, record, judge),
            ("4", true) => return remove(talk, record, judge),
            ("" | "4" | "5", _) => return Ok(Served::Nothing),
            _ => question = alloc::format!("{}{menu}", talk.change(&Change::NoSuchChoice)),
        }
    }
    Ok(Served::Nothing)
}

/// Issues new backup codes after a second code.
///
/// # Errors
/// [`Stop`]; the old codes are unchanged then, except one that was used as the second code.
pub fn codes(talk: &Talk<'_>, record: &Record, judge: Judge<'_>) -> Result<Served, Stop> {
    let second = second_code::ask(talk, &Change::SecondCode, judge)?;
    let generation = talk.stamp()?.0;
    new_codes::renew(talk, Why::Wished, &mut |id| {
        put_codes(talk, (record, &second), (id, generation))
    })?;
    Ok(Served::Codes(generation))
}

fn put_codes(
    talk: &Talk<'_>,
    (judged, second): (&Record, &Second),
    (id, generation): (SetId, Generation),
) -> Result<(), Stop> {
    let stamp = (generation, talk.now()?.unix);
    Ok(change(talk.ports.records, talk.account, &mut |found| {
        let record = found.map(|found| found.record).ok_or(OVERTAKEN)?;
        let fits = match second {
            Second::Used(_) => {
                record.state == State::Active && record.generation == judged.generation
            }
            Second::Last(last) => last.is_of(&record),
        };
        if fits { Ok(enrolment::with_codes(record, id, stamp)) } else { Err(OVERTAKEN) }
    })?)
}

/// Replaces an authenticator after a second code.
///
/// # Errors
/// [`Stop`]; the old key is unchanged then.
pub fn key(talk: &Talk<'_>, record: &Record, judge: Judge<'_>) -> Result<Served, Stop> {
    let Some(place) = which(talk, record, Fate::Replaced)? else { return Ok(Served::Nothing) };
    new_key::replace(talk, &place, judge).map(Served::Key)
}

/// Removes one of several authenticators after a second code.
///
/// # Errors
/// [`Stop`]; all of them still work then.
pub fn remove(talk: &Talk<'_>, record: &Record, judge: Judge<'_>) -> Result<Served, Stop> {
    let Some(place) = which(talk, record, Fate::Removed)? else { return Ok(Served::Nothing) };
    new_key::remove(talk, &place, judge).map(Served::Key)
}

/// Adds an authenticator under a name that the user chooses.
fn one_more(talk: &Talk<'_>, record: &Record, judge: Judge<'_>) -> Result<Served, Stop> {
    let typed = talk.ask_shown(&talk.change(&Change::Name))?;
    let wished = otpauth::tidy_name(typed.text());
    let name = enrolment::free_name(record, &wished).unwrap_or(wished);
    new_key::add(talk, record.generation, &name, judge).map(Served::Key)
}

/// Returns the authenticator that the user chooses; `None` if none was chosen.
fn which(talk: &Talk<'_>, record: &Record, fate: Fate) -> Result<Option<Place>, Stop> {
    let place = |place: usize| {
        let name = record.authenticators.get(place)?.name.clone();
        Some(Place { place, name, generation: record.generation })
    };
    if record.authenticators.len() < 2 {
        return Ok(place(0));
    }
    let names = record.authenticators.iter().map(|one| one.name.clone()).collect();
    let menu = talk.change(&Change::Which { names, fate });
    let mut question = menu.clone();
    for _ in 0..talk.policy.tries {
        let typed = talk.ask_shown(&question)?;
        let typed = typed.text().trim();
        let number = typed.parse().ok().and_then(|number: usize| number.checked_sub(1));
        match number.and_then(place) {
            Some(place) => return Ok(Some(place)),
            None if typed.is_empty() => return Ok(None),
            None => question = alloc::format!("{}{menu}", talk.change(&Change::NoSuchChoice)),
        }
    }
    Ok(None)
}
