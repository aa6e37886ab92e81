//! Tries logins with the new files before a file of the host is changed. The logins use the host's PAM files, modules
//! and programs: sshd, su and sudo, which also stands for the programs of other services.
//!
//! The test logins run in namespaces of their own, where a made-up password, key and record are mounted over those of a
//! real account.
//!
//! May use: `plan`, `replace`, `wishes`.

pub mod account;
pub mod trials;

use core::fmt;
use std::{
    fs::{self, DirBuilder},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use twinlock_core::{base::account::Account, policy::Policy};
use twinlock_host::programs;

use crate::{
    plan::FileChange,
    proof::trials::{Brings, LoginRole, Trial},
    replace,
    wishes::Wishes,
};

const ROOM: &str = include_str!("room.sh");
/// Start of the names of the private folders for test logins.
const ROOMS: &str = "twinlock-proof.";
const ANSWER: &str = include_str!("answer.sh");
/// The password of the account in the namespaces. The next constant is its hash for /etc/shadow there. The password
/// cannot be used outside of the namespaces, so it need not be secret.
const PASSWORD: &str = "proof-of-setup";
const HASH: &str = "$6$rounds=1000$twinlocksetup$d6SmRc.0C.f5Rdn3ejdnNsEOBACrMJUyVbDZZLCep2KfNd7R9wb02YPnVSdqEWNsXzJNBsxVkIy7R1DWCcV0t.";
/// Maximum number of lines of the log that are shown if a test login does not end as it must.
const LOG_LINES: usize = 12;

/// Why the test logins do not prove the changes.
#[derive(Debug)]
pub enum ProofError {
    /// No login can be tried here, for this reason: for example, the kernel allows no namespaces, or a program is
    /// missing.
    Impossible(String),
    /// A login succeeded that must fail, or failed although it must succeed.
    Differs {
        /// A clause that says which factors the client gave and whether it got in.
        what: String,
        /// The last lines of the log of sshd and of the other programs, at most 12.
        log: String,
    },
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Impossible(why) => write!(f, "the new files cannot be tried here: {why}"),
            Self::Differs { what, .. } => f.write_str(what),
        }
    }
}

impl core::error::Error for ProofError {}

impl From<io::Error> for ProofError {
    fn from(error: io::Error) -> Self {
        Self::Impossible(error.to_string())
    }
}

/// An account and an address for test logins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// The account with which the logins are tried.
    pub account: Account,
    /// Path of the account's home folder.
    pub home: String,
    /// IP address from which the client seems to log in.
    pub source: String,
    /// The factors that the service must ask this account for.
    pub role: LoginRole,
    /// The Match blocks of sshd that apply to the login, if it is tried because of them; the text is empty if none applies
    /// to it. Otherwise `None`.
    pub matched: Option<String>,
}

/// What the test logins need: the changes to try, and the accounts that log in.
pub struct ChangeProof<'a> {
    /// The service and the factors of its logins.
    pub wishes: &'a Wishes,
    /// The changes to try. None is written yet.
    pub changes: &'a [FileChange],
    /// An account that must give a code. It gets a made-up record.
    pub login: &'a Login,
    /// Logins that must succeed, or must fail, without a code, because a rule exempts the user or the address, or
    /// because the account is a robot (only a program uses it).
    pub others: &'a [Login],
    /// The host's settings of twinlock.
    pub policy: &'a Policy,
}

