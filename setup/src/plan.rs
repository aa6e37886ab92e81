//! Computes the new files of a service from the old files, the options of the administrator and the date. Writes no
//! file.

mod lenient;

use core::fmt;
use std::io;

use twinlock_core::base::time::UnixTime;
use twinlock_doctor::{
    machine::{Candidate, ExaminedMachine},
    pam::load::{FOLDERS, Files, UnreadableError},
    sshd::{
        config::{self, Config, Patterns},
        effective::Effective,
    },
};

use crate::{
    diff,
    pam_edit::{self, Block, PamEditError},
    provider::{self, Provider},
    sshd::{self, Overridden},
    sudoers::{self, SudoersError},
    wishes::{ServiceName, Wishes, With, is_second, part_of},
};

/// File by which Debian's PAM files ask for the password.
const COMMON_AUTH: &str = "/etc/pam.d/common-auth";
/// The line that includes it.
const INCLUDE: &str = "@include common-auth";

/// The old and the new text of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileChange {
    /// Absolute path of the file.
    pub path: String,
    /// The old text; `None` if the file does not exist yet.
    pub before: Option<String>,
    /// The new text; `None` if the file is to be removed.
    pub after: Option<String>,
}

impl FileChange {
    /// Returns the unified diff of the file; empty if both texts are equal.
    #[must_use]
    pub fn diff(&self) -> String {
        diff::unified(&self.path, self.before.as_deref(), self.after.as_deref())
    }

    /// Returns whether the old and the new text differ.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.before != self.after
    }

    /// Returns the new file in the form in which doctor reads it. So doctor can judge the file before it is written.
    #[must_use]
    pub fn candidate(&self) -> Candidate {
        let (path, text) = (self.path.clone(), self.after.clone());
        Candidate { name: path.clone(), path, text }
    }
}

/// Why setup cannot compute the new files, or why sshd does not use them as intended.
#[derive(Debug)]
pub enum PlanError {
    /// A file exists and cannot be read.
    Unreadable(UnreadableError),
    /// /etc/pam.d has no file with the name of this service.
    NoService(String),
    /// A PAM file has a form that setup does not change.
    Pam {
        /// Path of the PAM file.
        path: String,
        /// Why setup does not change the file.
        error: PamEditError,
    },
    /// The factors include a key, which only sshd verifies, and the service is not sshd.
    OnlySsh(With),
    /// The lines of common-auth have a form that cannot be combined with a key ([`With::Both`]).
    Provider,
    /// common-auth calls twinlock's module, and the new lines include it. Each login would need two codes in a row.
    TwoCodes,
    /// sshd's main file includes no folder into which setup could write a file. The field is the path of the main file.
    NoInclude(String),
    /// There is a file at the path of setup's drop-in file that setup has not written. The field is this path.
    NotOurs(String),
    /// Settings of the drop-in file that sshd does not use, because other lines set them earlier. sshd uses the first
    /// value that it reads.
    Overridden(Vec<Overridden>),
    /// sshd does not accept the new files, or cannot be run. The text is its error message.
    Sshd(String),
    /// This option was given, but it is for ssh only: no other service knows the address or the key of a login.
    OnlySshHas(&'static str),
    /// A settings file of twinlock has an error, or a form that setup cannot change.
    Unusable {
        /// Path of the file.
        path: String,
        /// A clause that says why the file cannot be used.
        why: String,
    },
    /// An earlier rule already decides for all users to whom a new rule of setup would apply, and decides otherwise.
    Shadowed {
        /// Path of the file with the earlier rule.
        path: String,
        /// Line of the earlier rule; 0 if it is not known.
        line: u32,
    },
    /// sudo does not use the new time, or does not accept the new file.
    Sudoers(SudoersError),
    /// The setting `not_enrolled` lets users in without a code. A robot (an account that only a program uses) could
    /// thus log in from every address.
    RobotsEverywhere,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "{} cannot be read ({})", error.path, error.error),
            Self::NoService(name) => write!(f, "there is no file {name} in {}", FOLDERS[0]),
            Self::Pam { path, error } => write!(f, "{path}: {error}"),
            Self::OnlySsh(with) => {
                write!(f, "--with {} is for ssh: no other service sees a key", with.word())
            }
            Self::Provider => {
                write!(f, "{COMMON_AUTH} has a form that cannot be combined with a key")
            }
            Self::TwoCodes => {
                write!(f, "{COMMON_AUTH} asks for a code itself, so a login would need two")
            }
            Self::NoInclude(file) => write!(f, "{file} includes no folder for a file of its own"),
            Self::NotOurs(path) => write!(f, "{path} exists, and setup has not written it"),
            Self::Overridden(all) => {
                let one = |one: &Overridden| {
                    format!(
                        "{} sets {} to \"{}\" before it is set to \"{}\"",
                        one.place, one.keyword, one.used, one.wished
                    )
                };
                f.write_str(&all.iter().map(one).collect::<Vec<_>>().join("; "))
            }
            Self::Sshd(said) => write!(f, "sshd does not accept the new files: {said}"),
            Self::OnlySshHas(option) => {
                write!(f, "{option} is for ssh: no other service sees an address or a key")
            }
            Self::Unusable { path, why } => write!(f, "{path} cannot be used: {why}"),
            Self::Shadowed { path, line } => {
                write!(f, "{path}:{line}: the rule there comes first and decides for the same users")
            }
            Self::Sudoers(error) => write!(f, "{error}"),
            Self::RobotsEverywhere => f.write_str(
                "not_enrolled in /etc/twinlock/twinlock.toml lets in users who are not enrolled, so a robot would get in from every address",
            ),
        }
    }
}

