//! Opens folders and files that only root can have created. Follows no symbolic link, and reads no file larger than a
//! given size.

use std::{
    cell::{Cell, OnceCell},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{self, AtFlags, CWD, FileType, Mode, RawDir, ResolveFlags, SeekFrom, Stat},
    io::{self, Errno},
};
use twinlock_core::{
    base::error::{FileError, StoreError},
    record::Identity,
};

use crate::open_beneath;

/// Maximum number of names read from one folder.
const NAMES_MAX: usize = 16_384;
/// Permission bits that must be clear if only the owner may have access.
pub const PRIVATE: u32 = 0o077;
/// Permission bits that must be clear if all users may read but only the owner may write.
pub const READABLE: u32 = 0o022;

/// The required owner (user id) of trusted files: root, or in a test the user who runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner(pub u32);

/// A folder that was checked when it was opened.
#[derive(Debug)]
pub struct TrustedDir {
    fd: OwnedFd,
    owner: Owner,
    listed: Cell<bool>,
    pub(crate) foreign_group: OnceCell<bool>,
}

impl TrustedDir {
    /// Opens a folder by its absolute path. Refuses a symbolic link anywhere in the path.
    ///
    /// # Errors
    /// [`FileError`] if the folder is missing, is not a folder, has another owner than `owner` or is accessible to
    /// other users.
    pub fn open(path: &str, owner: Owner) -> Result<Self, FileError> {
        Self::checked(open_beneath::folder(CWD, path, ResolveFlags::NO_SYMLINKS), owner)
    }

