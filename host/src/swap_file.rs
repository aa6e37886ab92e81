//! Changes a file of root's by compare-and-swap without a lock: of several writers at once none loses a change.
//!
//! A file of this name is never written, only replaced. Its content now has a mark. Whoever replaces it writes a draft
//! under a random name, and then makes the claim: a symbolic link that has the mark in its own name and leads to the draft.
//! Only one process can make that link, so that only one draft can follow a content. The draft is then renamed over the
//! file, by its writer or by anyone who meets the claim; a draft can be renamed once. A process that is killed or stopped
//! in between holds nobody up.

use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::{self, AtFlags},
    io::Errno,
};
use twinlock_core::{
    fault::{MachineFault, StoreFault},
    fingerprint,
    ports::{Clock, Entropy},
    time::UnixTime,
};

use crate::{
    clock::KernelClock,
    entropy::KernelEntropy,
    good, opening,
    place::{self, Owner, READABLE},
    trusted_path::{self, FolderFault},
};

/// Each round that fails is one in which another writer got on.
const ROUNDS: usize = 4096;
/// Seconds after which a draft is taken for a killed writer's, whatever process has its number now. One that is not is
/// written again.
const ABANDONED: u64 = 60;
/// What stands between the name of a file and the mark in the name of a claim.
const CLAIM: &str = ".next.";

/// A file that is changed by compare-and-swap.
#[derive(Debug)]
pub struct SwapFile {
    folder: OwnedFd,
    name: String,
    owner: Owner,
    max: usize,
}

/// A new content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The permissions of the file.
    pub mode: u32,
}

/// Why a file was not changed.
#[derive(Debug, PartialEq, Eq)]
pub enum SwapError<E> {
    /// The decision was not to.
    Declined(E),
    /// It cannot be read or written. Whether it has changed, a look at it says.
    Store(StoreFault),
    /// Other writers were faster each time.
    Busy,
}

impl<E> From<StoreFault> for SwapError<E> {
    fn from(fault: StoreFault) -> Self {
        Self::Store(fault)
    }
}

/// Decides on the content that follows another; nothing where that one is to stay.
pub type Decide<'a, E> = &'a mut dyn FnMut(&[u8]) -> Result<Option<Content>, E>;

impl SwapFile {
    /// Opens the folder of a file by the file's whole path.
    ///
    /// # Errors
    /// [`FolderFault`] where a folder is not root's alone.
    pub fn open(path: &str, max: usize, owner: Owner) -> Result<Self, FolderFault> {
        let (folder, name) = trusted_path::folder_to_write(path, owner)?;
        Ok(Self { folder, name: name.to_owned(), owner, max })
    }

