//! Reports an import: each user at once, and totals at the end.

use serde_json::{Value, json};
use twinlock_core::record::{Authenticator, MovingFactor};
use twinlock_migrate::plan::ImportPlan;
use twinlock_migrate::user_file::UserFileError;

use crate::{
    cli::How,
    context::Context,
    error::exit::{CliError, Exit},
    import::{
        import_messages::{Worded, worded},
        source_removal::Removal,
        take_over::ImportOutcome,
    },
    terminal::progress::Progress,
    text::{WIDTH, count, plain, wrap},
};

/// The report about one user, or about lines of a source that were skipped.
pub(crate) struct ImportReport {
    /// Account name of the user; `None` for lines without a readable name.
    pub(crate) user: Option<String>,
    /// Path of the source file.
    pub(crate) source: String,
    /// What the import did, or why it failed.
    pub(crate) outcome: Result<ReportSubject, CliError>,
    /// What is imported for the user.
    pub(crate) carried: ImportSummary,
    /// Messages about lines of the source.
    pub(crate) remarks: Vec<Worded>,
    /// Errors about those lines of the user that could not be imported.
    pub(crate) refused: Vec<CliError>,
    /// What happened to the source file; `None` if it was not to be removed.
    pub(crate) removal: Option<Removal>,
}

/// What a report without an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportSubject {
    /// The import of one user.
    User(ImportOutcome),
    /// Lines of the source that were skipped.
    PassedOver,
}

/// What is imported for a user: each authenticator as text, and the numbers of used steps and of scratch codes.
#[derive(Default)]
pub(crate) struct ImportSummary {
    authenticators: Vec<String>,
    used_steps: usize,
    scratch_codes: usize,
}

impl ImportSummary {
    /// Summarizes what a plan imports.
    pub(crate) fn of(takeover: &ImportPlan) -> Self {
        Self {
            authenticators: takeover.authenticators.iter().map(described).collect(),
            used_steps: takeover.used.len(),
            scratch_codes: takeover.scratch.len(),
        }
    }
}

fn described(one: &Authenticator) -> String {
    let bits = one.key.bytes().len() * 8;
    let parameters = one.parameters;
    let digits = parameters.digits.get();
    let name = plain(&one.name);
    let moved = match one.moving {
        MovingFactor::Counter { next } => format!("{digits} digits, next counter {next}"),
        MovingFactor::Clock { drift } => {
            let seconds = parameters.period.seconds();
            let steps =
                |side| format!(", clock {} {side}", count(drift.unsigned_abs() as usize, "step"));
            let drift = match drift {
                0 => String::new(),
                1.. => steps("ahead"),
                _ => steps("behind"),
            };
            format!("{digits} digits every {seconds} s, {}{drift}", parameters.algorithm.name())
        }
    };
    format!("{name}: {bits}-bit key, {moved}")
}

impl ImportReport {
    /// Creates the report about a user who could not be imported.
    pub(crate) fn of_failure(user: Option<String>, source: &str, failure: CliError) -> Self {
        Self {
            user,
            source: source.into(),
            outcome: Err(failure),
            carried: ImportSummary::default(),
            remarks: Vec::new(),
            refused: Vec::new(),
            removal: None,
        }
    }

    /// Creates the report about a user whose import is planned. Its outcome is `Imported`, which the caller replaces
    /// after the import.
    pub(crate) fn of_takeover(user: &str, source: &str, takeover: &ImportPlan) -> Self {
        let mut remarks: Vec<Worded> = takeover.remarks.iter().copied().map(worded).collect();
        remarks.sort_by_key(|remark| remark.line);
        Self {
            user: Some(user.into()),
            source: source.into(),
            outcome: Ok(ReportSubject::User(ImportOutcome::Imported)),
            carried: ImportSummary::of(takeover),
            remarks,
            refused: Vec::new(),
            removal: None,
        }
    }

    /// Creates the report about lines of a source that were skipped.
    pub(crate) fn of_passed_over(source: &str, remarks: Vec<Worded>) -> Self {
        Self {
            user: None,
            source: source.into(),
            outcome: Ok(ReportSubject::PassedOver),
            carried: ImportSummary::default(),
            remarks,
            refused: Vec::new(),
            removal: None,
        }
    }

    /// Returns the exit status for this report alone; `None` if all went well.
    fn exit(&self) -> Option<Exit> {
        let refused = self.refused.first().map(|failure| failure.exit);
        let stays = self.removal.as_ref().is_some_and(|removal| *removal != Removal::Done);
        let stays = stays.then_some(Exit::Refused);
        self.outcome.as_ref().err().map(|failure| failure.exit).or(refused).or(stays)
    }

