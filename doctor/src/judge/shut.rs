//! Finds users who cannot log in although every factor is correct.
use crate::finding::{Finding, Level};
use crate::judge::case::Case;
use crate::judge::misspelt;
use crate::judge::trial::Edit;
use crate::pam::code::PamCode;
use crate::pam::modules::why_not_called;
use crate::pam::stack::StackKind;
use crate::pam::table::{AssumedRole, Cast};
use crate::pam::twinlock::{ModuleAnswer, Stand};

impl Case<'_> {
    pub(super) fn shut(&self) -> Vec<Finding> {
        let gets_in = |key: bool, answer: ModuleAnswer| {
            let passing = self.table.rows.iter().filter(|row| row.passes());
            let passing = passing.filter(|row| self.makes_no_mistake(row));
            let mut met = passing.filter(|row| row.met || answer == ModuleAnswer::Exempt);
            met.any(|row| row.world.key == key && row.world.answer == answer)
        };
        let ways = [false, true].into_iter().filter(|key| self.reach.covers(*key));
        let mut found = Vec::new();
        let (open, closed): (Vec<bool>, Vec<bool>) =
            ways.partition(|key| gets_in(*key, ModuleAnswer::Right));
        for key in &closed {
            found.push(self.shut_way(*key, open.is_empty()));
        }
        for key in &open {
            if !gets_in(*key, ModuleAnswer::Exempt) {
                found.push(self.shut_exempt(*key));
            }
        }
        found.dedup_by(|left, right| left.id == right.id && left.level == right.level);
        found
    }

    /// Returns the finding that the stack refuses every user.
    pub(super) fn nobody(&self) -> Finding {
        self.shut_way(self.reach.with_key, true)
    }

    fn shut_way(&self, key: bool, all: bool) -> Finding {
        let (with, level) = (
            if key { "with a key" } else { "without a key" },
            if all { Level::LockOut } else { Level::Warning },
        );
        let missing = (self.table.cast.iter())
            .find(|line| line.role == AssumedRole::Fixed(PamCode::MODULE_UNKNOWN))
            .and_then(|line| match &line.handler.kind {
                StackKind::Module { path, .. } => Some(path),
                StackKind::Substack | StackKind::Broken => None,
            });
        let gone =
            missing.map(|path| format!(" PAM cannot call a line: {}.", why_not_called(path)));
        let gone = gone.or_else(|| self.nobody_meets().map(str::to_owned));
        let meant = missing.filter(|path| misspelt::is_meant(path));
        Finding {
            level,
            id: if all { "nobody-gets-in" } else { "way-leads-nowhere" },
            place: self.file.to_owned(),
            what: match all {
                true => format!(
                    "No login is possible, even if every factor is correct.{}",
                    gone.unwrap_or_default()
                ),
                false => {
                    format!("sshd lets users reach PAM {with}, but this stack refuses all of them.")
                }
            },
            remedy: match all {
                true => {
                    meant.map_or_else(|| self.recipe_when_read(), |path| misspelt::remedy(path))
                }
                false => self.or_recipe("Remove that method from AuthenticationMethods"),
            },
        }
    }

    /// Returns a sentence which says that no enrolled account meets all conditions of the stack (the lines that test
    /// the account); `None` if users are refused for another reason.
    fn nobody_meets(&self) -> Option<&'static str> {
        let mut rows = self.table.rows.iter().filter(|row| row.passes() && !row.met);
        let right = rows.any(|row| row.world.answer == ModuleAnswer::Right);
        right.then_some(" No enrolled account meets all conditions of the stack.")
    }

    fn or_recipe(&self, other: &str) -> String {
        match self.recipe_when_read() {
            none if none.is_empty() => format!("{other}."),
            recipe => format!("{other}, or let the stack accept it: {recipe}"),
        }
    }

    fn shut_exempt(&self, key: bool) -> Finding {
        let with = if key { "with a key" } else { "with a correct password" };
        Finding {
            level: Level::LockOut,
            id: "exempt-shut-out",
            place: self.file.to_owned(),
            what: format!(
                "An exempt account cannot log in {with}: no line succeeds when the module returns ignore."
            ),
            remedy: self.before_the_code(),
        }
    }

    /// Returns the remedy for exempt accounts that the stack refuses. This is a pam_permit line before the twinlock
    /// line, or a whole new stack if that line is not enough.
    fn before_the_code(&self) -> String {
        let asks = |line: &Cast| matches!(&line.role, AssumedRole::Twinlock(args) if args.stand == Stand::Stack);
        let before = self.table.cast.iter().position(asks);
        let permit = "auth required pam_permit.so";
        match before.filter(|number| self.mends(self.reach, &Edit::Insert(*number, permit))) {
            Some(_) => {
                format!("Write `{permit}` directly before the line with first_factor=stack.")
            }
            None => self.recipe(),
        }
    }
}
