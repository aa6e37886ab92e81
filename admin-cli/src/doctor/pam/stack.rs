//! A service as libpam keeps it: one flat list of lines for each kind of question.
use std::collections::BTreeMap;

use super::control::Actions;

/// How deep includes and substacks may go.
pub const DEEPEST: usize = 15;

/// A line of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.file, self.line)
    }
}

/// What a line of the flattened stack runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A module.
    Module {
        /// As it is written.
        path: String,
        /// Its arguments.
        args: Vec<String>,
    },
    /// The head of a substack; runs nothing.
    Substack,
    /// A line that libpam cannot use and therefore answers with permission denied.
    Broken,
}

/// A line of the flattened stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handler {
    /// What it runs.
    pub kind: Kind,
    /// What it does with the answer.
    pub actions: Actions,
    /// How many substacks it stands in.
    pub level: usize,
    /// Where it is written.
    pub place: Place,
}

/// The question that a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Facility {
    /// Who is it?
    Auth,
    /// May the account be used?
    Account,
    /// Begin and end of a session.
    Session,
    /// A new password.
    Password,
}

/// Something in the files that libpam takes as a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, as a clause.
    pub what: String,
}

/// A service as libpam loads it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Service {
    pub(super) own: BTreeMap<Facility, Vec<Handler>>,
    pub(super) other: BTreeMap<Facility, Vec<Handler>>,
    /// The service's own file, when there is one.
    pub file: Option<String>,
    /// Lines that libpam cannot use.
    pub faults: Vec<Fault>,
    /// Set when libpam gives up before the first question: nobody gets in, not even with a key.
    pub unusable: Option<Fault>,
}

impl Service {
    /// The lines for a question; without any, those of the service `other`.
    #[must_use]
    pub fn lines(&self, facility: Facility) -> &[Handler] {
        let find = |from: &'_ BTreeMap<Facility, Vec<Handler>>| from.contains_key(&facility);
        let from = if find(&self.own) { &self.own } else { &self.other };
        from.get(&facility).map_or(&[], Vec::as_slice)
    }
}

/// The question that the first word of a line names.
pub(super) fn facility(word: &str) -> Option<Facility> {
    match word.to_ascii_lowercase().as_str() {
        "auth" => Some(Facility::Auth),
        "account" => Some(Facility::Account),
        "session" => Some(Facility::Session),
        "password" => Some(Facility::Password),
        _ => None,
    }
}