    /// Opens the folder `path`, which is `root` or below it. Checks that both folders are accessible only to the owner.
    /// Both paths are absolute. Makes one system call less than two calls of [`TrustedDir::open`].
    ///
    /// # Errors
    /// The errors of [`TrustedDir::open`], for either folder.
    pub fn open_in(root: &str, path: &str, owner: Owner) -> Result<Self, FileError> {
        let stat = fs::statat(CWD, root, AtFlags::SYMLINK_NOFOLLOW).map_err(fault)?;
        // If `root` is not a folder, opening `path` fails with an error that says so.
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            trusted(&stat, owner, PRIVATE)?;
        }
        Self::open(path, owner)
    }

    /// Opens a folder below this one. `path` has one or two components, none of which is `.` or `..`.
    ///
    /// # Errors
    /// The errors of [`TrustedDir::open`].
    pub fn below(&self, path: &str, owner: Owner) -> Result<Self, FileError> {
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
        Self::checked(open_beneath::folder(self.fd.as_fd(), path, resolve), owner)
    }

    /// Opens the folder `path` below this one, or the folder `instead` if `path` is missing. Makes the same system
    /// calls in both cases. Returns `true` with the folder if it is `path`.
    ///
    /// # Errors
    /// The errors of [`TrustedDir::open`], for either folder.
    pub fn below_or(
        &self,
        path: &str,
        instead: &str,
        owner: Owner,
    ) -> Result<(Self, bool), FileError> {
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
        let first = open_beneath::folder(self.fd.as_fd(), path, resolve);
        // No folder name contains `%`, so exactly one of the two calls can succeed.
        let second = if matches!(first, Err(Errno::NOENT)) { instead } else { "%" };
        let second = open_beneath::folder(self.fd.as_fd(), second, resolve);
        match first {
            Err(Errno::NOENT) => Self::checked(second, owner).map(|dir| (dir, false)),
            first => Self::checked(first, owner).map(|dir| (dir, true)),
        }
    }

    fn checked(opened: io::Result<OwnedFd>, owner: Owner) -> Result<Self, FileError> {
        let fd = opened.map_err(fault)?;
        let stat = fs::fstat(&fd).map_err(fault)?;
        trusted(&stat, owner, PRIVATE)?;
        Ok(Self::of_checked(fd, owner))
    }

    /// Wraps a folder that was checked elsewhere.
    pub(crate) fn of_checked(fd: OwnedFd, owner: Owner) -> Self {
        Self { fd, owner, listed: Cell::new(false), foreign_group: OnceCell::new() }
    }

    /// Creates a folder in this one, accessible to its owner only, regardless of the caller's umask and group. An
    /// existing folder is not an error.
    ///
    /// # Errors
    /// The errno if the folder cannot be created.
    pub fn make(&self, name: &str, owner: Owner) -> io::Result<()> {
        make_folder(self.fd.as_fd(), name, owner)
    }

    /// Creates a symbolic link in this folder with `text` as its target. Only one process can create a name.
    ///
    /// # Errors
    /// The errno; `EEXIST` if the name exists.
    pub fn link(&self, name: &str, text: &str) -> io::Result<()> {
        // su and sudo run with the group of their caller, which a new link inherits.
        let foreign = || self.owner.0 == 0 && !rustix::process::getegid().is_root();
        // The group is determined even if the name exists. Otherwise an attacker could observe that no name is created
        // for a user who is locked out for some time.
        let foreign = *self.foreign_group.get_or_init(foreign);
        fs::symlinkat(text, &self.fd, name)?;
        if foreign {
            // If this fails, no harm is done: no other user can access the folder, and the group of a link is never
            // checked.
            let group = Some(fs::Gid::ROOT);
            let _ = fs::chownat(&self.fd, name, None, group, AtFlags::SYMLINK_NOFOLLOW);
        }
        Ok(())
    }

    /// Makes this folder accessible only to its owner, whatever umask and group the folder was created with.
    ///
    /// # Errors
    /// The errno if the kernel refuses.
    pub fn keep_private(&self) -> io::Result<()> {
        give_to(&self.fd, self.owner)?;
        fs::fchmod(&self.fd, Mode::RWXU)
    }

    /// Returns the descriptor, for system calls on names in this folder.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Returns the names in the folder, without those that are not UTF-8, which twinlock never creates.
    ///
    /// # Errors
    /// The errno if the folder cannot be read; `E2BIG` over 16,384 names.
    pub fn names(&self) -> io::Result<Vec<String>> {
        self.names_up_to(NAMES_MAX)
    }

    /// Returns the names in the folder, without those that are not UTF-8, which twinlock never creates. `most` is the
    /// maximum number of names.
    ///
    /// # Errors
    /// The errno if the folder cannot be read; `E2BIG` over `most` names.
    pub fn names_up_to(&self, most: usize) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        self.each_name(most, &mut |name| names.push(name.to_owned()))?;
        Ok(names)
    }

    /// Passes each name in the folder to `visit`, except names that are not UTF-8. Reads at most `most` names.
    ///
    /// # Errors
    /// The errors of [`TrustedDir::names_up_to`].
    pub fn each_name(&self, most: usize, visit: &mut dyn FnMut(&str)) -> io::Result<()> {
        if self.listed.replace(true) {
            fs::seek(&self.fd, SeekFrom::Start(0))?;
        }
        let mut buffer = [MaybeUninit::uninit(); 8192];
        let mut entries = RawDir::new(&self.fd, &mut buffer);
        let mut count = 0_usize;
        while let Some(entry) = entries.next() {
            let entry = entry?;
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => continue,
                Ok(name) => visit(name),
            }
            count = count.saturating_add(1);
            if count > most {
                return Err(Errno::TOOBIG);
            }
        }
        Ok(())
    }

    /// Reads a file of this folder. The file must be accessible only to the owner, and have at most `max` bytes.
    ///
    /// # Errors
    /// The errors of [`read_file`].
    pub fn read(&self, name: &str, owner: Owner, max: usize) -> Result<Vec<u8>, FileError> {
        self.read_known(name, owner, max).map(|(bytes, _)| bytes)
    }

    /// Reads a file of this folder, which must be accessible only to the owner and have at most `max` bytes. Also
    /// returns the identity of the file, by which a later file with the same name can be recognized as another one.
    ///
    /// # Errors
    /// The errors of [`read_file`].
    pub fn read_known(
        &self,
        name: &str,
        owner: Owner,
        max: usize,
    ) -> Result<(Vec<u8>, Identity), FileError> {
        read_opened(open_beneath::file(self.fd.as_fd(), name), owner, PRIVATE, max)
    }

    /// Returns whether a name is in the folder.
    ///
    /// # Errors
    /// The errno if this cannot be determined.
    pub fn has(&self, name: &str) -> io::Result<bool> {
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno),
        }
    }
}

