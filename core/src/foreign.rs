//! What other modules' files say of a person, before anything is made of it, and what is odd there.

use alloc::{string::String, vec::Vec};

use zeroize::Zeroizing;

use crate::{
    record::{Digits, Moving, Parameters, Period},
    secret::Key,
};

/// A file of `pam_google_authenticator`.
#[derive(Debug)]
pub struct Google {
    /// The key.
    pub key: Key,
    /// How it makes codes.
    pub parameters: Parameters,
    /// What moves it, and where it stands.
    pub moving: Moving,
    /// Steps into the future from which a code is taken there.
    pub ahead: u8,
    /// What is known of used codes.
    pub reuse: Reuse,
    /// Scratch codes that work there.
    pub scratch: Vec<Zeroizing<String>>,
    /// What is to be told about the file.
    pub remarks: Vec<Remark>,
}

/// What Google's module does with a code that comes a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reuse {
    /// It takes it again.
    Allowed,
    /// It knows these steps, refuses them, and takes all others.
    Listed {
        /// The line they stand in.
        line: u32,
        /// The steps.
        steps: Vec<u64>,
    },
    /// It finds its list damaged, and refuses everything.
    Unreadable {
        /// The line.
        line: u32,
    },
}

/// One line of `pam_oath`'s users file.
#[derive(Debug)]
pub struct Token {
    /// Where it stands.
    pub line: u32,
    /// Whose it is.
    pub user: String,
    /// What is asked for beside the code.
    pub pin: Pin,
    /// The key.
    pub key: Key,
    /// The length of a code.
    pub digits: Digits,
    /// What moves it.
    pub kind: TokenKind,
    /// The last code that was accepted.
    pub last: Option<Zeroizing<String>>,
}

/// What `pam_oath` asks for beside the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// `-`, nothing.
    None,
    /// `+`, what another module checks.
    Elsewhere,
    /// A password that stands in the file.
    ClearText,
}

/// What moves a token of `pam_oath`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// The time.
    Clock(Period),
    /// A counter, and where it stands.
    Counter(u64),
}

/// What is not carried over as it stood, or is to be known about what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// The key has fewer than 128 bits.
    ShortKey {
        /// How many.
        bits: usize,
    },
    /// The key ends in `=`, for which Google's module refuses the file.
    Padding,
    /// `WINDOW_SIZE` of a clock: the `window` that lets the same codes in.
    Window {
        /// Where.
        line: u32,
        /// Steps each way.
        each_way: u8,
    },
    /// `WINDOW_SIZE` of a counter.
    LookAhead {
        /// Where.
        line: u32,
        /// How many counters.
        counters: u8,
    },
    /// `RATE_LIMIT`.
    RateLimit {
        /// Where.
        line: u32,
    },
    /// `LAST0` to `LAST9`.
    LastLogins {
        /// Where the first stands.
        line: u32,
    },
    /// `RESETTING_TIME_SKEW`: the clock was being learnt anew.
    SkewUnderWay {
        /// Where.
        line: u32,
    },
    /// `DIGITS` or `ALGORITHM`, which only a fork reads.
    Fork {
        /// Where.
        line: u32,
    },
    /// An option that nothing is known about.
    UnknownOption {
        /// Where.
        line: u32,
    },
    /// An option whose value cannot be read, and is not needed.
    UnreadableOption {
        /// Where.
        line: u32,
    },
    /// Lines that look like scratch codes below one that does not: they never worked.
    DeadCodes {
        /// The line at which Google's module stops.
        line: u32,
        /// How many stand below.
        count: usize,
    },
    /// More scratch codes than a set holds.
    TooManyCodes {
        /// How many are left behind.
        count: usize,
    },
    /// Codes could be used again.
    ReuseAllowed,
    /// The list of used codes cannot be read.
    ReuseUnreadable {
        /// Where.
        line: u32,
    },
    /// Steps on the list that no code accepted so far can have.
    FutureSteps {
        /// Where.
        line: u32,
        /// How many.
        count: usize,
    },
    /// A password in clear text stood in the line.
    Password {
        /// Where.
        line: u32,
    },
    /// Another module checks a password before the code.
    PinElsewhere {
        /// Where.
        line: u32,
    },
    /// The last code is of no time nearby, so it could not be used again anyway.
    LastCodeTooOld {
        /// Where.
        line: u32,
    },
    /// The same key stands in an earlier line.
    SameKey {
        /// Where.
        line: u32,
        /// The earlier line.
        first: u32,
    },
    /// The same key stands in an earlier line, with another kind or length of codes.
    SameKeyOther {
        /// Where.
        line: u32,
        /// The earlier line.
        first: u32,
    },
    /// More authenticators than a person can have.
    TooMany {
        /// Where.
        line: u32,
    },
    /// An option that stands in the file already; the first one counts.
    RepeatedOption {
        /// Where.
        line: u32,
    },
}

impl Remark {
    /// Tells whether something stands in the file that was not understood, or is used and has no place here: the file is kept
    /// then, because nobody has read what it holds.
    #[must_use]
    pub fn keeps_source(self) -> bool {
        match self {
            Self::UnknownOption { .. }
            | Self::UnreadableOption { .. }
            | Self::DeadCodes { .. }
            | Self::TooManyCodes { .. }
            | Self::SameKeyOther { .. }
            | Self::TooMany { .. }
            | Self::RepeatedOption { .. } => true,
            // Read and told, or of no use to anybody once the user is here.
            Self::ShortKey { .. }
            | Self::Padding
            | Self::Window { .. }
            | Self::LookAhead { .. }
            | Self::RateLimit { .. }
            | Self::LastLogins { .. }
            | Self::SkewUnderWay { .. }
            | Self::Fork { .. }
            | Self::ReuseAllowed
            | Self::ReuseUnreadable { .. }
            | Self::FutureSteps { .. }
            | Self::Password { .. }
            | Self::PinElsewhere { .. }
            | Self::LastCodeTooOld { .. }
            | Self::SameKey { .. } => false,
        }
    }
}
