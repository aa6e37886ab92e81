//! Known PAM services: which program calls each, and what a login through it gives.

/// What a login through a service gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gives {
    /// The rights of root.
    Root,
    /// A session of the user, which may be root.
    Session,
    /// A session without a question, if the display manager is configured for automatic login.
    Autologin,
    /// The user's open session.
    Unlock,
    /// Files or mail of the user.
    Data,
    /// Files of the user; the program checks passwords itself and calls no auth line.
    OwnCheck,
    /// A change of the user's own account.
    Account,
    /// Nothing: only root can call the service.
    RootOnly,
    /// Nothing: a program starts jobs or sessions, and no person is asked.
    NoPerson,
    /// It is not known what a login gives.
    Unknown,
}

/// Whose user id pam_rootok sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// The id of the user who calls the program.
    User,
    /// The id of root. Also used if it is not known which id pam_rootok sees.
    Root,
}

/// PAM services of one kind, with the programs that call them.
#[derive(Debug, PartialEq, Eq)]
pub struct Door {
    /// The names of the services.
    pub names: &'static [&'static str],
    /// Programs that call the services: names in a program folder, or whole paths. Empty if the programs are not known.
    pub programs: &'static [&'static str],
    /// What a login through one of the services gives.
    pub gives: Gives,
    /// Whose user id pam_rootok sees.
    pub caller: Caller,
}

const fn door(
    gives: Gives,
    names: &'static [&'static str],
    programs: &'static [&'static str],
) -> Door {
    Door { names, programs, gives, caller: Caller::Root }
}

const fn called(door: Door) -> Door {
    Door { caller: Caller::User, ..door }
}

const GDM: &[&str] = &["gdm3", "gdm"];
const POLKIT: &[&str] = &[
    "pkexec",
    "/usr/lib/polkit-1/polkitd",
    "/usr/libexec/polkitd",
    "/usr/libexec/polkit-1/polkitd",
];

/// The known services.
const DOORS: &[Door] = &[
    called(door(Gives::Root, &["sudo", "sudo-i"], &["sudo", "sudo-rs"])),
    called(door(Gives::Root, &["su", "su-l"], &["su"])),
    door(Gives::Root, &["polkit-1"], POLKIT),
    door(Gives::Root, &["doas"], &["doas"]),
    door(Gives::Session, &["sshd"], &["sshd"]),
    door(Gives::Session, &["login", "remote"], &["login"]),
    door(Gives::Session, &["rlogin", "rsh", "rexec"], &["in.rlogind", "in.rshd", "in.rexecd"]),
    door(
        Gives::Session,
        &["gdm", "gdm-password", "gdm-fingerprint", "gdm-pin", "gdm-smartcard"],
        GDM,
    ),
    door(
        Gives::Session,
        &[
            "gdm-smartcard-pkcs11-exclusive",
            "gdm-smartcard-sssd-exclusive",
            "gdm-smartcard-sssd-or-password",
        ],
        GDM,
    ),
    door(Gives::Autologin, &["gdm-autologin"], GDM),
    door(Gives::NoPerson, &["gdm-launch-environment"], GDM),
    door(Gives::Session, &["lightdm"], &["lightdm"]),
    door(Gives::Autologin, &["lightdm-autologin"], &["lightdm"]),
    door(Gives::NoPerson, &["lightdm-greeter"], &["lightdm"]),
    door(Gives::Session, &["sddm"], &["sddm"]),
    door(Gives::Autologin, &["sddm-autologin"], &["sddm"]),
    door(Gives::NoPerson, &["sddm-greeter"], &["sddm"]),
    door(Gives::Session, &["xdm"], &["xdm"]),
    door(Gives::Session, &["wdm"], &["wdm"]),
    door(Gives::Session, &["lxdm"], &["lxdm"]),
    door(Gives::Session, &["slim"], &["slim"]),
    door(Gives::Session, &["ly"], &["ly"]),
    door(Gives::Session, &["greetd"], &["greetd"]),
    door(Gives::Session, &["xrdp-sesman"], &["xrdp-sesman"]),
    door(Gives::Session, &["tigervnc"], &["tigervncserver", "/usr/libexec/vncsession"]),
    door(Gives::Session, &["cockpit"], &["cockpit-bridge", "/usr/lib/cockpit/cockpit-session"]),
    door(Gives::Session, &["webmin", "usermin"], &["/usr/share/webmin/miniserv.pl", "/etc/webmin"]),
    door(Gives::Unlock, &["i3lock"], &["i3lock"]),
    door(Gives::Unlock, &["swaylock"], &["swaylock"]),
    door(Gives::Unlock, &["gtklock"], &["gtklock"]),
    door(Gives::Unlock, &["hyprlock"], &["hyprlock"]),
    door(Gives::Unlock, &["waylock"], &["waylock"]),
    door(Gives::Unlock, &["xsecurelock"], &["xsecurelock"]),
    door(Gives::Unlock, &["physlock"], &["physlock"]),
    door(Gives::Unlock, &["vlock"], &["vlock"]),
    door(Gives::Unlock, &["xlock"], &["xlock"]),
    door(Gives::Unlock, &["xscreensaver"], &["xscreensaver"]),
    door(Gives::Unlock, &["gnome-screensaver"], &["gnome-screensaver"]),
    door(Gives::Unlock, &["cinnamon-screensaver"], &["cinnamon-screensaver"]),
    door(Gives::Unlock, &["mate-screensaver"], &["mate-screensaver"]),
    door(Gives::Unlock, &["xfce4-screensaver"], &["xfce4-screensaver"]),
    door(
        Gives::Unlock,
        &["kde", "kde-fingerprint", "kde-smartcard", "kscreensaver"],
        &["ksmserver", "kwin_x11", "kwin_wayland"],
    ),
    door(Gives::Data, &["vsftpd"], &["vsftpd"]),
    door(Gives::Data, &["proftpd"], &["proftpd"]),
    door(Gives::Data, &["pure-ftpd"], &["pure-ftpd"]),
    door(Gives::Data, &["dovecot"], &["dovecot"]),
    door(Gives::Data, &["imap", "pop", "pop3", "smtp", "exim", "sieve"], &[]),
    door(Gives::Data, &["cups"], &["cupsd"]),
    door(Gives::Data, &["postgresql"], &["/usr/lib/postgresql"]),
    door(Gives::OwnCheck, &["samba"], &["smbd"]),
    called(door(Gives::Account, &["chfn", "chsh"], &["chfn", "chsh"])),
    called(door(Gives::Account, &["passwd"], &["passwd"])),
    called(door(Gives::RootOnly, &["runuser", "runuser-l"], &["runuser"])),
    called(door(
        Gives::RootOnly,
        &[
            "chpasswd", "newusers", "useradd", "userdel", "usermod", "groupadd", "groupdel",
            "groupmod",
        ],
        &["useradd"],
    )),
    door(Gives::NoPerson, &["cron", "crond"], &["cron", "crond"]),
    door(Gives::NoPerson, &["atd"], &["atd"]),
    door(
        Gives::NoPerson,
        &["systemd-user", "systemd-run0"],
        &["systemd", "/usr/lib/systemd/systemd"],
    ),
];

