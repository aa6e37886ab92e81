//! A finding of doctor: a level, a stable name, what is wrong, and what to do.
use std::cmp::Ordering;

/// Severity, in the order of the report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// A user gets in without a code, or with only a code.
    WayIn,
    /// A user with all factors does not get in.
    LockOut,
    /// What is not known, and decides whether there is a way in or a lock-out.
    Unknown,
    /// Harmless now, but one more change makes it a way in or a lock-out.
    Warning,
    /// A way in that is accepted.
    Exception,
    /// For information.
    Note,
}

impl Level {
    /// Returns the word in reports and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WayIn => "way-in",
            Self::LockOut => "lock-out",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Exception => "exception",
            Self::Note => "note",
        }
    }

    /// Reports whether the command fails because of it.
    #[must_use]
    pub fn fails(self) -> bool {
        match self {
            Self::WayIn | Self::LockOut => true,
            Self::Unknown | Self::Warning | Self::Exception | Self::Note => false,
        }
    }
}

/// One finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// Severity.
    pub level: Level,
    /// Stable name.
    pub id: &'static str,
    /// `file:line`, or a file.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// Findings that have to be corrected first, since they make the other findings unreliable.
const FIRST: [&str; 4] =
    ["hidden-character", "wrong-arguments", "unknown-argument", "missing-first-factor"];

impl Finding {
    /// Returns what is wrong without line numbers, which move when a file is edited.
    #[must_use]
    pub fn outcome(&self) -> String {
        let mut parts = self.what.split(':');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            if rest.len() == part.len() {
                text.push(':');
            }
            text.push_str(rest);
        }
        text
    }

    /// Orders findings in a report: by severity, then those that have to be corrected first.
    #[must_use]
    pub fn in_report(&self, other: &Self) -> Ordering {
        let rank = |one: &Self| (one.level, !FIRST.contains(&one.id));
        rank(self).cmp(&rank(other)).then_with(|| self.cmp(other))
    }
}
