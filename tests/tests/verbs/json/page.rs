//! The table of docs/json.md, and which parts of it have occurred in the output of commands.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use twinlock_tests::{Call, Finished, Machine};

use super::outline::Outline;

const PAGE: &str = include_str!("../../../../docs/json.md");
const FAILURE: &str = "a failure";

/// The table of docs/json.md, which outlines the JSON output of each command.
pub struct Page {
    rows: BTreeMap<String, Outline>,
    met: BTreeSet<String>,
}

/// Returns the rows of the table in docs/json.md: for each command, the text of the second column, which outlines what
/// the command prints.
fn table() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    rows.skip(1).map(|(command, prints)| (command.trim_matches('`'), prints))
}

/// Returns the commands of the table.
pub fn commands() -> Vec<&'static str> {
    table().map(|(command, _)| command).filter(|command| *command != FAILURE).collect()
}

impl Page {
    /// Parses the table. Leaves out rows without an outline, which say how they differ from another row.
    pub fn read() -> Page {
        let outlined = table().filter_map(|(command, prints)| {
            let begins = prints.starts_with("`{") || prints.starts_with("`[");
            let outline = prints.split('`').nth(1).filter(|_| begins)?;
            Some((command.to_owned(), Outline::read(outline)))
        });
        Page { rows: outlined.collect(), met: BTreeSet::new() }
    }

    /// Runs a command as root and checks its output against the row `row`.
    #[track_caller]
    pub fn run(&mut self, m: &Machine, row: &str, words: &str) -> Value {
        self.call(row, m.call(format!("twinlock --json {words}").split(' ')))
    }

    /// Checks the output of a call against the row `row` of the table in docs/json.md. Does not check its exit status.
    #[track_caller]
    pub fn call(&mut self, row: &str, call: Call<'_>) -> Value {
        let done = call.output();
        self.hold(row, &done)
    }

    /// Runs a command that fails, and checks its output and status against the row for failures.
    #[track_caller]
    pub fn fails(&mut self, call: Call<'_>) {
        let done = call.output();
        let found = self.hold(FAILURE, &done);
        assert_eq!(found["exit"].as_i64(), done.code.map(i64::from), "{done:?}");
        for part in ["error", "remedy"] {
            assert!(!found[part].as_str().unwrap_or_default().is_empty(), "{part}: {done:?}");
        }
    }

    #[track_caller]
    fn hold(&mut self, row: &str, done: &Finished) -> Value {
        let Ok(found) = serde_json::from_str(&done.stdout) else {
            panic!("{row} prints no JSON: {done:?}");
        };
        assert!(done.stdout.ends_with('\n'), "{done:?}");
        let outline = self.rows.get(row).unwrap_or_else(|| panic!("json.md has no row {row}"));
        outline.hold(&found, row, &mut self.met);
        found
    }

    /// Checks that every part of the outlines of these rows has occurred in some output.
    #[track_caller]
    pub fn hold_all(self, rows: &[&str]) {
        for row in rows {
            let wanted = self.rows[*row].wanted(row);
            let never: Vec<_> = wanted.iter().filter(|one| !self.met.contains(*one)).collect();
            assert!(never.is_empty(), "documented, and never met: {never:?}");
        }
    }
}
