//! The records of this host that are shared, each with its name in the store.

use std::collections::HashMap;

use twinlock_core::{
    base::{account::Folder, error::StoreError},
    record::Record,
};

use crate::{
    fleet::{key_file::FleetKey, names::StoreName},
    store::{
        enrolled_users::{self, EnrolledUser},
        records::HostRecords,
    },
};

/// A record of this host that is shared.
#[derive(Debug)]
pub struct LocalUser {
    /// The account name.
    pub user: String,
    /// The folder of the record.
    pub folder: Folder,
    /// The name in the store.
    pub name: StoreName,
    /// The sequence number of the record on this host.
    pub sequence: u64,
    /// The record.
    pub record: Record,
}

/// The shared records of this host, and the problems that prevent others from being shared.
#[derive(Debug, Default)]
pub struct SharedUsers {
    /// The records, in the order of the user names.
    pub users: Vec<LocalUser>,
    /// Users whose record cannot be read, so that it is unknown whether they are shared.
    pub unreadable: Vec<String>,
    /// Groups of user names that the naming rule maps to the same name in the store. The names of a group are separated
    /// by commas.
    pub same_name: Vec<String>,
}

/// Returns the records of this host that are shared: those with the user id `lowest_uid` or above, never root's.
///
/// # Errors
/// [`StoreError`] if the folder of all records cannot be read.
pub fn shared_users(
    records: &HostRecords,
    key: &FleetKey,
    lowest_uid: u32,
) -> Result<SharedUsers, StoreError> {
    let mut found = SharedUsers::default();
    for EnrolledUser { user, found: record } in enrolled_users::everybody(records)? {
        let snapshot = match record {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => continue,
            Err(_) => {
                found.unreadable.push(user);
                continue;
            }
        };
        let uid = snapshot.record.uid;
        let Some(folder) = Folder::of(&user).ok().filter(|_| uid != 0 && uid >= lowest_uid) else {
            continue;
        };
        let name = StoreName::of_user(key, &user);
        let (sequence, record) = (snapshot.sequence, snapshot.record);
        found.users.push(LocalUser { user, folder, name, sequence, record });
    }
    found.same_name = same_names(&found.users);
    Ok(found)
}

fn same_names(users: &[LocalUser]) -> Vec<String> {
    let mut by_name: HashMap<String, Vec<&str>> = HashMap::new();
    for user in users {
        by_name.entry(user.name.record()).or_default().push(&user.user);
    }
    let mut found: Vec<String> = by_name
        .into_values()
        .filter(|names| names.len() > 1)
        .map(|names| names.join(", "))
        .collect();
    found.sort_unstable();
    found
}
