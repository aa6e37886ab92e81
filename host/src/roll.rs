//! The roll: everybody who has a folder, for the command's lists.

use twinlock_core::{account::Folder, fault::StoreFault, ports::Snapshot};

use crate::{
    place,
    records::{HostRecords, USERS, list},
};

/// One person on the roll.
#[derive(Debug)]
pub struct Entry {
    /// The account name.
    pub user: String,
    /// The newest record, or why it cannot be read; nothing where a cut left an empty folder.
    pub found: Result<Option<Snapshot>, StoreFault>,
}

/// Everybody, by name.
///
/// # Errors
/// [`StoreFault`] when the folder of folders cannot be read.
pub fn everybody(records: &HostRecords) -> Result<Vec<Entry>, StoreFault> {
    let users = match records.root()?.below(USERS, records.owner) {
        Err(fault) if place::is_absent(fault) => return Ok(Vec::new()),
        users => users?,
    };
    let mut names: Vec<String> = users.names().map_err(place::fault)?;
    names.sort();
    let people = names.iter().filter_map(|name| Folder::name_of(name));
    let entry = |user: String| {
        let folder = Folder::of(&user).map_err(|_| StoreFault::NameTooLong);
        Entry { found: folder.and_then(|folder| records.newest_in(&folder)), user }
    };
    Ok(people.map(entry).collect())
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
