//! Who asks to get in, from where, and what has been proven before.

use alloc::string::String;
use core::{fmt, net::IpAddr};

use crate::decimal::Decimal;

/// One call of `pam_authenticate`, as the module saw it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The PAM service (`sshd`, `sudo`).
    pub service: String,
    /// The name as typed; nothing when it was not UTF-8.
    pub typed_user: Option<String>,
    /// Where the person sits.
    pub source: Source,
    /// What the PAM line says stands before it.
    pub claim: Claim,
    /// Whether this module saw that sshd has verified a public key.
    pub public_key: PublicKey,
    /// The keys that sshd has verified, each a line such as `ssh-ed25519 AAAA…`.
    pub keys: Option<String>,
}

/// What the PAM line says stands before it (`first_factor=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// sshd has verified a public key; this module checks that.
    Publickey,
    /// The line is reached only after a first factor has succeeded.
    Stack,
    /// The first factor comes later.
    Follows,
    /// The line is reached after a first factor has failed.
    Failed,
}

/// What `SSH_AUTH_INFO_0` says, asked of a caller that is root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKey {
    /// sshd verified one.
    Verified,
    /// None was verified, or the caller is not sshd.
    Absent,
}

/// What is known of the first factor while the dialogue runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A first factor was proven: the person may be told what is wrong.
    Proven,
    /// It comes later: codes are judged, everybody is told the same.
    Ahead,
    /// It failed or is missing: nothing is judged, nothing written, always refused.
    Decoy,
}

impl Request {
    /// What the claim and the facts together prove.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (self.claim, self.public_key) {
            (Claim::Publickey, PublicKey::Verified) | (Claim::Stack, _) => Standing::Proven,
            (Claim::Follows, _) => Standing::Ahead,
            (Claim::Publickey, PublicKey::Absent) | (Claim::Failed, _) => Standing::Decoy,
        }
    }
}

impl Claim {
    /// The word of the PAM line, for log lines.
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

/// Where the person sits: what tries are counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A network address, never a name that a DNS server chose.
    Address(IpAddr),
    /// A local user who calls su or sudo.
    Uid(u32),
    /// A terminal of the machine.
    Tty(String),
    /// Nothing is known.
    Unknown,
}

impl Source {
    /// The source of an address; IPv4 in IPv6 clothes is IPv4.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }

    /// The address, where there is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Uid(_) | Self::Tty(_) | Self::Unknown => None,
        }
    }

    /// The source as a part of a file name: an IPv6 address stands for its /64.
    #[must_use]
    pub fn label(&self) -> SourceLabel {
        // As long as an IPv6 address.
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

/// A letter that is harmless in a file name and in a log line.
fn tidy_letter(letter: char) -> char {
    if letter.is_ascii_alphanumeric() { letter } else { '_' }
}

/// A source as the ledger's names and the log carry it: `203.0.113.7`, `2001:db8::`, `uid:1000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLabel(String);

impl SourceLabel {
    /// Takes back what [`Source::label`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let harmless =
            |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b':' || byte == b'_';
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(harmless);
        fits.then(|| Self(text.into()))
    }

    /// The text.
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
        let standing = |claim, public_key| {
            Request {
                service: "sshd".into(),
                typed_user: None,
                source: Source::Unknown,
                claim,
                public_key,
                keys: None,
            }
            .standing()
        };
        assert_eq!(standing(Claim::Publickey, PublicKey::Verified), Standing::Proven);
        assert_eq!(standing(Claim::Publickey, PublicKey::Absent), Standing::Decoy);
        assert_eq!(standing(Claim::Stack, PublicKey::Absent), Standing::Proven);
        assert_eq!(standing(Claim::Follows, PublicKey::Verified), Standing::Ahead);
        assert_eq!(standing(Claim::Failed, PublicKey::Verified), Standing::Decoy);
    }
}
