//! The report on every PAM service of the host, as text and as JSON.
use std::io::{self, Write};

use crate::cells;
use crate::finding::{Finding, Level};
use crate::report::{DoctorReport, DoctorVerdict, Rows, after_reload};
use crate::services::host::HostReport;
use crate::services::judged::{Asks, Counts, Judged};
use crate::wrap::prose;

/// A finding, and the names of the services that it concerns. There are no names if it concerns the whole host.
struct Shared<'a> {
    finding: &'a Finding,
    services: Vec<&'a str>,
}

impl Asks {
    /// Returns the word in the table and in JSON that says whether a service asks for a code.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Always => "asked",
            Self::NotAlways => "not always asked",
            Self::Never => "not asked",
            Self::Unknown => "not known",
            Self::Nobody => "-",
        }
    }
}

impl HostReport {
    /// Returns the services whose findings decide the exit status.
    pub(super) fn counted(&self) -> impl Iterator<Item = &Judged> {
        self.services.iter().filter(|one| one.counts != Counts::No)
    }

    /// Returns the verdict on the host. It follows from the findings of the services that count, and from the findings
    /// about the host.
    #[must_use]
    pub fn verdict(&self) -> DoctorVerdict {
        let counted = self.counted().flat_map(|one| &one.findings);
        let findings: Vec<Finding> = counted.chain(&self.findings).cloned().collect();
        DoctorReport { findings, table: None, rows: Rows::Wrong }.verdict()
    }

