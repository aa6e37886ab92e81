//! The options of `twinlock setup`: a service, the factors that its logins need, and who is not asked for a code.

use twinlock_doctor::services::catalogue;

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

/// Name of a service as `twinlock setup` accepts it: `ssh`, the name of a PAM file, or `root` for all services but ssh
/// that can give the rights of root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceName {
    name: String,
    pam_services: Vec<String>,
}

/// Maximum length in bytes of the name of a service.
const NAME_MAX: usize = 64;
/// The name that stands for all services but ssh that can give the rights of root.
const ROOT: &str = "root";

impl ServiceName {
    /// Checks the name of a service, which is `ssh`, `root` or the name of a file in /etc/pam.d. Returns it, with `ssh`
    /// in place of `sshd`. Returns `None` if the name has other characters than lower-case letters, digits and `-_.`,
    /// or belongs to a file that several services include.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let name = if name == "sshd" { "ssh" } else { name };
        let letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        let fits = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(letter);
        let is_shared = name.starts_with("common-") || name == "other";
        let pam_services = match name {
            "ssh" => vec!["sshd".to_owned()],
            "sudo" => vec!["sudo".to_owned(), "sudo-i".to_owned()],
            "su" => vec!["su".to_owned(), "su-l".to_owned()],
            ROOT => catalogue::root_doors().map(str::to_owned).collect(),
            other => vec![other.to_owned()],
        };
        let name = name.to_owned();
        (fits && !name.starts_with('.') && !is_shared).then_some(Self { name, pam_services })
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Returns whether the service is sshd, whose name here is `ssh`.
    #[must_use]
    pub fn is_ssh(&self) -> bool {
        self.name == "ssh"
    }

    /// Returns whether the name stands for all services but ssh that can give the rights of root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.name == ROOT
    }

    /// Returns the names of the PAM services that setup changes for the service. For sudo and su there are
    /// two, since `sudo -i` and `su -` call services of their own. For `root`, these are all services that twinlock knows, or those of
    /// [`ServiceName::with_doors`].
    #[must_use]
    pub fn pam_services(&self) -> Vec<String> {
        self.pam_services.clone()
    }

    /// Returns the name with `doors` as its PAM services if it is `root`. Any other name stays as it is. `doors` are the
    /// names of the PAM services that exist on the host.
    #[must_use]
    pub fn with_doors(self, doors: Vec<String>) -> Self {
        match self.is_root() {
            true => Self { pam_services: doors, ..self },
            false => self,
        }
    }

    /// Returns the services of which `root` consists; for any other name, only this name.
    #[must_use]
    pub fn parts(&self) -> Vec<Self> {
        if !self.is_root() {
            return vec![self.clone()];
        }
        let own = self.pam_services.iter().filter(|name| !is_second(name));
        own.filter_map(|name| Self::of(name)).collect()
    }

    /// Returns whether both names stand for at least one common PAM service.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.pam_services.iter().any(|name| other.pam_services.contains(name))
    }
}

/// Returns the name by which setup knows the PAM service `name`.
#[must_use]
pub fn part_of(name: &str) -> &str {
    match name {
        "sshd" => "ssh",
        "sudo-i" => "sudo",
        "su-l" => "su",
        other => other,
    }
}

/// Returns whether a program calls the PAM service `name` besides another one, as sudo does for `sudo -i`. Some versions
/// of the program do not call it and have no file for it.
#[must_use]
pub fn is_second(name: &str) -> bool {
    ["sudo-i", "su-l"].contains(&name)
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
    /// Minutes after a code during which sudo asks for none on the same terminal; 0 if it asks each time. `None` leaves
    /// this to the other files of sudo. Only for sudo and for `root`.
    pub sudo_minutes: Option<u16>,
}

impl Wishes {
    /// Returns the same wishes for each of the services of which `root` consists; for any other name, only these wishes.
    #[must_use]
    pub fn parts(&self) -> Vec<Self> {
        let parts = self.service.parts().into_iter();
        parts.map(|service| Self { service, ..self.clone() }).collect()
    }
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

    #[test]
    fn root_stands_for_the_services_of_the_host_but_ssh() {
        let of = |name: &str| ServiceName::of(name).unwrap();
        let doors = ["sudo", "sudo-i", "su", "doas"].map(str::to_owned).to_vec();
        let root = of("root").with_doors(doors.clone());
        assert_eq!(root.pam_services(), doors);
        let parts: Vec<_> = root.parts().iter().map(|one| one.as_str().to_owned()).collect();
        assert_eq!(parts, ["sudo", "su", "doas"]);
        assert!(root.overlaps(&of("sudo")) && of("su").overlaps(&of("root")));
        assert!(!of("root").overlaps(&of("ssh")) && !of("su").overlaps(&of("sudo")));
        assert_eq!(of("su").with_doors(doors), of("su"));
    }
}
