//! How much memory a login adds to its host at most, between loading the modules and the answer.

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use super::Host;

/// Resident memory, in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// All of it, with the pages of libraries that other processes share.
    pub resident: u64,
    /// What belongs to this process alone, and to no file.
    pub anonymous: u64,
}

impl Host<'_> {
    /// What one login adds at its peak, beginning before `pam_start`, which loads the modules.
    ///
    /// Memory is given back by system calls alone, so what is resident before each of them, and
    /// at the end, has the peak among it.
    #[track_caller]
    pub fn peak(&mut self, user: &str, answers: &[&str]) -> Memory {
        self.trace();
        self.ask(user, answers);
        self.to_the_mark();
        let before = self.resident();
        let mut peak = before;
        let mut marks = 0;
        let mut pass = None;
        while marks < 2 {
            ptrace::syscall(self.pid, pass).expect("the host goes on");
            pass = None;
            match self.stopped() {
                WaitStatus::Stopped(_, Signal::SIGURG) => marks += 1,
                WaitStatus::Stopped(_, signal) => pass = Some(signal),
                _ => {}
            }
            let now = self.resident();
            peak.resident = peak.resident.max(now.resident);
            peak.anonymous = peak.anonymous.max(now.anonymous);
        }
        ptrace::cont(self.pid, None).expect("the host goes on");
        self.to_the_mark();
        self.trace_no_more();
        self.answer();
        Memory {
            resident: peak.resident - before.resident,
            anonymous: peak.anonymous - before.anonymous,
        }
    }

    fn resident(&self) -> Memory {
        // Counted from the page tables: what /proc/PID/status says may be off by some pages.
        let text = std::fs::read_to_string(self.proc("smaps_rollup")).expect("the host's memory");
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let size = line.and_then(|line| line.split_whitespace().next());
            size.and_then(|size| size.parse().ok()).expect("a size in kB")
        };
        Memory { resident: of("Rss:"), anonymous: of("Anonymous:") }
    }
}
