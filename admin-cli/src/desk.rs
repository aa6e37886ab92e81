//! Context of every command: the settings, the machine, and the request.

use std::io::{ErrorKind, Write};

use rustix::process::geteuid;
use twinlock_core::{
    account::Account,
    authorization::Operation,
    policy::Policy,
    ports::{Accounts, Clock, Entropy},
    record::Generation,
    time::{Now, UnixTime},
};
use twinlock_host::{
    entropy::KernelEntropy,
    machine::Machine,
    place::Owner,
    settings::{self, Loaded, SettingsFault},
};

use crate::{
    exit::{Exit, Failure},
    keyboard::tell,
    mistake,
    verbs::{Command, Grounds},
    wording::{Notation, WIDTH, harmless, plain, wrap},
};

/// Alternative for an ordinary user; administrators know sudo.
pub const OWN_WAY: &str = "For backup codes or an app of your own: log in, type ?, then 4. The rest is done by an administrator, with root's rights.";

/// What the command line asks for.
pub struct Request {
    /// The operation, as the permission table names it.
    pub operation: Operation,
    /// The one user that the operation is about, as typed.
    pub target: Option<String>,
    /// Reason and right under which it runs.
    pub grounds: Grounds,
}

impl Request {
    /// Returns the request of a command line.
    pub fn of(command: &Command) -> Self {
        let verb = &command.verb;
        Self {
            operation: verb.operation(),
            target: verb.target().map(str::to_owned),
            grounds: verb.grounds(),
        }
    }
}

/// Context of every command.
pub struct Desk {
    /// Settings in force: those of the requested file, except that the command's own settings come from /etc/twinlock
    /// only.
    pub policy: Policy,
    /// The machine that the requested settings describe.
    pub machine: Machine,
    /// Settings and records to verify the acting user's code against.
    pub own: OwnCodes,
    /// Whether output is JSON.
    pub json: bool,
    /// Path of the requested settings file.
    pub config: String,
    /// Whether settings.good stands in for it.
    pub stand_in: bool,
    /// What the command line asks for.
    pub request: Request,
}

/// What the acting user's code is verified against: the settings of /etc/twinlock and the records that they name.
pub struct OwnCodes {
    /// Settings of /etc/twinlock.
    pub policy: Policy,
    /// Records and ledger of these settings.
    pub machine: Machine,
}

impl OwnCodes {
    /// Builds it from the settings of /etc/twinlock.
    pub fn of(policy: Policy) -> Self {
        Self { machine: Machine::new(&policy, settings::PATH, OWNER), policy }
    }
}

/// Only files of root are accepted as settings.
const OWNER: Owner = Owner(0);

impl Desk {
    /// Loads the settings.
    pub fn open(command: &Command) -> Result<Self, Failure> {
        let chosen = Chosen::of(command)?;
        let (config, asked) = (&chosen.path, chosen.load());
        let asked = asked.map_err(|fault| settings_failure(config, &fault))?;
        say_stand_in(config, &asked);
        let own = if chosen.is_named {
            let own = settings::load(settings::PATH, OWNER);
            let own = own.map_err(|fault| settings_failure(settings::PATH, &fault))?;
            say_stand_in(settings::PATH, &own);
            own.policy
        } else {
            asked.policy.clone()
        };
        Ok(Self::with(chosen.path, asked, own, command))
    }

    /// Opens like [`Desk::open`], but replaces unusable settings by the defaults, which require the acting user's code,
    /// so that settings can be repaired.
    pub fn open_to_mend(command: &Command) -> Result<Self, Failure> {
        let chosen = Chosen::of(command)?;
        let usual = || Loaded { policy: Policy::default(), stands_in_for: None };
        let own = settings::load(settings::PATH, OWNER).unwrap_or_else(|_| usual());
        let asked = chosen.load().unwrap_or_else(|_| usual());
        Ok(Self::with(chosen.path, asked, own.policy, command))
    }

