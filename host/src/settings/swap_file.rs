//! Changes a file of root by compare-and-swap without a lock, so that concurrent writers lose no change.
//!
//! The file is only ever replaced, never written in place. A mark, which is a fingerprint, identifies its current
//! content. To replace the file, a process first writes a draft under a random name. Then it makes a claim: a symbolic
//! link to the draft, with the mark in the name of the link. Only one process can create that link, so only one draft
//! can replace a given content. The writer then renames the draft over the file. If another process finds the claim
//! first, that process renames the draft. A draft can be renamed only once. If a process is killed or paused in
//! between, it does not block the others.

use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::{self, AtFlags, Mode, OFlags},
    io::{self, Errno},
};
use twinlock_core::{
    base::{
        error::{FileError, MachineError},
        fingerprint,
        time::UnixTime,
    },
    ports::{Clock, Entropy},
};

use crate::{
    clock::KernelClock,
    entropy::KernelEntropy,
    open_beneath,
    trusted_dir::{self, Owner, READABLE},
    trusted_path::{self, FolderError},
};

/// Maximum number of rounds in which a change is attempted. If a round fails, another writer has succeeded in it.
const ROUNDS: usize = 4096;
/// Age in seconds from which a draft counts as abandoned. The process id in its name may exist even then, because
/// another process may have this id by now. If the draft of a running writer is removed, the writer writes a new one.
const ABANDONED: u64 = 60;
/// Separates the file name from the fingerprint of its content, in the name of a link that gives a draft the right to
/// replace the file.
const CLAIM: &str = ".next.";

/// A file that is changed by compare-and-swap.
#[derive(Debug)]
pub struct SwapFile {
    folder: OwnedFd,
    name: String,
    owner: Owner,
    max: usize,
}

/// The new content of a file, and its mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapContent {
    /// The bytes that the file will contain.
    pub bytes: Vec<u8>,
    /// The permission bits that the file will have.
    pub mode: u32,
}

/// Why a file was not changed. `E` is the error of the function `decide`.
#[derive(Debug, PartialEq, Eq)]
pub enum SwapError<E> {
    /// `decide` refused the change.
    Declined(E),
    /// The file cannot be read or written. Only by reading the file can the caller learn whether it was changed.
    Store(FileError),
    /// Other writers were faster in every round.
    Busy,
}

impl<E: core::fmt::Display> core::fmt::Display for SwapError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Declined(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Busy => f.write_str("other writers keep changing the file"),
        }
    }
}

impl<E: core::error::Error> core::error::Error for SwapError<E> {}

impl<E> From<FileError> for SwapError<E> {
    fn from(fault: FileError) -> Self {
        Self::Store(fault)
    }
}

/// A function that takes the current content of the file, which is empty if the file is missing. It returns the new
/// content, or `None` to keep the current one.
pub type DecideContent<'a, E> = &'a mut dyn FnMut(&[u8]) -> Result<Option<SwapContent>, E>;

impl SwapFile {
    /// Opens the folder of the file at an absolute path. `max` is the maximum size of the file in bytes.
    ///
    /// # Errors
    /// [`FolderError`] if a folder above the file is missing or users other than root can write to it.
    pub fn open(path: &str, max: usize, owner: Owner) -> Result<Self, FolderError> {
        let (folder, name) = trusted_path::folder_to_write(path, owner)?;
        Ok(Self { folder, name: name.to_owned(), owner, max })
    }

