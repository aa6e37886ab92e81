//! A service as libpam keeps it: one flat list of lines for each type.
use std::collections::BTreeMap;

use crate::pam::control::Actions;

/// Largest depth of includes and substacks.
pub const DEEPEST: usize = 15;

/// File and line in which a line of a stack is written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LinePlace {
    /// Path of the file that contains the line.
    pub file: String,
    /// The line number, from 1.
    pub line: usize,
}

impl std::fmt::Display for LinePlace {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.file, self.line)
    }
}

/// What a line of the flattened stack runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StackKind {
    /// A module.
    Module {
        /// The path of the module as written.
        path: String,
        /// The arguments of the module.
        args: Vec<String>,
    },
    /// Beginning of a substack, whose lines follow. Calls no module.
    Substack,
    /// A line that libpam cannot use and answers with `PAM_PERM_DENIED`.
    Broken,
}

/// A line of the flattened stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handler {
    /// What the line runs.
    pub kind: StackKind,
    /// Actions for the return codes of the module.
    pub actions: Actions,
    /// Number of substacks around the line.
    pub level: usize,
    /// Where the line is written.
    pub place: LinePlace,
}

/// Type of a line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Facility {
    /// Authentication.
    Auth,
    /// Account validity.
    Account,
    /// Begin and end of a session.
    Session,
    /// Password change.
    Password,
}

/// A fault in the files that libpam treats as a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackError {
    /// File and line of the fault.
    pub place: LinePlace,
    /// What is wrong, as a clause.
    pub what: String,
}

impl core::fmt::Display for StackError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl core::error::Error for StackError {}

/// A service as libpam loads it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Service {
    pub(super) own: BTreeMap<Facility, Vec<Handler>>,
    pub(super) other: BTreeMap<Facility, Vec<Handler>>,
    /// The service's own file, if there is one.
    pub file: Option<String>,
    /// The faults of lines that libpam cannot use.
    pub faults: Vec<StackError>,
    /// Set if libpam gives up before authentication: nobody gets in, not even with a key.
    pub unusable: Option<StackError>,
}

impl Service {
    /// Returns the lines of a type. If the service has none, returns the lines of the service `other`.
    #[must_use]
    pub fn lines(&self, facility: Facility) -> &[Handler] {
        let find = |from: &'_ BTreeMap<Facility, Vec<Handler>>| from.contains_key(&facility);
        let from = if find(&self.own) { &self.own } else { &self.other };
        from.get(&facility).map_or(&[], Vec::as_slice)
    }
}

/// Returns the type with this name; `None` if there is no such type.
pub(super) fn facility(word: &str) -> Option<Facility> {
    match word.to_ascii_lowercase().as_str() {
        "auth" => Some(Facility::Auth),
        "account" => Some(Facility::Account),
        "session" => Some(Facility::Session),
        "password" => Some(Facility::Password),
        _ => None,
    }
}