    fn with(config: String, asked: Loaded, own: Policy, command: &Command) -> Self {
        let policy = asked.policy.with_command_settings(&own);
        Self {
            machine: Machine::new(&policy, &config, OWNER),
            policy,
            own: OwnCodes::of(own),
            json: command.json,
            config,
            stand_in: asked.stands_in_for.is_some(),
            request: Request::of(command),
        }
    }

    /// Refuses a caller who is not root.
    pub fn need_root(&self, what: &str) -> Result<(), Failure> {
        if geteuid().is_root() {
            return Ok(());
        }
        Err(Failure::new(Exit::NotAllowed, format!("only root may {what}"), OWN_WAY))
    }

    /// Looks up an account by name.
    pub fn account(&self, user: &str) -> Result<Account, Failure> {
        self.machine.accounts.by_name(user)?.ok_or_else(|| {
            Failure::new(
                Exit::NotInState,
                format!("there is no account {}", plain(user)),
                "Look at the spelling (getent passwd NAME).",
            )
        })
    }

    /// Reads the wall clock and the boot clock together.
    pub fn now(&self) -> Result<Now, Failure> {
        Ok(self.machine.clock.now()?)
    }

    /// Returns a fresh generation and the second in which it was drawn.
    pub fn stamp(&self) -> Result<(Generation, UnixTime), Failure> {
        let mut bytes = [0; 8];
        KernelEntropy.fill(&mut bytes)?;
        Ok((Generation(u64::from_ne_bytes(bytes)), self.now()?.unix))
    }

    /// Prints the result once the work is done: a sentence for a person, or an object for a program.
    pub fn say(&self, sentence: &str, object: serde_json::Value) {
        let said = if self.json { object.to_string() } else { wrap(sentence, WIDTH, 0) };
        // The operation is done; a failed write of its output does not undo it.
        let _ = self.print(&format!("{said}\n"));
    }

    /// Prints output with control and invisible characters escaped, whatever file they came from.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        let notation = if self.json { Notation::Json } else { Notation::Text };
        self.print_exactly(&harmless(text, notation))
    }

    /// Prints like [`Desk::print`], without escaping: for text with this program's own colors, or text that is escaped
    /// already.
    pub fn print_exactly(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            // The reader has closed the pipe, such as head(1).
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::new(
                Exit::Refused,
                format!("standard output cannot be written ({error})"),
                "Send it to a terminal, or to a file on a disk that has room.",
            )),
        }
    }
}

/// The requested settings file.
pub struct Chosen {
    /// Absolute path.
    pub path: String,
    /// Whether an option names it: then it must exist, in folders that only root can write to.
    pub is_named: bool,
}

impl Chosen {
    /// Returns the file of `--config`, relative to the working directory, or the default.
    pub fn of(command: &Command) -> Result<Self, Failure> {
        let Some(named) = &command.config else {
            return Ok(Self { path: settings::PATH.into(), is_named: false });
        };
        let odd = || {
            Failure::new(
                Exit::Usage,
                format!("--config {} is no path that settings are read from", plain(named)),
                "Give the whole path, without .. in it, such as /etc/twinlock/sudo.toml.",
            )
        };
        let whole = std::path::absolute(named).map_err(|_| odd())?;
        let path = whole.into_os_string().into_string().map_err(|_| odd())?;
        if path.split('/').any(|part| part == "..") || path.ends_with('/') {
            return Err(odd());
        }
        Ok(Self { path, is_named: true })
    }

    /// Loads the settings.
    pub fn load(&self) -> Result<Loaded, SettingsFault> {
        if self.is_named {
            settings::load_named(&self.path, OWNER)
        } else {
            settings::load(&self.path, OWNER)
        }
    }
}

fn say_stand_in(path: &str, loaded: &Loaded) {
    if let Some(fault) = &loaded.stands_in_for {
        let (what, _) = mistake::of_settings(path, fault);
        let said = format!("twinlock: {what}; settings.good is in force instead");
        tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
    }
}

/// Explains why settings cannot be used.
pub fn settings_failure(path: &str, fault: &SettingsFault) -> Failure {
    let (what, remedy) = mistake::of_settings(path, fault);
    let remedy =
        format!("{remedy} Then run `twinlock settings apply`; until then logins are refused.");
    Failure::bare(what, remedy)
}
