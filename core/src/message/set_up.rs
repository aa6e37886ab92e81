//! Messages of the set-up of a user.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::{base::time::UnixTime, record::extras::AuditStamp};

/// One message of the set-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetUp {
    /// Explains set-up, and says how to begin.
    Begin {
        /// The account name.
        user: String,
        /// The reason that the administrator gives for set-up; `None` for the built-in text.
        reason: Option<String>,
        /// What the user must type to begin set-up.
        by: Beginning,
        /// Whether the login continues if the user does not set up.
        without: Going,
        /// Who reset this user, and when; `None` if the user was not reset.
        reset: Option<AuditStamp>,
    },
    /// Asks again for the word that begins set-up.
    BeginAgain {
        /// Whether the login continues if the user does not set up.
        without: Going,
    },
    /// The ticket has expired; a new one will be mailed.
    TicketExpired,
    /// The ticket is wrong. Asks again.
    WrongTicket {
        /// Number of further answers that are accepted.
        left: u8,
    },
    /// The answer is not a ticket. Asks again.
    NotATicket,
    /// The last message to a client that did not begin set-up. It says that set-up needs a person at a terminal,
    /// because the client may be a script.
    NeedsAPerson,
    /// An earlier login began set-up. Shown above the key.
    BegunBefore {
        /// Time at which set-up was begun.
        at: UnixTime,
        /// Source of the login in which set-up was begun.
        source: String,
        /// Whether this key is the one that was shown when set-up was begun.
        key: SameKey,
    },
    /// Asks the user to scan the QR code below.
    Scan,
    /// The key in groups. Shown below the QR code.
    OrType {
        /// The key in groups.
        key: Zeroizing<String>,
    },
    /// The key in groups. Shown alone if no QR code can be shown.
    TypeKey {
        /// The key in groups.
        key: Zeroizing<String>,
    },
    /// Asks for the first code of the new key.
    AskCode {
        /// Number of digits of the code.
        digits: u8,
    },
    /// The code does not match the new key.
    WrongCode,
    /// The code matches another time than the current one, so a clock is wrong.
    ClockOff {
        /// Seconds by which the app's clock is ahead of this host's; negative if it is behind.
        ahead: i64,
    },
    /// The code was used already.
    UsedCode {
        /// Seconds until the app shows the next code.
        wait: u64,
    },
    /// The answer is not a code.
    NotACode,
    /// The answer is empty. Another empty answer cancels.
    NothingTyped,
    /// No further code is accepted, after too many wrong answers.
    TooMany {
        /// Time up to which a later login can continue with this key; `None` if no later login can.
        until: Option<UnixTime>,
    },
    /// No further ticket is accepted, after too many wrong answers.
    NoTicket {
        /// The account name.
        user: String,
    },
}

/// What the user must type to begin set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// The user types the word `start`.
    Word,
    /// The user types a ticket.
    Ticket,
}

/// Whether a login continues if the user does not set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// The login is refused.
    No,
    /// The login continues. Holds the time from which it no longer does; `None` if there is no such time.
    On(Option<UnixTime>),
}

/// Whether the key on the screen is the one that an earlier login showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameKey {
    /// The key is the one that an earlier login showed.
    Same,
    /// The key is a new one. The key that an earlier login showed is no longer valid.
    Another,
}

/// The words that begin set-up in each language. They include a form without Swedish letters, and the capital of the
/// Swedish letter, because [`is_begin`] ignores the case of ASCII letters only.
pub const WORDS: [&str; 5] = ["start", "starta", "börja", "bÖrja", "borja"];

/// Returns whether an answer is a word that begins set-up, ignoring case.
#[must_use]
pub fn is_begin(word: &str) -> bool {
    // Lower case of all letters would need tables of several kilobytes, which sshd would load with the module.
    WORDS.iter().any(|one| one.eq_ignore_ascii_case(word.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_set_up_in_any_case() {
        for word in ["start", " Start\n", "STARTA", "börja", "BÖRJA", "Borja"] {
            assert!(is_begin(word), "{word}");
        }
        for word in ["", "star", "starts", "1", "bórja"] {
            assert!(!is_begin(word), "{word}");
        }
    }
}
