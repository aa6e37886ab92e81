//! Servers with the configuration that the repository ships, and users who can log in to them.

use crate::artefacts::shipped;
use crate::codes::Otp;
use crate::machine::Machine;
use crate::session::Session;

/// The password of every user that [`Machine::person`] creates.
pub const PASSWORD: &str = "correct horse battery";

/// The beginning of the module's first prompt.
pub const PROMPT: &str = "Verification code";

/// A shipped PAM stack with the drop-in for sshd that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// The server requires a public key and a code.
    Publickey,
    /// The server requires a password and a code.
    Password,
    /// The server requires a public key, a password and a code.
    KeyAndPassword,
    /// The server requires a public key or a password, and a code.
    Both,
}

/// The first factor of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// A public key.
    Key,
    /// A password.
    Password,
    /// A public key, then a password.
    KeyThenPassword,
}

impl Server {
    /// Every shipped server.
    pub const ALL: [Server; 4] =
        [Server::Publickey, Server::Password, Server::KeyAndPassword, Server::Both];

    /// Every shipped server with each first factor that it accepts.
    pub const WAYS: [(Server, First); 5] = [
        (Server::Publickey, First::Key),
        (Server::Password, First::Password),
        (Server::KeyAndPassword, First::KeyThenPassword),
        (Server::Both, First::Key),
        (Server::Both, First::Password),
    ];

    /// Returns the path of the PAM stack below the folder `config`.
    pub fn pam(self) -> &'static str {
        match self {
            Server::Publickey => "pam.d/sshd-publickey",
            Server::Password | Server::KeyAndPassword => "pam.d/sshd-password",
            Server::Both => "pam.d/sshd-both",
        }
    }

    /// Returns the file name of the drop-in.
    pub fn drop_in(self) -> &'static str {
        match self {
            Server::Publickey => "10-twinlock-publickey.conf",
            Server::Password => "10-twinlock-password.conf",
            Server::KeyAndPassword => "10-twinlock-key-and-password.conf",
            Server::Both => "10-twinlock-both.conf",
        }
    }
}

impl Machine {
    /// Creates an enrolled account with a password, an ssh key and a TOTP key of its own.
    pub fn person(&self, name: &str) -> &Self {
        let key: String = name.to_uppercase().chars().cycle().take(32).collect();
        if name != "root" {
            self.user(name);
        }
        self.password(name, PASSWORD).key(name).enrolled_with(name, &Otp::new(&key))
    }

    /// Installs twinlock, and starts sshd with the configuration of `server`.
    pub fn server(&self, server: Server) -> &Self {
        self.pam("sshd", &shipped(server.pam())).drop_in(server.drop_in()).sshd("")
    }

    /// Installs the PAM stack of a service as the repository ships it.
    pub fn shipped_pam(&self, service: &str) -> &Self {
        self.pam(service, &shipped(&format!("pam.d/{service}")))
    }

    /// Adds a PAM service whose first factor always succeeds, for tests of the code alone.
    pub fn proven(&self, service: &str) -> &Self {
        let first = "auth required pam_permit.so\n";
        let code = "auth requisite pam_twinlock.so first_factor=stack\n";
        let rest = "account required pam_permit.so\nsession required pam_permit.so\n";
        self.pam(service, &format!("{first}{code}{rest}"))
    }

    /// Creates an enrolled account without a password.
    pub fn app_only(&self, name: &str) -> &Self {
        let key = name.bytes().cycle().map(|byte| char::from(b'A' + byte % 26));
        self.user(name).enrolled_with(name, &Otp::new(&key.take(32).collect::<String>()))
    }

    /// Logs in by ssh with a correct first factor, up to the prompt for the code.
    #[track_caller]
    pub fn at_the_prompt(&self, user: &str, first: First) -> Session<'_> {
        let mut session = self.past_the_first_factor(user, first);
        session.expect(PROMPT);
        session
    }

    /// Logs in by ssh with a correct first factor, without expecting a prompt.
    #[track_caller]
    pub fn past_the_first_factor(&self, user: &str, first: First) -> Session<'_> {
        match first {
            First::Key => self.ssh(user).key().open(),
            First::Password => {
                let mut session = self.ssh(user).open();
                session.expect("Password: ").send_line(PASSWORD);
                session
            }
            First::KeyThenPassword => {
                let mut session = self.ssh(user).key().open();
                session.expect("Password: ").send_line(PASSWORD);
                session
            }
        }
    }

    /// Returns a listing of all that logins write: the ledger and the records.
    pub fn state(&self) -> String {
        format!("{}\n{}", self.tree("/run/twinlock"), self.tree("/var/lib/twinlock"))
    }

    /// Counts the attempts charged to `user`.
    pub fn tries(&self, user: &str) -> usize {
        let name = format!("/run/twinlock/users/{user}/try.");
        self.tree("/run/twinlock").matches(&name).count()
    }
}
