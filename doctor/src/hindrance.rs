//! The reason for which there is no report on a service.
use std::io::{self, Write};

use crate::machine::ProbeError;
use crate::pam::load::UnreadableError;
use crate::wrap::prose;

/// Why there is no report on a service.
pub struct Hindrance {
    /// What is missing.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Hindrance {
    /// Writes the reason in place of a verdict and what to do, as text.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn text(&self, subject: &str, out: &mut dyn Write) -> io::Result<()> {
        let what = prose(&format!("{subject}: cannot be judged: {}", self.what), 2);
        writeln!(out, "{what}\n{}", prose(&self.remedy, 2))
    }

    /// Writes the reason and what to do as JSON. `exit` is the exit status.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn json(&self, exit: u8, out: &mut dyn Write) -> io::Result<()> {
        let object = serde_json::json!({ "error": self.what, "remedy": self.remedy, "exit": exit });
        writeln!(out, "{object}")
    }
}

impl From<UnreadableError> for Hindrance {
    fn from(unreadable: UnreadableError) -> Self {
        Self {
            what: format!("{} cannot be read: {}.", unreadable.path, unreadable.error),
            remedy: "Run `twinlock doctor ssh` as root.".to_owned(),
        }
    }
}

impl From<ProbeError> for Hindrance {
    fn from(silence: ProbeError) -> Self {
        let (what, remedy) = match silence {
            ProbeError::NoProgram => (
                "sshd was not found in /usr/sbin or another program folder.".to_owned(),
                "Install the SSH server (Debian: apt install openssh-server).",
            ),
            ProbeError::Refused(said) if said.contains("privilege separation directory") => (
                format!("sshd does not print its settings: {said}."),
                "Start sshd once (`systemctl start ssh` or `sshd`): that creates the folder.",
            ),
            ProbeError::Refused(said) => (
                format!("sshd does not print its settings: {said}."),
                "Run `twinlock doctor ssh` as root.",
            ),
            ProbeError::NotCopied(said) => (
                format!("The files cannot be copied to /tmp for sshd: {said}."),
                "Correct that, and run the command again.",
            ),
        };
        Self { what, remedy: remedy.to_owned() }
    }
}
