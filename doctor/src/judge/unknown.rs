//! Findings about logins without a code and lock-outs that the truth table cannot decide: a module is unknown, or too
//! many lines test the account or the login.
use crate::finding::{Finding, Level};
use crate::judge::case::{Case, wrong};
use crate::pam::credentials::CredentialsDoubt;
use crate::pam::modules::file_name;
use crate::pam::stack::StackKind;
use crate::pam::table::{CaseRow, StackCondition};
use crate::pam::twinlock::ModuleAnswer;

impl Case<'_> {
    /// Returns a finding for each unknown module whose answer decides whether a login without a code or a lock-out is
    /// possible. Also returns one for each jump whose effect decides this.
    pub(super) fn unknown(&self) -> Vec<Finding> {
        let mut found: Vec<Finding> = Vec::new();
        for row in self.table.rows.iter().filter(|row| self.decides(row)) {
            let of_login = self.table.doubts(row).into_iter().map(unknown_module);
            let of_credentials = self.credentials_doubts(row).map(unknown_credentials);
            for one in of_login.chain(of_credentials) {
                if !found.iter().any(|other| other.place == one.place) {
                    found.push(one);
                }
            }
        }
        found
    }

    /// Returns whether the verdict depends on this row of the truth table. It does if users can make this login, and
    /// the login either needs no code or has a correct one.
    fn decides(&self, row: &CaseRow) -> bool {
        let right = row.world.answer == ModuleAnswer::Right;
        let covered = self.reach.covers(row.world.key);
        row.passes() && covered && (wrong(row).is_some() || right)
    }

    /// Returns a finding which says that the stack has too many conditions (modules that test the account or the
    /// circumstances), so that doctor does not try every combination of their answers.
    pub(super) fn too_many(&self) -> Finding {
        Finding {
            level: Level::Unknown,
            id: "too-many-conditions",
            place: self.file.to_owned(),
            what: format!(
                "The stack has {} conditions, and more combinations of them than are checked (4096).",
                self.table.conditions.len()
            ),
            remedy: "Use fewer conditions: twelve lines are checked in every combination."
                .to_owned(),
        }
    }
}

fn unknown_module(condition: &StackCondition) -> Finding {
    Finding {
        level: Level::Unknown,
        id: "unknown-module",
        place: condition.place.to_string(),
        what: format!(
            "It is not known what `{}` asks for and returns, and the result of a login depends on it.",
            condition.text.trim()
        ),
        remedy: String::new(),
    }
}

fn unknown_credentials(doubt: CredentialsDoubt<'_>) -> Finding {
    let handler = &doubt.line().handler;
    let module = match &handler.kind {
        StackKind::Module { path, .. } => file_name(path),
        StackKind::Substack | StackKind::Broken => "the line",
    };
    let (id, what, remedy) = match doubt {
        CredentialsDoubt::Module(_) => (
            "unknown-module",
            format!(
                "It is not known what `{module}` returns for credentials (pam_setcred), and a login may end because of it."
            ),
            "",
        ),
        CredentialsDoubt::Jump(_) => (
            "unknown-libpam",
            format!(
                "The line of `{module}` jumps. Debian's libpam does not count what such a line returns for credentials (pam_setcred), all others do. libpam.so.0 was not found here, and a login may end because of the difference."
            ),
            "Examine a folder that contains libpam.so.0, or run doctor on the machine itself.",
        ),
    };
    Finding {
        level: Level::Unknown,
        id,
        place: handler.place.to_string(),
        what,
        remedy: remedy.to_owned(),
    }
}
