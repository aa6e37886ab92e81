//! A login request: the user, the source, and what is proven about the first factor.

use alloc::string::String;
use core::{fmt, net::IpAddr};

use crate::base::decimal::Decimal;

/// The input of one login: one call of `pam_authenticate`.
#[derive(Debug, Clone)]
pub struct Request {
    /// The PAM service, such as `sshd` or `sudo`.
    pub service: String,
    /// The user name as typed; `None` if it is not UTF-8.
    pub typed_user: Option<String>,
    /// The source: the network address, local user or terminal from which the user logs in.
    pub source: Source,
    /// The value of `first_factor=` in the PAM line: which first factor precedes the line, or whether it follows or has
    /// failed.
    pub claim: Claim,
    /// Whether sshd has verified a public key.
    pub public_key: PublicKey,
    /// The public keys that sshd has verified, one per line, such as `ssh-ed25519 AAAA…`; `None` if sshd names none.
    pub keys: Option<String>,
}

/// What the PAM line claims about the first factor (`first_factor=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// `publickey`: sshd has verified a public key. The module checks this claim.
    Publickey,
    /// `stack`: the PAM line is reached only after a first factor succeeded.
    Stack,
    /// `follows`: the first factor is checked after the PAM line.
    Follows,
    /// `failed`: the PAM line is reached after a first factor failed.
    Failed,
}

/// Whether sshd has verified a public key, as stated in `SSH_AUTH_INFO_0`. Any program can set this variable, so the
/// statement is believed only if the calling program runs as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKey {
    /// sshd has verified a public key.
    Verified,
    /// No public key was verified, or the caller is not sshd.
    Absent,
}

/// What is proven about the first factor at the time when a code is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstFactor {
    /// A first factor is proven, so the user may be told what is wrong.
    Proven,
    /// The first factor is checked later. Codes are compared, but every user gets the same messages.
    Ahead,
    /// The first factor failed or is missing. A code is asked for, but it is not compared. Nothing is stored, and
    /// access is denied.
    Decoy,
}

impl Request {
    /// Returns what is proven about the first factor. The claim of the PAM line is believed unless it says that sshd
    /// has verified a public key and sshd has not.
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
    /// Returns the value of `first_factor=` for PAM lines and log lines.
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

/// The network address, local user or terminal from which a user logs in. Attempts are counted per source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A network address. Never a host name, because DNS could be forged.
    Address(IpAddr),
    /// The user id of a local user who runs su or sudo.
    Uid(u32),
    /// The user id of a local user who asks the agent.
    Agent(u32),
    /// The name of a terminal of the host.
    Tty(String),
    /// The calling program names neither an address nor a terminal of the host.
    Unknown,
}

impl Source {
    /// Returns the source for a network address. An IPv4-mapped IPv6 address counts as IPv4.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }

    /// Returns the network address; `None` for other sources.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Uid(_) | Self::Agent(_) | Self::Tty(_) | Self::Unknown => None,
        }
    }

    /// Returns the source in the form in which ledger names and log lines contain it. An IPv6 address is reduced to its
    /// /64 network.
    #[must_use]
    pub fn label(&self) -> SourceLabel {
        // The maximum length of an IPv6 address as text.
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
            Self::Agent(uid) => {
                label.push_str("agent:");
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

/// Returns `letter` if it is an ASCII letter or digit, which is safe in a file name or log line; otherwise `_`.
fn tidy_letter(letter: char) -> char {
    if letter.is_ascii_alphanumeric() { letter } else { '_' }
}

/// A source as it is written in ledger names and in the log, such as `203.0.113.7`, `2001:db8::`, `uid:1000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLabel(String);

impl SourceLabel {
    /// Parses a label that [`Source::label`] wrote; `None` if the text is empty, is longer than 64 bytes or contains a
    /// character that no label has.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let harmless =
            |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b':' || byte == b'_';
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(harmless);
        fits.then(|| Self(text.into()))
    }

    /// Returns the label as text.
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
        for label in [
            odd,
            longest,
            Source::Uid(0).label(),
            Source::Agent(7).label(),
            Source::Unknown.label(),
        ] {
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
