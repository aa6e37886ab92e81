//! What the administrator asks setup for: a service, and the factors of its logins.

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
    /// All values.
    pub const ALL: [Self; 4] = [Self::Publickey, Self::Password, Self::Both, Self::KeyAndPassword];

    /// Returns the value of the option `--with` that names the factors.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Publickey => "publickey",
            Self::Password => "password",
            Self::Both => "both",
            Self::KeyAndPassword => "key-and-password",
        }
    }

    /// Returns the factors that a value of the option `--with` names; `None` for another word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// The name of a service as `twinlock setup` takes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceName(String);

/// Longest name of a service.
const NAME_MAX: usize = 64;

impl ServiceName {
    /// Returns the service with this name: `ssh`, or the name of a file in /etc/pam.d in lower case. `None` if no such
    /// file can have the name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let name = if name == "sshd" { "ssh" } else { name };
        let letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        let fits = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(letter);
        let is_shared = name.starts_with("common-") || name == "other";
        (fits && !name.starts_with('.') && !is_shared).then(|| Self(name.to_owned()))
    }

    /// Returns the name of the service.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the service is sshd.
    #[must_use]
    pub fn is_ssh(&self) -> bool {
        self.0 == "ssh"
    }

    /// Returns the PAM services whose files setup changes. `sudo -i` reads another file than `sudo`.
    #[must_use]
    pub fn pam_services(&self) -> Vec<String> {
        match self.0.as_str() {
            "ssh" => vec!["sshd".to_owned()],
            "sudo" => vec!["sudo".to_owned(), "sudo-i".to_owned()],
            other => vec![other.to_owned()],
        }
    }
}

/// The service and the factors that the administrator asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wishes {
    /// The service whose logins need the factors.
    pub service: ServiceName,
    /// The factors that a login needs. Services other than ssh see no public key.
    pub with: With,
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
