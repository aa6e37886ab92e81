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
    /// A key that an administrator has seen, at a login that cannot ask for its replacement.
    SeenElsewhere {
        /// Who has seen it.
        by: String,
        /// When.
        at: UnixTime,
    },
    /// Asks again whether the key is to be replaced, after a word that is none of the answers.
    SeenAgain {
        /// How often that can still be put off.
        left: u8,
    },
    /// What can be changed.
    Menu {
        /// When something was last changed.
        changed: UnixTime,
        /// How many authenticators there are: one of several can be removed.
        authenticators: usize,
    },
    /// Stands above a menu that is shown again, after an answer that is none of its choices.
    NoSuchChoice,
    /// Which of several authenticators is meant.
    Which {
        /// Their names.
        names: Vec<String>,
        /// What is to become of it.
        fate: Fate,
    },
    /// Asks for a second code, before anything is changed.
    SecondCode,
    /// Asks for a second code, behind the proof of a new key.
    SecondOfOld,
    /// Asks for a second code, behind the proof of one more key.
    SecondOfOther,
    /// Asks for a second code, before an authenticator is removed.
    SecondToRemove {
        /// Its name.
        name: String,
    },
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
    Replaced {
        /// The entry of the app that shows codes of no use now, such as `Example:ada (phone)`.
        entry: String,
    },
    /// One of several authenticators works no more.
    Removed {
        /// Its entry in the app.
        entry: String,
    },
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

/// What is to become of one of several authenticators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Another key takes its place.
    Replaced,
    /// It is removed.
    Removed,
}

/// What is typed to have a device remembered, in each language.
pub const YES: [&str; 2] = ["yes", "ja"];
/// What is typed to be asked no more about a device, in each language.
pub const NEVER: [&str; 2] = ["never", "aldrig"];
/// What is typed to leave a device unremembered this time; an empty answer says the same.
pub const NO: [&str; 2] = ["no", "nej"];
