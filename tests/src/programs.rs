//! Starts the programs with which users log in, as a user starts them.

use crate::call::{Call, Finished};
use crate::machine::Machine;
use crate::session::Session;

/// Text by which a login is recognized. The login shell, and the command that su or sudo runs, print it before the name
/// of the account.
pub const LOGGED_IN: &str = "twinlock-tests: reached as ";

/// An ssh client that has not started yet, or another program that uses an ssh client. It connects to the sshd of the
/// same machine.
#[must_use]
pub struct Ssh<'m> {
    machine: &'m Machine,
    user: String,
    options: Vec<String>,
    command: Vec<String>,
}

impl Machine {
    /// Prepares an ssh client that logs in as `user`, without a key and with one attempt to type a password.
    pub fn ssh(&self, user: &str) -> Ssh<'_> {
        let options = ["-oNumberOfPasswordPrompts=1", "-oPubkeyAuthentication=no"];
        Ssh {
            machine: self,
            user: user.to_owned(),
            options: options.map(str::to_owned).to_vec(),
            command: Vec::new(),
        }
    }

    /// Prepares a call of sudo, by which `user` runs a command as root.
    pub fn sudo(&self, user: &str) -> Call<'_> {
        let said = format!("echo \"{LOGGED_IN}$(id -un)\"");
        self.call(["sudo", "-k", "sh", "-c", &said]).as_user(user)
    }

    /// Prepares a call of su, by which `user` runs a command as `target`.
    pub fn su(&self, user: &str, target: &str) -> Call<'_> {
        let said = format!("echo \"{LOGGED_IN}$(id -un)\"");
        self.call(["su", target, "-c", &said]).as_user(user)
    }

    /// Prepares a call of login(1), as getty makes it after the name `user` was typed at a console.
    pub fn login(&self, user: &str) -> Call<'_> {
        self.call(["login", user])
    }

    /// Prepares a call of pamtester, by which root authenticates `user` through a PAM service.
    pub fn pamtester(&self, service: &str, user: &str) -> Call<'_> {
        self.pamtester_as(&[], service, user)
    }

    /// Prepares a call of pamtester, by which root authenticates `user` through a PAM service. `items` are options that
    /// set PAM items and variables, such as `-I rhost=192.0.2.1` or `-E SSH_AUTH_INFO_0=...`.
    pub fn pamtester_as(&self, items: &[&str], service: &str, user: &str) -> Call<'_> {
        let call = self.call(["pamtester"]).args(items.iter().copied());
        call.args([service, user, "authenticate"])
    }
}

impl<'m> Ssh<'m> {
    /// Lets the client use the key of the account that logs in.
    pub fn key(self) -> Self {
        let user = self.user.clone();
        self.key_of(&user)
    }

    /// Lets the client use the key of `user`.
    pub fn key_of(mut self, user: &str) -> Self {
        self.options.retain(|option| option != "-oPubkeyAuthentication=no");
        self.options.push("-oIdentitiesOnly=yes".to_owned());
        self.options.push(format!("-oIdentityFile=/root/keys/{user}"));
        self
    }

    /// Adds an option of ssh_config(5), such as `BatchMode=yes`. If an option is added twice, ssh uses the first value.
    pub fn option(mut self, option: &str) -> Self {
        let keyword = |option: &str| option.split('=').next().map(str::to_owned);
        let new = keyword(option);
        self.options.retain(|old| keyword(old.trim_start_matches("-o")) != new);
        self.options.push(format!("-o{option}"));
        self
    }

    /// Runs a command on the server in place of a login shell.
    pub fn command<S: Into<String>>(mut self, argv: impl IntoIterator<Item = S>) -> Self {
        self.command = argv.into_iter().map(Into::into).collect();
        self
    }

    /// Starts the client at a terminal.
    pub fn open(self) -> Session<'m> {
        self.call().open()
    }

    /// Runs the client without a terminal, and waits until it ends.
    #[track_caller]
    pub fn output(self) -> Finished {
        self.call().output()
    }

    /// Returns the command of the client, so that a test can change it.
    pub fn call(self) -> Call<'m> {
        let target = format!("{}@127.0.0.1", self.user);
        let call = self.machine.call(["ssh"]).args(self.options);
        call.args([target]).args(self.command)
    }

    /// Prepares a call of `scp` or `sftp` (`program`) with the options of this client, followed by `args`.
    pub fn relative(self, program: &str, args: &[&str]) -> Call<'m> {
        let call = self.machine.call([program]).args(self.options);
        call.args(args.iter().copied())
    }

    /// Prepares a call of `rsync` that connects through this client. `args` are its arguments.
    pub fn rsync(self, args: &[&str]) -> Call<'m> {
        let shell = format!("ssh {}", self.options.join(" "));
        let call = self.machine.call(["rsync", "-e", &shell]);
        call.args(args.iter().copied())
    }
}
