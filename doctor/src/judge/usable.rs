//! Lowers the level of findings that have no effect to a warning: a login without a code that no user can make, or a
//! line that is faulty but refuses no user.
use crate::finding::{Finding, Level};
use crate::judge::case::{Case, Reach};
use crate::pam::control::ControlAction;
use crate::pam::dispatch::Impression;
use crate::pam::table::{AssumedRole, CaseRow, Password};
use crate::pam::twinlock::ModuleAnswer;

/// Names of findings about logins without a code that only users who are exempt or not enrolled can make.
const FOR_EXEMPT: [&str; 4] = ["nullok", "not-enrolled-allowed", "rule-exempts", "rule-reminds"];
/// Names of findings about logins without a code that every user can make whom the stack accepts.
const FOR_ALL: [&str; 2] = ["not-wired", "stack-after-failure"];
/// Names of findings about lines that refuse every user who reaches them.
const REFUSING: [&str; 5] = [
    "module-missing",
    "wrong-arguments",
    "unknown-argument",
    "missing-first-factor",
    "hidden-character",
];

impl Case<'_> {
    /// Turns findings without effect into warnings: logins without a code that no user can make, and lines that refuse
    /// no user who gives every factor.
    pub fn weigh(&self, findings: &mut [Finding]) {
        if self.table.is_too_large() {
            return;
        }
        let lets_in = |fits: &dyn Fn(&CaseRow) -> bool| {
            self.table.rows.iter().any(|row| (self.usable)(row) && fits(row))
        };
        let anybody = lets_in(&|_| true);
        let exempt = lets_in(&|row| row.world.answer == ModuleAnswer::Exempt);
        for finding in findings.iter_mut() {
            let of =
                |level: Level, ids: &[&str]| finding.level == level && ids.contains(&finding.id);
            let idle =
                of(Level::WayIn, &FOR_ALL) && !anybody || of(Level::WayIn, &FOR_EXEMPT) && !exempt;
            let refuses_nobody =
                of(Level::LockOut, &REFUSING) && self.gets_in() && !self.refuses(&finding.place);
            if idle || refuses_nobody {
                finding.level = Level::Warning;
            }
        }
    }

    /// Reports whether some user who gives every factor gets in.
    #[must_use]
    pub fn gets_in(&self) -> bool {
        self.table.rows.iter().any(|row| (self.usable)(row) && self.has_all(row))
    }

    /// Reports whether the line at `place` (`file:line`) refuses a user who gives every factor and whom no earlier line
    /// refuses.
    fn refuses(&self, place: &str) -> bool {
        let here =
            |line: usize| self.line(line).filter(|line| line.handler.place.to_string() == place);
        let of = |row: &&CaseRow| self.has_all(row) && self.reach.covers(row.world.key);
        self.table.rows.iter().filter(of).any(|row| {
            row.steps.iter().any(|step| {
                let action = here(step.line).map(|line| line.handler.actions.on(step.returned));
                let refuses = matches!(action, Some(ControlAction::Bad | ControlAction::Die));
                refuses && step.before != Impression::Negative
            })
        })
    }

    fn has_all(&self, row: &CaseRow) -> bool {
        let proven = row.world.key || !matches!(row.world.password, Password::None(_));
        proven && row.met && row.world.answer == ModuleAnswer::Right && self.makes_no_mistake(row)
    }

    /// Reports whether the user makes no mistake in a login as this row of the truth table assumes it: the password is
    /// correct or is never asked for. A row that grants access only after a wrong password does not count as a login of
    /// a user with every factor.
    pub(super) fn makes_no_mistake(&self, row: &CaseRow) -> bool {
        let asks = |line: usize| {
            self.line(line).is_some_and(|line| matches!(line.role, AssumedRole::Proof(_)))
        };
        let is_wrong = matches!(row.world.password, Password::None(_));
        !is_wrong || !row.steps.iter().any(|step| asks(step.line))
    }
}

/// Returns a function that tells whether a row of the truth table is a successful login: PAM grants access, and `reach`
/// says that such a login, with or without a key, calls PAM at all. Use this function if sshd's settings are unknown or
/// do not matter.
pub fn covered(reach: Reach) -> impl Fn(&CaseRow) -> bool {
    move |row| row.passes() && reach.covers(row.world.key)
}
