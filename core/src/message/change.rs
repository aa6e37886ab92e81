//! What is said when somebody changes something behind a right code, or has to.

use alloc::{string::String, vec::Vec};

use crate::time::UnixTime;

/// One thing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Somebody else has seen the key; it is to be replaced.
    Seen {
        /// Who has seen it.
        by: String,
        /// When.
        at: UnixTime,
        /// How often that can still be put off.
        left: u8,
    },
    /// What can be changed.
    Menu {
        /// When something was last changed.
        changed: UnixTime,
    },
    /// Which of several authenticators is to be replaced.
    Which {
        /// Their names.
        names: Vec<String>,
    },
    /// Asks for a second code, before anything is changed.
    SecondCode,
    /// Asks for a second code, behind the proof of a new key.
    SecondOfOld,
    /// Asks for a second code, behind the proof of one more key.
    SecondOfOther,
    /// What one more authenticator is to be called.
    Name,
    /// One more key works.
    Added,
    /// The second code is wrong.
    WrongSecond {
        /// Answers left.
        left: u8,
    },
    /// The second code was used.
    UsedSecond {
        /// Seconds until there is another.
        wait: u64,
    },
    /// What was typed is no code.
    NotACode,
    /// The new key works, the old one no more.
    Replaced,
    /// The key that was to be replaced is still in force.
    OldKeyStays,
    /// Nothing was changed.
    Unchanged,
    /// Asks whether the device is to be remembered.
    Remember {
        /// Where the person sits.
        address: String,
        /// How long, in seconds.
        seconds: u64,
    },
}

/// What is typed to have a device remembered, in each language.
pub const YES: [&str; 2] = ["yes", "ja"];
