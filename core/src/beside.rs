//! What a record keeps beside the authenticators: mail, a set-up under way, vouchers, and what somebody else did.

use alloc::{string::String, vec::Vec};

use crate::{
    request::SourceLabel,
    secret::Key,
    time::{BootTime, UnixTime},
    voucher::Voucher,
};

/// What stands beside the authenticators; for almost everybody nothing of it does.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Where mail for this person goes, where not to the account's name.
    pub mail: Option<String>,
    /// When an authenticator or the codes were last changed after set-up.
    pub changed: Option<UnixTime>,
    /// Who has reset this person: set-up then goes by `after_reset`.
    pub reset: Option<Trace>,
    /// New backup codes are to be shown at the next login: to whom somebody else's command has taken the old ones, or
    /// who never confirmed the first.
    pub owed_codes: Option<Trace>,
    /// A key that was shown and not proven yet.
    pub pending: Option<Pending>,
    /// Tickets that work.
    pub tickets: Vec<Ticket>,
    /// Bypasses that work.
    pub bypasses: Vec<Bypass>,
    /// A key that was generated on this host, and since when codes of it are accepted.
    pub fresh_key: Option<FreshKey>,
}

/// A key that was generated on this host and put in force at an instant of a boot: whatever was used of it, was used here
/// since then. Only a ledger that began before that instant, in the same boot, can do without the epoch for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshKey {
    /// What used steps of the key are filed under.
    pub mark: [u8; 16],
    /// The boot in which it was put in force, as the epoch names it.
    pub boot_id: String,
    /// When, by the clock that cannot be set.
    pub since: BootTime,
}

impl Beside {
    /// Whether anything is under way: a set-up, a voucher, codes to be shown.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.owed_codes.is_some()
            || self.pending.is_some()
            || !self.tickets.is_empty()
            || !self.bypasses.is_empty()
    }
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The acting person's account name, `root`, or this person's own name.
    pub by: String,
    /// When.
    pub at: UnixTime,
}

/// A key that somebody else than its owner has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who, and when.
    pub trace: Trace,
    /// How often its owner has put the change off.
    pub postponed: u8,
}

/// A key that was shown to somebody who has not proven it yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Pending {
    /// The key.
    pub key: Key,
    /// When it was first shown.
    pub since: UnixTime,
    /// To whom: where the person sat.
    pub source: SourceLabel,
    /// The fingerprint of the public key that the person came with, where there was one.
    pub fingerprint: Option<String>,
    /// Until when it is shown again, by the clock that cannot be set; nothing in a record of before.
    pub until_boot: Option<BootTime>,
}

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Setting up an authenticator.
    SetUp,
    /// New backup codes.
    Codes,
}

impl Purpose {
    /// The word in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SetUp => "set_up",
            Self::Codes => "codes",
        }
    }

    /// The purpose of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::SetUp, Self::Codes].into_iter().find(|purpose| purpose.word() == word)
    }
}

/// Twelve letters that an administrator has given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What it is for.
    pub purpose: Purpose,
    /// Its hash, and its end.
    pub voucher: Voucher,
    /// Who gave it out, and when.
    pub trace: Trace,
}

/// Nine digits that stand for a code so many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass {
    /// Its hash, and its end.
    pub voucher: Voucher,
    /// How often it still works, 1 to 255.
    pub uses: u8,
    /// Who gave it out, and when.
    pub trace: Trace,
}
