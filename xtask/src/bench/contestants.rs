//! The PAM stacks that are measured: twinlock in several ways, two other modules, libpam alone, and a minimal module.

use std::time::{Duration, Instant};

use twinlock_tests::{Machine, Otp};

use crate::command::Done;

/// Name of the user who logs in.
pub(super) const USER: &str = "ada";
/// Name of a user who does not have an account.
const STRANGER: &str = "nobody-here";
/// Key of the user in base32, the same for all modules.
pub(super) const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// The key [`KEY`] in hexadecimal, as pam_oath's users file contains it.
const KEY_IN_HEX: &str = "48656c6c6f21deadbeef48656c6c6f21deadbeef";
/// Time for which one wrong code can be used in the measurements. When the code is chosen, it is compared with the
/// codes of the ten periods before and after, and equals none of them.
const STAYS_WRONG: Duration = Duration::from_secs(240);

/// A PAM stack that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contestant {
    /// pam_permit alone. It shows what libpam itself costs.
    Libpam,
    /// A stack in which the line of twinlock comes after the line that checks the first factor.
    Twinlock,
    /// A stack in which twinlock comes before the first factor. One answer contains the password and the code.
    Follows,
    /// The stack of [`Contestant::Twinlock`], with twenty settings in twinlock's settings file.
    Settings,
    /// The stack of [`Contestant::Twinlock`], with the used codes of a whole day in the ledger.
    Used,
    /// The stack of [`Contestant::Twinlock`], for a user with sixteen authenticators who types a code of the last one.
    Sixteen,
    Google,
    Oath,
    /// A C module that accepts every code. It makes only the system calls that are necessary for twinlock's guarantees,
    /// and so shows the lowest possible cost.
    Floor,
}

/// How a login that is measured ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    /// The login succeeds, with a correct code.
    Accepted,
    /// The login fails, because of a wrong code.
    Wrong,
    /// The login fails, because the user has no account.
    Unknown,
}

impl Contestant {
    pub(super) const ALL: [Self; 9] = [
        Self::Libpam,
        Self::Twinlock,
        Self::Follows,
        Self::Settings,
        Self::Used,
        Self::Sixteen,
        Self::Google,
        Self::Oath,
        Self::Floor,
    ];
    /// The stacks that the tables of the report compare, one in each column.
    pub(super) const COLUMNS: [Self; 6] =
        [Self::Libpam, Self::Twinlock, Self::Follows, Self::Google, Self::Oath, Self::Floor];
    /// The stacks of twinlock with more data than usual. Their figures are compared with those of
    /// [`Contestant::Twinlock`].
    pub(super) const LOADED: [Self; 3] = [Self::Settings, Self::Used, Self::Sixteen];
    /// The two other modules with which twinlock is compared, called peers.
    pub(super) const PEERS: [Self; 2] = [Self::Google, Self::Oath];

