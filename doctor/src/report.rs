//! The report, as text and as JSON.
use std::io::{self, Write};

use crate::finding::{Finding, Level};
use crate::judge::case::wrong;
use crate::pam::table::{CaseRow, CaseTable, Other, Password, Role};
use crate::pam::twinlock::ModuleAnswer;
use crate::wrap::prose;

/// Result of an examination.
pub struct DoctorReport {
    /// Findings, worst first.
    pub findings: Vec<Finding>,
    /// Truth table of the stack; `None` if libpam cannot load the service.
    pub table: Option<CaseTable>,
    /// Which rows are shown.
    pub rows: Rows,
}

/// Which rows of the table are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rows {
    /// Rows with wrong access.
    Wrong,
    /// All rows.
    All,
}

const HEADS: [&str; 6] = ["key", "password", "code", "and", "result", "deciding line"];

impl DoctorReport {
    /// Reports whether there is a way in or a lock-out.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.findings.iter().any(|finding| finding.level.fails())
    }

    /// Summarizes the findings in one sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let count =
            |level: Level| self.findings.iter().filter(|finding| finding.level == level).count();
        let (ways, locks) = (count(Level::WayIn), count(Level::LockOut));
        let head = match (ways, locks) {
            (0, 0) => "ssh: every login needs a code, and no user is locked out".to_owned(),
            (_, 0) => "ssh: a login without a code is possible".to_owned(),
            (0, _) => "ssh: users are locked out".to_owned(),
            (_, _) => {
                "ssh: a login without a code is possible, and users are locked out".to_owned()
            }
        };
        match count(Level::Exception) {
            _ if ways > 0 => format!("{head}."),
            0 => format!("{head}."),
            1 => format!("{head}, except for one configured exception."),
            more => format!("{head}, except for {more} configured exceptions."),
        }
    }

    /// Writes the report as text.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", prose(&self.verdict(), 2))?;
        for (number, finding) in self.findings.iter().enumerate() {
            let same =
                |other: &&Finding| other.remedy.contains('\n') && other.remedy == finding.remedy;
            let before = self.findings.iter().take(number).find(same);
            let remedy = before.map_or_else(
                || finding.remedy.replace('\n', "\n      "),
                |other| format!("as for {} at {}, above.", other.id, other.place),
            );
            writeln!(out, "\n{}: {} ({})", finding.level.word(), finding.place, finding.id)?;
            writeln!(out, "{}", prose(&format!("  {}", finding.what), 2))?;
            let (words, lines) = remedy.split_once('\n').unwrap_or((&remedy, ""));
            writeln!(out, "{}", prose(&format!("  To do: {words}"), 4))?;
            lines.lines().try_for_each(|line| writeln!(out, "{line}"))?;
        }
        let rows = self.shown();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        let cells: Vec<[String; 6]> = rows.iter().map(|row| self.cells(row)).collect();
        let width = |column: usize| {
            let longest = cells.iter().filter_map(|row| row.get(column)).map(String::len).max();
            longest.unwrap_or(0).max(HEADS.get(column).map_or(0, |head| head.len()))
        };
        let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
        line(out, &HEADS.map(str::to_owned), &widths)?;
        line(out, &["", "", "", "", "", ""].map(str::to_owned), &widths)?;
        cells.iter().try_for_each(|row| line(out, row, &widths))
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let findings: Vec<_> = (self.findings.iter())
            .map(|one| {
                serde_json::json!({
                    "level": one.level.word(), "id": one.id, "where": one.place,
                    "what": one.what, "remedy": one.remedy,
                })
            })
            .collect();
        let rows: Vec<_> = (self.shown().into_iter())
            .map(|row| {
                let [_, password, code, and, _, decides] = self.cells(row);
                serde_json::json!({
                    "key": row.world.key, "password": password, "code": code, "and": and,
                    "result": row.code.name(), "wrong": wrong(row).is_some(), "where": decides,
                })
            })
            .collect();
        let whole =
            serde_json::json!({"verdict": self.verdict(), "findings": findings, "rows": rows});
        writeln!(out, "{whole:#}")
    }

    /// Returns the rows to show; of wrong rows that differ only in conditions or in the missing code, the simplest one.
    fn shown(&self) -> Vec<&CaseRow> {
        let Some(table) = &self.table else { return Vec::new() };
        if self.rows == Rows::All {
            return table.rows.iter().collect();
        }
        let mut rows: Vec<&CaseRow> =
            table.rows.iter().filter(|row| wrong(row).is_some()).collect();
        let plain =
            |row: &&CaseRow| (row.world.other == Other::Right, row.world.conditions.count_ones());
        rows.sort_by_key(plain);
        let mut seen = Vec::new();
        rows.retain(|row| {
            let who = (row.world.key, row.world.password.clone(), wrong(row));
            let new = !seen.contains(&who);
            seen.push(who);
            new
        });
        rows
    }

    fn cells(&self, row: &CaseRow) -> [String; 6] {
        let table = self.table.as_ref();
        let held = table.map_or(String::new(), |table| {
            let held: Vec<_> = (0..)
                .zip(&table.conditions)
                .filter(|(bit, _)| row.world.conditions >> bit & 1 == 1)
                .map(|(_, condition)| condition.text.trim())
                .chain(helpers(table, row))
                .collect();
            held.join(" + ")
        });
        let password = match &row.world.password {
            Password::By(module) => format!("right ({module})"),
            Password::None(code) => format!("wrong ({})", code.name()),
        };
        let code = match row.world.answer {
            ModuleAnswer::Right => "right".to_owned(),
            ModuleAnswer::Wrong => "wrong".to_owned(),
            ModuleAnswer::Exempt => "exempt".to_owned(),
            ModuleAnswer::Broken(code) => format!("none ({})", code.name()),
        };
        let decides =
            table.zip(row.steps.last()).and_then(|(table, step)| table.cast.get(step.line));
        [
            (if row.world.key { "yes" } else { "no" }).to_owned(),
            password,
            code,
            if held.is_empty() { "-".to_owned() } else { held },
            (if row.passes() { "GETS IN" } else { "refused" }).to_owned(),
            decides.map_or(String::new(), |line| line.handler.place.to_string()),
        ]
    }
}

/// Returns the modules of other second factors that succeed in the row.
fn helpers<'a>(table: &'a CaseTable, row: &CaseRow) -> impl Iterator<Item = &'a str> {
    let right = row.world.other == Other::Right;
    table.cast.iter().filter(move |_| right).filter_map(|line| match &line.role {
        Role::Second(second) => Some(second.name.as_str()),
        Role::Twinlock(_) | Role::Fixed(_) | Role::Condition(_) | Role::Proof(_) | Role::Idle => {
            None
        }
    })
}

fn line(out: &mut dyn Write, cells: &[String; 6], widths: &[usize]) -> io::Result<()> {
    let rule = cells.iter().all(String::is_empty);
    let parts: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| if rule { "-".repeat(*width) } else { format!("{cell:width$}") })
        .collect();
    writeln!(out, "{}", parts.join(if rule { "-+-" } else { " | " }).trim_end())
}
