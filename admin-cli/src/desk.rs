//! What every command works with: the settings, the machine, and who is asking.

use rustix::process::geteuid;
use twinlock_core::{
    account::Account,
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
    verbs::Command,
};

/// What every command works with.
pub struct Desk {
    /// The settings in force.
    pub policy: Policy,
    /// The machine.
    pub machine: Machine,
    /// Whether output is for machines.
    pub json: bool,
}

impl Desk {
    /// Loads the settings.
    pub fn open(command: &Command) -> Result<Self, Failure> {
        let owner = Owner(0);
        let loaded = settings::load(&command.config, owner)
            .map_err(|fault| settings_failure(&command.config, &fault))?;
        if let Some(fault) = &loaded.stands_in_for {
            eprintln!(
                "twinlock: {}; settings.good is in force instead",
                fault.clause(&command.config)
            );
        }
        let machine = Machine::new(&loaded.policy, &command.config, owner);
        Ok(Self { policy: loaded.policy, machine, json: command.json })
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
                format!("there is no account {}", user.escape_default()),
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

    /// Prints a line for a person, or an object for a machine.
    pub fn say(&self, sentence: &str, object: serde_json::Value) {
        if self.json {
            println!("{object}");
        } else {
            println!("{sentence}");
        }
    }
}

/// A settings file that cannot be used.
pub fn settings_failure(path: &str, fault: &SettingsFault) -> Failure {
    Failure::new(
        Exit::StoreUnreachable,
        fault.clause(path),
        "Mend the file and run `twinlock settings check`; until then logins that use it are refused.",
    )
}
