//! Vouchers: set-up tickets and bypasses that an administrator gives somebody, kept as salted hashes.

use alloc::{boxed::Box, string::String};

use constant_time_eq::constant_time_eq_32;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::time::{BootTime, DAY, Now, UnixTime};

/// Letters of a ticket: 56 bits, which nobody guesses in a month at the pace of the throttle.
pub const TICKET_LETTERS: usize = 12;
/// Digits of a bypass: read over a telephone, valid for hours, behind a first factor.
pub const BYPASS_DIGITS: usize = 9;
/// The longest time that settings may let a ticket work, in seconds.
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
    /// The same by the clock that cannot be set; nothing in a record of before.
    pub by_boot: Option<Box<EndByBoot>>,
}

/// The end of a voucher by the clock that cannot be set, which means something within one boot only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndByBoot {
    /// The boot it was given out in, as the epoch names it.
    pub boot_id: String,
    /// From this instant on it works no more.
    pub until: BootTime,
}

/// When a voucher is typed, and what is known of the time besides.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Both clocks.
    pub now: Now,
    /// This boot.
    pub boot_id: &'a str,
    /// How far the wall clock is known to have come before this boot.
    pub reached: UnixTime,
}

impl Voucher {
    /// The voucher of a text, with a random salt.
    #[must_use]
    pub fn of(text: &str, until: UnixTime, salt: [u8; 16]) -> Option<Self> {
        Some(Self { salt, hash: hash(&salt, text)?, until, by_boot: None })
    }

    /// Ends it by the clock that cannot be set as well, so that it does not live again when the other one is set back.
    #[must_use]
    pub fn counted_from(self, now: Now, boot_id: &str) -> Self {
        let until = now.boot.plus(self.until.since(now.unix));
        Self { by_boot: Some(Box::new(EndByBoot { boot_id: boot_id.into(), until })), ..self }
    }

    /// Whether its time is over by either clock. In a later boot the second clock has begun anew: where it has come as
    /// far all the same, more than the voucher's whole life has passed.
    #[must_use]
    pub fn is_over(&self, now: Now) -> bool {
        now.unix >= self.until || self.by_boot.as_ref().is_some_and(|end| now.boot >= end.until)
    }

    /// Whether a text is this voucher's, and it still works. After a restart it is over where the clock is known to
    /// have passed its end.
    #[must_use]
    pub fn is(&self, text: &str, at: &Moment<'_>) -> bool {
        let same =
            hash(&self.salt, text).is_some_and(|hash| constant_time_eq_32(&hash, &self.hash));
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
        // Given out at 1000, 50 s after the machine's start, for 100 s.
        let given = Now { unix: UnixTime(1000), boot: BootTime(0).plus(50) };
        let voucher = Voucher::of("123456789", UnixTime(1100), [7; 16]).unwrap();
        let voucher = voucher.counted_from(given, "b");
        for (unix, up, boot_id, reached, right) in [
            (1000, 50, "b", 0, true),
            (1099, 149, "b", 0, true),
            (1099, 150, "b", 0, false),
            (500, 149, "b", 0, true),
            (0, 100_000, "b", 0, false),
            // Within one boot a mark that lies ahead takes nothing away: this may be the way out of it.
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
