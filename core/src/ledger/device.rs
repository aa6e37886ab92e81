//! Remembered devices. A device has an entry in the ledger, which is accepted in place of a code for a limited time.

use alloc::string::String;
use core::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::{
    base::time::{BootTime, Now, UnixTime},
    record::Generation,
};

/// The properties by which a device is recognized. All of them must match.
pub struct Binding<'a> {
    /// The account's user id.
    pub uid: u32,
    /// The PAM service.
    pub service: &'a str,
    /// The whole public key that sshd has verified.
    pub key: &'a str,
    /// The exact source address.
    pub address: IpAddr,
    /// The generation of the user's record, an id that each change of the record renews. After a change, the user's
    /// devices are therefore no longer remembered.
    pub generation: Generation,
}

/// The ledger entry of a remembered device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Time of the wall clock since which the device is remembered.
    pub since: UnixTime,
    /// Time of the wall clock at which the device is forgotten.
    pub until: UnixTime,
    /// Time of the boot clock, which cannot be set, at which the device is forgotten.
    pub until_boot: BootTime,
    /// The generation (id of its state) that the user's record had when the device was remembered.
    pub generation: Generation,
    /// The address from which the user connected.
    pub address: IpAddr,
    /// The fingerprint of the public key, truncated for display.
    pub key: String,
}

/// Returns the ledger name under which a device is remembered.
#[must_use]
pub fn name_of(binding: &Binding<'_>) -> String {
    named("device.", binding)
}

/// Returns the ledger name that stores the answer "never": the user does not want to be asked again whether to remember
/// this device.
#[must_use]
pub fn never_name_of(binding: &Binding<'_>) -> String {
    named("never.", binding)
}

fn named(kind: &str, binding: &Binding<'_>) -> String {
    let mut hash = Sha256::new();
    let numbers = [u64::from(binding.uid), binding.generation.0, binding.service.len() as u64];
    numbers.iter().for_each(|number| hash.update(number.to_be_bytes()));
    hash.update(binding.service.as_bytes());
    match binding.address {
        IpAddr::V4(address) => hash.update(address.octets()),
        IpAddr::V6(address) => hash.update(address.octets()),
    }
    hash.update(binding.key.as_bytes());
    let digest = hash.finalize();
    let mut name = String::from(kind);
    name.push_str(&base16ct::lower::encode_string(digest.get(..16).unwrap_or_default()));
    name
}

/// Returns whether a device is still remembered. A device is forgotten when either clock reaches its expiry, or when
/// the wall clock is set back to a time before the device was remembered.
#[must_use]
pub fn is_remembered(device: &Device, now: Now) -> bool {
    device.since <= now.unix && now.unix < device.until && now.boot < device.until_boot
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding() -> Binding<'static> {
        Binding {
            uid: 1000,
            service: "sshd",
            key: "ssh-ed25519 AAAA",
            address: [203, 0, 113, 7].into(),
            generation: Generation(1),
        }
    }

    #[test]
    fn whatever_differs_is_another_device() {
        let name = name_of(&binding());
        assert_eq!(name.len(), "device.".len() + 32);
        for other in [
            Binding { uid: 1001, ..binding() },
            Binding { service: "sshd2", ..binding() },
            Binding { key: "ssh-ed25519 AAAB", ..binding() },
            Binding { address: [203, 0, 113, 8].into(), ..binding() },
            Binding { address: "::1".parse().unwrap(), ..binding() },
            Binding { generation: Generation(2), ..binding() },
            Binding { service: "sshd", key: "2ssh-ed25519 AAAA", ..binding() },
        ] {
            assert_ne!(name_of(&other), name);
        }
        assert_eq!(name_of(&binding()), name);
    }

    #[test]
    fn its_time_ends_by_both_clocks() {
        let device = Device {
            since: UnixTime(100),
            until: UnixTime(200),
            until_boot: BootTime(1100),
            generation: Generation(1),
            address: [203, 0, 113, 7].into(),
            key: "SHA256:a".into(),
        };
        for (unix, boot, remembered) in [
            (100, 1000, true),
            (199, 1099, true),
            (200, 1000, false),
            (99, 1000, false),
            (150, 1100, false),
        ] {
            let now = Now { unix: UnixTime(unix), boot: BootTime(boot) };
            assert_eq!(is_remembered(&device, now), remembered, "{unix} {boot}");
        }
    }
}
