//! What every command works with: the settings, the machine, and who is asking.

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
    settings::{self, SettingsFault},
};

use crate::{
    exit::{Exit, Failure},
    keyboard::tell,
    mistake,
    verbs::{Command, Grounds},
    wording::{Notation, WIDTH, harmless, plain, wrap},
};

/// What is asked of the command.
pub struct Request {
    /// What it is to do, as the table of permissions knows it.
    pub operation: Operation,
    /// The one user whom it is about, as typed.
    pub target: Option<String>,
    /// Why, and by which right.
    pub grounds: Grounds,
}

impl Request {
    /// Returns what a command line asks for.
    pub fn of(command: &Command) -> Self {
        let verb = &command.verb;
        Self {
            operation: verb.operation(),
            target: verb.target().map(str::to_owned),
            grounds: verb.grounds(),
        }
    }
}

/// What every command works with.
pub struct Desk {
    /// The settings in force.
    pub policy: Policy,
    /// The machine.
    pub machine: Machine,
    /// Whether output is for machines.
    pub json: bool,
    /// The settings file that was asked for.
    pub config: String,
    /// Whether settings.good stands in for it.
    pub stand_in: bool,
    /// What is asked of the command.
    pub request: Request,
}

impl Desk {
    /// Loads the settings.
    pub fn open(command: &Command) -> Result<Self, Failure> {
        let owner = Owner(0);
        let loaded = settings::load(&command.config, owner)
            .map_err(|fault| settings_failure(&command.config, &fault))?;
        if let Some(fault) = &loaded.stands_in_for {
            let (what, _) = mistake::of_settings(&command.config, fault);
            let said = format!("twinlock: {what}; settings.good is in force instead");
            tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
        }
        let machine = Machine::new(&loaded.policy, &command.config, owner);
        Ok(Self {
            policy: loaded.policy,
            machine,
            json: command.json,
            config: command.config.clone(),
            stand_in: loaded.stands_in_for.is_some(),
            request: Request::of(command),
        })
    }

    /// Refuses whoever is not root.
    pub fn need_root(&self, what: &str) -> Result<(), Failure> {
        if geteuid().is_root() {
            return Ok(());
        }
        Err(Failure::new(Exit::NotAllowed, format!("only root may {what}"), "Try again with sudo."))
    }

    /// The account of a name.
    pub fn account(&self, user: &str) -> Result<Account, Failure> {
        self.machine.accounts.by_name(user)?.ok_or_else(|| {
            Failure::new(
                Exit::NotInState,
                format!("there is no account {}", plain(user)),
                "Look at the spelling (getent passwd NAME).",
            )
        })
    }

    /// Now.
    pub fn now(&self) -> Result<Now, Failure> {
        Ok(self.machine.clock.now()?)
    }

    /// A fresh generation and the second it belongs to.
    pub fn stamp(&self) -> Result<(Generation, UnixTime), Failure> {
        let mut bytes = [0; 8];
        KernelEntropy.fill(&mut bytes)?;
        Ok((Generation(u64::from_ne_bytes(bytes)), self.now()?.unix))
    }

    /// Prints a sentence for a person, or an object for a machine, after what was done is done.
    pub fn say(&self, sentence: &str, object: serde_json::Value) {
        let said = if self.json { object.to_string() } else { wrap(sentence, WIDTH, 0) };
        // The deed is done: an output that nobody reads does not undo it.
        let _ = self.print(&format!("{said}\n"));
    }

    /// Prints what was asked for; what a terminal would obey is escaped, whatever file it came from.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        let notation = if self.json { Notation::Json } else { Notation::Text };
        self.print_exactly(&harmless(text, notation))
    }

    /// As [`Desk::print`], for text of this program's own that sets colours, or that was made harmless already.
    pub fn print_exactly(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            // A reader that has seen enough, such as head(1).
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::new(
                Exit::Refused,
                format!("standard output cannot be written ({error})"),
                "Send it to a terminal, or to a file on a disk that has room.",
            )),
        }
    }
}

/// A settings file that cannot be used.
pub fn settings_failure(path: &str, fault: &SettingsFault) -> Failure {
    let (what, remedy) = mistake::of_settings(path, fault);
    let remedy =
        format!("{remedy} Then run `twinlock settings check`; until then logins are refused.");
    Failure::bare(what, remedy)
}
