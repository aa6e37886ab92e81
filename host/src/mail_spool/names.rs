//! Lists, reads, moves and removes symbolic links whose names may be arbitrary bytes.

use std::mem::MaybeUninit;

use rustix::{
    fs::{self, AtFlags, Mode, OFlags, RawDir, RenameFlags},
    io::{self, Errno},
};
use twinlock_core::{base::error::MachineError, ports::Entropy};

use crate::{entropy::KernelEntropy, trusted_dir::TrustedDir};

/// Maximum number of names that one run handles. The next run handles the rest.
const NAMES_MAX: usize = 50_000;
/// Maximum length of a link's text in bytes.
const TEXT_MAX: usize = 1024;

/// Returns the names in a folder as bytes, at most [`NAMES_MAX`] of them.
pub(super) fn names(dir: &TrustedDir) -> io::Result<Vec<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = fs::openat(dir.fd(), ".", flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); 8192];
    let mut entries = RawDir::new(folder, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        match entry.file_name().to_bytes() {
            b"." | b".." => {}
            name => names.push(name.to_owned()),
        }
        if names.len() >= NAMES_MAX {
            break;
        }
    }
    Ok(names)
}

/// Returns a name as text; `None` if it is not UTF-8.
pub(super) fn text(name: &[u8]) -> Option<&str> {
    str::from_utf8(name).ok()
}

/// Returns the text of a link; `None` if the name is not a link or the text is too long.
pub(super) fn target(dir: &TrustedDir, name: &[u8]) -> Option<String> {
    let mut buffer = [0_u8; TEXT_MAX];
    let length = fs::readlinkat_raw(dir.fd(), name, &mut buffer[..]).ok()?;
    let bytes = buffer.get(..length).filter(|bytes| bytes.len() < TEXT_MAX)?;
    Some(str::from_utf8(bytes).ok()?.to_owned())
}

/// Renames `name` in the folder `from` to `new` in the folder `to`. If `new` exists, only removes `name`. Returns
/// `false` if `name` does not exist.
pub(super) fn rename(
    from: &TrustedDir,
    name: &[u8],
    to: &TrustedDir,
    new: &[u8],
) -> io::Result<bool> {
    let only = RenameFlags::NOREPLACE;
    let moved = match fs::renameat_with(from.fd(), name, to.fd(), new, only) {
        // On a file system without `RENAME_NOREPLACE`, such as NFS, this may replace a notification of the same user
        // and kind.
        Err(Errno::INVAL | Errno::NOSYS) => {
            fs::renameat_with(from.fd(), name, to.fd(), new, RenameFlags::empty())
        }
        // A notification with the same user, kind and second exists already, so `name` is not needed.
        Err(Errno::EXIST) => fs::unlinkat(from.fd(), name, AtFlags::empty()),
        moved => moved,
    };
    match moved {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Removes a name. A missing name is not an error.
pub(super) fn unlink(dir: &TrustedDir, name: &[u8]) -> io::Result<()> {
    match fs::unlinkat(dir.fd(), name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Returns a random 64-bit number for a unique file name.
pub(super) fn nonce() -> io::Result<u64> {
    let mut bytes = [0; 8];
    KernelEntropy.fill(&mut bytes).map_err(|MachineError| Errno::IO)?;
    Ok(u64::from_ne_bytes(bytes))
}
