//! `twinlock import record USER`: imports a user's record of another host from standard input; codes used there are
//! used here.

use serde_json::Value;
use twinlock_core::{
    account::{Account, Folder},
    carry::{self, Arrival, Carried, Conflict, Wanted},
    carry_bounds::{self, Claims, Implausible},
    fault::{CommitFault, StoreFault},
    format::{
        export::{self as form, CarriedCodes, EXPORT_MAX, Export, ExportFault},
        ledger_names,
    },
    ledger::Used,
    letter::LetterKind,
    ports::{Codes, Creation, Ledger, Seat, Snapshot},
    record::{Moving, Record, SetId, State},
    time::UnixTime,
};
use twinlock_host::{carried, prepare};
use zeroize::Zeroizing;

use crate::{
    acting::{Acting, Proven},
    commands::import_text,
    desk::Desk,
    exit::{Exit, Failure},
    piped::{Piped, PipedError},
    reasons,
    successor::place,
    wording::{instant, plain},
};

/// Attempts after concurrent changes.
const ROUNDS: usize = 8;

/// Result of the import.
enum Done {
    /// Nothing had to be done.
    Nothing,
    /// Counters were moved forward.
    MovedOn,
    /// The imported record is in force, in this state.
    Imported(State),
    /// As [`Done::Imported`], but the next login shows new codes in place of the imported ones.
    WithoutCodes,
}

/// Reads an export and imports it.
pub fn run(desk: &Desk, user: Option<&str>, wanted: Wanted) -> Result<(), Failure> {
    desk.need_root("enroll people")?;
    let account = desk.account(user.ok_or_else(no_user)?)?;
    let acting = Acting::of(desk)?;
    let piped = standard_input(&account.name)?;
    let text = &text_of(&piped.data);
    let export = form::read(text).map_err(|fault| {
        import_text::of_other_verb(text, &account.name).unwrap_or_else(|| no_export(fault))
    })?;
    if account.name != export.record.user {
        return Err(Failure::new(
            Exit::Refused,
            format!(
                "the export is of {}, and not of {}; nothing was changed",
                plain(&export.record.user),
                plain(&account.name)
            ),
            "Export the user who is meant, under the name that the account has here.",
        ));
    }
    prepare::prepare_store(&desk.machine).map_err(|fault| Failure::from(fault).unchanged())?;
    let by = acting.prove(desk, &mut piped.keyboard()?)?;
    by.is_still_first(desk)?;
    let was = mail_of(desk, &account)?;
    // An existing address stays.
    let mail = was.clone().or_else(|| export.record.beside.mail.clone());
    for _ in 0..ROUNDS {
        let export = form::read(text).map_err(no_export)?;
        if let Ok(done) = once(desk, &account, (export, wanted))? {
            if matches!(done, Done::Imported(_) | Done::WithoutCodes) {
                by.write_to(desk, &account.name, LetterKind::RecordImported, desk.now()?.unix);
                by.write_to_old(desk, &account.name, was.as_deref(), mail.as_deref());
            }
            return report(desk, &by, &account, &done);
        }
    }
    Err(CommitFault::Overtaken.into())
}

/// Returns the mail address of the account before the import.
fn mail_of(desk: &Desk, account: &Account) -> Result<Option<String>, Failure> {
    let here = desk.machine.records.before_enrolment(account);
    let here = here.map_err(|fault| Failure::from(fault).unchanged())?;
    Ok(here.and_then(|here| here.record.beside.mail))
}

/// Another command has changed the record meanwhile.
struct Overtaken;

