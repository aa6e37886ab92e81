//! The program that takes mail: started with a clean environment, given the mail, and waited for, but not forever.

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

use crate::mail::fault::MailFault;

/// What the program finds on its way.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// Bytes of what it says that are kept.
const SAID_MAX: usize = 4096;
/// How often it is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// How long it may take to end when it is told to, and what it has said may take to arrive.
const GRACE: Duration = Duration::from_secs(1);

/// The program.
#[derive(Debug, Clone)]
pub struct Sendmail {
    /// Its whole path.
    pub program: String,
    /// How long it may take.
    pub patience: Duration,
}

impl Sendmail {
    /// Hands a mail over. The recipient stands in the mail alone, so that no name is ever read as an option.
    pub fn send(&self, mail: &[u8]) -> Result<(), MailFault> {
        let not_started = |error: io::Error| MailFault::NotStarted {
            program: self.program.clone(),
            error: error.to_string(),
        };
        let mail = whole(mail).map_err(not_started)?;
        let mut child = self.start(mail).map_err(not_started)?;
        let said = listen(&mut child);
        let Some(status) = wait(&mut child, self.patience) else {
            end(&mut child);
            let seconds = self.patience.as_secs();
            return Err(MailFault::Slow { program: self.program.clone(), seconds });
        };
        if status.success() {
            return Ok(());
        }
        let said = said.recv_timeout(GRACE).unwrap_or_default();
        Err(MailFault::Refused { program: self.program.clone(), ended: ended(status), said })
    }

    fn start(&self, mail: File) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(["-t", "-i"]).env_clear().env("PATH", PATH).current_dir("/");
        // A group of its own, so that it can be ended with all that it has started.
        command.process_group(0);
        command.stdin(mail).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn()
    }
}

/// The mail as a file in memory: were this process killed while it fills a pipe, half of it would be taken for a mail,
/// and a program that does not read would hold it up.
fn whole(mail: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("mail", MemfdFlags::CLOEXEC)?);
    file.write_all(mail)?;
    file.rewind()?;
    Ok(file)
}

/// Reads all that the program says, so that it never waits for a reader, and keeps the last line of its beginning.
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
            // The last line is cut.
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

/// Ends the program and all that it has started.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let send = |signal| group.map(|group| kill_process_group(group, signal));
    send(Signal::TERM);
    wait(child, GRACE);
    // Whether it has ended or not: what it has started may not have.
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