    /// Reads it; nothing where it is not there.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub fn read(&self) -> Result<Option<Vec<u8>>, StoreFault> {
        let opened = opening::file(self.folder.as_fd(), &self.name);
        match place::read_opened(opened, (self.owner, READABLE), self.max) {
            Ok((bytes, _)) => Ok(Some(bytes)),
            Err(fault) if place::is_absent(fault) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Changes it as `decide` says, which is asked again where another writer was faster; whether it has changed.
    ///
    /// # Errors
    /// [`SwapError`].
    pub fn change<E>(&self, decide: Decide<'_, E>) -> Result<bool, SwapError<E>> {
        let mut offered = false;
        for _ in 0..ROUNDS {
            let before = self.read()?.unwrap_or_default();
            let mark = fingerprint::of_content(&before);
            if self.help(&mark)? {
                continue;
            }
            let Some(after) = decide(&before).map_err(SwapError::Declined)? else {
                self.sweep();
                // A claim of ours that somebody else has followed stands already.
                return Ok(offered);
            };
            if after.bytes.len() > self.max {
                return Err(StoreFault::TooLarge.into());
            }
            if self.offer(&mark, &after)? {
                self.sweep();
                return Ok(true);
            }
            offered = true;
        }
        Err(SwapError::Busy)
    }

    /// Writes a draft, claims the mark for it, and follows the claim; whether that has replaced the file. Where it has not,
    /// it may have been done by another writer, which a look at the file tells.
    fn offer(&self, mark: &str, after: &Content) -> Result<bool, StoreFault> {
        let mut nonce = [0; 4];
        KernelEntropy.fill(&mut nonce).map_err(|MachineFault| place::fault(Errno::IO))?;
        let draft =
            format!("{}.{:08x}{:08x}", self.name, std::process::id(), u32::from_ne_bytes(nonce));
        let claim = self.claim(mark);
        let written = good::write(&self.folder, &draft, after, self.owner);
        let claimed = written.and_then(|()| fs::symlinkat(&draft, &self.folder, &claim));
        if let Err(errno) = claimed {
            self.remove(&draft);
            return if errno == Errno::EXIST { Ok(false) } else { Err(place::fault(errno)) };
        }
        let followed = self.follow(mark, &draft);
        if followed.is_err() {
            // Nobody is to follow it later, when it was said to have failed.
            self.remove(&draft);
            self.withdraw(&claim, &draft);
        }
        followed
    }

    /// Follows the claim of another writer, where there is one for the content that is there now.
    fn help(&self, mark: &str) -> Result<bool, StoreFault> {
        let claim = self.claim(mark);
        let draft = match fs::readlinkat(&self.folder, &claim, Vec::new()) {
            Ok(draft) => draft,
            Err(Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(place::fault(errno)),
        };
        let draft = draft.to_str().ok().filter(|draft| self.is_draft(draft));
        self.follow(mark, draft.ok_or(StoreFault::WrongKind)?)?;
        Ok(true)
    }

    /// Renames the draft of a claim over the file; no where another has, or where the claim came too late.
    fn follow(&self, mark: &str, draft: &str) -> Result<bool, StoreFault> {
        let claim = self.claim(mark);
        // Behind the claim: a mark that is past does not come back, so whoever claims it claims nothing.
        if !self.is_at(mark)? {
            self.remove(draft);
            self.withdraw(&claim, draft);
            return Ok(false);
        }
        match fs::renameat(&self.folder, draft, &self.folder, &self.name) {
            Ok(()) => {
                fs::fsync(&self.folder).map_err(place::fault)?;
                self.withdraw(&claim, draft);
                Ok(true)
            }
            Err(Errno::NOENT) => {
                // A draft that was swept away, or a content that somebody has put back by hand.
                if self.is_at(mark)? {
                    self.withdraw(&claim, draft);
                }
                Ok(false)
            }
            Err(errno) => Err(place::fault(errno)),
        }
    }

    fn is_at(&self, mark: &str) -> Result<bool, StoreFault> {
        Ok(fingerprint::of_content(&self.read()?.unwrap_or_default()) == mark)
    }

    fn claim(&self, mark: &str) -> String {
        format!("{}{CLAIM}{mark}", self.name)
    }

    fn is_draft(&self, name: &str) -> bool {
        let nonce = name.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('.'));
        nonce.is_some_and(is_hex)
    }

    /// Removes a claim that leads to this draft.
    fn withdraw(&self, claim: &str, draft: &str) {
        let found = fs::readlinkat(&self.folder, claim, Vec::new());
        if found.is_ok_and(|found| found.as_bytes() == draft.as_bytes()) {
            self.remove(claim);
        }
    }

    /// What stays does no harm.
    fn remove(&self, name: &str) {
        let _ = fs::unlinkat(&self.folder, name, AtFlags::empty());
    }

    /// Removes what writers have left that were killed: claims of marks that are past, and drafts without a claim.
    fn sweep(&self) {
        let names = self.names();
        // Read after the names: a claim that is among them, and not for this content, is of one before.
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

#[cfg(test)]
mod tests;
