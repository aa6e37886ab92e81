//! Empties the folder that a mounted ledger hides. This folder may have served as the ledger before the mount, and its
//! old names must not reappear after the ledger is unmounted.

use std::io::ErrorKind;
use std::os::fd::AsRawFd;

use rustix::{
    fs::{self, AtFlags, CWD, Mode, OFlags},
    io::{self, Errno},
    mount::{OpenTreeFlags, open_tree},
};

use crate::{
    ledger::{layout::EPOCH, mount},
    trusted_dir::Owner,
};

/// The subfolders of a ledger.
const GROUPS: [&str; 2] = ["users", "unknown"];

/// Empties the folder that a mount at `path` hides. Does nothing if no mount is there, or if this process has no right
/// to open the hidden folder.
///
/// # Errors
/// The errno if a name cannot be removed.
pub(crate) fn empty(path: &str, owner: Owner) -> io::Result<()> {
    if !mount::is_at(path).unwrap_or(false) {
        return Ok(());
    }
    let Some((above, name)) = path.rsplit_once('/') else { return Ok(()) };
    let above = if above.is_empty() { "/" } else { above };
    // `above` is a private copy of the mount that contains the ledger folder, without its submounts.
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let Ok(above) = open_tree(CWD, above, flags) else { return Ok(()) };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let Ok(folder) = fs::openat(&above, name, flags, Mode::empty()) else { return Ok(()) };
    let (hidden, shown) = (fs::fstat(&folder)?, fs::stat(path)?);
    let is_the_ledger = (hidden.st_dev, hidden.st_ino) == (shown.st_dev, shown.st_ino);
    if is_the_ledger || hidden.st_uid != owner.0 {
        return Ok(());
    }
    // The epoch is removed first: without an epoch, every code of the names that remain counts as used.
    match fs::unlinkat(&folder, EPOCH, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno),
    }
    for group in GROUPS {
        let group = format!("/proc/self/fd/{}/{group}", folder.as_raw_fd());
        match std::fs::remove_dir_all(group) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO));
            }
            _ => {}
        }
    }
    Ok(())
}
