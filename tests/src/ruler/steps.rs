//! Counts the instructions of one login by single-stepping.
//!
//! Slow but exact: it runs on the real machine with all its system calls, and not in a simulator, which could change
//! the module's path.

use std::fs::File;
use std::os::unix::fs::FileExt;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::names::{Names, named, names};
use super::{Host, Login, Profile};

/// Longest text of a system call's arguments that is read.
const TEXT_MAX: usize = 80;

/// Largest number of single steps. A longer login continues at full speed, and only its system calls are recorded; the
/// number of instructions is then unknown.
pub const MOST_STEPS: usize = 250_000;

/// Everything that ran in user mode between the marks, in order.
#[derive(Debug)]
pub struct Steps {
    /// Result of the login.
    pub login: Login,
    /// Address of each instruction; a repeated one (`rep movsb`) is listed once.
    pub trail: Vec<u64>,
    /// Further repetitions of instructions, which some simulators count too.
    pub repeated: usize,
    /// The system calls.
    pub made: Vec<Made>,
    /// Memory map of the addresses.
    pub(crate) maps: String,
}

/// One system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Number of instructions before it.
    pub at: usize,
    /// Name.
    pub name: String,
    /// Those of the first three arguments that point to text.
    pub texts: Vec<String>,
}

#[derive(Debug, Default)]
struct Taken {
    trail: Vec<u64>,
    repeated: usize,
    made: Vec<Made>,
}

impl Host<'_> {
    /// Runs one login instruction by instruction.
    #[track_caller]
    pub fn stepped(&mut self, user: &str, answers: &[&str]) -> Steps {
        self.trace();
        let _together = self.on_one_processor();
        self.ask(user, answers);
        self.to_the_mark();
        ptrace::cont(self.pid, None).expect("the host goes on");
        self.to_the_mark();
        let taken = self.to_the_mark_by_steps();
        let maps = std::fs::read_to_string(self.proc("maps")).expect("the host's memory");
        ptrace::cont(self.pid, None).expect("the host goes on");
        self.to_the_mark();
        self.trace_no_more();
        let Taken { trail, repeated, made } = taken;
        Steps { login: self.answer(), trail, repeated, made, maps }
    }

    /// Runs one login like [`Host::stepped`], and assigns each instruction to its function.
    #[track_caller]
    pub fn profiled(&mut self, user: &str, answers: &[&str]) -> (Steps, Profile) {
        let steps = self.stepped(user, answers);
        let profile = Profile::of(&steps, &self.proc("root"));
        (steps, profile)
    }

    /// Binds both processes to one processor: two processors would have to wake each other after each instruction.
    fn on_one_processor(&self) -> Together {
        let before = sched_getaffinity(Pid::from_raw(0)).expect("this process's processors");
        let first = (0..CpuSet::count()).find(|at| before.is_set(*at).unwrap_or_default());
        let mut one = CpuSet::new();
        one.set(first.expect("a processor")).expect("a processor's number");
        for process in [self.pid, Pid::from_raw(0)] {
            sched_setaffinity(process, &one).expect("a process may be moved");
        }
        Together { before, host: self.pid }
    }

    fn to_the_mark_by_steps(&self) -> Taken {
        let memory = File::open(self.proc("mem")).expect("the host's memory");
        let names = names();
        let mut taken = Taken::default();
        let mut pass = None;
        while taken.trail.len() < MOST_STEPS {
            ptrace::step(self.pid, pass).expect("the host goes on");
            pass = None;
            let signal = self.stopped().expect("the host goes on to its mark");
            if signal == Signal::SIGURG {
                return taken;
            }
            if signal != Signal::SIGTRAP {
                pass = Some(signal);
                continue;
            }
            let now = ptrace::getregs(self.pid).expect("the host's registers");
            if taken.trail.last() == Some(&now.rip) {
                taken.repeated += 1;
            } else {
                taken.trail.push(now.rip);
            }
            // The kernel leaves the number in the register when a step led through it.
            if now.orig_rax != u64::MAX {
                let texts = [now.rdi, now.rsi, now.rdx].map(|at| text(&memory, at));
                let texts = texts.into_iter().flatten().collect();
                let name = named(&names, now.orig_rax);
                taken.made.push(Made { at: taken.trail.len(), name, texts });
            }
        }
        self.to_the_mark_by_calls(pass, &names, &mut taken);
        taken
    }

    fn to_the_mark_by_calls(&self, mut pass: Option<Signal>, names: &Names, taken: &mut Taken) {
        let mut within = false;
        loop {
            ptrace::syscall(self.pid, pass).expect("the host goes on");
            pass = self.stopped();
            if pass == Some(Signal::SIGURG) {
                return;
            }
            // Entry and exit of a system call are one stop each.
            within = pass.is_none() && !within;
            if within {
                let number = ptrace::getregs(self.pid).expect("the host's registers").orig_rax;
                let (at, name) = (taken.trail.len(), named(names, number));
                taken.made.push(Made { at, name, texts: Vec::new() });
            }
        }
    }
}

/// Restores the processor affinity of both processes on drop.
struct Together {
    before: CpuSet,
    host: Pid,
}

impl Drop for Together {
    fn drop(&mut self) {
        for process in [self.host, Pid::from_raw(0)] {
            let _ = sched_setaffinity(process, &self.before);
        }
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
