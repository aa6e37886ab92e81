//! Reads files in a user's home folder with the rights of that user, without following links that the user made, and
//! with a timeout.
//!
//! May use: nothing of this crate.

mod removal;
mod walk;

use std::{
    ffi::OsString,
    os::fd::OwnedFd,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::{
    fs::{self, AtFlags, FileType, Mode, OFlags, Stat},
    io::{self, Errno},
};
use twinlock_core::base::time::UnixTime;
use zeroize::Zeroizing;

use twinlock_host::invoking_user::InvokingUser;

/// Maximum time that a file system may take to answer. One that never answers must not block the import of other users.
const PATIENCE: Duration = Duration::from_secs(10);
/// Permission bits that must be clear, because only the owner may read or write the file.
const CLOSED: u32 = 0o077;

/// The user to whom a file must belong. A file of root is accepted as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileOwner {
    /// The user id of the owner.
    pub uid: u32,
    /// The primary group id of the owner.
    pub gid: u32,
}

/// Why a file was not read or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserFileError {
    /// The file does not exist.
    Absent,
    /// The path is not absolute, or contains `..`.
    NoPath,
    /// The file is a symbolic link, or the path contains one that users other than root could have created.
    Link,
    /// The path leads to something other than a regular file.
    Kind,
    /// The file, or a folder above it, belongs to another user.
    Owner,
    /// Other users can read, write or replace the file.
    TooOpen,
    /// The file has a second name (hard link).
    HardLink,
    /// The file is larger than the caller allows.
    TooLarge,
    /// The file system did not answer within ten seconds.
    Stuck,
    /// The file changed, or another file replaced it.
    Changed,
    /// A read or write failed.
    Io {
        /// The errno of the read or write.
        errno: i32,
    },
}

impl core::fmt::Display for UserFileError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Absent => "the file does not exist",
            Self::NoPath => "the path is not absolute",
            Self::Link => "the file, or a folder above it, is a symbolic link",
            Self::Kind => "it is not a regular file",
            Self::Owner => "it, or a folder above it, belongs to another user",
            Self::TooOpen => "it, or a folder above it, is accessible to other users",
            Self::HardLink => "it has a second hard link",
            Self::TooLarge => "it is too large",
            Self::Stuck => "the file system does not respond",
            Self::Changed => "it changed in the meantime",
            Self::Io { errno } => {
                let error = std::io::Error::from_raw_os_error(*errno);
                return write!(f, "it cannot be read ({error})");
            }
        })
    }
}

impl core::error::Error for UserFileError {}

/// The content of a user's file, and the time of its last change.
#[derive(Debug)]
pub struct SourceFile {
    /// The content of the file.
    pub bytes: Zeroizing<Vec<u8>>,
    /// When the file was last changed (ctime, which the owner cannot set).
    pub changed: UnixTime,
    held: Arc<OpenedFile>,
}

/// A file and its folder, which stay open after they were checked.
#[derive(Debug)]
struct OpenedFile {
    folder: OwnedFd,
    name: OsString,
    file: OwnedFd,
    stat: Stat,
    person: FileOwner,
    reader: Option<InvokingUser>,
}

/// Reads a user's file of at most `max` bytes.
///
/// # Errors
/// [`UserFileError`] if the file is missing, not trusted, too large or cannot be read.
pub fn read(path: &Path, person: FileOwner, max: usize) -> Result<SourceFile, UserFileError> {
    let path = path.to_owned();
    in_turn(person, None, move || walk::open(&path, person).and_then(|held| take(held, max)))
}

/// Reads a file of at most `max` bytes with the rights of the invoking user, who gave the path.
///
/// # Errors
/// [`UserFileError`] if the file is missing, not trusted, too large or cannot be read.
pub fn read_as(path: &Path, user: &InvokingUser, max: usize) -> Result<SourceFile, UserFileError> {
    let (path, reader) = (path.to_owned(), user.clone());
    let person = FileOwner { uid: user.uid(), gid: user.gid() };
    in_turn(person, Some(user), move || {
        let held = walk::open(&path, person)?;
        take(OpenedFile { reader: Some(reader.clone()), ..held }, max)
    })
}

impl SourceFile {
    /// Overwrites and unlinks the file, if it is still the file that was read.
    ///
    /// # Errors
    /// [`UserFileError::Changed`] if the file has changed or was replaced; otherwise why it cannot be written or
    /// unlinked.
    pub fn remove(&self) -> Result<(), UserFileError> {
        let held = Arc::clone(&self.held);
        let (person, reader) = (self.held.person, self.held.reader.as_ref());
        in_turn(person, reader, move || removal::overwrite(&held))?;
        let held = Arc::clone(&self.held);
        in_turn(person, reader, move || removal::unlink(&held))
    }
}

