//! Progress bar for long operations at a terminal.

use std::io::IsTerminal;

use crate::terminal::keyboard::tell_exactly;

/// Minimum number of steps for which a progress bar is shown.
const MANY: usize = 20;
/// Width of the progress bar in columns.
const WIDTH: usize = 30;

/// A progress bar on standard error. It may be invisible.
pub(crate) struct Progress {
    total: usize,
    done: usize,
    drawn: bool,
}

impl Progress {
    /// Creates a bar for `total` steps. It is invisible if there are fewer than [`MANY`] steps, or if standard error is
    /// not a terminal.
    pub(crate) fn of(total: usize) -> Self {
        let drawn = total >= MANY && std::io::stderr().is_terminal();
        Self { total, done: 0, drawn }
    }

    /// Counts one finished step and redraws the bar.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        if self.drawn {
            tell_exactly(&format!("\r{}", bar(self.done, self.total)));
        }
    }

    /// Removes the bar from the screen, so that a line can be printed in its place.
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
