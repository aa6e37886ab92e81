//! Progress bar of a long operation on a terminal.

use std::io::IsTerminal;

use crate::terminal::keyboard::tell_exactly;

/// Fewer steps than this are done too soon for a bar.
const MANY: usize = 20;
/// Columns of the bar.
const WIDTH: usize = 30;

/// A bar on standard error.
pub(crate) struct Progress {
    total: usize,
    done: usize,
    drawn: bool,
}

impl Progress {
    /// Creates a bar if there are many steps and a terminal.
    pub(crate) fn of(total: usize) -> Self {
        let drawn = total >= MANY && std::io::stderr().is_terminal();
        Self { total, done: 0, drawn }
    }

    /// Counts one finished step.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        if self.drawn {
            tell_exactly(&format!("\r{}", bar(self.done, self.total)));
        }
    }

    /// Clears the bar, so that a line can be printed.
    pub(crate) fn clear(&self) {
        if self.drawn {
            tell_exactly("\r\x1b[K");
        }
    }
}

fn bar(done: usize, total: usize) -> String {
    let filled = (done * WIDTH).checked_div(total).unwrap_or(WIDTH).min(WIDTH);
    format!("[{}{}] {done}/{total}", "#".repeat(filled), ".".repeat(WIDTH - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills() {
        assert_eq!(bar(0, 40), format!("[{}] 0/40", ".".repeat(30)));
        assert_eq!(bar(20, 40), format!("[{}{}] 20/40", "#".repeat(15), ".".repeat(15)));
        assert_eq!(bar(40, 40), format!("[{}] 40/40", "#".repeat(30)));
        assert_eq!(bar(0, 0), format!("[{}] 0/0", "#".repeat(30)));
    }
}
