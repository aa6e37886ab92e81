//! Measures one `pam_authenticate` of a host like sshd: instructions, system calls, memory, time.

mod cost;
mod memory;
mod names;
mod profile;
mod steps;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::artefacts::built;
use crate::call::PATIENCE;
use crate::machine::Machine;

pub use cost::{Cost, Ruler};
pub use memory::Memory;
pub use profile::{Profile, Row};
pub use steps::{MOST_STEPS, Made, Steps};

const PROGRAM: &str = "pam_host";

/// PAM service of an empty login, which measures the marks themselves.
pub const NOTHING: &str = "-";

/// A process that calls libpam for one login after the other, as its input says.
pub struct Host<'m> {
    // The host ends before its machine does.
    _machine: &'m Machine,
    child: Child,
    // Closing it ends the host.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pid: Pid,
}

/// Result of one login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// PAM's code: 0 is success.
    pub code: u32,
    /// Duration of `pam_authenticate`.
    pub took: Duration,
}

impl Machine {
    /// Starts a host of this service; each variable is `NAME=VALUE`, for PAM's environment.
    #[track_caller]
    pub fn host(&self, service: &str, variables: &[&str]) -> Host<'_> {
        if !self.file("/usr/bin/pam_host").exists() {
            // Written by a separate process, as with the command.
            let copy =
                self.call(["sh", "-c", "cat >/usr/bin/pam_host && chmod 755 /usr/bin/pam_host"]);
            copy.input(built(PROGRAM)).output().ok();
        }
        let mut command = self.holder().enter();
        command.args([PROGRAM, service]).args(variables);
        command.env("LANG", "C.UTF-8").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = crate::call::spawn(&mut command);
        let input = child.stdin.take();
        let output = child.stdout.take().expect("stdout is a pipe");
        let pid = inside(child.id());
        Host { _machine: self, child, input, output: BufReader::new(output), pid }
    }
}

impl Host<'_> {
    /// Logs in `user` with these answers; further questions get an empty one.
    #[track_caller]
    pub fn login(&mut self, user: &str, answers: &[&str]) -> Login {
        self.ask(user, answers);
        self.answer()
    }

    fn ask(&mut self, user: &str, answers: &[&str]) {
        let line = [&[user], answers].concat().join("\t") + "\n";
        let input = self.input.as_mut().expect("stdin is open until the end");
        input.write_all(line.as_bytes()).expect("the host reads its lines");
    }

    fn answer(&mut self) -> Login {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the host says what came of it");
        let (code, took) = line.trim().split_once(' ').expect("a code and a time");
        let took = Duration::from_nanos(took.parse().expect("nanoseconds"));
        Login { code: code.parse().expect("PAM's code"), took }
    }

    /// Begins to trace the host, which waits for a line.
    fn trace(&self) {
        ptrace::seize(self.pid, Options::PTRACE_O_TRACESYSGOOD).expect("the host can be traced");
    }

    fn trace_no_more(&self) {
        ptrace::detach(self.pid, None).expect("the host goes on by itself");
    }

    /// Continues the traced host to its next mark.
    fn to_the_mark(&self) {
        while let Some(signal) = self.stopped() {
            if signal == Signal::SIGURG {
                return;
            }
            ptrace::cont(self.pid, signal).expect("the host goes on");
        }
        panic!("the host ended before its mark");
    }

    /// Waits for the host to stop; returns the signal, or `None` at a system call and at the host's end.
    fn stopped(&self) -> Option<Signal> {
        match waitpid(self.pid, None) {
            Ok(WaitStatus::Stopped(_, signal)) => Some(signal),
            Ok(_) => None,
            Err(error) => panic!("the host cannot be waited for: {error}"),
        }
    }

    /// Returns the path of a /proc file of the traced process.
    fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Returns the PID, outside, of the program that nsenter has started in the machine.
fn inside(nsenter: u32) -> Pid {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let children = std::fs::read_to_string(format!("/proc/{nsenter}/task/{nsenter}/children"));
        let child = children.unwrap_or_default().trim().to_owned();
        let name = std::fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
        if name.trim() == PROGRAM {
            return Pid::from_raw(child.parse().expect("a process number"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("{PROGRAM} does not start in the private machine");
}
