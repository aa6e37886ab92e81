//! Names of links, whatever bytes they are: listed, read, moved and taken away.

use std::mem::MaybeUninit;

use rustix::{
    fs::{self, AtFlags, Mode, OFlags, RawDir, RenameFlags},
    io::{self, Errno},
};
use twinlock_core::{fault::MachineFault, ports::Entropy};

use crate::{entropy::KernelEntropy, place::Room};

/// The most names that are looked at in one run: the next one looks at the others.
const NAMES_MAX: usize = 50_000;
/// The longest text of a link that is read.
const TEXT_MAX: usize = 1024;

/// The names in a folder, whatever bytes they are.
pub(super) fn names(room: &Room) -> io::Result<Vec<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = fs::openat(room.fd(), ".", flags, Mode::empty())?;
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

/// A name in UTF-8.
pub(super) fn text(name: &[u8]) -> Option<&str> {
    str::from_utf8(name).ok()
}

/// The text of a link; nothing where it is none, or longer than any of ours.
pub(super) fn target(room: &Room, name: &[u8]) -> Option<String> {
    let mut buffer = [0_u8; TEXT_MAX];
    let length = fs::readlinkat_raw(room.fd(), name, &mut buffer[..]).ok()?;
    let bytes = buffer.get(..length).filter(|bytes| bytes.len() < TEXT_MAX)?;
    Some(str::from_utf8(bytes).ok()?.to_owned())
}

/// Moves a name, and never onto another; whether it was there to be moved.
pub(super) fn rename(from: (&Room, &[u8]), to: (&Room, &[u8])) -> io::Result<bool> {
    let only = RenameFlags::NOREPLACE;
    let moved = match fs::renameat_with(from.0.fd(), from.1, to.0.fd(), to.1, only) {
        // A file system without it, such as NFS: what would be replaced is another letter of the same person and kind.
        Err(Errno::INVAL | Errno::NOSYS) => {
            fs::renameat_with(from.0.fd(), from.1, to.0.fd(), to.1, RenameFlags::empty())
        }
        // One of the same person and kind waits from the same second on, and says enough.
        Err(Errno::EXIST) => fs::unlinkat(from.0.fd(), from.1, AtFlags::empty()),
        moved => moved,
    };
    match moved {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Takes a name away that may be gone already.
pub(super) fn unlink(room: &Room, name: &[u8]) -> io::Result<()> {
    match fs::unlinkat(room.fd(), name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// A number that no other process draws.
pub(super) fn nonce() -> io::Result<u64> {
    let mut bytes = [0; 8];
    KernelEntropy.fill(&mut bytes).map_err(|MachineFault| Errno::IO)?;
    Ok(u64::from_ne_bytes(bytes))
}
