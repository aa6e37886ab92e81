//! Log events: one for each refused code, and one for the end of each login.

use alloc::string::String;

use crate::{
    base::{
        error::{CodesError, LedgerError, StoreError},
        request::SourceLabel,
        time::Step,
    },
    record::code_set::Shape,
};

/// One log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// The canonical account name; `None` if NSS does not know the user name, which may be a mistyped password.
    pub user: Option<String>,
    /// The PAM service.
    pub service: String,
    /// The source.
    pub source: SourceLabel,
    /// The value of `first_factor=`.
    pub first_factor: &'static str,
    /// What was accepted, if anything.
    pub accepted: Option<Accepted>,
    /// The reason, if nothing was accepted.
    pub reason: Option<Reason>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A code was accepted.
    Accepted,
    /// No code was needed.
    Exempt,
    /// Access was denied.
    Refused,
    /// Set-up was completed during the login.
    Enrolled,
    /// An authenticator was replaced during the login.
    KeyChanged,
    /// A new set of backup codes was confirmed during the login.
    CodesRenewed,
    /// The device was remembered.
    DeviceRemembered,
}

/// What was learned from two adjacent codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resynced {
    /// The drift of the authenticator's clock.
    Clock {
        /// Steps that it is ahead of this host's; negative if it is behind.
        steps: i32,
        /// The same in seconds.
        seconds: i64,
    },
    /// How many codes of a counter were skipped.
    Counter {
        /// Number of skipped codes.
        skipped: u64,
    },
}

/// What granted access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// A code of an authenticator.
    App {
        /// Name of the authenticator.
        authenticator: String,
        /// The claimed step or counter.
        step: Step,
        /// What was learned, if two codes were needed.
        resynced: Option<Resynced>,
        /// Length of the code at the end of the answer in bytes; never logged.
        length: usize,
    },
    /// A backup code.
    BackupCode {
        /// Shape of the code.
        shape: Shape,
        /// Codes left in the set, if known.
        left: Option<u8>,
    },
    /// A bypass code.
    Bypass {
        /// Remaining uses.
        left: u8,
    },
    /// A set-up ticket, or a ticket for new backup codes.
    Ticket,
    /// A remembered device; no code was asked for.
    Device,
}

impl Accepted {
    /// Returns the length of the code at the end of the answer in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Self::App { length, .. } => *length,
            Self::BackupCode { shape, .. } => shape.length(),
            // Asked for separately, behind a first factor that was passed on before.
            Self::Bypass { .. } | Self::Ticket | Self::Device => 0,
        }
    }
}

/// Why access was denied or exempt: stable words for the log and for `twinlock why`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The code matches no authenticator.
    WrongCode,
    /// This code or a later one was used before.
    Replayed,
    /// The backup code was used before.
    Spent,
    /// The code is older than the epoch.
    BeforeEpoch,
    /// Two adjacent codes of a time other than now.
    ClockOff,
    /// Too many recent wrong codes.
    Throttled,
    /// Locked out: too many consecutive wrong codes.
    Locked,
    /// The answers were not codes.
    NotACode,
    /// The user stopped.
    Stopped,
    /// The conversation failed.
    Conversation,
    /// `use_first_pass`, but no earlier module has stored an answer.
    NoFirstPass,
    /// The user is not enrolled; this is proven.
    NotEnrolled,
    /// Not enrolled; set-up was offered but not completed.
    NotSetUp,
    /// Set-up needs a ticket, and there is none or it was not entered.
    NoTicket,
    /// A key that others have seen was not replaced.
    NotHandedOver,
    /// New backup codes were shown but not confirmed.
    Unconfirmed,
    /// Granted with a reminder, without set-up.
    Reminded,
    /// NSS knows no such user.
    UnknownUser,
    /// `first_factor=publickey`, but no public key was verified.
    NoPublicKey,
    /// The first factor failed.
    FirstFactorFailed,
    /// NSS did not answer.
    LookupFailed,
    /// A clock could not be read.
    Clock,
    /// Exempt by a rule, counted from 1.
    Rule(usize),
    /// The calling program is not root and cannot read files that only root may read.
    CallerNotRoot {
        /// Effective user id of the calling program.
        uid: u32,
    },
    /// The record cannot be trusted.
    Store(StoreError),
    /// The ledger cannot be trusted.
    Ledger(LedgerError),
    /// The set of codes cannot be trusted, or a code of it cannot be spent.
    Codes(CodesError),
    /// The code was correct, but its use could not be stored.
    Unwritten(StoreError),
    /// The record kept changing while the code was compared.
    RecordChanging,
}

impl Reason {
    /// Returns whether each refused code is reported separately, so that the end of the call has nothing to add.
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

    /// Returns whether an administrator has to fix something.
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

    /// Returns the word used in log lines and by `twinlock why`; it never changes within a major version.
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
