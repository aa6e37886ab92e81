//! The roll: everybody who has a folder, for the command's lists.

use std::collections::BTreeSet;

use twinlock_core::{account::Folder, fault::StoreFault, ports::Snapshot, record::State};

use crate::{
    place,
    records::{HostRecords, UIDS, USERS, list},
    store_id, uid_link,
};

/// People of the largest roll that is called.
const PEOPLE_MAX: usize = 10_000_000;

/// One person on the roll.
#[derive(Debug)]
pub struct Entry {
    /// The account name.
    pub user: String,
    /// The newest record, or why it cannot be read; nothing where a cut left an empty folder.
    pub found: Result<Option<Snapshot>, StoreFault>,
}

/// Everybody, by name: the names at once, each record only when its turn comes.
///
/// # Errors
/// [`StoreFault`] when the folder of folders cannot be read.
pub fn everybody(records: &HostRecords) -> Result<impl Iterator<Item = Entry> + '_, StoreFault> {
    Ok(names(records)?.into_iter().map(|user| Entry { found: newest(records, &user), user }))
}

/// Returns the names of all users who have a folder, sorted.
fn names(records: &HostRecords) -> Result<Vec<String>, StoreFault> {
    let names = match records.root()?.below(USERS, records.owner) {
        Err(fault) if place::is_absent(fault) => Vec::new(),
        users => users?.names_up_to(PEOPLE_MAX).map_err(place::fault)?,
    };
    let mut people: Vec<String> = names.iter().filter_map(|name| Folder::name_of(name)).collect();
    people.sort_unstable();
    Ok(people)
}

fn newest(records: &HostRecords, user: &str) -> Result<Option<Snapshot>, StoreFault> {
    records.newest_in(&Folder::of(user).map_err(|_| StoreFault::NameTooLong)?)
}

/// The number of the newest record in a folder, whether it can be read or not: what a removal follows.
///
/// # Errors
/// [`StoreFault`] when the folder itself cannot be read, or a name in it only looks like a record.
pub fn newest_sequence(records: &HostRecords, folder: &Folder) -> Result<Option<u64>, StoreFault> {
    match records.open(folder) {
        Err(fault) if place::is_absent(fault) => Ok(None),
        opened => Ok(list(&opened?)?.sequences.into_iter().max()),
    }
}

/// Returns whether any account was ever enrolled: a record that is active, reset or removed, one that cannot be read, or
/// a user id whose record was lost. A store that was never begun has none; `false` is proven by the store id.
///
/// # Errors
/// [`StoreFault`] where it cannot be told.
pub fn ever_enrolled(records: &HostRecords) -> Result<bool, StoreFault> {
    any_other_enrolled(records, &BTreeSet::new())
}

/// Does what [`ever_enrolled`] does, for all accounts but those named: what one run enrolled itself says nothing of
/// others.
///
/// # Errors
/// [`StoreFault`] where it cannot be told.
pub fn any_other_enrolled(
    records: &HostRecords,
    except: &BTreeSet<String>,
) -> Result<bool, StoreFault> {
    let root = match records.root() {
        Err(fault) if place::is_absent(fault) => {
            // The settings remember a store that is not here.
            return Ok(store_id::of_settings(&records.store_id_copy, records.owner)?.is_some());
        }
        root => root?,
    };
    let begun = store_id::of_records(&root, records.owner)?;
    if begun.is_none() && store_id::of_settings(&records.store_id_copy, records.owner)?.is_none() {
        return Ok(!root.names_up_to(PEOPLE_MAX).map_err(place::fault)?.is_empty());
    }
    store_id::prove(&root, &records.store_id_copy, records.owner)?;
    let mut known = Vec::new();
    for user in names(records)? {
        let found = if except.contains(&user) { None } else { Some(newest(records, &user)) };
        match found {
            None => known.push(user),
            Some(Ok(None)) => {}
            Some(Ok(Some(found)))
                if found.record.state == State::Pending && found.record.beside.reset.is_none() =>
            {
                known.push(user);
            }
            Some(Ok(Some(_)) | Err(_)) => return Ok(true),
        }
    }
    for uid in root.below(UIDS, records.owner)?.names_up_to(PEOPLE_MAX).map_err(place::fault)? {
        let link = uid.parse().ok().map(|uid| uid_link::read(records, uid)).transpose()?.flatten();
        let user = link.filter(uid_link::Link::is_held).map(|link| link.folder);
        let user = user.and_then(|folder| Folder::name_of(folder.as_str()));
        if user.is_some_and(|user| known.binary_search(&user).is_err()) {
            return Ok(true);
        }
    }
    Ok(false)
}
