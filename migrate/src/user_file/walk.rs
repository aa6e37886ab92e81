//! Walks the path to a user's file, folder by folder.

use std::{
    ffi::{OsStr, OsString},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Component, Path},
};

use rustix::{
    fs::{self, AtFlags, CWD, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use crate::user_file::{FileOwner, OpenedFile, UserFileError, fault, open_file};

/// Maximum number of links that are followed. Only links of root are followed, such as a distribution's link at /home.
const LINKS_MAX: usize = 8;
/// Permission bits that let users other than the owner and group create and remove names.
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;
/// Permission bits that let users other than the owner create and remove names.
const WRITABLE: u32 = 0o022;

/// Flags to open a folder that is only traversed, which needs no permission to list it.
const FOLDER: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// Opens and checks the file at the end of a path.
pub(super) fn open(path: &Path, person: FileOwner) -> Result<OpenedFile, UserFileError> {
    let name = path.file_name().ok_or(UserFileError::NoPath)?.to_owned();
    let PathWalk { end: folder, fault: mistrust } =
        folder(path.parent().ok_or(UserFileError::NoPath)?, person)?;
    if let Some(mistrust) = mistrust {
        // If the file does not exist, faults of its path are not reported.
        fs::statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(fault)?;
        return Err(mistrust);
    }
    let (file, stat) = open_file(&folder, &name, person)?;
    Ok(OpenedFile { folder, name, file, stat, person, reader: None })
}

/// The folder that a walk along a path has reached, and a fault that was found on the way.
struct PathWalk {
    end: OwnedFd,
    /// The first reason not to trust the file at the end of the path, if there is one.
    fault: Option<UserFileError>,
}

fn folder(path: &Path, person: FileOwner) -> Result<PathWalk, UserFileError> {
    if !path.is_absolute() {
        return Err(UserFileError::NoPath);
    }
    let mut left = parts(path)?;
    let mut links = LINKS_MAX;
    let mut way = PathWalk { end: root()?, fault: None };
    while let Some(part) = left.pop() {
        let seen = fs::statat(&way.end, &part, AtFlags::SYMLINK_NOFOLLOW).map_err(fault)?;
        match FileType::from_raw_mode(seen.st_mode) {
            FileType::Directory => enter(&mut way, &part, person)?,
            FileType::Symlink => {
                links = links.checked_sub(1).ok_or(UserFileError::Link)?;
                let target = roots_link(&way.end, &part)?;
                let target = Path::new(OsStr::from_bytes(target.as_bytes()));
                if target.is_absolute() {
                    way.end = root()?;
                }
                left.extend(parts(target).map_err(|_| UserFileError::Link)?);
            }
            FileType::RegularFile
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => return Err(UserFileError::Absent),
        }
    }
    Ok(way)
}

/// Returns the components of a path in reverse order.
fn parts(path: &Path) -> Result<Vec<OsString>, UserFileError> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_owned()),
            Component::ParentDir | Component::Prefix(_) => return Err(UserFileError::NoPath),
        }
    }
    parts.reverse();
    Ok(parts)
}

fn root() -> Result<OwnedFd, UserFileError> {
    fs::openat(CWD, "/", FOLDER, Mode::empty()).map_err(fault)
}

/// Enters a folder of the path and checks its owner, because the owner of a folder can replace everything below it.
fn enter(way: &mut PathWalk, part: &OsString, person: FileOwner) -> Result<(), UserFileError> {
    way.end = fs::openat(&way.end, part, FOLDER, Mode::empty()).map_err(|errno| match errno {
        // A link has replaced the folder since it was checked.
        Errno::NOTDIR => UserFileError::Link,
        other => fault(other),
    })?;
    let stat = fs::fstat(&way.end).map_err(fault)?;
    if stat.st_uid != person.uid && stat.st_uid != 0 {
        way.fault = way.fault.or(Some(UserFileError::Owner));
    } else if stat.st_mode & (OTHERS_WRITE | STICKY) == OTHERS_WRITE {
        way.fault = way.fault.or(Some(UserFileError::TooOpen));
    }
    Ok(())
}

/// Returns the target of a link in the folder `at`. Fails if users other than root can write to the folder, because
/// they could have created the link.
fn roots_link(at: &OwnedFd, part: &OsString) -> Result<std::ffi::CString, UserFileError> {
    let roots = |stat: &Stat| stat.st_uid == 0 && stat.st_mode & WRITABLE == 0;
    if !roots(&fs::fstat(at).map_err(fault)?) {
        return Err(UserFileError::Link);
    }
    fs::readlinkat(at, part, Vec::new()).map_err(fault)
}
