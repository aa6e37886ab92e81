//! Messages shown during a login; `text` holds their texts.
//!
//! May use: `base`, `event`, `record`.

pub mod change;
pub mod new_codes;
pub mod set_up;

use alloc::string::String;

use crate::{base::time::UnixTime, event::Resynced};

/// One message. Before a proven first factor, only [`Message::NotAccepted`] and the prompts are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The first prompt.
    AskCode,
    /// The first prompt, if a ticket for new backup codes is valid.
    AskCodeOrTicket,
    /// The prompt for a ticket, after the menu.
    AskTicket,
    /// The only prompt if password and code are one answer.
    AskPasswordAndCode,
    /// The menu of other ways.
    OtherWays(Ways),
    /// The prompt for a backup code.
    AskBackupCode,
    /// Not accepted, for any reason.
    NotAccepted,
    /// A wrong code.
    Wrong {
        /// Answers left in this call.
        left: u8,
    },
    /// The answer is not a code.
    NotACode,
    /// Nine digits, but the user has no valid bypass code.
    NoBypass,
    /// Twelve letters, but the user has no valid ticket.
    NoTicket,
    /// Invalid menu choices, too often.
    NoSuchWay(Ways),
    /// Shown above the repeated menu after an invalid choice.
    NotAChoice,
    /// A code that was used already.
    Replayed {
        /// Seconds until the app shows the next code.
        wait: u64,
    },
    /// A used backup code.
    Spent,
    /// How many backup codes are left after one was accepted.
    CodesLeft {
        /// Number of codes.
        left: u8,
    },
    /// As [`Self::CodesLeft`], with a warning to renew them.
    FewCodesLeft {
        /// Number of codes.
        left: u8,
    },
    /// A code older than the epoch, so it may have been used.
    BeforeEpoch {
        /// Seconds until the app shows a later code.
        wait: u64,
        /// Until when the host's clock was ahead, if that is the cause.
        ahead: Option<UnixTime>,
    },
    /// Two adjacent codes of a time other than now.
    ClockOff {
        /// Seconds by which the app's clock is ahead of this host's; negative if it is behind.
        ahead: i64,
        /// Seconds until two adjacent codes help; `None` if they never do.
        wait: Option<u64>,
    },
    /// Two adjacent codes granted access.
    Resynced(Resynced),
    /// Too many recent wrong codes.
    Throttled {
        /// When the next code will be compared.
        until: UnixTime,
        /// Seconds until then.
        wait: u64,
    },
    /// Locked out: too many consecutive wrong codes.
    Locked {
        /// The account name.
        user: String,
    },
    /// Not enrolled, although the settings require it.
    NotEnrolled {
        /// The account name.
        user: String,
    },
    /// The record cannot be read.
    RecordUnreadable {
        /// The account name.
        user: String,
    },
    /// The code was correct, but the record cannot be written.
    RecordUnwritable {
        /// The account name.
        user: String,
    },
    /// The calling program is not root.
    CallerNotRoot,
    /// Another fault of the host.
    MachineFault {
        /// The account name.
        user: String,
    },
    /// Another process changed the record during this login.
    Overtaken,
    /// A dialogue is needed, which this program cannot show.
    Elsewhere,
    /// The question after the last message; any answer is accepted.
    PressEnter,
}

/// The entries in the menu of other ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// The same entries for every user, before a first factor, so that nothing is disclosed.
    Everybodys,
    /// Behind a first factor: app, backup codes and changes.
    WithCodes,
    /// Behind a first factor, without backup codes.
    AppOnly,
    /// Behind a first factor, with a valid ticket for new backup codes.
    WithTicket,
}
