//! Content of other modules' files before it is converted, and remarks on it.

use alloc::{string::String, vec::Vec};

use zeroize::Zeroizing;

use twinlock_core::{
    base::secret::Key,
    record::{Digits, MovingFactor, Parameters, Period},
};

/// A file of `pam_google_authenticator`.
#[derive(Debug)]
pub struct Google {
    /// The key.
    pub key: Key,
    /// How codes are computed.
    pub parameters: Parameters,
    /// The moving factor and its current value.
    pub moving: MovingFactor,
    /// Steps in the future that are accepted there.
    pub ahead: u8,
    /// What is known about used codes.
    pub reuse: Reuse,
    /// Scratch codes that are valid there.
    pub scratch: Vec<Zeroizing<String>>,
    /// Remarks for the administrator.
    pub remarks: Vec<Remark>,
}

/// How Google's module treats a repeated code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reuse {
    /// It accepts it again.
    Allowed,
    /// It refuses the listed steps and accepts all others.
    Listed {
        /// The line of the list.
        line: u32,
        /// The steps.
        steps: Vec<u64>,
    },
    /// The list is damaged, and it refuses every code.
    Unreadable {
        /// The line.
        line: u32,
    },
}

/// One line of `pam_oath`'s users file.
#[derive(Debug)]
pub struct Token {
    /// Line number.
    pub line: u32,
    /// The user name.
    pub user: String,
    /// What is asked for in addition to the code.
    pub pin: Pin,
    /// The key.
    pub key: Key,
    /// The length of a code.
    pub digits: Digits,
    /// What moves the factor.
    pub kind: TokenKind,
    /// The last code that was accepted.
    pub last: Option<Zeroizing<String>>,
}

/// What `pam_oath` asks for in addition to the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// `-`: nothing.
    None,
    /// `+`: a password that another module checks.
    Elsewhere,
    /// A clear-text password in the file.
    ClearText,
}

/// The moving factor of a `pam_oath` token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Time.
    Clock(Period),
    /// A counter and its current value.
    Counter(u64),
}

/// A remark: something that is not imported as it was, or that the administrator should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// The key has fewer than 128 bits.
    ShortKey {
        /// Number of bits.
        bits: usize,
    },
    /// The key ends in `=`, which Google's module refuses.
    Padding,
    /// `WINDOW_SIZE` of a clock, as the `window` that accepts the same codes.
    Window {
        /// Line number.
        line: u32,
        /// Steps on each side.
        each_way: u8,
    },
    /// `WINDOW_SIZE` of a counter.
    LookAhead {
        /// Line number.
        line: u32,
        /// Number of counters.
        counters: u8,
    },
    /// `RATE_LIMIT`.
    RateLimit {
        /// Line number.
        line: u32,
    },
    /// `LAST0` to `LAST9`.
    LastLogins {
        /// Line of the first one.
        line: u32,
    },
    /// `RESETTING_TIME_SKEW`: the drift was being learned.
    SkewUnderWay {
        /// Line number.
        line: u32,
    },
    /// `DIGITS` or `ALGORITHM`, which only a fork reads.
    Fork {
        /// Line number.
        line: u32,
    },
    /// An unknown option.
    UnknownOption {
        /// Line number.
        line: u32,
    },
    /// An option that is not needed and whose value cannot be read.
    UnreadableOption {
        /// Line number.
        line: u32,
    },
    /// Lines that look like scratch codes but follow a line that does not: they never worked.
    DeadCodes {
        /// The line at which Google's module stops.
        line: u32,
        /// Number of lines after it.
        count: usize,
    },
    /// More scratch codes than a set holds.
    TooManyCodes {
        /// Number of codes that are not imported.
        count: usize,
    },
    /// Codes could be reused.
    ReuseAllowed,
    /// The list of used codes cannot be read.
    ReuseUnreadable {
        /// Line number.
        line: u32,
    },
    /// Listed steps that no code accepted so far can have.
    FutureSteps {
        /// Line number.
        line: u32,
        /// Number of steps.
        count: usize,
    },
    /// The line contained a clear-text password.
    Password {
        /// Line number.
        line: u32,
    },
    /// Another module checks a password before the code.
    PinElsewhere {
        /// Line number.
        line: u32,
    },
    /// The last code matches no recent time, so it could not be reused anyway.
    LastCodeTooOld {
        /// Line number.
        line: u32,
    },
    /// An earlier line has the same key.
    SameKey {
        /// Line number.
        line: u32,
        /// The earlier line.
        first: u32,
    },
    /// An earlier line has the same key with another kind or length of codes.
    SameKeyOther {
        /// Line number.
        line: u32,
        /// The earlier line.
        first: u32,
    },
    /// More authenticators than a user can have.
    TooMany {
        /// Line number.
        line: u32,
    },
    /// A repeated option; the first one counts.
    RepeatedOption {
        /// Line number.
        line: u32,
    },
}

impl Remark {
    /// Returns whether the source file must be kept: it contains something that was not understood, or that is in use
    /// and cannot be imported.
    #[must_use]
    pub fn keeps_source(self) -> bool {
        match self {
            Self::UnknownOption { .. }
            | Self::UnreadableOption { .. }
            | Self::DeadCodes { .. }
            | Self::TooManyCodes { .. }
            | Self::ReuseUnreadable { .. }
            | Self::SameKeyOther { .. }
            | Self::TooMany { .. }
            | Self::RepeatedOption { .. } => true,
            // Read and reported, or useless after the import.
            Self::ShortKey { .. }
            | Self::Padding
            | Self::Window { .. }
            | Self::LookAhead { .. }
            | Self::RateLimit { .. }
            | Self::LastLogins { .. }
            | Self::SkewUnderWay { .. }
            | Self::Fork { .. }
            | Self::ReuseAllowed
            | Self::FutureSteps { .. }
            | Self::Password { .. }
            | Self::PinElsewhere { .. }
            | Self::LastCodeTooOld { .. }
            | Self::SameKey { .. } => false,
        }
    }
}
