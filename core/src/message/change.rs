//! Messages about changes after a correct code.

use alloc::{string::String, vec::Vec};

use crate::base::time::UnixTime;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another user has seen the key; it should be replaced.
    Seen {
        /// Who has seen it.
        by: String,
        /// When it was seen.
        at: UnixTime,
        /// How often the replacement can still be postponed.
        left: u8,
    },
    /// An administrator has seen the key, and this login cannot ask for its replacement.
    SeenElsewhere {
        /// Who has seen it.
        by: String,
        /// When it was seen.
        at: UnixTime,
    },
    /// Asks again whether to replace the key, after an invalid answer.
    SeenAgain {
        /// How often the replacement can still be postponed.
        left: u8,
    },
    /// The menu of changes.
    Menu {
        /// When something was last changed.
        changed: UnixTime,
        /// Number of authenticators; one of several can be removed.
        authenticators: usize,
    },
    /// Shown above the repeated menu after an invalid choice.
    NoSuchChoice,
    /// Asks which of several authenticators.
    Which {
        /// Their names.
        names: Vec<String>,
        /// What will happen to it.
        fate: Fate,
    },
    /// Asks for a second code before any change.
    SecondCode,
    /// Asks for a second code after the new key was verified.
    SecondOfOld,
    /// Asks for a second code after an additional key was verified.
    SecondOfOther,
    /// Asks for a second code before an authenticator is removed.
    SecondToRemove {
        /// Its name.
        name: String,
    },
    /// Asks for the name of an additional authenticator.
    Name,
    /// The additional key is enabled.
    Added,
    /// The second code is wrong.
    WrongSecond {
        /// Answers left.
        left: u8,
    },
    /// The second code was used already.
    UsedSecond {
        /// Seconds until the next code.
        wait: u64,
    },
    /// The answer is not a code.
    NotACode,
    /// The new key is enabled and the old one disabled.
    Replaced {
        /// The app's entry that is now useless, such as `Example:ada (phone)`.
        entry: String,
    },
    /// One of several authenticators was removed.
    Removed {
        /// Its entry in the app.
        entry: String,
    },
    /// The key that should have been replaced is still in force.
    OldKeyStays,
    /// Nothing was changed.
    Unchanged,
    /// Asks whether to remember the device.
    Remember {
        /// The source address.
        address: String,
        /// How long, in seconds.
        seconds: u64,
    },
}

/// What will happen to one of several authenticators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is replaced.
    Replaced,
    /// It is removed.
    Removed,
}

/// The answers that mean yes, in each language.
pub const YES: [&str; 2] = ["yes", "ja"];
/// The answers that mean "do not ask again about this device", in each language.
pub const NEVER: [&str; 2] = ["never", "aldrig"];
/// The answers that mean no, in each language; an empty answer also means no.
pub const NO: [&str; 2] = ["no", "nej"];
