//! Reads and writes what `export` and `import record` transfer in addition to a record: a set of backup codes, the time
//! at which it was created, and the times at which its codes were spent.

use rustix::fs::{self, AtFlags, Timespec, Timestamps};
use twinlock_core::{
    base::{
        account::Folder,
        error::{CommitError, FileError, StoreError},
        time::UnixTime,
    },
    ledger::names,
    ports::CodeSets,
    record::{SetId, code_set::CodeSet, code_set_text as form},
};

use crate::{
    store::{commit, records::HostRecords},
    trusted_dir,
};

/// Returns the time at which a set was created. This is the modification time of its file, which is written once.
///
/// # Errors
/// [`StoreError`] if the time of the file cannot be read.
pub fn made_at(records: &HostRecords, folder: &Folder, id: SetId) -> Result<UnixTime, StoreError> {
    let dir = records.open(folder)?;
    let stat = fs::statat(dir.fd(), form::set_name(id), AtFlags::SYMLINK_NOFOLLOW);
    let seconds = stat.map_err(trusted_dir::fault)?.st_mtime;
    Ok(UnixTime(u64::try_from(seconds).unwrap_or_default()))
}

/// Returns the index of each spent code of a set, with the time at which the code was spent. The time is 0 if it cannot
/// be read.
///
/// # Errors
/// [`StoreError`] if the names of spent codes cannot be listed.
pub fn spent_at(
    records: &HostRecords,
    folder: &Folder,
    id: SetId,
) -> Result<Vec<(u8, UnixTime)>, StoreError> {
    let dir = records.open(folder)?;
    let mut places = records.spent(folder, id)?;
    places.sort_unstable();
    let at = |place: u8| {
        let target = fs::readlinkat(dir.fd(), form::spent_name(id, place), Vec::new()).ok();
        target.and_then(|text| names::read_instant(text.to_str().ok()?)).unwrap_or_default()
    };
    Ok(places.into_iter().map(|place| (place, at(place))).collect())
}

/// Stores a set from another host under its original id. `since` is the time at which the set was created. If the same
/// set exists here already, keeps it.
///
/// # Errors
/// [`CommitError`] if the set cannot be written; [`StoreError::Malformed`] if a different set has the id on this host.
pub fn bring(
    records: &HostRecords,
    folder: &Folder,
    id: SetId,
    set: &CodeSet,
    since: UnixTime,
) -> Result<(), CommitError> {
    let name = form::set_name(id);
    match records.set(folder, id) {
        Ok(known) if known == *set => return Ok(()),
        Ok(_) => return Err(CommitError::Store(StoreError::Malformed { line: 0 })),
        Err(StoreError::File(FileError::Missing)) => {}
        Err(fault) => return Err(CommitError::Store(fault)),
    }
    commit::lay_beside(records, folder, &name, form::write(set).as_bytes())?;
    let dir = records.open(folder)?;
    let at = Timespec { tv_sec: i64::try_from(since.0).unwrap_or(i64::MAX), tv_nsec: 0 };
    let times = Timestamps { last_access: at, last_modification: at };
    fs::utimensat(dir.fd(), &name, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|errno| CommitError::from(trusted_dir::fault(errno)))
}
