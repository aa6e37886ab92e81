//! What is said while somebody is set up.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::{beside::Trace, time::UnixTime};

/// One thing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetUp {
    /// What it is about, and how to begin.
    Begin {
        /// The account name.
        user: String,
        /// Why, in the administrator's words.
        reason: Option<String>,
        /// What begins it.
        by: Beginning,
        /// Whether the login goes on without.
        without: Going,
        /// Who has reset this person, and when.
        reset: Option<Trace>,
    },
    /// Asks again for the word that begins it, after another word.
    BeginAgain {
        /// Whether the login goes on without.
        without: Going,
    },
    /// The ticket has expired, and a fresh one is on its way by mail.
    TicketExpired,
    /// The ticket is wrong, and is asked for again.
    WrongTicket {
        /// Answers left.
        left: u8,
    },
    /// What was typed is no ticket, and it is asked for again.
    NotATicket,
    /// The last word to who did not begin: a script, perhaps.
    NeedsAPerson,
    /// Above the key: somebody has begun before.
    BegunBefore {
        /// When.
        at: UnixTime,
        /// Where from.
        source: String,
        /// Whether this is the key that was shown then.
        key: SameKey,
    },
    /// Above the picture.
    Scan,
    /// Below the picture: the key, in groups.
    OrType {
        /// The key.
        key: Zeroizing<String>,
    },
    /// The key alone, in groups, where no picture can be shown.
    TypeKey {
        /// The key.
        key: Zeroizing<String>,
    },
    /// Asks for the first code.
    AskCode {
        /// Its length.
        digits: u8,
    },
    /// The code is of another key.
    WrongCode,
    /// The code is right for another time.
    ClockOff {
        /// By how many seconds the app's clock is ahead.
        ahead: i64,
    },
    /// The code was used already.
    UsedCode {
        /// Seconds until there is another.
        wait: u64,
    },
    /// What was typed is no code.
    NotACode,
    /// Nothing was typed: another empty answer ends it.
    NothingTyped,
    /// No further code is asked for.
    TooMany {
        /// Until when a login goes on with the key, where it still does.
        until: Option<UnixTime>,
    },
    /// No further ticket is asked for.
    NoTicket {
        /// The account name.
        user: String,
    },
}

/// What begins set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// The word `start`.
    Word,
    /// A ticket.
    Ticket,
}

/// Whether a login goes on without set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// It does not.
    No,
    /// It does, until that day where there is one.
    On(Option<UnixTime>),
}

/// Whether a key is the one that was shown before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameKey {
    /// It is.
    Same,
    /// The one that was shown before works no more.
    Another,
}

/// What is typed to begin set-up, in each language, also without a Swedish keyboard.
pub const WORDS: [&str; 4] = ["start", "starta", "börja", "borja"];

/// Whether an answer is a word that begins set-up, in capitals or not.
#[must_use]
pub fn is_begin(word: &str) -> bool {
    let word = word.trim().to_lowercase();
    WORDS.contains(&word.as_str())
}
