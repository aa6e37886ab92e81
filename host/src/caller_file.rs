//! Files whose path the caller of the command has given: opened for reading with the invoking user's rights.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    os::{fd::AsFd, unix::fs::FileTypeExt},
    path::Path,
};

use rustix::fs::{self, CWD, Mode, OFlags};
use zeroize::Zeroizing;

use crate::invoking_user::{InvokingUser, InvokingUserError, run_as};

/// Why a file of the caller's cannot be used. Carries nothing of its content.
#[derive(Debug)]
pub enum CallerFileError {
    /// The invoking user cannot be told.
    InvokingUser(InvokingUserError),
    /// The invoking user may not open it.
    Denied {
        /// The invoking user's name.
        user: String,
    },
    /// It is a folder, a device or a socket.
    Kind,
    /// It is larger than what is read.
    TooLarge,
    /// The kernel refused.
    Io(io::Error),
}

impl fmt::Display for CallerFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvokingUser(error) => error.fmt(f),
            Self::Denied { user } => {
                let user = user.escape_debug();
                write!(f, "{user} may not open it, and paths are opened as the invoking user")
            }
            Self::Kind => write!(f, "it is no file"),
            Self::TooLarge => write!(f, "it is too large"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CallerFileError {}

impl From<io::Error> for CallerFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens a file, or a pipe such as `/dev/stdin`, for reading, with the rights of the invoking user.
///
/// # Errors
/// [`CallerFileError`].
pub fn open(path: &Path) -> Result<File, CallerFileError> {
    if is_stdin(path) {
        return Ok(io::stdin().as_fd().try_clone_to_owned()?.into());
    }
    as_invoking_user(|| open_here(path))
}

/// Tells whether a path leads to a pipe, which can be read once only; with the rights of the invoking user.
///
/// # Errors
/// [`CallerFileError`].
pub fn is_pipe(path: &Path) -> Result<bool, CallerFileError> {
    if is_stdin(path) {
        return Ok(true);
    }
    as_invoking_user(|| kind_of(&std::fs::metadata(path)?))
}

/// Reads a file of at most `max` bytes with the rights of the invoking user.
///
/// # Errors
/// [`CallerFileError`].
pub fn read(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>, CallerFileError> {
    content(open(path)?, max)
}

/// Reads a file as [`read`] does, and hands its content to a job that runs with the rights of the invoking user too: a decoder
/// that a hostile file misleads has no others.
///
/// # Errors
/// [`CallerFileError`].
pub fn decode<T: Send>(
    path: &Path,
    max: usize,
    job: impl FnOnce(&[u8]) -> T + Send,
) -> Result<T, CallerFileError> {
    let stdin: Option<File> = match is_stdin(path) {
        true => Some(io::stdin().as_fd().try_clone_to_owned()?.into()),
        false => None,
    };
    as_invoking_user(move || {
        let file = stdin.map_or_else(|| open_here(path), Ok)?;
        Ok(job(&content(file, max)?))
    })
}

fn content(file: File, max: usize) -> Result<Zeroizing<Vec<u8>>, CallerFileError> {
    let most = u64::try_from(max).unwrap_or(u64::MAX);
    // Reserved at once: a buffer that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(max.saturating_add(1)));
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > max { Err(CallerFileError::TooLarge) } else { Ok(bytes) }
}

/// Standard input is the caller's already; opened once more by its path, a pipe of another user's would be refused.
fn is_stdin(path: &Path) -> bool {
    ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].iter().any(|name| path == Path::new(name))
}

fn as_invoking_user<T: Send>(
    job: impl FnOnce() -> Result<T, CallerFileError> + Send,
) -> Result<T, CallerFileError> {
    let user = InvokingUser::find().map_err(CallerFileError::InvokingUser)?;
    let done = run_as(user.as_ref(), job).map_err(io::Error::from)?;
    done.map_err(|error| match (&user, error) {
        (Some(user), CallerFileError::Io(error))
            if error.kind() == io::ErrorKind::PermissionDenied =>
        {
            CallerFileError::Denied { user: user.name().into() }
        }
        (_, error) => error,
    })
}

fn open_here(path: &Path) -> Result<File, CallerFileError> {
    let is_pipe = kind_of(&std::fs::metadata(path)?)?;
    // A pipe is waited for. Should something else take the name of a file meanwhile, it does not stop this process.
    let wait = if is_pipe { OFlags::empty() } else { OFlags::NONBLOCK };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | wait;
    let file = fs::openat(CWD, path, flags, Mode::empty()).map_err(io::Error::from)?;
    let file = File::from(file);
    kind_of(&file.metadata()?)?;
    Ok(file)
}

/// Tells a pipe from a file, and refuses all else.
fn kind_of(found: &std::fs::Metadata) -> Result<bool, CallerFileError> {
    let kind = found.file_type();
    match (kind.is_file(), kind.is_fifo()) {
        (false, false) => Err(CallerFileError::Kind),
        (_, is_pipe) => Ok(is_pipe),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_devices_are_no_files() {
        for path in ["/", "/dev/null", "/dev/tty0", "/proc"] {
            if Path::new(path).exists() {
                assert!(matches!(open_here(Path::new(path)), Err(CallerFileError::Kind)), "{path}");
            }
        }
        assert!(matches!(open_here(Path::new("/none/x")), Err(CallerFileError::Io(_))));
    }

    #[test]
    fn files_are_read_up_to_their_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "text").unwrap();
        assert_eq!(read(&path, 4).unwrap().as_slice(), b"text");
        assert!(matches!(read(&path, 3), Err(CallerFileError::TooLarge)));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read(&link, 4).unwrap().as_slice(), b"text");
        assert_eq!(decode(&link, 4, <[u8]>::len).unwrap(), 4);
        assert!(matches!(decode(&path, 3, <[u8]>::len), Err(CallerFileError::TooLarge)));
    }

    #[test]
    fn messages_name_the_user_and_nothing_of_the_file() {
        let error = CallerFileError::Denied { user: "a\u{1b}da".into() };
        let said = "a\\u{1b}da may not open it, and paths are opened as the invoking user";
        assert_eq!(error.to_string(), said);
    }
}
