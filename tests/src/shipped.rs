//! Servers with the configuration that the repository ships, and users who can log in to them.

use crate::artefacts::shipped;
use crate::codes::Otp;
use crate::machine::Machine;
use crate::session::Session;

/// Password of each user that [`Machine::person`] creates.
pub const PASSWORD: &str = "correct horse battery";

/// Start of the module's first prompt.
pub const PROMPT: &str = "Verification code";

/// A shipped PAM file for sshd, with the drop-in file for sshd that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// A login needs a public key and a code.
    Publickey,
    /// A login needs a password and a code.
    Password,
    /// A login needs a public key, a password and a code.
    KeyAndPassword,
    /// A login needs a code, and either a public key or a password.
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
    /// All shipped configurations.
    pub const ALL: [Server; 4] =
        [Server::Publickey, Server::Password, Server::KeyAndPassword, Server::Both];

    /// All shipped configurations, each with every first factor that it accepts.
    pub const WAYS: [(Server, First); 5] = [
        (Server::Publickey, First::Key),
        (Server::Password, First::Password),
        (Server::KeyAndPassword, First::KeyThenPassword),
        (Server::Both, First::Key),
        (Server::Both, First::Password),
    ];

    /// Returns the path of the PAM file below the repository's folder `config`.
    pub fn pam(self) -> &'static str {
        match self {
            Server::Publickey => "pam.d/sshd-publickey",
            Server::Password | Server::KeyAndPassword => "pam.d/sshd-password",
            Server::Both => "pam.d/sshd-both",
        }
    }

    /// Returns the file name of the drop-in file for sshd.
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
    /// Creates an account with a password and an ssh key, and enrolls it with a TOTP key of its own.
    pub fn person(&self, name: &str) -> &Self {
        let key: String = name.to_uppercase().chars().cycle().take(32).collect();
        if name != "root" {
            self.user(name);
        }
        self.password(name, PASSWORD).key(name).enrolled_with(name, &Otp::new(&key))
    }

    /// Installs twinlock and the shipped configuration `server`, and starts sshd.
    pub fn server(&self, server: Server) -> &Self {
        self.pam("sshd", &shipped(server.pam())).drop_in(server.drop_in()).sshd("")
    }

    /// Installs the PAM file of a service that the repository ships.
    pub fn shipped_pam(&self, service: &str) -> &Self {
        self.pam(service, &shipped(&format!("pam.d/{service}")))
    }

    /// Adds a PAM service whose first factor always succeeds, so that a test needs only the code.
    pub fn proven(&self, service: &str) -> &Self {
        let first = "auth required pam_permit.so\n";
        let code = "auth requisite pam_twinlock.so first_factor=stack\n";
        let rest = "account required pam_permit.so\nsession required pam_permit.so\n";
        self.pam(service, &format!("{first}{code}{rest}"))
    }

    /// Creates an account without a password, and enrolls it.
    pub fn app_only(&self, name: &str) -> &Self {
        let key = name.bytes().cycle().map(|byte| char::from(b'A' + byte % 26));
        self.user(name).enrolled_with(name, &Otp::new(&key.take(32).collect::<String>()))
    }

    /// Begins an ssh login with a correct first factor, and waits for the prompt for the code.
    #[track_caller]
    pub fn at_the_prompt(&self, user: &str, first: First) -> Session<'_> {
        let mut session = self.past_the_first_factor(user, first);
        session.expect(PROMPT);
        session
    }

    /// Begins an ssh login, gives the correct first factor, and returns without waiting for a further prompt.
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

    /// Returns a listing of the files that logins change, the ledger and the records: type, mode, owner, time of change
    /// and hash of each. If two listings are equal, nothing was written in between.
    pub fn state(&self) -> String {
        format!("{}\n{}", self.tree("/run/twinlock"), self.tree("/var/lib/twinlock"))
    }

    /// Returns the number of attempts that the ledger counts against the limits of `user`.
    pub fn tries(&self, user: &str) -> usize {
        let name = format!("/run/twinlock/users/{user}/try.");
        self.tree("/run/twinlock").matches(&name).count()
    }
}
