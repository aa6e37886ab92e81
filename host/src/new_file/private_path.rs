//! Opens the folder of a new file, if no other user can write to it or to any folder above it.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{self, CWD, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use crate::new_file::NewFileError;

/// Permission bits that let the group or other users create and remove names. If an ACL lets another user write, the
/// group bits show that. The sticky bit does not protect the folder, because an attacker can still create a name that a
/// program looks for.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// Maximum number of symbolic links in a path, as in the kernel.
const LINKS_MAX: usize = 40;

/// The state of a walk along a path. Each folder of the path is opened and then checked.
struct Walk {
    folder: OwnedFd,
    owner: u32,
    links: usize,
}

/// Opens a folder by its path, component by component, for the user with the id `owner`. A relative path begins in the
/// working folder, whose parents are checked as well.
///
/// # Errors
/// [`NewFileError`] for the first folder that is missing, belongs to neither root nor the user, or is writable by other
/// users.
pub(crate) fn open(path: &Path, owner: u32) -> Result<OwnedFd, NewFileError> {
    let from = if path.is_absolute() { Path::new("/") } else { Path::new(".") };
    let folder = fs::openat(CWD, from, FOLDER, Mode::empty())?;
    if !path.is_absolute() {
        check_above(&folder, owner)?;
    }
    open_below(folder, path, owner)
}

/// Opens a folder by a path relative to `folder`, component by component, for the user with the id `owner`. The parents
/// of `folder` are not checked.
///
/// # Errors
/// [`NewFileError`] for the first folder of the path that is missing, belongs to neither root nor the user, or is
/// writable by other users.
pub(crate) fn open_below(
    folder: OwnedFd,
    path: &Path,
    owner: u32,
) -> Result<OwnedFd, NewFileError> {
    let mut walk = Walk { folder, owner, links: 0 };
    check(&walk.folder, &fs::fstat(&walk.folder)?, owner)?;
    let mut names: VecDeque<OsString> = names_of(path).collect();
    while let Some(name) = names.pop_front() {
        if let Some(target) = walk.step(&name)? {
            names_of(&target).rev().for_each(|name| names.push_front(name));
        }
    }
    // If the path contains `..`, the walk may end in a folder above the one where it began. That folder was checked as
    // well.
    Ok(walk.folder)
}

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Walk {
    /// Enters one component of the path and returns `None`. If the component is a symbolic link, does not enter it, and
    /// returns the target of the link. Only the user or root can have created that link.
    fn step(&mut self, name: &OsString) -> Result<Option<PathBuf>, NewFileError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let next = fs::openat(&self.folder, name, flags, Mode::empty())?;
        let stat = fs::fstat(&next)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Symlink {
            return self.follow(&next).map(Some);
        }
        if kind != FileType::Directory {
            return Err(Errno::NOTDIR.into());
        }
        check(&next, &stat, self.owner)?;
        self.folder = next;
        Ok(None)
    }

    fn follow(&mut self, link: &OwnedFd) -> Result<PathBuf, NewFileError> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Errno::LOOP.into());
        }
        let target = fs::readlinkat(link, "", Vec::new())?;
        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
        if target.is_absolute() {
            self.folder = fs::openat(CWD, "/", FOLDER, Mode::empty())?;
        }
        Ok(target)
    }
}

/// Returns the components of a path, including `..`. The walk resolves `..` in the folder that it has reached.
fn names_of(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    let named = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    let names: Vec<OsString> =
        path.components().filter(named).map(|part| part.as_os_str().to_owned()).collect();
    names.into_iter()
}

/// Checks that all parents of an open folder, up to /, belong to root or to `owner` and are not writable by others.
fn check_above(folder: &OwnedFd, owner: u32) -> Result<(), NewFileError> {
    let mut below = fs::fstat(folder)?;
    let mut above = fs::openat(folder, "..", FOLDER, Mode::empty())?;
    loop {
        let stat = fs::fstat(&above)?;
        if (stat.st_dev, stat.st_ino) == (below.st_dev, below.st_ino) {
            return Ok(());
        }
        check(&above, &stat, owner)?;
        let next = fs::openat(above.as_fd(), "..", FOLDER, Mode::empty())?;
        (below, above) = (stat, next);
    }
}

fn check(folder: &OwnedFd, stat: &Stat, owner: u32) -> Result<(), NewFileError> {
    // If the path of the folder is unknown, the message contains no path, but still says what is wrong.
    check_stat(stat, owner).map_err(|error| error.of(path_of(folder).unwrap_or_default()))
}

/// Why a folder is not private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exposed {
    ToItsOwner,
    ToOthers,
}

impl Exposed {
    fn of(self, folder: PathBuf) -> NewFileError {
        match self {
            Self::ToItsOwner => NewFileError::ForeignFolder(folder),
            Self::ToOthers => NewFileError::OpenFolder(folder),
        }
    }
}

