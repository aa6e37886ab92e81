//! Parses the options `--group`, `--network`, `--robot` and `--not-enrolled remind` of setup, which say who gets in
//! without a code.

use core::fmt;

use twinlock_core::policy::Network;

/// Maximum length in bytes of the account name of a robot (an account that only a program uses).
const NAME_MAX: usize = 256;
/// Minimum prefix lengths of networks. A shorter prefix contains a large part of the internet.
const IPV4_MIN: u8 = 8;
const IPV6_MIN: u8 = 16;
/// Prefix of the private networks of IPv6 (RFC 4193), which may be exempt as a whole.
const PRIVATE: &str = "fc00::/7";
/// Prefix of IPv4-mapped IPv6 addresses (RFC 4291). No rule matches them, because the module compares them as IPv4.
const MAPPED: &str = "::ffff:0:0/96";

/// An account that a program uses, and that logs in with a key alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Robot {
    /// Name of the account.
    pub user: String,
    /// The networks from which the robot's key is accepted without a code; empty if it is accepted from every address.
    pub networks: Vec<Network>,
}

impl Robot {
    /// Returns the value of the criterion `Address` of a Match block; `None` if the robot may log in from everywhere.
    #[must_use]
    pub fn addresses(&self) -> Option<String> {
        let all: Vec<String> = self.networks.iter().map(ToString::to_string).collect();
        (!all.is_empty()).then(|| all.join(","))
    }

    /// Returns the criteria of the robot's Match block.
    #[must_use]
    pub fn criteria(&self) -> String {
        match self.addresses() {
            Some(addresses) => format!("User {} Address {addresses}", self.user),
            None => format!("User {}", self.user),
        }
    }
}

impl fmt::Display for Robot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.addresses() {
            Some(addresses) => write!(f, "{} from {addresses}", self.user),
            None => write!(f, "{} from every address", self.user),
        }
    }
}

/// Who is not asked for a code. By default, all users are asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scope {
    /// The only group whose members are asked for a code; `None` if all users are asked.
    pub group: Option<String>,
    /// Networks from which no user is asked for a code.
    pub networks: Vec<Network>,
    /// Accounts that are not asked for a code, and log in with a key alone.
    pub robots: Vec<Robot>,
    /// Whether users who are not enrolled are let in with a reminder.
    pub reminds: bool,
}

/// The values of the options, as they were given.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScopeOptions<'a> {
    /// Value of `--group`; `None` if the option was not given.
    pub group: Option<&'a str>,
    /// Values of `--network`.
    pub networks: &'a [String],
    /// Values of `--robot`: `USER` or `USER@NET`.
    pub robots: &'a [String],
    /// Whether `--not-enrolled remind` was given.
    pub reminds: bool,
}

/// Why the value of an option cannot be used. Each variant holds the value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScopeError {
    /// No group can have this name.
    Group(String),
    /// The text is no network.
    NoNetwork(String),
    /// The network contains every address, or a large part of all addresses.
    TooWide(Network),
    /// The address of the network has bits after its prefix. sshd refuses such a network.
    HostBits(Network),
    /// The network has IPv4-mapped IPv6 addresses.
    Mapped(Network),
    /// The name of a robot has a character that is special in sshd's files.
    RobotName(String),
    /// A robot was given both with a network and for every address.
    RobotTwice(String),
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "--group {name} is no name of a group"),
            Self::NoNetwork(text) => write!(f, "{text} is no network such as 192.0.2.0/24"),
            Self::TooWide(network) => {
                write!(f, "{network} is so wide that nearly everybody would get in without a code")
            }
            Self::HostBits(network) => write!(f, "{network} has bits after its prefix"),
            Self::Mapped(network) => write!(f, "{network} has IPv4 addresses in the form of IPv6"),
            Self::RobotName(name) => {
                write!(f, "--robot {name}: the name has a character that is special for sshd")
            }
            Self::RobotTwice(name) => {
                write!(f, "--robot {name} is given with a network and for every address")
            }
        }
    }
}

impl core::error::Error for ScopeError {}

impl ScopeError {
    /// Returns what the administrator can do about the error.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Group(_) => "Give the name of a group, as `getent group` shows it.".to_owned(),
            Self::NoNetwork(_) => "Give an address, or an address and a prefix. Names are not looked up.".to_owned(),
            Self::TooWide(_) => format!(
                "Name a network of your own (at least /{IPV4_MIN}; IPv6 at least /{IPV6_MIN}). To ask nobody: twinlock teardown SERVICE"
            ),
            Self::HostBits(network) => format!("Write {}, or one address without a prefix.", network.masked()),
            Self::Mapped(_) => "Write the network in the form of IPv4.".to_owned(),
            Self::RobotName(_) => {
                "Give an account whose name has only letters, digits, dots, hyphens and underscores.".to_owned()
            }
            Self::RobotTwice(_) => "Give it once, with the network.".to_owned(),
        }
    }
}

