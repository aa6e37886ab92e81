//! Input of the judgment of a stack: its truth table (the result for each combination of factors), and whether sshd has
//! verified a key when a login calls PAM.
use crate::judge::kept::Kept;
use crate::judge::remedies::{OtherFactor, StackRecipe};
use crate::judge::trial::Edit;
use crate::pam::credentials::{CredentialsDoubt, doubt};
use crate::pam::table::{AssumedRole, CaseRow, CaseTable, Cast, Password};
use crate::pam::twinlock::ModuleAnswer;

/// Whether sshd has verified a key when a login reaches PAM. Both fields are true if some users have a key and some
/// have none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// There is a way to log in that reaches PAM without a verified key.
    pub without_key: bool,
    /// There is a way to log in that reaches PAM after sshd has verified a key.
    pub with_key: bool,
}

impl Reach {
    /// Users reach PAM both with a key and without one. Used if sshd's settings are unknown, or if sshd never calls
    /// PAM.
    pub const EVERY: Self = Self { without_key: true, with_key: true };

    /// Returns whether users reach PAM after a key (`key` is true) or without one (false).
    #[must_use]
    pub fn covers(self, key: bool) -> bool {
        if key { self.with_key } else { self.without_key }
    }
}

/// The argument of `twinlock doctor` that names sshd.
pub const SSH: &str = "ssh";

/// A truth table of a PAM stack (the result for each combination of factors), and what is known about the program that
/// calls PAM.
pub struct Case<'a> {
    /// The truth table of the stack.
    pub table: &'a CaseTable,
    /// Path of the PAM file that a finding names if it cannot name a single line of the stack.
    pub file: &'a str,
    /// The service, as it is named in the arguments of `twinlock doctor`.
    pub service: &'a str,
    /// Whether users reach PAM with a key, without one, or both, by sshd's present settings.
    pub reach: Reach,
    /// Whether users reach PAM with a key, without one, or both after the administrator has corrected sshd's settings.
    pub wanted: Reach,
    /// The processes in which the program calls pam_setcred after a login. pam_setcred must succeed there.
    pub credentials: Processes,
    /// Function that returns whether a row of the truth table is a login that users can really make: PAM grants access,
    /// and sshd calls PAM after a key, or without one, as the row assumes.
    pub usable: &'a dyn Fn(&CaseRow) -> bool,
}

/// The processes in which a program calls pam_setcred after a login. If pam_setcred fails there, the login ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Processes {
    /// pam_setcred is called in another process than the login, as sshd does after prompts.
    pub apart: bool,
    /// pam_setcred is called in the same process as the login.
    pub same: bool,
}

/// What is wrong with a row of the truth table: it grants access although a factor is missing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wrong {
    /// Access without any factor, for an account that is not exempt.
    Open,
    /// Access with a code but neither a password nor a key.
    CodeAlone,
    /// Access with a password but no code.
    PasswordAlone,
    /// Access with a key but no code.
    KeyAlone,
    /// Access without any factor, for an account that is exempt from the code.
    ExemptAlone,
}

/// Returns what is wrong with a row of the truth table: it grants access without a required factor. `None` if the row
/// refuses access, or grants it with all required factors.
#[must_use]
pub fn wrong(row: &CaseRow) -> Option<Wrong> {
    if !row.passes() {
        return None;
    }
    let nothing = row.world.empty_handed();
    match row.world.answer {
        ModuleAnswer::Right => nothing.then_some(Wrong::CodeAlone),
        ModuleAnswer::Exempt => nothing.then_some(Wrong::ExemptAlone),
        ModuleAnswer::Wrong | ModuleAnswer::Broken(_) if nothing => Some(Wrong::Open),
        ModuleAnswer::Wrong | ModuleAnswer::Broken(_) => match row.world.password {
            Password::By(_) => Some(Wrong::PasswordAlone),
            Password::None(_) => Some(Wrong::KeyAlone),
        },
    }
}

impl Case<'_> {
    /// Returns why it is not known whether pam_setcred succeeds after a login as this row of the truth table assumes
    /// it: at most one reason for each process that calls pam_setcred.
    pub(super) fn credentials_doubts(
        &self,
        row: &CaseRow,
    ) -> impl Iterator<Item = CredentialsDoubt<'_>> {
        let apart = self.credentials.apart.then(|| doubt(self.table, None)).flatten();
        let same = self.credentials.same.then(|| doubt(self.table, Some(row))).flatten();
        apart.into_iter().chain(same)
    }

    /// Returns the line of the stack with the index `number`, from 0; `None` beyond the end of the stack.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<&Cast> {
        self.table.cast.get(number)
    }

    /// Returns a remedy that replaces the whole stack. The remedy is an empty text if the new stack would have a fault
    /// as well.
    #[must_use]
    pub fn recipe(&self) -> String {
        let recipe = StackRecipe {
            file: self.file,
            reach: self.wanted,
            proofs: self.proofs(),
            beside_key: if self.key_is_enough() {
                OtherFactor::Nothing
            } else {
                OtherFactor::Password
            },
            kept: Kept::of(self),
        };
        let lines = format!("{}\n", recipe.lines().join("\n"));
        match self.mends(self.wanted, &Edit::Rewrite(&lines)) {
            true => recipe.text(),
            false => String::new(),
        }
    }

    /// Returns [`Case::recipe`] if the arguments of all twinlock lines are valid. Otherwise doctor cannot know what the
    /// stack is meant to do, and the remedy is to correct the arguments first.
    #[must_use]
    pub fn recipe_when_read(&self) -> String {
        let mistaken = |line: &&Cast| matches!(&line.role, AssumedRole::Twinlock(args) if args.mistake.is_some());
        self.table.cast.iter().find(mistaken).map_or_else(
            || self.recipe(),
            |line| {
                format!(
                    "Correct the arguments of the line at {} first, then run `twinlock doctor {}` again.",
                    line.handler.place, self.service
                )
            },
        )
    }

    fn proofs(&self) -> Vec<&str> {
        let mut proofs: Vec<&str> = Vec::new();
        for line in &self.table.cast {
            if let AssumedRole::Proof(name) = &line.role
                && !proofs.contains(&name.as_str())
            {
                proofs.push(name);
            }
        }
        proofs
    }

    /// Reports whether the stack of [`Case::recipe`] asks any user for a password.
    #[must_use]
    pub fn asks_password(&self) -> bool {
        self.wanted.without_key || !self.key_is_enough()
    }

    /// Reports whether a user with a key needs no password: the present stack has no module that asks for a password,
    /// or it grants access to a user with a key and without a password.
    fn key_is_enough(&self) -> bool {
        let without = |row: &CaseRow| {
            row.passes() && row.world.key && matches!(row.world.password, Password::None(_))
        };
        self.proofs().is_empty() || self.table.rows.iter().any(without)
    }
}
