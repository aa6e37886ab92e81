//! Saves the changes of setup, so that the old files can be restored. Each service has a folder. A change of the
//! service is a folder inside it, which holds the old and the new content of the changed files.
//!
//! The name of the inner folder is the state of the change: `pending` (waits for a confirmation), `confirmed`, or
//! `undoing` (the old files are being restored). The state changes by a rename, which only one process can make. A
//! change is written under another name first, so that `pending` is always complete. A process that finds `undoing`
//! restores the rest of the files.

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
    replace::{self, FileContent},
    saved::description::{IN_FORCE, STATE, fill, own_attributes, read},
    shared_file,
    wishes::ServiceName,
};

/// The folder that contains one folder for each changed service.
pub const FOLDER: &str = "/var/lib/twinlock/setup";
/// Start of the name of a folder that is being filled or removed.
const DRAFT: &str = "new.";
/// Start of the name of the copy of a file that was edited after setup.
const KEPT: &str = "kept.";
/// Length of the word that confirms a change, and the letters of which it consists. There are no vowels, so that the
/// result is no word of a language.
const WORD: usize = 8;
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

/// State of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The new files are in place, and the change waits for its confirmation.
    Pending,
    /// The old files are being restored.
    Undoing,
    /// The change was confirmed, and the new files stay.
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

/// How a change is confirmed, and when the time for the confirmation ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WaitingChange {
    /// The random word that the administrator types to confirm the change.
    pub word: String,
    /// Audit session of the process that made the change; `None` if it had none.
    pub session: Option<u32>,
    /// Time of the change, in seconds since 1970-01-01 00:00 UTC.
    pub begun: u64,
    /// Kernel's id of the boot in which the change was made.
    pub boot: String,
    /// Time at which the wait for the confirmation ends, in seconds since that boot.
    pub until: u64,
}

/// A changed file: its content before and after the change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SavedFile {
    /// Absolute path of the file.
    pub path: String,
    /// The file before the change; `None` if it did not exist.
    pub before: Option<FileContent>,
    /// The file after the change; `None` if the change removed it.
    pub after: Option<FileContent>,
}

impl SavedFile {
    /// Replaces the file by its content after the change.
    ///
    /// # Errors
    /// [`io::Error`] if the file cannot be written, or if it is rules.toml or accepted.toml and was changed meanwhile.
    pub fn put(&self) -> io::Result<()> {
        match &self.after {
            Some(after) if shared_file::is_shared(&self.path) => {
                let before = self.before.as_ref().map(|before| before.bytes.as_slice());
                shared_file::write(&self.path, before.unwrap_or_default(), &after.bytes)
            }
            after => replace::replace(&self.path, after.as_ref()),
        }
    }
}

/// Time from which a service uses changed files, on two clocks that no user can set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InForce {
    /// CLOCK_MONOTONIC in microseconds, the clock of the times in the journal and in logind.
    pub monotonic: u64,
    /// CLOCK_BOOTTIME in microseconds, the clock of the start times of processes in the kernel.
    pub boot: u64,
}

/// A saved change of a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Saved {
    /// How the change is confirmed, and when the time for the confirmation ends.
    pub waiting: WaitingChange,
    /// Time from which the service uses the new files; `None` while they are being written.
    pub in_force: Option<InForce>,
    /// The files that the change creates, changes or removes.
    pub files: Vec<SavedFile>,
}

/// A file that was restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PutBack {
    /// Absolute path of the file.
    pub path: String,
    /// Path of a copy of the edited file, if the file was edited after setup; otherwise `None`.
    pub kept: Option<PathBuf>,
}

/// The folder with the saved changes of one service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SavedFolder {
    folder: PathBuf,
}

impl SavedFolder {
    /// Returns the folder of a service in the folder `all`. The folder need not exist.
    #[must_use]
    pub fn of(all: &Path, service: &str) -> Self {
        Self { folder: all.join(service) }
    }

    /// Returns the sorted names of the services that have a folder in `all`.
    ///
    /// # Errors
    /// [`io::Error`] if `all` exists and cannot be read.
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
    /// `AlreadyExists` if another change is `pending`; another [`io::Error`] if the copies cannot be written.
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

