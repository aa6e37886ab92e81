//! Messages about new backup codes.

use alloc::{string::String, vec::Vec};
use core::fmt;

use zeroize::Zeroizing;

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub enum NewCodes {
    /// Shows the codes and asks for the last group of the last one.
    Show {
        /// Why there are new ones.
        why: Why,
        /// The codes in groups.
        codes: Codes,
    },
    /// The answer is not the last group.
    NotTheLast {
        /// Answers left.
        left: u8,
        /// Number of codes shown.
        count: u8,
    },
    /// An empty answer; another one cancels.
    NothingTyped {
        /// Number of codes shown.
        count: u8,
    },
    /// The codes are now valid.
    InForce {
        /// Number of codes.
        count: u8,
    },
    /// Not confirmed; the next login shows others.
    Later,
    /// They may be valid.
    Unsure,
    /// Not confirmed; the old code still works.
    OldOneStays,
    /// Not confirmed; the ticket still works.
    TicketStays,
}

/// Codes to be displayed.
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
    /// The last old code was just used.
    LastTyped,
    /// Set-up was just completed.
    SetUp {
        /// The account name.
        user: String,
        /// The host name.
        host: String,
    },
    /// There are none: never confirmed, or used up.
    None,
    /// Another user enrolled this one, who never had codes.
    First,
    /// An administrator revoked the old ones.
    Given {
        /// The administrator.
        by: String,
    },
    /// The user asked for them.
    Wished,
}
