//! sshd's patterns: `*`, `?`, lists with `!`, and examples that match.

/// Reports whether the text matches one pattern.
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

/// Reports whether the text matches a list; a matching `!` pattern rejects it.
#[must_use]
pub fn fits_list(list: &str, text: &str) -> bool {
    let (no, yes): (Vec<_>, Vec<_>) = list.split(',').partition(|one| one.starts_with('!'));
    let refused = no.iter().any(|one| fits(one.trim_start_matches('!'), text));
    !refused && yes.iter().any(|one| fits(one, text))
}

/// Returns names or host names that match the list, one for each of its patterns.
#[must_use]
pub fn examples(list: &str) -> Vec<String> {
    list.split(',').map(|one| one.trim_start_matches('!').replace(['*', '?'], "x")).collect()
}

/// Returns addresses that match the list: the first host address of each network.
#[must_use]
pub fn addresses(list: &str) -> Vec<String> {
    list.split(',').map(|one| one.trim_start_matches('!')).filter_map(address).collect()
}

fn address(pattern: &str) -> Option<String> {
    let (base, bits) = pattern.split_once('/').unwrap_or((pattern, ""));
    if base.contains(['*', '?']) {
        let example =
            if base == "*" { "203.0.113.7".to_owned() } else { base.replace(['*', '?'], "1") };
        return example.parse::<std::net::IpAddr>().ok().map(|found| found.to_string());
    }
    let found: std::net::IpAddr = base.parse().ok()?;
    let whole = bits.is_empty() || bits == "32" && found.is_ipv4() || bits == "128";
    Some(match found {
        _ if whole => found.to_string(),
        std::net::IpAddr::V4(v4) => std::net::Ipv4Addr::from_bits(v4.to_bits() | 1).to_string(),
        std::net::IpAddr::V6(v6) => std::net::Ipv6Addr::from_bits(v6.to_bits() | 1).to_string(),
    })
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
        assert_eq!(
            addresses("10.0.0.0/8,192.168.1.*,2001:db8::/32,127.0.0.1,*,203.0.113.9/32,nonsense"),
            ["10.0.0.1", "192.168.1.1", "2001:db8::1", "127.0.0.1", "203.0.113.7", "203.0.113.9"]
        );
    }
}
