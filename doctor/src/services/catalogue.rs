//! Known PAM services: the programs that call each of them, and what a user gains by a login through it.

/// What a user gains by a login through a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gives {
    /// The rights of root.
    Root,
    /// A session of the user who logs in, who may be root.
    Session,
    /// A session without any question, if the display manager is configured for automatic login.
    Autologin,
    /// The session of the user, which a screen locker has locked.
    Unlock,
    /// Access to files or mail of the user.
    Data,
    /// Access to files of the user. The program of the service checks passwords itself and runs no auth line, so PAM
    /// cannot ask for a code.
    OwnCheck,
    /// A change of the user's own account, such as of the shell.
    Account,
    /// Nothing that twinlock protects, because only root can call the service.
    RootOnly,
    /// Nothing for a person: a program starts jobs or sessions through the service, and no user is asked for anything.
    NoPerson,
    /// What the service gives is not known.
    Unknown,
}

/// The user whose id pam_rootok tests. pam_rootok succeeds if that user is root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DoorCaller {
    /// The user who calls the program.
    User,
    /// Root. This value is also used if it is not known which id pam_rootok tests.
    Root,
}

/// A kind of known PAM services: their names, the programs that call them, and what they give.
#[derive(Debug, PartialEq, Eq)]
pub struct Door {
    /// Names of the services.
    pub names: &'static [&'static str],
    /// Programs that call the services: absolute paths, or file names that are searched in the usual folders of
    /// programs. Empty if no program is known.
    pub programs: &'static [&'static str],
    /// What a user gains by a login through one of the services.
    pub gives: Gives,
    /// The user whose id pam_rootok tests.
    pub caller: DoorCaller,
}

const fn door(
    gives: Gives,
    names: &'static [&'static str],
    programs: &'static [&'static str],
) -> Door {
    Door { names, programs, gives, caller: DoorCaller::Root }
}

const fn called(door: Door) -> Door {
    Door { caller: DoorCaller::User, ..door }
}

const GDM: &[&str] = &["gdm3", "gdm"];
const POLKIT: &[&str] = &[
    "pkexec",
    "/usr/lib/polkit-1/polkitd",
    "/usr/libexec/polkitd",
    "/usr/libexec/polkit-1/polkitd",
];

/// The known PAM services, by kind.
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

/// Reports whether the program that calls a service is known to open a session of PAM after a login. Other programs, such
/// as screen lockers and network services, may never run the session lines.
#[must_use]
pub fn opens_session(service: &str) -> bool {
    let gives = find(service).map(|door| door.gives);
    // The helper of polkit checks who the user is, and no more.
    matches!(gives, Some(Gives::Root | Gives::Session)) && service != "polkit-1"
}

/// Returns the kind of service to which the service `name` belongs; `None` if the service is not known.
#[must_use]
pub fn find(name: &str) -> Option<&'static Door> {
    DOORS.iter().find(|door| door.names.contains(&name))
}

/// Returns the services that doctor judges if one of their programs is installed, even if they have no PAM file. libpam
/// then uses the file of the service `other`.
pub fn called_without_file() -> impl Iterator<Item = &'static str> {
    // libpam uses the stack of `other` for a service without a file of its own.
    let doors = DOORS.iter().filter(|door| matches!(door.gives, Gives::Root | Gives::Session));
    doors.filter_map(|door| door.names.first().copied())
}

/// Returns the names of all known services, other than sshd, through which a person can get the rights of root.
pub fn root_doors() -> impl Iterator<Item = &'static str> {
    let doors = DOORS.iter().filter(|door| matches!(door.gives, Gives::Root | Gives::Session));
    doors.flat_map(|door| door.names.iter().copied()).filter(|name| *name != "sshd")
}

impl Gives {
    /// Returns the word in the table and in JSON for what a service gives.
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

    /// Reports whether a login through a service of this kind gives a person access to the host. Returns `true` for
    /// [`Gives::Unknown`].
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

    /// Reports whether a login through a service of this kind can give the rights of root.
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
        assert_eq!(find("su-l").map(|door| door.caller), Some(DoorCaller::User));
        assert_eq!(find("sudo.bak"), None);
        assert!(called_without_file().any(|name| name == "doas"));
    }
}
