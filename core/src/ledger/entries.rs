//! Entries of the ledger: used steps, attempts, refusals, and the epoch.

use alloc::{string::String, vec::Vec};

use crate::{
    base::{
        request::SourceLabel,
        time::{BootTime, Step, UnixTime},
    },
    record::SetId,
};

/// The identifier of a key in the ledger. It does not reveal the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub [u8; 16]);

impl KeyId {
    /// Returns the identifier of a set of backup codes. The ledger stores a used code of the set as a step, whose
    /// number is the index of the code in the set.
    #[must_use]
    pub fn of_set(id: SetId) -> Self {
        let mut mark = [0; 16];
        let parts = id.0.to_be_bytes().into_iter().chain(*b"a set of");
        mark.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        Self(mark)
    }
}

/// A step of a key that an accepted code has used up, or that an interrupted login has claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// The identifier of the key to which the step belongs.
    pub mark: KeyId,
    /// The accepted step of an app, or counter of a token.
    pub step: Step,
}

/// A 128-bit number that identifies one attempt. It is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub [u8; 16]);

impl Nonce {
    /// Returns the nonce of a charged attempt, made from the boot clock in nanoseconds and from the slot, budget, day
    /// and source of the charge. No two attempts have the same charge, so the nonce needs no random bytes, which would
    /// cost each login a system call.
    #[must_use]
    pub fn of_charge(charge: &Try, boot: BootTime) -> Self {
        // This is FNV-1a. It only has to distinguish two sources within the same nanosecond.
        let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let start = (charge.day as u32).rotate_left(8) ^ charge.budget as u32 ^ 0x811c_9dc5;
        let rest = charge.source.as_str().bytes().fold(start, fold);
        let low = u64::from(charge.slot) << 32 | u64::from(rest);
        Self((u128::from(boot.0) << 64 | u128::from(low)).to_be_bytes())
    }
}

/// A group of attempts that one limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Attempts with a proven first factor.
    Proven,
    /// Attempts for which no first factor is proven.
    Unproven,
    /// Attempts by users whom a rule exempts and whose first factor is not proven. The limit is that of
    /// [`Self::Unproven`], but these attempts never lock the user out, because a password that ends in digits is no
    /// guess at a code.
    Exempt,
    /// Attempts of `twinlock verify`. They neither lock the user out of logins nor allow more guesses at a login.
    Verify,
    /// Attempts at a screen locker, through the agent. Any program of the user can make them, so they neither delay nor
    /// lock out logins, and a login clears none of them.
    Locker,
}

impl Budget {
    /// Returns whether texts, system calls and CPU time must be the same for every account, so that they do not reveal
    /// the record.
    #[must_use]
    pub fn is_uniform(self) -> bool {
        match self {
            Self::Unproven | Self::Exempt => true,
            Self::Proven | Self::Verify | Self::Locker => false,
        }
    }

    /// Returns whether a wrong code in this budget counts as a consecutive failure of the user.
    #[must_use]
    pub fn is_in_streak(self) -> bool {
        match self {
            Self::Proven | Self::Unproven => true,
            Self::Exempt | Self::Verify | Self::Locker => false,
        }
    }

    /// Returns whether only codes of an app are compared, so that no backup code is spent.
    #[must_use]
    pub fn is_for_apps_only(self) -> bool {
        match self {
            Self::Verify | Self::Locker => true,
            Self::Proven | Self::Unproven | Self::Exempt => false,
        }
    }
}

/// A charged attempt. Its ledger name consists of its budget, day, slot and source. If several processes try to create
/// the same name, only one succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The budget to which the attempt is charged.
    pub budget: Budget,
    /// The UTC day of the charge, in days since 1970.
    pub day: u64,
    /// Number of the attempt among those of its budget, day and source, from 0.
    pub slot: u32,
    /// The source of the attempt.
    pub source: SourceLabel,
}

/// A charged attempt and the time at which it was charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    /// The attempt, as its name in the ledger describes it.
    pub name: Try,
    /// Time at which the attempt was charged.
    pub at: UnixTime,
}

/// The entries of one user in the ledger that throttling and replay protection use.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LedgerHistory {
    /// The used steps of all keys of the user.
    pub used: Vec<Used>,
    /// The attempts that were charged and not refunded.
    pub tries: Vec<Charged>,
    /// The start of the current series of consecutive failures; `None` if the ledger does not store it.
    pub row: Option<FailureStreak>,
}

/// The start of a series of consecutive failures: a time, and the number of earlier failures that belong to the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureStreak {
    /// Time after which attempts in the ledger belong to the series.
    pub since: UnixTime,
    /// Number of failures of the series up to `since`, whose attempts are no longer in the ledger.
    pub carried: u32,
}

/// A refused login, kept for `twinlock why`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Time at which the login was refused.
    pub at: UnixTime,
    /// The word for the reason of the refusal (`Reason::word`).
    pub reason: String,
    /// The PAM service.
    pub service: String,
    /// The source of the login.
    pub source: SourceLabel,
}

/// Number of refusals that are kept for each user.
pub const REFUSALS_KEPT: u8 = 8;

/// The number of names that the ledger can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Total number of names; 0 if the file system does not limit it.
    pub names: u64,
    /// Number of names that can still be created.
    pub free: u64,
}

impl Capacity {
    /// Capacity of a file system that does not limit the number of names.
    pub const UNBOUNDED: Self = Self { names: 0, free: 0 };
}

/// The time at which the ledger began, and what was known about the clock at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// `/proc/sys/kernel/random/boot_id` without dashes.
    pub boot_id: String,
    /// Time of the boot clock at which the ledger began.
    pub begun: BootTime,
    /// The latest time that a trusted wall clock had shown before the ledger began.
    pub mark: UnixTime,
    /// Periods later than `mark` in which codes were used.
    pub ahead: Vec<Stretch>,
}

/// A period in which codes were used while the clock was far ahead and not trusted. When the correct time reaches this
/// period, its codes count as used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    /// First second of the period.
    pub from: UnixTime,
    /// Last second of the period.
    pub until: UnixTime,
}

/// The times for which the ledger does not know the used codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    /// The last second for which the ledger does not know the used codes.
    pub floor: UnixTime,
    /// Periods after `floor` in which codes were used before this ledger began. Codes of these periods are refused.
    pub ahead: Vec<Stretch>,
    /// Boot id of the boot in which the ledger began.
    pub boot_id: String,
    /// Time of the boot clock at which the ledger began.
    pub begun: BootTime,
}

impl Horizon {
    /// Returns the latest time that the wall clock is known to have shown before this ledger began.
    #[must_use]
    pub fn reached(&self) -> UnixTime {
        self.ahead.iter().map(|stretch| stretch.until).fold(self.floor, UnixTime::max)
    }
}
