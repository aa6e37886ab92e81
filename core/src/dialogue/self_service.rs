//! What a person can change behind a right code: new backup codes, a new authenticator; each takes a second code.

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

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// Nothing.
    Nothing,
    /// The backup codes; the record that says so.
    Codes(Generation),
    /// An authenticator; the record that says so.
    Key(Generation),
}

/// Shows the menu, and does what is chosen.
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

/// New backup codes, behind a second code.
///
/// # Errors
/// [`Stop`]; the old ones are what they were then, but for one that was the second code.
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

/// A new authenticator in the place of one of the old ones, behind a second code.
///
/// # Errors
/// [`Stop`]; the old key is what it was then.
pub fn key(talk: &Talk<'_>, record: &Record, judge: Judge<'_>) -> Result<Served, Stop> {
    let Some(place) = which(talk, record, Fate::Replaced)? else { return Ok(Served::Nothing) };
    new_key::replace(talk, &place, judge).map(Served::Key)
}

/// Removes one of several authenticators, behind a second code.
///
/// # Errors
/// [`Stop`]; all of them work then as before.
pub fn remove(talk: &Talk<'_>, record: &Record, judge: Judge<'_>) -> Result<Served, Stop> {
    let Some(place) = which(talk, record, Fate::Removed)? else { return Ok(Served::Nothing) };
    new_key::remove(talk, &place, judge).map(Served::Key)
}

/// One more authenticator, under a name of its owner's.
fn one_more(talk: &Talk<'_>, record: &Record, judge: Judge<'_>) -> Result<Served, Stop> {
    let typed = talk.ask_shown(&talk.change(&Change::Name))?;
    let wished = otpauth::tidy_name(typed.text());
    let name = enrolment::free_name(record, &wished).unwrap_or(wished);
    new_key::add(talk, record.generation, &name, judge).map(Served::Key)
}

/// Which authenticator is meant, where there are several; nothing where none was chosen.
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