fn once(
    desk: &Desk,
    account: &Account,
    (export, wanted): (Export, Wanted),
) -> Result<Result<Done, Overtaken>, Failure> {
    let folder = Folder::of(&account.name).map_err(|_| StoreFault::NameTooLong)?;
    let records = &desk.machine.records;
    let here =
        records.before_enrolment(account).map_err(|fault| Failure::from(fault).unchanged())?;
    let (fresh, now) = desk.stamp()?;
    let local = here.as_ref().map(|here| &here.record);
    believe(&export, local, now)?;
    let Export { record, codes, mut used, .. } = export;
    carry_bounds::keep_known(&mut used, &record, local);
    let set = record.codes;
    let spends = local.is_some_and(|here| here.codes == set);
    let codes_since = codes.as_ref().map(|codes| codes.since);
    let came = Record { uid: account.uid, ..record };
    let arrival = Arrival { codes_since, now, fresh, wanted };
    let after = here.as_ref().map_or(0, |here| here.sequence);
    let carried = carry::onto(here.as_ref(), came, arrival);
    let carried = carried.map_err(|fault| conflict(fault, &account.name))?;
    // The decision is made; what follows are writes. Used steps come first, so that no code used on the other host is
    // accepted here.
    burn(desk, account, &used).map_err(Failure::unchanged)?;
    if spends && let Some((id, codes)) = set.zip(codes.as_ref()) {
        spend(desk, &folder, id, codes).map_err(Failure::unchanged)?;
    }
    let (record, done) = match carried {
        Carried::Nothing => return Ok(Ok(Done::Nothing)),
        Carried::MovedOn(moving) => match here {
            Some(here) => (moved_on(here, &moving), Done::MovedOn),
            None => return Ok(Ok(Done::Nothing)),
        },
        Carried::Replaces(record) if record.codes != set => (*record, Done::WithoutCodes),
        Carried::Replaces(record) => {
            if let (Some(id), Some(codes)) = (set, &codes) {
                bring(desk, &folder, (id, codes))?;
                spend(desk, &folder, id, codes).map_err(Failure::unchanged)?;
            }
            let state = record.state;
            (*record, Done::Imported(state))
        }
    };
    match place(desk, (account, after), &record) {
        Ok(()) => Ok(Ok(done)),
        Err(failure) if failure == CommitFault::Overtaken.into() => Ok(Err(Overtaken)),
        Err(failure) => Err(failure),
    }
}

/// Stores codes that no record names yet.
fn bring(desk: &Desk, folder: &Folder, (id, codes): (SetId, &CarriedCodes)) -> Result<(), Failure> {
    let brought = carried::bring(&desk.machine.records, folder, (id, &codes.set, codes.since));
    brought.map_err(|fault| match fault {
        CommitFault::Overtaken => fault.into(),
        CommitFault::Store(fault) => Failure::from(fault).unchanged(),
    })
}

fn moved_on(here: Snapshot, moving: &[Moving]) -> Record {
    let mut record = here.record;
    for (one, moving) in record.authenticators.iter_mut().zip(moving) {
        one.moving = *moving;
    }
    record
}

/// Refuses an export with a time, step or counter out of bounds.
fn believe(export: &Export, here: Option<&Record>, now: UnixTime) -> Result<(), Failure> {
    let claims = Claims {
        record: &export.record,
        written: export.at,
        codes_since: export.codes.as_ref().map(|codes| codes.since),
        spent: export.codes.as_ref().map_or(&[], |codes| &codes.spent),
        used: &export.used,
    };
    carry_bounds::check(&claims, here, now).map_err(implausible)
}

fn implausible(fault: Implausible) -> Failure {
    let (what, remedy) = match fault {
        Implausible::Time { at } => (
            format!("the export has a time that is still to come here ({})", instant(at)),
            "Set the clocks of both hosts by the network, and export again.",
        ),
        Implausible::Step { at } => (
            format!("the export says that a code of {} was used already", instant(at)),
            "Set the clocks of both hosts by the network, and export again.",
        ),
        Implausible::Counter { there, most } => (
            format!(
                "the export has a counter of {there}, and no more than {most} is believed here"
            ),
            "Look at the token and at the other host. To begin anew here: twinlock remove USER, then twinlock enroll USER.",
        ),
    };
    Failure::new(Exit::Refused, what, remedy).but("nothing was changed")
}

fn burn(desk: &Desk, account: &Account, used: &[(Used, UnixTime)]) -> Result<(), Failure> {
    let shelf = desk.machine.ledger.open(&Seat::of(Some(account), &account.name))?;
    for (used, at) in used {
        match shelf.create(&ledger_names::used_name(used), &ledger_names::instant(*at))? {
            Creation::Made | Creation::Taken => {}
        }
    }
    Ok(())
}

/// Marks codes used on either host as used, before the record is in force.
fn spend(desk: &Desk, folder: &Folder, id: SetId, codes: &CarriedCodes) -> Result<(), Failure> {
    for (place, at) in &codes.spent {
        match desk.machine.records.spend(folder, (id, *place), *at)? {
            Creation::Made | Creation::Taken => {}
        }
    }
    Ok(())
}

/// Returns the text of an export: as it is, or from the object that `export --json` prints.
fn text_of(data: &Zeroizing<String>) -> Zeroizing<String> {
    let object = data.starts_with('{').then(|| serde_json::from_str::<Value>(data));
    match object {
        Some(Ok(Value::Object(mut object))) => match object.remove("export") {
            Some(Value::String(export)) => Zeroizing::new(export),
            Some(_) | None => data.clone(),
        },
        Some(_) | None => data.clone(),
    }
}

