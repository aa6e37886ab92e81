//! A finding of doctor: a level, a stable name, what is wrong, and what to do.
use std::cmp::Ordering;

/// Severity of a finding. A report lists the findings in the order of these variants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// A user logs in without a code, or with nothing but a code.
    WayIn,
    /// A user with every correct factor cannot log in.
    LockOut,
    /// doctor cannot decide whether a login without a code or a lock-out is possible, because a fact is unknown.
    Unknown,
    /// A harmless state. One further change would let users in without a code, or lock out users.
    Warning,
    /// A login without a code that an entry in accepted.toml accepts.
    Exception,
    /// Information that needs no change.
    Note,
}

impl Level {
    /// Returns the name of the level in reports and in JSON.
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

    /// Returns whether the command exits with a failure if there is a finding of this level.
    #[must_use]
    pub fn fails(self) -> bool {
        match self {
            Self::WayIn | Self::LockOut => true,
            Self::Unknown | Self::Warning | Self::Exception | Self::Note => false,
        }
    }
}

/// One finding of doctor: its level, name and place, what is wrong, and the remedy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// The severity of the finding.
    pub level: Level,
    /// The stable name of the finding.
    pub id: &'static str,
    /// Where the fault is: `file:line`, or a file.
    pub place: String,
    /// Sentence that says what is wrong.
    pub what: String,
    /// What the administrator should do.
    pub remedy: String,
}

/// Names of findings that come first among those of their level, because the other findings are unreliable as long as
/// these faults exist.
const FIRST: [&str; 4] =
    ["hidden-character", "wrong-arguments", "unknown-argument", "missing-first-factor"];

impl Finding {
    /// Returns the text of [`Finding::what`] without line numbers. accepted.toml is compared with this text, because
    /// line numbers change when a file is edited. Digits are a line number only after the path of a file. The digits in
    /// an IPv6 address stay, because they say to which clients the finding applies.
    #[must_use]
    pub fn outcome(&self) -> String {
        let mut parts = self.what.split(':');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let ends_word = |letter: char| letter.is_whitespace() || "(\"`".contains(letter);
            let is_path = text.rsplit(ends_word).next().is_some_and(|word| word.starts_with('/'));
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            if !is_path || rest.len() == part.len() {
                text.push(':');
                text.push_str(part);
            } else {
                text.push_str(rest);
            }
        }
        text
    }

    /// Compares two findings by their order in a report: first by severity, then by whether their name is in `FIRST`,
    /// then by the other fields.
    #[must_use]
    pub fn in_report(&self, other: &Self) -> Ordering {
        let rank = |one: &Self| (one.level, !FIRST.contains(&one.id));
        rank(self).cmp(&rank(other)).then_with(|| self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_line_numbers_are_left_out() {
        for (what, outcome) in [
            ("At /etc/x:12 and /etc/y:3.", "At /etc/x and /etc/y."),
            (
                "by the block at /etc/x:12 (Address 2001:db8:1::/48).",
                "by the block at /etc/x (Address 2001:db8:1::/48).",
            ),
            ("For user a (/etc/x:4): key: 5.", "For user a (/etc/x): key: 5."),
            ("12:30 at ::1", "12:30 at ::1"),
        ] {
            let finding = Finding {
                level: Level::WayIn,
                id: "x",
                place: String::new(),
                what: what.to_owned(),
                remedy: String::new(),
            };
            assert_eq!(finding.outcome(), outcome);
        }
    }
}
