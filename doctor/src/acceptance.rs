//! Reads /etc/twinlock/accepted.toml and applies it to the findings of a service: a way to log in without a code that
//! the file accepts is no longer reported as a failure. The file also names services that must ask for a code.
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use twinlock_core::base::time::UnixTime;

use crate::accepted::{self, AcceptedFile};
use crate::finding::{Finding, Level};
use crate::machine::ExaminedMachine;

/// The content of accepted.toml, and the time at which the file was read. A file with an error counts as an empty file.
pub struct Acceptance {
    file: AcceptedFile,
    now: UnixTime,
    /// Finding that accepted.toml has an error and is therefore ignored; `None` if the file is valid or missing.
    pub unusable: Option<Finding>,
}

impl Acceptance {
    /// Reads accepted.toml of the machine. A missing file counts as an empty file.
    #[must_use]
    pub fn of(machine: &ExaminedMachine) -> Self {
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(u64::MAX, |now| now.as_secs());
        let file = match machine.text_of_root(accepted::FILE) {
            Ok(text) => accepted::read(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(AcceptedFile::default()),
            Err(error) => Err(error.to_string()),
        };
        let (file, unusable) = match file {
            Ok(file) => (file, None),
            Err(what) => (AcceptedFile::default(), Some(unused(what))),
        };
        Self { file, now: UnixTime(now), unusable }
    }

    /// Does what [`Acceptance::mark`] does. If accepted.toml has an error, also adds the finding
    /// [`Acceptance::unusable`] about it.
    pub fn apply(&self, service: &str, findings: &mut Vec<Finding>) {
        self.mark(service, findings);
        findings.extend(self.unusable.clone());
    }

    /// Gives the level [`Level::Exception`] to those of `findings` that accepted.toml accepts for the PAM service
    /// `service`.
    pub fn mark(&self, service: &str, findings: &mut [Finding]) {
        accepted::mark(findings, service, &self.file.accepted, self.now);
    }

    /// Returns the PAM services that must ask for a code, in lower case.
    #[must_use]
    pub fn protected(&self) -> &[String] {
        &self.file.protect
    }
}

fn unused(what: String) -> Finding {
    Finding {
        level: Level::Warning,
        id: "accepted-unused",
        place: accepted::FILE.to_owned(),
        what: format!("The file accepts nothing: {what}."),
        remedy: "Correct the file; it must belong to root, and no other user may write to it."
            .to_owned(),
    }
}
