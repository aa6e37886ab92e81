//! Starts the programs with which users log in, as a user would.

use crate::call::{Call, Finished};
use crate::machine::Machine;
use crate::session::Session;

/// Text that the login shell, and the command run by su or sudo, print before the account's name.
pub const LOGGED_IN: &str = "twinlock-tests: reached as ";

/// An ssh client, or a program that uses ssh, that will connect to the sshd of its own machine.
#[must_use]
pub struct Ssh<'m> {
    machine: &'m Machine,
    user: String,
    options: Vec<String>,
    command: Vec<String>,
}

impl Machine {
    /// Returns an ssh client that connects to the machine itself, without a key and with one password attempt.
    pub fn ssh(&self, user: &str) -> Ssh<'_> {
        let options = ["-oNumberOfPasswordPrompts=1", "-oPubkeyAuthentication=no"];
        Ssh {
            machine: self,
            user: user.to_owned(),
            options: options.map(str::to_owned).to_vec(),
            command: Vec::new(),
        }
    }

    /// Returns a call of sudo, by which `user` runs a command as root.
    pub fn sudo(&self, user: &str) -> Call<'_> {
        let said = format!("echo \"{LOGGED_IN}$(id -un)\"");
        self.call(["sudo", "-k", "sh", "-c", &said]).as_user(user)
    }

    /// Returns a call of su, by which `user` runs a command as `target`.
    pub fn su(&self, user: &str, target: &str) -> Call<'_> {
        let said = format!("echo \"{LOGGED_IN}$(id -un)\"");
        self.call(["su", target, "-c", &said]).as_user(user)
    }

    /// Returns a call of login(1) as getty makes it after a user name was typed at a console.
    pub fn login(&self, user: &str) -> Call<'_> {
        self.call(["login", user])
    }

    /// Returns a call of pamtester, run by root, that authenticates `user`.
    pub fn pamtester(&self, service: &str, user: &str) -> Call<'_> {
        self.pamtester_as(&[], service, user)
    }

    /// Returns a call of pamtester as [`Machine::pamtester`] does, with PAM items and variables such as `-I
    /// rhost=192.0.2.1` or `-E SSH_AUTH_INFO_0=...`.
    pub fn pamtester_as(&self, items: &[&str], service: &str, user: &str) -> Call<'_> {
        let call = self.call(["pamtester"]).args(items.iter().copied());
        call.args([service, user, "authenticate"])
    }
}

impl<'m> Ssh<'m> {
    /// Uses the key of the account that logs in.
    pub fn key(self) -> Self {
        let user = self.user.clone();
        self.key_of(&user)
    }

    /// Uses the key of `user`.
    pub fn key_of(mut self, user: &str) -> Self {
        self.options.retain(|option| option != "-oPubkeyAuthentication=no");
        self.options.push("-oIdentitiesOnly=yes".to_owned());
        self.options.push(format!("-oIdentityFile=/root/keys/{user}"));
        self
    }

    /// Adds an option of ssh_config, such as `BatchMode=yes`. Of repeated options the first counts.
    pub fn option(mut self, option: &str) -> Self {
        let keyword = |option: &str| option.split('=').next().map(str::to_owned);
        let new = keyword(option);
        self.options.retain(|old| keyword(old.trim_start_matches("-o")) != new);
        self.options.push(format!("-o{option}"));
        self
    }

    /// Runs a command instead of a login shell.
    pub fn command<S: Into<String>>(mut self, argv: impl IntoIterator<Item = S>) -> Self {
        self.command = argv.into_iter().map(Into::into).collect();
        self
    }

    /// Starts the client on a terminal.
    pub fn open(self) -> Session<'m> {
        self.call().open()
    }

    /// Runs the client without a terminal, and waits for its end.
    #[track_caller]
    pub fn output(self) -> Finished {
        self.call().output()
    }

    /// Returns the client's command, which may be changed further.
    pub fn call(self) -> Call<'m> {
        let target = format!("{}@127.0.0.1", self.user);
        let call = self.machine.call(["ssh"]).args(self.options);
        call.args([target]).args(self.command)
    }

    /// Returns a call of `program` (`scp` or `sftp`) with the options of this client and `args`.
    pub fn relative(self, program: &str, args: &[&str]) -> Call<'m> {
        let call = self.machine.call([program]).args(self.options);
        call.args(args.iter().copied())
    }

    /// Returns a call of `rsync` with `args`, which connects through this client.
    pub fn rsync(self, args: &[&str]) -> Call<'m> {
        let shell = format!("ssh {}", self.options.join(" "));
        let call = self.machine.call(["rsync", "-e", &shell]);
        call.args(args.iter().copied())
    }
}
