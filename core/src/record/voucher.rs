//! Vouchers: tickets and bypass codes. An administrator issues them, and the record stores their salted hashes.

use alloc::{boxed::Box, string::String};

use ctutils::CtEq;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::time::{BootTime, DAY, Now, UnixTime};

/// Number of letters in a ticket. They hold 56 random bits, too many to guess within a month under the rate limit.
pub const TICKET_LETTERS: usize = 12;
/// Number of digits in a bypass code, which is read over the telephone. So few digits are enough, because the code is
/// valid for hours and is accepted only after a proven first factor.
pub const BYPASS_DIGITS: usize = 9;
/// Maximum time in seconds for which a ticket is valid.
pub const TICKET_LONGEST: u64 = 31 * DAY;
/// Maximum number of tickets of one user; also the maximum number of bypass codes of one user.
pub const VOUCHERS_MAX: usize = 8;

/// The salted hash and the expiry of a ticket or bypass code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voucher {
    /// The random salt, which is the key of the HMAC-SHA-256.
    pub salt: [u8; 16],
    /// The HMAC-SHA-256 of the text of the ticket or bypass code.
    pub hash: [u8; 32],
    /// Time of the wall clock at which the ticket or bypass code expires.
    pub until: UnixTime,
    /// Expiry by the boot clock; `None` if only the wall clock counts, as in the record of an older version.
    pub by_boot: Option<Box<EndByBoot>>,
}

/// The expiry of a ticket or bypass code by the boot clock, which can be compared only within one boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndByBoot {
    /// Boot id, without dashes, of the boot in which the ticket or bypass code was issued.
    pub boot_id: String,
    /// Time of the boot clock at which the ticket or bypass code expires.
    pub until: BootTime,
}

/// The time at which a user types a ticket or bypass code, and what the ledger knows about the clock.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The current time by both clocks, read together.
    pub now: Now,
    /// Boot id of the current boot.
    pub boot_id: &'a str,
    /// The latest time that the wall clock is known to have shown before this boot.
    pub reached: UnixTime,
}

impl Voucher {
    /// Returns a voucher (stored form of a ticket or bypass code) with the hash of a text; `None` if the text cannot be
    /// hashed. `salt` must be random.
    #[must_use]
    pub fn of(text: &str, until: UnixTime, salt: [u8; 16]) -> Option<Self> {
        Some(Self { salt, hash: hash(&salt, text)?, until, by_boot: None })
    }

    /// Returns the voucher (stored form of a ticket or bypass code) with an additional expiry by the boot clock. It
    /// then does not become valid again if the wall clock is set back.
    #[must_use]
    pub fn counted_from(self, now: Now, boot_id: &str) -> Self {
        let until = now.boot.plus(self.until.since(now.unix));
        Self { by_boot: Some(Box::new(EndByBoot { boot_id: boot_id.into(), until })), ..self }
    }

    /// Returns whether the ticket or bypass code has expired by the wall clock or the boot clock. The boot clock of a
    /// later boot may be compared too: it begins at 0, so when it reaches the expiry, more than the lifetime has
    /// elapsed.
    #[must_use]
    pub fn is_over(&self, now: Now) -> bool {
        now.unix >= self.until || self.by_boot.as_ref().is_some_and(|end| now.boot >= end.until)
    }

    /// Returns whether a text is this ticket or bypass code and it has not expired. One that was issued in an earlier
    /// boot has also expired if the wall clock had shown a time after the expiry before this boot.
    #[must_use]
    pub fn is(&self, text: &str, at: &Moment<'_>) -> bool {
        let same = hash(&self.salt, text).is_some_and(|hash| hash.ct_eq(&self.hash).to_bool());
        let earlier_boot = self.by_boot.as_ref().is_some_and(|end| end.boot_id != at.boot_id);
        let passed = earlier_boot && at.reached >= self.until;
        same && !passed && !self.is_over(at.now)
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

    fn moment(unix: u64, up: u64, boot_id: &str, reached: u64) -> Moment<'_> {
        let now = Now { unix: UnixTime(unix), boot: BootTime(0).plus(up) };
        Moment { now, boot_id, reached: UnixTime(reached) }
    }

    #[test]
    fn a_clock_that_is_set_back_brings_no_voucher_back() {
        // The voucher is issued at time 1000, 50 s after the kernel started, and is valid for 100 s.
        let given = Now { unix: UnixTime(1000), boot: BootTime(0).plus(50) };
        let voucher = Voucher::of("123456789", UnixTime(1100), [7; 16]).unwrap();
        let voucher = voucher.counted_from(given, "b");
        for (unix, up, boot_id, reached, right) in [
            (1000, 50, "b", 0, true),
            (1099, 149, "b", 0, true),
            (1099, 150, "b", 0, false),
            (500, 149, "b", 0, true),
            (0, 100_000, "b", 0, false),
            // Within one boot, a clock mark in the future does not make a voucher expire, because the voucher may be
            // needed to correct the clock.
            (1050, 100, "b", 9000, true),
            (1050, 20, "c", 1099, true),
            (1050, 20, "c", 1100, false),
            (1050, 150, "c", 0, false),
        ] {
            let at = moment(unix, up, boot_id, reached);
            assert_eq!(voucher.is("123456789", &at), right, "{at:?}");
        }
    }

    #[test]
    fn a_voucher_is_of_one_text_and_ends() {
        let voucher = Voucher::of("ABCDEFGHIJKL", UnixTime(100), [7; 16]).unwrap();
        for (text, now, right) in [
            ("ABCDEFGHIJKL", 99, true),
            ("ABCDEFGHIJKL", 100, false),
            ("ABCDEFGHIJKM", 99, false),
            ("", 99, false),
        ] {
            assert_eq!(voucher.is(text, &moment(now, 5, "b", 0)), right, "{text} {now}");
        }
        assert_ne!(Voucher::of("ABCDEFGHIJKL", UnixTime(100), [8; 16]).unwrap().hash, voucher.hash);
    }
}
