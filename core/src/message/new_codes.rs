//! Messages about new backup codes.

use alloc::{string::String, vec::Vec};
use core::fmt;

use zeroize::Zeroizing;

/// One message about new backup codes.
#[derive(Debug, PartialEq, Eq)]
pub enum NewCodes {
    /// Shows the codes and asks for the last group of the last code.
    Show {
        /// Why there are new codes.
        why: Why,
        /// The new codes.
        codes: Codes,
    },
    /// The answer is not the last group of the last code.
    NotTheLast {
        /// Number of further answers that are accepted.
        left: u8,
        /// Number of codes shown.
        count: u8,
    },
    /// The answer is empty. Another empty answer cancels.
    NothingTyped {
        /// Number of codes shown.
        count: u8,
    },
    /// The codes are now valid.
    InForce {
        /// Number of the codes.
        count: u8,
    },
    /// The codes were not confirmed, so they are not valid. The next login shows new ones.
    Later,
    /// It is unknown whether the new codes are valid.
    Unsure,
    /// The new codes were not confirmed, so the last code of the old set still works.
    OldOneStays,
    /// The new codes were not confirmed, so the ticket still works.
    TicketStays,
}

/// Backup codes to be displayed.
#[derive(PartialEq, Eq)]
pub struct Codes(pub Vec<Zeroizing<String>>);

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codes(..)")
    }
}

/// Why there are new backup codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The user has just used the last code of the old set.
    LastTyped,
    /// The user has just completed set-up.
    SetUp {
        /// The account name.
        user: String,
        /// The host name.
        host: String,
    },
    /// The user has no codes, because they were never confirmed or are used up.
    None,
    /// An administrator enrolled the user, who has not had codes yet.
    First,
    /// An administrator revoked the old codes.
    Given {
        /// The name of the administrator.
        by: String,
    },
    /// The user asked for new codes.
    Wished,
}
