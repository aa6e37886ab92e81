//! A wiring: the files of one host, the state of the host, and where logins come from.

use std::fmt;

use super::people::{AFAR, HERE, INSIDE, OVER_6};

/// The files and the state of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wiring {
    /// The seed that composes this wiring.
    pub(super) seed: u64,
    /// Drop-in of sshd.
    pub(super) sshd: String,
    /// Auth lines of the service sshd.
    pub(super) auth: Vec<String>,
    /// twinlock.toml.
    pub(super) settings: String,
    /// SSHD_OPTS, with which sshd is started.
    pub(super) options: Vec<&'static str>,
    /// Options of a second sshd, which listens on port 2222.
    pub(super) second: Vec<&'static str>,
    /// Whether emi exists with an empty password field.
    pub(super) empty_password: bool,
}

/// Where a connection comes from and goes to: the client's address and sshd's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct From {
    pub(super) address: &'static str,
    pub(super) port: u16,
}

/// The usual connection.
pub(super) const USUAL: From = From { address: HERE, port: 22 };

impl From {
    /// Returns the address of sshd.
    pub(super) fn server(self) -> &'static str {
        if self.address == OVER_6 { "::1" } else { HERE }
    }
}

impl Wiring {
    /// Returns the connections that the wiring distinguishes.
    pub(super) fn froms(&self) -> Vec<From> {
        let mut all = vec![USUAL];
        let auth = self.auth.join("\n");
        let by_address = self.sshd.contains("Address ") || self.settings.contains("network");
        if by_address || auth.contains("rhost") {
            all.push(From { address: AFAR, port: 22 });
            all.push(From { address: INSIDE, port: 22 });
            all.push(From { address: OVER_6, port: 22 });
        }
        if self.sshd.starts_with("Port 22\n") || !self.second.is_empty() {
            all.push(From { address: HERE, port: 2222 });
        }
        all
    }

    /// Reports whether the wiring distinguishes accounts.
    pub(super) fn distinguishes(&self) -> bool {
        let conditions = [" user ", "uid ", "listfile", "people.conf", "usertype", "shells"];
        let by_line = self.auth.iter().any(|line| conditions.iter().any(|one| line.contains(one)));
        let by_block = ["Match User", "Match Group"].iter().any(|one| self.sshd.contains(one));
        let by_rule = ["user =", "group ="].iter().any(|one| self.settings.contains(one));
        by_line || by_block || by_rule
    }

    /// Reports whether a line refuses some accounts or connections on purpose.
    pub(super) fn restricts(&self) -> bool {
        let conditions = ["succeed_if", "listfile", "access", "usertype", "localuser", "shells"];
        self.auth.iter().any(|line| conditions.iter().any(|one| line.contains(one)))
    }
}

impl fmt::Display for Wiring {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "--- wiring of seed {}", self.seed)?;
        writeln!(out, "--- /etc/ssh/sshd_config.d/20-test.conf\n{}", self.sshd.trim_end())?;
        writeln!(out, "--- /etc/pam.d/sshd")?;
        for line in &self.auth {
            writeln!(out, "{}", line.escape_debug())?;
        }
        for (name, text) in [
            ("/etc/twinlock/twinlock.toml", self.settings.clone()),
            ("SSHD_OPTS in /etc/default/ssh", self.options.join(" ")),
            ("options of a second sshd", self.second.join(" ")),
        ] {
            if !text.is_empty() {
                writeln!(out, "--- {name}\n{}", text.trim_end())?;
            }
        }
        if self.empty_password {
            writeln!(out, "--- the password field of emi is empty")?;
        }
        Ok(())
    }
}
