//! Findings about twinlock lines that are never reached, or that are reached after a wrong password although their
//! arguments say that an earlier line has verified the password.
use crate::finding::{Finding, Level};
use crate::judge::case::{Case, Wrong, wrong};
use crate::pam::dispatch::Impression;
use crate::pam::stack::LinePlace;
use crate::pam::table::{AssumedRole, CaseRow, Cast};
use crate::pam::twinlock::Stand;

impl Case<'_> {
    /// Returns a finding about a twinlock line that is never reached, or that is reached only after an earlier failure,
    /// when its answer no longer changes the result. `None` for other lines.
    pub(super) fn unreached(&self, line: &Cast) -> Option<Finding> {
        let AssumedRole::Twinlock(args) = &line.role else {
            return None;
        };
        let counts = |row: &CaseRow| {
            row.steps.iter().any(|step| {
                let here = self.line(step.line).is_some_and(|other| std::ptr::eq(other, line));
                here && (step.before != Impression::Negative || !args.stand.judges())
            })
        };
        if self.table.rows.iter().any(counts) {
            return None;
        }
        let open = self.table.rows.iter().any(|row| {
            let kind = wrong(row).filter(|_| (self.usable)(row));
            matches!(kind, Some(Wrong::PasswordAlone | Wrong::KeyAlone | Wrong::Open))
        });
        let before = self
            .ender(&line.handler.place)
            .map_or(String::new(), |place| format!(" The stack ends at {place}."));
        Some(Finding {
            level: if open { Level::WayIn } else { Level::Warning },
            id: "never-reached",
            place: line.handler.place.to_string(),
            what: format!("This line is never reached after a correct password.{before}"),
            remedy: self.recipe_when_read(),
        })
    }

    /// Returns `file:line` of the line that ends the stack after a correct password, before the twinlock line at
    /// `ours`; `None` if the stack does not end there.
    fn ender(&self, ours: &LinePlace) -> Option<String> {
        let row = self.table.rows.iter().find(|row| wrong(row) == Some(Wrong::PasswordAlone))?;
        let place = &self.line(row.steps.last()?.line)?.handler.place;
        (place != ours).then(|| place.to_string())
    }

    /// Returns a finding if the line has `first_factor=stack` and is also reached after a wrong password; otherwise
    /// `None`. `number` is the index of the line in the stack.
    pub(super) fn reached_by_failure(&self, number: usize, line: &Cast) -> Option<Finding> {
        let AssumedRole::Twinlock(args) = &line.role else {
            return None;
        };
        let called = |row: &&CaseRow| {
            let leads = row.steps.iter().any(|step| step.line == number);
            row.world.empty_handed() && leads && self.table.known_path(row)
        };
        if args.stand != Stand::Stack || !self.table.rows.iter().any(|row| called(&row)) {
            return None;
        }
        Some(Finding {
            level: if self.reach.without_key { Level::WayIn } else { Level::Warning },
            id: "stack-after-failure",
            place: line.handler.place.to_string(),
            what: "This line has first_factor=stack, but is also reached after a wrong password: an attacker is treated as a user with a proven password.".to_owned(),
            remedy: self.recipe(),
        })
    }
}
