//! Messages of the set-up.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::{base::time::UnixTime, record::extras::AuditStamp};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetUp {
    /// What set-up is, and how to begin.
    Begin {
        /// The account name.
        user: String,
        /// The administrator's reason.
        reason: Option<String>,
        /// What the user types to begin.
        by: Beginning,
        /// Whether the login continues without set-up.
        without: Going,
        /// Who reset this user, and when.
        reset: Option<AuditStamp>,
    },
    /// Asks again for the word that begins set-up.
    BeginAgain {
        /// Whether the login continues without set-up.
        without: Going,
    },
    /// The ticket has expired; a new one will be mailed.
    TicketExpired,
    /// The ticket is wrong; asks again.
    WrongTicket {
        /// Answers left.
        left: u8,
    },
    /// The answer is not a ticket; asks again.
    NotATicket,
    /// The last message to a client that did not begin, perhaps a script.
    NeedsAPerson,
    /// Shown above the key: set-up was begun before.
    BegunBefore {
        /// When set-up was begun.
        at: UnixTime,
        /// Where the user connected from then.
        source: String,
        /// Whether this is the key that was shown then.
        key: SameKey,
    },
    /// Shown above the QR code.
    Scan,
    /// Shown below the QR code: the key in groups.
    OrType {
        /// The key.
        key: Zeroizing<String>,
    },
    /// The key alone in groups, if no QR code can be shown.
    TypeKey {
        /// The key.
        key: Zeroizing<String>,
    },
    /// Asks for the first code.
    AskCode {
        /// Number of digits.
        digits: u8,
    },
    /// The code belongs to another key.
    WrongCode,
    /// The code is correct for another time.
    ClockOff {
        /// Seconds by which the app's clock is ahead.
        ahead: i64,
    },
    /// The code was used already.
    UsedCode {
        /// Seconds until the next code.
        wait: u64,
    },
    /// The answer is not a code.
    NotACode,
    /// An empty answer; another one cancels.
    NothingTyped,
    /// No further code is accepted.
    TooMany {
        /// Until when a login can continue with this key, if it can.
        until: Option<UnixTime>,
    },
    /// No further ticket is accepted.
    NoTicket {
        /// The account name.
        user: String,
    },
}

/// What the user types to begin set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// The word `start`.
    Word,
    /// A ticket.
    Ticket,
}

/// Whether a login continues without set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// The login is refused without set-up.
    No,
    /// The login continues without set-up, until this day if one is set.
    On(Option<UnixTime>),
}

/// Whether the key is the one that was shown before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameKey {
    /// The key is the same.
    Same,
    /// Another key; the one that was shown before is no longer valid.
    Another,
}

/// The words that begin set-up, in each language, including a form without Swedish letters.
pub const WORDS: [&str; 4] = ["start", "starta", "börja", "borja"];

/// Returns whether an answer is a word that begins set-up, ignoring case.
#[must_use]
pub fn is_begin(word: &str) -> bool {
    let word = word.trim().to_lowercase();
    WORDS.contains(&word.as_str())
}
