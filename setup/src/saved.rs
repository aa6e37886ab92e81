//! The way back: a folder with a copy of each changed file, before and after the change, and with what the change waits
//! for.
//!
//! The name of the folder is its state, and only one process can rename it. `pending` waits for the confirmation;
//! `confirmed` was confirmed; `undoing` is being put back. A folder is filled under another name first, so `pending`
//! is always complete. Whoever finds `undoing` finishes it.

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

/// The folder with one folder for each service.
pub const FOLDER: &str = "/var/lib/twinlock/setup";
/// Begins the name of a folder that is being filled.
const DRAFT: &str = "new.";
/// Begins the name of a file that somebody else changed.
const KEPT: &str = "kept.";
/// Length of a word, and its letters: no vowels, so that it is no word of a language.
const WORD: usize = 8;
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

/// State of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// It waits for the confirmation.
    Pending,
    /// It is being put back.
    Undoing,
    /// It was confirmed.
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

/// What a change waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// The word that confirms the change.
    pub word: String,
    /// Audit session of the process that made the change; `None` if it has none.
    pub session: Option<u32>,
    /// Time of the change, in seconds since 1970.
    pub begun: u64,
    /// The boot of the change, and the time of its end in seconds since the boot.
    pub boot: String,
    /// See `boot`.
    pub until: u64,
}

/// A changed file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SavedFile {
    /// Absolute path.
    pub path: String,
    /// The file before the change; `None` if there was none.
    pub before: Option<Content>,
    /// The file after the change; `None` if it was removed.
    pub after: Option<Content>,
}

/// When a change came into force, on two clocks of the kernel that nobody sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InForce {
    /// CLOCK_MONOTONIC, in microseconds, as the journal and logind have it.
    pub monotonic: u64,
    /// CLOCK_BOOTTIME, in microseconds, as a process has it for its start.
    pub boot: u64,
}

/// A change of the files of a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Saved {
    /// What it waits for.
    pub waiting: Waiting,
    /// When it came into force; `None` while files are being written.
    pub in_force: Option<InForce>,
    /// The files.
    pub files: Vec<SavedFile>,
}

/// What has become of a file that was put back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PutBack {
    /// The file.
    pub path: String,
    /// Where the content is that somebody else gave the file after the change.
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

    /// Saves a change before the first file is written.
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
    /// [`io::Error`] if it cannot be read.
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
    /// [`io::Error`] if the note cannot be written, or the change is being put back.
    pub fn set_in_force(&self, at: InForce) -> io::Result<()> {
        let folder = self.at(Phase::Pending);
        let attributes = own_attributes(&folder)?;
        let bytes = format!("{} {}\n", at.monotonic, at.boot).into_bytes();
        let note = Content { bytes, attributes };
        replace::replace(&folder.join(IN_FORCE).display().to_string(), Some(&note))
    }

    /// Ends the wait. The copies stay. Returns `false` if the change is being put back, or was.
    ///
    /// # Errors
    /// [`io::Error`] if the folder cannot be renamed.
    pub fn confirm(&self) -> io::Result<bool> {
        let old = self.folder.join(format!("{DRAFT}{}", replace::unique()?));
        if !found(self.rename(&self.at(Phase::Pending), &old))? {
            return Ok(false);
        }
        // Only this process has the change now. A crash here leaves the new files in force, which were confirmed.
        self.discard(Phase::Confirmed)?;
        self.rename(&old, &self.at(Phase::Confirmed))?;
        Ok(true)
    }

    /// Begins to put the change back. Returns it, or `None` if there is none.
    ///
    /// # Errors
    /// [`io::Error`] if the folder cannot be renamed or read.
    pub fn begin_undo(&self) -> io::Result<Option<Saved>> {
        // An earlier run may have been killed in the middle.
        if let Some(saved) = self.load(Phase::Undoing)? {
            return Ok(Some(saved));
        }
        match found(self.rename(&self.at(Phase::Pending), &self.at(Phase::Undoing)))? {
            true => self.load(Phase::Undoing),
            false => Ok(None),
        }
    }

    /// Puts each file back. A file that somebody else has changed meanwhile is copied before.
    ///
    /// # Errors
    /// [`io::Error`] if a file cannot be written. The next run continues.
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

    /// Forgets a confirmed change, after teardown. Copies that others may need stay. Best effort.
    pub fn forget(&self) {
        let _ = self.discard(Phase::Confirmed);
        self.tidy();
    }

    /// Removes what killed processes have left, and the folder if nothing else is in it. Best effort.
    pub fn tidy(&self) {
        self.sweep();
        let _ = fs::remove_dir(&self.folder);
    }

    /// Removes the folder of a phase, if there is one. It loses its name first, so that a part of it is never taken for
    /// the whole.
    fn discard(&self, phase: Phase) -> io::Result<()> {
        let old = self.folder.join(format!("{DRAFT}{}", replace::unique()?));
        match found(self.rename(&self.at(phase), &old))? {
            true => fs::remove_dir_all(old),
            false => Ok(()),
        }
    }

    /// Removes folders that killed processes were filling or removing. Best effort.
    pub fn sweep(&self) {
        for draft in replace::abandoned(&self.folder, DRAFT) {
            let _ = fs::remove_dir_all(draft);
        }
    }

    /// Copies what somebody else has written.
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

/// Returns whether a name existed.
fn found(renamed: io::Result<()>) -> io::Result<bool> {
    match renamed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns a new word for a confirmation.
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
