//! Mail addresses without characters that a header, a shell or a mail server could misread.

use alloc::{borrow::ToOwned, format, string::String};
use core::fmt;

/// Maximum length of the local part in bytes (RFC 5321 section 4.5.3.1.1).
const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// A mail address: `name@domain`, or only the name of a local mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Parses an address; returns `None` if it is not accepted. Refuses non-ASCII characters, because most servers do
    /// not accept them, and those characters of RFC 5321 that some servers interpret as a route, a file or a program.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let fits = match text.split_once('@') {
            Some((local, domain)) => is_local(local) && is_domain(domain),
            None => is_local(text),
        };
        fits.then(|| Self(text.to_owned()))
    }

    /// Returns the mail address of a user: `on_record`, the address in the user's record, if there is one; otherwise
    /// `user@domain`. `domain` comes from the settings.
    ///
    /// # Errors
    /// [`AddressError`] if `on_record` and `domain` are both missing, or if the address is not valid.
    pub fn of(
        user: &str,
        on_record: Option<&str>,
        domain: Option<&str>,
    ) -> Result<Self, AddressError> {
        if let Some(address) = on_record {
            return Self::read(address).ok_or_else(|| AddressError::Odd(address.to_owned()));
        }
        let named = domain.and_then(|domain| Self::read(&format!("{user}@{domain}")));
        named.ok_or(AddressError::Unknown)
    }

    /// Returns the address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a user has no mail address that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressError {
    /// No mail address of the user is known.
    Unknown,
    /// The address in the user's record is not valid. Holds this address.
    Odd(String),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no mail address is known",
            Self::Odd(_) => "the mail address on record cannot be used",
        })
    }
}

impl core::error::Error for AddressError {}

/// Writes a shortened form, such as `a…@example.org`. It shows an administrator where a ticket went without disclosing
/// the whole address.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_once('@') {
            Some((local, domain)) => {
                let first = local.chars().next().unwrap_or('?');
                write!(f, "{first}\u{2026}@{domain}")
            }
            None => f.write_str(&self.0),
        }
    }
}

fn is_local(local: &str) -> bool {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b".#$&'*+=?^_{}~-".contains(&byte);
    (1..=LOCAL_MAX).contains(&local.len())
        && local.bytes().all(harmless)
        && local.split('.').all(|part| !part.is_empty())
        && !local.starts_with('-')
}

fn is_domain(domain: &str) -> bool {
    let notification = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.bytes().all(notification)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= DOMAIN_MAX && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn addresses_of_people_are_taken() {
        for address in [
            "ada@example.org",
            "ada.lovelace+otp@mail.example.org",
            "o'neil@example.org",
            "ada@localhost",
            "a_b-c=d~e@xn--bcher-kva.example",
            "root",
        ] {
            assert_eq!(Address::read(address).unwrap().as_str(), address);
        }
    }

    #[test]
    fn what_could_be_read_as_something_else_is_none() {
        for odd in [
            "",
            "@",
            "ada@",
            "@example.org",
            "-oQ/tmp@example.org",
            "-f",
            "ada@-example.org",
            "ada@example-.org",
            "ada@example..org",
            "ada@.org",
            ".ada@example.org",
            "ada..l@example.org",
            "ada@example.org\nBcc: eve@example.org",
            "ada\r\n@example.org",
            "ada@example.org,eve@example.org",
            "ada@example.org eve@example.org",
            "ada <ada@example.org>",
            "\"a b\"@example.org",
            "|/bin/sh@example.org",
            "/etc/passwd",
            ":include:/etc/shadow",
            "eve%example.net@example.org",
            "example.net!eve@example.org",
            "DOM\\ada@example.org",
            "ada@corp@example.org",
            "ada@[192.0.2.1]",
            "\u{e5}sa@example.org",
            "ada@b\u{fc}cher.example",
            "ada@example.org\0",
            "(x)ada@example.org",
            "`id`@example.org",
        ] {
            assert_eq!(Address::read(odd), None, "{odd:?}");
        }
        assert_eq!(Address::read(&format!("{}@example.org", "a".repeat(65))), None);
        assert_eq!(Address::read(&format!("a@{}", "a.".repeat(127) + "a")), None);
    }

    #[test]
    fn the_record_comes_first_then_the_domain() {
        let of = |record, set| Address::of("ada", record, set);
        let read = |text| Ok(Address::read(text).unwrap());
        assert_eq!(of(Some("a@b.example"), Some("example.org")), read("a@b.example"));
        assert_eq!(of(None, Some("example.org")), read("ada@example.org"));
        assert_eq!(of(None, None), Err(AddressError::Unknown));
        assert_eq!(of(None, Some("exa mple.org")), Err(AddressError::Unknown));
        let odd = Err(AddressError::Odd("a b@c".into()));
        assert_eq!(of(Some("a b@c"), Some("example.org")), odd);
    }

    #[test]
    fn an_administrators_screen_shows_as_much_as_is_needed() {
        assert_eq!(Address::read("ada@example.org").unwrap().to_string(), "a\u{2026}@example.org");
        assert_eq!(Address::read("root").unwrap().to_string(), "root");
    }
}