fn standard_input(user: &str) -> Result<Piped, Failure> {
    let most = u64::try_from(EXPORT_MAX).unwrap_or(u64::MAX);
    Piped::read(most + 1).map_err(|error| match error {
        PipedError::TooLong | PipedError::Io => no_export(ExportFault::Head),
        error => import_text::unreadable(error, user),
    })
}

fn report(desk: &Desk, by: &Proven, account: &Account, done: &Done) -> Result<(), Failure> {
    let user = plain(&account.name);
    let (state, said) = match done {
        Done::Nothing => ("already", "is the same here already; nothing is changed"),
        Done::MovedOn => ("moved_on", "is the same here, and a counter goes on where it is now"),
        Done::Imported(State::Active) => ("imported", "is enrolled here as over there"),
        Done::Imported(State::Pending) => {
            ("imported", "is reset here as over there: what let them in is dead")
        }
        Done::Imported(State::Removed) => ("imported", "is removed here as over there"),
        Done::WithoutCodes => (
            "imported",
            "is enrolled here as over there; backup codes that may have been used here before were \
             not taken back, and the next login shows new ones",
        ),
    };
    if state != "already" {
        by.log(desk, "record_imported", &[("user", &account.name)]);
    }
    let codes_owed = matches!(done, Done::WithoutCodes);
    let object = serde_json::json!({
        "user": account.name, "state": state, "codes_owed": codes_owed,
    });
    desk.say(&format!("{user} {said}."), object);
    Ok(())
}

fn conflict(conflict: Conflict, user: &str) -> Failure {
    let user = plain(user);
    let older = format!(
        "See who is right: twinlock status, on both. To take the one that came all the same: twinlock import record {user} --older"
    );
    let older = older.as_str();
    let (exit, what, remedy) = match conflict {
        Conflict::ChangedLater { here, there } => (
            Exit::NotInState,
            format!(
                "the record here was changed later ({}) than the one that came ({})",
                instant(here),
                instant(there)
            ),
            older,
        ),
        Conflict::SameInstant => (
            Exit::NotInState,
            "the record here and the one that came were changed in the same second, and differ".into(),
            older,
        ),
        Conflict::Edited => (
            Exit::Refused,
            "the record here and the one that came have one generation, and differ: somebody has edited one".into(),
            "Remove the person here and import again with --older, or export from here.",
        ),
        Conflict::Ahead { there } => (
            Exit::Refused,
            format!("the record that came was changed at {}, which is still to come", instant(there)),
            "Set the clocks of both hosts by the network.",
        ),
        Conflict::EndsHere { state } => {
            let (done, verb) = match state {
                State::Removed => ("removed", "remove"),
                State::Pending | State::Active => ("reset", "reset"),
            };
            return Failure::new(
                Exit::NotInState,
                format!("{user} was {done} over there, and another host ends nothing here"),
                format!("If {user} is to be {done} here, too: twinlock {verb} {user}"),
            );
        }
        Conflict::NotSetUp => (
            Exit::Refused,
            "the record that came is of somebody who has not set up anything".into(),
            "Export once set-up is finished over there.",
        ),
    };
    Failure::new(exit, what, remedy)
}

fn no_export(fault: ExportFault) -> Failure {
    let (exit, what) = match fault {
        ExportFault::Head => (Exit::Usage, "standard input is no export of twinlock".into()),
        ExportFault::Newer { version } => {
            (Exit::Refused, format!("a newer twinlock has written this export (version {version})"))
        }
        ExportFault::Malformed => {
            (Exit::Usage, "the export was cut off, or changed on its way".into())
        }
        ExportFault::Record(fault) => {
            (Exit::Refused, format!("its record: {}", reasons::store_meaning(fault)))
        }
        ExportFault::Codes(_) => {
            (Exit::Refused, "its set of backup codes is damaged, or of a newer twinlock".into())
        }
        ExportFault::Set => {
            (Exit::Refused, "its record and its set of backup codes do not belong together".into())
        }
    };
    Failure::new(
        exit,
        what,
        "Write it there again: twinlock export USER | ssh HOST twinlock import record USER",
    )
}

/// Explains that USER is required. Earlier versions took the user from the export, so that the other host chose it.
fn no_user() -> Failure {
    Failure::new(
        Exit::Usage,
        "import record takes the name of the user",
        "Name the user on both sides: twinlock export ada | ssh HOST twinlock import record ada",
    )
}
