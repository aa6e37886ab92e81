//! The text that says when the ledger began (epoch), the target of a symbolic link:
//! `BOOT_ID.BOOTTIME_NANOSECONDS.MARK_SECONDS`. `.FROM+SECONDS` follows for each period in which codes were used later
//! than the last trusted time MARK_SECONDS.

use alloc::{format, string::String, vec::Vec};

use crate::{
    base::time::{BootTime, UnixTime},
    ledger::{Epoch, Stretch, clock_mark::STRETCHES_MAX},
};

/// Returns the text that says when the ledger began. It is stored in the ledger.
#[must_use]
pub fn write(epoch: &Epoch) -> String {
    let mut text = format!("{}.{}.{}", epoch.boot_id, epoch.begun.0, epoch.mark.0);
    for stretch in &epoch.ahead {
        text.push_str(&format!(".{}+{}", stretch.from.0, stretch.until.since(stretch.from)));
    }
    text
}

/// Parses the text that says when the ledger began; `None` if it is damaged.
#[must_use]
pub fn read(text: &str) -> Option<Epoch> {
    let mut parts = text.split('.');
    let boot_id = parts.next().filter(|id| id.len() == 32)?;
    let begun = BootTime(parts.next()?.parse().ok()?);
    let mark = UnixTime(parts.next()?.parse().ok()?);
    let ahead = parts.map(stretch).collect::<Option<Vec<_>>>()?;
    let few = ahead.len() <= STRETCHES_MAX;
    few.then(|| Epoch { boot_id: boot_id.into(), begun, mark, ahead })
}

fn stretch(text: &str) -> Option<Stretch> {
    let (from, seconds) = text.split_once('+')?;
    let digits = |number: &str| number.bytes().all(|byte| byte.is_ascii_digit());
    let from = UnixTime(from.parse().ok().filter(|_| digits(from))?);
    let seconds: u64 = seconds.parse().ok().filter(|_| digits(seconds))?;
    Some(Stretch { from, until: UnixTime(from.0.checked_add(seconds)?) })
}

/// Returns a boot id without dashes and newline. `text` is the content of `/proc/sys/kernel/random/boot_id`.
#[must_use]
pub fn boot_id(text: &str) -> String {
    text.chars().filter(char::is_ascii_hexdigit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_comes_back_and_a_damaged_one_does_not() {
        let text = "0123456789abcdef0123456789abcdef.123456789000.1800000000";
        let epoch = read(text).unwrap();
        assert_eq!(write(&epoch), text);
        for cut in 0..text.len() - 10 {
            assert_eq!(read(&text[..cut]), None, "{cut}");
        }
        assert_eq!(read(&format!("{text}.1")), None);
        let ahead = format!("{text}.1900000000+90.2000000000+0");
        assert_eq!(write(&read(&ahead).unwrap()), ahead);
        for odd in
            [".1+", ".+1", ".1+-1", ".1++1", ".18446744073709551615+1", ".", ".1+1.1+1.1+1.1+1.1+1"]
        {
            assert_eq!(read(&format!("{text}{odd}")), None, "{odd}");
        }
        assert_eq!(read("0123456789abcdef0123456789abcdef.-1.0"), None);
        assert_eq!(boot_id("0123-4567\n"), "01234567");
    }
}