impl Scope {
    /// Returns the scope for the values of the options.
    ///
    /// # Errors
    /// [`ScopeError`] for the first value that cannot be used.
    pub fn of(options: &ScopeOptions<'_>) -> Result<Self, ScopeError> {
        let group = options.group.map(group).transpose()?;
        let mut networks = Vec::new();
        for text in options.networks {
            let network = network(text)?;
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
        let mut robots: Vec<Robot> = Vec::new();
        for text in options.robots {
            let new = robot(text)?;
            let Some(old) = robots.iter_mut().find(|one| one.user == new.user) else {
                robots.push(new);
                continue;
            };
            if old.networks.is_empty() != new.networks.is_empty() {
                return Err(ScopeError::RobotTwice(new.user));
            }
            for network in new.networks {
                if !old.networks.contains(&network) {
                    old.networks.push(network);
                }
            }
        }
        Ok(Self { group, networks, robots, reminds: options.reminds })
    }

    /// Returns whether all users are asked for a code.
    #[must_use]
    pub fn asks_all(&self) -> bool {
        *self == Self::default()
    }
}

fn group(name: &str) -> Result<String, ScopeError> {
    let is_odd = |letter: char| letter.is_control() || ":,".contains(letter);
    match name.is_empty() || name.chars().any(is_odd) {
        true => Err(ScopeError::Group(name.to_owned())),
        false => Ok(name.to_owned()),
    }
}

fn network(text: &str) -> Result<Network, ScopeError> {
    let found = Network::parse(text).ok_or_else(|| ScopeError::NoNetwork(text.to_owned()))?;
    let is_in = |outer: &str| Network::parse(outer).is_some_and(|outer| outer.contains(&found));
    if found.masked() != found {
        return Err(ScopeError::HostBits(found));
    }
    if is_in(MAPPED) {
        return Err(ScopeError::Mapped(found));
    }
    let least = if found.is_ipv4() { IPV4_MIN } else { IPV6_MIN };
    match found.prefix() >= least || is_in(PRIVATE) {
        true => Ok(found),
        false => Err(ScopeError::TooWide(found)),
    }
}

fn robot(text: &str) -> Result<Robot, ScopeError> {
    let (user, networks) = match text.rsplit_once('@') {
        Some((user, net)) => (user, vec![network(net)?]),
        None => (text, Vec::new()),
    };
    // A pattern, a list or a blank would select other accounts, too.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = (1..=NAME_MAX).contains(&user.len()) && user.bytes().all(plain);
    match fits && !user.starts_with('-') {
        true => Ok(Robot { user: user.to_owned(), networks }),
        false => Err(ScopeError::RobotName(user.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(networks: &[&str], robots: &[&str]) -> Result<Scope, ScopeError> {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let (networks, robots) = (owned(networks), owned(robots));
        Scope::of(&ScopeOptions { networks: &networks, robots: &robots, ..Default::default() })
    }

    #[test]
    fn networks_of_everybody_are_refused() {
        for wide in ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "2000::/3", "::/15"] {
            assert!(matches!(scope(&[wide], &[]), Err(ScopeError::TooWide(_))), "{wide}");
            let robot = format!("backup@{wide}");
            assert!(matches!(scope(&[], &[&robot]), Err(ScopeError::TooWide(_))), "{wide}");
        }
        for mapped in ["::ffff:0:0/96", "::ffff:10.0.0.0/104"] {
            assert!(matches!(scope(&[mapped], &[]), Err(ScopeError::Mapped(_))), "{mapped}");
        }
        for bits in ["10.1.2.3/8", "2001:db8::1/32"] {
            assert!(matches!(scope(&[bits], &[]), Err(ScopeError::HostBits(_))), "{bits}");
        }
        for odd in ["", "localhost", "10.0.0.0/33", "10.0.0.0/8,10.0.0.0/9", "10.*", "!10.0.0.0/8"]
        {
            assert!(matches!(scope(&[odd], &[]), Err(ScopeError::NoNetwork(_))), "{odd}");
        }
        let good =
            ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "fc00::/7", "fd00::/8", "10.0.0.0/8"];
        assert_eq!(scope(&good, &[]).unwrap().networks.len(), 5);
    }

    #[test]
    fn a_robot_is_one_account() {
        for odd in [
            "",
            "@10.0.0.0/8",
            "*",
            "a b",
            "!x",
            "-x",
            "a,b",
            "a?",
            "x\n",
            "corp\\x",
            "é",
            "a@b@10.0.0.0/8",
        ] {
            assert!(matches!(scope(&[], &[odd]), Err(ScopeError::RobotName(_))), "{odd}");
        }
        assert!(matches!(scope(&[], &["a@b"]), Err(ScopeError::NoNetwork(_))));
        assert!(matches!(scope(&[], &["a", "a@10.0.0.0/8"]), Err(ScopeError::RobotTwice(_))));
        let both = scope(&[], &["a@10.0.0.0/8", "b", "a@192.0.2.7", "a@10.0.0.0/8", "b"]).unwrap();
        let said: Vec<String> = both.robots.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["a from 10.0.0.0/8,192.0.2.7/32", "b from every address"]);
    }

    #[test]
    fn a_group_is_one_name() {
        let group = |name| Scope::of(&ScopeOptions { group: Some(name), ..Default::default() });
        for odd in ["", "a\nb", "a:b", "a,b", "\u{1b}[2J"] {
            assert!(group(odd).is_err(), "{odd:?}");
        }
        for good in ["admins", "domain users", "CORP\\ops", "\"", "naïve"] {
            assert_eq!(group(good).unwrap().group.as_deref(), Some(good));
        }
    }
}
