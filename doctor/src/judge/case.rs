//! Input of the judgment of a stack: its truth table, and the first factors with which users reach PAM.
use crate::judge::kept::Kept;
use crate::judge::remedies::{OtherFactor, StackRecipe};
use crate::judge::trial::Edit;
use crate::pam::credentials::doubt;
use crate::pam::table::{CaseRow, CaseTable, Cast, Password, Role};
use crate::pam::twinlock::ModuleAnswer;

/// First factors that sshd has verified when users reach PAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Some way to log in reaches PAM without a key.
    pub without_key: bool,
    /// Some way to log in reaches PAM after a key.
    pub with_key: bool,
}

impl Reach {
    /// With and without a key: for unknown settings of sshd, or an sshd that never calls PAM.
    pub const EVERY: Self = Self { without_key: true, with_key: true };

    /// Returns whether users reach PAM after a key (`key` is true) or without one (false).
    #[must_use]
    pub fn covers(self, key: bool) -> bool {
        if key { self.with_key } else { self.without_key }
    }
}

/// The name of sshd as the argument of `twinlock doctor`.
pub const SSH: &str = "ssh";

/// A truth table, and what is known about the program that calls PAM.
pub struct Case<'a> {
    /// The truth table of the stack.
    pub table: &'a CaseTable,
    /// The PAM file that a finding names if no line is to blame.
    pub file: &'a str,
    /// The service, as the argument of `twinlock doctor`.
    pub service: &'a str,
    /// First factors with which users reach PAM now.
    pub reach: Reach,
    /// First factors with which users reach PAM once sshd's settings are corrected.
    pub wanted: Reach,
    /// The processes in which the program calls pam_setcred after a login.
    pub credentials: Processes,
    /// Returns whether a user gets in by a row: the row grants access, and sshd allows a way to log in that provides
    /// what the row needs.
    pub usable: &'a dyn Fn(&CaseRow) -> bool,
}

/// The processes in which a program calls pam_setcred after a login. If pam_setcred fails there, the login ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Processes {
    /// Whether pam_setcred is called in another process than that of the login, as by sshd after prompts.
    pub apart: bool,
    /// Whether pam_setcred is called in the process of the login.
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
    /// Returns unknown modules on whose answers the success of pam_setcred after a login by the row depends: at most
    /// one for each process that calls pam_setcred.
    pub(super) fn credentials_doubts(&self, row: &CaseRow) -> impl Iterator<Item = &Cast> {
        let apart = self.credentials.apart.then(|| doubt(&self.table.cast, None)).flatten();
        let same = self.credentials.same.then(|| doubt(&self.table.cast, Some(row))).flatten();
        apart.into_iter().chain(same)
    }

    /// Returns the line with this index; `None` beyond the end of the stack.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<&Cast> {
        self.table.cast.get(number)
    }

    /// Returns the remedy that replaces the whole stack; empty if no stack is known to be right.
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

    /// Returns [`Case::recipe`] if the arguments of all twinlock lines are valid. Otherwise the purpose of the stack is
    /// unknown, and the returned text says to correct the arguments first.
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

    /// Reports whether a stack written anew asks any user for a password.
    #[must_use]
    pub fn asks_password(&self) -> bool {
        self.wanted.without_key || !self.key_is_enough()
    }

    /// Reports whether the present stack lets in a user with a key who gives no password.
    fn key_is_enough(&self) -> bool {
        let without = |row: &CaseRow| {
            row.passes() && row.world.key && matches!(row.world.password, Password::None(_))
        };
        self.proofs().is_empty() || self.table.rows.iter().any(without)
    }
}
