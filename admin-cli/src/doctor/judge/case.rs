//! What a stack is judged by: its truth table, and who gets as far as PAM.
use crate::pam::table::{Cast, Row, Table};
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
    match (row.world.answer, row.world.empty_handed()) {
        (Answer::Right, true) => Some(Wrong::CodeAlone),
        (Answer::Exempt, true) => Some(Wrong::ExemptAlone),
        (Answer::Wrong, true) => Some(Wrong::Open),
        (Answer::Wrong, false) if row.world.key => Some(Wrong::KeyAlone),
        (Answer::Wrong, false) => Some(Wrong::PasswordAlone),
        (Answer::Right | Answer::Exempt, false) => None,
    }
}

impl Case<'_> {
    /// The line of that number.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<&Cast> {
        self.table.cast.get(number)
    }
}