    fn text(&self, how: How, tells: Tells) -> String {
        let who = self.user.as_deref().map_or_else(|| plain(&self.source), plain);
        let mut lines = vec![format!("{who}: {}", self.said(how))];
        if matches!(self.outcome, Ok(ReportSubject::User(ImportOutcome::Imported))) {
            lines.extend(self.carried.authenticators.iter().map(|one| format!("  {one}")));
            let ImportSummary { used_steps, scratch_codes, .. } = self.carried;
            let counts = [(scratch_codes, "backup code"), (used_steps, "used step")];
            let counts = counts.iter().filter(|(number, _)| *number > 0);
            let counts: Vec<String> = counts.map(|(number, what)| count(*number, what)).collect();
            if !counts.is_empty() {
                lines.push(format!("  {}", counts.join(", ")));
            }
        }
        let own = self.remarks.iter().filter(|one| tells == Tells::All || !one.is_of_module());
        lines.extend(own.map(|remark| match remark.line {
            0 => format!("  {}", remark.text),
            line => format!("  line {line}: {}", remark.text),
        }));
        lines.extend(self.refused.iter().map(|one| format!("  {}. {}", one.what, one.remedy)));
        let source = plain(&self.source);
        lines.extend(
            self.removal.as_ref().map(|removal| format!("  {}", removal.said(&source, how))),
        );
        lines.iter().map(|line| format!("{}\n", wrap(line, WIDTH, 4))).collect()
    }

    fn said(&self, how: How) -> String {
        match &self.outcome {
            Ok(ReportSubject::User(ImportOutcome::Imported)) if how.dry_run => {
                "would be imported".into()
            }
            Ok(ReportSubject::User(ImportOutcome::Imported)) => "imported".into(),
            Ok(ReportSubject::User(ImportOutcome::Already)) => {
                "imported already; nothing was changed".into()
            }
            Ok(ReportSubject::User(ImportOutcome::MovedOn)) => {
                "imported already; a counter stays where it is".into()
            }
            Ok(ReportSubject::User(ImportOutcome::OtherKey)) => {
                "already enrolled with another key; the file was left alone".into()
            }
            Ok(ReportSubject::PassedOver) => "skipped".into(),
            Err(failure) => format!("not imported: {}. {}", failure.what, failure.remedy),
        }
    }

    fn object(&self) -> Value {
        let failure = |one: &CliError| json!({ "error": one.what, "remedy": one.remedy });
        let remark =
            |one: &Worded| json!({ "line": one.line, "remark": one.word, "text": one.text });
        json!({
            "user": self.user,
            "source": self.source,
            "state": self.state(),
            "error": self.outcome.as_ref().err().map(failure),
            "authenticators": self.carried.authenticators,
            "used_steps": self.carried.used_steps,
            "scratch_codes": self.carried.scratch_codes,
            "remarks": self.remarks.iter().map(remark).collect::<Vec<_>>(),
            "refused": self.refused.iter().map(failure).collect::<Vec<_>>(),
            "source_removed": self.removal.as_ref().map(|removal| *removal == Removal::Done),
        })
    }

    fn state(&self) -> &'static str {
        match &self.outcome {
            Ok(ReportSubject::User(ImportOutcome::Imported)) => "imported",
            Ok(ReportSubject::User(
                ImportOutcome::Already | ImportOutcome::MovedOn | ImportOutcome::OtherKey,
            )) => "already",
            Ok(ReportSubject::PassedOver) => "passed_over",
            Err(_) => "failed",
        }
    }
}

/// Which messages are shown with the report about a user.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tells {
    All,
    /// Only messages about this user. Messages about the other PAM module are shown once, after all users.
    Own,
}

/// The reports of one run over several users.
pub(crate) struct ImportReports<'a> {
    context: &'a Context,
    how: How,
    progress: Progress,
    tells: Tells,
    all: Vec<ImportReport>,
    without: usize,
    removal: Option<(String, Removal)>,
}

impl<'a> ImportReports<'a> {
    /// Begins the reports of a run over `total` users.
    pub(crate) fn begin(context: &'a Context, how: How, total: usize) -> Self {
        Self {
            context,
            how,
            progress: Progress::of(total),
            tells: if total > 1 { Tells::Own } else { Tells::All },
            all: Vec::new(),
            without: 0,
            removal: None,
        }
    }

    /// Returns whether every report so far is free of errors.
    pub(crate) fn all_well(&self) -> bool {
        self.all.iter().all(|report| report.exit().is_none())
    }

    /// Removes a source file that contains the data of several users, by a call of `remove`, and notes the result for
    /// the summary. Keeps the file if one of the users still needs it (`is_needed`), or if a part of the file could not
    /// be imported. `source` is the path of the file.
    pub(crate) fn remove(
        &mut self,
        source: &str,
        is_needed: bool,
        remove: impl FnOnce() -> Result<(), UserFileError>,
    ) {
        let remarks = self.all.iter().flat_map(|report| &report.remarks);
        let removal = match is_needed {
            true => Removal::Needed,
            false => Removal::unless_kept(remarks, remove),
        };
        self.removal = Some((plain(source), removal));
    }

