//! The report on one service, as text and as JSON.
use std::io::{self, Write};

use crate::cells;
use crate::finding::{Finding, Level};
use crate::judge::case::wrong;
use crate::pam::code::PamCode;
use crate::pam::table::{AssumedRole, CaseRow, CaseTable, OtherFactorAnswer, Password};
use crate::pam::twinlock::ModuleAnswer;
use crate::wrap::{WIDTH, columns, prose};

/// Result of the examination of one service.
#[derive(Debug)]
pub struct DoctorReport {
    /// The findings, in the order of the report.
    pub findings: Vec<Finding>,
    /// Truth table of the service's stack; `None` if libpam cannot load the service.
    pub table: Option<CaseTable>,
    /// Which rows (combinations of factors, with the result) of the truth table the report shows.
    pub rows: Rows,
}

/// Verdict on a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DoctorVerdict {
    /// Every login needs a code, and no user is locked out.
    Closed,
    /// A login without a code is possible.
    Open,
    /// Some users are locked out, and no login without a code is possible.
    LockedOut,
    /// A login without a code is possible, and some users are locked out.
    OpenAndLockedOut,
    /// A login without a code, or a lock-out, may be possible. That depends on something that is not known.
    Unknown,
}

impl DoctorVerdict {
    /// Returns the exit status of the command for this verdict.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Open | Self::LockedOut | Self::OpenAndLockedOut => 7,
            Self::Unknown => 8,
        }
    }

    /// Returns the name of the verdict in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::LockedOut => "locked_out",
            Self::OpenAndLockedOut => "open_and_locked_out",
            Self::Unknown => "cannot_be_judged",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Closed => "closed: every login needs a code, and no user is locked out",
            Self::Open => "open: a login without a code is possible",
            Self::LockedOut => "locked out: users cannot log in",
            Self::OpenAndLockedOut => {
                "open and locked out: a login without a code is possible, and users cannot log in"
            }
            Self::Unknown => "cannot be judged: information is missing",
        }
    }
}

/// Which rows of a truth table are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rows {
    /// Only the rows of the truth table in which a user who lacks a factor gets in.
    Wrong,
    /// Every row of the truth table.
    All,
}

/// Returns the sentence of a verdict. If `findings` report that a running sshd has not read its files since they were
/// changed, ` closed` is replaced by ` closed after a reload of sshd`.
#[must_use]
pub fn after_reload<'a>(sentence: &str, findings: impl IntoIterator<Item = &'a Finding>) -> String {
    match findings.into_iter().any(|finding| finding.id == "not-reloaded") {
        true => sentence.replacen(" closed", " closed after a reload of sshd", 1),
        false => sentence.to_owned(),
    }
}

/// Number of characters between two columns of the table.
const BETWEEN: usize = 3;
const HEADS: [&str; 6] = ["key", "password", "code", "and", "result", "deciding line"];

impl DoctorReport {
    /// Returns the verdict that follows from the findings. `Unknown` is returned only if no finding reports a login
    /// without a code or a lock-out.
    #[must_use]
    pub fn verdict(&self) -> DoctorVerdict {
        let any = |level: Level| self.findings.iter().any(|finding| finding.level == level);
        match (any(Level::WayIn), any(Level::LockOut)) {
            (true, true) => DoctorVerdict::OpenAndLockedOut,
            (true, false) => DoctorVerdict::Open,
            (false, true) => DoctorVerdict::LockedOut,
            (false, false) if any(Level::Unknown) => DoctorVerdict::Unknown,
            (false, false) => DoctorVerdict::Closed,
        }
    }

    /// Returns the first line of the report: the service and the verdict, as a sentence.
    #[must_use]
    pub fn sentence(&self, service: &str) -> String {
        let verdict = self.verdict();
        let head = format!("{service}: {}", verdict.sentence());
        let head = after_reload(&head, &self.findings);
        let accepted =
            self.findings.iter().filter(|finding| finding.level == Level::Exception).count();
        match (verdict, accepted) {
            (DoctorVerdict::Closed, 1) => format!("{head}, except for one accepted way in."),
            (DoctorVerdict::Closed, 2..) => {
                format!("{head}, except for {accepted} accepted ways in.")
            }
            (_, _) => format!("{head}."),
        }
    }

