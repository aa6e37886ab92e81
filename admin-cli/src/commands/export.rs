//! `twinlock export USER`: prints a user's record, code set, used codes and used steps, for another host.

use std::io::IsTerminal;

use twinlock_core::{
    account::{Account, Folder},
    beside::Seen,
    facts,
    fault::StoreFault,
    format::{
        export::{self as form, CarriedCodes, Export, USED_MAX},
        ledger_names,
    },
    ledger::Used,
    letter::LetterKind,
    ports::{Codes, Ledger, Records, Seat, Snapshot},
    record::State,
    time::UnixTime,
};
use twinlock_host::carried;

use zeroize::Zeroizing;

use crate::{
    acting::{Acting, Proven},
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::Keyboard,
    successor::put,
    verbs,
    wording::{Notation, harmless, plain},
};

/// Attempts to read a consistent state while the record changes.
const ROUNDS: usize = 4;

/// Exports a user: asks for the own code, marks the keys as disclosed, and prints them last.
pub fn run(desk: &Desk, wanted: &verbs::Export) -> Result<(), Failure> {
    let user = &wanted.user;
    if !wanted.yes && std::io::stdout().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "an export holds keys, and standard output is a terminal",
            format!(
                "Send it on: twinlock export {user} | ssh HOST twinlock import record {user}",
                user = plain(user)
            ),
        ));
    }
    desk.need_root("read people's keys")?;
    let acting = Acting::of(desk)?;
    let account = desk.account(user)?;
    read(desk, &account)?;
    let by = acting.prove(desk, &mut Keyboard::open()?)?;
    mark(desk, &account, &by)?;
    let export =
        read(desk, &account).map_err(|failure| failure.but("the keys count as disclosed"))?;
    // A TOML string accepts JSON's escapes: another host reads the same text.
    let text = form::write(&export);
    let text = harmless(&text, Notation::Json);
    let printed = if desk.json {
        let object = serde_json::json!({ "user": account.name, "export": text });
        let object = Zeroizing::new(format!("{object}\n"));
        desk.print_exactly(&object)
    } else {
        desk.print_exactly(&text)
    };
    printed.map_err(|failure| failure.but("the keys count as disclosed"))
}

/// Marks all keys as disclosed, durably and before any is printed. Does not rewrite a record whose keys are all marked.
fn mark(desk: &Desk, account: &Account, by: &Proven) -> Result<(), Failure> {
    let (generation, now) = desk.stamp()?;
    let own = by.is(&account.name);
    let found = desk.machine.records.newest(account)?;
    let is_due =
        |found: &Snapshot| !own && found.record.authenticators.iter().any(|one| one.seen.is_none());
    if found.as_ref().is_some_and(is_due) {
        let mut decide = |found: Option<Snapshot>| {
            let mut record = found.ok_or_else(|| not_enrolled(&account.name))?.record;
            for one in record.authenticators.iter_mut().filter(|one| one.seen.is_none()) {
                one.seen = Some(Seen { trace: by.trace(now), postponed: 0 });
            }
            record.generation = generation;
            Ok(record)
        };
        put(desk, account, &mut decide, &|record| record.generation == generation)?;
    }
    by.log(desk, "exported", &[("user", &account.name)]);
    by.write_to(desk, &account.name, LetterKind::KeyExported, now);
    Ok(())
}

fn not_enrolled(user: &str) -> Failure {
    let user = plain(user);
    Failure::new(
        Exit::NotInState,
        format!("{user} is not enrolled"),
        format!("To enroll: twinlock enroll {user}"),
    )
}

fn read(desk: &Desk, account: &Account) -> Result<Export, Failure> {
    let folder = Folder::of(&account.name).map_err(|_| StoreFault::NameTooLong)?;
    for _ in 0..ROUNDS {
        let found = desk.machine.records.newest(account)?;
        let begun = |found: &Snapshot| {
            found.record.state == State::Pending && found.record.beside.reset.is_none()
        };
        let Some(found) = found.filter(|found| !begun(found)) else {
            return Err(not_enrolled(&account.name));
        };
        let codes = codes(desk, &folder, &found);
        let used = used(desk, account)?;
        if desk.machine.records.is_newest(&folder, &found)? {
            let (at, record) = (desk.now()?.unix, form::carried(found.record));
            return Ok(Export { at, record, codes: codes?, used });
        }
    }
    Err(Failure::new(
        Exit::NotInState,
        format!("the record of {} changes again and again", plain(&account.name)),
        "Export once nobody changes it any more.",
    ))
}

fn codes(
    desk: &Desk,
    folder: &Folder,
    found: &Snapshot,
) -> Result<Option<CarriedCodes>, StoreFault> {
    let Some(id) = found.record.codes else { return Ok(None) };
    let records = &desk.machine.records;
    let (set, since) = (records.set(folder, id)?, carried::made_at(records, folder, id)?);
    let mut spent = carried::spent_at(records, folder, id)?;
    spent.retain(|(place, _)| usize::from(*place) < set.hashes.len());
    Ok(Some(CarriedCodes { since, set, spent }))
}

/// Returns the used steps of all current and earlier keys of the user; of very many, only the newest.
fn used(desk: &Desk, account: &Account) -> Result<Vec<(Used, UnixTime)>, Failure> {
    let shelf = desk.machine.ledger.open(&Seat::of(Some(account), &account.name))?;
    let mut used = facts::read(shelf.as_ref(), None)?.used;
    used.sort_by_key(|used| (used.mark.0, used.step));
    let spare = used.len().saturating_sub(USED_MAX);
    used.drain(..spare);
    let with_instant = |used: Used| {
        let at = facts::instant_of(shelf.as_ref(), &ledger_names::used_name(&used))?;
        Ok(at.map(|at| (used, at)))
    };
    used.into_iter().filter_map(|used| with_instant(used).transpose()).collect()
}
