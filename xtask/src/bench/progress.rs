//! Progress line of a long run on the terminal.

use std::io::{IsTerminal, Write, stderr};
use std::time::Instant;

/// Progress of one part of the run.
pub(super) struct Progress {
    what: &'static str,
    done: u64,
    all: u64,
    shown: u64,
    began: Instant,
}

impl Progress {
    pub(super) fn new(what: &'static str, all: u64) -> Self {
        let progress = Self { what, done: 0, all, shown: 0, began: Instant::now() };
        progress.show();
        progress
    }

    /// Counts one step that begins.
    pub(super) fn step(&mut self) {
        self.to(self.done + 1);
    }

    /// Sets the number of finished steps.
    pub(super) fn to(&mut self, done: u64) {
        self.done = done;
        let percent = done * 100 / self.all.max(1);
        if percent != self.shown {
            self.shown = percent;
            self.show();
        }
    }

    fn show(&self) {
        if stderr().is_terminal() {
            eprint!("\r\x1b[K{}: {} %", self.what, self.shown);
            // A closed terminal does not end the run.
            let _ = stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let back = if stderr().is_terminal() { "\r\x1b[K" } else { "" };
        eprintln!("{back}{}: {} s", self.what, self.began.elapsed().as_secs());
    }
}
