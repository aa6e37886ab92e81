//! Peak memory that a login adds to its host, between loading the modules and the answer.

use nix::sys::ptrace;
use nix::sys::signal::Signal;

use super::Host;

/// Resident memory, in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// All of it, including library pages shared with other processes.
    pub resident: usize,
    /// Private memory without a file.
    pub anonymous: usize,
}

impl Host<'_> {
    /// Returns the peak that one login adds, from before `pam_start`, which loads the modules.
    ///
    /// Only system calls return memory to the kernel, so the peak is among the values before each of them and at the
    /// end.
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
                Some(Signal::SIGURG) => marks += 1,
                signal => pass = signal,
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
        // Counted from the page tables: /proc/PID/status may be off by some pages.
        let text = std::fs::read_to_string(self.proc("smaps_rollup")).expect("the host's memory");
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let size = line.and_then(|line| line.split_whitespace().next());
            size.and_then(|size| size.parse().ok()).expect("a size in kB")
        };
        Memory { resident: of("Rss:"), anonymous: of("Anonymous:") }
    }
}
