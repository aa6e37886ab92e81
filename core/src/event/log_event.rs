//! Events for the log: a refused code, the end of a login, or a change that the user made.

use alloc::string::String;

use crate::{
    base::{
        error::{AgentError, CodesError, LedgerError, StoreError},
        request::SourceLabel,
        time::Step,
    },
    record::code_set::Shape,
};

/// One event of a login, to be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What the event reports: the end of the login, or a change that the user made.
    pub kind: Kind,
    /// The canonical account name; `None` if NSS does not know the user name, which may be a mistyped password.
    pub user: Option<String>,
    /// The PAM service, such as `sshd`.
    pub service: String,
    /// The source of the login.
    pub source: SourceLabel,
    /// The value of `first_factor=` in the PAM line.
    pub first_factor: &'static str,
    /// What granted access; `None` if nothing was accepted.
    pub accepted: Option<Accepted>,
    /// The reason for a refusal or an exemption; `None` if a code was accepted.
    pub reason: Option<Reason>,
}

/// What a log event reports: how the login ended, or a change that the user made.
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
    /// The user confirmed a new set of backup codes during the login.
    CodesRenewed,
    /// The user's device was remembered, so that later logins from it need no code.
    DeviceRemembered,
}

/// What two adjacent codes revealed about an authenticator: the error of its clock, or its counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resynced {
    /// The clock of the authenticator differs from this host's.
    Clock {
        /// Steps by which the authenticator's clock is ahead of this host's; negative if it is behind.
        steps: i32,
        /// Seconds by which the authenticator's clock is ahead of this host's; negative if it is behind.
        seconds: i64,
    },
    /// The counter of the token is ahead of the record's.
    Counter {
        /// Number of codes that were skipped.
        skipped: u64,
    },
}

/// What granted access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// A code of an authenticator granted access.
    App {
        /// Name of the authenticator.
        authenticator: String,
        /// The time step or counter of the code. No other login can use it.
        step: Step,
        /// What was learned from two adjacent codes; `None` if one code was enough.
        resynced: Option<Resynced>,
        /// Length in bytes of the code at the end of the answer. The length is never logged.
        length: usize,
    },
    /// A backup code granted access.
    BackupCode {
        /// The shape of the backup code: eight digits or twenty letters.
        shape: Shape,
        /// Number of unused codes in the set; `None` if unknown.
        left: Option<u8>,
    },
    /// A bypass code granted access.
    Bypass {
        /// Number of times that the bypass code can still be used.
        left: u8,
    },
    /// A set-up ticket or a ticket for new backup codes granted access.
    Ticket,
    /// A remembered device granted access, so no code was asked for.
    Device,
}

impl Accepted {
    /// Returns the length in bytes of the code at the end of the answer; 0 for bypass codes, tickets and devices, since
    /// none of them is part of a longer answer.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Self::App { length, .. } => *length,
            Self::BackupCode { shape, .. } => shape.length(),
            // None of these is entered together with a password, which was passed on before.
            Self::Bypass { .. } | Self::Ticket | Self::Device => 0,
        }
    }
}

/// Why access was denied, or why no code was needed. The log and `twinlock why` show each reason as one word, which
/// never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The code matches no authenticator.
    WrongCode,
    /// This code or a later one was used before.
    Replayed,
    /// The backup code was used before.
    Spent,
    /// The code is older than the ledger, which does not know whether it was used.
    BeforeEpoch,
    /// Two adjacent codes match another time than the current one, so a clock is wrong.
    ClockOff,
    /// The code was not compared, because there were too many wrong codes recently. A later code will be compared.
    Throttled,
    /// The user is locked out after too many consecutive wrong codes.
    Locked,
    /// The answers were not codes.
    NotACode,
    /// The user cancelled with an empty answer.
    Stopped,
    /// The conversation failed.
    Conversation,
    /// The PAM line says `use_first_pass`, but no earlier module has stored an answer.
    NoFirstPass,
    /// It is proven that the user is not enrolled.
    NotEnrolled,
    /// The user is not enrolled, and did not complete the set-up that was offered.
    NotSetUp,
    /// Set-up needs a ticket, but the user has none or did not enter it.
    NoTicket,
    /// The user did not replace a key that another user has seen.
    NotHandedOver,
    /// New backup codes were shown but not confirmed.
    Unconfirmed,
    /// Access was granted with a reminder to set up.
    Reminded,
    /// NSS knows no user of this name.
    UnknownUser,
    /// The PAM line says `first_factor=publickey`, but no public key was verified.
    NoPublicKey,
    /// The first factor failed.
    FirstFactorFailed,
    /// NSS did not answer.
    LookupFailed,
    /// A clock could not be read.
    Clock,
    /// A rule exempts the login. Holds the number of the rule, from 1.
    Rule(usize),
    /// The calling program is not root and cannot read files that only root may read.
    CallerNotRoot {
        /// Effective user id of the calling program.
        uid: u32,
    },
    /// The calling program is not root, and the agent gave no verdict about the code.
    Agent(AgentError),
    /// The record cannot be trusted.
    Store(StoreError),
    /// The ledger cannot be trusted.
    Ledger(LedgerError),
    /// The set of backup codes cannot be trusted, or one of its codes cannot be marked as spent.
    Codes(CodesError),
    /// The code was correct, but its use could not be stored.
    Unwritten(StoreError),
    /// The record kept changing while the code was compared.
    RecordChanging,
}

impl Reason {
    /// Returns whether each code that is refused for this reason is logged at once. The end of the login is then not
    /// logged separately.
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

    /// Returns whether the reason is a fault that an administrator may have to fix.
    #[must_use]
    pub fn is_machines_fault(self) -> bool {
        matches!(
            self,
            Self::LookupFailed
                | Self::Clock
                | Self::CallerNotRoot { .. }
                | Self::Agent(_)
                | Self::Store(_)
                | Self::Ledger(_)
                | Self::Codes(_)
                | Self::Unwritten(_)
                | Self::RecordChanging
        )
    }

    /// Returns the word for this reason in log lines and in `twinlock why`. A word never changes within a major
    /// version.
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
            Self::Agent(fault) => fault.reason(),
            Self::Store(fault) => fault.reason(),
            Self::Ledger(fault) => fault.reason(),
            Self::Codes(fault) => fault.reason(),
            Self::Unwritten(_) => "record_not_written",
            Self::RecordChanging => "record_changing",
        }
    }
}
