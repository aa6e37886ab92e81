//! Runs the mail program in a clean environment, gives it the mail, and kills it if it takes too long.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{MemfdFlags, memfd_create},
    process::{Pid, Signal, kill_process_group},
};

use crate::mail::fault::MailError;

/// Value of PATH in the mail program's environment.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// Maximum number of bytes of the mail program's standard error that are kept.
const SAID_MAX: usize = 4096;
/// Interval between two checks whether the mail program has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// Time that the mail program gets to end after SIGTERM. Also the maximum time to wait for its last output.
const GRACE: Duration = Duration::from_secs(1);

/// A mail program with sendmail's options, and its maximum run time.
#[derive(Debug, Clone)]
pub(crate) struct Sendmail {
    /// Absolute path of the program.
    pub(crate) program: String,
    /// Maximum time that the program may run for a mail.
    pub(crate) patience: Duration,
}

impl Sendmail {
    /// Sends a mail. The recipient is named only in the headers, not on the command line, so that an address is never
    /// read as an option.
    ///
    /// # Errors
    /// [`MailError`] if the program cannot be started, takes too long or fails.
    pub(crate) fn send(&self, mail: &[u8]) -> Result<(), MailError> {
        let not_started = |error: io::Error| MailError::NotStarted {
            program: self.program.clone(),
            error: error.to_string(),
        };
        let mail = whole(mail).map_err(not_started)?;
        let mut child = self.start(mail).map_err(not_started)?;
        let said = listen(&mut child);
        let Some(status) = wait(&mut child, self.patience) else {
            end(&mut child);
            let seconds = self.patience.as_secs();
            return Err(MailError::Slow { program: self.program.clone(), seconds });
        };
        if status.success() {
            return Ok(());
        }
        let said = said.recv_timeout(GRACE).unwrap_or_default();
        Err(MailError::Refused { program: self.program.clone(), ended: ended(status), said })
    }

    fn start(&self, mail: File) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(["-t", "-i"]).env_clear().env("PATH", PATH).current_dir("/");
        // The program gets its own process group, so that its children are killed with it.
        command.process_group(0);
        command.stdin(mail).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn()
    }
}

/// Returns a file in memory with the mail. A pipe would deliver half a mail if this process were killed, and would
/// block this process if the program did not read.
fn whole(mail: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("mail", MemfdFlags::CLOEXEC)?);
    file.write_all(mail)?;
    file.rewind()?;
    Ok(file)
}

/// Reads the program's standard error in a thread, so that the program is never blocked by it. The receiver gets the
/// last line of the first [`SAID_MAX`] bytes.
fn listen(child: &mut Child) -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    let mut stderr = child.stderr.take();
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; SAID_MAX];
        while let Some(count @ 1..) = stderr.as_mut().and_then(|from| from.read(&mut buffer).ok()) {
            let room = SAID_MAX.saturating_sub(kept.len());
            kept.extend_from_slice(buffer.get(..count.min(room)).unwrap_or_default());
        }
        let mut text = String::from_utf8_lossy(&kept).into_owned();
        if kept.len() == SAID_MAX {
            // The last line may be cut off at the limit, so it is dropped.
            text.truncate(text.rfind('\n').unwrap_or(text.len()));
        }
        let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
        tell.send(last.unwrap_or_default().chars().take(200).collect())
    });
    told
}

fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if began.elapsed() < patience => thread::sleep(PAUSE),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// Ends the program and its children: by SIGTERM, and after [`GRACE`] by SIGKILL.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let send = |signal| group.map(|group| kill_process_group(group, signal));
    send(Signal::TERM);
    wait(child, GRACE);
    // SIGKILL is sent even if the program has ended, because its children may still run.
    send(Signal::KILL);
    let _ = child.wait();
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no status".into(),
    }
}
