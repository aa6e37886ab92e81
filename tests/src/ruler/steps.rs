//! Counts the instructions of one login by taking them one at a time.
//!
//! Slow and exact: what runs is the machine itself, with all its system calls, and not a
//! simulation that would send the module down another path.

use std::fs::File;
use std::os::unix::fs::FileExt;

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use super::names::names;
use super::{Host, Login, Profile};

/// The longest text of a system call's arguments that is looked at.
const TEXT_MAX: usize = 80;

/// Beyond this many instructions a login runs on unwatched: what they are is known by then, and
/// that there are more of them is all that is said.
pub const MOST_STEPS: usize = 1_000_000;

/// Everything that ran in user mode between the marks, in order.
#[derive(Debug)]
pub struct Steps {
    /// What came of the login.
    pub login: Login,
    /// The address of each instruction; a repeated one (`rep movsb`) stands once.
    pub trail: Vec<u64>,
    /// The system calls.
    pub made: Vec<Made>,
    /// Where the addresses lie.
    pub(crate) maps: String,
}

/// One system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// After how many instructions.
    pub at: usize,
    /// What it is called.
    pub name: String,
    /// Those of the first three arguments that point to text.
    pub texts: Vec<String>,
}

impl Host<'_> {
    /// One login, instruction by instruction.
    #[track_caller]
    pub fn stepped(&mut self, user: &str, answers: &[&str]) -> Steps {
        self.trace();
        self.ask(user, answers);
        self.to_the_mark();
        ptrace::cont(self.pid, None).expect("the host goes on");
        self.to_the_mark();
        let (trail, made) = self.to_the_mark_by_steps();
        let maps = std::fs::read_to_string(self.proc("maps")).expect("the host's memory");
        ptrace::cont(self.pid, None).expect("the host goes on");
        self.to_the_mark();
        self.trace_no_more();
        Steps { login: self.answer(), trail, made, maps }
    }

    /// As [`Host::stepped`], with each instruction under the function that it belongs to.
    #[track_caller]
    pub fn profiled(&mut self, user: &str, answers: &[&str]) -> (Steps, Profile) {
        let steps = self.stepped(user, answers);
        let profile = Profile::of(&steps, &self.proc("root"));
        (steps, profile)
    }

    fn to_the_mark_by_steps(&self) -> (Vec<u64>, Vec<Made>) {
        let memory = File::open(self.proc("mem")).expect("the host's memory");
        let names = names();
        let (mut trail, mut made) = (Vec::new(), Vec::new());
        let mut pass = None;
        while trail.len() < MOST_STEPS {
            ptrace::step(self.pid, pass).expect("the host goes on");
            pass = None;
            match self.stopped() {
                WaitStatus::Stopped(_, Signal::SIGURG) => return (trail, made),
                WaitStatus::Stopped(_, Signal::SIGTRAP) => {}
                WaitStatus::Stopped(_, signal) => {
                    pass = Some(signal);
                    continue;
                }
                other => panic!("the host ended before its mark: {other:?}"),
            }
            let now = ptrace::getregs(self.pid).expect("the host's registers");
            if trail.last() != Some(&now.rip) {
                trail.push(now.rip);
            }
            // The kernel leaves the number there when a step led through it.
            if now.orig_rax != u64::MAX {
                let texts = [now.rdi, now.rsi, now.rdx].map(|at| text(&memory, at));
                let texts = texts.into_iter().flatten().collect();
                let name = names.get(&now.orig_rax).cloned();
                let name = name.unwrap_or_else(|| now.orig_rax.to_string());
                made.push(Made { at: trail.len(), name, texts });
            }
        }
        ptrace::cont(self.pid, pass).expect("the host goes on");
        self.to_the_mark();
        (trail, made)
    }
}

fn text(memory: &File, at: u64) -> Option<String> {
    let mut bytes = [0; TEXT_MAX];
    let length = memory.read_at(&mut bytes, at).ok()?;
    let bytes = bytes[..length].split(|byte| *byte == 0).next()?;
    let plain = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let text = bytes.len() > 1 && bytes.len() < TEXT_MAX && bytes.iter().all(plain);
    text.then(|| String::from_utf8_lossy(bytes).into_owned())
}