/// Returns the entry of a service; `None` if the service is not known.
#[must_use]
pub fn find(name: &str) -> Option<&'static Door> {
    DOORS.iter().find(|door| door.names.contains(&name))
}

/// Returns the services that programs call whether or not they have a file.
pub fn called_without_file() -> impl Iterator<Item = &'static str> {
    // libpam uses the stack of `other` for a service without a file of its own.
    let doors = DOORS.iter().filter(|door| matches!(door.gives, Gives::Root | Gives::Session));
    doors.filter_map(|door| door.names.first().copied())
}

impl Gives {
    /// Returns the name in the table and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Session => "session",
            Self::Autologin => "autologin",
            Self::Unlock => "unlock",
            Self::Data | Self::OwnCheck => "data",
            Self::Account => "account",
            Self::RootOnly => "root only",
            Self::NoPerson => "no person",
            Self::Unknown => "not known",
        }
    }

    /// Reports whether a person logs in through the service.
    #[must_use]
    pub fn is_way_in(self) -> bool {
        match self {
            Self::Root
            | Self::Session
            | Self::Autologin
            | Self::Unlock
            | Self::Data
            | Self::OwnCheck
            | Self::Unknown => true,
            Self::Account | Self::RootOnly | Self::NoPerson => false,
        }
    }

    /// Reports whether a login through the service can give the rights of root.
    #[must_use]
    pub fn gives_root(self) -> bool {
        matches!(self, Self::Root | Self::Session | Self::Autologin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_is_listed_once() {
        let mut all: Vec<&str> = DOORS.iter().flat_map(|door| door.names).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_service_is_known_by_its_whole_name() {
        assert_eq!(find("polkit-1").map(|door| door.gives), Some(Gives::Root));
        assert_eq!(find("su-l").map(|door| door.caller), Some(Caller::User));
        assert_eq!(find("sudo.bak"), None);
        assert!(called_without_file().any(|name| name == "doas"));
    }
}