    /// Reads the file; `None` if it is missing.
    ///
    /// # Errors
    /// [`FileError`] if the file cannot be trusted or read.
    pub fn read(&self) -> Result<Option<Vec<u8>>, FileError> {
        let opened = open_beneath::file(self.folder.as_fd(), &self.name);
        match trusted_dir::read_opened(opened, self.owner, READABLE, self.max) {
            Ok((bytes, _)) => Ok(Some(bytes)),
            Err(fault) if trusted_dir::is_absent(fault) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Replaces the content of the file by the one that `decide` returns for it. If another process changes the file in
    /// the meantime, calls `decide` once more, with the new content. Returns whether this call has changed the file.
    ///
    /// # Errors
    /// [`SwapError::Declined`] if `decide` fails, [`SwapError::Store`] if the file cannot be read or written,
    /// [`SwapError::Busy`] if other writers were faster in every round.
    pub fn change<E>(&self, decide: DecideContent<'_, E>) -> Result<bool, SwapError<E>> {
        let mut offered = false;
        for _ in 0..ROUNDS {
            let before = self.read()?.unwrap_or_default();
            let mark = fingerprint::of_content(&before);
            if self.help(&mark)? {
                continue;
            }
            let Some(after) = decide(&before).map_err(SwapError::Declined)? else {
                self.sweep();
                // If this call has offered a draft in an earlier round, another process may have renamed that draft
                // over the file. This counts as a change.
                return Ok(offered);
            };
            if after.bytes.len() > self.max {
                return Err(FileError::TooLarge.into());
            }
            if self.offer(&mark, &after)? {
                self.sweep();
                return Ok(true);
            }
            offered = true;
        }
        Err(SwapError::Busy)
    }

    /// Writes a draft, creates a link that gives this draft the right to replace the content `mark` (a claim), and
    /// renames the draft over the file. Returns whether this process has replaced the file. If the result is false,
    /// another process may have renamed this draft or a draft of its own; only the content of the file shows which.
    fn offer(&self, mark: &str, after: &SwapContent) -> Result<bool, FileError> {
        let mut nonce = [0; 4];
        KernelEntropy.fill(&mut nonce).map_err(|MachineError| trusted_dir::fault(Errno::IO))?;
        let draft =
            format!("{}.{:08x}{:08x}", self.name, std::process::id(), u32::from_ne_bytes(nonce));
        let claim = self.claim(mark);
        let written = write(&self.folder, &draft, after, self.owner);
        let claimed = written.and_then(|()| fs::symlinkat(&draft, &self.folder, &claim));
        if let Err(errno) = claimed {
            self.remove(&draft);
            return if errno == Errno::EXIST { Ok(false) } else { Err(trusted_dir::fault(errno)) };
        }
        let followed = self.follow(mark, &draft);
        if followed.is_err() {
            // The caller is told that the change has failed, so no process may use the draft later.
            self.remove(&draft);
            self.withdraw(&claim, &draft);
        }
        followed
    }

    /// Completes the change of another process. If that process has made a claim for the content with the mark `mark`
    /// (a link to its draft of the new content), renames the draft over the file. Returns whether there was a claim.
    fn help(&self, mark: &str) -> Result<bool, FileError> {
        let claim = self.claim(mark);
        let draft = match fs::readlinkat(&self.folder, &claim, Vec::new()) {
            Ok(draft) => draft,
            Err(Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(trusted_dir::fault(errno)),
        };
        let draft = draft.to_str().ok().filter(|draft| self.is_draft(draft));
        self.follow(mark, draft.ok_or(FileError::WrongKind)?)?;
        Ok(true)
    }

    /// Renames the draft of a claim over the file. Returns `false` if another process has already renamed it, or if the
    /// content of the file no longer has the mark `mark`.
    fn follow(&self, mark: &str, draft: &str) -> Result<bool, FileError> {
        let claim = self.claim(mark);
        // The content is checked after the claim was made. After a content was replaced, its mark never comes back, so
        // a claim for an old mark has no effect.
        if !self.is_at(mark)? {
            self.remove(draft);
            self.withdraw(&claim, draft);
            return Ok(false);
        }
        match fs::renameat(&self.folder, draft, &self.folder, &self.name) {
            Ok(()) => {
                fs::fsync(&self.folder).map_err(trusted_dir::fault)?;
                self.withdraw(&claim, draft);
                Ok(true)
            }
            Err(Errno::NOENT) => {
                // The draft is gone. If the file still has the content `mark`, the draft was removed, or an
                // administrator has restored an old content.
                if self.is_at(mark)? {
                    self.withdraw(&claim, draft);
                }
                Ok(false)
            }
            Err(errno) => Err(trusted_dir::fault(errno)),
        }
    }

    fn is_at(&self, mark: &str) -> Result<bool, FileError> {
        Ok(fingerprint::of_content(&self.read()?.unwrap_or_default()) == mark)
    }

    fn claim(&self, mark: &str) -> String {
        format!("{}{CLAIM}{mark}", self.name)
    }

    fn is_draft(&self, name: &str) -> bool {
        let nonce = name.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('.'));
        nonce.is_some_and(is_hex)
    }

    /// Removes a claim, the link by which a draft gets the right to replace the file, if it still leads to `draft`.
    fn withdraw(&self, claim: &str, draft: &str) {
        let found = fs::readlinkat(&self.folder, claim, Vec::new());
        if found.is_ok_and(|found| found.as_bytes() == draft.as_bytes()) {
            self.remove(claim);
        }
    }

    /// Removes a name from the folder. Best effort.
    fn remove(&self, name: &str) {
        let _ = fs::unlinkat(&self.folder, name, AtFlags::empty());
    }

    /// Removes files that killed writers have left: claims for earlier contents, and abandoned drafts.
    fn sweep(&self) {
        let names = self.names();
        // The content is read after the names. If a listed claim is not for this content, it is therefore for an
        // earlier one.
        let Ok(now) = self.read() else { return };
        let now = self.claim(&fingerprint::of_content(&now.unwrap_or_default()));
        let begin = format!("{}{CLAIM}", self.name);
        for name in &names {
            let is_claim = name.strip_prefix(&begin).is_some_and(is_hex);
            if is_claim && *name != now || self.is_draft(name) && self.is_abandoned(name) {
                self.remove(name);
            }
        }
    }

    fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::Dir::read_from(&self.folder) else { return Vec::new() };
        let name = |entry: fs::DirEntry| entry.file_name().to_str().ok().map(str::to_owned);
        entries.flatten().filter_map(name).collect()
    }

    fn is_abandoned(&self, draft: &str) -> bool {
        let writer = draft.get(self.name.len() + 1..self.name.len() + 9);
        let writer = writer.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0);
        let is_gone = std::fs::symlink_metadata(format!("/proc/{writer}"));
        if is_gone.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return true;
        }
        let Ok(stat) = fs::statat(&self.folder, draft, AtFlags::SYMLINK_NOFOLLOW) else {
            return false;
        };
        let since = u64::try_from(stat.st_mtime).map(UnixTime).unwrap_or_default();
        KernelClock.now().is_ok_and(|now| now.unix.since(since) >= ABANDONED)
    }
}

fn is_hex(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Writes a new file completely, and only then sets its mode.
pub(crate) fn write(
    folder: &OwnedFd,
    name: &str,
    content: &SwapContent,
    owner: Owner,
) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = fs::openat(folder.as_fd(), name, flags, Mode::RUSR | Mode::WUSR)?;
    trusted_dir::give_to(&fd, owner)?;
    let mut written = 0;
    while let Some(rest) = content.bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match io::write(&fd, rest) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(count) => written += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    fs::fchmod(&fd, Mode::from_raw_mode(content.mode))?;
    fs::fsync(&fd)
}

#[cfg(test)]
mod tests;
