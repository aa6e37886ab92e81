//! The reason why doctor cannot report on a service.
use std::io::{self, Write};

use crate::machine::ProbeError;
use crate::pam::load::UnreadableError;
use crate::wrap::prose;

/// The reason why doctor cannot report on a service, and what to do about it.
pub struct Hindrance {
    /// What could not be read, as a clause.
    pub what: String,
    /// What the administrator should do. With `None`, the advice is to run the command as root.
    pub remedy: Option<String>,
}

impl Hindrance {
    /// Returns what the administrator should do. `subject` is the argument of `twinlock doctor`, such as `ssh`.
    fn remedy(&self, subject: &str) -> String {
        let as_root = || format!("Run `twinlock doctor {subject}` as root.");
        self.remedy.clone().unwrap_or_else(as_root)
    }

    /// Writes the reason and the remedy as text. `subject` is the argument of `twinlock doctor`, such as `ssh`.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn text(&self, subject: &str, out: &mut dyn Write) -> io::Result<()> {
        let what = prose(&format!("{subject}: cannot be judged: {}", self.what), 2);
        writeln!(out, "{what}\n{}", prose(&self.remedy(subject), 2))
    }

    /// Writes the reason and the remedy as one JSON object. `subject` is the argument of `twinlock doctor`, and `exit`
    /// the exit status of the command.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn json(&self, subject: &str, exit: u8, out: &mut dyn Write) -> io::Result<()> {
        let remedy = self.remedy(subject);
        let object = serde_json::json!({ "error": self.what, "remedy": remedy, "exit": exit });
        writeln!(out, "{object}")
    }
}

impl From<UnreadableError> for Hindrance {
    fn from(unreadable: UnreadableError) -> Self {
        Self {
            what: format!("{} cannot be read: {}.", unreadable.path, unreadable.error),
            remedy: None,
        }
    }
}

impl From<ProbeError> for Hindrance {
    fn from(silence: ProbeError) -> Self {
        let (what, remedy) = match silence {
            ProbeError::NoProgram => (
                "sshd was not found in /usr/sbin or another program folder.".to_owned(),
                Some("Install the SSH server (Debian: apt install openssh-server)."),
            ),
            ProbeError::Refused(said) => {
                let start =
                    "Start sshd once (`systemctl start ssh` or `sshd`): that creates the folder.";
                let has_no_folder = said.contains("privilege separation directory");
                let what = format!("sshd does not print its settings: {said}.");
                (what, has_no_folder.then_some(start))
            }
            ProbeError::NotCopied(said) => (
                format!("The files cannot be copied to /tmp for sshd: {said}."),
                Some("Correct that, and run the command again."),
            ),
        };
        Self { what, remedy: remedy.map(str::to_owned) }
    }
}
