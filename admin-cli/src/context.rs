//! What every command needs: the settings, the records and other parts of the host, and the request of the command
//! line.

use std::io::{ErrorKind, Write};

use rustix::process::geteuid;
use twinlock_core::{
    authorization::Operation,
    base::{account::Account, time::Now},
    policy::{FleetRules, Policy},
    ports::{Accounts, Clock, Entropy},
    record::{Generation, enrollment::ChangeStamp},
};
use twinlock_host::{
    entropy::KernelEntropy,
    machine::Machine,
    settings::{self, Loaded, SettingsReadError},
    trusted_dir::Owner,
};

use crate::{
    cli::{Command, Grounds, Verb},
    error::{
        exit::{CliError, Exit},
        settings_errors,
    },
    terminal::keyboard::tell,
    text::{Notation, WIDTH, harmless, plain, wrap},
};

/// What a user who is not root can do without this command.
pub(crate) const OWN_WAY: &str =
    "To change your own backup codes or app: log in, type ?, then 4. Everything else needs root.";

/// The parts of the command line on which the authorization depends.
pub(crate) struct CallerRequest {
    /// The operation of the subcommand in the permission table.
    pub(crate) operation: Operation,
    /// The user that the operation is about, as typed; `None` if it is about several users or the host.
    pub(crate) target: Option<String>,
    /// The options `--reason` and `--break-glass`.
    pub(crate) grounds: Grounds,
}

impl CallerRequest {
    /// Returns the request of a command line.
    pub(crate) fn of(command: &Command) -> Self {
        let verb = &command.verb;
        Self {
            operation: verb.operation(),
            target: verb.target().map(str::to_owned),
            grounds: verb.grounds(),
        }
    }
}

/// The settings, the parts of the host and the global options that every command needs.
pub(crate) struct Context {
    /// The settings in force. Those that govern the command itself, such as for mail, always come from the default
    /// file; all others come from the requested file.
    pub(crate) policy: Policy,
    /// The records, ledger and other parts of the host that the requested settings describe.
    pub(crate) machine: Machine,
    /// The settings and records against which the acting user's code is verified.
    pub(crate) own: OwnCodes,
    /// Whether the output is JSON.
    pub(crate) json: bool,
    /// Path of the requested settings file: the argument of `--config`, or the default file.
    pub(crate) config: String,
    /// Whether the requested settings file has an error, so that the last good copy of it is in force.
    pub(crate) stand_in: bool,
    /// The parts of the command line on which the authorization depends.
    pub(crate) request: CallerRequest,
}

/// The settings of the default file, and the records that it names. The acting user's code is verified against these,
/// even if the command line names another settings file.
pub(crate) struct OwnCodes {
    /// The settings of the default file.
    pub(crate) policy: Policy,
    /// The records and the ledger that `policy` names.
    pub(crate) machine: Machine,
}

impl OwnCodes {
    /// Combines the settings of the default file with the records and the ledger that they name.
    pub(crate) fn of(policy: Policy) -> Self {
        Self { machine: Machine::new(&policy, settings::PATH, OWNER), policy }
    }
}

/// User who must own the settings files.
const OWNER: Owner = Owner(0);

