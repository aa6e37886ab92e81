//! Runs real logins in a private machine, with one wiring (generated configuration of PAM and sshd) after another.

use std::cell::RefCell;
use std::fs;

use serde_json::Value;
use twinlock_tests::{Machine, Otp, now};

use super::client::{Client, ways};
use super::people::{
    AFAR, APP, Enrolled, GROUPS, INSIDE, OVER_6, PASSWORD, PEOPLE, Person, members,
};
use super::wiring::{From, INCLUDED, OTHER_SETTINGS, SECOND_FILE, USUAL, Wiring};

/// Script that answers each prompt: with the password, with the next code, or with both if the prompt asks for both.
const ANSWER: &str = r#"#!/bin/sh
case "$1" in
*"assword & "*) what=both ;;
*"'s password: "*) what=text ;;
*assword*) what=password ;;
*) what=code ;;
esac
case $what in
password) echo "$PASSWORD"; exit ;;
text) echo "$TEXT"; exit ;;
esac
count=$(cat /tmp/answered 2>/dev/null || echo $FIRST)
echo $((count + 1)) >/tmp/answered
set -- $CODES
shift $((count < $# ? count : $#))
[ $what = both ] && echo "$PASSWORD$1" || echo "$1"
"#;

const COMMON_AUTH: &str = "auth [success=1 default=ignore] pam_unix.so nullok nodelay\nauth requisite pam_deny.so\nauth required pam_permit.so\n";
/// Text of the PAM file password-auth, with password lines as in Red Hat's file of this name.
const PASSWORD_AUTH: &str = "auth required pam_env.so\nauth sufficient pam_unix.so nullok nodelay\nauth required pam_deny.so\n";
const REST: &str = "@include common-account\n@include common-session\n";
const ALL: &str = "LoginGraceTime 300\nPermitRootLogin no\nListenAddress ::1\n";
/// Number of log lines in the message about a wrong verdict.
const LOG_LINES: usize = 300;
const SECOND: &str = "/run/second.pid";

/// Users who also log in from other addresses and to other ports.
const ELSEWHERE: [&str; 3] = ["ada", "dan", "eve"];

/// The factors that a user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Has {
    pub(super) key: bool,
    pub(super) password: bool,
    pub(super) code: bool,
}

/// The logins that every enrolled user tries: whether key, password and code are given in each.
const OTHERS: [[bool; 3]; 4] =
    [[true, true, false], [false, false, true], [false, true, true], [true, true, true]];

/// An unusual state of the host during a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// /etc/nologin exists.
    Closed,
    /// The settings cannot be read: the module returns service_err.
    SettingsGone,
    /// The ledger cannot be written: the module returns authinfo_unavail.
    LedgerFixed,
    /// No account is enrolled.
    NobodyEnrolled,
}

/// One login and its result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial {
    pub(super) person: Person,
    pub(super) from: From,
    pub(super) has: Has,
    pub(super) gets_in: bool,
}

/// Doctor's report on one wiring (the files that decide the logins of a host), and the real logins that were tried with
/// that wiring.
pub(super) struct Tried {
    pub(super) report: Value,
    pub(super) trials: Vec<Trial>,
    /// Why sshd did not start; `None` if it did.
    pub(super) not_started: Option<String>,
    /// Whether the module granted a login to a client with a right code and neither key nor password.
    pub(super) granted_to_nobody: bool,
    /// The last lines of the machine's log.
    pub(super) log: Vec<String>,
}

/// The private machine in which the logins are tried, with its accounts.
pub(super) struct Room {
    m: Machine,
    mixtures: Vec<Has>,
    /// The present time step, with the codes that one login in this step types at its prompts: first the code of this
    /// step, then twice that of the next step. `None` before the first login.
    codes: RefCell<Option<(u64, [String; 3])>>,
}

impl Room {
    /// Creates the machine, with its accounts and groups.
    pub(super) fn new() -> Self {
        let m = Machine::new();
        m.twinlock();
        for person in &PEOPLE {
            m.user_with_uid(person.name, person.uid).key(person.name);
            if person.name != "emi" {
                m.password(person.name, PASSWORD);
            }
            if person.enrolled == Enrolled::Yes {
                m.enrolled(person.name, APP);
            }
        }
        m.user("stranger").key("stranger");
        groups(&m);
        m.pam("common-auth", COMMON_AUTH);
        m.pam("password-auth", PASSWORD_AUTH);
        m.file("/usr/local/bin/answer").write(ANSWER).mode(0o755);
        m.run(["ip", "address", "add", &format!("{INSIDE}/32"), "dev", "lo"]).ok();
        m.run(["ip", "address", "add", &format!("{AFAR}/32"), "dev", "lo"]).ok();
        m.run(["ip", "address", "add", &format!("{OVER_6}/128"), "dev", "lo", "nodad"]).ok();
        m.run(["cp", "-a", "/var/lib/twinlock", "/var/lib/twinlock.new"]).ok();
        m.run(["cp", "-a", "/etc/shadow", "/etc/shadow.new"]).ok();
        let bits = [false, true];
        let mixtures = bits.iter().flat_map(|key| {
            bits.iter().flat_map(move |password| {
                bits.map(|code| Has { key: *key, password: *password, code })
            })
        });
        Self { m, mixtures: mixtures.collect(), codes: RefCell::new(None) }
    }