/// Checks the owner and mode of a folder, which must belong to root or to `owner` and must not be writable by others.
fn check_stat(stat: &Stat, owner: u32) -> Result<(), Exposed> {
    if stat.st_uid != owner && stat.st_uid != 0 {
        return Err(Exposed::ToItsOwner);
    }
    if stat.st_mode & WRITABLE_BY_OTHERS != 0 {
        return Err(Exposed::ToOthers);
    }
    Ok(())
}

/// Returns the current path of an open folder.
///
/// # Errors
/// The errno if the path cannot be read from /proc; `ENOENT` if the path does not begin at the root folder of this
/// process.
pub(crate) fn path_of(folder: &OwnedFd) -> io::Result<PathBuf> {
    path_behind(Path::new(&format!("/proc/self/fd/{}", folder.as_raw_fd())))
}

fn path_behind(link: &Path) -> io::Result<PathBuf> {
    let path = std::fs::read_link(link)?;
    if path.is_absolute() { Ok(path) } else { Err(Errno::NOENT.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn tree() -> (tempfile::TempDir, u32) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "a", "a/b", "a/b/c", "d"] {
            let path = folder.path().join(name);
            let _ = std::fs::create_dir(&path);
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        (folder, rustix::process::getuid().as_raw())
    }

    fn opened(tree: &tempfile::TempDir, path: &str, owner: u32) -> Result<PathBuf, NewFileError> {
        let folder = fs::openat(CWD, tree.path(), FOLDER, Mode::empty()).unwrap();
        let opened = open_below(folder, Path::new(path), owner)?;
        let top = tree.path().canonicalize().unwrap();
        Ok(path_of(&opened).unwrap().strip_prefix(top).unwrap().to_owned())
    }

    #[test]
    fn links_and_ways_back_are_resolved() {
        let (tree, me) = tree();
        symlink("a/b", tree.path().join("link")).unwrap();
        symlink("../../d", tree.path().join("a/b/up")).unwrap();
        for (path, leads_to) in
            [("a/b/c", "a/b/c"), ("link/c", "a/b/c"), ("link/up", "d"), ("a/../d/.", "d"), ("", "")]
        {
            assert_eq!(opened(&tree, path, me).unwrap(), Path::new(leads_to), "{path}");
        }
        symlink("loop", tree.path().join("loop")).unwrap();
        std::fs::write(tree.path().join("file"), "").unwrap();
        for path in ["loop", "file", "none", "file/x"] {
            assert!(matches!(opened(&tree, path, me), Err(NewFileError::Io(_))), "{path}");
        }
    }

    #[test]
    fn each_folder_on_the_way_must_be_closed() {
        let (tree, me) = tree();
        symlink("a/b", tree.path().join("link")).unwrap();
        for mode in [0o1777, 0o777, 0o775, 0o722, 0o1757] {
            let open = tree.path().join("a");
            std::fs::set_permissions(&open, PermissionsExt::from_mode(mode)).unwrap();
            for path in ["a/b/c", "link/c", "a/../d"] {
                let found = opened(&tree, path, me);
                assert!(matches!(found, Err(NewFileError::OpenFolder(_))), "{path} {mode:o}");
            }
            assert!(opened(&tree, "d", me).is_ok());
        }
    }

    #[test]
    fn working_folders_are_checked_up_to_the_root() {
        let (tree, me) = tree();
        let folder = fs::openat(CWD, tree.path(), FOLDER, Mode::empty()).unwrap();
        // The parent of the test folder is the host's /tmp, to which usually all users can write.
        let is_open = std::fs::metadata(tree.path().parent().unwrap()).unwrap();
        let is_open = is_open.permissions().mode() & WRITABLE_BY_OTHERS != 0;
        assert_eq!(check_above(&folder, me).is_err(), is_open);
        let root = fs::openat(CWD, "/", FOLDER, Mode::empty()).unwrap();
        assert!(check_above(&root, me).is_ok());
    }

    #[test]
    fn folders_of_other_users_are_refused() {
        let (tree, _) = tree();
        let mut stat = fs::stat(tree.path()).unwrap();
        for (owner, of_folder, fits) in
            [(1000, 1000, true), (1000, 0, true), (1000, 1001, false), (0, 1000, false)]
        {
            stat.st_uid = of_folder;
            assert_eq!(check_stat(&stat, owner).is_ok(), fits, "{owner} {of_folder}");
        }
    }

    #[test]
    fn unknown_paths_are_errors() {
        let (tree, _) = tree();
        symlink("(unreachable)/etc", tree.path().join("outside")).unwrap();
        for link in ["outside", "none", "a"] {
            assert!(path_behind(&tree.path().join(link)).is_err(), "{link}");
        }
        let etc = fs::openat(CWD, "/etc", FOLDER, Mode::empty()).unwrap();
        assert_eq!(path_of(&etc).unwrap(), Path::new("/etc"));
    }
}
