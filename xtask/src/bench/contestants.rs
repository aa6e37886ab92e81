//! What is measured: our module on two lines, its two peers, and libpam with nothing to do.

use std::path::Path;
use std::process::Command;

use twinlock_tests::{Machine, Otp};

use crate::command::{Done, output};

/// Who logs in.
pub(super) const USER: &str = "ada";
/// Who does not exist.
const STRANGER: &str = "nobody-here";
const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const KEY_HEX: &str = "48656c6c6f21deadbeef48656c6c6f21deadbeef";

/// One PAM stack that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contestant {
    /// libpam with a module that says yes.
    Libpam,
    /// twinlock behind a first factor.
    Twinlock,
    /// twinlock before a first factor, in one field.
    TwinlockFollows,
    /// pam_google_authenticator.
    Google,
    /// pam_oath.
    Oath,
}

/// How a login ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    /// A right code.
    Accepted,
    /// A wrong code.
    Wrong,
    /// A name that no account has.
    Unknown,
}

impl Contestant {
    pub(super) const ALL: [Self; 5] =
        [Self::Libpam, Self::Twinlock, Self::TwinlockFollows, Self::Google, Self::Oath];

    /// The name of the PAM service, and in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Libpam => "pam_permit",
            Self::Twinlock => "twinlock",
            Self::TwinlockFollows => "twinlock-follows",
            Self::Google => "pam_google_authenticator",
            Self::Oath => "pam_oath",
        }
    }

    fn line(self) -> &'static str {
        match self {
            Self::Libpam => "pam_permit.so",
            Self::Twinlock => "pam_twinlock.so first_factor=stack",
            Self::TwinlockFollows => "pam_twinlock.so first_factor=follows",
            Self::Google => "pam_google_authenticator.so",
            // As far each way as the other two.
            Self::Oath => "pam_oath.so usersfile=/var/lib/oath/users.oath window=1 digits=6",
        }
    }

    /// Puts the state back to what it was before the last login.
    pub(super) fn reset(self, m: &Machine) {
        let script = match self {
            Self::Libpam => return,
            Self::Twinlock | Self::TwinlockFollows => {
                "find /run/twinlock/users -type l -delete; touch -d '-2 minutes' /var/lib/twinlock/clock"
            }
            Self::Google => "cp -p /root/google /home/ada/.google_authenticator",
            Self::Oath => "cp -p /root/oath /var/lib/oath/users.oath",
        };
        m.run(["sh", "-c", script]).ok();
    }
}

impl Ending {
    pub(super) const ALL: [Self; 3] = [Self::Accepted, Self::Wrong, Self::Unknown];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Wrong => "wrong code",
            Self::Unknown => "unknown user",
        }
    }

    /// Who logs in, and with what.
    pub(super) fn typed(self) -> (&'static str, String) {
        let app = Otp::new(KEY);
        match self {
            Self::Accepted => (USER, app.in_steps(0)),
            Self::Wrong => (USER, app.wrong()),
            Self::Unknown => (STRANGER, app.in_steps(0)),
        }
    }
}

/// The machine in which they are measured; `module` replaces the one that is shipped.
pub(super) fn furnished(module: Option<&Path>) -> Done<Machine> {
    let m = Machine::new();
    m.twinlock().user(USER).enrolled(USER, KEY);
    if let Some(file) = module {
        let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        m.file("/usr/lib/x86_64-linux-gnu/security/pam_twinlock.so").write(bytes);
    }
    m.settings(&twinlock_tests::shipped("twinlock.toml"));
    for contestant in Contestant::ALL {
        let stack =
            format!("auth required {}\naccount required pam_permit.so\n", contestant.line());
        m.pam(contestant.name(), &stack);
    }
    google(&m);
    oath(&m);
    Ok(m)
}

/// As `google-authenticator` asks and recommends: a code once, three tries in 30 seconds.
fn google(m: &Machine) {
    let words = "google-authenticator --time-based --disallow-reuse --rate-limit=3 --rate-time=30 \
                 --window-size=3 --force --quiet --emergency-codes=5";
    m.run_as(USER, words.split_whitespace()).ok();
    // The key is the program's own choice: the app's takes its place.
    let script = format!(
        "sed -i '1s/.*/{KEY}/' /home/{USER}/.google_authenticator && chown {USER} /home/{USER}/.google_authenticator && chmod 0400 /home/{USER}/.google_authenticator && cp -p /home/{USER}/.google_authenticator /root/google"
    );
    m.run(["sh", "-c", &script]).ok();
}

fn oath(m: &Machine) {
    m.file("/var/lib/oath").make_folder().mode(0o700);
    m.file("/var/lib/oath/users.oath").write(format!("HOTP/T30 {USER} - {KEY_HEX}\n")).mode(0o600);
    m.file("/root/oath").write(format!("HOTP/T30 {USER} - {KEY_HEX}\n")).mode(0o600);
}

/// Builds the module with its functions' names, beside the one that is shipped.
pub(super) fn with_symbols() -> Done<std::path::PathBuf> {
    let folder = crate::machine::target().join("symbols");
    let mut cargo: Command =
        crate::command::cargo(&["build", "--release", "--locked", "--package", "pam_twinlock"]);
    cargo.arg("--target-dir").arg(&folder);
    cargo.env("CARGO_PROFILE_RELEASE_STRIP", "none").env("CARGO_PROFILE_RELEASE_DEBUG", "1");
    output(&mut cargo)?;
    Ok(folder.join("release/libpam_twinlock.so"))
}
