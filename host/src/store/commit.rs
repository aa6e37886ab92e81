//! Commits a record atomically: writes the record to a temporary file, makes that file durable, and renames it to a
//! name that only one process can create.

use rustix::{
    fd::{BorrowedFd, OwnedFd},
    fs::{self, AtFlags, Mode, OFlags, RenameFlags},
    io::{self, Errno},
};
use twinlock_core::{
    base::{
        account::Folder,
        error::{CommitError, FileError, MachineError, StoreError},
    },
    ports::Entropy,
    record::{Record, text as form},
};

use crate::{
    entropy::KernelEntropy,
    store::{
        records::{HostRecords, USERS, list, record_name},
        sweep,
        uid_link::{LinkPhase, UidClaim},
    },
    trusted_dir::{self, TrustedDir},
};

/// Writes `record` under the sequence number `after` + 1, and removes the user's older records. Also reserves the user
/// id for this user name, or releases it if the record is that of a removed user.
pub(crate) fn commit(
    records: &HostRecords,
    folder: &Folder,
    after: u64,
    record: &Record,
) -> Result<(), CommitError> {
    let root = records.root()?;
    let dir = person(records, &root, folder).map_err(CommitError::Store)?;
    let claim = UidClaim { records, root: &root, folder, uid: record.uid };
    let holds = record.state.holds_uid();
    let phase = if holds { claim.begin()? } else { LinkPhase::Held };
    let next =
        after.checked_add(1).ok_or(CommitError::Store(StoreError::File(FileError::TooLarge)))?;
    let done = put(records, &dir, next, record);
    match done {
        Ok(()) if !holds => claim.let_go(),
        // `Overtaken` means that another process has written this record, so the first enrollment is complete in that
        // case as well.
        Ok(()) | Err(CommitError::Overtaken) if phase == LinkPhase::Begun => claim.finish(),
        Ok(()) | Err(CommitError::Overtaken | CommitError::Store(_)) => {}
    }
    done
}

/// Marks the first enrollment of an account as complete, in the symbolic link `uids/UID`. This repairs an enrollment
/// that was interrupted after its record was written and before it was marked as complete.
#[cfg(feature = "tools")]
pub(crate) fn finish(
    records: &HostRecords,
    account: &twinlock_core::base::account::Account,
) -> Result<(), StoreError> {
    let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
    let link = crate::store::uid_link::read(records, account.uid)?;
    if link.is_some_and(|link| link.phase == LinkPhase::Begun && link.folder == folder) {
        let root = records.root()?;
        UidClaim { records, root: &root, folder: &folder, uid: account.uid }.finish();
    }
    Ok(())
}

/// Opens a user's folder, and creates it durably if it is missing.
fn person(
    records: &HostRecords,
    root: &TrustedDir,
    folder: &Folder,
) -> Result<TrustedDir, StoreError> {
    root.make(USERS, records.owner).map_err(trusted_dir::fault)?;
    let users = root.below(USERS, records.owner)?;
    users.make(folder.as_str(), records.owner).map_err(trusted_dir::fault)?;
    fs::fsync(users.fd()).map_err(trusted_dir::fault)?;
    fs::fsync(root.fd()).map_err(trusted_dir::fault)?;
    Ok(users.below(folder.as_str(), records.owner)?)
}

/// Writes `record` as number 1 of the folder `dir`. If there is such a record already, keeps it.
#[cfg(feature = "tools")]
pub(crate) fn put_first(
    records: &HostRecords,
    dir: &TrustedDir,
    record: &Record,
) -> Result<(), StoreError> {
    match put(records, dir, 1, record) {
        Ok(()) | Err(CommitError::Overtaken) => Ok(()),
        Err(CommitError::Store(fault)) => Err(fault),
    }
}

