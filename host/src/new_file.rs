//! Creates and removes a file at a path that the caller of the command gave. Works with the rights of the invoking
//! user, and only in a folder that no other user can write to.

#[cfg(feature = "tools")]
mod private_path;

use std::{
    ffi::OsString,
    fmt,
    fs::File,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags, Mode, OFlags, Stat},
    io::Errno,
    process::geteuid,
};

use crate::invoking_user::{InvokingUser, InvokingUserError, run_as};

/// System folders, where a new file such as /etc/nologin can change how programs behave. No file is created in or below
/// them.
const SYSTEM: [&str; 12] = [
    "/etc",
    "/run",
    "/usr",
    "/boot",
    "/dev",
    "/proc",
    "/sys",
    "/bin",
    "/sbin",
    "/lib",
    "/var/lib",
    "/var/spool",
];

/// Why a file cannot be created.
#[derive(Debug)]
pub enum NewFileError {
    /// The invoking user cannot be determined.
    InvokingUser(InvokingUserError),
    /// The path has no file name, such as `/` or `..`.
    NoName,
    /// The file name exists already.
    Taken,
    /// The folder, or a parent of it, belongs to another user.
    ForeignFolder(PathBuf),
    /// Other users can write to the folder or a parent of it, such as /tmp.
    OpenFolder(PathBuf),
    /// The folder is a system folder.
    SystemFolder,
    /// The kernel refused an operation.
    Io(io::Error),
}

impl fmt::Display for NewFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvokingUser(error) => error.fmt(f),
            Self::NoName => write!(f, "the path names no file"),
            Self::Taken => write!(f, "a file of that name exists"),
            Self::ForeignFolder(folder) => {
                write!(f, "the folder {} belongs to another user", folder.display())
            }
            Self::OpenFolder(folder) => {
                write!(f, "other users can write to the folder {}", folder.display())
            }
            Self::SystemFolder => write!(f, "programs act upon files in that folder"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NewFileError {}

impl From<Errno> for NewFileError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::EXIST => Self::Taken,
            errno => Self::Io(errno.into()),
        }
    }
}

impl From<io::Error> for NewFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// An unused file name in an open, checked folder, for a file that is to be created.
#[derive(Debug)]
pub struct Vacancy {
    user: Option<InvokingUser>,
    folder: OwnedFd,
    name: OsString,
}

/// A file that this process has created. [`NewFile::remove`] removes it.
#[derive(Debug)]
pub struct NewFile {
    /// The file, open for writing.
    pub file: File,
    made: Stat,
    vacancy: Vacancy,
}

impl Vacancy {
    /// Opens and checks the folder of a path. Creates nothing.
    ///
    /// # Errors
    /// [`NewFileError`] if the file name exists, or if the folder belongs to another user, is writable by other users,
    /// or is a system folder.
    pub fn find(path: &Path) -> Result<Self, NewFileError> {
        let name = path.file_name().ok_or(NewFileError::NoName)?.to_owned();
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(NewFileError::NoName);
        }
        let user = InvokingUser::find().map_err(NewFileError::InvokingUser)?;
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let owner = user.as_ref().map_or_else(|| geteuid().as_raw(), InvokingUser::uid);
        let folder = run_as(user.as_ref(), || private_path::open(parent, owner))??;
        if owner == 0 {
            refuse_system(private_path::path_of(&folder))?;
        }
        Self::in_folder(user, folder, name)
    }

    fn in_folder(
        user: Option<InvokingUser>,
        folder: OwnedFd,
        name: OsString,
    ) -> Result<Self, NewFileError> {
        let look = || fs::statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW);
        match run_as(user.as_ref(), look)? {
            Ok(_) => Err(NewFileError::Taken),
            Err(Errno::NOENT) => Ok(Self { user, folder, name }),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Creates the file, readable and writable by its owner only.
    ///
    /// # Errors
    /// [`NewFileError`] if another process has created the name since the check, or if the kernel refuses.
    pub fn create(self) -> Result<NewFile, NewFileError> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || fs::openat(&self.folder, &self.name, flags, Mode::RUSR | Mode::WUSR);
        let file = run_as(self.user.as_ref(), open)??;
        let made = fs::fstat(&file)?;
        Ok(NewFile { file: file.into(), made, vacancy: self })
    }
}