    /// Returns the change in this state; `None` if there is none.
    ///
    /// # Errors
    /// [`io::Error`] if the saved change cannot be read.
    pub fn load(&self, phase: Phase) -> io::Result<Option<Saved>> {
        let folder = self.at(phase);
        match fs::read_to_string(folder.join(STATE)) {
            Ok(text) => read(&folder, &text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whether a change waits for its confirmation, or its old files are being restored.
    ///
    /// # Errors
    /// [`io::Error`] if the folder of the service cannot be read.
    pub fn waits(&self) -> io::Result<bool> {
        Ok(self.at(Phase::Pending).try_exists()? || self.at(Phase::Undoing).try_exists()?)
    }

    /// Records `at` as the time since which the service uses the new files. Without this record, the change cannot be
    /// confirmed.
    ///
    /// # Errors
    /// [`io::Error`] if the record cannot be written, for example because the old files are being restored.
    pub fn set_in_force(&self, at: InForce) -> io::Result<()> {
        let folder = self.at(Phase::Pending);
        let attributes = own_attributes(&folder)?;
        let bytes = format!("{} {}\n", at.monotonic, at.boot).into_bytes();
        let note = FileContent { bytes, attributes };
        replace::replace(&folder.join(IN_FORCE).display().to_string(), Some(&note))
    }

    /// Confirms the pending change and keeps its copies for a teardown. Returns `false` if no change is pending, for
    /// example because the old files are being restored, or were restored.
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

    /// Removes the pending change of which no file was written yet.
    ///
    /// # Errors
    /// [`io::Error`] if the folder cannot be renamed or removed.
    pub fn withdraw(&self) -> io::Result<()> {
        self.discard(Phase::Pending)
    }

    /// Sets the pending change to `undoing` and returns it. If a killed process has left a change in the state
    /// `undoing`, returns that change. `None` if no change is in either state.
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

    /// Restores each file, and returns one element for each file. If a file was edited after setup, a copy of the
    /// edited file is kept. A file that has its old content already is not written.
    ///
    /// # Errors
    /// [`io::Error`] if a file cannot be written. A second call restores the files that are left.
    pub fn put_back(&self, saved: &Saved) -> io::Result<Vec<PutBack>> {
        let mut done = Vec::new();
        for file in saved.files.iter().rev() {
            replace::sweep(&file.path);
            let now = replace::read(&file.path)?;
            let is = |content: &Option<FileContent>| {
                now.as_ref().map(|now| &now.bytes) == content.as_ref().map(|one| &one.bytes)
            };
            if shared_file::is_shared(&file.path) {
                done.push(self.take_back(file, now.as_ref())?);
                continue;
            }
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

    /// Removes from rules.toml or accepted.toml what setup has written. Changes that others have made after setup stay
    /// in the file. If there are such changes, a copy of the file is kept as well.
    fn take_back(&self, file: &SavedFile, now: Option<&FileContent>) -> io::Result<PutBack> {
        let name = self.folder.file_name().and_then(|name| name.to_str());
        let service = name.and_then(ServiceName::of);
        let service = service.ok_or_else(|| io::Error::other("the service is not known"))?;
        let bytes =
            |content: Option<&FileContent>| content.map_or_else(Vec::new, |one| one.bytes.clone());
        let (current, before) = (bytes(now), bytes(file.before.as_ref()));
        let is_foreign = current != bytes(file.after.as_ref())
            && !shared_file::is_taken_back(&file.path, &service, &current, &before);
        let kept = match now.filter(|_| is_foreign) {
            Some(now) => Some(self.keep(&file.path, now)?),
            None => None,
        };
        shared_file::take_back(&file.path, &service, &before)?;
        Ok(PutBack { path: file.path.clone(), kept })
    }

    /// Removes the copies of a change whose old files were restored.
    ///
    /// # Errors
    /// [`io::Error`] if they cannot be removed.
    pub fn end_undo(&self) -> io::Result<()> {
        self.discard(Phase::Undoing)
    }

    /// Removes the copies of the confirmed change after a teardown. Copies of edited files stay. Ignores errors.
    pub fn forget(&self) {
        let _ = self.discard(Phase::Confirmed);
        self.tidy();
    }

    /// Removes what killed processes have left behind, then the service's folder if it is empty. Best effort.
    pub fn tidy(&self) {
        self.sweep();
        let _ = fs::remove_dir(&self.folder);
    }

    /// Removes the folder of the change in this state, if there is one. The folder is renamed first, so that a half
    /// removed folder never counts as a saved change.
    fn discard(&self, phase: Phase) -> io::Result<()> {
        let old = self.folder.join(format!("{DRAFT}{}", replace::unique()?));
        match found(self.rename(&self.at(phase), &old))? {
            true => fs::remove_dir_all(old),
            false => Ok(()),
        }
    }

    /// Removes folders that killed processes were filling or removing, and copies that they were writing. Ignores errors.
    pub fn sweep(&self) {
        for draft in replace::abandoned(&self.folder, DRAFT) {
            let _ = fs::remove_dir_all(draft);
        }
        replace::sweep_all(&self.folder, KEPT);
    }

    /// Copies the edited content `now` of the file `path` into the service's folder. Returns the path of the copy.
    fn keep(&self, path: &str, now: &FileContent) -> io::Result<PathBuf> {
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

/// Returns `false` if a rename failed because the old name does not exist, and `true` if it succeeded.
fn found(renamed: io::Result<()>) -> io::Result<bool> {
    match renamed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns a new random word by which an administrator confirms a change.
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
