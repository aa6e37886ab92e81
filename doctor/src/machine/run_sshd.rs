//! Runs sshd of the examined machine to obtain its settings: the methods of [`ExaminedMachine`] that start a program.
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::machine::stage::Stage;
use crate::machine::{ExaminedMachine, ProbeError};
use crate::pam::load::Files;
use crate::sshd::config::MAIN_FILES;

/// Maximum number of bytes that are read of sshd's output.
const OUTPUT_MAX: u64 = 1 << 20;
/// Error message of sshd if its folder below /run is missing, because sshd was not started since the boot. sshd needs
/// this folder only if root runs it.
const NO_FOLDER: &str = "Missing privilege separation directory";
/// User id and group id with which doctor runs sshd if sshd cannot print its settings as root. No account should have
/// this id, because a process with the same user id could change sshd's output. The id is below 65536, because many
/// containers map no higher ids.
const UNUSED: u32 = 65_533;

impl ExaminedMachine {
    /// Runs `sshd -t`. Returns the error message about the settings; `None` if sshd accepts them.
    ///
    /// # Errors
    /// [`ProbeError`] if sshd cannot be run, or fails for a reason other than the settings.
    pub fn complaint(&self) -> Result<Option<String>, ProbeError> {
        if let Some(folder) = &self.recorded {
            return Ok(fs::read_to_string(folder.join("t")).ok());
        }
        match self.sshd(&["-t"]) {
            Ok(_) => Ok(None),
            Err(ProbeError::Refused(said)) if beside_the_point(&said) => {
                Err(ProbeError::Refused(said))
            }
            Err(ProbeError::Refused(said)) => Ok(Some(said)),
            Err(error) => Err(error),
        }
    }

    /// Returns the output of `sshd -T`. `connection` is the argument of `-C`, which names a user and a connection. With
    /// `None`, the output has no settings of Match blocks.
    ///
    /// # Errors
    /// [`ProbeError`] if sshd cannot be run or fails.
    pub fn effective(&self, connection: Option<&str>) -> Result<String, ProbeError> {
        if let Some(folder) = &self.recorded {
            return recorded(folder, connection);
        }
        match connection {
            None => self.sshd(&["-T"]),
            Some(connection) => self.sshd(&["-T", "-C", connection]),
        }
    }

    fn sshd(&self, args: &[&str]) -> Result<String, ProbeError> {
        let program = self.sshd.as_ref().ok_or(ProbeError::NoProgram)?;
        let refused = |error: io::Error| ProbeError::Refused(error.to_string());
        let said = if self.is_candidate() {
            let stage = self.stage().map_err(not_copied)?;
            stage.restore(answer(&mut self.of_stage(program, args, stage)).map_err(refused)?)
        } else {
            answer(Command::new(program).args(args).args(&self.instance.options))
                .map_err(refused)?
        };
        match said {
            Err(ProbeError::Refused(said)) if said.contains(NO_FOLDER) => {
                let stage = self.stage().map_err(not_copied)?;
                if stage.share(UNUSED).is_err() {
                    return Err(ProbeError::Refused(said));
                }
                let mut command = self.of_stage(program, args, stage);
                stage.restore(answer(command.uid(UNUSED).gid(UNUSED)).map_err(refused)?)
            }
            said => said,
        }
    }

    /// Returns the command that runs sshd with the copies in `stage` in place of its own files. `args` are the first
    /// arguments of the command.
    fn of_stage(&self, program: &Path, args: &[&str], stage: &Stage) -> Command {
        let mut command = Command::new(program);
        let pairs = self.instance.options.chunks_exact(2);
        let other = pairs.filter(|pair| pair.first().is_some_and(|one| one != "-f"));
        command.args(args).args(other.flatten()).arg("-f").arg(stage.main());
        if stage.host_key().exists() {
            command.arg("-h").arg(stage.host_key());
        }
        command
    }

    /// Returns copies of the configuration files of the examined sshd. They are made at the first call.
    fn stage(&self) -> io::Result<&Stage> {
        if let Some(stage) = self.stage.get() {
            return Ok(stage);
        }
        let main = self.instance.file().map(str::to_owned);
        let usual =
            || MAIN_FILES.into_iter().find(|file| self.text(file).is_ok()).map(str::to_owned);
        let main =
            main.or_else(usual).ok_or_else(|| io::Error::other("there is no sshd_config"))?;
        let stage = Stage::of(self, &main)?;
        Ok(self.stage.get_or_init(|| stage))
    }
}

fn not_copied(error: io::Error) -> ProbeError {
    ProbeError::NotCopied(error.to_string())
}

/// Runs sshd. Returns the output of sshd. If sshd exits with a failure, returns its error message as a [`ProbeError`].
///
/// # Errors
/// [`io::Error`] if the program cannot be started or its output cannot be read.
fn answer(command: &mut Command) -> io::Result<Result<String, ProbeError>> {
    let streams = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn()?;
    let errors = child.stderr.take();
    let reader = thread::Builder::new().spawn(move || errors.map(bounded))?;
    let said = child.stdout.take().map(bounded).transpose()?.unwrap_or_default();
    let complaint = reader.join().ok().flatten().transpose()?.unwrap_or_default();
    if child.wait()?.success() {
        return Ok(Ok(said));
    }
    // sshd ends the lines of an error message with CR LF.
    Ok(Err(ProbeError::Refused(complaint.replace('\r', "").trim().to_owned())))
}

/// Reads at most [`OUTPUT_MAX`] bytes of a process's output. Without the limit, a process that the caller of doctor
/// controls could print without end.
fn bounded(stream: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.take(OUTPUT_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reports whether the error message `said` of sshd has a cause other than the settings: missing rights of the caller,
/// or files that exist only while sshd runs.
fn beside_the_point(said: &str) -> bool {
    said.contains("no hostkeys available")
        || said.contains(NO_FOLDER)
        || said.contains("Permission denied")
}

fn recorded(folder: &Path, connection: Option<&str>) -> Result<String, ProbeError> {
    let field = |name: &str| {
        let fields = connection.unwrap_or_default().split(',');
        fields.filter_map(|field| field.strip_prefix(name)).next().unwrap_or_default().to_owned()
    };
    let (user, addr) = (field("user="), field("addr="));
    [format!("T.{user}.{addr}"), format!("T.{user}"), "T".to_owned()]
        .iter()
        .find_map(|name| fs::read_to_string(folder.join(name)).ok())
        .ok_or(ProbeError::NoProgram)
}
