//! The optional parts of a record: mail address, set-up in progress, vouchers, and what administrators did.

use alloc::{string::String, vec::Vec};

use crate::{
    base::{
        request::SourceLabel,
        secret::Key,
        time::{BootTime, UnixTime},
    },
    record::voucher::Voucher,
};

/// The optional parts of a record; almost always empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RecordExtras {
    /// The user's mail address; `None` for the account name at the configured domain.
    pub mail: Option<String>,
    /// When an authenticator or the backup codes were last changed after set-up.
    pub changed: Option<UnixTime>,
    /// Who reset this user; set-up then follows `after_reset`.
    pub reset: Option<AuditStamp>,
    /// Set if new backup codes are shown at the next login: an administrator revoked the old ones, or the first ones
    /// were never confirmed.
    pub owed_codes: Option<AuditStamp>,
    /// A key that was shown and is not verified yet.
    pub pending: Option<Pending>,
    /// Valid tickets.
    pub tickets: Vec<Ticket>,
    /// Valid bypass codes.
    pub bypasses: Vec<Bypass>,
    /// A key that was generated on this host, and since when its codes are accepted.
    pub fresh_key: Option<FreshKey>,
}

/// A key that was generated on this host and enabled at a known time of a boot, so that every use of it since then
/// happened here. A ledger that began before that time in the same boot knows every use of the key, so that the epoch is
/// not applied to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshKey {
    /// The key's identifier in the ledger.
    pub mark: [u8; 16],
    /// Boot id of the boot in which the key was enabled, as stored in the epoch.
    pub boot_id: String,
    /// When, by the boot clock, which cannot be set.
    pub since: BootTime,
}

impl RecordExtras {
    /// Returns whether anything is in progress: a set-up, a voucher or codes to be shown.
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
pub struct AuditStamp {
    /// The account name of the acting user, or `root`.
    pub by: String,
    /// When.
    pub at: UnixTime,
}

/// Who else has seen a user's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDisclosure {
    /// Who, and when.
    pub audit: AuditStamp,
    /// How often the user has postponed the replacement.
    pub postponed: u8,
}

/// A key that was shown to a user who has not verified it yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Pending {
    /// The key.
    pub key: Key,
    /// When it was first shown.
    pub since: UnixTime,
    /// Where the user connected from.
    pub source: SourceLabel,
    /// The fingerprint of the user's verified public key, if any.
    pub fingerprint: Option<String>,
    /// Until when the key is shown again, by the boot clock; `None` in an older record.
    pub until_boot: Option<BootTime>,
}

/// The purpose of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Set up an authenticator.
    SetUp,
    /// Issue new backup codes.
    Codes,
}

impl Purpose {
    /// Returns the word used in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SetUp => "set_up",
            Self::Codes => "codes",
        }
    }

    /// Returns the purpose with that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::SetUp, Self::Codes].into_iter().find(|purpose| purpose.word() == word)
    }
}

/// A ticket: twelve letters that an administrator issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The purpose.
    pub purpose: Purpose,
    /// Its hash and expiry.
    pub voucher: Voucher,
    /// Who issued it, and when.
    pub audit: AuditStamp,
}

/// A bypass code: nine digits that are accepted as a code a limited number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass {
    /// Its hash and expiry.
    pub voucher: Voucher,
    /// Remaining uses, 1 to 255.
    pub uses: u8,
    /// Who issued it, and when.
    pub audit: AuditStamp,
}
