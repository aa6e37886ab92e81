//! Reads the output of strace: the system calls of a command, in order.

use std::collections::BTreeMap;

use crate::machine::Machine;

/// The system calls of a command, as lines of strace's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    lines: Vec<String>,
}

impl Machine {
    /// Reads the file to which strace has written, see [`crate::Call::strace`].
    pub fn trace(&self, file: &str) -> Trace {
        let text = self.file(file).read();
        Trace { lines: text.lines().map(str::to_owned).collect() }
    }
}

impl Trace {
    /// Returns the calls after the first line that contains `from`, up to but without the next line that contains
    /// `to`. Panics if there is no such line.
    #[track_caller]
    pub fn between(&self, from: &str, to: &str) -> Trace {
        let place = |lines: &[String], text: &str| {
            let found = lines.iter().position(|line| line.contains(text));
            found.unwrap_or_else(|| panic!("nothing in the trace mentions {text}: {lines:#?}"))
        };
        let after = &self.lines[place(&self.lines, from) + 1..];
        let lines = after[..place(after, to)].to_vec();
        Trace { lines }
    }

    /// Returns the calls between the first lines that contain `from` and `to`, as strace's `inject` names them: the
    /// name of the system call, and the number (from 1) of the call among those of the same name in its process.
    #[track_caller]
    pub fn places(&self, from: &str, to: &str) -> Vec<(String, usize)> {
        let until = |text: &str| {
            let found = self.lines.iter().position(|line| line.contains(text));
            found.unwrap_or_else(|| panic!("nothing in the trace mentions {text}: {self:#?}"))
        };
        let mut made = BTreeMap::new();
        let mut places = Vec::new();
        for (at, line) in self.lines.iter().enumerate().take(until(to)) {
            let Some(call) = name(line) else { continue };
            let process = line.split_whitespace().next().map(str::to_owned);
            let count = made.entry((process, call)).or_insert(0);
            *count += 1;
            if at > until(from) {
                places.push((call.to_owned(), *count));
            }
        }
        places
    }

    /// Returns the names of the system calls, in order.
    pub fn names(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| name(line)).collect()
    }

    /// Returns how many calls of the system call `call` there are.
    pub fn count(&self, call: &str) -> usize {
        self.names().iter().filter(|name| **name == call).count()
    }

    /// Returns the lines of the calls that [`Trace::between`] returns.
    #[track_caller]
    pub fn lines_between(&self, from: &str, to: &str) -> Vec<&str> {
        let after = self.lines.iter().skip_while(|line| !line.contains(from)).skip(1);
        after.map(String::as_str).take_while(|line| !line.contains(to)).collect()
    }

    /// Returns the lines that contain `text`.
    pub fn mentioning(&self, text: &str) -> Vec<&str> {
        let lines = self.lines.iter().map(String::as_str);
        lines.filter(|line| line.contains(text)).collect()
    }
}

// Signals, exits and the second halves of interrupted calls have no name before a bracket.
fn name(line: &str) -> Option<&str> {
    let call = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    let (name, _) = call.split_once('(')?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}
