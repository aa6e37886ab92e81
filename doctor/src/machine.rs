//! The examined machine: its files, accounts, PAM modules and sshd. The methods that run sshd are in `run_sshd.rs`.
mod accounts;
mod chroot;
mod glob;
mod instances;
mod libpam;
mod loadable;
mod reloaded;
mod run_sshd;
mod sockets;
mod stage;
pub mod sudo;
mod super_servers;
mod tree;
mod unit_command;
mod unit_text;
mod units;

use std::cell::OnceCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use twinlock_host::programs;

use crate::finding::{Finding, Level};
use crate::judge::lines::ModuleFile;
use crate::machine::stage::Stage;
use crate::machine::tree::Tree;
use crate::pam::census::CensusAccount;
use crate::pam::libpam::Libpam;
use crate::pam::line::LineReader;
use crate::pam::load::{Files, UnreadableError, load};
use crate::pam::stack::{Facility, Handler, StackKind};
use crate::pam::twinlock::is_twinlock;
use crate::sshd::command_line::Instance;
use crate::sshd::config::{MAIN_FILES, Patterns};

/// The examined machine: this host, or a folder that holds the files of another machine.
pub struct ExaminedMachine {
    tree: Tree,
    sshd: Option<PathBuf>,
    recorded: Option<PathBuf>,
    instance: Instance,
    candidates: Rc<[Candidate]>,
    stage: OnceCell<Stage>,
    /// Folders in which libpam looks for the PAM file of a service; filled at the first use.
    folders: OnceCell<Vec<&'static str>>,
    /// Which libpam the machine has; determined at the first use.
    libpam: OnceCell<Libpam>,
    /// How that libpam reads lines; determined at the first use.
    line_reader: OnceCell<LineReader>,
    /// The names in each folder of systemd's units, in the order of [`units::UNIT_FOLDERS`]; read at the first use. `None`
    /// for a folder that cannot be read.
    unit_names: OnceCell<Vec<Option<Vec<String>>>>,
    /// The accounts that can have every factor, read at the first use and shared, because many services need them. The
    /// inner value is `None` if accounts other than those found may exist.
    persons: Rc<OnceCell<Option<Rc<Vec<CensusAccount>>>>>,
}

/// A file that doctor judges as if it were already in place, because the caller has named it with an option such as
/// `--pam` or setup is about to write it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Path at which the file would be written. A file need not exist there.
    pub path: String,
    /// Text of the file; `None` for a file that is to be removed.
    pub text: Option<String>,
    /// Name of the file in the report, such as the path that the caller gave.
    pub name: String,
}

/// The reason why sshd's settings are unknown.
#[derive(Debug)]
pub enum ProbeError {
    /// sshd is not installed.
    NoProgram,
    /// sshd exited with this error message.
    Refused(String),
    /// The configuration could not be copied for sshd, for this reason.
    NotCopied(String),
}

impl core::fmt::Display for ProbeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoProgram => f.write_str("sshd is not installed"),
            Self::Refused(said) | Self::NotCopied(said) => f.write_str(said),
        }
    }
}

impl core::error::Error for ProbeError {}

/// A module of Linux-PAM that is always installed. The folder that contains it is libpam's module folder.
const LIBPAMS_OWN: &str = "pam_deny.so";
/// File type of a symbolic link, as bits of a file's mode (S_IFLNK).
const LINK: u32 = 0o120_000;

impl ExaminedMachine {
    /// Creates a machine with the files below `root`. If `recorded` is given, doctor reads the output of sshd from the
    /// files in this folder and does not run sshd.
    #[must_use]
    pub fn new(root: PathBuf, recorded: Option<PathBuf>) -> Self {
        Self {
            tree: Tree::new(root),
            sshd: programs::sshd(),
            recorded,
            instance: Instance::default(),
            candidates: Rc::default(),
            stage: OnceCell::new(),
            folders: OnceCell::new(),
            libpam: OnceCell::new(),
            line_reader: OnceCell::new(),
            unit_names: OnceCell::new(),
            persons: Rc::default(),
        }
    }

    /// Returns the machine with each of `candidates`, files that are not in place yet, in the place of the file that it
    /// would replace.
    #[must_use]
    pub fn with_candidates(self, candidates: Vec<Candidate>) -> Self {
        Self { candidates: candidates.into(), ..self }
    }

    /// Returns the same machine with `instance` as the examined sshd.
    #[must_use]
    pub fn with_instance(&self, instance: Instance) -> Self {
        Self {
            tree: self.tree.clone(),
            sshd: self.sshd.clone(),
            recorded: self.recorded.clone(),
            instance,
            candidates: Rc::clone(&self.candidates),
            stage: OnceCell::new(),
            folders: self.folders.clone(),
            libpam: self.libpam.clone(),
            line_reader: self.line_reader.clone(),
            unit_names: self.unit_names.clone(),
            persons: Rc::clone(&self.persons),
        }
    }

    /// Returns the names of services whose auth lines name twinlock's module, in lower case and sorted. Services whose
    /// files cannot be read are left out.
    #[must_use]
    pub fn services_with_module(&self) -> Vec<String> {
        let folders = self.pam_folders().into_iter();
        let names = folders.flat_map(|folder| self.tree.names(folder).unwrap_or_default());
        let mut names: Vec<String> = names.map(|name| name.to_ascii_lowercase()).collect();
        names.sort();
        names.dedup();
        let ours = |line: &Handler| matches!(&line.kind, StackKind::Module { path, .. } if is_twinlock(path));
        let calls = |name: &String| {
            load(self, name).is_ok_and(|service| service.lines(Facility::Auth).iter().any(ours))
        };
        names.retain(calls);
        names
    }

