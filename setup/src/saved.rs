//! The way back: a folder with the old and the new content of each changed file, and with the confirmation for which
//! the change waits.
//!
//! The name of the folder is its state, and only one process can rename it. `pending` waits for the confirmation;
//! `confirmed` was confirmed; `undoing` is being put back. A folder is filled under another name first, so `pending` is
//! always complete. A process that finds `undoing` finishes it.

mod description;

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, fsync, renameat_with};
use twinlock_core::base::random_text;
use twinlock_core::ports::Entropy;
use twinlock_host::entropy::KernelEntropy;

use crate::{
    replace::{self, Content},
    saved::description::{IN_FORCE, STATE, fill, own_attributes, read},
};

/// The folder that contains one folder for each service.
pub const FOLDER: &str = "/var/lib/twinlock/setup";
/// Beginning of the name of a folder that is being filled or removed.
const DRAFT: &str = "new.";
/// Beginning of the name of a copy of a file that others changed after setup.
const KEPT: &str = "kept.";
/// Length of the word that confirms a change, and its letters. Without vowels, it is no word of a language.
const WORD: usize = 8;
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

/// The state of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The change waits for the confirmation.
    Pending,
    /// The change is being put back.
    Undoing,
    /// The change was confirmed.
    Confirmed,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Undoing => "undoing",
            Self::Confirmed => "confirmed",
        }
    }
}

/// The confirmation for which a change waits, and how long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// The word that the administrator types to confirm the change.
    pub word: String,
    /// Audit session of the process that made the change; `None` if it has none.
    pub session: Option<u32>,
    /// Time of the change in seconds since 1970.
    pub begun: u64,
    /// The id of the boot in which the change was made.
    pub boot: String,
    /// The time until which the change waits, in seconds since this boot.
    pub until: u64,
}

/// A changed file, before and after the change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SavedFile {
    /// Absolute path of the file.
    pub path: String,
    /// The file before the change; `None` if there was none.
    pub before: Option<Content>,
    /// The file after the change; `None` if it was removed.
    pub after: Option<Content>,
}

/// When a change came into force, on two clocks of the kernel that no user can set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InForce {
    /// CLOCK_MONOTONIC in microseconds, the clock of the journal and of logind.
    pub monotonic: u64,
    /// CLOCK_BOOTTIME in microseconds, the clock of the start times of processes.
    pub boot: u64,
}

/// A change of the files of a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Saved {
    /// The confirmation for which the change waits.
    pub waiting: Waiting,
    /// When the change came into force; `None` while its files are being written.
    pub in_force: Option<InForce>,
    /// The files that the change has written or removed.
    pub files: Vec<SavedFile>,
}

/// A file that was put back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PutBack {
    /// The path of the file.
    pub path: String,
    /// Path of a copy of the content that others gave the file after the change; `None` if nobody has changed it.
    pub kept: Option<PathBuf>,
}

/// The saved changes of a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SavedFolder {
    folder: PathBuf,
}

impl SavedFolder {
    /// Returns the folder of a service, which need not exist.
    #[must_use]
    pub fn of(all: &Path, service: &str) -> Self {
        Self { folder: all.join(service) }
    }

