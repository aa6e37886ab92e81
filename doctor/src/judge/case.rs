//! Input of the judgment of a stack: its truth table, and which users sshd lets through to PAM.
use crate::judge::kept::Kept;
use crate::judge::remedies::{OtherFactor, StackRecipe};
use crate::judge::trial::Edit;
use crate::pam::credentials::doubt;
use crate::pam::table::{CaseRow, CaseTable, Cast, Password, Role};
use crate::pam::twinlock::ModuleAnswer;

/// First factors with which sshd lets users through to PAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Some way reaches PAM without a key.
    pub without_key: bool,
    /// Some way reaches PAM after a key.
    pub with_key: bool,
}

impl Reach {
    /// Both: sshd's settings are unknown, or PAM is not asked at all.
    pub const EVERY: Self = Self { without_key: true, with_key: true };

    /// Returns whether users reach PAM after a key (`key` is true) or without one (false).
    #[must_use]
    pub fn covers(self, key: bool) -> bool {
        if key { self.with_key } else { self.without_key }
    }
}

/// Argument of `twinlock doctor` for sshd.
pub const SSH: &str = "ssh";

/// A truth table and its circumstances.
pub struct Case<'a> {
    /// The truth table.
    pub table: &'a CaseTable,
    /// The file to name if no line is to blame.
    pub file: &'a str,
    /// The service, as the argument of `twinlock doctor`.
    pub service: &'a str,
    /// First factors with which sshd lets users through to PAM now.
    pub reach: Reach,
    /// First factors with which sshd lets users through to PAM once its settings are corrected.
    pub wanted: Reach,
    /// Where the program calls pam_setcred after a login.
    pub credentials: Processes,
    /// Returns whether a user gets in by a row: the row grants access, and sshd allows a way to log in that provides
    /// what the row needs.
    pub usable: &'a dyn Fn(&CaseRow) -> bool,
}

/// The processes in which a program calls pam_setcred. If that fails, the login ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Processes {
    /// In another process than that of the login, as sshd after prompts.
    pub apart: bool,
    /// In the process of the login.
    pub same: bool,
}

/// What is wrong with a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wrong {
    /// Access without any factor.
    Open,
    /// Access with only a code.
    CodeAlone,
    /// Access with a password but no code.
    PasswordAlone,
    /// Access with a key but no code.
    KeyAlone,
    /// Access of an exempt account without any factor.
    ExemptAlone,
}

/// Returns what is wrong with a row, if anything.
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
    /// Returns the unknown modules on whose answers it depends whether pam_setcred succeeds after a login by the row, one
    /// for each process that calls it.
    pub(super) fn credentials_doubts(&self, row: &CaseRow) -> impl Iterator<Item = &Cast> {
        let apart = self.credentials.apart.then(|| doubt(&self.table.cast, None)).flatten();
        let same = self.credentials.same.then(|| doubt(&self.table.cast, Some(row))).flatten();
        apart.into_iter().chain(same)
    }

    /// Returns the line with this index.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<&Cast> {
        self.table.cast.get(number)
    }

    /// Returns the stack to write in place of one that is wrong as a whole; empty if none is known to be right.
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

    /// Returns the recipe. If the arguments of a twinlock line contain a mistake, the purpose of the stack is unknown,
    /// and the text says instead that they must be corrected first.
    #[must_use]
    pub fn recipe_when_read(&self) -> String {
        let mistaken =
            |line: &&Cast| matches!(&line.role, Role::Twinlock(args) if args.mistake.is_some());
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
            if let Role::Proof(name) = &line.role
                && !proofs.contains(&name.as_str())
            {
                proofs.push(name);
            }
        }
        proofs
    }

    /// Reports whether a rewritten stack asks any user for a password.
    #[must_use]
    pub fn asks_password(&self) -> bool {
        self.wanted.without_key || !self.key_is_enough()
    }

    /// Reports whether a user with a key needs no password in this stack.
    fn key_is_enough(&self) -> bool {
        let without = |row: &CaseRow| {
            row.passes() && row.world.key && matches!(row.world.password, Password::None(_))
        };
        self.proofs().is_empty() || self.table.rows.iter().any(without)
    }
}
