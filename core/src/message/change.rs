//! Messages about the changes that a user can make after a correct code.

use alloc::{string::String, vec::Vec};

use crate::base::time::UnixTime;

/// One message about a change that the user can make after a correct code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another user has seen the key of this user, who should replace it now.
    Seen {
        /// The user who has seen the key.
        by: String,
        /// Time at which the key was seen.
        at: UnixTime,
        /// Number of times that the replacement can still be postponed.
        left: u8,
    },
    /// An administrator has seen the key, but this login cannot ask the user to replace it.
    SeenElsewhere {
        /// The administrator who has seen the key.
        by: String,
        /// Time at which the key was seen.
        at: UnixTime,
    },
    /// Asks again whether to replace the key, after an answer that is neither yes nor no.
    SeenAgain {
        /// Number of times that the replacement can still be postponed.
        left: u8,
    },
    /// The menu of changes.
    Menu {
        /// Time at which an authenticator or the backup codes were last changed.
        changed: UnixTime,
        /// Number of the user's authenticators. One can be removed if there are several.
        authenticators: usize,
    },
    /// The choice is invalid. Shown above the repeated menu.
    NoSuchChoice,
    /// Asks which of several authenticators to replace or remove.
    Which {
        /// The names of the authenticators.
        names: Vec<String>,
        /// What the user does with the chosen authenticator.
        fate: Fate,
    },
    /// Asks for a second code before any change.
    SecondCode,
    /// Asks for a second code of the old authenticator, after the new key was verified.
    SecondOfOld,
    /// Asks for a second code of another authenticator, after an additional key was verified.
    SecondOfOther,
    /// Asks for a second code before an authenticator is removed.
    SecondToRemove {
        /// Name of the authenticator.
        name: String,
    },
    /// Asks for the name of an additional authenticator.
    Name,
    /// The additional key is enabled.
    Added,
    /// The second code is wrong.
    WrongSecond {
        /// Number of further answers that are accepted.
        left: u8,
    },
    /// The second code was used already.
    UsedSecond {
        /// Seconds until the app shows the next code.
        wait: u64,
    },
    /// The answer is not a code.
    NotACode,
    /// The new key is enabled and the old one disabled.
    Replaced {
        /// The entry in the app that is now useless, such as `Example:ada (phone)`.
        entry: String,
    },
    /// An authenticator was removed.
    Removed {
        /// The entry in the app for the removed authenticator, such as `Example:ada (phone)`.
        entry: String,
    },
    /// The old key, which the user should have replaced, is still in force.
    OldKeyStays,
    /// Nothing was changed.
    Unchanged,
    /// Asks whether to remember the device.
    Remember {
        /// The address from which the user connects.
        address: String,
        /// Time for which the device would be remembered, in seconds.
        seconds: u64,
    },
}

/// What the user does with the authenticator to be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The user replaces the authenticator.
    Replaced,
    /// The user removes the authenticator.
    Removed,
}

/// The answers that mean yes, in each language.
pub const YES: [&str; 2] = ["yes", "ja"];
/// The answers that mean "do not ask again about this device", in each language.
pub const NEVER: [&str; 2] = ["never", "aldrig"];
/// The answers that mean no, in each language; an empty answer also means no.
pub const NO: [&str; 2] = ["no", "nej"];
