//! Lists the users who have a folder in the records. Only the command `twinlock` uses this.

use std::collections::BTreeSet;

use twinlock_core::{
    base::{account::Folder, error::StoreError},
    ports::Snapshot,
    record::State,
};

use crate::{
    store::{
        records::{HostRecords, UIDS, USERS, list},
        store_id, uid_link,
    },
    trusted_dir,
};

/// Maximum number of users that are listed. If there are more, the listing fails.
const PEOPLE_MAX: usize = 10_000_000;

/// One user who has a folder in the records.
#[derive(Debug)]
pub struct EnrolledUser {
    /// The account name.
    pub user: String,
    /// The newest record, or why it cannot be read; `None` if an interruption has left an empty folder.
    pub found: Result<Option<Snapshot>, StoreError>,
}

/// Returns all users who have a folder, sorted by name. All names are read at once, but each record is read only when
/// the iterator reaches it.
///
/// # Errors
/// [`StoreError`] if the folder of all users cannot be read.
pub fn everybody(
    records: &HostRecords,
) -> Result<impl Iterator<Item = EnrolledUser> + '_, StoreError> {
    Ok(names(records)?.into_iter().map(|user| EnrolledUser { found: newest(records, &user), user }))
}

/// Returns the names of all users who have a folder, sorted.
fn names(records: &HostRecords) -> Result<Vec<String>, StoreError> {
    let names = match records.root()?.below(USERS, records.owner) {
        Err(fault) if trusted_dir::is_absent(fault) => Vec::new(),
        users => users?.names_up_to(PEOPLE_MAX).map_err(trusted_dir::fault)?,
    };
    let mut people: Vec<String> = names.iter().filter_map(|name| Folder::name_of(name)).collect();
    people.sort_unstable();
    Ok(people)
}

fn newest(records: &HostRecords, user: &str) -> Result<Option<Snapshot>, StoreError> {
    records.newest_in(&Folder::of(user).map_err(|_| StoreError::NameTooLong)?)
}

/// Returns the number of the newest record in a folder, even if that record cannot be read: the tombstone of a removed
/// user must get the next number. Returns `None` if there is no record.
///
/// # Errors
/// [`StoreError`] if the folder cannot be read or contains a name that only resembles a record.
pub fn newest_sequence(records: &HostRecords, folder: &Folder) -> Result<Option<u64>, StoreError> {
    match records.open(folder) {
        Err(fault) if trusted_dir::is_absent(fault) => Ok(None),
        opened => Ok(list(&opened?)?.sequences.into_iter().max()),
    }
}

/// Returns whether any account was ever enrolled. This is so if a record is active, reset, removed or unreadable, or if
/// a link `uids/UID` names a user whose record was lost. Returns `false` if no store was ever created: neither the
/// records folder nor the settings have a store-id, and the records folder is missing or empty.
///
/// # Errors
/// [`StoreError`] if this cannot be determined.
pub fn ever_enrolled(records: &HostRecords) -> Result<bool, StoreError> {
    any_other_enrolled(records, &BTreeSet::new())
}

/// Returns whether any account other than those in `except` was ever enrolled, by the rules of [`ever_enrolled`].
/// `except` contains the accounts that the current run has just enrolled.
///
/// # Errors
/// [`StoreError`] if this cannot be determined.
pub fn any_other_enrolled(
    records: &HostRecords,
    except: &BTreeSet<String>,
) -> Result<bool, StoreError> {
    let root = match records.root() {
        Err(fault) if trusted_dir::is_absent(fault) => {
            // If there is a store-id next to the settings, records were created, but they are not mounted or were lost.
            return Ok(store_id::of_settings(&records.store_id_copy, records.owner)?.is_some());
        }
        root => root?,
    };
    let begun = store_id::of_records(&root, records.owner)?;
    if begun.is_none() && store_id::of_settings(&records.store_id_copy, records.owner)?.is_none() {
        return Ok(!root.names_up_to(PEOPLE_MAX).map_err(trusted_dir::fault)?.is_empty());
    }
    store_id::prove(&root, &records.store_id_copy, records.owner)?;
    let mut known = Vec::new();
    for user in names(records)? {
        let found = if except.contains(&user) { None } else { Some(newest(records, &user)) };
        match found {
            None => known.push(user),
            Some(Ok(None)) => {}
            Some(Ok(Some(found)))
                if found.record.state == State::Pending && found.record.extras.reset.is_none() =>
            {
                known.push(user);
            }
            Some(Ok(Some(_)) | Err(_)) => return Ok(true),
        }
    }
    for uid in
        root.below(UIDS, records.owner)?.names_up_to(PEOPLE_MAX).map_err(trusted_dir::fault)?
    {
        let link = uid.parse().ok().map(|uid| uid_link::read(records, uid)).transpose()?.flatten();
        let user = link.filter(uid_link::Link::is_held).map(|link| link.folder);
        let user = user.and_then(|folder| Folder::name_of(folder.as_str()));
        if user.is_some_and(|user| known.binary_search(&user).is_err()) {
            return Ok(true);
        }
    }
    Ok(false)
}
