//! A login request: user, source, and what was proven before.

use alloc::string::String;
use core::{fmt, net::IpAddr};

use crate::base::decimal::Decimal;

/// One call of `pam_authenticate`.
#[derive(Debug, Clone)]
pub struct Request {
    /// The PAM service (`sshd`, `sudo`).
    pub service: String,
    /// The user name as typed; `None` if it is not UTF-8.
    pub typed_user: Option<String>,
    /// Where the user connects from.
    pub source: Source,
    /// What the PAM line says about the first factor.
    pub claim: Claim,
    /// Whether sshd has verified a public key.
    pub public_key: PublicKey,
    /// The keys that sshd has verified, one line each, such as `ssh-ed25519 AAAA…`.
    pub keys: Option<String>,
}

/// What the PAM line says about the first factor (`first_factor=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// sshd has verified a public key; this module checks it.
    Publickey,
    /// The line is reached only after a first factor succeeded.
    Stack,
    /// The first factor comes later.
    Follows,
    /// The line is reached after a first factor failed.
    Failed,
}

/// The content of `SSH_AUTH_INFO_0`, if the caller is root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKey {
    /// sshd verified a public key.
    Verified,
    /// None was verified, or the caller is not sshd.
    Absent,
}

/// What is proven about the first factor during the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstFactor {
    /// A first factor was proven; the user may be told what is wrong.
    Proven,
    /// It comes later; codes are compared, and every user gets the same messages.
    Ahead,
    /// It failed or is missing: nothing is compared or stored, and access is denied.
    Decoy,
}

impl Request {
    /// Returns what the claim and the observations prove together.
    #[must_use]
    pub fn first_factor(&self) -> FirstFactor {
        match (self.claim, self.public_key) {
            (Claim::Publickey, PublicKey::Verified) | (Claim::Stack, _) => FirstFactor::Proven,
            (Claim::Follows, _) => FirstFactor::Ahead,
            (Claim::Publickey, PublicKey::Absent) | (Claim::Failed, _) => FirstFactor::Decoy,
        }
    }
}

impl Claim {
    /// Returns the PAM argument's word, for log lines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Publickey => "publickey",
            Self::Stack => "stack",
            Self::Follows => "follows",
            Self::Failed => "failed",
        }
    }
}

/// Where the user connects from; attempts are counted per source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A network address; never a name, which DNS could forge.
    Address(IpAddr),
    /// A local user who runs su or sudo.
    Uid(u32),
    /// A terminal of the host.
    Tty(String),
    /// Unknown.
    Unknown,
}

impl Source {
    /// Returns the source for an address; an IPv4-mapped IPv6 address counts as IPv4.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }

    /// Returns the address, if it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Uid(_) | Self::Tty(_) | Self::Unknown => None,
        }
    }

    /// Returns the source as part of a file name; an IPv6 address is reduced to its /64.
    #[must_use]
    pub fn label(&self) -> SourceLabel {
        // The length of an IPv6 address.
        let mut label = String::with_capacity(39);
        match self {
            Self::Address(IpAddr::V4(address)) => {
                for (place, octet) in address.octets().into_iter().enumerate() {
                    label.push_str(if place == 0 { "" } else { "." });
                    label.push_str(Decimal::of(octet.into()).as_str());
                }
            }
            Self::Address(IpAddr::V6(address)) => {
                let bits = address.to_bits() >> 64 << 64;
                let network = core::net::Ipv6Addr::from_bits(bits);
                // Writing to a String cannot fail.
                let _ = fmt::write(&mut label, format_args!("{network}"));
            }
            Self::Uid(uid) => {
                label.push_str("uid:");
                label.push_str(Decimal::of((*uid).into()).as_str());
            }
            Self::Tty(tty) => {
                label.push_str("tty:");
                label.extend(tty.chars().take(40).map(tidy_letter));
            }
            Self::Unknown => label.push_str("unknown"),
        }
        SourceLabel(label)
    }
}

/// Replaces a character that is unsafe in a file name or log line.
fn tidy_letter(letter: char) -> char {
    if letter.is_ascii_alphanumeric() { letter } else { '_' }
}

/// A source as written in ledger names and in the log: `203.0.113.7`, `2001:db8::`, `uid:1000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLabel(String);

impl SourceLabel {
    /// Parses what [`Source::label`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let harmless =
            |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b':' || byte == b'_';
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(harmless);
        fits.then(|| Self(text.into()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(address: &str) -> String {
        Source::address(address.parse().unwrap()).label().0
    }

    #[test]
    fn addresses_of_one_subscriber_are_one_source() {
        assert_eq!(label("203.0.113.7"), "203.0.113.7");
        assert_eq!(label("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(label("2001:db8:1:2:3:4:5:6"), label("2001:db8:1:2::9"));
        assert_ne!(label("2001:db8:1:2::"), label("2001:db8:1:3::"));
    }

    #[test]
    fn labels_are_harmless_and_read_back() {
        let odd = Source::Tty("../../etc\n\u{1b}[1m".into()).label();
        assert_eq!(odd.as_str(), "tty:______etc___1m");
        let longest = Source::Tty("x".repeat(900)).label();
        for label in [odd, longest, Source::Uid(0).label(), Source::Unknown.label()] {
            assert_eq!(SourceLabel::read(label.as_str()), Some(label));
        }
        assert_eq!(SourceLabel::read("a/b"), None);
        assert_eq!(SourceLabel::read(""), None);
    }

    #[test]
    fn only_a_verified_key_or_a_passed_stack_proves_anything() {
        let first_factor = |claim, public_key| {
            Request {
                service: "sshd".into(),
                typed_user: None,
                source: Source::Unknown,
                claim,
                public_key,
                keys: None,
            }
            .first_factor()
        };
        assert_eq!(first_factor(Claim::Publickey, PublicKey::Verified), FirstFactor::Proven);
        assert_eq!(first_factor(Claim::Publickey, PublicKey::Absent), FirstFactor::Decoy);
        assert_eq!(first_factor(Claim::Stack, PublicKey::Absent), FirstFactor::Proven);
        assert_eq!(first_factor(Claim::Follows, PublicKey::Verified), FirstFactor::Ahead);
        assert_eq!(first_factor(Claim::Failed, PublicKey::Verified), FirstFactor::Decoy);
    }
}
