//! What is kept of one person: state, generation and authenticators.

use alloc::{string::String, vec::Vec};

use crate::{
    beside::{Beside, Seen},
    request::SourceLabel,
    secret::Key,
    time::{DAY, UnixTime},
};

/// Everything that a record file says.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// The canonical account name.
    pub user: String,
    /// The account's user id; another one under the same name is refused.
    pub uid: u32,
    /// Whether codes are asked for.
    pub state: State,
    /// Changes with every change, and is never reused.
    pub generation: Generation,
    /// When set-up was finished.
    pub since: UnixTime,
    /// What makes codes for this person; no key stands twice.
    pub authenticators: Vec<Authenticator>,
    /// The set of codes that each work once, kept in a file of its own; only somebody enrolled has one.
    pub codes: Option<SetId>,
    /// What else is kept.
    pub beside: Beside,
}

impl Record {
    /// A record that belongs to nobody, for as much work on a name that has none.
    #[must_use]
    pub fn nobodys() -> Option<Self> {
        Key::new(alloc::vec![0; 20]).ok().map(Self::of_nobody)
    }

    /// A record with this key that belongs to nobody, and looks like any other.
    #[must_use]
    pub fn of_nobody(key: Key) -> Self {
        let authenticator = Authenticator {
            name: "app".into(),
            key,
            parameters: Parameters::default(),
            moving: Moving::default(),
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
            beside: Beside::default(),
        }
    }
}

/// A record as it stood when it was read.
#[derive(Debug)]
pub struct Snapshot {
    /// Its number in the folder, from 1.
    pub sequence: u64,
    /// Which file it was read from, whatever is called so later.
    pub identity: Identity,
    /// What it says.
    pub record: Record,
    /// Sources from which this person has got in.
    pub known: Vec<SourceLabel>,
    /// Wrong codes in a row, as far as they were noted where a restart does not reach.
    pub failures: u32,
}

/// A file as it stood: one that is put in its place, under the same name, is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    /// The inode.
    pub inode: u64,
    /// When the inode last changed (ctime), in nanoseconds since 1970.
    pub changed: i128,
}

/// Where a person stands with set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Enrolled: codes are asked for.
    Active,
    /// Set-up was begun, or is to be done by ticket: there is no authenticator.
    Pending,
    /// A tombstone: was enrolled once.
    Removed,
}

impl State {
    /// Whether the record holds the account's user id: nobody else may have it then.
    #[must_use]
    pub fn holds_uid(self) -> bool {
        match self {
            Self::Active | Self::Pending => true,
            Self::Removed => false,
        }
    }
}

/// 64 random bits that name one state of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(pub u64);

/// 64 random bits that name one set of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetId(pub u64);

/// One authenticator app or token.
#[derive(Debug, PartialEq, Eq)]
pub struct Authenticator {
    /// What its owner calls it.
    pub name: String,
    /// The shared key.
    pub key: Key,
    /// How it makes codes.
    pub parameters: Parameters,
    /// What takes it from one code to the next, and where it stands.
    pub moving: Moving,
    /// Who else than its owner has seen the key.
    pub seen: Option<Seen>,
}

impl Authenticator {
    /// A second copy, as [`Key::copied`].
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

    /// Steps that its clock runs ahead of ours; 0 for a counter.
    #[must_use]
    pub fn drift(&self) -> i32 {
        match self.moving {
            Moving::Clock { drift } => drift,
            Moving::Counter { .. } => 0,
        }
    }
}

/// The moving factor of RFC 4226 section 5.1, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moving {
    /// The time (TOTP).
    Clock {
        /// Steps that the authenticator's clock runs ahead of ours (RFC 6238 section 6).
        drift: i32,
    },
    /// A counter that each code moves by one (HOTP).
    Counter {
        /// The lowest counter whose code was not used.
        next: u64,
    },
}

impl Default for Moving {
    fn default() -> Self {
        Self::Clock { drift: 0 }
    }
}

/// How codes are made from a key (RFC 6238 sections 1.2 and 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// The hash under HMAC.
    pub algorithm: Algorithm,
    /// The length of a code.
    pub digits: Digits,
    /// The length of a step, where time moves it.
    pub period: Period,
}

/// The hash under HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA-1, what every app does.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

/// The length of a code: 6, 7 or 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits(u8);

/// The length of a step in seconds: 1 to 3600.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(u16);

/// The most authenticators of one person.
pub const AUTHENTICATORS_MAX: usize = 16;
/// The furthest drift that a record may hold, in steps each way.
pub const DRIFT_MAX: i32 = 2880;

impl Digits {
    /// The usual six.
    pub const SIX: Self = Self(6);
    /// Eight, as scratch codes have.
    pub const EIGHT: Self = Self(8);

    /// Takes 6, 7 or 8.
    #[must_use]
    pub fn new(digits: u64) -> Option<Self> {
        match digits {
            6 => Some(Self(6)),
            7 => Some(Self(7)),
            8 => Some(Self(8)),
            _ => None,
        }
    }

    /// 6, 7 or 8.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Period {
    /// The usual thirty seconds.
    pub const THIRTY: Self = Self(30);

    /// Takes 1 to 3600 seconds.
    #[must_use]
    pub fn new(seconds: u64) -> Option<Self> {
        match u16::try_from(seconds) {
            Ok(seconds @ 1..=3600) => Some(Self(seconds)),
            _ => None,
        }
    }

    /// Seconds, never 0.
    #[must_use]
    pub fn seconds(self) -> u64 {
        u64::from(self.0)
    }

    /// Returns whether a drift of so many steps is taken from codes or from an import: [`DRIFT_MAX`] steps each way, and
    /// no more than a day.
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
    /// The name in `otpauth://` URIs, settings and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// The algorithm of that name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }
}
