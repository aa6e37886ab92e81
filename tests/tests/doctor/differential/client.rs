//! A client of ssh: the ways in which it can try to log in, and one connection.

use std::fs;

use twinlock_tests::Machine;

use super::people::Person;
use super::room::Has;
use super::wiring::{From, Wiring};

/// How a client tries to log in.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    /// Methods of sshd that the client prefers, as the value of its option PreferredAuthentications.
    methods: &'static str,
    /// Answer to the prompt of sshd's password method.
    text: &'a str,
    /// Index, from 0, of the code that answers the first prompt for a code.
    first: u32,
}

const fn way<'a>(methods: &'static str, text: &'a str) -> Way<'a> {
    Way { methods, text, first: 0 }
}

/// Returns the ways in which a client can try to log in. `texts` are the answers that it can give to the password
/// method.
pub(super) fn ways<'a>(wiring: &Wiring, texts: &[&'a str; 4]) -> Vec<Way<'a>> {
    let settings = wiring.all_sshd();
    let prompts = settings.contains("KbdInteractiveAuthentication yes");
    let password = !settings.contains("PasswordAuthentication no")
        || settings.contains("PasswordAuthentication yes");
    let list = |line: &&str| line.contains("AuthenticationMethods");
    let mixed = settings
        .lines()
        .filter(list)
        .flat_map(str::split_whitespace)
        .any(|way| way.contains("password") && way.contains("keyboard-interactive"));
    let one_field = wiring.auth.iter().any(|line| line.contains("_pass"));
    let texts = if one_field { &texts[..] } else { &texts[..2] };
    let mut all = vec![];
    if prompts {
        all.push(way("publickey,keyboard-interactive", texts[0]));
    }
    if password {
        all.extend(texts.iter().take(3).map(|text| way("publickey,password", text)));
    }
    if mixed {
        let both = |text: &&'a str| way("publickey,password,keyboard-interactive", text);
        all.extend(texts.iter().map(both));
        // The password method has taken the first code.
        all.extend(texts.iter().skip(2).map(|text| Way { first: 1, ..both(text) }));
    }
    if all.is_empty() {
        all.push(way("publickey", texts[0]));
    }
    all
}

/// One attempt of a client to log in by ssh: as which person, from where, with which factors, and with which methods of
/// sshd.
pub(super) struct Client<'a> {
    pub(super) person: &'a Person,
    pub(super) from: From,
    pub(super) has: Has,
    pub(super) way: Way<'a>,
}

impl Client<'_> {
    /// Returns whether sshd lets the client in, even if the shell ends the session at once.
    pub(super) fn connects(&self, m: &Machine, password: &str, codes: &[String; 3]) -> bool {
        let _ = fs::remove_file(m.outside("/tmp/answered"));
        let ssh = m.ssh(self.person.name);
        let ssh = ssh.key_of(if self.has.key { self.person.name } else { "stranger" });
        let ssh = ssh
            .option(&format!("PreferredAuthentications={}", self.way.methods))
            .option(&format!("HostName={}", self.from.server()))
            .option(&format!("BindAddress={}", self.from.address))
            .option(&format!("Port={}", self.from.port))
            .option("StrictHostKeyChecking=no")
            .option("KexAlgorithms=curve25519-sha256")
            .option("UserKnownHostsFile=/dev/null")
            .option("ConnectTimeout=30");
        let call = ssh.command(["true"]).call();
        let call = call.env("SSH_ASKPASS", "/usr/local/bin/answer");
        let call = call.env("SSH_ASKPASS_REQUIRE", "force");
        let call = call.env("PASSWORD", password).env("TEXT", self.way.text);
        let call = call.env("FIRST", &self.way.first.to_string());
        let end = call.env("CODES", &codes.join(" ")).output();
        end.code != Some(255)
    }
}
