//! The text of a remembered device in the ledger: `SINCE UNTIL BOOT GENERATION ADDRESS KEY`.

use alloc::{format, string::String};

use crate::{
    base::time::{BootTime, UnixTime},
    ledger::device::Device,
    record::Generation,
};

/// Prefix of the ledger names of devices.
pub const DEVICE: &str = "device.";
/// Maximum length in bytes of a stored fingerprint, which is shown so that the user can tell keys apart.
const KEY_MAX: usize = 50;

/// Returns the text with which a device is stored in the ledger.
#[must_use]
pub fn write(device: &Device) -> String {
    let Device { since, until, until_boot, generation, address, .. } = device;
    let key: String = device.key.chars().filter(char::is_ascii_graphic).take(KEY_MAX).collect();
    format!("{} {} {} {:016x} {address} {key}", since.0, until.0, until_boot.0, generation.0)
}

/// Parses a text that [`write()`] wrote; `None` if it is damaged.
#[must_use]
pub fn read(text: &str) -> Option<Device> {
    let mut parts = text.split(' ');
    let mut number = || parts.next()?.parse().ok();
    let (since, until, until_boot) = (number()?, number()?, number()?);
    let generation = u64::from_str_radix(parts.next()?, 16).ok()?;
    let device = Device {
        since: UnixTime(since),
        until: UnixTime(until),
        until_boot: BootTime(until_boot),
        generation: Generation(generation),
        address: parts.next()?.parse().ok()?,
        key: parts.next()?.into(),
    };
    parts.next().is_none().then_some(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_come_back() {
        let device = Device {
            since: UnixTime(100),
            until: UnixTime(200),
            until_boot: BootTime(1100),
            generation: Generation(0xab),
            address: "2001:db8::7".parse().unwrap(),
            key: "SHA256:abc".into(),
        };
        assert_eq!(write(&device), "100 200 1100 00000000000000ab 2001:db8::7 SHA256:abc");
        assert_eq!(read(&write(&device)), Some(device));
        for odd in ["", "1 2 3 4", "1 2 3 zz ::1 k", "1 2 3 4 host k", "1 2 3 4 ::1 k x"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
