//! Patterns of sshd: matching with `*`, `?` and `!`, and examples of texts that match.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns whether `text` matches one pattern, which may contain `*` and `?`.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut pattern_rest = pattern.chars();
    match pattern_rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern_rest.as_str();
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| text.get(at..).is_some_and(|tail| fits(rest, tail)))
        }
        Some(c) => {
            let mut chars = text.chars();
            let first = chars.next();
            first.is_some_and(|first| c == '?' || c == first)
                && fits(pattern_rest.as_str(), chars.as_str())
        }
    }
}

/// Returns whether `text` matches a list of patterns separated by commas. If `text` matches a pattern that follows `!`,
/// it does not match the list, whatever the other patterns say.
#[must_use]
pub fn fits_list(list: &str, text: &str) -> bool {
    let (no, yes): (Vec<_>, Vec<_>) = list.split(',').partition(|one| one.starts_with('!'));
    let refused = no.iter().any(|one| fits(one.trim_start_matches('!'), text));
    !refused && yes.iter().any(|one| fits(one, text))
}

/// Returns an example for each pattern of the list: the pattern without a leading `!`, and with `x` in place of `*` and
/// `?`.
#[must_use]
pub fn examples(list: &str) -> Vec<String> {
    list.split(',').map(|one| one.trim_start_matches('!').replace(['*', '?'], "x")).collect()
}

/// Returns whether the address matches a list of networks and patterns separated by commas. If the address matches an
/// entry that follows `!`, it does not match the list, whatever the other entries say.
#[must_use]
pub fn fits_addresses(list: &str, address: &str) -> bool {
    let fits_one = |one: &str| match PatternNetwork::read(one) {
        Some(network) => address.parse().is_ok_and(|address| network.contains(address)),
        None => fits(one, address),
    };
    let (no, yes): (Vec<_>, Vec<_>) = list.split(',').partition(|one| one.starts_with('!'));
    let refused = no.iter().any(|one| fits_one(one.trim_start_matches('!')));
    !refused && yes.iter().any(|one| fits_one(one))
}

/// Returns example addresses for a list of networks and patterns: for each network, some of its addresses and the
/// addresses directly before and after it; for each pattern, one address that matches it.
#[must_use]
pub fn addresses(list: &str) -> Vec<String> {
    let each = list.split(',').map(|one| one.trim_start_matches('!'));
    let samples = each.flat_map(|one| match PatternNetwork::read(one) {
        Some(network) => network.samples(),
        None => pattern_sample(one).into_iter().collect(),
    });
    // For a client with an IPv4 address, sshd never uses the form `::ffff:192.0.2.1`.
    samples.filter(|one| !is_mapped(one)).collect()
}

/// Returns whether the text is an IPv6 address that stands for an IPv4 address, such as `::ffff:192.0.2.1`.
fn is_mapped(address: &str) -> bool {
    address.parse::<Ipv6Addr>().is_ok_and(|address| address.to_ipv4_mapped().is_some())
}

/// Returns an address that matches the pattern; `None` if none was found. A `*` can stand for several numbers of the
/// address.
fn pattern_sample(pattern: &str) -> Option<String> {
    let fitting = ["1", "1.1", "1.1.1", "1::1"].into_iter().filter_map(|part| {
        let example = pattern.replace('*', part).replace('?', "1");
        example.parse::<IpAddr>().ok().map(|found| found.to_string())
    });
    fitting.into_iter().next()
}

/// A network: the family of its addresses, and the first and last of them as numbers.
#[derive(Clone, Copy)]
struct PatternNetwork {
    v4: bool,
    first: u128,
    last: u128,
}

impl PatternNetwork {
    fn read(text: &str) -> Option<Self> {
        let (base, bits) =
            text.split_once('/').map_or((text, None), |(base, bits)| (base, Some(bits)));
        let base: IpAddr = base.parse().ok()?;
        let (number, width) = number(base);
        let bits: u32 = bits.map_or(Some(width), |bits| bits.parse().ok())?;
        let host = 1_u128.checked_shl(width.checked_sub(bits)?).map_or(u128::MAX, |one| one - 1);
        Some(Self { v4: base.is_ipv4(), first: number & !host, last: number | host })
    }

    fn contains(self, address: IpAddr) -> bool {
        let (number, _) = number(address);
        address.is_ipv4() == self.v4 && (self.first..=self.last).contains(&number)
    }

    fn samples(self) -> Vec<String> {
        let inside = if self.first == self.last { self.first } else { self.first | 1 };
        let beside = [self.first.checked_sub(1), self.last.checked_add(1)];
        let all = [Some(inside), Some(self.last)].into_iter().chain(beside).flatten();
        all.filter_map(|number| self.address(number)).collect()
    }

    fn address(self, number: u128) -> Option<String> {
        Some(match self.v4 {
            true => Ipv4Addr::from_bits(u32::try_from(number).ok()?).to_string(),
            false => Ipv6Addr::from_bits(number).to_string(),
        })
    }
}

fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_patterns() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("??", "ab", true),
            ("??", "abc", false),
            ("*.conf", "10-a.conf", true),
            ("ö?", "öä", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn lists_and_examples() {
        assert!(fits_list("bot-*,backup", "bot-1"));
        assert!(!fits_list("*,!root", "root"));
        assert!(!fits_list("!root", "alice"));
        assert_eq!(examples("bot-*,!root"), ["bot-x", "root"]);
        for (list, address, expected) in [
            ("10.0.0.0/8,192.168.1.*", "10.255.0.1", true),
            ("10.0.0.0/8,192.168.1.*", "192.168.1.9", true),
            ("*,!10.0.0.0/8", "10.0.0.1", false),
            ("*,!10.0.0.0/8", "192.0.2.1", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db8::5", true),
        ] {
            assert_eq!(fits_addresses(list, address), expected, "{list} {address}");
        }
        assert_eq!(
            addresses("10.0.0.0/8"),
            ["10.0.0.1", "10.255.255.255", "9.255.255.255", "11.0.0.0"]
        );
        assert_eq!(addresses("::/0").len(), 2);
        assert_eq!(addresses("10.*,192.0.*,fe80:*"), ["10.1.1.1", "192.0.1.1", "fe80:1::1"]);
        assert_eq!(
            addresses("192.168.1.*,127.0.0.1/32,nonsense")[..2],
            ["192.168.1.1", "127.0.0.1"]
        );
    }
}
