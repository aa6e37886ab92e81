//! The epoch as the text of one symbolic link: `BOOT_ID.BOOTTIME_NANOSECONDS.MARK_SECONDS`.

use alloc::{format, string::String};

use crate::{
    ledger::Epoch,
    time::{BootTime, UnixTime},
};

/// Writes an epoch.
#[must_use]
pub fn write(epoch: &Epoch) -> String {
    format!("{}.{}.{}", epoch.boot_id, epoch.begun.0, epoch.mark.0)
}

/// Reads an epoch; nothing when it is damaged.
#[must_use]
pub fn read(text: &str) -> Option<Epoch> {
    let mut parts = text.split('.');
    let boot_id = parts.next().filter(|id| id.len() == 32)?;
    let begun = BootTime(parts.next()?.parse().ok()?);
    let mark = UnixTime(parts.next()?.parse().ok()?);
    match parts.next() {
        None => Some(Epoch { boot_id: boot_id.into(), begun, mark }),
        Some(_) => None,
    }
}

/// `/proc/sys/kernel/random/boot_id` without dashes and the newline.
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
        assert_eq!(read("0123456789abcdef0123456789abcdef.-1.0"), None);
        assert_eq!(boot_id("0123-4567\n"), "01234567");
    }
}
