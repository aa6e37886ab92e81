//! Opens the folder of a file. All folders on the path, from / on, must belong to root and be writable only by root.

use std::{
    fmt,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{self, AtFlags, CWD, FileType, Mode, OFlags},
    io::Errno,
};
use twinlock_core::base::error::FileError;

use crate::trusted_dir::{self, Owner, READABLE};

/// A folder that is not trusted, on the path to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderError {
    /// The folder's absolute path.
    pub path: String,
    /// What is wrong with the folder.
    pub fault: FileError,
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fault == FileError::WrongKind {
            return write!(f, "{} is no folder", self.path);
        }
        write!(f, "the folder {} {}", self.path, self.fault)
    }
}

impl std::error::Error for FolderError {}

/// Opens the folder of a file by the file's absolute path, component by component from /. Returns the folder and the
/// file's name. Opens each folder before it is checked and follows no link, so that no other process can replace a name
/// after its check.
///
/// # Errors
/// [`FolderError`] for the first folder that is missing, is a symbolic link, has an owner other than `owner` (root), or
/// is writable by other users.
pub fn folder_of(path: &str, owner: Owner) -> Result<(OwnedFd, &str), FolderError> {
    folder_below("/", CWD, path, owner)
}

/// Opens the folder of a file, as [`folder_of`] does, and returns a descriptor with which the folder can be listed and
/// synced.
///
/// # Errors
/// The errors of [`folder_of`].
#[cfg(feature = "tools")]
pub fn folder_to_write(path: &str, owner: Owner) -> Result<(OwnedFd, &str), FolderError> {
    let (folder, name) = folder_of(path, owner)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = fs::openat(&folder, ".", flags, Mode::empty())
        .map_err(|errno| FolderError { path: path.to_owned(), fault: trusted_dir::fault(errno) })?;
    Ok((folder, name))
}

/// Does what [`folder_of`] does, but begins at the folder `root`, whose path is relative to `at`.
fn folder_below<'a>(
    root: &str,
    at: BorrowedFd<'_>,
    path: &'a str,
    owner: Owner,
) -> Result<(OwnedFd, &'a str), FolderError> {
    let mut way = root.to_owned();
    let refused = |way: &str, fault| FolderError { path: way.to_owned(), fault };
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut folder = open(at, root, owner).map_err(|fault| refused(&way, fault))?;
    for part in folders.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if !way.ends_with('/') {
            way.push('/');
        }
        way.push_str(part);
        if part == ".." {
            return Err(refused(&way, FileError::WrongKind));
        }
        folder = open(folder.as_fd(), part, owner).map_err(|fault| refused(&way, fault))?;
    }
    Ok((folder, name))
}

fn open(parent: BorrowedFd<'_>, name: &str, owner: Owner) -> Result<OwnedFd, FileError> {
    // A descriptor with `O_PATH` needs no permission to read the folder.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = fs::openat(parent, name, flags, Mode::empty());
    let folder = opened.map_err(|errno| match errno {
        // The kernel returns this errno for a symbolic link as well as for a file.
        Errno::NOTDIR if is_link(parent, name) => FileError::Symlink,
        errno => trusted_dir::fault(errno),
    })?;
    let stat = fs::fstat(&folder).map_err(trusted_dir::fault)?;
    trusted_dir::trusted(&stat, owner, READABLE)?;
    Ok(folder)
}

fn is_link(parent: BorrowedFd<'_>, name: &str) -> bool {
    fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn tree() -> (tempfile::TempDir, OwnedFd, Owner) {
        let folder = tempfile::tempdir().unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        for name in ["a", "a/b", "a/b/c"] {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(&path, mode.clone()).unwrap();
        }
        std::fs::set_permissions(folder.path(), mode).unwrap();
        let fd = fs::openat(CWD, folder.path(), OFlags::PATH, Mode::empty()).unwrap();
        (folder, fd, Owner(rustix::process::getuid().as_raw()))
    }

    fn found(fd: &OwnedFd, path: &str, owner: Owner) -> Result<String, (String, FileError)> {
        let found = folder_below(".", fd.as_fd(), path, owner);
        found.map(|(_, name)| name.to_owned()).map_err(|fault| (fault.path, fault.fault))
    }

    #[test]
    fn folders_of_root_alone_are_walked() {
        let (_tree, fd, me) = tree();
        for path in ["a/b/c/file", "a//b/./c/file", "file"] {
            assert_eq!(found(&fd, path, me), Ok("file".into()), "{path}");
        }
    }

    #[test]
    fn one_open_folder_refuses_what_is_below() {
        let (tree, fd, me) = tree();
        for mode in [0o775, 0o757, 0o1777, 0o722] {
            let path = tree.path().join("a");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let open = Err(("./a".to_owned(), FileError::TooOpen));
            assert_eq!(found(&fd, "a/b/c/file", me), open, "{mode:o}");
        }
        let other = Owner(me.0 + 1);
        assert_eq!(found(&fd, "a/file", other), Err((".".into(), FileError::WrongOwner)));
    }

    #[test]
    fn links_and_ways_back_are_refused() {
        let (tree, fd, me) = tree();
        symlink("a", tree.path().join("link")).unwrap();
        std::fs::write(tree.path().join("a/plain"), "").unwrap();
        for (path, place, fault) in [
            ("link/file", "./link", FileError::Symlink),
            ("a/../a/file", "./a/..", FileError::WrongKind),
            ("a/plain/file", "./a/plain", FileError::WrongKind),
            ("a/none/file", "./a/none", FileError::Missing),
        ] {
            assert_eq!(found(&fd, path, me), Err((place.into(), fault)), "{path}");
        }
    }
}
