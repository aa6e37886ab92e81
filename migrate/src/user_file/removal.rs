//! Removes an imported file: overwrites the file through its descriptor, and then unlinks its name, unless another file
//! has this name by now.

use rustix::{
    fs::{self, AtFlags, Mode, OFlags, RenameFlags, Stat},
    io::{self, Errno},
};
use twinlock_core::{base::error::MachineError, ports::Entropy};

use crate::user_file::{OpenedFile, UserFileError, fault};
use twinlock_host::entropy::KernelEntropy;

/// Overwrites the file with zeros, if it has not changed since it was read.
pub(super) fn overwrite(held: &OpenedFile) -> Result<(), UserFileError> {
    let stat = fs::fstat(&held.file).map_err(fault)?;
    let times = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
    if times(&stat) != times(&held.stat) || !has_its_name(held)? {
        return Err(UserFileError::Changed);
    }
    if stat.st_nlink != 1 {
        return Err(UserFileError::HardLink);
    }
    // Google's program sets mode 0400, with which the owner cannot write to the file either.
    fs::fchmod(&held.file, Mode::RUSR | Mode::WUSR).map_err(fault)?;
    let flags =
        OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let file = fs::openat(&held.folder, &held.name, flags, Mode::empty()).map_err(fault)?;
    if !same(&fs::fstat(&file).map_err(fault)?, &held.stat) {
        return Err(UserFileError::Changed);
    }
    let zeros = [0; 4096];
    let mut left = usize::try_from(stat.st_size).unwrap_or(0);
    while left > 0 {
        let part = zeros.get(..left.min(zeros.len())).unwrap_or_default();
        match io::write(&file, part) {
            Ok(0) => return Err(fault(Errno::NOSPC)),
            Ok(count) => left = left.saturating_sub(count),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(fault(errno)),
        }
    }
    fs::fsync(&file).map_err(fault)
}

/// Unlinks the file. First renames it to a random name, and checks under that name that the renamed file is still the
/// imported one. If another file has taken its name meanwhile, that other file is renamed back and not lost.
pub(super) fn unlink(held: &OpenedFile) -> Result<(), UserFileError> {
    let mut nonce = [0; 8];
    KernelEntropy.fill(&mut nonce).map_err(|MachineError| fault(Errno::IO))?;
    let aside = format!(".twinlock-gone.{:016x}", u64::from_ne_bytes(nonce));
    let folder = &held.folder;
    let only = RenameFlags::NOREPLACE;
    match fs::renameat_with(folder, &held.name, folder, &aside, only) {
        Ok(()) => {}
        // The file system, such as NFS, does not support `NOREPLACE`.
        Err(Errno::INVAL | Errno::NOSYS) => return unlink_in_place(held),
        Err(errno) => return Err(changed(errno)),
    }
    let seen = fs::statat(folder, &aside, AtFlags::SYMLINK_NOFOLLOW).map_err(changed)?;
    if !same(&seen, &held.stat) {
        let _ = fs::renameat_with(folder, &aside, folder, &held.name, only);
        return Err(UserFileError::Changed);
    }
    fs::unlinkat(folder, &aside, AtFlags::empty()).map_err(changed)?;
    settle(held);
    Ok(())
}

fn unlink_in_place(held: &OpenedFile) -> Result<(), UserFileError> {
    if !has_its_name(held)? {
        return Err(UserFileError::Changed);
    }
    fs::unlinkat(&held.folder, &held.name, AtFlags::empty()).map_err(changed)?;
    settle(held);
    Ok(())
}

/// Syncs the folder. Best effort: the zeros are durable, so a power failure may only restore the name.
fn settle(held: &OpenedFile) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if let Ok(folder) = fs::openat(&held.folder, ".", flags, Mode::empty()) {
        let _ = fs::fsync(&folder);
    }
}

fn has_its_name(held: &OpenedFile) -> Result<bool, UserFileError> {
    let seen = fs::statat(&held.folder, &held.name, AtFlags::SYMLINK_NOFOLLOW).map_err(changed)?;
    Ok(same(&seen, &held.stat))
}

fn same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Converts an errno from a call on a name that existed a moment ago.
fn changed(errno: Errno) -> UserFileError {
    let fault = fault(errno);
    if fault == UserFileError::Absent { UserFileError::Changed } else { fault }
}
