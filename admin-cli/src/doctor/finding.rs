//! What doctor has to say: a level, a stable name, one sentence that says what and one that says what to do.
use std::cmp::Ordering;

/// How bad it is. The order is the order of the report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Somebody gets in without a code, or with nothing but a code.
    WayIn,
    /// Somebody who has everything does not get in.
    LockOut,
    /// Harmless as things are; one more change makes it one of the above.
    Warning,
    /// Somebody is let in without a code because a line says so.
    Exception,
    /// Worth knowing.
    Note,
}

impl Level {
    /// The word in reports and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WayIn => "way-in",
            Self::LockOut => "lock-out",
            Self::Warning => "warning",
            Self::Exception => "exception",
            Self::Note => "note",
        }
    }

    /// Whether the command ends with the exit code for it.
    #[must_use]
    pub fn fails(self) -> bool {
        match self {
            Self::WayIn | Self::LockOut => true,
            Self::Warning | Self::Exception | Self::Note => false,
        }
    }
}

/// One thing that was found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Its stable name.
    pub id: &'static str,
    /// `file:line`, or a file.
    pub place: String,
    /// What it is.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// What makes the rest of a report void until it is corrected.
const FIRST: [&str; 3] = ["wrong-arguments", "unknown-argument", "missing-first-factor"];

impl Finding {
    /// The order of a report: the worst first, and among those what has to be corrected before the others.
    #[must_use]
    pub fn in_report(&self, other: &Self) -> Ordering {
        let rank = |one: &Self| (one.level, !FIRST.contains(&one.id));
        rank(self).cmp(&rank(other)).then_with(|| self.cmp(other))
    }
}