/// Creates a folder, accessible to its owner only. The folder above it must exist. An existing folder is not an error.
///
/// # Errors
/// The errno if the folder cannot be created.
pub fn make_folder(parent: BorrowedFd<'_>, name: &str, owner: Owner) -> io::Result<()> {
    match fs::mkdirat(parent, name, Mode::RWXU) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(()),
        Err(errno) => return Err(errno),
    }
    // Owner and mode are set by the name of the folder. Opening the folder could fail because of the caller's limit of
    // descriptors, and the folder would then keep the caller's group.
    let (user, group) = ids(owner);
    fs::chownat(parent, name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
    fs::chmodat(parent, name, Mode::RWXU, AtFlags::empty())
}

/// Gives a new file or folder to its owner and the owner's group, regardless of the caller's group.
///
/// # Errors
/// The errno if the kernel refuses.
pub fn give_to(fd: &OwnedFd, owner: Owner) -> io::Result<()> {
    let (user, group) = ids(owner);
    fs::fchown(fd, user, group)
}

fn ids(owner: Owner) -> (Option<fs::Uid>, Option<fs::Gid>) {
    (Some(fs::Uid::from_raw(owner.0)), (owner.0 == 0).then_some(fs::Gid::ROOT))
}

/// Reads a regular file by its absolute path. The file must have no second name (hard link), the required owner, and
/// none of the permission bits in `mode`.
///
/// # Errors
/// [`FileError`] if the file is missing or does not meet these conditions; [`FileError::TooLarge`] over `max` bytes.
pub fn read_file(path: &str, owner: Owner, mode: u32, max: usize) -> Result<Vec<u8>, FileError> {
    read_opened(open_beneath::file_by_path(path), owner, mode, max).map(|(bytes, _)| bytes)
}

pub(crate) fn read_opened(
    opened: io::Result<OwnedFd>,
    owner: Owner,
    mode: u32,
    max: usize,
) -> Result<(Vec<u8>, Identity), FileError> {
    let fd = opened.map_err(fault)?;
    let stat = fs::fstat(&fd).map_err(fault)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(FileError::WrongKind);
    }
    trusted(&stat, owner, mode)?;
    // If another file has replaced this one since it was opened, the link count is 0. The content before the
    // replacement is then read.
    if stat.st_nlink > 1 {
        return Err(FileError::HardLink);
    }
    let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
    if size > max {
        return Err(FileError::TooLarge);
    }
    let bytes = read_whole(&fd, size).map_err(fault)?;
    Ok((bytes, identity(&stat)))
}

/// Returns the inode number and change time of a file, which identify it.
#[must_use]
pub fn identity(stat: &Stat) -> Identity {
    let seconds = i128::from(stat.st_ctime) * 1_000_000_000;
    Identity { inode: stat.st_ino, changed: seconds + i128::from(stat.st_ctime_nsec) }
}

/// Reads `size` bytes, the size that the file had when it was checked. Bytes that are added later are ignored. Fails if
/// the file has fewer bytes, because another process is then rewriting it in place. The first part of a settings file
/// must not be used: it may exempt users whom the whole file does not exempt.
fn read_whole(fd: &OwnedFd, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = zeroize::Zeroizing::new(vec![0; size]);
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match io::read(fd, rest) {
            Ok(0) => return Err(Errno::AGAIN),
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(std::mem::take(&mut *bytes))
}

pub(crate) fn trusted(stat: &Stat, owner: Owner, closed_to: u32) -> Result<(), FileError> {
    if stat.st_uid != owner.0 {
        return Err(FileError::WrongOwner);
    }
    if stat.st_mode & closed_to != 0 {
        return Err(FileError::TooOpen);
    }
    Ok(())
}

/// Converts an errno from opening or reading a file to a [`FileError`].
#[must_use]
pub fn fault(errno: Errno) -> FileError {
    match errno {
        Errno::LOOP => FileError::Symlink,
        Errno::NOENT => FileError::Missing,
        Errno::NOTDIR | Errno::ISDIR => FileError::WrongKind,
        other => FileError::Io { errno: other.raw_os_error() },
    }
}

/// Returns whether an error means that the file does not exist.
#[must_use]
pub fn is_absent(error: impl Into<StoreError>) -> bool {
    error.into() == StoreError::File(FileError::Missing)
}

#[cfg(test)]
mod tests;
