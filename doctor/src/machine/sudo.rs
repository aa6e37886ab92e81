//! Runs sudo's program `cvtsudoers`, which reads sudoers and prints it as JSON.
use std::process::Command;

use twinlock_host::programs;

use crate::machine::ExaminedMachine;

/// The result of `cvtsudoers`.
#[derive(Debug, PartialEq, Eq)]
pub enum SudoersOutput {
    /// The content of the sudoers file as JSON.
    Json(String),
    /// `cvtsudoers` failed with this error message.
    Refused(String),
    /// `cvtsudoers` is not installed, or the machine is not this host.
    NoProgram,
}

impl ExaminedMachine {
    /// Returns the content of the sudoers file `file`, with all files that it includes, as JSON.
    #[must_use]
    pub fn sudoers(&self, file: &str) -> SudoersOutput {
        let program = programs::whole_path("cvtsudoers");
        if !self.is_host() || !program.is_file() {
            return SudoersOutput::NoProgram;
        }
        let mut command = Command::new(program);
        command.args(["-f", "json", file]).env_clear().env("PATH", programs::PATH);
        match command.output() {
            Ok(output) if output.status.success() => {
                SudoersOutput::Json(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(output) => {
                SudoersOutput::Refused(String::from_utf8_lossy(&output.stderr).trim().to_owned())
            }
            Err(error) => SudoersOutput::Refused(error.to_string()),
        }
    }

    /// Reports whether a program is installed. `name` is an absolute path, or a file name that is searched in the usual
    /// folders of programs.
    #[must_use]
    pub fn has_program(&self, name: &str) -> bool {
        if name.starts_with('/') {
            return self.has(name);
        }
        let folders =
            ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];
        let system = "/run/current-system/sw/bin";
        folders.iter().chain([&system]).any(|one| self.has(&format!("{one}/{name}")))
    }

    /// Reports whether the file tree of the machine contains any programs. If it contains only settings, a program may
    /// be installed on the machine although it is missing here.
    #[must_use]
    pub fn has_programs(&self) -> bool {
        ["/usr/bin", "/bin", "/run/current-system/sw/bin"].iter().any(|one| self.has(one))
    }
}
