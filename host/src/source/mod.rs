//! Files that stand with the people they are about: read as that person, without following a person's links, and
//! never waited for.

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
use twinlock_core::time::UnixTime;
use zeroize::Zeroizing;

use crate::invoking_user::InvokingUser;

/// How long a file system may take to answer: a dead one must not hold up everybody else.
const PATIENCE: Duration = Duration::from_secs(10);
/// Nobody but the owner may read or write it.
const CLOSED: u32 = 0o077;

/// Whose file it is: nobody else's but root's is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The user id.
    pub uid: u32,
    /// The primary group id.
    pub gid: u32,
}

/// Why a file was not read, or not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFault {
    /// There is none.
    Absent,
    /// The path is not absolute, or goes up.
    NoPath,
    /// A symbolic link that is not root's alone stands in the path, or in place of the file.
    Link,
    /// No regular file.
    Kind,
    /// It, or a folder on the way, belongs to somebody else.
    Owner,
    /// Others may read or write it, or swap it.
    TooOpen,
    /// It has a second name somewhere.
    HardLink,
    /// Larger than anything that can be read.
    TooLarge,
    /// The file system does not answer.
    Stuck,
    /// It changed, or another file took its name.
    Changed,
    /// Reading or writing failed.
    Io {
        /// The errno.
        errno: i32,
    },
}

/// A file that was read.
#[derive(Debug)]
pub struct Source {
    /// What stands in it.
    pub bytes: Zeroizing<Vec<u8>>,
    /// When it last changed, by a time that its owner cannot set (ctime).
    pub changed: UnixTime,
    held: Arc<Held>,
}

/// The file and its folder, held open from the moment they were checked.
#[derive(Debug)]
struct Held {
    folder: OwnedFd,
    name: OsString,
    file: OwnedFd,
    stat: Stat,
    person: Person,
    reader: Option<InvokingUser>,
}

/// Reads a file of a person, of at most `max` bytes.
///
/// # Errors
/// [`SourceFault`].
pub fn read(path: &Path, person: Person, max: usize) -> Result<Source, SourceFault> {
    let path = path.to_owned();
    in_turn(person, None, move || walk::open(&path, person).and_then(|held| take(held, max)))
}

/// Reads a file whose path the invoking user gave, of at most `max` bytes, with that user's rights alone.
///
/// # Errors
/// [`SourceFault`].
pub fn read_as(path: &Path, user: &InvokingUser, max: usize) -> Result<Source, SourceFault> {
    let (path, reader) = (path.to_owned(), user.clone());
    let person = Person { uid: user.uid(), gid: user.gid() };
    in_turn(person, Some(user), move || {
        let held = walk::open(&path, person)?;
        take(Held { reader: Some(reader.clone()), ..held }, max)
    })
}

impl Source {
    /// Overwrites the file and takes its name away, if it is still the one that was read.
    ///
    /// # Errors
    /// [`SourceFault`].
    pub fn remove(&self) -> Result<(), SourceFault> {
        let held = Arc::clone(&self.held);
        let (person, reader) = (self.held.person, self.held.reader.as_ref());
        in_turn(person, reader, move || removal::overwrite(&held))?;
        let held = Arc::clone(&self.held);
        in_turn(person, reader, move || removal::unlink(&held))
    }
}

fn take(held: Held, max: usize) -> Result<Source, SourceFault> {
    let size = usize::try_from(held.stat.st_size).unwrap_or(usize::MAX);
    if size > max {
        return Err(SourceFault::TooLarge);
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
    Ok(Source { bytes, changed, held: Arc::new(held) })
}

/// As the person, who alone may enter a home on a file server; then as root, whose reach a home
/// below a folder of another group may need. What the invoking user named is done as that user alone.
fn in_turn<T: Send + 'static>(
    person: Person,
    reader: Option<&InvokingUser>,
    job: impl Fn() -> Result<T, SourceFault> + Send + Sync + 'static,
) -> Result<T, SourceFault> {
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
        Err(SourceFault::Io { errno }) if denied(errno) => within(PATIENCE, move || job()),
        done => done,
    }
}

/// Does it in a thread of its own, which is left behind where it does not end: it ends with the process.
fn within<T: Send + 'static>(
    patience: Duration,
    job: impl FnOnce() -> Result<T, SourceFault> + Send + 'static,
) -> Result<T, SourceFault> {
    let (tell, told) = mpsc::channel();
    let worker = thread::Builder::new().spawn(move || tell.send(job()));
    worker.map_err(|error| SourceFault::Io { errno: error.raw_os_error().unwrap_or(0) })?;
    told.recv_timeout(patience).unwrap_or(Err(SourceFault::Stuck))
}

/// For this thread's files alone; with the id go the powers over other people's files.
fn become_person(person: Person) -> Result<(), SourceFault> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(person.uid), Gid::from_raw(person.gid));
    setfsgid(gid);
    setfsuid(uid);
    // These calls tell nothing but what was in force before.
    let in_force = setfsgid(gid) == gid && setfsuid(uid) == uid;
    if in_force { Ok(()) } else { Err(fault(Errno::PERM)) }
}

fn fault(errno: Errno) -> SourceFault {
    match errno {
        Errno::NOENT | Errno::NOTDIR => SourceFault::Absent,
        Errno::LOOP => SourceFault::Link,
        Errno::NXIO => SourceFault::Kind,
        other => SourceFault::Io { errno: other.raw_os_error() },
    }
}

/// Opens a name in a folder only if it is a regular file of the person's, closed to others, with one name.
fn open_file(
    folder: &OwnedFd,
    name: &OsString,
    person: Person,
) -> Result<(OwnedFd, Stat), SourceFault> {
    // Looked at before it is opened: opening a device may do something.
    let seen = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(fault)?;
    let kind = |stat: &Stat| match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Symlink => Err(SourceFault::Link),
        FileType::Directory
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Err(SourceFault::Kind),
    };
    kind(&seen)?;
    // Should a FIFO take the name meanwhile, it opens at once without a writer.
    let flags =
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let file = fs::openat(folder, name, flags, Mode::empty()).map_err(fault)?;
    let stat = fs::fstat(&file).map_err(fault)?;
    kind(&stat)?;
    if stat.st_uid != person.uid && stat.st_uid != 0 {
        return Err(SourceFault::Owner);
    }
    if stat.st_nlink != 1 {
        return Err(SourceFault::HardLink);
    }
    if stat.st_mode & CLOSED != 0 {
        return Err(SourceFault::TooOpen);
    }
    Ok((file, stat))
}

#[cfg(test)]
mod tests;