impl core::error::Error for PlanError {}

impl PlanError {
    /// Returns what the administrator can do about the error.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable(_) => "Run it as root.".to_owned(),
            Self::NoService(_) => "Give the name of a file in /etc/pam.d, such as sudo.".to_owned(),
            Self::Pam { error, .. } => error.remedy().to_owned(),
            Self::OnlySsh(_) => "Write: --with password".to_owned(),
            Self::Provider => {
                "Use --with publickey or --with password, or write the lines by hand: pam_twinlock(8) has them.".to_owned()
            }
            Self::TwoCodes => {
                "Take pam_twinlock.so out of common-auth (with pam-auth-update, if that wrote it), and run setup again."
                    .to_owned()
            }
            Self::NoInclude(file) => format!(
                "Write `Include /etc/ssh/sshd_config.d/*.conf` as the first line of {file}, create that folder, and run setup again."
            ),
            Self::NotOurs(path) => format!("Move {path} to another folder, and run setup again."),
            Self::Overridden(_) => {
                "Remove or comment out these lines, and run setup again. sshd uses the first value that it reads.".to_owned()
            }
            Self::Sshd(_) => "Correct what `sshd -t` reports, and run setup again.".to_owned(),
            Self::OnlySshHas(option) => format!("Leave out {option}."),
            Self::Unusable { path, .. } => format!("Correct {path}, and run setup again. To see the rules: twinlock settings show"),
            Self::Shadowed { .. } => "Remove it, or change it there, and run setup again.".to_owned(),
            Self::Sudoers(error) => error.remedy().to_owned(),
            Self::RobotsEverywhere => "Write `not_enrolled = \"deny\"` or \"enroll\" there, and run setup again.".to_owned(),
        }
    }
}

impl From<SudoersError> for PlanError {
    fn from(error: SudoersError) -> Self {
        Self::Sudoers(error)
    }
}

impl From<UnreadableError> for PlanError {
    fn from(error: UnreadableError) -> Self {
        Self::Unreadable(error)
    }
}

