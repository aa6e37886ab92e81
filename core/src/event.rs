//! What is told to the log: one event for each call.

use alloc::string::String;

use crate::{
    code_set::Shape,
    fault::{CodesFault, LedgerFault, StoreFault},
    request::SourceLabel,
    time::Step,
};

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// The canonical account name; nothing where NSS knows none, since what was typed may be a password.
    pub user: Option<String>,
    /// The PAM service.
    pub service: String,
    /// Where it came from.
    pub source: SourceLabel,
    /// The word of `first_factor=`.
    pub first_factor: &'static str,
    /// What was accepted.
    pub accepted: Option<Accepted>,
    /// Why, where it was not.
    pub reason: Option<Reason>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A code was accepted.
    Accepted,
    /// No code was needed.
    Exempt,
    /// Refused.
    Refused,
    /// Set-up was finished during the login.
    Enrolled,
    /// An authenticator was replaced during the login.
    KeyChanged,
    /// A new set of backup codes was confirmed during the login.
    CodesRenewed,
    /// The device is remembered from now on.
    DeviceRemembered,
}

/// What two adjacent codes have said about an authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resynced {
    /// Where its clock stands.
    Clock {
        /// Steps that it is ahead of this machine's; negative when it is behind.
        steps: i32,
        /// The same in seconds.
        seconds: i64,
    },
    /// How often its button was pressed without a login.
    Counter {
        /// Codes that nobody typed.
        skipped: u64,
    },
}

/// What let somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// A code of an authenticator.
    App {
        /// Its name.
        authenticator: String,
        /// The step claimed, or the counter.
        step: Step,
        /// What was learned on the way, where it took two codes.
        resynced: Option<Resynced>,
        /// Bytes at the end of the answer that were the code; never logged.
        length: usize,
    },
    /// A code of the person's set.
    BackupCode {
        /// What it looks like.
        shape: Shape,
        /// How many of the set are left, as far as that is known.
        left: Option<u8>,
    },
    /// Nine digits that an administrator has given out.
    Bypass {
        /// How often they still work.
        left: u8,
    },
    /// A set-up ticket, or a ticket for new backup codes.
    Ticket,
    /// A device that is remembered; no code was asked for.
    Device,
}

impl Accepted {
    /// Bytes at the end of the answer that were the code.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Self::App { length, .. } => *length,
            Self::BackupCode { shape, .. } => shape.length(),
            // Asked for by itself alone, behind a first factor that was handed on before.
            Self::Bypass { .. } | Self::Ticket | Self::Device => 0,
        }
    }
}

/// Why somebody was refused or exempt: stable words for the log and for `twinlock why`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The code belongs to no authenticator.
    WrongCode,
    /// The code, or a later one, was used before.
    Replayed,
    /// The code of a set was used before.
    Spent,
    /// The code is older than the ledger.
    BeforeEpoch,
    /// Two adjacent codes of another time than now.
    ClockOff,
    /// Too many wrong codes lately.
    Throttled,
    /// Too many wrong codes in a row.
    Locked,
    /// Answers that were no codes.
    NotACode,
    /// The person stopped.
    Stopped,
    /// The conversation failed.
    Conversation,
    /// `use_first_pass`, and no line before has been given anything.
    NoFirstPass,
    /// Proven not to be enrolled.
    NotEnrolled,
    /// Not enrolled, and set-up was offered and not finished.
    NotSetUp,
    /// Set-up was offered and there is no ticket, or it was not given.
    NoTicket,
    /// A key that somebody else has seen was to be changed, and was not.
    NotHandedOver,
    /// New backup codes were shown and not confirmed.
    Unconfirmed,
    /// Let through once more without being set up.
    Reminded,
    /// NSS knows no such account.
    UnknownUser,
    /// `first_factor=publickey`, and none was verified.
    NoPublicKey,
    /// The line stands behind a failed first factor.
    FirstFactorFailed,
    /// NSS did not answer.
    LookupFailed,
    /// A clock did not answer.
    Clock,
    /// A rule, counted from 1, exempts.
    Rule(usize),
    /// The calling program does not run as root, and so cannot read what only root may.
    CallerNotRoot {
        /// Its effective user id.
        uid: u32,
    },
    /// The record proves nothing.
    Store(StoreFault),
    /// The ledger proves nothing.
    Ledger(LedgerFault),
    /// The set of codes proves nothing, or a code of it cannot be spent.
    Codes(CodesFault),
    /// The code was right, and that it is used could not be written down.
    Unwritten(StoreFault),
    /// The record changed while the code was judged, again and again.
    RecordChanging,
}

impl Reason {
    /// Whether each code that is refused for it is told by itself, so that the end of the call has nothing to add.
    #[must_use]
    pub fn is_told_at_once(self) -> bool {
        matches!(
            self,
            Self::WrongCode
                | Self::Replayed
                | Self::Spent
                | Self::BeforeEpoch
                | Self::ClockOff
                | Self::Throttled
                | Self::Locked
                | Self::Codes(_)
        )
    }

    /// Whether an administrator has something to mend.
    #[must_use]
    pub fn is_machines_fault(self) -> bool {
        matches!(
            self,
            Self::LookupFailed
                | Self::Clock
                | Self::CallerNotRoot { .. }
                | Self::Store(_)
                | Self::Ledger(_)
                | Self::Codes(_)
                | Self::Unwritten(_)
                | Self::RecordChanging
        )
    }

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WrongCode => "wrong_code",
            Self::Replayed => "replayed",
            Self::Spent => "spent",
            Self::BeforeEpoch => "before_epoch",
            Self::ClockOff => "clock_off",
            Self::Throttled => "throttled",
            Self::Locked => "locked",
            Self::NotACode => "not_a_code",
            Self::Stopped => "stopped",
            Self::Conversation => "conversation_failed",
            Self::NoFirstPass => "no_first_pass",
            Self::NotEnrolled => "not_enrolled",
            Self::NotSetUp => "not_set_up",
            Self::NoTicket => "no_ticket",
            Self::NotHandedOver => "key_not_changed",
            Self::Unconfirmed => "codes_not_confirmed",
            Self::Reminded => "reminded",
            Self::UnknownUser => "unknown_user",
            Self::NoPublicKey => "no_public_key",
            Self::FirstFactorFailed => "first_factor_failed",
            Self::LookupFailed => "lookup_failed",
            Self::Clock => "clock_failed",
            Self::Rule(_) => "rule",
            Self::CallerNotRoot { .. } => "caller_not_root",
            Self::Store(fault) => fault.reason(),
            Self::Ledger(fault) => fault.reason(),
            Self::Codes(fault) => fault.reason(),
            Self::Unwritten(_) => "record_not_written",
            Self::RecordChanging => "record_changing",
        }
    }
}
