//! Reports a run over many users: a line for each user at once, and totals at the end. Memory use does not grow with
//! the number of users.

use serde_json::{Value, json};

use crate::{
    context::Context,
    enrollment::inviting::Invited,
    error::exit::{CliError, Exit},
    terminal::progress::Progress,
    text::{WIDTH, plain, wrap},
};

/// Outcome for one user without an error.
pub(crate) enum BatchOutcome {
    /// The user was enrolled with the key in the list.
    Enrolled,
    /// The user was already enrolled with the key in the list.
    EnrolledAlready,
    /// The user is enrolled with a key other than the one in the list. The enrolled key remains.
    OtherKey,
    /// The user was invited, or needs no invitation.
    Invited(Invited),
}

/// The report of a run over many users.
pub(crate) struct Batch<'a> {
    context: &'a Context,
    progress: Progress,
    all: usize,
    enrolled: usize,
    invited: usize,
    already: usize,
    failed: usize,
    worst: Option<Exit>,
}

impl<'a> Batch<'a> {
    /// Begins the report. `total` is the number of users, for the progress bar; 0 if it is not known, and then there is
    /// no bar.
    pub(crate) fn begin(context: &'a Context, total: usize) -> Result<Self, CliError> {
        if context.json {
            context.print("{\"people\":[")?;
        }
        let progress = Progress::of(total);
        Ok(Self {
            context,
            progress,
            all: 0,
            enrolled: 0,
            invited: 0,
            already: 0,
            failed: 0,
            worst: None,
        })
    }

    /// Prints the outcome for one user. `line` is the number of the user's line in the list, from 1; 0 if there is no
    /// list.
    pub(crate) fn add(
        &mut self,
        line: u64,
        user: &str,
        fate: Result<BatchOutcome, CliError>,
    ) -> Result<(), CliError> {
        let fate = fate.map_err(CliError::unchanged);
        self.all += 1;
        self.count(&fate);
        let text = if self.context.json {
            let comma = if self.all > 1 { "," } else { "" };
            format!("{comma}{}", object(line, user, &fate))
        } else {
            self.progress.clear();
            format!("{}\n", wrap(&sentence(line, user, &fate), WIDTH, 4))
        };
        self.print(&text)?;
        self.progress.step();
        Ok(())
    }

    fn print(&self, text: &str) -> Result<(), CliError> {
        let stands = "users done before that stay done";
        self.context.print(text).map_err(|failure| failure.but(stands))
    }

    /// Counts a user for whom nothing had to be done. Prints nothing.
    pub(crate) fn pass(&mut self) {
        self.already += 1;
        self.progress.step();
    }

    /// Returns whether no user can set up an app now: at least one failed, and none is enrolled or invited.
    pub(crate) fn nobody_can_begin(&self) -> bool {
        self.failed > 0 && self.enrolled + self.invited + self.already == 0
    }

    fn count(&mut self, fate: &Result<BatchOutcome, CliError>) {
        *match fate {
            Ok(BatchOutcome::Enrolled) => &mut self.enrolled,
            Ok(BatchOutcome::Invited(invited)) if invited.is_new() => &mut self.invited,
            Ok(
                BatchOutcome::EnrolledAlready | BatchOutcome::OtherKey | BatchOutcome::Invited(_),
            ) => &mut self.already,
            Err(_) => &mut self.failed,
        } += 1;
        // An unreachable store outranks a user who cannot be enrolled.
        if let Err(failure) = fate
            && self.worst != Some(Exit::StoreUnreachable)
        {
            let store = failure.exit == Exit::StoreUnreachable;
            self.worst = Some(if store { failure.exit } else { Exit::Refused });
        }
    }

    /// Prints the totals.
    ///
    /// # Errors
    /// [`CliError`] if a user could not be processed. Its exit status is 6 if the records or the ledger could not be
    /// used, otherwise 1.
    pub(crate) fn end(self) -> Result<(), CliError> {
        self.sum("")?;
        self.worst.map_or(Ok(()), |exit| Err(CliError::told(exit)))
    }

    /// Prints the totals of a run that was interrupted between two users, and returns the error for the interruption.
    pub(crate) fn interrupted(self) -> Result<(), CliError> {
        self.sum(" Stopped; run it again for the others.")?;
        Err(CliError::told(Exit::Interrupted))
    }

    fn sum(&self, end: &str) -> Result<(), CliError> {
        self.progress.clear();
        let Self { enrolled, invited, already, failed, .. } = self;
        if self.context.json {
            let summary = json!({
                "enrolled": enrolled, "invited": invited, "already": already, "failed": failed,
                "interrupted": !end.is_empty(),
            });
            return self.print(&format!("],\"summary\":{summary}}}\n"));
        }
        let parts = [
            (*enrolled, "enrolled"),
            (*invited, "invited"),
            (*already, "done before"),
            (*failed, "failed"),
        ];
        let some = parts.iter().filter(|(number, _)| *number > 0);
        let parts: Vec<String> = some.map(|(number, what)| format!("{number} {what}")).collect();
        let said = if parts.is_empty() { "the list is empty".into() } else { parts.join(", ") };
        self.print(&format!("{}\n", wrap(&format!("{said}.{end}"), WIDTH, 0)))
    }
}

fn said(fate: &BatchOutcome) -> String {
    match fate {
        BatchOutcome::Enrolled => "enrolled".into(),
        BatchOutcome::EnrolledAlready => "enrolled already".into(),
        BatchOutcome::OtherKey => "enrolled already, with another key, which stays".into(),
        BatchOutcome::Invited(invited) => invited.said(),
    }
}

fn word(fate: &BatchOutcome) -> &'static str {
    match fate {
        BatchOutcome::Enrolled => "enrolled",
        BatchOutcome::EnrolledAlready => "enrolled_already",
        BatchOutcome::OtherKey => "other_key",
        BatchOutcome::Invited(invited) => invited.word(),
    }
}

fn sentence(line: u64, user: &str, fate: &Result<BatchOutcome, CliError>) -> String {
    let who = if user.is_empty() { format!("line {line}") } else { plain(user) };
    match fate {
        Ok(fate) => format!("{who}: {}", said(fate)),
        Err(CliError { what, remedy, .. }) if line > 0 && !user.is_empty() => {
            format!("{who} (line {line}): failed: {what}. {remedy}")
        }
        Err(CliError { what, remedy, .. }) => format!("{who}: failed: {what}. {remedy}"),
    }
}

fn object(line: u64, user: &str, fate: &Result<BatchOutcome, CliError>) -> Value {
    let line = (line > 0).then_some(line);
    match fate {
        Ok(fate) => json!({ "user": user, "line": line, "state": word(fate) }),
        Err(CliError { what, remedy, .. }) => json!({
            "user": user, "line": line, "state": "failed", "error": what, "remedy": remedy,
        }),
    }
}
