//! Makes many logins through libpam at the same instant, each in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use crate::artefacts::built;
use crate::machine::Machine;

const PROGRAM: &str = "pam_rush";

/// A program of a machine that makes many logins at the same instant.
pub struct Rush<'m> {
    machine: std::marker::PhantomData<&'m ()>,
    child: Child,
    // Closing this pipe ends the program.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    waiting: usize,
}

/// A login of a [`Rush`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RushLogin {
    /// The user.
    pub user: String,
    /// The address from which the login comes.
    pub source: String,
    /// What is typed at the prompts, one after the other. Further prompts get an empty answer.
    pub answers: Vec<String>,
}

/// The end of a login of a [`Rush`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RushEnd {
    /// PAM code of the login; 0 is success.
    pub code: i32,
    /// Time from the instant at which the first prompt was answered to the end of `pam_authenticate`.
    pub took: Duration,
}

impl Machine {
    /// Starts the program for logins through the PAM service `service`.
    #[track_caller]
    pub fn rush(&self, service: &str) -> Rush<'_> {
        let path = format!("/usr/bin/{PROGRAM}");
        if !self.file(&path).exists() {
            // Written by a separate process, for the reason given in `Machine::files`.
            let copy = format!("cat >{path} && chmod 755 {path}");
            self.call(["sh", "-c", &copy]).input(built(PROGRAM)).output().ok();
        }
        let mut command = self.holder().enter();
        command.args([PROGRAM, service]).env("LANG", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = crate::call::spawn(&mut command);
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        Rush { machine: std::marker::PhantomData, child, input, output, waiting: 0 }
    }
}

impl Rush<'_> {
    /// Begins logins, and returns when each of them waits at its first prompt or has ended.
    #[track_caller]
    pub fn begin(&mut self, logins: &[RushLogin]) -> &mut Self {
        let mut text = String::new();
        for RushLogin { user, source, answers } in logins {
            text += &format!("{user}\t{source}\t{}\n", answers.join("\t"));
        }
        self.write(&format!("{text}\n"));
        assert_eq!(self.line(), "ready", "logins could not begin");
        self.waiting = logins.len();
        self
    }

    /// Lets all logins go on, without waiting for their end.
    #[track_caller]
    pub fn go(&mut self) -> &mut Self {
        self.write("go\n");
        self
    }

    /// Returns the ends of the logins, in their order.
    #[track_caller]
    pub fn ends(&mut self) -> Vec<RushEnd> {
        let count = std::mem::take(&mut self.waiting);
        (0..count).map(|_| self.end()).collect()
    }

    fn end(&mut self) -> RushEnd {
        let line = self.line();
        let (code, took) = line.split_once(' ').expect("a code and a time");
        let code = code.parse().expect("PAM's code");
        RushEnd { code, took: Duration::from_nanos(took.parse().expect("nanoseconds")) }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the program prints lines");
        assert!(line.ends_with('\n'), "the program has ended");
        line.trim_end().to_owned()
    }

    fn write(&mut self, text: &str) {
        let input = self.input.as_mut().expect("stdin is open until the end");
        input.write_all(text.as_bytes()).expect("the program reads its lines");
    }
}

impl Drop for Rush<'_> {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