fn take(held: OpenedFile, max: usize) -> Result<SourceFile, UserFileError> {
    let size = usize::try_from(held.stat.st_size).unwrap_or(usize::MAX);
    if size > max {
        return Err(UserFileError::TooLarge);
    }
    let mut bytes = Zeroizing::new(vec![0; size]);
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match io::read(&held.file, rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(fault(errno)),
        }
    }
    bytes.truncate(filled);
    let changed = UnixTime(u64::try_from(held.stat.st_ctime).unwrap_or(0));
    Ok(SourceFile { bytes, changed, held: Arc::new(held) })
}

/// Runs `job`, which reads or removes a file in a home folder. If `reader` is given, it is the invoking user who named
/// the path, and `job` runs only with the rights of this user. Otherwise, `job` first runs with the rights of the owner
/// `person`, who alone may have access to a home folder on a file server. If access is denied, `job` runs as root, who
/// alone may have access below a folder of another group.
fn in_turn<T: Send + 'static>(
    person: FileOwner,
    reader: Option<&InvokingUser>,
    job: impl Fn() -> Result<T, UserFileError> + Send + Sync + 'static,
) -> Result<T, UserFileError> {
    let job = Arc::new(job);
    let denied =
        |errno: i32| errno == Errno::ACCESS.raw_os_error() || errno == Errno::PERM.raw_os_error();
    if let Some(reader) = reader.cloned() {
        return within(PATIENCE, move || {
            reader.become_in_this_thread().map_err(fault)?;
            job()
        });
    }
    let as_person = Arc::clone(&job);
    match within(PATIENCE, move || become_person(person).and_then(|()| as_person())) {
        Err(UserFileError::Io { errno }) if denied(errno) => within(PATIENCE, move || job()),
        done => done,
    }
}

/// Runs `job` in another thread and returns its result. If it takes longer than `patience`, returns
/// [`UserFileError::Stuck`] and leaves the thread running until the process ends.
fn within<T: Send + 'static>(
    patience: Duration,
    job: impl FnOnce() -> Result<T, UserFileError> + Send + 'static,
) -> Result<T, UserFileError> {
    let (tell, told) = mpsc::channel();
    let worker = thread::Builder::new().spawn(move || tell.send(job()));
    worker.map_err(|error| UserFileError::Io { errno: error.raw_os_error().unwrap_or(0) })?;
    told.recv_timeout(patience).unwrap_or(Err(UserFileError::Stuck))
}

/// Gives this thread the file access of the user, and drops the capabilities that override file permissions.
fn become_person(person: FileOwner) -> Result<(), UserFileError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(person.uid), Gid::from_raw(person.gid));
    setfsgid(gid);
    setfsuid(uid);
    // These calls report no error, only the previous value, so a second call reads the result.
    let in_force = setfsgid(gid) == gid && setfsuid(uid) == uid;
    if in_force { Ok(()) } else { Err(fault(Errno::PERM)) }
}

fn fault(errno: Errno) -> UserFileError {
    match errno {
        Errno::NOENT | Errno::NOTDIR => UserFileError::Absent,
        Errno::LOOP => UserFileError::Link,
        Errno::NXIO => UserFileError::Kind,
        other => UserFileError::Io { errno: other.raw_os_error() },
    }
}

/// Opens a file in a folder. Refuses everything except a regular file with a single name that belongs to the user or
/// root and is closed to others.
fn open_file(
    folder: &OwnedFd,
    name: &OsString,
    person: FileOwner,
) -> Result<(OwnedFd, Stat), UserFileError> {
    // The kind of the file is checked before the file is opened, because opening a device may have side effects.
    let seen = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(fault)?;
    let kind = |stat: &Stat| match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Symlink => Err(UserFileError::Link),
        FileType::Directory
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Err(UserFileError::Kind),
    };
    kind(&seen)?;
    // If a FIFO replaces the file meanwhile, these flags open the FIFO without waiting for a writer.
    let flags =
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let file = fs::openat(folder, name, flags, Mode::empty()).map_err(fault)?;
    let stat = fs::fstat(&file).map_err(fault)?;
    kind(&stat)?;
    if stat.st_uid != person.uid && stat.st_uid != 0 {
        return Err(UserFileError::Owner);
    }
    if stat.st_nlink != 1 {
        return Err(UserFileError::HardLink);
    }
    if stat.st_mode & CLOSED != 0 {
        return Err(UserFileError::TooOpen);
    }
    Ok((file, stat))
}

#[cfg(test)]
mod tests;
