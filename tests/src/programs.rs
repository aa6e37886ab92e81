//! The programs that users log in with, started as a user would.

use crate::call::{Call, Finished};
use crate::machine::Machine;
use crate::session::Session;

/// Printed by the login shell, and by the command behind su and sudo; the account's name follows.
pub const LOGGED_IN: &str = "twinlock-tests: reached as ";

/// An ssh client or relative that will connect to the machine's own sshd.
#[must_use]
pub struct Ssh<'m> {
    machine: &'m Machine,
    user: String,
    options: Vec<String>,
    command: Vec<String>,
}

impl Machine {
    /// Returns an ssh client for the machine itself, without a key and with one password attempt.
    pub fn ssh(&self, user: &str) -> Ssh<'_> {
        let options = ["-oNumberOfPasswordPrompts=1", "-oPubkeyAuthentication=no"];
        Ssh {
            machine: self,
            user: user.to_owned(),
            options: options.map(str::to_owned).to_vec(),
            command: Vec::new(),
        }
    }

    /// Returns a sudo call by `user` that runs a command as root.
    pub fn sudo(&self, user: &str) -> Call<'_> {
        let said = format!("echo \"{LOGGED_IN}$(id -un)\"");
        self.call(["sudo", "-k", "sh", "-c", &said]).as_user(user)
    }

    /// Returns an su call by `user` that runs a command as `target`.
    pub fn su(&self, user: &str, target: &str) -> Call<'_> {
        let said = format!("echo \"{LOGGED_IN}$(id -un)\"");
        self.call(["su", target, "-c", &said]).as_user(user)
    }

    /// Returns a login call, as a console starts it after the user name was typed.
    pub fn login(&self, user: &str) -> Call<'_> {
        self.call(["login", user])
    }

    /// Returns a pamtester call, run by root, that authenticates `user`.
    pub fn pamtester(&self, service: &str, user: &str) -> Call<'_> {
        self.pamtester_as(&[], service, user)
    }

    /// Returns a call like [`Machine::pamtester`], with items and variables: `-I rhost=192.0.2.1`, `-E
    /// SSH_AUTH_INFO_0=...`.
    pub fn pamtester_as(&self, items: &[&str], service: &str, user: &str) -> Call<'_> {
        let call = self.call(["pamtester"]).args(items.iter().copied());
        call.args([service, user, "authenticate"])
    }
}

impl<'m> Ssh<'m> {
    /// Uses the account's key.
    pub fn key(self) -> Self {
        let user = self.user.clone();
        self.key_of(&user)
    }

    /// Uses another account's key.
    pub fn key_of(mut self, user: &str) -> Self {
        self.options.retain(|option| option != "-oPubkeyAuthentication=no");
        self.options.push("-oIdentitiesOnly=yes".to_owned());
        self.options.push(format!("-oIdentityFile=/root/keys/{user}"));
        self
    }

    /// Adds an option in the form of ssh_config: `BatchMode=yes`. The first value of an option counts.
    pub fn option(mut self, option: &str) -> Self {
        let keyword = |option: &str| option.split('=').next().map(str::to_owned);
        let new = keyword(option);
        self.options.retain(|old| keyword(old.trim_start_matches("-o")) != new);
        self.options.push(format!("-o{option}"));
        self
    }

    /// Sets a command instead of a login shell.
    pub fn command<S: Into<String>>(mut self, argv: impl IntoIterator<Item = S>) -> Self {
        self.command = argv.into_iter().map(Into::into).collect();
        self
    }

    /// Starts it on a terminal.
    pub fn open(self) -> Session<'m> {
        self.call().open()
    }

    /// Runs it without a terminal and waits for its end.
    #[track_caller]
    pub fn output(self) -> Finished {
        self.call().output()
    }

    /// Returns the client's command to change it further.
    pub fn call(self) -> Call<'m> {
        let target = format!("{}@127.0.0.1", self.user);
        let call = self.machine.call(["ssh"]).args(self.options);
        call.args([target]).args(self.command)
    }

    /// Returns `scp` or `sftp` with the same options and these arguments.
    pub fn relative(self, program: &str, args: &[&str]) -> Call<'m> {
        let call = self.machine.call([program]).args(self.options);
        call.args(args.iter().copied())
    }

    /// Returns `rsync` over this client with these arguments.
    pub fn rsync(self, args: &[&str]) -> Call<'m> {
        let shell = format!("ssh {}", self.options.join(" "));
        let call = self.machine.call(["rsync", "-e", &shell]);
        call.args(args.iter().copied())
    }
}