    /// Returns the services with a folder, sorted.
    ///
    /// # Errors
    /// [`io::Error`] if the folder exists and cannot be read.
    pub fn services(all: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(all) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    /// Saves a change as `pending`. Must be called before the first file of the host is written.
    ///
    /// # Errors
    /// `AlreadyExists` if another change waits; another [`io::Error`] if the copies cannot be written.
    pub fn save(&self, saved: &Saved) -> io::Result<()> {
        let builder = || {
            let mut builder = DirBuilder::new();
            builder.mode(0o700).recursive(true);
            builder
        };
        builder().create(&self.folder)?;
        let draft = self.folder.join(format!("{DRAFT}{}", replace::unique()?));
        builder().create(&draft)?;
        let written =
            fill(&draft, saved).and_then(|()| self.rename(&draft, &self.at(Phase::Pending)));
        if written.is_err() {
            let _ = fs::remove_dir_all(&draft);
        }
        written
    }

    /// Returns the change in a phase, if there is one.
    ///
    /// # Errors
    /// [`io::Error`] if the change cannot be read.
    pub fn load(&self, phase: Phase) -> io::Result<Option<Saved>> {
        let folder = self.at(phase);
        match fs::read_to_string(folder.join(STATE)) {
            Ok(text) => read(&folder, &text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whether a change waits for its confirmation, or is being put back.
    ///
    /// # Errors
    /// [`io::Error`] if this cannot be determined.
    pub fn waits(&self) -> io::Result<bool> {
        Ok(self.at(Phase::Pending).try_exists()? || self.at(Phase::Undoing).try_exists()?)
    }

    /// Notes that all files are written, and that the service has read them. A change without this note cannot be
    /// confirmed.
    ///
    /// # Errors
    /// [`io::Error`] if the note cannot be written, as when the change is being put back.
    pub fn set_in_force(&self, at: InForce) -> io::Result<()> {
        let folder = self.at(Phase::Pending);
        let attributes = own_attributes(&folder)?;
        let bytes = format!("{} {}\n", at.monotonic, at.boot).into_bytes();
        let note = Content { bytes, attributes };
        replace::replace(&folder.join(IN_FORCE).display().to_string(), Some(&note))
    }

    /// Confirms the change that waits, and keeps its copies. Returns `false` if no change waits: it is being
    /// put back, or was put back.
    ///
    /// # Errors
    /// [`io::Error`] if the folder cannot be renamed.
    pub fn confirm(&self) -> io::Result<bool> {
        let old = self.folder.join(format!("{DRAFT}{}", replace::unique()?));
        if !found(self.rename(&self.at(Phase::Pending), &old))? {
            return Ok(false);
        }
        // No other process can rename the folder now. If this process is killed here, the new files stay in force,
        // which is right after a confirmation.
        self.discard(Phase::Confirmed)?;
        self.rename(&old, &self.at(Phase::Confirmed))?;
        Ok(true)
    }

    /// Begins to put the change back. Returns the change; `None` if no change waits or is being put back.
    ///
    /// # Errors
    /// [`io::Error`] if the folder cannot be renamed or read.
    pub fn begin_undo(&self) -> io::Result<Option<Saved>> {
        // A process that was killed may have left a change that is being put back.
        if let Some(saved) = self.load(Phase::Undoing)? {
            return Ok(Some(saved));
        }
        match found(self.rename(&self.at(Phase::Pending), &self.at(Phase::Undoing)))? {
            true => self.load(Phase::Undoing),
            false => Ok(None),
        }
    }

    /// Puts each file back. If others have changed a file after setup, their content is copied first.
    ///
    /// # Errors
    /// [`io::Error`] if a file cannot be written. The next call then puts back the remaining files.
    pub fn put_back(&self, saved: &Saved) -> io::Result<Vec<PutBack>> {
        let mut done = Vec::new();
        for file in saved.files.iter().rev() {
            replace::sweep(&file.path);
            let now = replace::read(&file.path)?;
            let is = |content: &Option<Content>| {
                now.as_ref().map(|now| &now.bytes) == content.as_ref().map(|one| &one.bytes)
            };
            if is(&file.before) {
                done.push(PutBack { path: file.path.clone(), kept: None });
                continue;
            }
            let foreign = now.as_ref().filter(|_| !is(&file.after));
            let kept = foreign.map(|now| self.keep(&file.path, now)).transpose()?;
            replace::replace(&file.path, file.before.as_ref())?;
            done.push(PutBack { path: file.path.clone(), kept });
        }
        Ok(done)
    }

    /// Removes the copies of a change that was put back.
    ///
    /// # Errors
    /// [`io::Error`] if they cannot be removed.
    pub fn end_undo(&self) -> io::Result<()> {
        self.discard(Phase::Undoing)
    }

    /// Removes the folder of a confirmed change, after teardown. Copies of files that others changed stay. Errors are
    /// ignored.
    pub fn forget(&self) {
        let _ = self.discard(Phase::Confirmed);
        self.tidy();
    }

    /// Removes what killed processes have left, and the folder if nothing else is in it. Best effort.
    pub fn tidy(&self) {
        self.sweep();
        let _ = fs::remove_dir(&self.folder);
    }

    /// Removes the folder of a phase, if it exists. The folder is renamed first, so that a partly removed folder is
    /// never taken for a complete one.
    fn discard(&self, phase: Phase) -> io::Result<()> {
        let old = self.folder.join(format!("{DRAFT}{}", replace::unique()?));
        match found(self.rename(&self.at(phase), &old))? {
            true => fs::remove_dir_all(old),
            false => Ok(()),
        }
    }

    /// Removes folders that killed processes were filling or removing. Errors are ignored.
    pub fn sweep(&self) {
        for draft in replace::abandoned(&self.folder, DRAFT) {
            let _ = fs::remove_dir_all(draft);
        }
    }

    /// Copies a content that others have given the file into the folder. Returns the path of the copy.
    fn keep(&self, path: &str, now: &Content) -> io::Result<PathBuf> {
        let name = path.rsplit('/').next().unwrap_or_default();
        let kept = self.folder.join(format!("{KEPT}{name}.{}", replace::unique()?));
        replace::replace(&kept.display().to_string(), Some(now))?;
        Ok(kept)
    }

    fn at(&self, phase: Phase) -> PathBuf {
        self.folder.join(phase.name())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?;
        Ok(fsync(fs::File::open(&self.folder)?)?)
    }
}

/// Returns `false` if the rename failed because there is no file with the old name.
fn found(renamed: io::Result<()>) -> io::Result<bool> {
    match renamed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns a new random word with which an administrator confirms a change.
///
/// # Errors
/// [`io::Error`] if there are no random bytes.
pub fn new_word() -> io::Result<String> {
    let mut bytes = [0; 64];
    KernelEntropy.fill(&mut bytes).map_err(|_| io::Error::other("there are no random bytes"))?;
    let mut word = String::new();
    random_text::append(&mut word, WORD, LETTERS, &bytes);
    Ok(word)
}

#[cfg(test)]
mod tests;