    /// Returns whether the machine is this host. Otherwise, it is a folder with the files of another host.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.tree.is_host()
    }

    /// Returns, for each file that doctor was asked to judge as if it were in place (candidate), a note that says
    /// whether it was judged. `service` is the PAM service that the examined sshd calls.
    #[must_use]
    pub fn candidate_notes(&self, service: &str) -> Vec<Finding> {
        let note = |one: &Candidate| {
            let (name, path) = (&one.name, one.path.as_str());
            let (level, id, what) = match path.strip_prefix("/etc/pam.d/") {
                Some(other) if other != service => (
                    Level::Unknown,
                    "candidate-unused",
                    format!("sshd calls the service {service}, so {name} was not checked."),
                ),
                _ if path == MAIN_FILES[0]
                    && self.instance.file().is_some_and(|file| file != path) =>
                {
                    return None;
                }
                _ => (Level::Note, "candidate", format!("{name} was read in its place.")),
            };
            Some(Finding { level, id, place: path.to_owned(), what, remedy: String::new() })
        };
        self.candidates.iter().filter_map(note).collect()
    }

    /// Returns whether sshd must read copies of the files: the machine is not this host, or some files to check are not
    /// in place yet.
    fn is_candidate(&self) -> bool {
        !self.tree.is_host() || !self.candidates.is_empty()
    }

    /// Returns the sshd that is examined.
    #[must_use]
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Returns the text of a file that belongs to root and that no other user can write to. On a machine that is not
    /// this host, only a symbolic link is refused. If a [`Candidate`] replaces the file, returns its text without a
    /// check.
    ///
    /// # Errors
    /// [`io::Error`] if the file cannot be read or is refused.
    pub fn text_of_root(&self, path: &str) -> io::Result<String> {
        if self.candidates.iter().any(|one| one.path == path) {
            return self.text(path);
        }
        let found = self.tree.stat_link(path)?;
        let is_open = found.st_uid != 0 || found.st_mode & 0o022 != 0;
        let is_link = found.st_mode & LINK == LINK;
        if is_link || is_open && self.tree.is_host() {
            return Err(io::Error::other("not only root can write to it"));
        }
        self.text(path)
    }

    fn list(&self, path: &str) -> Result<String, UnreadableError> {
        match self.text(path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(UnreadableError { path: path.to_owned(), error }),
        }
    }

    /// Looks up the file of a PAM module. `name` is the module as a PAM line names it: a file name or a whole path.
    #[must_use]
    pub fn module(&self, name: &str) -> ModuleFile {
        if name.starts_with('/') {
            return self.examine(name).unwrap_or(ModuleFile::Missing);
        }
        let all = self.module_folders();
        let (known, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|folder| self.has(&format!("{folder}/{LIBPAMS_OWN}")));
        if known.is_empty() {
            return ModuleFile::Unknown;
        }
        known
            .iter()
            .chain(&others)
            .find_map(|folder| self.examine(&format!("{folder}/{name}")))
            .unwrap_or(ModuleFile::Missing)
    }

    fn has(&self, path: &str) -> bool {
        self.tree.stat(path).is_ok()
    }

    fn examine(&self, path: &str) -> Option<ModuleFile> {
        let found = self.tree.stat(path).ok()?;
        let folder = self.tree.stat(path.rsplit_once('/')?.0).ok()?;
        Some(ModuleFile::At {
            path: path.to_owned(),
            uid: found.st_uid,
            modes: [found.st_mode, folder.st_mode],
        })
    }
}

impl Files for ExaminedMachine {
    fn text(&self, path: &str) -> io::Result<String> {
        match self.candidates.iter().find(|one| one.path == path) {
            Some(candidate) => candidate.text.clone().ok_or_else(|| io::ErrorKind::NotFound.into()),
            None => self.tree.text(path),
        }
    }

    fn pam_folders(&self) -> Vec<&'static str> {
        self.folders.get_or_init(|| self.folders_of_libpam()).clone()
    }

    fn libpam(&self) -> Libpam {
        *self.libpam.get_or_init(|| self.found_libpam())
    }

    fn line_reader(&self) -> LineReader {
        *self.line_reader.get_or_init(|| self.found_line_reader())
    }

    fn is_folder(&self, path: &str) -> bool {
        let holds =
            |one: &Candidate| one.path.rsplit_once('/').is_some_and(|(folder, _)| folder == path);
        self.candidates.iter().any(holds) || self.tree.is_folder(path)
    }
}

impl Patterns for ExaminedMachine {
    fn matching(&self, pattern: &str) -> Result<Vec<String>, UnreadableError> {
        let mut files = self.tree.matching(pattern)?;
        let is_candidate = |path: &String| self.candidates.iter().any(|one| one.path == *path);
        files.retain(|path| !is_candidate(path));
        let written = self.candidates.iter().filter(|one| one.text.is_some());
        let fitting = written.filter(|one| glob::fits_path(pattern, &one.path));
        files.extend(fitting.map(|one| one.path.clone()));
        files.sort();
        Ok(files)
    }
}