    /// Writes the report as text. `service` is the name of the service in the first line.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn text(&self, service: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", prose(&self.sentence(service), 2))?;
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
            if !remedy.is_empty() {
                writeln!(out, "{}", prose(&format!("  To do: {words}"), 4))?;
            }
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
        let room = columns();
        // On a terminal that is wide enough, and in a file or a pipe, each row stays on one line, so that a user can
        // search for it.
        if room < WIDTH && widths.iter().sum::<usize>() + BETWEEN * (HEADS.len() - 1) > room {
            let heads = std::iter::once(HEADS.map(str::to_owned).to_vec());
            let rows: Vec<_> = heads.chain(cells.into_iter().map(Vec::from)).collect();
            return cells::write(out, &rows);
        }
        line(out, &HEADS.map(str::to_owned), &widths)?;
        line(out, &["", "", "", "", "", ""].map(str::to_owned), &widths)?;
        cells.iter().try_for_each(|row| line(out, row, &widths))
    }

    /// Writes the report as JSON. `service` is the name of the service in the verdict.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn json(&self, service: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:#}", self.value(service))
    }

    /// Returns the report as a JSON object. `service` is the name of the service in the verdict.
    #[must_use]
    pub fn value(&self, service: &str) -> serde_json::Value {
        let findings: Vec<_> = (self.findings.iter())
            .map(|one| {
                serde_json::json!({
                    "level": one.level.word(), "id": one.id, "where": one.place,
                    "outcome": one.outcome(),
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
        serde_json::json!({
            "status": self.verdict().word(), "verdict": self.sentence(service),
            "findings": findings, "rows": rows,
        })
    }

    /// Returns the rows of the truth table to show: with [`Rows::All`], all rows; with [`Rows::Wrong`], only rows with
    /// a fault. Of several rows with the same factors and the same fault, only the one is returned in which the fewest
    /// conditions give an unusual answer.
    fn shown(&self) -> Vec<&CaseRow> {
        let Some(table) = &self.table else { return Vec::new() };
        if self.rows == Rows::All {
            return table.rows.iter().collect();
        }
        let mut rows: Vec<&CaseRow> =
            table.rows.iter().filter(|row| wrong(row).is_some()).collect();
        let plain = |row: &&CaseRow| {
            (row.world.other == OtherFactorAnswer::Right, row.unusual(table).count())
        };
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
            let held = row.unusual(table).filter_map(|number| condition(table, row, number));
            let held: Vec<_> = held.chain(helpers(table, row).map(str::to_owned)).collect();
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

/// Returns the text of the condition (a module that tests the account or the circumstances) at index `number`. If the
/// condition does not succeed in this row of the truth table, its return code follows. `None` if there is no such
/// condition.
fn condition(table: &CaseTable, row: &CaseRow, number: usize) -> Option<String> {
    let (of, code) = (table.conditions.get(number)?, row.world.conditions.get(number)?);
    let text = of.text.trim();
    Some(match *code == PamCode::SUCCESS {
        true => text.to_owned(),
        false => format!("{text} ({})", code.name()),
    })
}

/// Returns the file names of the modules that check a second factor other than twinlock's and succeed in this row.
fn helpers<'a>(table: &'a CaseTable, row: &CaseRow) -> impl Iterator<Item = &'a str> {
    let right = row.world.other == OtherFactorAnswer::Right;
    table.cast.iter().filter(move |_| right).filter_map(|line| match &line.role {
        AssumedRole::Second(second) => Some(second.name.as_str()),
        AssumedRole::Twinlock(_)
        | AssumedRole::Fixed(_)
        | AssumedRole::Condition(_)
        | AssumedRole::Proof(_)
        | AssumedRole::Idle => None,
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