    /// Writes the files of the wiring, runs doctor, and tries the logins. Returns doctor's report and the results.
    pub(super) fn tried(&self, wiring: &Wiring) -> Tried {
        self.reset(wiring);
        let not_started = self.start(wiring);
        let said = self.m.run(["twinlock", "doctor", "ssh", "--json"]);
        let report = serde_json::from_str(&said.stdout)
            .unwrap_or_else(|error| panic!("{wiring}\n{error}: {said:#?}"));
        let mut trials = Vec::new();
        for from in wiring.froms() {
            for person in
                people(wiring).filter(|one| from == USUAL || ELSEWHERE.contains(&one.name))
            {
                for has in self.mixtures_of(&person, from) {
                    let gets_in = not_started.is_none() && self.login(wiring, &person, from, has);
                    trials.push(Trial { person, from, has, gets_in });
                }
            }
        }
        let granted_to_nobody = not_started.is_none() && self.grants_nobody(wiring);
        let log = self.m.log().into_iter().rev().take(LOG_LINES).rev().collect();
        Tried { report, trials, not_started, granted_to_nobody, log }
    }

    /// Reports whether the module accepts a login with the code alone, even if the rest of the stack refuses it.
    fn grants_nobody(&self, wiring: &Wiring) -> bool {
        if !wiring.auth.iter().any(|line| line.contains("first_factor=stack")) {
            return false;
        }
        let granted = || self.m.logged("event=accepted").len();
        let before = granted();
        let code_alone = Has { key: false, password: false, code: true };
        // A Match block may shut out some of them.
        people(wiring).filter(|one| one.enrolled == Enrolled::Yes).any(|person| {
            self.login(wiring, &person, USUAL, code_alone);
            granted() > before
        })
    }

    /// Tries the logins of all users while the host is in the state `state`.
    pub(super) fn tried_in(&self, wiring: &Wiring, state: State) -> Vec<Trial> {
        let (set, undo) = match state {
            State::Closed => ("echo closed >/etc/nologin", "rm /etc/nologin"),
            State::SettingsGone => (
                "cp -a /etc/twinlock /tmp/kept; rm -f /etc/twinlock/settings.good; echo [ >/etc/twinlock/twinlock.toml",
                "rm -r /etc/twinlock; mv /tmp/kept /etc/twinlock",
            ),
            State::LedgerFixed => {
                ("mount -o remount,ro /run/twinlock", "mount -o remount,rw /run/twinlock")
            }
            State::NobodyEnrolled => (
                "for user in ada bob cyd dan emi; do twinlock remove $user --yes; done",
                "rm -r /var/lib/twinlock; cp -a /var/lib/twinlock.new /var/lib/twinlock",
            ),
        };
        self.clear();
        self.m.run(["sh", "-c", set]).ok();
        let mut trials = Vec::new();
        for person in people(wiring) {
            let person = match state {
                State::NobodyEnrolled => Person { enrolled: Enrolled::No, ..person },
                State::Closed | State::SettingsGone | State::LedgerFixed => person,
            };
            for has in self.mixtures_of(&person, USUAL) {
                let gets_in = self.login_uncleared(wiring, &person, USUAL, has);
                trials.push(Trial { person, from: USUAL, has, gets_in });
            }
        }
        self.m.run(["sh", "-c", undo]).ok();
        trials
    }

    /// Returns the combinations of key, password and code to try. ada and eve try all of them over the usual
    /// connection. Other people, and other connections, try only four: one without a code, one with nothing but a code,
    /// and two with a code and a password. These suffice to show how the logins differ. An account that is not enrolled
    /// has no code, and tries only combinations without one.
    fn mixtures_of(&self, person: &Person, from: From) -> Vec<Has> {
        let mut all = self.mixtures.clone();
        let every = from == USUAL && ["ada", "eve"].contains(&person.name);
        match person.enrolled {
            Enrolled::No => all.retain(|has| !has.code && (every || has.key == has.password)),
            Enrolled::Yes => {
                all.retain(|has| every || OTHERS.contains(&[has.key, has.password, has.code]))
            }
        }
        all
    }

    fn reset(&self, wiring: &Wiring) {
        let undo = "rm -rf /var/lib/twinlock /run/faillock; cp -a /var/lib/twinlock.new /var/lib/twinlock; \
                    cp -a /etc/shadow.new /etc/shadow; rm -f /etc/default/ssh; mkdir -p /etc/default";
        self.m.run(["sh", "-c", undo]).ok();
        if wiring.empty_password {
            self.m.run(["passwd", "-d", "emi"]).ok();
        }
        self.m.settings(&wiring.settings);
        for (path, text) in [
            (OTHER_SETTINGS, &wiring.other_settings),
            (SECOND_FILE, &wiring.second_file),
            (INCLUDED, &wiring.included),
        ] {
            self.m.file(path).write(text);
        }
        self.m.pam("sshd", &format!("{}\n{REST}", wiring.auth.join("\n")));
        if !wiring.options.is_empty() {
            let line = format!("SSHD_OPTS=\"{}\"\n", wiring.options.join(" "));
            self.m.file("/etc/default/ssh").write(line);
        }
        self.clear();
    }

