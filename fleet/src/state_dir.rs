//! The state directory of the daemon. Files are replaced durably: after a crash, a file has either the old text or the
//! new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

/// The state directory, which only one daemon at a time can lock.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Opens the directory, and locks it until the process ends.
    ///
    /// # Errors
    /// [`io::Error`] if the directory cannot be written to, or another daemon uses it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let lock = file(&path.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| io::Error::other("another daemon uses it"))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Reads a file; `None` if it does not exist.
    ///
    /// # Errors
    /// [`io::Error`] if it cannot be read.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.path.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces a file durably. Two threads must not write the same file at once.
    ///
    /// # Errors
    /// [`io::Error`] if it cannot be written.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let new = self.path.join(format!("{name}.new"));
        let mut written = file(&new)?;
        written.set_len(0)?;
        written.write_all(text.as_bytes())?;
        written.sync_all()?;
        fs::rename(&new, self.path.join(name))?;
        self.sync()
    }

    /// Removes a file durably, if it exists.
    ///
    /// # Errors
    /// [`io::Error`] if it cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => self.sync(),
        }
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

fn file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_and_the_directory_has_one_user() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        assert_eq!(state.read("host").unwrap(), None);
        state.write("host", "a long text\n").unwrap();
        state.write("host", "short\n").unwrap();
        assert_eq!(state.read("host").unwrap().as_deref(), Some("short\n"));
        assert!(StateDir::open(folder.path()).is_err());
        state.remove("host").unwrap();
        state.remove("host").unwrap();
        assert_eq!(state.read("host").unwrap(), None);
        drop(state);
        assert!(StateDir::open(folder.path()).is_ok());
        assert!(StateDir::open(&folder.path().join("none")).is_err());
    }
}