impl Context {
    /// Loads the settings file that the command line names (or the default file), and the default file in
    /// /etc/twinlock.
    ///
    /// # Errors
    /// [`CliError`] if a settings file cannot be used and has no last good copy.
    pub(crate) fn open(command: &Command) -> Result<Self, CliError> {
        let chosen = ChosenSettings::of(command)?;
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

    /// Loads the settings file that the command line names, and the default file, for commands that must work although
    /// the settings have an error. If a file cannot be used and has no copy, the defaults apply, which require the
    /// acting user's code.
    pub(crate) fn open_to_mend(command: &Command) -> Result<Self, CliError> {
        let chosen = ChosenSettings::of(command)?;
        let usual = || Loaded { policy: Policy::default(), stands_in_for: None };
        let own = settings::load(settings::PATH, OWNER).unwrap_or_else(|_| usual());
        let asked = chosen.load().unwrap_or_else(|_| usual());
        Ok(Self::with(chosen.path, asked, own.policy, command))
    }

    fn with(config: String, asked: Loaded, own: Policy, command: &Command) -> Self {
        let policy = asked.policy.with_command_settings(&own);
        // The subcommands of `fleet` compare the records of this host with those of the fleet, and repair a fleet whose
        // store would refuse the acting user's code.
        let is_apart = matches!(command.verb, Verb::Fleet(_));
        let of_machine = if is_apart { of_host_alone(&policy) } else { policy.clone() };
        let own = if is_apart { of_host_alone(&own) } else { own };
        let machine = Machine::new(&of_machine, &config, OWNER);
        if let Some(fleet) = machine.records.fleet() {
            fleet.read_every_record();
        }
        Self {
            machine,
            policy,
            own: OwnCodes::of(own),
            json: command.json,
            config,
            stand_in: asked.stands_in_for.is_some(),
            request: CallerRequest::of(command),
        }
    }

    /// Prints on standard error that the fleet shares the record of the user that the subcommand is about. Prints
    /// nothing if the record is not shared, or with `--json`.
    pub(crate) fn say_fleet(&self) {
        let (Some(user), Some(fleet)) = (&self.request.target, self.machine.records.fleet()) else {
            return;
        };
        let account = self.machine.accounts.by_name(user).ok().flatten();
        let name = &fleet.key().fleet;
        // Without a key file there is no name; the subcommand reports that.
        if !self.json && !name.is_empty() && account.is_some_and(|found| fleet.shares(found.uid)) {
            tell(&format!("The fleet {name} shares this user's record.\n"));
        }
    }

    /// Checks that the caller is root. The error message is "only root may", followed by `what`.
    ///
    /// # Errors
    /// [`CliError`] if the caller is not root.
    pub(crate) fn need_root(&self, what: &str) -> Result<(), CliError> {
        if geteuid().is_root() {
            return Ok(());
        }
        Err(CliError::new(Exit::NotAllowed, format!("only root may {what}"), OWN_WAY))
    }

    /// Returns the account with this name.
    ///
    /// # Errors
    /// [`CliError`] if there is no such account, or NSS does not answer.
    pub(crate) fn account(&self, user: &str) -> Result<Account, CliError> {
        need_name(user)?;
        self.machine.accounts.by_name(user)?.ok_or_else(|| {
            CliError::new(
                Exit::NotInState,
                format!("there is no account {}", plain(user)),
                "Check the spelling (getent passwd NAME).",
            )
        })
    }

    /// Returns the present time of the wall clock and of the boot clock, read together.
    pub(crate) fn now(&self) -> Result<Now, CliError> {
        Ok(self.machine.clock.now()?)
    }

    /// Returns the present time and a new random generation (id of one state of a record), for a record that is
    /// changed.
    pub(crate) fn stamp(&self) -> Result<ChangeStamp, CliError> {
        let mut bytes = [0; 8];
        KernelEntropy.fill(&mut bytes)?;
        Ok(ChangeStamp { generation: Generation(u64::from_ne_bytes(bytes)), at: self.now()?.unix })
    }

    /// Prints the result of a command: `object` with `--json`, otherwise `sentence`. Ignores write errors, because the
    /// work is done by then.
    pub(crate) fn say(&self, sentence: &str, object: serde_json::Value) {
        let said = if self.json { object.to_string() } else { wrap(sentence, WIDTH, 0) };
        // The operation is done; a failed write of its output does not undo it.
        let _ = self.print(&format!("{said}\n"));
    }

    /// Prints text with control characters and invisible characters escaped, since it may come from a file.
    ///
    /// # Errors
    /// [`CliError`] if standard output cannot be written. A closed pipe is not an error.
    pub(crate) fn print(&self, text: &str) -> Result<(), CliError> {
        let notation = if self.json { Notation::Json } else { Notation::Text };
        self.print_exactly(&harmless(text, notation))
    }

    /// Prints text without escaping control characters: text with colors of this program, or text that is escaped
    /// already.
    ///
    /// # Errors
    /// [`CliError`] if standard output cannot be written. A closed pipe is not an error.
    pub(crate) fn print_exactly(&self, text: &str) -> Result<(), CliError> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            // The reader of the output, such as head(1), has closed the pipe.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(CliError::new(
                Exit::Refused,
                format!("standard output cannot be written ({error})"),
                "Send it to a terminal, or to a file on a disk that has room.",
            )),
        }
    }
}

/// Checks that the command line names a user, which only ordinary users may leave out.
///
/// # Errors
/// [`CliError`] if it names no user.
pub(crate) fn need_name(user: &str) -> Result<(), CliError> {
    if user.is_empty() {
        let what = "root must name a user";
        return Err(CliError::new(Exit::Usage, what, "Add the user name to the command."));
    }
    Ok(())
}

/// The settings file that the command line asks for.
pub(crate) struct ChosenSettings {
    /// The absolute path of the file.
    pub(crate) path: String,
    /// Whether `--config` names the file. It must then exist, in folders that only root can write to.
    pub(crate) is_named: bool,
}

impl ChosenSettings {
    /// Returns the file that `--config` names, relative to the working folder, or the default file.
    pub(crate) fn of(command: &Command) -> Result<Self, CliError> {
        let Some(named) = &command.config else {
            return Ok(Self { path: settings::PATH.into(), is_named: false });
        };
        let odd = || {
            CliError::new(
                Exit::Usage,
                format!("--config {} is not a path that settings can be read from", plain(named)),
                "Give an absolute path without .., such as /etc/twinlock/sudo.toml.",
            )
        };
        let whole = std::path::absolute(named).map_err(|_| odd())?;
        let path = whole.into_os_string().into_string().map_err(|_| odd())?;
        if path.split('/').any(|part| part == "..") || path.ends_with('/') {
            return Err(odd());
        }
        Ok(Self { path, is_named: true })
    }

    /// Loads the settings from the file; if it has an error, from its last good copy.
    pub(crate) fn load(&self) -> Result<Loaded, SettingsReadError> {
        if self.is_named {
            settings::load_named(&self.path, OWNER)
        } else {
            settings::load(&self.path, OWNER)
        }
    }
}

/// Returns the settings of a host that is in no fleet.
fn of_host_alone(policy: &Policy) -> Policy {
    let fleet = FleetRules { is_on: false, ..policy.fleet.clone() };
    Policy { fleet, ..policy.clone() }
}

fn say_stand_in(path: &str, loaded: &Loaded) {
    if let Some(fault) = &loaded.stands_in_for {
        let (what, _) = settings_errors::of_settings(path, fault);
        let said = format!("twinlock: {what}; settings.good is in force instead");
        tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
    }
}

/// Returns the error for settings that cannot be used.
pub(crate) fn settings_failure(path: &str, fault: &SettingsReadError) -> CliError {
    let (what, remedy) = settings_errors::of_settings(path, fault);
    let remedy =
        format!("{remedy} Then run `twinlock settings apply`; until then logins are refused.");
    CliError::bare(what, remedy)
}
