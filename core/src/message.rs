//! Messages shown during a login; `text` holds their texts.
//!
//! May use: `base`, `event`, `record`.

pub mod change;
pub mod new_codes;
pub mod own_account;
pub mod role;
pub mod set_up;

use alloc::string::String;

use crate::{base::time::UnixTime, event::Resynced};

/// One message of a login. If the first factor is not proven, only [`Message::NotAccepted`] and the prompts are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The first prompt, which asks for a verification code.
    AskCode,
    /// The first prompt if the user has a valid ticket for new backup codes.
    AskCodeOrTicket,
    /// The prompt for a ticket, after the user chose it in the menu of other ways to sign in.
    AskTicket,
    /// The only prompt if one answer contains the password and the code.
    AskPasswordAndCode,
    /// The menu of other ways to sign in, such as a backup code.
    OtherWays(Ways),
    /// The prompt for a backup code, after the user chose it in the menu of other ways to sign in.
    AskBackupCode,
    /// The answer was not accepted. The message gives no reason.
    NotAccepted,
    /// The code is wrong.
    Wrong {
        /// Number of further answers that this login accepts.
        left: u8,
    },
    /// The answer is not a code.
    NotACode,
    /// The answer has nine digits, but the user has no valid bypass code.
    NoBypass,
    /// The answer has twelve letters, but the user has no valid ticket.
    NoTicket,
    /// The user made too many invalid choices in the menu of other ways to sign in.
    NoSuchWay(Ways),
    /// The choice is invalid. Shown above the repeated menu.
    NotAChoice,
    /// The code was used already.
    Replayed {
        /// Seconds until the app shows the next code.
        wait: u64,
    },
    /// The backup code was used already.
    Spent,
    /// A backup code was accepted.
    CodesLeft {
        /// Number of unused backup codes.
        left: u8,
    },
    /// A backup code was accepted, and so few are left that the user should renew them.
    FewCodesLeft {
        /// Number of unused backup codes.
        left: u8,
    },
    /// The code is older than the ledger, which does not know whether it was used.
    BeforeEpoch {
        /// Seconds until the app shows a code that is not older than the ledger.
        wait: u64,
        /// The latest time that the host's clock showed while it was ahead, if this is the cause; `None` for other
        /// causes.
        ahead: Option<UnixTime>,
    },
    /// Two adjacent codes match another time than the current one, so a clock is wrong.
    ClockOff {
        /// Seconds by which the app's clock is ahead of this host's; negative if it is behind.
        ahead: i64,
        /// Seconds until two adjacent codes are accepted; `None` if waiting does not help.
        wait: Option<u64>,
    },
    /// Two adjacent codes granted access. Holds what they revealed: the error of the app's clock, or the token's
    /// counter.
    Resynced(Resynced),
    /// The code was not compared, because there were too many wrong codes recently.
    Throttled {
        /// The time at which the next code will be compared.
        until: UnixTime,
        /// Seconds from now to `until`.
        wait: u64,
    },
    /// The user is locked out after too many consecutive wrong codes.
    Locked {
        /// The account name.
        user: String,
    },
    /// The user is not enrolled, although the settings require enrollment.
    NotEnrolled {
        /// The account name.
        user: String,
    },
    /// The user's record cannot be read.
    RecordUnreadable {
        /// The account name.
        user: String,
    },
    /// The code was correct, but the user's record cannot be written.
    RecordUnwritable {
        /// The account name.
        user: String,
    },
    /// The program that loads the module does not run as root, so it cannot read the records.
    CallerNotRoot,
    /// A fault of the host, other than a record that cannot be read or written.
    MachineFault {
        /// The account name.
        user: String,
    },
    /// Another process changed the record during this login.
    Overtaken,
    /// The user must log in through another program, because this one cannot show the dialogue that is needed.
    Elsewhere,
    /// The question after the last message of a login. Any answer is accepted.
    PressEnter,
}

/// The entries in the menu of other ways to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// The menu of a user whose first factor is not proven. It is the same for every user name, and so does not
    /// disclose whether the user is enrolled.
    Everybodys,
    /// The menu after a proven first factor: an app code, a backup code, or a change of the enrollment.
    WithCodes,
    /// The menu after a proven first factor, for a user without backup codes. The user can choose an app code or a
    /// change of the enrollment.
    AppOnly,
    /// The menu after a proven first factor, for a user with a ticket for new backup codes.
    WithTicket,
}
