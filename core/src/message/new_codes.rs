//! What is said around new backup codes.

use alloc::{string::String, vec::Vec};
use core::fmt;

use zeroize::Zeroizing;

/// One thing to say.
#[derive(Debug, PartialEq, Eq)]
pub enum NewCodes {
    /// Shows the codes, and asks for the last group of the last.
    Show {
        /// Why there are new ones.
        why: Why,
        /// The codes, in groups.
        codes: Codes,
    },
    /// What was typed is not the last group.
    NotTheLast {
        /// Answers left.
        left: u8,
        /// How many codes are shown.
        count: u8,
    },
    /// Nothing was typed: another empty answer ends it.
    NothingTyped {
        /// How many codes are shown.
        count: u8,
    },
    /// They work from now on.
    InForce {
        /// How many.
        count: u8,
    },
    /// They were not confirmed; the next login shows others.
    Later,
    /// They may work.
    Unsure,
    /// They were not confirmed; the old code still works.
    OldOneStays,
    /// They were not confirmed; the ticket still works.
    TicketStays,
}

/// Codes on their way to a screen.
#[derive(PartialEq, Eq)]
pub struct Codes(pub Vec<Zeroizing<String>>);

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codes(..)")
    }
}

/// Why there are new codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The last of the old ones was typed just now.
    LastTyped,
    /// Set-up has just been finished.
    SetUp {
        /// The account name.
        user: String,
        /// The machine.
        host: String,
    },
    /// There are none: they were not confirmed before, or used up.
    None,
    /// Somebody else has enrolled their owner, who never had any.
    First,
    /// An administrator has put an end to the old ones.
    Given {
        /// Who.
        by: String,
    },
    /// Their owner wants them.
    Wished,
}
