//! Opens folders and files without following symbolic links.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    fs::{self, CWD, Mode, OFlags, ResolveFlags},
    io::{self, Errno},
};

/// Opens a file for reading by its absolute path.
pub(crate) fn file_by_path(path: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    match fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Err(Errno::NOSYS | Errno::PERM) => walk_to_file(path),
        other => other,
    }
}

pub(crate) fn walk_to_file(path: &str) -> io::Result<OwnedFd> {
    let (folder, name) = path.rsplit_once('/').ok_or(Errno::INVAL)?;
    let parent = walk(CWD, if folder.is_empty() { "/" } else { folder })?;
    file(parent.as_fd(), name)
}

/// Opens a file of a folder for reading.
pub(crate) fn file(parent: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    // If the name is a FIFO without a writer, this call does not block. The caller then refuses the FIFO.
    let flags =
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    fs::openat(parent, name, flags, Mode::empty())
}

/// Opens a folder by a path relative to `parent`. `resolve` says which paths are refused, as in openat2(2). If the
/// kernel has no openat2, every symbolic link and every `..` is refused.
pub(crate) fn folder(
    parent: BorrowedFd<'_>,
    path: &str,
    resolve: ResolveFlags,
) -> io::Result<OwnedFd> {
    let flags = FOLDER.difference(OFlags::NOFOLLOW);
    match fs::openat2(parent, path, flags, Mode::empty(), resolve) {
        Err(Errno::NOSYS | Errno::PERM) => walk(parent, path),
        other => other,
    }
}

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// Opens a folder component by component, for kernels and containers without openat2.
fn walk(parent: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    let start = if path.starts_with('/') { "/" } else { "." };
    let mut at = fs::openat(parent, start, FOLDER, Mode::empty())?;
    for part in path.as_bytes().split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
        if part == b".." {
            return Err(Errno::XDEV);
        }
        at = fs::openat(&at, part, FOLDER, Mode::empty())?;
    }
    Ok(at)
}
