//! Opens files whose path the caller of the command gave, with the rights of the invoking user (see `invoking_user`).

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    os::{fd::AsFd, unix::fs::FileTypeExt},
    path::Path,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{self, Access, AtFlags, CWD, Mode, OFlags},
};
use zeroize::Zeroizing;

use crate::invoking_user::{InvokingUser, InvokingUserError, run_as};

/// `PIPEFS_MAGIC` of linux/magic.h: the file system of anonymous pipes.
const PIPEFS: i64 = 0x5049_5045;
/// Maximum time to wait for a process that opens a named pipe for writing.
const PATIENCE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// Why a file that the caller named cannot be used. The error contains nothing of the file's content.
#[derive(Debug)]
pub enum CallerFileError {
    /// The invoking user cannot be determined.
    InvokingUser(InvokingUserError),
    /// The invoking user may not open the file.
    Denied {
        /// The invoking user's name.
        user: String,
    },
    /// The path leads to something other than a file or a pipe, such as a folder, a device or a socket.
    Kind,
    /// The path leads to a named pipe, and no process opened it for writing in time.
    Silent,
    /// The file is larger than the maximum size that was given to [`read`].
    TooLarge,
    /// The kernel refused an operation on the file.
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
            Self::Kind => write!(f, "it is not a regular file"),
            Self::Silent => write!(f, "it is a pipe, and nothing was written to it"),
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
/// [`CallerFileError`] if the invoking user cannot be determined or may not open the file, or if the path leads to
/// anything but a regular file or a pipe with a writer.
pub fn open(path: &Path) -> Result<File, CallerFileError> {
    if is_stdin(path) {
        return Ok(io::stdin().as_fd().try_clone_to_owned()?.into());
    }
    as_invoking_user(|| open_here(path))
}

/// Returns whether a path leads to a pipe, which can be read only once. Checks this with the rights of the invoking
/// user.
///
/// # Errors
/// [`CallerFileError`] if the invoking user cannot be determined or has no access, or if the path leads to anything but
/// a regular file or a pipe.
pub fn is_pipe(path: &Path) -> Result<bool, CallerFileError> {
    if is_stdin(path) {
        return Ok(true);
    }
    as_invoking_user(|| kind_of(&std::fs::metadata(path)?))
}

/// Reads a file of at most `max` bytes with the rights of the invoking user.
///
/// # Errors
/// [`CallerFileError::TooLarge`] if the file has more than `max` bytes, otherwise the errors of [`open`].
pub fn read(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>, CallerFileError> {
    content(open(path)?, max)
}

/// Reads a file of at most `max` bytes with the rights of the invoking user, and passes the content to `job`. `job`
/// also runs with the rights of the invoking user, so a hostile file that exploits a decoder does not get the rights of
/// root.
///
/// # Errors
/// The errors of [`read`].
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

/// Returns whether a message to the caller may quote a file: whether the invoking user may read it. Returns `true` for
/// a file that does not exist, because nothing of it can be quoted.
#[must_use]
pub fn may_be_quoted(path: &Path) -> bool {
    let read = || fs::accessat(CWD, path, Access::READ_OK, AtFlags::empty());
    match as_invoking_user(|| read().map_err(|errno| io::Error::from(errno).into())) {
        Err(CallerFileError::Io(error)) => error.kind() != io::ErrorKind::PermissionDenied,
        Err(CallerFileError::Denied { .. } | CallerFileError::InvokingUser(_)) => false,
        Ok(()) | Err(_) => true,
    }
}

fn content(file: File, max: usize) -> Result<Zeroizing<Vec<u8>>, CallerFileError> {
    let most = u64::try_from(max).unwrap_or(u64::MAX);
    // The whole buffer is reserved at once, because a growing buffer would leave unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(max.saturating_add(1)));
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > max { Err(CallerFileError::TooLarge) } else { Ok(bytes) }
}

/// Returns whether a path names standard input, which is already open. Reopening it by path would fail for a pipe of
/// another user.
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
    kind_of(&std::fs::metadata(path)?)?;
    // This process must not block on a pipe without a writer, even if a pipe has replaced the file since the check.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let file = File::from(fs::openat(CWD, path, flags, Mode::empty()).map_err(io::Error::from)?);
    if kind_of(&file.metadata()?)? {
        wait_for_writer(&file, PATIENCE)?;
    }
    Ok(file)
}

/// Waits until a pipe can be read, and then makes the pipe blocking. The wait for a named pipe ends after the time
/// `most` with an error. The wait for an anonymous pipe, as made by a shell, is not limited, because the pipe ends when
/// its writers end.
fn wait_for_writer(pipe: &File, most: Timespec) -> Result<(), CallerFileError> {
    let has_name = fs::fstatfs(pipe).map_err(io::Error::from)?.f_type != PIPEFS;
    let mut polled = [PollFd::new(pipe, PollFlags::IN)];
    let ready = poll(&mut polled, has_name.then_some(&most)).map_err(io::Error::from)?;
    if ready == 0 {
        return Err(CallerFileError::Silent);
    }
    let flags = fs::fcntl_getfl(pipe).map_err(io::Error::from)?;
    Ok(fs::fcntl_setfl(pipe, flags - OFlags::NONBLOCK).map_err(io::Error::from)?)
}

/// Returns whether a file is a pipe. Refuses everything except pipes and regular files.
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
    use std::thread;

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
    fn pipes_that_nobody_writes_to_are_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        fs::mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        let flags = OFlags::RDWR | OFlags::NONBLOCK;
        let idle = File::from(fs::openat(CWD, &path, flags, Mode::empty()).unwrap());
        let soon = Timespec { tv_sec: 0, tv_nsec: 1 };
        assert!(matches!(wait_for_writer(&idle, soon), Err(CallerFileError::Silent)));
        std::io::Write::write_all(&mut &idle, b"text").unwrap();
        let mut bytes = [0; 4];
        let read = thread::spawn(move || open_here(&path).map(|mut file| file.read(&mut bytes)));
        assert!(matches!(read.join().unwrap(), Ok(Ok(4))));
    }

    #[test]
    fn messages_name_the_user_and_nothing_of_the_file() {
        let error = CallerFileError::Denied { user: "a\u{1b}da".into() };
        let said = "a\\u{1b}da may not open it, and paths are opened as the invoking user";
        assert_eq!(error.to_string(), said);
    }
}
