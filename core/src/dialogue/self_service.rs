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
    message::{change::Change, new_codes::Why},
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
    let typed = talk.ask_shown(&talk.change(&Change::Menu { changed }))?;
    match typed.text().trim() {
        "1" => codes(talk, record, judge),
        "2" => key(talk, record, judge),
        "3" => one_more(talk, record, judge),
        _ => Ok(Served::Nothing),
    }
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
            Second::Used => record.state == State::Active && record.generation == judged.generation,
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
    let Some(place) = which(talk, record)? else { return Ok(Served::Nothing) };
    let place = Place { place, generation: record.generation };
    new_key::replace(talk, &place, judge).map(Served::Key)
}

/// One more authenticator, under a name of its owner's.
fn one_more(talk: &Talk<'_>, record: &Record, judge: Judge<'_>) -> Result<Served, Stop> {
    let typed = talk.ask_shown(&talk.change(&Change::Name))?;
    let name = otpauth::tidy_name(typed.text());
    new_key::add(talk, (record.generation, name), judge).map(Served::Key)
}

/// Which authenticator is replaced, where there are several.
fn which(talk: &Talk<'_>, record: &Record) -> Result<Option<usize>, Stop> {
    if record.authenticators.len() < 2 {
        return Ok(Some(0));
    }
    let names = record.authenticators.iter().map(|one| one.name.clone()).collect();
    let typed = talk.ask_shown(&talk.change(&Change::Which { names }))?;
    let chosen: Option<usize> = typed.text().trim().parse().ok();
    let place = chosen.and_then(|chosen| chosen.checked_sub(1));
    Ok(place.filter(|place| *place < record.authenticators.len()))
}
