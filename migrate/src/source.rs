//! Types for the content of files of other PAM modules before it is converted, and for remarks about this content.

use alloc::{string::String, vec::Vec};

use zeroize::Zeroizing;

use twinlock_core::{
    base::secret::Key,
    record::{Digits, MovingFactor, Parameters, Period},
};

/// The content of a file of `pam_google_authenticator`.
#[derive(Debug)]
pub struct Google {
    /// The key, decoded from the text of the file.
    pub key: Key,
    /// The hash algorithm, number of digits and period of the codes.
    pub parameters: Parameters,
    /// The moving factor and its current value.
    pub moving: MovingFactor,
    /// Number of steps in the future that Google's module accepts.
    pub ahead: u8,
    /// How Google's module treats repeated codes, and which codes it refuses as used.
    pub reuse: Reuse,
    /// Scratch codes that Google's module accepts.
    pub scratch: Vec<Zeroizing<String>>,
    /// Remarks for the administrator.
    pub remarks: Vec<Remark>,
}

/// How Google's module treats a repeated code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reuse {
    /// Google's module accepts a repeated code again.
    Allowed,
    /// Google's module refuses the listed steps and accepts all others.
    Listed {
        /// Number of the line that lists the steps, from 1.
        line: u32,
        /// The time steps (RFC 6238) whose codes Google's module refuses.
        steps: Vec<u64>,
    },
    /// The list of used steps is damaged, so Google's module refuses every code.
    Unreadable {
        /// Number of the line with the list, from 1.
        line: u32,
    },
}

/// One line of the users file of `pam_oath`.
#[derive(Debug)]
pub struct OathToken {
    /// Number of the line in the source file, from 1.
    pub line: u32,
    /// The user name.
    pub user: String,
    /// The secret that is asked for in addition to the code.
    pub pin: Pin,
    /// The key, decoded from the text of the file.
    pub key: Key,
    /// The number of digits of a code.
    pub digits: Digits,
    /// The type of the token: clock or counter.
    pub kind: TokenKind,
    /// The last code that was accepted; `None` if the file has none.
    pub last: Option<Zeroizing<String>>,
}

/// The secret that `pam_oath` asks for in addition to the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// No secret (`-`).
    None,
    /// A password that another module checks (`+`).
    Elsewhere,
    /// A clear-text password in the file.
    ClearText,
}

/// The moving factor of a `pam_oath` token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// The token has a clock, and shows a new code after each of these periods.
    Clock(Period),
    /// The token has a counter. The field is the value of the counter in the file.
    Counter(u64),
}

/// A fact about a source file that the administrator should know, such as content that is imported only in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// The key has fewer than 128 bits.
    ShortKey {
        /// Number of bits of the key.
        bits: usize,
    },
    /// The key ends in `=`, which Google's module refuses.
    Padding,
    /// The file sets `WINDOW_SIZE` for an app. `each_way` is the value of twinlock's setting `window` that accepts the
    /// same codes.
    Window {
        /// Number of the line in the source file, from 1.
        line: u32,
        /// Number of steps before and after the current one that twinlock should accept.
        each_way: u8,
    },
    /// The file sets `WINDOW_SIZE` for a counter token.
    LookAhead {
        /// Number of the line in the source file, from 1.
        line: u32,
        /// Number of counters that Google's module accepts.
        counters: u8,
    },
    /// The file sets `RATE_LIMIT`.
    RateLimit {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
    /// The file contains `LAST0` to `LAST9`, the times of the last logins.
    LastLogins {
        /// Number of the line with the first of these options, from 1.
        line: u32,
    },
    /// The file contains `RESETTING_TIME_SKEW`, so Google's module was about to learn the error of the app's clock.
    SkewUnderWay {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
    /// The file sets `DIGITS` or `ALGORITHM`, which only a fork of Google's module reads.
    Fork {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
    /// The file contains an unknown option.
    UnknownOption {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
    /// The file contains an option that is not imported and whose value cannot be read.
    UnreadableOption {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
    /// Lines that look like scratch codes follow a line that is neither an option nor a code, so Google's module never
    /// accepted them.
    DeadCodes {
        /// Number of the line at which Google's module stops, from 1.
        line: u32,
        /// Number of the lines that look like scratch codes.
        count: usize,
    },
    /// The file contains more scratch codes than a code set holds.
    TooManyCodes {
        /// Number of codes that are not imported.
        count: usize,
    },
    /// Google's module allows codes to be used again.
    ReuseAllowed,
    /// The list of used codes cannot be read.
    ReuseUnreadable {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
    /// The list of used steps contains steps further in the future than any accepted code.
    FutureSteps {
        /// Number of the line in the source file, from 1.
        line: u32,
        /// Number of these future steps.
        count: usize,
    },
    /// The line contained a clear-text password.
    Password {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
    /// Another module checks a password before the code.
    PinElsewhere {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
    /// The last accepted code belongs to no recent time step, so it could not be accepted again in any case.
    LastCodeTooOld {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
    /// An earlier line of the user has the same key.
    SameKey {
        /// Number of the line in the source file, from 1.
        line: u32,
        /// Number of the earlier line in the source file, from 1.
        first: u32,
    },
    /// An earlier line of the user has the same key, but another kind or length of codes.
    SameKeyOther {
        /// Number of the line in the source file, from 1.
        line: u32,
        /// Number of the earlier line in the source file, from 1.
        first: u32,
    },
    /// The user has more lines than a record can have authenticators.
    TooMany {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
    /// An option is repeated. Only the first line with this option is imported.
    RepeatedOption {
        /// Number of the line in the source file, from 1.
        line: u32,
    },
}

impl Remark {
    /// Returns whether the source file must be kept: the import did not understand a part of it, or left out a part
    /// that is in use.
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
            // The part that the remark is about was read and reported, or is useless after the import.
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
