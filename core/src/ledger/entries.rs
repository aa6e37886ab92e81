//! Entries of the ledger: used steps, attempts, refusals, the epoch.

use alloc::{string::String, vec::Vec};

use crate::{
    base::{
        request::SourceLabel,
        time::{BootTime, Step, UnixTime},
    },
    record::SetId,
};

/// Identifies a key in the ledger without revealing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub [u8; 16]);

impl KeyId {
    /// Returns the identifier of a set of codes; each code is stored as the step of its index.
    #[must_use]
    pub fn of_set(id: SetId) -> Self {
        let mut mark = [0; 16];
        let parts = id.0.to_be_bytes().into_iter().chain(*b"a set of");
        mark.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        Self(mark)
    }
}

/// A step of a key that was accepted, or claimed by an interrupted login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Identifies the key.
    pub mark: KeyId,
    /// The accepted step, or the counter of a token.
    pub step: Step,
}

/// Identifies one attempt; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub [u8; 16]);

impl Nonce {
    /// Returns the nonce of an attempt that holds a charge, which is exclusive: the boot clock in nanoseconds, then
    /// slot, budget, day and source of the charge. Random bytes would cost each login a system call.
    #[must_use]
    pub fn of_charge(charge: &Try, boot: BootTime) -> Self {
        // FNV-1a: only needs to distinguish two sources at the same nanosecond.
        let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let start = (charge.day as u32).rotate_left(8) ^ charge.budget as u32 ^ 0x811c_9dc5;
        let rest = charge.source.as_str().bytes().fold(start, fold);
        let low = u64::from(charge.slot) << 32 | u64::from(rest);
        Self((u128::from(boot.0) << 64 | u128::from(low)).to_be_bytes())
    }
}

/// The budget that an attempt is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Behind a proven first factor.
    Proven,
    /// Before a first factor.
    Unproven,
    /// Before a first factor, if a rule requires no code. Bounded like unproven attempts, but without locking out the
    /// user: a password that ends in digits is no guess at a code.
    Exempt,
    /// `twinlock verify`. Separate, so that guesses there neither lock the user out of logins nor add guesses to a
    /// login.
    Verify,
}

impl Budget {
    /// Returns whether texts, system calls and work must not reveal which record a code was compared with.
    #[must_use]
    pub fn is_uniform(self) -> bool {
        match self {
            Self::Unproven | Self::Exempt => true,
            Self::Proven | Self::Verify => false,
        }
    }

    /// Returns whether a wrong code lengthens the user's failure streak.
    #[must_use]
    pub fn is_in_streak(self) -> bool {
        match self {
            Self::Proven | Self::Unproven => true,
            Self::Exempt | Self::Verify => false,
        }
    }
}

/// A charged attempt. Only one process can get each slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The budget.
    pub budget: Budget,
    /// The UTC day of the charge, in days since 1970.
    pub day: u64,
    /// Number of the attempt within the day and source, from 0.
    pub slot: u32,
    /// The source.
    pub source: SourceLabel,
}

/// An attempt and the time of its charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    /// The attempt.
    pub name: Try,
    /// Time of the charge.
    pub at: UnixTime,
}

/// All entries of one user.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LedgerHistory {
    /// Used steps.
    pub used: Vec<Used>,
    /// Attempts that were charged and not refunded.
    pub tries: Vec<Charged>,
    /// The start of the failure streak, if stored.
    pub row: Option<FailureStreak>,
}

/// The start of a failure streak: the number of failures before a restart, and the time after which attempts count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureStreak {
    /// Attempts after this time count.
    pub since: UnixTime,
    /// Number of earlier failures, which this ledger does not contain.
    pub carried: u32,
}

/// A refusal, kept for `twinlock why`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Time of the refusal.
    pub at: UnixTime,
    /// The stable reason.
    pub reason: String,
    /// The PAM service.
    pub service: String,
    /// The source.
    pub source: SourceLabel,
}

/// Number of refusals kept per user.
pub const REFUSALS_KEPT: u8 = 8;

/// How many names the ledger can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Total number of names; 0 if unbounded.
    pub names: u64,
    /// Number of free names.
    pub free: u64,
}

impl Capacity {
    /// Capacity of a file system that does not limit the number of names.
    pub const UNBOUNDED: Self = Self { names: 0, free: 0 };
}

/// The start of the ledger's knowledge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// `/proc/sys/kernel/random/boot_id` without dashes.
    pub boot_id: String,
    /// When the ledger began, by the boot clock.
    pub begun: BootTime,
    /// The clock mark: the highest trusted time before.
    pub mark: UnixTime,
    /// Periods ahead of the mark in which codes were used.
    pub ahead: Vec<Stretch>,
}

/// A period ahead of the mark in which codes were used while the clock was not trusted. If that time comes, its codes
/// count as used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    /// Its first second.
    pub from: UnixTime,
    /// Its last one.
    pub until: UnixTime,
}

/// What the ledger knows nothing about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    /// The last unknown second of the past.
    pub floor: UnixTime,
    /// Periods after `floor` in which codes were used before this ledger began; codes of these periods are refused.
    pub ahead: Vec<Stretch>,
    /// The boot in which the ledger began.
    pub boot_id: String,
    /// When it began, by the boot clock.
    pub begun: BootTime,
}

impl Horizon {
    /// Returns the latest time that a clock is known to have shown before this ledger began.
    #[must_use]
    pub fn reached(&self) -> UnixTime {
        self.ahead.iter().map(|stretch| stretch.until).fold(self.floor, UnixTime::max)
    }
}