    /// Adds and prints a report. If `report` is `None`, only counts a user who has no file.
    pub(crate) fn add(&mut self, report: Option<ImportReport>) -> Result<(), CliError> {
        if let Some(mut report) = report {
            report.outcome = report.outcome.map_err(CliError::unchanged);
            if !self.context.json {
                self.progress.clear();
                self.print(&report.text(self.how, self.tells))?;
            }
            self.all.push(report);
        } else {
            self.without += 1;
        }
        self.progress.step();
        Ok(())
    }

    fn print(&self, text: &str) -> Result<(), CliError> {
        let stands = match self.how.dry_run {
            true => "nothing was changed",
            false => "users imported before that stay imported",
        };
        self.context.print(text).map_err(|failure| failure.but(stands))
    }

    /// Prints the totals.
    ///
    /// # Errors
    /// [`CliError`] if a user failed, or a file that was to be removed is still there. If there are several exit
    /// statuses, 6 takes precedence over 1, and 1 over 3.
    pub(crate) fn end(self) -> Result<(), CliError> {
        self.progress.clear();
        let of = |state: &str| self.all.iter().filter(|report| report.state() == state).count();
        let (imported, already, failed) = (of("imported"), of("already"), of("failed"));
        let text = if self.context.json {
            let people: Vec<Value> = self.all.iter().map(ImportReport::object).collect();
            let summary = json!({
                "imported": imported, "already": already, "failed": failed, "without": self.without,
            });
            let removed = self.removal.as_ref().map(|(_, removal)| *removal == Removal::Done);
            let object = json!({
                "dry_run": self.how.dry_run,
                "people": people,
                "summary": summary,
                "source_removed": removed,
            });
            format!("{object}\n")
        } else {
            let sum = self.sum(imported, already, failed);
            format!("{}{}\n", self.of_everybody(), wrap(&sum, WIDTH, 0))
        };
        self.print(&text)?;
        let stays = match &self.removal {
            Some((_, Removal::Failed(_) | Removal::Kept(_))) => true,
            Some((_, Removal::Needed)) => self.all_well(),
            Some((_, Removal::Done)) | None => false,
        };
        let stays = stays.then_some(Exit::Refused);
        let exits = || self.all.iter().filter_map(ImportReport::exit).chain(stays);
        let order = [Exit::StoreUnreachable, Exit::Refused, Exit::NotInState];
        let first = order.into_iter().find(|wanted| exits().any(|exit| exit == *wanted));
        first.or_else(|| exits().next()).map_or(Ok(()), |exit| Err(CliError::told(exit)))
    }

    /// Returns the messages about the other PAM module, each once, with the number of files to which it applies.
    fn of_everybody(&self) -> String {
        if self.tells == Tells::All {
            return String::new();
        }
        let mut told: Vec<(&str, usize)> = Vec::new();
        let remarks = self.all.iter().flat_map(|report| &report.remarks);
        for remark in remarks.filter(|remark| remark.is_of_module()) {
            match told.iter_mut().find(|(text, _)| *text == remark.text) {
                Some((_, times)) => *times += 1,
                None => told.push((&remark.text, 1)),
            }
        }
        let line = |(text, times): &(&str, usize)| {
            let whose = if *times == 1 { "1 file".into() } else { format!("{times} files") };
            format!("{}\n", wrap(&format!("{whose}: {text}"), WIDTH, 2))
        };
        told.iter().map(line).collect()
    }

    fn sum(&self, imported: usize, already: usize, failed: usize) -> String {
        let mut parts = vec![match self.how.dry_run {
            true => format!("{imported} would be imported"),
            false => format!("{imported} imported"),
        }];
        let mut more = |number: usize, what: &str| {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        };
        more(already, "enrolled already");
        more(failed, "not imported");
        more(self.without, "without a file");
        let end = match (self.how, &self.removal) {
            (How { dry_run: true, .. }, Some((source, removal))) => {
                format!(" {}. Nothing was written.", removal.said(source, self.how))
            }
            (How { dry_run: true, .. }, None) => " Nothing was written.".into(),
            (How { remove_source: false, .. }, _) if imported > 0 => {
                " The source files were kept; --remove-source deletes them.".into()
            }
            (How { .. }, Some((source, removal))) => {
                format!(" {}.", removal.said(source, self.how))
            }
            (How { .. }, None) => String::new(),
        };
        format!("{}.{end}", parts.join(", "))
    }
}
