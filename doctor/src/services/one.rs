//! The report on one PAM service other than sshd: the verdict, the return code of each line of its stack, and the
//! findings.
use std::io::{self, Write};

use crate::cells;
use crate::hindrance::Hindrance;
use crate::machine::ExaminedMachine;
use crate::pam::code::PamCode;
use crate::pam::load::load;
use crate::report::{DoctorReport, Rows};
use crate::services::catalogue::Gives;
use crate::services::host;
use crate::services::judged::{Asks, Counts, Judged};
use crate::services::steps::{CASES, StackPath, follow};
use crate::settings::DoctorSettings;

/// The report on one service other than sshd.
#[derive(Debug)]
pub struct ServiceReport {
    /// The judgment of the service.
    pub judged: Judged,
    /// The path through the stack: the return code of each line in three cases.
    pub path: StackPath,
    report: DoctorReport,
}

/// Examines the service `name`. If it does not ask for a code, the verdict is `Open`, even if the service does not
/// count in the verdict on the host.
///
/// # Errors
/// [`Hindrance`] if `name` is no name of a service, or a file cannot be read.
pub fn examine(
    machine: &ExaminedMachine,
    name: &str,
    rows: Rows,
    settings: &DoctorSettings,
) -> Result<ServiceReport, Hindrance> {
    let name = name.to_ascii_lowercase();
    if name.is_empty() || name.contains('/') {
        return Err(Hindrance {
            what: format!("`{name}` is no name of a PAM service."),
            remedy: Some("Give the name of a file in /etc/pam.d.".to_owned()),
        });
    }
    let service = load(machine, &name)?;
    let (judged, table) = host::one(machine, settings, &name, &service);
    let findings = judged.findings.clone();
    let path = follow(&table);
    let table = service.unusable.is_none().then_some(table);
    Ok(ServiceReport { judged, path, report: DoctorReport { findings, table, rows } })
}

impl ServiceReport {
    /// Returns the exit status of the command for this report.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.report.verdict().status()
    }

    /// Writes the report as text.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut report = Vec::new();
        self.report.text(&self.judged.name, &mut report)?;
        let report = String::from_utf8_lossy(&report).into_owned();
        let (verdict, rest) = report.split_once("\n\n").unwrap_or((report.trim_end(), ""));
        match self.nobody() {
            Some(sentence) => writeln!(out, "{sentence}")?,
            None => writeln!(out, "{verdict}")?,
        }
        if self.judged.file.is_none() {
            writeln!(out, "  It has no file of its own: libpam takes that of `other`.")?;
        }
        if !self.path.lines.is_empty() {
            writeln!(out)?;
            cells::write(out, &self.cells())?;
        }
        if rest.is_empty() { Ok(()) } else { write!(out, "\n{rest}") }
    }

    /// Returns a sentence that replaces the verdict if no person logs in through the service; otherwise `None`.
    fn nobody(&self) -> Option<String> {
        let why = if self.judged.gives == Gives::RootOnly {
            "only root can call it"
        } else if self.judged.gives == Gives::NoPerson {
            "it starts jobs or sessions"
        } else {
            "it gives no access"
        };
        let nobody = self.judged.asks == Asks::Nobody;
        nobody
            .then(|| format!("{}: closed: no person logs in through it, {why}.", self.judged.name))
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let code = |code: Option<PamCode>| code.map_or("-", PamCode::name).to_owned();
        let short = |place: &str| place.trim_start_matches("/etc/pam.d/").to_owned();
        let mut rows =
            vec![["line", "module"].iter().chain(&CASES).map(|one| (*one).to_owned()).collect()];
        for line in &self.path.lines {
            let mut row: Vec<String> = vec![short(&line.place), line.module.clone()];
            row.extend(line.returns.map(code));
            rows.push(row);
        }
        let mut end = vec![String::new(), "result".to_owned()];
        let result = |code: Option<PamCode>| match code {
            None => "-".to_owned(),
            Some(PamCode::SUCCESS) => "GETS IN".to_owned(),
            Some(_) => "refused".to_owned(),
        };
        end.extend(self.path.ends.map(result));
        rows.push(end);
        rows
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    /// [`io::Error`] if the output cannot be written.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let name = |code: Option<PamCode>| code.map(PamCode::name);
        let lines: Vec<_> = (self.path.lines.iter())
            .map(|line| {
                let [right, wrong_code, wrong_password] = line.returns.map(name);
                serde_json::json!({
                    "where": line.place, "module": line.module, "right": right,
                    "wrong_code": wrong_code, "wrong_password": wrong_password,
                })
            })
            .collect();
        let [right, wrong_code, wrong_password] = self.path.ends.map(name);
        // If the stack has no row for a case, its result is `none`.
        let [right, wrong_code] = [right, wrong_code].map(|code| code.unwrap_or("none"));
        let mut whole = self.report.value(&self.judged.name);
        let more = serde_json::json!({
            "service": self.judged.name, "gives": self.judged.gives.word(), "file": self.judged.file,
            "counts": self.judged.counts != Counts::No, "code": self.judged.asks.word(),
            "first_factor": self.judged.first, "exceptions": self.judged.exceptions,
            "locked_out": self.judged.locked_out, "lines": lines,
            "result": { "right": right, "wrong_code": wrong_code, "wrong_password": wrong_password },
        });
        if let (Some(sentence), Some(verdict)) = (self.nobody(), whole.get_mut("verdict")) {
            *verdict = sentence.into();
        }
        if let (Some(whole), Some(more)) = (whole.as_object_mut(), more.as_object()) {
            whole.extend(more.clone());
        }
        writeln!(out, "{whole:#}")
    }
}