    /// Starts sshd. Returns the reason if it does not start; `None` if it does.
    fn start(&self, wiring: &Wiring) -> Option<String> {
        if self.m.file(SECOND).exists() {
            self.m.run(["sh", "-c", &format!("kill $(cat {SECOND}); rm -f {SECOND}")]).ok();
        }
        let settings = format!("{ALL}{}", wiring.sshd);
        if let Err(said) = self.m.try_sshd(&settings, &wiring.options) {
            return Some(said);
        }
        if !wiring.second.is_empty() {
            let words = ["/usr/sbin/sshd", "-p", "2222", "-o", "PidFile=/run/second.pid"];
            // It does not start with settings that sshd refuses, as with a method that is off.
            self.m.run(words.into_iter().chain(wiring.second.iter().copied()));
        }
        None
    }

    /// Clears used codes, counted attempts, and the wrong passwords that pam_faillock has counted.
    fn clear(&self) {
        let ledger = self.m.outside("/run/twinlock");
        for entry in fs::read_dir(ledger).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let _ = fs::remove_dir_all(self.m.outside("/run/faillock"));
    }

    fn login(&self, wiring: &Wiring, person: &Person, from: From, has: Has) -> bool {
        self.clear();
        self.login_uncleared(wiring, person, from, has)
    }

    /// Tries each way in which a client can present the factors that the user has.
    fn login_uncleared(&self, wiring: &Wiring, person: &Person, from: From, has: Has) -> bool {
        let right = self.right_codes();
        let codes = match (person.enrolled, has.code) {
            // With an empty answer, an account that is not enrolled goes on without set-up.
            (Enrolled::No, _) => [const { String::new() }; 3],
            (Enrolled::Yes, true) => right,
            (Enrolled::Yes, false) => [0, 1, 2].map(|number| wrong(&right[0], number)),
        };
        let password = if has.password { PASSWORD } else { "wrong" };
        let both = format!("{password}{}", codes[0]);
        // After prompts that took the first code, the password method needs a later one.
        let later = format!("{password}{}", codes[1]);
        for way in ways(wiring, &[password, &codes[0], &both, &later]) {
            let client = Client { person, from, has, way };
            if client.connects(&self.m, password, &codes) {
                return true;
            }
            self.clear();
        }
        false
    }
}

impl Room {
    /// Returns the codes for the prompts of one login: the current code for the first prompt, and the next code for
    /// the others, where the current code would be refused as used.
    fn right_codes(&self) -> [String; 3] {
        let step = now() / 30;
        let mut known = self.codes.borrow_mut();
        match known.as_ref().filter(|(of, _)| *of == step) {
            Some((_, codes)) => codes.clone(),
            None => {
                let app = Otp::new(APP);
                let codes = [step, step + 1, step + 1].map(|step| app.at(step * 30));
                *known = Some((step, codes.clone()));
                codes
            }
        }
    }
}

/// Returns a wrong code, computed from the right code `right`. Each `number` gives another wrong code.
fn wrong(right: &str, number: u32) -> String {
    let digits: u32 = right.parse().expect("six digits");
    format!("{:06}", (digits + 314_159 + number * 100_003) % 1_000_000)
}

fn people(wiring: &Wiring) -> impl Iterator<Item = Person> {
    let every = wiring.distinguishes();
    let empty = wiring.empty_password;
    PEOPLE.into_iter().filter(move |one| match one.name {
        "ada" | "eve" => true,
        "emi" => empty,
        _ => every,
    })
}

/// Creates the groups people and crew. The primary group of bob is people and that of eve is crew; all other members
/// are listed in /etc/group. Also writes the file of members and the pam_access file of each group.
fn groups(m: &Machine) {
    for (number, (name, id)) in GROUPS.iter().enumerate() {
        let primary = if number == 0 { "bob" } else { "eve" };
        let listed: Vec<String> = members(number, ",")
            .split(',')
            .filter(|one| *one != primary)
            .map(str::to_owned)
            .collect();
        m.file("/etc/group").append(format!("{name}:x:{id}:{}\n", listed.join(",")));
        m.run(["usermod", "-g", name, primary]).ok();
        m.file(&format!("/etc/ssh/{name}")).write(members(number, "\n") + "\n").mode(0o600);
        let access = format!("-:ALL EXCEPT ({name}):ALL\n");
        m.file(&format!("/etc/security/{name}.conf")).write(access);
    }
    m.run(["usermod", "-s", "/usr/sbin/nologin", "bob"]).ok();
}