impl NewFile {
    /// Removes the file if its name still leads to it. If another file has this name now, keeps that file.
    ///
    /// # Errors
    /// The errno if the file cannot be removed.
    pub fn remove(&self) -> Result<(), Errno> {
        let Vacancy { user, folder, name } = &self.vacancy;
        run_as(user.as_ref(), || {
            let found = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if (found.st_dev, found.st_ino) != (self.made.st_dev, self.made.st_ino) {
                return Ok(());
            }
            // Other users cannot write to the folder, so none of them can have put another file here since the check.
            fs::unlinkat(folder, name, AtFlags::empty())
        })?
    }
}

/// Refuses a folder of [`SYSTEM`], and a folder whose path is unknown.
fn refuse_system(folder: io::Result<PathBuf>) -> Result<(), NewFileError> {
    if is_system(&folder?) { Err(NewFileError::SystemFolder) } else { Ok(()) }
}

fn is_system(folder: &Path) -> bool {
    folder == Path::new("/") || SYSTEM.iter().any(|system| folder.starts_with(system))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::CWD;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn private() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700)).unwrap();
        folder
    }

    /// Finds an unused file name for a test. The folder is below /tmp, where all users can write, so its parents are
    /// not checked.
    fn find(path: &Path) -> Result<Vacancy, NewFileError> {
        let parent = fs::openat(CWD, path.parent().unwrap(), OFlags::PATH, Mode::empty())?;
        let folder = private_path::open_below(parent, Path::new(""), geteuid().as_raw())?;
        Vacancy::in_folder(None, folder, path.file_name().unwrap().to_owned())
    }

    #[test]
    fn new_files_are_closed_and_removed_again() {
        let folder = private();
        let path = folder.path().join("new");
        let made = find(&path).unwrap().create().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(matches!(find(&path), Err(NewFileError::Taken)));
        made.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn swapped_folders_and_files_lose_nothing() {
        let folder = private();
        let (there, aside) = (folder.path().join("there"), folder.path().join("aside"));
        let other = folder.path().join("other");
        for path in [&there, &other] {
            std::fs::create_dir(path).unwrap();
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o700)).unwrap();
        }
        std::fs::write(other.join("new"), "kept").unwrap();
        let made = find(&there.join("new")).unwrap().create().unwrap();
        std::fs::rename(&there, &aside).unwrap();
        symlink(&other, &there).unwrap();
        made.remove().unwrap();
        assert!(!aside.join("new").exists());
        assert_eq!(std::fs::read_to_string(other.join("new")).unwrap(), "kept");
        // If another file was moved to the name of the new file, that file is also kept.
        let path = aside.join("new");
        let made = find(&path).unwrap().create().unwrap();
        std::fs::rename(&path, aside.join("moved")).unwrap();
        std::fs::write(&path, "kept").unwrap();
        made.remove().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
    }

    #[test]
    fn names_that_were_taken_meanwhile_stay() {
        let folder = private();
        let path = folder.path().join("new");
        for target in ["/etc/shadow", "/nowhere"] {
            let vacancy = find(&path).unwrap();
            symlink(target, &path).unwrap();
            assert!(matches!(vacancy.create(), Err(NewFileError::Taken)));
            assert!(matches!(find(&path), Err(NewFileError::Taken)));
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn folders_that_others_can_write_to_are_refused() {
        let folder = private();
        let path = folder.path().join("new");
        for mode in [0o1777, 0o777, 0o770, 0o702] {
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(mode)).unwrap();
            assert!(matches!(find(&path), Err(NewFileError::OpenFolder(_))), "{mode:o}");
        }
        assert!(matches!(Vacancy::find(Path::new("/none/new")), Err(NewFileError::Io(_))));
        for path in ["/", "..", "", "/root/.."] {
            let found = Vacancy::find(Path::new(path));
            assert!(matches!(found, Err(NewFileError::NoName)), "{path}");
        }
    }

    #[test]
    fn system_folders_are_known_by_their_real_path() {
        for (path, is) in [
            ("/", true),
            ("/etc", true),
            ("/etc/cron.d", true),
            ("/run/user/0", true),
            ("/etcetera", false),
            ("/root", false),
            ("/home/ada", false),
            ("/var/local", false),
        ] {
            assert_eq!(is_system(Path::new(path)), is, "{path}");
        }
    }

    #[test]
    fn folder_of_unknown_path_is_refused() {
        let unknown = refuse_system(Err(io::ErrorKind::PermissionDenied.into()));
        assert!(matches!(unknown, Err(NewFileError::Io(_))));
        assert!(matches!(refuse_system(Ok("/etc".into())), Err(NewFileError::SystemFolder)));
        assert!(refuse_system(Ok("/root".into())).is_ok());
    }
}