    /// Returns the name of the PAM service. The module refuses the service `twinlock`, which is the agent's.
    pub(super) fn service(self) -> &'static str {
        if self == Self::Twinlock { "twinlock-stack" } else { self.name() }
    }

    /// Returns the heading of the contestant's column in the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Libpam => "libpam",
            Self::Twinlock => "twinlock",
            Self::Follows => "twinlock-follows",
            Self::Settings => "twinlock-settings",
            Self::Used => "twinlock-used",
            Self::Sixteen => "twinlock-sixteen",
            Self::Google => "google",
            Self::Oath => "oath",
            Self::Floor => "floor",
        }
    }

    /// Returns the module and its arguments as written on a PAM line.
    pub(super) fn line(self) -> &'static str {
        match self {
            Self::Libpam => "pam_permit.so",
            Self::Twinlock | Self::Settings | Self::Used | Self::Sixteen => {
                "pam_twinlock.so first_factor=stack"
            }
            Self::Follows => "pam_twinlock.so first_factor=follows",
            Self::Google => "pam_google_authenticator.so",
            Self::Oath => "pam_oath.so usersfile=/var/lib/oath/users.oath window=1 digits=6",
            Self::Floor => "pam_floor.so",
        }
    }

    /// Returns the file name of the module.
    pub(super) fn module(self) -> &'static str {
        self.line().split(' ').next().unwrap_or_default()
    }

    /// Returns whether a login with this stack can end as `ending` says. The minimal module accepts every code.
    pub(super) fn has(self, ending: Ending) -> bool {
        let accepts_alone = self == Self::Floor || Self::LOADED.contains(&self);
        !accepts_alone || ending == Ending::Accepted
    }

    /// Saves the present state of twinlock, without the used codes, for [`Contestant::reset`]. Also prepares a state
    /// with sixteen authenticators and one with a day of used codes.
    pub(super) fn keep(m: &Machine) {
        let script = "cp -a /run/twinlock/users /root/ledger
                      find /root/ledger -name 'used.*' -delete
                      cp -a /var/lib/twinlock/users/ada /root/records
                      cp -a /root/records /root/sixteen
                      mkdir -m 0700 /root/used";
        m.run(["sh", "-eu", "-c", script]).ok();
        let written = m.run(["sh", "-c", "ls /root/sixteen/*.toml"]).ok().to_owned();
        let record = m.file(written.trim());
        record.write(sixteen(&record.read()));
        let script = day_of_codes(&m.tree("/run/twinlock/users/ada"));
        m.call(["sh", "-eu"]).input(script).output().ok();
    }

    /// Restores the saved state, so that the code of the last login is valid once more. Also syncs this state to the
    /// disk. Otherwise the sync of the next login would write it, and the measurement would include that time.
    pub(super) fn reset(self, m: &Machine) {
        let script = match self {
            Self::Libpam => return,
            // Also sets the clock mark back by two minutes, because a login moves the mark only if it is at least a
            // minute old.
            Self::Twinlock
            | Self::Follows
            | Self::Settings
            | Self::Used
            | Self::Sixteen
            | Self::Floor => {
                "find /run/twinlock -path '*/users/*' -type l -delete
                 cp -a /root/ledger/. /run/twinlock/users
                 cd /var/lib/twinlock
                 rm -r users/ada
                 cp -a $records users/ada
                 cp $settings /etc/twinlock/twinlock.toml
                 test -z $used || cp -a $used/. /run/twinlock/users/ada
                 touch -d '-2 minutes' clock
                 sync clock users/ada users/ada/*.toml"
            }
            Self::Google => {
                "cp -p /root/google /home/ada/.google_authenticator
                 sync /home/ada/.google_authenticator /home/ada"
            }
            Self::Oath => {
                "cp -p /root/oath /var/lib/oath/users.oath
                 sync /var/lib/oath/users.oath /var/lib/oath"
            }
        };
        let or = |who, special, usual| if self == who { special } else { usual };
        let call = m.call(["sh", "-eu", "-c", script]);
        let call = call.env("records", or(Self::Sixteen, "/root/sixteen", "/root/records"));
        let call = call.env("settings", or(Self::Settings, "/root/settings", "/root/shipped"));
        call.env("used", or(Self::Used, "/root/used", "")).output().ok();
    }
}

impl Ending {
    pub(super) const ALL: [Self; 3] = [Self::Accepted, Self::Wrong, Self::Unknown];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted login",
            Self::Wrong => "wrong code",
            Self::Unknown => "unknown user",
        }
    }

    /// Checks that a login has ended in this way. `code` is the PAM code that the login returned.
    ///
    /// # Errors
    /// A sentence if the login has ended in another way. The measurement is then not valid.
    pub(super) fn expect(self, contestant: Contestant, code: u32) -> Done {
        if (code == 0) == (self == Self::Accepted || contestant == Contestant::Libpam) {
            return Ok(());
        }
        Err(format!("{} ended the {} with PAM's code {code}.", contestant.name(), self.name()))
    }
}

/// The authenticator app of the user who logs in, and a wrong code.
pub(super) struct ContestantApp {
    otp: Otp,
    wrong: Option<(Instant, String)>,
}

impl ContestantApp {
    pub(super) fn new() -> Self {
        Self { otp: Otp::new(KEY), wrong: None }
    }

    /// Returns the user name and the code to type for a login that must end as `ending` says.
    pub(super) fn typed(&mut self, ending: Ending) -> (&'static str, String) {
        match ending {
            Ending::Accepted => (USER, self.otp.in_steps(0)),
            Ending::Wrong => (USER, self.wrong()),
            Ending::Unknown => (STRANGER, self.otp.in_steps(0)),
        }
    }

    fn wrong(&mut self) -> String {
        let kept = self.wrong.take().filter(|(since, _)| since.elapsed() < STAYS_WRONG);
        let (since, code) = kept.unwrap_or_else(|| (Instant::now(), self.otp.wrong()));
        self.wrong = Some((since, code.clone()));
        code
    }
}

/// Returns the text of the record with fifteen more authenticators before its only one.
fn sixteen(record: &str) -> String {
    const HEADING: &str = "[[authenticator]]\n";
    let Some((head, own)) = record.split_once(HEADING) else { return record.to_owned() };
    let lines = own.lines().take_while(|line| !line.is_empty() && !line.starts_with('#'));
    let paragraph = lines.collect::<Vec<_>>().join("\n");
    let mut text = head.to_owned();
    for letter in "ABCDEFGHIKLMNOP".chars() {
        let other = paragraph.replace(KEY, &KEY.replace('J', &letter.to_string()));
        let name = format!("name = \"{letter}");
        text += &format!("{HEADING}{}\n\n", other.replacen("name = \"", &name, 1));
    }
    text + HEADING + own
}

/// Returns a shell script that creates in /root/used the ledger entries of a day of used codes. `tree` is a listing of
/// the user's ledger with one used code. The name of that code shows how entries are named.
fn day_of_codes(tree: &str) -> String {
    let name = tree.split("/used.").nth(1).and_then(|rest| rest.split_whitespace().next());
    let (key, step) = name.and_then(|name| name.split_once('.')).unwrap_or_default();
    let step: u64 = step.parse().unwrap_or_default();
    // The ledger keeps this many used codes of one key. The entries that it forgets during the measurement have another
    // key.
    let name = |ago: u64| match ago {
        ..=2_700 => format!("used.{key}.{}", step.saturating_sub(ago)),
        _ => format!("used.{}.{}", "a5".repeat(16), step.saturating_sub(ago - 2_700)),
    };
    let links = (1..=2_880).map(|ago| format!("ln -s 1800000000 {}\n", name(ago)));
    "cd /root/used\n".to_owned() + &links.collect::<String>()
}

/// Returns the line of the user in pam_oath's list of users.
pub(super) fn users_line() -> String {
    format!("HOTP/T30 {USER} - {KEY_IN_HEX}\n")
}
