//! Entries of the ledger: steps whose codes were used, attempts, refusals, and the time at which the ledger began
//! (epoch).

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

/// A step of a key whose code was accepted, or was claimed by a login that was then interrupted. A step is the time
/// step or counter of a code, or the index of a backup code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// The identifier of the key.
    pub mark: KeyId,
    /// The time step of an app, the counter of a token, or the index of a backup code.
    pub step: Step,
}

/// A 128-bit number that identifies one attempt. It is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub [u8; 16]);

impl Nonce {
    /// Returns the number that identifies a charged attempt, made from the boot clock in nanoseconds and from the slot,
    /// budget, day and source of the attempt. No two attempts have all of these in common. Random bytes are not needed;
    /// they would cost each login a system call.
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

/// The kind of an attempt, which says which limit counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Attempts with a proven first factor.
    Proven,
    /// Attempts for which no first factor is proven.
    Unproven,
    /// Attempts by users whom a rule exempts and whose first factor is not proven. They have the limit of
    /// [`Self::Unproven`], but never lock the user out, because the answer may be a password that ends in digits and no
    /// guess at a code.
    Exempt,
    /// Attempts of `twinlock verify`. They neither lock the user out of logins nor allow more guesses at a login.
    Verify,
    /// Attempts at a screen locker, through the agent. Any program of the user can make them. They neither delay nor
    /// lock out logins, and a successful login does not clear them.
    Locker,
}

impl Budget {
    /// Returns whether an attempt of this kind must look the same for every account. If so, texts, system calls and CPU
    /// time do not depend on the record.
    #[must_use]
    pub fn is_uniform(self) -> bool {
        match self {
            Self::Unproven | Self::Exempt => true,
            Self::Proven | Self::Verify | Self::Locker => false,
        }
    }

    /// Returns whether a wrong code of such an attempt counts as a consecutive failure of the user.
    #[must_use]
    pub fn is_in_streak(self) -> bool {
        match self {
            Self::Proven | Self::Unproven => true,
            Self::Exempt | Self::Verify | Self::Locker => false,
        }
    }

    /// Returns whether only codes of an app are compared in such an attempt, so that no backup code is spent.
    #[must_use]
    pub fn is_for_apps_only(self) -> bool {
        match self {
            Self::Verify | Self::Locker => true,
            Self::Proven | Self::Unproven | Self::Exempt => false,
        }
    }
}

/// A charged attempt: the ledger counts it before its code is compared. Its ledger name consists of its budget, day,
/// slot and source. If several processes try to create the same name, only one succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The kind of the attempt, which says which limit counts it.
    pub budget: Budget,
    /// The UTC day of the attempt, in days since 1970.
    pub day: u64,
    /// Number of the attempt, from 0, among the attempts with the same budget, day and source.
    pub slot: u32,
    /// The source of the attempt.
    pub source: SourceLabel,
}

/// An attempt that the ledger counts, and the time at which it was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    /// The attempt, as its name in the ledger describes it.
    pub name: Try,
    /// Time at which the attempt was counted.
    pub at: UnixTime,
}

/// The entries of one user in the ledger that throttling and replay protection use.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LedgerHistory {
    /// The steps of all keys of the user whose codes were used.
    pub used: Vec<Used>,
    /// The attempts that were counted before their codes were compared, except those whose count was taken back.
    pub tries: Vec<Charged>,
    /// The start of the current series of consecutive failures; `None` if the ledger does not store it.
    pub row: Option<FailureStreak>,
}

/// The start of a series of consecutive failures: a time, and the number of failures before this time that belong to
/// the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureStreak {
    /// Time after which attempts in the ledger belong to the series.
    pub since: UnixTime,
    /// Number of failures of the series up to `since`. Their attempts were removed from the ledger.
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

/// The epoch of the ledger: the time at which the ledger began, and what was known about the clock at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// The id of the boot in which the ledger began: `/proc/sys/kernel/random/boot_id` without dashes.
    pub boot_id: String,
    /// Time of the boot clock at which the ledger began.
    pub begun: BootTime,
    /// The latest time that a trusted wall clock had shown before the ledger began.
    pub mark: UnixTime,
    /// Periods later than `mark` in which codes were used while the clock was not trusted.
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

/// The times for which the ledger does not know which codes were used.
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
