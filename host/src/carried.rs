//! What `export` and `import record` transfer besides a record: a set with its age, and when its codes were spent.

use rustix::fs::{self, AtFlags, Timespec, Timestamps};
use twinlock_core::{
    account::Folder,
    code_set::CodeSet,
    fault::{CommitFault, StoreFault},
    format::{codes as form, ledger_names},
    ports::Codes,
    record::SetId,
    time::UnixTime,
};

use crate::{commit, place, records::HostRecords};

/// Returns when a set was created: its file is written once.
///
/// # Errors
/// [`StoreFault`] if the file cannot be read.
pub fn made_at(records: &HostRecords, folder: &Folder, id: SetId) -> Result<UnixTime, StoreFault> {
    let room = records.open(folder)?;
    let stat = fs::statat(room.fd(), form::set_name(id), AtFlags::SYMLINK_NOFOLLOW);
    let seconds = stat.map_err(place::fault)?.st_mtime;
    Ok(UnixTime(u64::try_from(seconds).unwrap_or_default()))
}

/// Returns the spent codes of a set with the time of each, by index; the time is 0 if it cannot be read.
///
/// # Errors
/// [`StoreFault`] if they cannot be listed.
pub fn spent_at(
    records: &HostRecords,
    folder: &Folder,
    id: SetId,
) -> Result<Vec<(u8, UnixTime)>, StoreFault> {
    let room = records.open(folder)?;
    let mut places = records.spent(folder, id)?;
    places.sort_unstable();
    let at = |place: u8| {
        let target = fs::readlinkat(room.fd(), form::spent_name(id, place), Vec::new()).ok();
        target.and_then(|text| ledger_names::read_instant(text.to_str().ok()?)).unwrap_or_default()
    };
    Ok(places.into_iter().map(|place| (place, at(place))).collect())
}

/// Stores a set from another host under its own id and with its age. A set that is present already is kept.
///
/// # Errors
/// [`CommitFault`]; [`StoreFault::Malformed`] if another set has that id on this host.
pub fn bring(
    records: &HostRecords,
    folder: &Folder,
    (id, set, since): (SetId, &CodeSet, UnixTime),
) -> Result<(), CommitFault> {
    let name = form::set_name(id);
    match records.set(folder, id) {
        Ok(known) if known == *set => return Ok(()),
        Ok(_) => return Err(CommitFault::Store(StoreFault::Malformed { line: 0 })),
        Err(StoreFault::FolderMissing) => {}
        Err(fault) => return Err(CommitFault::Store(fault)),
    }
    commit::lay_beside(records, folder, (&name, form::write(set).as_bytes()))?;
    let room = records.open(folder).map_err(CommitFault::Store)?;
    let at = Timespec { tv_sec: i64::try_from(since.0).unwrap_or(i64::MAX), tv_nsec: 0 };
    let times = Timestamps { last_access: at, last_modification: at };
    fs::utimensat(room.fd(), &name, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|errno| CommitFault::Store(place::fault(errno)))
}
