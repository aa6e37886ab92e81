//! What is said to a person during a login; `text` has the words.

pub mod change;
pub mod new_codes;
pub mod set_up;

use alloc::string::String;

use crate::{event::Resynced, time::UnixTime};

/// One thing to say. Only [`Message::NotAccepted`] and the prompts are said before a first factor is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The first prompt.
    AskCode,
    /// The first prompt, where a ticket for new backup codes works.
    AskCodeOrTicket,
    /// The prompt for a ticket, behind the menu.
    AskTicket,
    /// The only prompt where password and code are one answer.
    AskPasswordAndCode,
    /// The menu of other ways.
    OtherWays(Ways),
    /// The prompt for a backup code.
    AskBackupCode,
    /// Not accepted, whatever the reason.
    NotAccepted,
    /// A wrong code.
    Wrong {
        /// Answers left in this call.
        left: u8,
    },
    /// What was typed is no code.
    NotACode,
    /// Nine digits, of somebody who has no bypass that works.
    NoBypass,
    /// Twelve letters, of somebody who has no ticket that works.
    NoTicket,
    /// What was typed is none of the menu's choices, again and again.
    NoSuchWay(Ways),
    /// Stands above the menu that is shown again, after an answer that is none of its choices.
    NotAChoice,
    /// A code that was used already.
    Replayed {
        /// Seconds until the app shows another.
        wait: u64,
    },
    /// A code of a set that was used already.
    Spent,
    /// What is left of a set after one of its codes was accepted.
    CodesLeft {
        /// How many.
        left: u8,
    },
    /// The same, where it is time for new ones.
    FewCodesLeft {
        /// How many.
        left: u8,
    },
    /// A code from before the machine's memory begins.
    BeforeEpoch {
        /// Seconds until the app shows one from after.
        wait: u64,
        /// Until when the machine's clock was ahead, where that is why.
        ahead: Option<UnixTime>,
    },
    /// Two adjacent codes, right for another time than now.
    ClockOff {
        /// By how many seconds the app's clock is ahead of this machine's; negative when it is behind.
        ahead: i64,
        /// Seconds until two codes in a row help, where they ever do.
        wait: Option<u64>,
    },
    /// Two adjacent codes have let somebody in.
    Resynced(Resynced),
    /// Too many wrong codes lately.
    Throttled {
        /// When the next is judged.
        until: UnixTime,
        /// Seconds until then.
        wait: u64,
    },
    /// Too many wrong codes in a row.
    Locked {
        /// The account name.
        user: String,
    },
    /// Not enrolled, and the settings ask for it.
    NotEnrolled {
        /// The account name.
        user: String,
    },
    /// The record cannot be read.
    RecordUnreadable {
        /// The account name.
        user: String,
    },
    /// The code was right, and the record cannot be written.
    RecordUnwritable {
        /// The account name.
        user: String,
    },
    /// The calling program does not run as root.
    CallerNotRoot,
    /// Something else of the machine is broken.
    MachineFault {
        /// The account name.
        user: String,
    },
    /// Somebody else has changed the record under this login.
    Overtaken,
    /// More than a code has to be asked or shown, and this program cannot.
    Elsewhere,
    /// The question behind last words; any answer will do.
    PressEnter,
}

/// What the menu of other ways offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// What everybody is offered before a first factor, so that nothing is told.
    Everybodys,
    /// Behind one: app, backup codes, and changing something.
    WithCodes,
    /// Behind one, where there are no backup codes.
    AppOnly,
    /// Behind one, where a ticket for new backup codes works.
    WithTicket,
}
