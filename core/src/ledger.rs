//! What the ledger's names say: used steps, tries, refusals, the epoch.

use alloc::{string::String, vec::Vec};

use crate::{
    record::SetId,
    request::SourceLabel,
    time::{BootTime, Step, UnixTime},
};

/// Names the codes of one key without telling the key: what a used step is filed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub [u8; 16]);

impl Mark {
    /// What the codes of a set are filed under, each as the step of its place.
    #[must_use]
    pub fn of_set(id: SetId) -> Self {
        let mut mark = [0; 16];
        let parts = id.0.to_be_bytes().into_iter().chain(*b"a set of");
        mark.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        Self(mark)
    }
}

/// A step of a key that was accepted, or burned on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// The key.
    pub mark: Mark,
    /// The step.
    pub step: Step,
}

/// Tells one attempt from every other, and is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub [u8; 16]);

impl Nonce {
    /// The nonce of an attempt that holds a charge, which no other process holds at the same time: the clock that never goes
    /// back, to the nanosecond, then the charge's slot and its budget, day and source. Randomness would cost each login a
    /// call.
    #[must_use]
    pub fn of_charge(charge: &Try, boot: BootTime) -> Self {
        // FNV-1a: nothing depends on it but that two sources at one nanosecond differ.
        let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let start = (charge.day as u32).rotate_left(8) ^ charge.budget as u32 ^ 0x811c_9dc5;
        let rest = charge.source.as_str().bytes().fold(start, fold);
        let low = u64::from(charge.slot) << 32 | u64::from(rest);
        Self((u128::from(boot.0) << 64 | u128::from(low)).to_be_bytes())
    }
}

/// Which budget a try is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Behind a proven first factor.
    Proven,
    /// Before one.
    Unproven,
    /// Before one, where a rule asks for no code: bounded as those, and in nobody's way. Who types only a password that
    /// ends in digits has guessed at no code.
    Exempt,
    /// Of `twinlock verify`: bounded by itself, so that guesses there neither lock the user out of logins nor are more
    /// guesses of a login.
    Verify,
}

impl Budget {
    /// Returns whether no caller may see from texts, calls or work whom a code was compared with.
    #[must_use]
    pub fn is_uniform(self) -> bool {
        match self {
            Self::Unproven | Self::Exempt => true,
            Self::Proven | Self::Verify => false,
        }
    }

    /// Returns whether a wrong code makes the failure streak of its user longer.
    #[must_use]
    pub fn is_in_streak(self) -> bool {
        match self {
            Self::Proven | Self::Unproven => true,
            Self::Exempt | Self::Verify => false,
        }
    }
}

/// A try that was charged. The slot is what only one process can get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The budget it was taken from.
    pub budget: Budget,
    /// The UTC day it was charged on, counted from 1970.
    pub day: u64,
    /// Which of the day's tries of this source it is, from 0.
    pub slot: u32,
    /// Where it came from.
    pub source: SourceLabel,
}

/// A try, and when it was charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    /// The try.
    pub name: Try,
    /// When.
    pub at: UnixTime,
}

/// All that is on file for one person.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Steps that were accepted.
    pub used: Vec<Used>,
    /// Tries that were charged and not refunded.
    pub tries: Vec<Charged>,
    /// Where the row of failures begins, if that is written.
    pub row: Option<Row>,
}

/// Where a row of failures begins: those before a restart, which only their number is left of, and those since an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// After this instant tries count.
    pub since: UnixTime,
    /// How many there were that this ledger has not seen.
    pub carried: u32,
}

/// One refusal, kept for `twinlock why`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub at: UnixTime,
    /// The stable reason.
    pub reason: String,
    /// The PAM service.
    pub service: String,
    /// Where it came from.
    pub source: SourceLabel,
}

/// How many refusals are kept for one person.
pub const REFUSALS_KEPT: u8 = 8;

/// How many names the ledger can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Names in all; 0 where nothing bounds them.
    pub names: u64,
    /// Names that can still be made.
    pub free: u64,
}

impl Capacity {
    /// Capacity of a ledger whose names nothing bounds.
    pub const UNBOUNDED: Self = Self { names: 0, free: 0 };
}

/// When the ledger's memory begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// `/proc/sys/kernel/random/boot_id` without dashes.
    pub boot_id: String,
    /// The instant, on the clock that cannot be set.
    pub begun: BootTime,
    /// How far the wall clock is known to have come before.
    pub mark: UnixTime,
    /// Times ahead of that in which codes were used.
    pub ahead: Vec<Stretch>,
}

/// A time ahead of the mark in which codes were used, while nothing vouched for the clock: should it ever come, they
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
    /// The last second of the past.
    pub floor: UnixTime,
    /// Times since then in which an earlier ledger has seen codes used.
    pub ahead: Vec<Stretch>,
    /// The boot in which the ledger began.
    pub boot_id: String,
    /// When it began, by the clock that cannot be set.
    pub begun: BootTime,
}

impl Horizon {
    /// The last second that a clock is known to have shown before this ledger began.
    #[must_use]
    pub fn reached(&self) -> UnixTime {
        self.ahead.iter().map(|stretch| stretch.until).fold(self.floor, UnixTime::max)
    }
}
