//! A wiring is all that decides the logins of one host: its files, its state, and the connections that logins use.

use std::fmt;

use super::people::{AFAR, HERE, INSIDE, OVER_6};
use super::servers::{DEVICE, PORTS};

/// The files and the state of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wiring {
    /// The seed of the random numbers from which this configuration was composed.
    pub(super) seed: u64,
    /// Drop-in of sshd.
    pub(super) sshd: String,
    /// Auth lines of the service sshd.
    pub(super) auth: Vec<String>,
    /// twinlock.toml.
    pub(super) settings: String,
    /// SSHD_OPTS, with which sshd is started.
    pub(super) options: Vec<&'static str>,
    /// Command line options of a second sshd, which listens on port 2222. If empty, no second sshd is started.
    pub(super) second: Vec<&'static str>,
    /// Text of [`SECOND_FILE`], a configuration file for the second sshd. It has an effect only if the options of the
    /// second sshd name the file.
    pub(super) second_file: String,
    /// Text of the file that a Match block includes.
    pub(super) included: String,
    /// Text of the settings file that a twinlock line names.
    pub(super) other_settings: String,
    /// Whether the account emi is added, with an empty password field.
    pub(super) empty_password: bool,
}

/// The file of the second sshd.
pub(super) const SECOND_FILE: &str = "/etc/ssh/sshd_second";
/// The file that a Match block includes.
pub(super) const INCLUDED: &str = "/etc/ssh/included.conf";
/// The settings file that a twinlock line names.
pub(super) const OTHER_SETTINGS: &str = "/etc/twinlock/other.toml";

/// Where a connection comes from and goes to: the client's address and sshd's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct From {
    pub(super) address: &'static str,
    pub(super) port: u16,
}

/// The usual connection, from the host itself to port 22.
pub(super) const USUAL: From = From { address: HERE, port: 22 };

impl From {
    /// Returns the address of sshd to which the client connects.
    pub(super) fn server(self) -> &'static str {
        if self.address == OVER_6 { "::1" } else { HERE }
    }
}

impl Wiring {
    /// Returns the last twinlock line that asks for a code; `None` if there is none.
    pub(super) fn ours(&mut self) -> Option<&mut String> {
        let number = self.number_of_ours()?;
        self.auth.get_mut(number)
    }

    /// Returns the number of twinlock lines that ask for a code after a first factor.
    pub(super) fn asks(&self) -> usize {
        let ours = self.auth.iter().filter(|line| asks(line) && !line.starts_with('#'));
        ours.count()
    }

    /// Returns the index of the last twinlock line that asks for a code; `None` if there is none.
    pub(super) fn number_of_ours(&self) -> Option<usize> {
        self.auth.iter().rposition(|line| asks(line))
    }

    /// Returns the settings of every sshd, from all files and command lines.
    pub(super) fn all_sshd(&self) -> String {
        let lines = [self.options.join("\n"), self.second.join("\n")];
        [&self.sshd, &lines[0], &lines[1], &self.second_file, &self.included]
            .map(String::as_str)
            .join("\n")
    }

    fn all_settings(&self) -> String {
        format!("{}\n{}", self.settings, self.other_settings)
    }

    /// Returns those connections (client address and port) for which logins may have different results.
    pub(super) fn froms(&self) -> Vec<From> {
        let mut all = vec![USUAL];
        let auth = self.auth.join("\n");
        let by_address =
            self.all_sshd().contains("Address ") || self.all_settings().contains("network");
        if by_address || auth.contains("rhost") {
            all.push(From { address: AFAR, port: 22 });
            all.push(From { address: INSIDE, port: 22 });
            all.push(From { address: OVER_6, port: 22 });
        }
        if self.sshd.contains(PORTS) || self.sshd.contains(DEVICE) || !self.second.is_empty() {
            all.push(From { address: HERE, port: 2222 });
        }
        all
    }

    /// Returns whether logins of different accounts may have different results with these files.
    pub(super) fn distinguishes(&self) -> bool {
        let conditions = [" user ", "uid ", "listfile", "people.conf", "usertype", "shells"];
        let by_line = self.auth.iter().any(|line| conditions.iter().any(|one| line.contains(one)));
        let sshd = self.all_sshd();
        let by_block = ["Match User", "Match Group"].iter().any(|one| sshd.contains(one));
        let settings = self.all_settings();
        let by_rule = ["user =", "group ="].iter().any(|one| settings.contains(one));
        by_line || by_block || by_rule
    }

    /// Reports whether a line refuses some accounts or connections on purpose.
    pub(super) fn restricts(&self) -> bool {
        let conditions = ["succeed_if", "listfile", "access", "usertype", "localuser", "shells"];
        self.auth.iter().any(|line| conditions.iter().any(|one| line.contains(one)))
    }
}

fn asks(line: &str) -> bool {
    line.contains("pam_twinlock") && !line.contains("probe=") && !line.contains("=failed")
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
            (SECOND_FILE, self.second_file.clone()),
            (INCLUDED, self.included.clone()),
            (OTHER_SETTINGS, self.other_settings.clone()),
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
