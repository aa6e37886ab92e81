//! Reads files of the examined machine: only regular files, up to a maximum size, and only below the root of the
//! machine.
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{self, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};

use crate::machine::glob;
use crate::pam::load::UnreadableError;

/// Maximum size in bytes of a file that is read. It is enough for a list of a million accounts.
const SIZE_MAX: u64 = 1 << 27;

/// The files below one folder, which is the root of the examined machine.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Creates a tree whose root is `root`.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns whether the root of the tree is `/`. The files are then those of this host.
    pub(super) fn is_host(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Returns the text of a regular file.
    ///
    /// # Errors
    /// [`io::Error`] if the path names another kind of file, or the file cannot be read or is larger than [`SIZE_MAX`].
    pub(super) fn text(&self, path: &str) -> io::Result<String> {
        // Opening a device can have an effect, so the kind of the file is checked first.
        let found = fs::fstat(self.open(path, OFlags::PATH)?)?;
        if is_null(&found) {
            return Ok(String::new());
        }
        regular(&found)?;
        let file = File::from(self.open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?);
        regular(&fs::fstat(&file)?)?;
        let mut bytes = Vec::new();
        if file.take(SIZE_MAX).read_to_end(&mut bytes)? as u64 == SIZE_MAX {
            return Err(io::Error::other("it is too large"));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns owner, mode and type of a file. Symbolic links are followed.
    ///
    /// # Errors
    /// [`io::Error`] if there is no such file, or a folder on its path cannot be searched.
    pub(super) fn stat(&self, path: &str) -> io::Result<Stat> {
        Ok(fs::fstat(self.open(path, OFlags::PATH)?)?)
    }

    /// Returns owner, mode and type of a file. If the path names a symbolic link, returns those of the link.
    ///
    /// # Errors
    /// The errors of [`Tree::stat`].
    pub(super) fn stat_link(&self, path: &str) -> io::Result<Stat> {
        Ok(fs::fstat(self.open(path, OFlags::PATH | OFlags::NOFOLLOW)?)?)
    }

    /// Returns whether the path names a folder or a symbolic link to one.
    pub(super) fn is_folder(&self, path: &str) -> bool {
        self.stat(path).is_ok_and(|found| kind(&found) == FileType::Directory)
    }

    /// Returns the sorted names of the entries of a folder; none if the folder does not exist.
    ///
    /// # Errors
    /// [`io::Error`] if the folder exists and cannot be read.
    pub(super) fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let fd = match self.open(folder, OFlags::RDONLY | OFlags::DIRECTORY) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            opened => opened?,
        };
        let mut all = Vec::new();
        for entry in Dir::new(fd)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                all.push(name);
            }
        }
        all.sort();
        Ok(all)
    }

    /// Returns the sorted paths of the files that match the pattern of an Include line of sshd.
    ///
    /// # Errors
    /// [`UnreadableError`] if a folder that the pattern searches cannot be read.
    pub(super) fn matching(&self, pattern: &str) -> Result<Vec<String>, UnreadableError> {
        let mut found = vec![String::new()];
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            let mut below = Vec::new();
            for folder in &found {
                if glob::is_pattern(part) {
                    below.extend(self.fitting(folder, part)?);
                } else {
                    below.push(format!("{folder}/{part}"));
                }
            }
            found = below;
        }
        let mut files = Vec::new();
        for path in found {
            match self.stat(&path) {
                Ok(_) => files.push(path),
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(UnreadableError { path, error }),
            }
        }
        Ok(files)
    }

    fn fitting(&self, folder: &str, part: &str) -> Result<Vec<String>, UnreadableError> {
        let at = if folder.is_empty() { "/" } else { folder };
        let unreadable = |error| UnreadableError { path: at.to_owned(), error };
        let mut names = self.names(at).map_err(unreadable)?;
        names.retain(|name| glob::fits(part, name));
        Ok(names.iter().map(|name| format!("{folder}/{name}")).collect())
    }

    /// Opens a file. If the tree is not this host, symbolic links are resolved inside the tree.
    fn open(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        if self.is_host() {
            return Ok(fs::openat(CWD, path, flags, Mode::empty())?);
        }
        let root = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = fs::openat(CWD, &self.root, root, Mode::empty())?;
        Ok(fs::openat2(root.as_fd(), path, flags, Mode::empty(), ResolveFlags::IN_ROOT)?)
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn kind(found: &Stat) -> FileType {
    FileType::from_raw_mode(found.st_mode)
}

/// Reports whether the file is /dev/null. Administrators disable a file by a link to /dev/null, so it counts as an
/// empty file.
fn is_null(found: &Stat) -> bool {
    kind(found) == FileType::CharacterDevice && found.st_rdev == fs::makedev(1, 3)
}

fn regular(found: &Stat) -> io::Result<()> {
    match kind(found) == FileType::RegularFile {
        true => Ok(()),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> (tempfile::TempDir, Tree) {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::new(folder.path().to_owned());
        (folder, tree)
    }

    #[test]
    fn links_stay_below_the_root() {
        let (folder, tree) = tree();
        let etc = folder.path().join("etc");
        std::fs::create_dir(&etc).unwrap();
        std::fs::write(etc.join("passwd"), "inside\n").unwrap();
        symlink("/etc/passwd", etc.join("absolute")).unwrap();
        symlink("../../../../../etc/passwd", etc.join("upwards")).unwrap();
        for path in ["/etc/passwd", "/etc/absolute", "/etc/upwards", "/../../etc/passwd"] {
            assert_eq!(tree.text(path).unwrap(), "inside\n", "{path}");
        }
        symlink("/etc/shadow", etc.join("shadow-link")).unwrap();
        assert_eq!(tree.text("/etc/shadow-link").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn only_regular_files_of_a_bounded_size_are_read() {
        let (folder, tree) = tree();
        fs::mkfifoat(CWD, folder.path().join("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        for path in ["/fifo", "/folder"] {
            let error = tree.text(path).unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file", "{path}");
        }
        File::create(folder.path().join("endless")).unwrap().set_len(SIZE_MAX + 1).unwrap();
        assert_eq!(tree.text("/endless").unwrap_err().to_string(), "it is too large");
        let host = Tree::new(PathBuf::from("/"));
        assert_eq!(host.text("/dev/null").unwrap(), "");
        assert_eq!(host.text("/dev/zero").unwrap_err().to_string(), "it is not a regular file");
    }

    #[test]
    fn patterns_in_folders_match() {
        let (folder, tree) = tree();
        for path in ["a1/x.conf", "a2/.y.conf", "a2/z.conf", "b/x.conf"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let matching = |pattern: &str| tree.matching(pattern).unwrap();
        assert_eq!(matching("/a?/*.conf"), ["/a1/x.conf", "/a2/z.conf"]);
        assert_eq!(matching("/[b-c]/x.conf"), ["/b/x.conf"]);
        assert_eq!(matching("/none/x.conf"), Vec::<String>::new());
        assert_eq!(matching("/none/*"), Vec::<String>::new());
    }
}
