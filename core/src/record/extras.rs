//! The optional parts of a record: mail address, set-up in progress, tickets and bypass codes, and the actions of
//! administrators.

use alloc::{string::String, vec::Vec};

use crate::{
    base::{
        request::SourceLabel,
        secret::Key,
        time::{BootTime, UnixTime},
    },
    record::voucher::Voucher,
};

/// The optional parts of a record. Most records have none.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RecordExtras {
    /// The user's mail address; `None` if it is the account name at the configured domain.
    pub mail: Option<String>,
    /// Time of the last change of an authenticator or of the backup codes after set-up; `None` if there was none.
    pub changed: Option<UnixTime>,
    /// The administrator who reset this user, and when. The next set-up follows the setting `after_reset`. `None` if
    /// the user was not reset.
    pub reset: Option<AuditStamp>,
    /// The user who revoked the backup codes, or enrolled the user without backup codes, and when. The next login shows
    /// new codes. `None` if no new codes are needed.
    pub owed_codes: Option<AuditStamp>,
    /// A key that the user was shown and has not verified yet; `None` if no set-up is in progress.
    pub pending: Option<Pending>,
    /// The tickets that the user can use; some may have expired.
    pub tickets: Vec<Ticket>,
    /// The bypass codes that the user can use; some may have expired.
    pub bypasses: Vec<Bypass>,
    /// The record's only key and the time at which it was enabled, if the key was generated on this host; otherwise
    /// `None`.
    pub fresh_key: Option<FreshKey>,
}

/// A key that was generated on this host, and the time at which it was enabled. Codes of the key can only have been
/// used on this host. If the ledger began before that time in the same boot, it knows every used code of the key. No
/// code of the key is then refused because the ledger is younger than the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshKey {
    /// The identifier of the key in the ledger.
    pub mark: [u8; 16],
    /// Boot id, without dashes, of the boot in which the key was enabled.
    pub boot_id: String,
    /// Time of the boot clock, which cannot be set, at which the key was enabled.
    pub since: BootTime,
}

impl RecordExtras {
    /// Returns whether the user has a set-up in progress, a ticket, a bypass code, or backup codes that must be shown.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.owed_codes.is_some()
            || self.pending.is_some()
            || !self.tickets.is_empty()
            || !self.bypasses.is_empty()
    }
}

/// The user who did something, and the time at which it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditStamp {
    /// Account name of the acting user, or `root`.
    pub by: String,
    /// Time of the action.
    pub at: UnixTime,
}

/// The other user who has seen a user's key, and how often the replacement of the key was postponed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDisclosure {
    /// The user who has seen the key, and when.
    pub audit: AuditStamp,
    /// Number of times that the owner has postponed the replacement of the key.
    pub postponed: u8,
}

/// A key that was shown to a user who has not verified it yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Pending {
    /// The key that was shown.
    pub key: Key,
    /// Time at which the key was first shown.
    pub since: UnixTime,
    /// The source of the login in which the key was first shown.
    pub source: SourceLabel,
    /// The fingerprint of the user's verified public key; `None` if none was verified.
    pub fingerprint: Option<String>,
    /// Time of the boot clock up to which an interrupted set-up can continue with the key; `None` in the record of an
    /// older version.
    pub until_boot: Option<BootTime>,
}

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The user may set up an authenticator.
    SetUp,
    /// The user may get new backup codes.
    Codes,
}

impl Purpose {
    /// Returns the word of this purpose in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SetUp => "set_up",
            Self::Codes => "codes",
        }
    }

    /// Returns the purpose that has this word in records; `None` if there is none.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::SetUp, Self::Codes].into_iter().find(|purpose| purpose.word() == word)
    }
}

/// A ticket: twelve letters that an administrator issued to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What the ticket is for.
    pub purpose: Purpose,
    /// The hash and the expiry of the ticket.
    pub voucher: Voucher,
    /// The administrator who issued the ticket, and when.
    pub audit: AuditStamp,
}

/// A bypass code: nine digits that are accepted as a code a limited number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass {
    /// The hash and the expiry of the bypass code.
    pub voucher: Voucher,
    /// Number of remaining uses, at least 1.
    pub uses: u8,
    /// The administrator who issued the bypass code, and when.
    pub audit: AuditStamp,
}
