//! Imports one user: first the used steps, then the backup codes, and last the record that puts all in force.

use twinlock_core::{
    account::{Account, Folder},
    code_set::Shape,
    enrolment,
    fault::StoreFault,
    format::ledger_names,
    ports::{Codes, Creation, Ledger, Records, Seat},
    record::{Authenticator, Moving, Snapshot},
    takeover::Takeover,
    time::UnixTime,
};
use twinlock_host::prepare;

use crate::{
    acting::Proven, commands::import_uri::already, desk::Desk, exit::Failure, successor::place,
};

/// Instant of a use on another host: `twinlock status` reports only logins here.
const NOT_HERE: UnixTime = UnixTime(0);

/// Result of an import without failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Is enrolled now, or would be.
    Imported,
    /// Was enrolled with the same keys before.
    Already,
    /// As [`Outcome::Already`], but a counter has advanced on the other side, and now here.
    MovedOn,
    /// Was enrolled with another key, which stays.
    OtherKey,
}

/// Imports a user. If it is killed, the old or the new state is in force: until the record is written,
/// the earlier writes only refuse codes, or are not referenced.
///
/// Without `by` it is a preview and writes nothing.
pub fn take_over(
    desk: &Desk,
    by: Option<&Proven>,
    account: &Account,
    takeover: Takeover,
) -> Result<Outcome, Failure> {
    let folder = Folder::of(&account.name).map_err(|_| StoreFault::NameTooLong)?;
    if by.is_some() {
        prepare::prepare_store(&desk.machine).map_err(|fault| Failure::from(fault).unchanged())?;
    }
    let before = desk.machine.records.before_enrolment(account);
    let before = before.map_err(|fault| Failure::from(fault).unchanged())?;
    match before {
        Some(found) if enrolment::is_enrolled(&found) => {
            if by.is_some() {
                desk.machine.records.finish_first(account);
            }
            if !has_all(&found, &takeover.authenticators) {
                return Ok(Outcome::OtherKey);
            }
            // Codes used on the other side are used here as well; a later file has no other effect.
            if by.is_some() {
                burn(desk, &folder, &takeover).map_err(Failure::unchanged)?;
            }
            move_on(desk, by, account, (found, &takeover))
        }
        before => {
            if let Some(by) = by {
                by.is_still_first(desk)?;
                burn(desk, &folder, &takeover).map_err(Failure::unchanged)?;
                enrol(desk, by, (account, &folder), before.as_ref(), takeover)?;
            }
            Ok(Outcome::Imported)
        }
    }
}

/// Moves counters forward, never back.
fn move_on(
    desk: &Desk,
    by: Option<&Proven>,
    account: &Account,
    (mut found, takeover): (Snapshot, &Takeover),
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::Already;
    for here in &mut found.record.authenticators {
        let there = takeover.authenticators.iter().find(|there| there.key == here.key);
        let there = there.map(|there| there.moving);
        if let (Moving::Counter { next }, Some(Moving::Counter { next: further })) =
            (here.moving, there)
            && further > next
        {
            here.moving = Moving::Counter { next: further };
            outcome = Outcome::MovedOn;
        }
    }
    if outcome == Outcome::MovedOn && by.is_some() {
        (found.record.generation, _) = desk.stamp()?;
        place(desk, (account, found.sequence), &found.record)?;
    }
    Ok(outcome)
}

fn has_all(found: &Snapshot, keys: &[Authenticator]) -> bool {
    let here = &found.record.authenticators;
    // The same key with other digits, period or hash generates other codes.
    let same = |one: &Authenticator, wanted: &Authenticator| {
        one.key == wanted.key && one.parameters == wanted.parameters
    };
    keys.iter().all(|wanted| here.iter().any(|one| same(one, wanted)))
}

/// Writes used steps to the ledger like a login.
fn burn(desk: &Desk, folder: &Folder, takeover: &Takeover) -> Result<(), Failure> {
    let shelf = desk.machine.ledger.open(&Seat::Account(folder.clone()))?;
    let now = desk.now()?;
    for used in &takeover.used {
        match shelf.create(&ledger_names::used_name(used), &ledger_names::instant(NOT_HERE))? {
            Creation::Made | Creation::Taken => {}
        }
    }
    desk.machine.records.mark_clock(now);
    Ok(())
}

fn enrol(
    desk: &Desk,
    by: &Proven,
    (account, folder): (&Account, &Folder),
    before: Option<&Snapshot>,
    takeover: Takeover,
) -> Result<(), Failure> {
    let mut authenticators = takeover.authenticators.into_iter();
    let Some(first) = authenticators.next() else { return Ok(()) };
    let records = &desk.machine.records;
    let mut successor = enrolment::enrol(account, before, first, desk.stamp()?)
        .map_err(|_| already(&account.name))?;
    successor.record.authenticators.extend(authenticators);
    let mail = successor.record.beside.mail.take();
    successor.record.beside.mail = takeover.mail.or_else(|| mail.clone());
    if let Some(by) = takeover.promised_by {
        enrolment::promise_first_codes(&mut successor.record, by);
    }
    if !takeover.scratch.is_empty() {
        let laid = records.lay_down(folder, Shape::Digits8, &takeover.scratch);
        successor.record.codes = Some(laid.map_err(|fault| Failure::from(fault).unchanged())?);
    }
    place(desk, (account, successor.after), &successor.record)?;
    by.has_enrolled(&account.name);
    for one in &successor.record.authenticators {
        by.log(desk, "enrolled", &[("user", &account.name), ("authenticator", &one.name)]);
    }
    by.write_set_up(
        desk,
        &account.name,
        successor.record.beside.mail.as_deref(),
        successor.record.since,
    );
    by.write_to_old(desk, &account.name, mail.as_deref(), successor.record.beside.mail.as_deref());
    Ok(())
}