/// Returns the old and the new text of each file that setup writes for the service, in the order in which the files
/// must be written. If a file needs no change, its two texts are equal. New entries in accepted.toml are valid for a
/// year from `now`.
///
/// # Errors
/// [`PlanError`] if a file cannot be read, or if setup does not change files in this form.
pub fn plan(
    files: &dyn Patterns,
    wishes: &Wishes,
    now: UnixTime,
) -> Result<Vec<FileChange>, PlanError> {
    let with = wishes.with;
    if !wishes.service.is_ssh() && with != With::Password {
        return Err(PlanError::OnlySsh(with));
    }
    let mut changes = of_pam(files, wishes)?;
    let mut drop_in = None;
    if wishes.service.is_ssh() {
        let path = drop_in_path(files)?;
        let before = read(files, &path)?;
        if before.as_deref().is_some_and(|text| !sshd::is_ours(text)) {
            return Err(PlanError::NotOurs(path));
        }
        drop_in = Some(path.clone());
        // The drop-in file is written before the PAM lines. Until these are written, it still lets in no user without a
        // key or a password.
        let after = Some(sshd::drop_in(with, &wishes.scope.robots, &command(wishes, "ssh")));
        changes.insert(0, FileChange { path, before, after });
    }
    // An entry without its rule has no effect, and a rule without the PAM lines has none.
    let mut all =
        lenient::plan(files, wishes, &lenient::PlanInput { now, drop_in: drop_in.as_deref() })?;
    all.extend(changes);
    Ok(all)
}

/// Returns the command that the marker line of setup's blocks names. The lines of a service are thus the same if setup
/// has written them for this service or for `root`.
fn command(wishes: &Wishes, service: &str) -> String {
    format!("twinlock setup {service} --with {}", wishes.with.word())
}

/// Returns the changes of the PAM files. A file that includes the PAM file of another service of `wishes` stays as it
/// is, because it gets the new lines from there.
fn of_pam(files: &dyn Patterns, wishes: &Wishes) -> Result<Vec<FileChange>, PlanError> {
    let with = wishes.with;
    let provider = Provider::read(&read(files, COMMON_AUTH)?.unwrap_or_default());
    let lines = provider::auth_lines(&provider, with, INCLUDE).ok_or(PlanError::Provider)?;
    if lines.iter().any(|line| line == INCLUDE) && provider::asks(files)? {
        return Err(PlanError::TwoCodes);
    }
    let names = wishes.service.pam_services();
    let mut changes = Vec::new();
    for name in &names {
        let path = format!("{}/{name}", FOLDERS[0]);
        let before = read(files, &path)?;
        // The file of a package is copied: an upgrade of the package would replace what was changed in it.
        let of_package = text_of_package(files, name)?;
        let Some(text) = before.clone().or(of_package) else {
            // Some versions of sudo and su have no second file.
            if is_second(name) {
                continue;
            }
            return Err(PlanError::NoService(name.clone()));
        };
        let by = command(wishes, part_of(name));
        let after = match pam_edit::with_block(&text, &Block { by, lines: lines.clone() }) {
            Err(PamEditError::NotIncluded) if pam_edit::includes_one_of(&text, &names) => continue,
            after => after.map_err(|error| PlanError::Pam { path: path.clone(), error })?,
        };
        changes.push(FileChange { path, before, after: Some(after) });
    }
    Ok(changes)
}

/// Returns whether sudo is among the programs of the service.
fn asks_by_sudo(service: &ServiceName) -> bool {
    service.pam_services().iter().any(|name| name == "sudo")
}

/// Returns the change of setup's drop-in file of sudo, which sets the number of minutes after which sudo asks again.
/// With `None`, the file is removed. Returns `None` if there is no such file and none is needed. Reads the drop-in file
/// only, which holds no secret; ordinary users may not list its folder.
///
/// # Errors
/// [`PlanError`] if another file has the path of the drop-in file, or if it cannot be read.
pub fn plan_sudoers(
    files: &dyn Patterns,
    service: &ServiceName,
    minutes: Option<u16>,
) -> Result<Option<FileChange>, PlanError> {
    if !asks_by_sudo(service) {
        return Ok(None);
    }
    let path = sudoers::PATH.to_owned();
    let before = read(files, &path)?;
    let is_ours = before.as_deref().is_some_and(sudoers::is_ours);
    match minutes {
        Some(_) if before.is_some() && !is_ours => Err(PlanError::NotOurs(path)),
        Some(minutes) => {
            let after = Some(sudoers::drop_in(minutes));
            Ok(Some(FileChange { path, before, after }))
        }
        None => Ok(is_ours.then_some(FileChange { path, before, after: None })),
    }
}