impl ChangeProof<'_> {
    /// Tries the logins and returns their number.
    ///
    /// # Errors
    /// [`ProofError`] if a login does not end as it must, or if the logins cannot be tried.
    pub fn run(&self) -> Result<usize, ProofError> {
        // sudo can call libpam for any service (`pam_service`), and gives it the answers of a script.
        let (name, program) = match self.wishes.service.as_str() {
            "ssh" => ("sshd", programs::sshd()),
            "su" => ("su", Some(programs::whole_path("su"))),
            _ => ("sudo", Some(programs::whole_path("sudo"))),
        };
        let missing = || ProofError::Impossible(format!("{name} is missing"));
        let program = program.filter(|path| path.exists()).ok_or_else(missing)?;
        let trials = self.trials();
        let room = Room::new()?;
        self.fill(&room, &program, &trials)?;
        let said = room.run()?;
        for (number, one) in trials.iter().enumerate() {
            let got_in = match result(&said, number) {
                Some(word) => word == "in",
                None => return Err(ProofError::Impossible(why_ended(&said))),
            };
            if got_in != one.trial.gets_in {
                return Err(ProofError::Differs { what: self.said(one, got_in), log: room.log() });
            }
        }
        Ok(trials.len())
    }

    fn logins(&self) -> impl Iterator<Item = &Login> {
        [self.login].into_iter().chain(self.others)
    }

    /// Returns the test logins of all accounts. The logins that must succeed come before those that must fail.
    fn trials(&self) -> Vec<Numbered> {
        let Wishes { service, with, .. } = self.wishes;
        let mut all = Vec::new();
        for (login, one) in self.logins().enumerate() {
            let trials = trials::of(service, *with, one.role).into_iter();
            all.extend(trials.map(|trial| Numbered { login, trial }));
        }
        all.sort_by_key(|one| !one.trial.gets_in);
        all
    }

    /// Returns a clause about a test login that did not end as it must.
    fn said(&self, one: &Numbered, got_in: bool) -> String {
        let end = if got_in { "gets in" } else { "does not get in" };
        let Some(login) = self.logins().nth(one.login) else { return end.to_owned() };
        let factors = one.trial.said(&self.wishes.service);
        let from = match one.login {
            0 => String::new(),
            _ => format!(" from {}", login.source),
        };
        let matched = match login.matched.as_deref() {
            None => String::new(),
            Some("") => " (no Match block of sshd applies)".to_owned(),
            Some(blocks) => format!(" (by the Match block at {blocks})"),
        };
        format!(
            "tried with the new files, {} {end}{from} with {factors}{matched}",
            login.account.name
        )
    }

    /// Makes up the records of the accounts in the room. Returns the test logins as text for the script, with a line for
    /// each.
    fn lines(&self, room: &Room, trials: &[Numbered]) -> io::Result<String> {
        let mut accounts: Vec<&Account> = Vec::new();
        for login in self.logins().filter(|one| one.role.needs_record()) {
            if !accounts.contains(&&login.account) {
                accounts.push(&login.account);
            }
        }
        let mut codes = account::enroll(&room.folder, self.policy, &accounts)?;
        let mut text = String::new();
        for (number, one) in trials.iter().enumerate() {
            let account = self.logins().nth(one.login).map(|login| &login.account);
            let place = accounts.iter().position(|one| Some(*one) == account);
            text.push_str(&line(number, one, place.and_then(|place| codes.get_mut(place))));
        }
        Ok(text)
    }

    fn fill(&self, room: &Room, program: &Path, trials: &[Numbered]) -> Result<(), ProofError> {
        let places = &self.policy.places;
        let values = [
            ("service", self.wishes.service.as_str()),
            ("program", &program.display().to_string()),
            ("records", &places.records),
            ("ledger", &places.ledger),
        ];
        room.write("values", &assigned(&values))?;
        for (number, login) in self.logins().enumerate() {
            let Login { account, home, source, .. } = login;
            let (uid, gid) = (account.uid.to_string(), account.gid.to_string());
            let values = [
                ("user", account.name.as_str()),
                ("uid", &uid),
                ("gid", &gid),
                ("home", home),
                ("source", source),
            ];
            room.write(&format!("login.{number}"), &assigned(&values))?;
        }
        let paths = self.changes.iter().map(|change| format!("{}\n", change.path));
        room.write("files", &paths.collect::<String>())?;
        for (number, change) in self.changes.iter().enumerate() {
            if let Some(after) = &change.after {
                room.write(&format!("after.{number}"), after)?;
            }
        }
        room.write("hash", HASH)?;
        room.write("answer", ANSWER)?;
        Ok(room.write("trials", &self.lines(room, trials)?)?)
    }
}

/// A test login, with the index of its account: 0 is [`ChangeProof::login`], and [`ChangeProof::others`] begin at 1.
struct Numbered {
    login: usize,
    trial: Trial,
}

/// Returns pairs of a name and a value as shell assignments, one on each line.
fn assigned(values: &[(&str, &str)]) -> String {
    let line = |(name, value): &(&str, &str)| format!("{name}={}\n", quoted(value));
    values.iter().map(line).collect()
}

/// Returns a test login as a line for the script: its number, the index of its account, its form, key, password and
/// code. `codes` are those of its account; `None` if it has no record.
fn line(number: usize, one: &Numbered, codes: Option<&mut account::TestCodes>) -> String {
    let Numbered { login, trial } = one;
    let password = match trial.password {
        Brings::Right => PASSWORD,
        Brings::Wrong => "another-password",
        Brings::Nothing => "-",
    };
    let code = match (trial.code, codes) {
        // A login that succeeds uses up its code. A login that must fail uses up none, so its code can be used again.
        (Brings::Right, Some(codes)) if trial.gets_in => codes.next(),
        (Brings::Right, Some(codes)) => codes.unused(),
        (Brings::Wrong, Some(codes)) => codes.wrong(),
        (Brings::Nothing, _) | (_, None) => "-".to_owned(),
    };
    let form = trial.form.word();
    let key = if trial.key { "yes" } else { "no" };
    format!("{number} {login} {form} {key} {password} {code}\n")
}

/// Returns the word that the script printed after the number of a test login, such as `in`; `None` if it printed none.
fn result(said: &str, number: usize) -> Option<&str> {
    let prefix = format!("{number} ");
    said.lines().find_map(|line| line.strip_prefix(&prefix))
}

fn why_ended(said: &str) -> String {
    let failed = said.lines().find_map(|line| line.strip_prefix("failed "));
    failed.unwrap_or("namespaces cannot be made").to_owned()
}

/// Returns the value in single quotes, as a shell reads it.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

/// A private folder for the test logins, which is removed when this value is dropped.
struct Room {
    folder: PathBuf,
}

impl Room {
    fn new() -> io::Result<Self> {
        let place = Path::new("/run");
        // A process that was killed has left its folder.
        for folder in replace::abandoned(place, ROOMS) {
            let _ = fs::remove_dir_all(folder);
        }
        let folder = place.join(format!("{ROOMS}{}", replace::unique()?));
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self { folder })
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        fs::File::create_new(self.folder.join(name))?.write_all(text.as_bytes())
    }

    /// Runs the script with the test logins in new namespaces, and returns its output.
    fn run(&self) -> Result<String, ProofError> {
        let mut command = Command::new(programs::whole_path("unshare"));
        command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        command.args(["--propagation", "private", "/bin/sh", "-c", ROOM, "twinlock-proof"]);
        command.arg(&self.folder).env_clear().env("PATH", programs::PATH).env("LC_ALL", "C");
        let output = command.current_dir("/").stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        match said.is_empty() && !complaint.is_empty() {
            true => Err(ProofError::Impossible(complaint)),
            false => Ok(said),
        }
    }

    fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        let text = read("sshd.log") + &read("log");
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(LOG_LINES);
        lines.get(from..).unwrap_or_default().join("\n")
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
