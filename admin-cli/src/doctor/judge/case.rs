//! What a stack is judged by: its truth table, and who gets as far as PAM.
use crate::judge::kept::Kept;
use crate::judge::remedies::{Beside, Recipe};
use crate::pam::table::{Cast, Password, Role, Row, Table};
use crate::pam::twinlock::Answer;

/// With what sshd lets people come as far as PAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Some way reaches PAM without a key.
    pub without_key: bool,
    /// Some way reaches PAM after a key.
    pub with_key: bool,
}

impl Reach {
    /// Nothing is known of sshd, or PAM is not asked at all.
    pub const EVERY: Self = Self { without_key: true, with_key: true };

    /// Whether people come so, with or without a key.
    #[must_use]
    pub fn covers(self, key: bool) -> bool {
        if key { self.with_key } else { self.without_key }
    }
}

/// A table and the circumstances it is judged in.
pub struct Case<'a> {
    /// The table.
    pub table: &'a Table,
    /// The file to name when no line is to blame.
    pub file: &'a str,
    /// What sshd lets through.
    pub reach: Reach,
    /// With what people come once sshd is set right.
    pub wanted: Reach,
}

/// What is wrong with a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wrong {
    /// Nothing was proven, and they are in.
    Open,
    /// A code and nothing else.
    CodeAlone,
    /// A password and no code.
    PasswordAlone,
    /// A key and no code.
    KeyAlone,
    /// An exempt account with nothing.
    ExemptAlone,
}

/// What is wrong with a row, if anything is.
#[must_use]
pub fn wrong(row: &Row) -> Option<Wrong> {
    if !row.passes() {
        return None;
    }
    let nothing = row.world.empty_handed();
    match row.world.answer {
        Answer::Right => nothing.then_some(Wrong::CodeAlone),
        Answer::Exempt => nothing.then_some(Wrong::ExemptAlone),
        Answer::Wrong | Answer::Broken(_) if nothing => Some(Wrong::Open),
        Answer::Wrong | Answer::Broken(_) => match row.world.password {
            Password::By(_) => Some(Wrong::PasswordAlone),
            Password::None(_) => Some(Wrong::KeyAlone),
        },
    }
}

impl Case<'_> {
    /// The line of that number.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<&Cast> {
        self.table.cast.get(number)
    }

    /// What to write instead of a stack that is wrong as a whole.
    #[must_use]
    pub fn recipe(&self) -> String {
        Recipe {
            file: self.file,
            reach: self.wanted,
            proofs: self.proofs(),
            beside_key: if self.key_is_enough() { Beside::Nothing } else { Beside::Password },
            kept: Kept::of(self),
        }
        .text()
    }

    /// The same, where no line is refused for its arguments: what such a stack is meant to do cannot be seen.
    #[must_use]
    pub fn recipe_when_read(&self) -> String {
        let mistaken =
            |line: &&Cast| matches!(&line.role, Role::Twinlock(args) if args.mistake.is_some());
        self.table.cast.iter().find(mistaken).map_or_else(
            || self.recipe(),
            |line| {
                format!(
                    "Correct the arguments of the line at {} first, then run `twinlock doctor ssh` again.",
                    line.handler.place
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

    /// Whether a rewritten stack asks anybody for a password.
    #[must_use]
    pub fn asks_password(&self) -> bool {
        self.wanted.without_key || !self.key_is_enough()
    }

    /// Whether who has a key needs no password in this stack.
    fn key_is_enough(&self) -> bool {
        let without = |row: &Row| {
            row.passes() && row.world.key && matches!(row.world.password, Password::None(_))
        };
        self.proofs().is_empty() || self.table.rows.iter().any(without)
    }
}
