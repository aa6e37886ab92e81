//! A PAM service as libpam loads it: one flat list of lines for each type.
use std::collections::BTreeMap;

use crate::pam::control::Actions;

/// Maximum depth of includes, and of substacks, that libpam accepts.
pub const DEEPEST: usize = 15;

/// File and line number at which a line of a stack is written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LinePlace {
    /// Path of the file that contains the line.
    pub file: String,
    /// Number of the line in the file, from 1; 0 for the file as a whole.
    pub line: usize,
}

impl std::fmt::Display for LinePlace {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.file, self.line)
    }
}

/// What libpam does at a line of the flattened stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StackKind {
    /// A line at which libpam calls a module.
    Module {
        /// The module as the line names it: a file name or a path.
        path: String,
        /// The arguments of the module.
        args: Vec<String>,
    },
    /// A line at which libpam starts a substack and calls no module. The lines of the substack follow.
    Substack,
    /// A line that libpam cannot use. libpam returns `PAM_PERM_DENIED` for it.
    Broken,
}

/// A line of the flattened stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handler {
    /// What libpam does at the line.
    pub kind: StackKind,
    /// Action for each return code of the module.
    pub actions: Actions,
    /// Number of substacks that contain the line.
    pub level: usize,
    /// File and line number at which the line is written.
    pub place: LinePlace,
}

/// Type of a PAM line, its first field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Facility {
    /// `auth`: authentication.
    Auth,
    /// `account`: whether the account may be used.
    Account,
    /// `session`: start and end of a session.
    Session,
    /// `password`: change of the password.
    Password,
}

/// An error in a PAM file that makes libpam refuse a line or the whole service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackError {
    /// File and line number of the error.
    pub place: LinePlace,
    /// What is wrong, as a clause without a full stop.
    pub what: String,
}

impl core::fmt::Display for StackError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl core::error::Error for StackError {}

/// A PAM service as libpam loads it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Service {
    pub(super) own: BTreeMap<Facility, Vec<Handler>>,
    pub(super) other: BTreeMap<Facility, Vec<Handler>>,
    /// Path of the service's own file. `None` if there is no such file; libpam then uses the file of the service
    /// `other`.
    pub file: Option<String>,
    /// The errors because of which libpam cannot use single lines.
    pub faults: Vec<StackError>,
    /// The error because of which libpam cannot load the service at all. No user can then log in, not even with a key.
    /// `None` if libpam can load the service.
    pub unusable: Option<StackError>,
}

impl Service {
    /// Returns the service's lines of one type; if it has none, those of the service `other`.
    #[must_use]
    pub fn lines(&self, facility: Facility) -> &[Handler] {
        let find = |from: &'_ BTreeMap<Facility, Vec<Handler>>| from.contains_key(&facility);
        let from = if find(&self.own) { &self.own } else { &self.other };
        from.get(&facility).map_or(&[], Vec::as_slice)
    }
}

/// Returns the type with this name, such as `auth`; `None` if there is no such type.
pub(super) fn facility(word: &str) -> Option<Facility> {
    match word.to_ascii_lowercase().as_str() {
        "auth" => Some(Facility::Auth),
        "account" => Some(Facility::Account),
        "session" => Some(Facility::Session),
        "password" => Some(Facility::Password),
        _ => None,
    }
}
