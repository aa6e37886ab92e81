//! Networks in rules. A network is a literal address and never a name, because an attacker could answer DNS queries.

use core::net::IpAddr;

/// A network: an address and the length of its prefix in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Parses a network such as `10.0.0.0/8` or `2001:db8::/32`, or a single address; `None` if the text is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
            None => longest,
        };
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// Returns the length of the prefix in bits.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Returns the network with all bits of its address after the prefix cleared, such as `10.0.0.0/8` for
    /// `10.1.2.3/8`.
    #[must_use]
    pub fn masked(&self) -> Self {
        let address = match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V4((address.to_bits() & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V6((address.to_bits() & mask).into())
            }
        };
        Self { address, ..*self }
    }

    /// Returns whether this is a network of IPv4 addresses.
    #[must_use]
    pub fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// Returns whether the other network lies in this one. IPv4 networks and IPv6 networks do not lie in each other.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let may = self.is_ipv4() == other.is_ipv4() && self.prefix <= other.prefix;
        may && Self { prefix: self.prefix, ..*other }.masked() == self.masked()
    }

    /// Returns an address in the network as an example: the second one, or the only one.
    #[must_use]
    pub fn example(&self) -> IpAddr {
        match self.masked().address {
            IpAddr::V4(address) => {
                IpAddr::V4((address.to_bits() | u32::from(self.prefix < 32)).into())
            }
            IpAddr::V6(address) => {
                IpAddr::V6((address.to_bits() | u128::from(self.prefix < 128)).into())
            }
        }
    }

    /// Returns whether an address is in the network. An IPv4-mapped IPv6 address counts as IPv4.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let spare = 32 - u32::from(self.prefix);
                (network.to_bits() ^ address.to_bits()).checked_shr(spare).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let spare = 128 - u32::from(self.prefix);
                (network.to_bits() ^ address.to_bits()).checked_shr(spare).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl core::fmt::Display for Network {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_lies_in_them() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db8::1", true),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.6", false),
        ] {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.holds(address.parse().unwrap()), inside, "{network:?} {address}");
        }
    }

    #[test]
    fn masks_and_examples_stay_in_the_network() {
        for (network, masked, example) in [
            ("10.1.2.3/8", "10.0.0.0/8", "10.0.0.1"),
            ("203.0.113.7", "203.0.113.7/32", "203.0.113.7"),
            ("0.0.0.0/0", "0.0.0.0/0", "0.0.0.1"),
            ("2001:db8::7/32", "2001:db8::/32", "2001:db8::1"),
            ("::1/128", "::1/128", "::1"),
            ("::/0", "::/0", "::1"),
        ] {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.masked(), Network::parse(masked).unwrap());
            assert_eq!(network.example(), example.parse::<IpAddr>().unwrap());
            assert!(network.contains(&network.masked()) && network.holds(network.example()));
            assert!(
                !network.contains(&Network::parse("::ffff:0:0/96").unwrap()) || network.prefix == 0
            );
        }
    }

    #[test]
    fn only_literal_networks_are_read() {
        for odd in ["localhost", "10.0.0.0/33", "10.0/8", "10.0.0.0/", "10.0.0.0/+8", "::/129", ""]
        {
            assert_eq!(Network::parse(odd), None, "{odd}");
        }
    }
}