fn put(
    records: &HostRecords,
    dir: &TrustedDir,
    next: u64,
    record: &Record,
) -> Result<(), CommitError> {
    let store = |errno| CommitError::from(trusted_dir::fault(errno));
    let text = form::write(record);
    let temporary = write_aside(records, dir, text.as_bytes()).map_err(store)?;
    let placed = place_once(dir.fd(), &temporary, &record_name(next));
    if placed.is_err() {
        let _ = fs::unlinkat(dir.fd(), &temporary, AtFlags::empty());
    }
    match placed {
        Ok(()) => {}
        // A missing temporary file also means that another process was faster: a process removes the temporary files of
        // others only after it has completed a change.
        Err(Errno::EXIST | Errno::NOENT) => return Err(CommitError::Overtaken),
        Err(errno) => return Err(store(errno)),
    }
    fs::fsync(dir.fd()).map_err(store)?;
    let listing = list(dir).map_err(CommitError::Store)?;
    for cut_off in &listing.temporary {
        let _ = fs::unlinkat(dir.fd(), cut_off, AtFlags::empty());
    }
    if listing.sequences.iter().any(|sequence| *sequence > next) {
        // There is a newer record, which replaces this one, or which replaces an earlier record that had the same
        // number and is gone. In the second case, this record never was the newest.
        let _ = fs::unlinkat(dir.fd(), record_name(next), AtFlags::empty());
        return Err(CommitError::Overtaken);
    }
    sweep::sets(records, dir, next, record.codes, &listing);
    for old in listing.sequences.iter().filter(|sequence| **sequence < next) {
        let _ = fs::unlinkat(dir.fd(), record_name(*old), AtFlags::empty());
    }
    Ok(())
}

/// Creates a durable file in a user's folder. Fails with `Overtaken` if the name exists.
pub(crate) fn lay_beside(
    records: &HostRecords,
    folder: &Folder,
    name: &str,
    text: &[u8],
) -> Result<(), CommitError> {
    let root = records.root()?;
    let dir = person(records, &root, folder).map_err(CommitError::Store)?;
    lay_in(records, &dir, name, text)
}

/// Creates a durable file in an open folder. Fails with `Overtaken` if the name exists.
pub(crate) fn lay_in(
    records: &HostRecords,
    dir: &TrustedDir,
    name: &str,
    text: &[u8],
) -> Result<(), CommitError> {
    let store = |errno| CommitError::from(trusted_dir::fault(errno));
    let temporary = write_aside(records, dir, text).map_err(store)?;
    let placed = place_once(dir.fd(), &temporary, name);
    if placed.is_err() {
        let _ = fs::unlinkat(dir.fd(), &temporary, AtFlags::empty());
    }
    match placed {
        Ok(()) => fs::fsync(dir.fd()).map_err(store),
        // If the temporary file is missing, another process was faster and has removed this file.
        Err(Errno::EXIST | Errno::NOENT) => Err(CommitError::Overtaken),
        Err(errno) => Err(store(errno)),
    }
}

/// Writes a text to a temporary file and makes the file durable. The file belongs to the owner of the records (root),
/// whatever umask and group the caller has. Returns the name of the file.
fn write_aside(records: &HostRecords, dir: &TrustedDir, text: &[u8]) -> io::Result<String> {
    let mut nonce = [0; 8];
    KernelEntropy.fill(&mut nonce).map_err(|MachineError| Errno::IO)?;
    let name = format!("tmp.{:016x}", u64::from_ne_bytes(nonce));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = fs::openat(dir.fd(), &name, flags, Mode::RUSR | Mode::WUSR)?;
    let written = fill(records, &fd, text);
    if written.is_err() {
        let _ = fs::unlinkat(dir.fd(), &name, AtFlags::empty());
    }
    written.map(|()| name)
}

fn fill(records: &HostRecords, fd: &OwnedFd, text: &[u8]) -> io::Result<()> {
    trusted_dir::give_to(fd, records.owner)?;
    fs::fchmod(fd, Mode::RUSR | Mode::WUSR)?;
    let mut written = 0;
    while let Some(rest) = text.get(written..).filter(|rest| !rest.is_empty()) {
        match io::write(fd, rest) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(count) => written += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    fs::fsync(fd)
}

/// Renames `temporary` to `name`. Fails with `EEXIST` if `name` exists.
pub(crate) fn place_once(folder: BorrowedFd<'_>, temporary: &str, name: &str) -> io::Result<()> {
    match fs::renameat_with(folder, temporary, folder, name, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => {
            fs::linkat(folder, temporary, folder, name, AtFlags::empty())?;
            match fs::unlinkat(folder, temporary, AtFlags::empty()) {
                // A later change has removed the temporary file, but the final name exists.
                Err(Errno::NOENT) => Ok(()),
                unlinked => unlinked,
            }
        }
        renamed => renamed,
    }
}
