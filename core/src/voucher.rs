//! Vouchers: set-up tickets and bypasses that an administrator gives somebody, kept as salted hashes.

use constant_time_eq::constant_time_eq_32;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::time::{DAY, UnixTime};

/// Letters of a ticket: 56 bits, which nobody guesses in three days at the pace of the throttle.
pub const TICKET_LETTERS: usize = 12;
/// Digits of a bypass: read over a telephone, valid for hours, behind a first factor.
pub const BYPASS_DIGITS: usize = 9;
/// Seconds that a ticket works.
pub const TICKET_LIFE: u64 = 3 * DAY;
/// The longest time that a ticket works, where a whole group is invited until a day, in seconds.
pub const TICKET_LONGEST: u64 = 31 * DAY;
/// The most tickets, and the most bypasses, of one person.
pub const VOUCHERS_MAX: usize = 8;

/// The hash of a voucher, and until when it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voucher {
    /// The salt, the key under HMAC-SHA-256.
    pub salt: [u8; 16],
    /// The hash.
    pub hash: [u8; 32],
    /// From this instant on it works no more.
    pub until: UnixTime,
}

impl Voucher {
    /// The voucher of a text, with a random salt.
    #[must_use]
    pub fn of(text: &str, until: UnixTime, salt: [u8; 16]) -> Option<Self> {
        Some(Self { salt, hash: hash(&salt, text)?, until })
    }

    /// Whether a text is this voucher's, and it still works.
    #[must_use]
    pub fn is(&self, text: &str, now: UnixTime) -> bool {
        let same =
            hash(&self.salt, text).is_some_and(|hash| constant_time_eq_32(&hash, &self.hash));
        same && now < self.until
    }
}

fn hash(salt: &[u8; 16], text: &str) -> Option<[u8; 32]> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(salt).ok()?;
    hmac.update(text.as_bytes());
    Some(hmac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voucher_is_of_one_text_and_ends() {
        let voucher = Voucher::of("ABCDEFGHIJKL", UnixTime(100), [7; 16]).unwrap();
        assert!(voucher.is("ABCDEFGHIJKL", UnixTime(99)));
        assert!(!voucher.is("ABCDEFGHIJKL", UnixTime(100)));
        assert!(!voucher.is("ABCDEFGHIJKM", UnixTime(99)));
        assert!(!voucher.is("", UnixTime(99)));
        assert_ne!(Voucher::of("ABCDEFGHIJKL", UnixTime(100), [8; 16]).unwrap().hash, voucher.hash);
    }
}
