//! Creates, replaces and removes a file beside the settings that only root may read, such as the key file of a fleet.
//! Each change is durable, and other processes see the old file or the new one, never a part of it.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{self, AtFlags},
    io::{self, Errno},
};
use twinlock_core::{
    base::error::{FileError, MachineError},
    ports::Entropy,
};
use zeroize::Zeroize;

use crate::{
    entropy::KernelEntropy,
    settings::{
        last_good_settings::sweep,
        swap_file::{SwapContent, write},
    },
    trusted_dir::{self, Owner},
    trusted_path,
};

/// The permission bits of the file.
const MODE: u32 = 0o600;

/// Creates the file. Returns `false`, and changes nothing, if it exists.
///
/// # Errors
/// [`FileError`] if the folder cannot be trusted or the file cannot be written.
pub fn create(path: &str, bytes: &[u8], owner: Owner) -> Result<bool, FileError> {
    let (folder, name) = trusted_path::folder_to_write(path, owner).map_err(|found| found.fault)?;
    create_in(&folder, name, bytes, owner)
}

fn create_in(folder: &OwnedFd, name: &str, bytes: &[u8], owner: Owner) -> Result<bool, FileError> {
    let place = |temporary: &str| fs::linkat(folder, temporary, folder, name, AtFlags::empty());
    match put(folder, name, &place, bytes, owner) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(errno) => Err(trusted_dir::fault(errno)),
    }
}

/// Replaces the file, or creates it.
///
/// # Errors
/// [`FileError`] if the folder cannot be trusted or the file cannot be written.
pub fn replace(path: &str, bytes: &[u8], owner: Owner) -> Result<(), FileError> {
    let (folder, name) = trusted_path::folder_to_write(path, owner).map_err(|found| found.fault)?;
    replace_in(&folder, name, bytes, owner)
}

fn replace_in(folder: &OwnedFd, name: &str, bytes: &[u8], owner: Owner) -> Result<(), FileError> {
    let place = |temporary: &str| fs::renameat(folder, temporary, folder, name);
    put(folder, name, &place, bytes, owner).map_err(trusted_dir::fault)
}

/// Removes the file. A missing file is not an error.
///
/// # Errors
/// [`FileError`] if the folder cannot be trusted or the file cannot be removed.
pub fn remove(path: &str, owner: Owner) -> Result<(), FileError> {
    let (folder, name) = trusted_path::folder_to_write(path, owner).map_err(|found| found.fault)?;
    match fs::unlinkat(&folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(trusted_dir::fault(errno)),
    }
    fs::fsync(&folder).map_err(trusted_dir::fault)
}

/// Writes a temporary file and calls `place` with its name.
fn put(
    folder: &OwnedFd,
    name: &str,
    place: &dyn Fn(&str) -> io::Result<()>,
    bytes: &[u8],
    owner: Owner,
) -> io::Result<()> {
    let mut nonce = [0; 8];
    KernelEntropy.fill(&mut nonce).map_err(|MachineError| Errno::IO)?;
    let temporary = format!("{name}.{:016x}", u64::from_ne_bytes(nonce));
    let mut content = SwapContent { bytes: bytes.to_vec(), mode: MODE };
    let placed = write(folder, &temporary, &content, owner).and_then(|()| place(&temporary));
    content.bytes.zeroize();
    // After a rename, there is no such name.
    let _ = fs::unlinkat(folder, &temporary, AtFlags::empty());
    placed?;
    fs::fsync(folder)?;
    sweep(folder, name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags};
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn files_are_private_and_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let folder = fs::open(dir.path(), flags, Mode::empty()).unwrap();
        let owner = Owner(rustix::process::geteuid().as_raw());
        let path = dir.path().join("fleet.key");
        assert_eq!(create_in(&folder, "fleet.key", b"one", owner), Ok(true));
        assert_eq!(create_in(&folder, "fleet.key", b"two", owner), Ok(false));
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        replace_in(&folder, "fleet.key", b"three", owner).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"three");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
