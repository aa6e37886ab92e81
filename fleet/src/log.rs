//! The log: lines of `key=value` on standard error, which systemd sends to the journal. Each event is logged at most
//! once a minute.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use twinlock_core::event::log_line;

use crate::clock::since_boot;

/// Time after a line for which further lines of the same event are only counted.
const PAUSE: Duration = Duration::from_secs(60);

/// The key of a value that is a sentence.
const DETAIL: &str = "detail";

/// Severity of a line, as in syslog(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// An administrator must act now.
    Alert = 1,
    /// A fault of the host or of the store.
    Warning = 4,
    /// Something that an administrator has asked for, or a fault that is over.
    Notice = 5,
}

/// The log of the daemon.
#[derive(Debug)]
pub(crate) struct Log {
    host: String,
    /// Whether standard error is the journal. Each line then begins with its severity (sd-daemon(3)).
    to_journal: bool,
    written: Mutex<WrittenLines>,
}

impl Log {
    /// Returns the log of the host with this name.
    pub(crate) fn new(host: &str) -> Self {
        let to_journal = std::env::var_os("JOURNAL_STREAM").is_some();
        Self { host: host.to_owned(), to_journal, written: Mutex::default() }
    }

    /// Writes a line, unless a line of the same event was written within a minute. `pairs` are keys and values. The
    /// value of `detail` is a sentence, and is written in quotes at the end.
    pub(crate) fn say(&self, level: LogLevel, event: &'static str, pairs: &[(&str, &str)]) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left_out) = written.left_out(event, since_boot()) else { return };
        drop(written);
        let left_out = left_out.to_string();
        let mut all = vec![("host", self.host.as_str())];
        all.extend(pairs.iter().filter(|pair| pair.0 != DETAIL));
        if left_out != "0" {
            all.push(("left_out", &left_out));
        }
        let mut line = log_line::of_administration(event, &all);
        if let Some(detail) = pairs.iter().find(|pair| pair.0 == DETAIL) {
            line.push_str(&quoted(detail.1));
        }
        if self.to_journal {
            print(&format!("<{}>{line}", level as u8));
        } else {
            print(&line);
        }
    }
}

/// Returns a sentence in quotes, as the last pair of a line.
fn quoted(detail: &str) -> String {
    let is_plain = |letter: &char| !letter.is_control() && *letter != '"';
    format!(" detail=\"{}\"", detail.chars().filter(is_plain).take(300).collect::<String>())
}

/// Writes a line to standard error.
#[expect(clippy::print_stderr, reason = "systemd sends standard error to the journal")]
pub(crate) fn print(line: &str) {
    eprintln!("{line}");
}

/// Time of the last line of each event.
#[derive(Debug, Default)]
struct WrittenLines {
    events: HashMap<&'static str, LastLine>,
}

/// When a line was written, and how many lines of the event were omitted since.
#[derive(Debug, Default)]
struct LastLine {
    at: Duration,
    left_out: u64,
}

impl WrittenLines {
    /// Returns how many lines of this event were omitted before this one; `None` if this line must be omitted, too.
    fn left_out(&mut self, event: &'static str, now: Duration) -> Option<u64> {
        match self.events.get_mut(event) {
            Some(last) if now.saturating_sub(last.at) < PAUSE => {
                last.left_out += 1;
                None
            }
            found => {
                let left_out = found.map_or(0, |last| last.left_out);
                self.events.insert(event, LastLine { at: now, left_out: 0 });
                Some(left_out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_once_a_minute() {
        let mut written = WrittenLines::default();
        let at = Duration::from_secs;
        assert_eq!(written.left_out("a", at(5)), Some(0));
        assert_eq!(written.left_out("b", at(5)), Some(0));
        assert_eq!(written.left_out("a", at(6)), None);
        assert_eq!(written.left_out("a", at(64)), None);
        assert_eq!(written.left_out("a", at(65)), Some(2));
        assert_eq!(written.left_out("a", at(66)), None);
    }
}
