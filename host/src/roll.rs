//! The roll: everybody who has a folder, for the command's lists.

use twinlock_core::{account::Folder, fault::StoreFault, ports::Snapshot};

use crate::{
    place,
    records::{HostRecords, USERS, list},
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
    let names = match records.root()?.below(USERS, records.owner) {
        Err(fault) if place::is_absent(fault) => Vec::new(),
        users => users?.names_up_to(PEOPLE_MAX).map_err(place::fault)?,
    };
    let mut people: Vec<String> = names.iter().filter_map(|name| Folder::name_of(name)).collect();
    people.sort_unstable();
    Ok(people.into_iter().map(|user| {
        let folder = Folder::of(&user).map_err(|_| StoreFault::NameTooLong);
        Entry { found: folder.and_then(|folder| records.newest_in(&folder)), user }
    }))
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
