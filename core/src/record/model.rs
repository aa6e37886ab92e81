//! The record of one user: the state, the generation and the authenticators.

use alloc::{string::String, vec::Vec};

use crate::{
    base::{
        request::SourceLabel,
        secret::Key,
        time::{DAY, UnixTime},
    },
    record::extras::{KeyDisclosure, RecordExtras},
};

/// The content of a user's record file.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// The canonical account name.
    pub user: String,
    /// The account's user id. An account with this name and another user id is refused.
    pub uid: u32,
    /// Whether the user is enrolled, so that a code is required.
    pub state: State,
    /// The generation: an id of the present state of the record. Each change gives the record a new one, which is never
    /// reused.
    pub generation: Generation,
    /// Time at which set-up was completed.
    pub since: UnixTime,
    /// The user's authenticators. No two of them have the same key.
    pub authenticators: Vec<Authenticator>,
    /// The id of the user's set of backup codes, which has its own file; `None` if the user has none. Only an enrolled
    /// user has a set.
    pub codes: Option<SetId>,
    /// The optional parts of the record.
    pub extras: RecordExtras,
}

impl Record {
    /// Returns a dummy record, so that an unknown user costs the same work as an enrolled one. `None` would mean that
    /// the dummy key has an invalid length, which does not occur.
    #[must_use]
    pub fn nobodys() -> Option<Self> {
        Key::new(alloc::vec![0; 20]).ok().map(Self::of_nobody)
    }

    /// Returns a dummy record with the given key, which has the same form as a real record.
    #[must_use]
    pub fn of_nobody(key: Key) -> Self {
        let authenticator = Authenticator {
            name: "app".into(),
            key,
            parameters: Parameters::default(),
            moving: MovingFactor::default(),
            seen: None,
        };
        Self {
            user: "nobody".into(),
            uid: u32::MAX,
            state: State::Active,
            generation: Generation(0),
            since: UnixTime(0),
            authenticators: alloc::vec![authenticator],
            codes: None,
            extras: RecordExtras::default(),
        }
    }
}

/// A record as it was read from its file, with its number, and the sources and failures that are stored next to the
/// file.
#[derive(Debug)]
pub struct Snapshot {
    /// Sequence number of the record in the user's folder, from 1.
    pub sequence: u64,
    /// The identity of the file that the record was read from.
    pub identity: Identity,
    /// The content of the record file.
    pub record: Record,
    /// The sources from which this user has logged in.
    pub known: Vec<SourceLabel>,
    /// Number of consecutive wrong codes, as stored next to the record, where a restart does not clear it.
    pub failures: u32,
}

/// The identity of a file. A file that replaces another one under the same name has another identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    /// The inode number of the file.
    pub inode: u64,
    /// The change time of the inode (ctime), in nanoseconds since 1970.
    pub changed: i128,
}

/// The state of a user's enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The user is enrolled, so a code is required.
    Active,
    /// Set-up was begun or waits for a ticket. The user has no authenticator.
    Pending,
    /// The enrollment of the user was removed. The record is a tombstone, which remains so that the loss of a record is
    /// noticed.
    Removed,
}

impl State {
    /// Returns whether a record in this state prevents another account from having its user id.
    #[must_use]
    pub fn holds_uid(self) -> bool {
        match self {
            Self::Active | Self::Pending => true,
            Self::Removed => false,
        }
    }
}

/// 64 random bits that identify one state of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(pub u64);

/// 64 random bits that identify one set of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetId(pub u64);

/// One authenticator of a user, an app or a token, with its key.
#[derive(Debug, PartialEq, Eq)]
pub struct Authenticator {
    /// The name of the authenticator, which the user chose.
    pub name: String,
    /// The shared secret from which codes are computed.
    pub key: Key,
    /// The hash algorithm, number of digits and period of the codes.
    pub parameters: Parameters,
    /// The time or counter that makes each code different.
    pub moving: MovingFactor,
    /// The other user who has seen the key; `None` if no other user has.
    pub seen: Option<KeyDisclosure>,
}

impl Authenticator {
    /// Returns a copy of the authenticator. The copied key is wiped when dropped, too.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self {
            name: self.name.clone(),
            key: self.key.copied(),
            parameters: self.parameters,
            moving: self.moving,
            seen: self.seen.clone(),
        }
    }

    /// Returns the number of steps that the authenticator's clock is ahead of this host's, negative if it is behind; 0
    /// for a counter.
    #[must_use]
    pub fn drift(&self) -> i32 {
        match self.moving {
            MovingFactor::Clock { drift } => drift,
            MovingFactor::Counter { .. } => 0,
        }
    }
}

/// The moving factor of RFC 4226 section 5.1, and its current value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovingFactor {
    /// The moving factor is the time (TOTP).
    Clock {
        /// Steps by which the authenticator's clock is ahead of this host's (RFC 6238 section 6); negative if it is
        /// behind.
        drift: i32,
    },
    /// The moving factor is a counter that each code increments (HOTP).
    Counter {
        /// The lowest counter that is not used.
        next: u64,
    },
}

impl Default for MovingFactor {
    fn default() -> Self {
        Self::Clock { drift: 0 }
    }
}

/// How codes are computed from a key (RFC 6238 sections 1.2 and 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// The hash function of the HMAC.
    pub algorithm: Algorithm,
    /// The number of digits of a code.
    pub digits: Digits,
    /// The length of a time step in seconds.
    pub period: Period,
}

/// The hash function of the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA-1, which every app supports.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

/// The number of digits of a code: 6, 7 or 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits(u8);

/// The length of a time step in seconds: 1 to 3600.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(u16);

/// Maximum number of authenticators per user.
pub const AUTHENTICATORS_MAX: usize = 16;
/// Maximum drift (error of an authenticator's clock) in a record, in steps ahead or behind.
pub const DRIFT_MAX: i32 = 2880;

impl Digits {
    /// Six digits, the default.
    pub const SIX: Self = Self(6);
    /// Eight digits, the length of the backup codes of pam_google_authenticator.
    pub const EIGHT: Self = Self(8);

    /// Returns a length of 6, 7 or 8 digits; `None` for any other number.
    #[must_use]
    pub fn new(digits: u64) -> Option<Self> {
        match digits {
            6 => Some(Self(6)),
            7 => Some(Self(7)),
            8 => Some(Self(8)),
            _ => None,
        }
    }

    /// Returns the number of digits: 6, 7 or 8.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Period {
    /// 30 seconds, the default.
    pub const THIRTY: Self = Self(30);

    /// Returns a period of 1 to 3600 seconds; `None` for any other number.
    #[must_use]
    pub fn new(seconds: u64) -> Option<Self> {
        match u16::try_from(seconds) {
            Ok(seconds @ 1..=3600) => Some(Self(seconds)),
            _ => None,
        }
    }

    /// Returns the length of a time step in seconds, which is never 0.
    #[must_use]
    pub fn seconds(self) -> u64 {
        u64::from(self.0)
    }

    /// Returns whether a drift (error of an authenticator's clock) in steps may be learned or imported: at most
    /// [`DRIFT_MAX`] steps and at most one day, ahead or behind.
    #[must_use]
    pub fn believes(self, drift: i32) -> bool {
        let steps = u64::from(drift.unsigned_abs());
        drift.unsigned_abs() <= DRIFT_MAX.unsigned_abs() && steps * self.seconds() <= DAY
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self { algorithm: Algorithm::Sha1, digits: Digits::SIX, period: Period::THIRTY }
    }
}

impl Algorithm {
    /// Returns the name of the hash function in `otpauth://` URIs, settings and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// Returns the hash function with this name, ignoring case; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }
}
