//! Reads records and stores failures with the same system calls for every user, so that a login without a proven first
//! factor does not reveal who is enrolled.

use rustix::fs::{self, AtFlags};
use twinlock_core::{
    base::{
        account::{Account, Folder},
        decimal::Decimal,
        error::StoreError,
        time::UnixTime,
    },
    ledger::names,
    ports::Snapshot,
    record::State,
};

use crate::{
    store::records::{FAILED, FolderContent, HostRecords, Newest, USERS, belongs_to, newest_of},
    trusted_dir,
};

/// The folder with the dummy record, which is read in place of a user's record if the user has no folder. It is created
/// together with the records folder.
pub(crate) const NOBODY: &str = "nobody";
/// The user id `(uid_t) -1`, which no account has.
const NO_UID: u32 = u32::MAX;

/// Returns two records: the newest record of the account, or `None` if there is none; and the dummy record, or `None`
/// if it was not read in place of the account's record. Makes the same system calls for every user (see
/// [`twinlock_core::ports::Records::newest_uniform`]).
pub(crate) fn newest(
    records: &HostRecords,
    account: Option<&Account>,
) -> (Result<Option<Snapshot>, StoreError>, Option<Snapshot>) {
    let nobody =
        Account { name: NOBODY.into(), uid: NO_UID, gid: NO_UID, full_name: String::new() };
    let sought = account.unwrap_or(&nobody);
    let Ok(folder) = Folder::of(&sought.name) else {
        return (Err(StoreError::NameTooLong), None);
    };
    let (own, stand_in, folder_is_there) = match read(records, account.map(|_| &folder)) {
        Ok((found, true)) => (found, None, true),
        Ok((found, false)) => (None, found, false),
        // Even if the dummy record is missing as well, it must be proven that the user has no record.
        Err(fault) if trusted_dir::is_absent(fault) => (None, None, false),
        Err(fault) => return (Err(fault), None),
    };
    let left = match (&own, folder_is_there) {
        (Some(found), _) => FolderContent::of(found),
        (None, true) => FolderContent::Folder,
        (None, false) => FolderContent::Nothing,
    };
    // The system calls of this proof are also made for enrolled users. Their result is then ignored.
    let absent = records.prove_absence(sought, &folder, left);
    let found = match (account, own) {
        (None, _) => Ok(None),
        (Some(_), None) => absent.map(|()| None),
        (Some(account), Some(found)) => belongs_to(&found, account).and_then(|()| {
            if found.record.state == State::Removed {
                absent?;
            }
            Ok(Some(found))
        }),
    };
    (found, stand_in)
}

/// Reads a user's record, or the dummy record if the user has no folder. Returns the record, or `None` if the folder
/// has none. Also returns whether the folder is the user's own.
fn read(
    records: &HostRecords,
    folder: Option<&Folder>,
) -> Result<(Option<Snapshot>, bool), StoreError> {
    let root = records.root()?;
    let path = path_of(folder);
    let (dir, is_own) = root.below_or(&path, NOBODY, records.owner)?;
    let found = match newest_of(&dir, records.owner)? {
        Newest::Read(found) => Some(*found),
        Newest::Empty => None,
        // This second reading makes other system calls. That reveals nothing: a record that changes at this moment is
        // observable anyway.
        Newest::Superseded => folder.map_or(Ok(None), |folder| records.newest_in(folder))?,
    };
    Ok((found, is_own))
}

/// Returns the path of a user's folder below the records folder. Without a folder, returns a path that never exists,
/// because no folder name is just `%`.
pub(crate) fn path_of(folder: Option<&Folder>) -> String {
    [USERS, "/", folder.map_or("%", Folder::as_str)].concat()
}

/// Replaces the stored number of the user's consecutive failures by `after`, if the stored number is `before` (see
/// [`twinlock_core::ports::Records::note_failures`]). `folder` is `None` for a user without a folder.
pub(crate) fn note_failures(
    records: &HostRecords,
    folder: Option<&Folder>,
    before: u32,
    after: u32,
    now: UnixTime,
) {
    let Ok(root) = records.root() else { return };
    let path = folder.map_or_else(|| NOBODY.to_owned(), |folder| path_of(Some(folder)));
    let Ok(dir) = root.below(&path, records.owner) else { return };
    // If both numbers are equal, the created name has no meaning and is removed at once.
    let noted = |number: u32| {
        let noted = Decimal::of(number.into());
        if before == after { "failed".to_owned() } else { [FAILED, noted.as_str()].concat() }
    };
    let _ = dir.link(&noted(after), &names::instant(now));
    let _ = fs::unlinkat(dir.fd(), noted(before), AtFlags::empty());
}
