//! The options of `twinlock setup`: a service, the factors that its logins need, and who is not asked for a code.

use crate::scope::Scope;

/// The factors that a login needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum With {
    /// A public key, then a code.
    Publickey,
    /// A password, then a code.
    Password,
    /// A public key and a code for users who have a key; a password and a code for users who have none.
    Both,
    /// A public key, then a password, then a code.
    KeyAndPassword,
}

impl With {
    /// All combinations of factors.
    pub const ALL: [Self; 4] = [Self::Publickey, Self::Password, Self::Both, Self::KeyAndPassword];

    /// Returns the value of the option `--with` for these factors.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Publickey => "publickey",
            Self::Password => "password",
            Self::Both => "both",
            Self::KeyAndPassword => "key-and-password",
        }
    }

    /// Returns the factors for a value of the option `--with`; `None` for any other word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// Name of a service as `twinlock setup` accepts it: `ssh`, or the name of a PAM file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceName(String);

/// Maximum length in bytes of the name of a service.
const NAME_MAX: usize = 64;

impl ServiceName {
    /// Checks the name of a service, which is `ssh` or the name of a file in /etc/pam.d. Returns it, with `ssh` in
    /// place of `sshd`. Returns `None` if the name has other characters than lower-case letters, digits and `-_.`, or
    /// belongs to a file that several services include.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let name = if name == "sshd" { "ssh" } else { name };
        let letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        let fits = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(letter);
        let is_shared = name.starts_with("common-") || name == "other";
        (fits && !name.starts_with('.') && !is_shared).then(|| Self(name.to_owned()))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the service is sshd, whose name here is `ssh`.
    #[must_use]
    pub fn is_ssh(&self) -> bool {
        self.0 == "ssh"
    }

    /// Returns the names of the PAM files that setup changes for the service. For sudo there are two, since `sudo -i`
    /// reads a file of its own.
    #[must_use]
    pub fn pam_services(&self) -> Vec<String> {
        match self.0.as_str() {
            "ssh" => vec!["sshd".to_owned()],
            "sudo" => vec!["sudo".to_owned(), "sudo-i".to_owned()],
            other => vec![other.to_owned()],
        }
    }
}

/// The service to set up, the factors that its logins need, and who is not asked for a code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wishes {
    /// The service to set up.
    pub service: ServiceName,
    /// The factors that a login needs. Only ssh can have a key among them.
    pub with: With,
    /// Who is not asked for a code.
    pub scope: Scope,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_files() {
        for good in ["ssh", "sshd", "sudo", "polkit-1", "su-l", "vsftpd.virtual"] {
            assert!(ServiceName::of(good).is_some(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in
            ["", ".", "..", "../x", "a/b", "Sudo", "a b", "common-auth", "other", "a\n", &long]
        {
            assert_eq!(ServiceName::of(bad), None, "{bad}");
        }
        assert_eq!(ServiceName::of("sshd"), ServiceName::of("ssh"));
    }
}