/// Returns the changes that remove what setup has written and restore the lines that it replaced. Lines outside of
/// setup's blocks stay as they are.
///
/// # Errors
/// [`PlanError`] if a file cannot be read, or if a marker line has no counterpart.
pub fn teardown(files: &dyn Patterns, service: &ServiceName) -> Result<Vec<FileChange>, PlanError> {
    let mut changes = Vec::new();
    if service.is_ssh() {
        let path = drop_in_path(files)?;
        let before = read(files, &path)?.filter(|text| sshd::is_ours(text));
        changes.extend(before.map(|before| FileChange { path, before: Some(before), after: None }));
    }
    for name in service.pam_services() {
        let path = format!("{}/{name}", FOLDERS[0]);
        let Some(before) = read(files, &path)?.filter(|text| pam_edit::is_set_up(text)) else {
            continue;
        };
        let after = pam_edit::restored(&before)
            .map_err(|error| PlanError::Pam { path: path.clone(), error })?;
        // A copy of a package's file is removed, so that libpam reads the package's file again.
        let of_package = text_of_package(files, &name)?;
        let after = Some(after).filter(|after| of_package.as_ref() != Some(after));
        changes.push(FileChange { path, before: Some(before), after });
    }
    // The lines that ask for a code are removed first, the rules and their entries last.
    changes.extend(lenient::teardown(files, service)?);
    Ok(changes)
}

/// Checks that sshd accepts the new files and uses the values of the drop-in file. `machine` must contain the new files
/// as candidates: files that are read in place of the present ones.
///
/// # Errors
/// [`PlanError`] if sshd does not accept the files, uses other values or cannot be run.
pub fn check_sshd(machine: &ExaminedMachine, with: With) -> Result<(), PlanError> {
    let refused = |error: twinlock_doctor::machine::ProbeError| PlanError::Sshd(error.to_string());
    let config = config::load_of(machine, machine.instance())?;
    if let Some(said) = machine.complaint().map_err(refused)? {
        let found = sshd::overridden_in_files(with, &config);
        let is_ours = found.is_empty();
        return Err(if is_ours { PlanError::Sshd(said) } else { PlanError::Overridden(found) });
    }
    let said = Effective::read(&machine.effective(None).map_err(refused)?);
    match sshd::overridden(with, &said, &config) {
        found if found.is_empty() => Ok(()),
        found => Err(PlanError::Overridden(found)),
    }
}

fn drop_in_path(files: &dyn Patterns) -> Result<String, PlanError> {
    let config: Config = config::load(files)?;
    match config.drop_ins {
        Some(folder) => Ok(format!("{folder}/{}", sshd::NAME)),
        None => Err(PlanError::NoInclude(config.file)),
    }
}

/// Returns the text of the PAM file below /usr that libpam reads for the service `name` if /etc/pam.d has no file for
/// it. Such files come from packages. `None` if there is none.
fn text_of_package(files: &dyn Files, name: &str) -> Result<Option<String>, PlanError> {
    for folder in files.pam_folders().iter().filter(|folder| **folder != FOLDERS[0]) {
        if let Some(text) = read(files, &format!("{folder}/{name}"))? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

fn read(files: &dyn Files, path: &str) -> Result<Option<String>, PlanError> {
    match files.text(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PlanError::Unreadable(UnreadableError { path: path.to_owned(), error })),
    }
}

#[cfg(test)]
mod tests;
