//! `twinlock remove USER`: ends a user's enrollment, even if the account or the record cannot be read any more.

use twinlock_core::{
    account::{Account, Folder},
    beside::Beside,
    enrolment::{self, Successor},
    fault::{CommitFault, StoreFault},
    letter::LetterKind,
    ports::{Accounts, Records, Snapshot},
    record::{Record, State},
};
use twinlock_host::roll;

use crate::{
    acting::Acting,
    commands::status,
    confirm::confirm,
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::Keyboard,
    successor::failed,
    verbs::Remove,
    wording::plain,
};

/// The state to be removed.
struct Found {
    /// Number of the newest record.
    sequence: u64,
    /// The record, or why it cannot be read.
    record: Result<Snapshot, StoreFault>,
}

/// Removes a user after confirmation.
pub fn run(desk: &Desk, wanted: &Remove) -> Result<(), Failure> {
    desk.need_root("remove people")?;
    let acting = Acting::of(desk)?;
    let account = desk.machine.accounts.by_name(&wanted.user)?;
    let user = account.as_ref().map_or(wanted.user.as_str(), |account| account.name.as_str());
    let folder = Folder::of(user).map_err(|_| StoreFault::NameTooLong)?;
    let Some(found) = find(desk, &folder)? else {
        return Err(nobody(user));
    };
    let mut successor = tombstone(desk, (user, account.as_ref()), &found)?;
    let mut keyboard = Keyboard::open()?;
    confirm(&mut keyboard, &wanted.deed, user, (&consequence(user, &found), "removed"))?;
    let by = acting.prove(desk, &mut keyboard)?;
    successor.record.since = desk.now()?.unix;
    put(desk, &folder, (&successor, &found))?;
    by.log(desk, "removed", &[("user", user)]);
    by.write_to(desk, user, LetterKind::Removed, successor.record.since);
    desk.say(
        &status::after_removal(desk, account.as_ref(), user),
        serde_json::json!({ "user": user, "state": "removed" }),
    );
    Ok(())
}

fn find(desk: &Desk, folder: &Folder) -> Result<Option<Found>, Failure> {
    let records = &desk.machine.records;
    // The folder is opened through its parent, so that a missing one is not taken for an empty one.
    records.root()?;
    let Some(sequence) = roll::newest_sequence(records, folder)? else {
        return Ok(None);
    };
    let record = match records.newest_in(folder) {
        Ok(Some(snapshot)) => Ok(snapshot),
        Ok(None) => return Ok(None),
        Err(fault) => Err(fault),
    };
    let sequence = record.as_ref().map_or(sequence, |snapshot| snapshot.sequence);
    Ok(Some(Found { sequence, record }))
}

fn tombstone(
    desk: &Desk,
    (user, account): (&str, Option<&Account>),
    found: &Found,
) -> Result<Successor, Failure> {
    let (generation, now) = desk.stamp()?;
    match &found.record {
        Ok(snapshot) => {
            enrolment::remove(snapshot, generation, now).ok_or_else(|| nobody(user)).map(|made| {
                // The folder's name is the user, even if another user's record was copied into it.
                let record = Record { user: user.to_owned(), ..made.record };
                Successor { record, ..made }
            })
        }
        Err(_) => Ok(Successor {
            after: found.sequence,
            record: Record {
                user: user.to_owned(),
                uid: account.map_or(u32::MAX, |account| account.uid),
                state: State::Removed,
                generation,
                since: now,
                authenticators: Vec::new(),
                codes: None,
                beside: Beside::default(),
            },
        }),
    }
}

fn put(
    desk: &Desk,
    folder: &Folder,
    (successor, before): (&Successor, &Found),
) -> Result<(), Failure> {
    let records = &desk.machine.records;
    let record = &successor.record;
    match records.commit(folder, successor.after, record) {
        Ok(()) => Ok(()),
        Err(CommitFault::Overtaken) => Err(CommitFault::Overtaken.into()),
        Err(CommitFault::Store(fault)) => {
            let stands = match records.newest_in(folder) {
                Ok(found) => {
                    Ok(found.is_some_and(|found| found.record.generation == record.generation))
                }
                // The same error as before: the old record is still in force.
                Err(fault) if before.record.as_ref().err() == Some(&fault) => Ok(false),
                Err(fault) => Err(fault),
            };
            Err(failed(&record.user, fault, stands))
        }
    }
}

fn consequence(user: &str, found: &Found) -> String {
    let shown = plain(user);
    match &found.record {
        Ok(_) => {
            format!("This deletes the key of {shown}; only a new enrolment brings codes back.")
        }
        Err(fault) => format!(
            "The record of {shown} cannot be used ({}). This deletes it for good.",
            fault.reason()
        ),
    }
}

fn nobody(user: &str) -> Failure {
    Failure::new(
        Exit::NotInState,
        format!("{} is not enrolled", plain(user)),
        "Look at the spelling: twinlock list shows everybody.",
    )
}