    /// Returns the first line of the report: the verdict as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let with = |level: Level| -> Vec<&str> {
            let has = |one: &&Judged| one.findings.iter().any(|finding| finding.level == level);
            self.counted().filter(has).map(|one| one.name.as_str()).collect()
        };
        let (open, locked) = (listed(&with(Level::WayIn)), listed(&with(Level::LockOut)));
        let accepted = with(Level::Exception);
        let counted: Vec<&str> = self.counted().map(|one| one.name.as_str()).collect();
        let head = match self.verdict() {
            DoctorVerdict::Closed if accepted.is_empty() => {
                let ask = if counted.len() == 1 { "asks" } else { "ask" };
                format!("closed: {} {ask} for a code, and no user is locked out.", listed(&counted))
            }
            DoctorVerdict::Closed => format!(
                "closed: {} need a code, except for what is accepted for {}, and no user is locked out.",
                listed(&counted),
                listed(&accepted)
            ),
            DoctorVerdict::Open if counted.is_empty() => "open: no service asks for a code.".into(),
            DoctorVerdict::Open => format!("open: a login without a code is possible by {open}."),
            DoctorVerdict::LockedOut => format!("locked out: users cannot log in by {locked}."),
            DoctorVerdict::OpenAndLockedOut => format!(
                "open and locked out: a login without a code is possible by {open}, and users cannot log in by {locked}."
            ),
            DoctorVerdict::Unknown => {
                let of = with(Level::Unknown);
                let of =
                    if of.is_empty() { String::new() } else { format!(" about {}", listed(&of)) };
                format!("cannot be judged: information is missing{of}.")
            }
        };
        let never =
            self.services.iter().filter(|one| one.asks == Asks::Never && one.counts == Counts::No);
        let never: Vec<&str> = never.map(|one| one.name.as_str()).collect();
        let head = format!("host: {head}");
        let head = after_reload(&head, self.counted().flat_map(|one| &one.findings));
        match never.is_empty() {
            true => head,
            false => format!("{head} Not asked: {}.", never.join(", ")),
        }
    }

    /// Writes the report as text. With [`Rows::All`], the table also has the services through which no person logs in.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn text(&self, rows: Rows, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}\n", prose(&self.sentence(), 2))?;
        let heads = ["service", "gives", "first factor", "code", "exceptions", "locked out"];
        let mut table = vec![heads.map(str::to_owned).to_vec()];
        table.extend(
            self.services
                .iter()
                .filter(|one| rows == Rows::All || one.asks != Asks::Nobody)
                .map(cells_of),
        );
        cells::write(out, &table)?;
        self.others(rows, out)?;
        for shared in self.shared() {
            let Finding { level, id, place, what, remedy } = shared.finding;
            let of = match shared.services.as_slice() {
                [] => String::new(),
                all => format!(", {}", all.join(", ")),
            };
            writeln!(out, "\n{}", prose(&format!("{}: {place} ({id}{of})", level.word()), 2))?;
            writeln!(out, "{}", prose(&format!("  {what}"), 2))?;
            let (words, lines) = remedy.split_once('\n').unwrap_or((remedy, ""));
            if !remedy.is_empty() {
                writeln!(out, "{}", prose(&format!("  To do: {words}"), 4))?;
            }
            lines.lines().try_for_each(|line| writeln!(out, "      {line}"))?;
        }
        Ok(())
    }

    /// Writes the names of the services and files that are not in the table, sorted by the reason why.
    fn others(&self, rows: Rows, out: &mut dyn Write) -> io::Result<()> {
        let quiet =
            self.services.iter().filter(|one| rows != Rows::All && one.asks == Asks::Nobody);
        let quiet: Vec<&str> = quiet.map(|one| one.name.as_str()).collect();
        let names = |list: &[String]| list.join(", ");
        let lines = [
            ("No login of a person", quiet.join(", ")),
            ("Only included by others", names(&self.parts)),
            ("Program not installed", names(&self.not_installed)),
            ("Old copies of files", names(&self.copies)),
        ];
        let mut shown = lines.iter().filter(|(_, list)| !list.is_empty()).peekable();
        if shown.peek().is_some() {
            writeln!(out)?;
        }
        shown
            .try_for_each(|(head, list)| writeln!(out, "{}", prose(&format!("{head}: {list}."), 2)))
    }

    /// Returns each finding once, with the services that have it, in the order of the report.
    fn shared(&self) -> Vec<Shared<'_>> {
        let mut all: Vec<Shared<'_>> = Vec::new();
        for one in &self.services {
            for finding in &one.findings {
                match all.iter_mut().find(|other| other.finding == finding) {
                    Some(other) => other.services.push(&one.name),
                    None => all.push(Shared { finding, services: vec![&one.name] }),
                }
            }
        }
        all.extend(self.findings.iter().map(|finding| Shared { finding, services: Vec::new() }));
        all.sort_by(|left, right| left.finding.in_report(right.finding));
        all
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let services: Vec<_> = (self.services.iter())
            .map(|one| {
                serde_json::json!({
                    "service": one.name, "gives": one.gives.word(), "file": one.file,
                    "counts": one.counts != Counts::No, "protected": one.counts == Counts::Protected,
                    "code": one.asks.word(), "first_factor": one.first,
                    "exceptions": one.exceptions, "locked_out": one.locked_out,
                })
            })
            .collect();
        let findings: Vec<_> = (self.shared().iter())
            .map(|one| {
                let finding = one.finding;
                serde_json::json!({
                    "services": one.services, "level": finding.level.word(), "id": finding.id,
                    "where": finding.place, "outcome": finding.outcome(),
                    "what": finding.what, "remedy": finding.remedy,
                })
            })
            .collect();
        let whole = serde_json::json!({
            "status": self.verdict().word(), "verdict": self.sentence(),
            "services": services, "findings": findings, "included": self.parts,
            "not_installed": self.not_installed, "copies": self.copies,
        });
        writeln!(out, "{whole:#}")
    }
}

fn cells_of(one: &Judged) -> Vec<String> {
    let list = |items: &[String], between: &str| match items.is_empty() {
        true => "-".to_owned(),
        false => items.join(between),
    };
    vec![
        one.name.clone(),
        one.gives.word().to_owned(),
        list(&one.first, " or "),
        one.asks.word().to_owned(),
        list(&one.exceptions, ", "),
        list(&one.locked_out, ", "),
    ]
}

/// Joins names for a sentence: with commas, and with "and" before the last name.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
