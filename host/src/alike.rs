//! Reading and noting by the same calls for everybody: before a first factor nobody may see who is enrolled.

use rustix::fs::{self, AtFlags};
use twinlock_core::{
    account::{Account, Folder},
    decimal::Decimal,
    fault::StoreFault,
    format::ledger_names,
    pieces::joined,
    ports::Snapshot,
    record::State,
    time::UnixTime,
};

use crate::{
    place,
    records::{FAILED, HostRecords, Left, Newest, USERS, belongs_to, newest_of},
};

/// The folder with the record that is read where there is none; made with the store.
pub(crate) const NOBODY: &str = "nobody";
/// The user id that no account has (`(uid_t) -1`).
const NO_UID: u32 = u32::MAX;

/// What [`twinlock_core::ports::Records::newest`] finds, and the record of nobody that was read where it finds none.
pub(crate) fn newest(
    records: &HostRecords,
    account: Option<&Account>,
) -> (Result<Option<Snapshot>, StoreFault>, Option<Snapshot>) {
    let nobody =
        Account { name: NOBODY.into(), uid: NO_UID, gid: NO_UID, full_name: String::new() };
    let sought = account.unwrap_or(&nobody);
    let Ok(folder) = Folder::of(&sought.name) else {
        return (Err(StoreFault::NameTooLong), None);
    };
    let (own, stand_in, folder_is_there) = match read(records, account.map(|_| &folder)) {
        Ok((found, true)) => (found, None, true),
        Ok((found, false)) => (None, found, false),
        // Without a record of nobody the absence is to be proven all the same.
        Err(fault) if place::is_absent(fault) => (None, None, false),
        Err(fault) => return (Err(fault), None),
    };
    let left = match (&own, folder_is_there) {
        (Some(found), _) => Left::of(found),
        (None, true) => Left::Folder,
        (None, false) => Left::Nothing,
    };
    // Proven for those who are enrolled as well, whom it says nothing about.
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

/// Reads the record of somebody, or of nobody where there is no folder; whether there is one.
fn read(
    records: &HostRecords,
    folder: Option<&Folder>,
) -> Result<(Option<Snapshot>, bool), StoreFault> {
    let root = records.root()?;
    let path = path_of(folder);
    let (room, is_own) = root.below_or((&path, NOBODY), records.owner)?;
    let found = match newest_of(&room, records.owner)? {
        Newest::Read(found) => Some(*found),
        Newest::Empty => None,
        // Read again, by other calls: a record that changes at this very moment shows itself anyhow.
        Newest::Superseded => folder.map_or(Ok(None), |folder| records.newest_in(folder))?,
    };
    Ok((found, is_own))
}

/// A name with this letter alone is nobody's folder, and not there.
pub(crate) fn path_of(folder: Option<&Folder>) -> String {
    joined(&[USERS, "/", folder.map_or("%", Folder::as_str)])
}

/// What [`twinlock_core::ports::Records::note_failures`] says.
pub(crate) fn note_failures(
    records: &HostRecords,
    folder: Option<&Folder>,
    (before, after): (u32, u32),
    now: UnixTime,
) {
    let Ok(root) = records.root() else { return };
    let path = folder.map_or_else(|| NOBODY.to_owned(), |folder| path_of(Some(folder)));
    let Ok(room) = root.below(&path, records.owner) else { return };
    // Where nothing is noted, what is made is no note, and goes at once.
    let noted = |number: u32| {
        let noted = Decimal::of(number.into());
        if before == after { "failed".to_owned() } else { [FAILED, noted.as_str()].concat() }
    };
    let _ = room.link(&noted(after), &ledger_names::instant(now));
    let _ = fs::unlinkat(room.fd(), noted(before), AtFlags::empty());
}
