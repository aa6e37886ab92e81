//! Servers wired as the repository ships them, and people who may log in there.

use crate::artefacts::shipped;
use crate::codes::Otp;
use crate::machine::Machine;
use crate::session::Session;

/// The password of everybody whom [`Machine::person`] makes.
pub const PASSWORD: &str = "correct horse battery";

/// How the module's first prompt begins.
pub const PROMPT: &str = "Verification code";

/// One of the shipped pairs of a PAM stack and a drop-in for sshd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Public key and code.
    Publickey,
    /// Password and code.
    Password,
    /// Public key, password and code.
    KeyAndPassword,
    /// Public key and code, or password and code.
    Both,
}

/// What stands before the code at one login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// A public key.
    Key,
    /// A password.
    Password,
    /// The one, then the other.
    KeyThenPassword,
}

impl Server {
    /// Every shipped server.
    pub const ALL: [Server; 4] =
        [Server::Publickey, Server::Password, Server::KeyAndPassword, Server::Both];

    /// Every shipped server with each first factor that it takes.
    pub const WAYS: [(Server, First); 5] = [
        (Server::Publickey, First::Key),
        (Server::Password, First::Password),
        (Server::KeyAndPassword, First::KeyThenPassword),
        (Server::Both, First::Key),
        (Server::Both, First::Password),
    ];

    /// The stack's file.
    pub fn pam(self) -> &'static str {
        match self {
            Server::Publickey => "pam.d/sshd-publickey",
            Server::Password | Server::KeyAndPassword => "pam.d/sshd-password",
            Server::Both => "pam.d/sshd-both",
        }
    }

    /// The drop-in's name.
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
    /// An enrolled account with a password, a key and a TOTP key of its own.
    pub fn person(&self, name: &str) -> &Self {
        let key: String = name.to_uppercase().chars().cycle().take(32).collect();
        if name != "root" {
            self.user(name);
        }
        self.password(name, PASSWORD).key(name).enrolled_with(name, &Otp::new(&key))
    }

    /// twinlock, and sshd wired as shipped.
    pub fn server(&self, server: Server) -> &Self {
        self.pam("sshd", &shipped(server.pam())).drop_in(server.drop_in()).sshd("")
    }

    /// The service's stack as shipped.
    pub fn shipped_pam(&self, service: &str) -> &Self {
        self.pam(service, &shipped(&format!("pam.d/{service}")))
    }

    /// A service in which everybody stands behind a first factor, for what is not about that.
    pub fn proven(&self, service: &str) -> &Self {
        let first = "auth required pam_permit.so\n";
        let code = "auth requisite pam_twinlock.so first_factor=stack\n";
        let rest = "account required pam_permit.so\nsession required pam_permit.so\n";
        self.pam(service, &format!("{first}{code}{rest}"))
    }

    /// An enrolled account without a password.
    pub fn app_only(&self, name: &str) -> &Self {
        let key = name.bytes().cycle().map(|byte| char::from(b'A' + byte % 26));
        self.user(name).enrolled_with(name, &Otp::new(&key.take(32).collect::<String>()))
    }

    /// ssh with a first factor that is right, up to the code's prompt.
    #[track_caller]
    pub fn at_the_prompt(&self, user: &str, first: First) -> Session<'_> {
        let mut session = self.past_the_first_factor(user, first);
        session.expect(PROMPT);
        session
    }

    /// ssh with a first factor that is right, and nothing expected after it.
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

    /// All that logins write: the ledger and the records.
    pub fn state(&self) -> String {
        format!("{}\n{}", self.tree("/run/twinlock"), self.tree("/var/lib/twinlock"))
    }

    /// How many tries are charged to `user`.
    pub fn tries(&self, user: &str) -> usize {
        let name = format!("/run/twinlock/users/{user}/try.");
        self.tree("/run/twinlock").matches(&name).count()
    }
}
