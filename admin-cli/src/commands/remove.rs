//! `twinlock remove USER`: ends a user's enrollment, even if the account no longer exists or the record cannot be read.

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::{CommitError, StoreError},
    },
    notify::notification::NotificationKind,
    ports::{Accounts, Records, Snapshot},
    record::{
        Record, State,
        enrollment::{self, ChangeStamp, Successor},
        extras::RecordExtras,
    },
};
use twinlock_host::store::enrolled_users;

use crate::{
    authorize::authorizer::Authorizer,
    cli::Remove,
    commands::status,
    context::{Context, need_name},
    enrollment::record_update::failed,
    error::exit::{CliError, Exit},
    terminal::{confirm::confirm, keyboard::Keyboard},
    text::plain,
};

/// The record that is going to be removed.
struct Removable {
    /// Version number of the newest record.
    sequence: u64,
    /// The newest record, or why it cannot be read.
    record: Result<Snapshot, StoreError>,
}

/// Asks for confirmation, then removes a user.
pub(crate) fn run(context: &Context, wanted: &Remove) -> Result<(), CliError> {
    context.need_root("remove users")?;
    let authorizer = Authorizer::of(context)?;
    need_name(&wanted.user)?;
    let account = context.machine.accounts.by_name(&wanted.user)?;
    let user = account.as_ref().map_or(wanted.user.as_str(), |account| account.name.as_str());
    let folder = Folder::of(user).map_err(|_| StoreError::NameTooLong)?;
    let Some(found) = find(context, &folder)? else {
        return Err(nobody(user));
    };
    let mut successor = tombstone(context, user, account.as_ref(), &found)?;
    let mut keyboard = Keyboard::open()?;
    confirm(&mut keyboard, &wanted.privileged, user, &consequence(user, &found), "removed")?;
    let by = authorizer.prove(context, &mut keyboard)?;
    successor.record.since = context.now()?.unix;
    put(context, &folder, &successor, &found)?;
    by.log(context, "removed", &[("user", user)]);
    by.write_to(context, user, NotificationKind::Removed, successor.record.since);
    context.say(
        &status::after_removal(context, account.as_ref(), user),
        serde_json::json!({ "user": user, "state": "removed" }),
    );
    Ok(())
}

fn find(context: &Context, folder: &Folder) -> Result<Option<Removable>, CliError> {
    let records = &context.machine.records;
    // The folder is opened through its parent, so that a missing one is not taken for an empty one.
    records.root()?;
    let Some(sequence) = enrolled_users::newest_sequence(records, folder)? else {
        return Ok(None);
    };
    let record = match records.newest_in(folder) {
        Ok(Some(snapshot)) => Ok(snapshot),
        Ok(None) => return Ok(None),
        Err(fault) => Err(fault),
    };
    let sequence = record.as_ref().map_or(sequence, |snapshot| snapshot.sequence);
    Ok(Some(Removable { sequence, record }))
}

fn tombstone(
    context: &Context,
    user: &str,
    account: Option<&Account>,
    found: &Removable,
) -> Result<Successor, CliError> {
    let ChangeStamp { generation, at: now } = context.stamp()?;
    match &found.record {
        Ok(snapshot) => {
            enrollment::remove(snapshot, generation, now).ok_or_else(|| nobody(user)).map(|made| {
                // The folder has the name of the user, even if the record of another user was copied into it.
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
                extras: RecordExtras::default(),
            },
        }),
    }
}

fn put(
    context: &Context,
    folder: &Folder,
    successor: &Successor,
    before: &Removable,
) -> Result<(), CliError> {
    let records = &context.machine.records;
    let record = &successor.record;
    match records.commit(folder, successor.after, record) {
        Ok(()) => Ok(()),
        Err(CommitError::Overtaken) => Err(CommitError::Overtaken.into()),
        Err(CommitError::Store(fault)) => {
            let stands = match records.newest_in(folder) {
                Ok(found) => {
                    Ok(found.is_some_and(|found| found.record.generation == record.generation))
                }
                // The record is unreadable for the same reason as before the change, so the old one is still in force.
                Err(fault) if before.record.as_ref().err() == Some(&fault) => Ok(false),
                Err(fault) => Err(fault),
            };
            Err(failed(&record.user, fault, stands))
        }
    }
}

fn consequence(user: &str, found: &Removable) -> String {
    let shown = plain(user);
    match &found.record {
        Ok(_) => {
            format!(
                "This deletes the key of {shown}. To use codes again, the user must be enrolled again."
            )
        }
        Err(fault) => format!(
            "The record of {shown} cannot be used ({}). This deletes it permanently.",
            fault.reason()
        ),
    }
}

fn nobody(user: &str) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("{} is not enrolled", plain(user)),
        "Check the spelling: twinlock list shows all users.",
    )
}
