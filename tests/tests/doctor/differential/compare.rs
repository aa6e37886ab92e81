//! Compares doctor's verdict on a wiring (the files that decide the logins of a host) with real logins. Also says which
//! findings of doctor no login of these tests can show to be true.

use serde_json::Value;

use super::lines::CONDITIONS;
use super::people::{Enrolled, PEOPLE, Person};
use super::room::{Has, State, Trial, Tried};
use super::wiring::{From, Wiring};

/// What the real logins with a generated configuration show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Real {
    /// A user gets in without a code, or with only a code.
    pub(super) open: bool,
    /// Enrolled users do not get in, whatever they have.
    pub(super) shut: bool,
}

impl Real {
    /// Returns the word under which the test counts a configuration with this result: `open`, `locked_out` or `closed`.
    pub(super) fn word(self) -> &'static str {
        match (self.open, self.shut) {
            (true, _) => "open",
            (false, true) => "locked_out",
            (false, false) => "closed",
        }
    }
}

/// Returns what the real logins with a configuration show.
pub(super) fn real(wiring: &Wiring, trials: &[Trial]) -> Real {
    let out = left_out(trials, Enrolled::Yes);
    let enrolled = trials.iter().filter(|one| one.person.enrolled == Enrolled::Yes);
    // A line that refuses some accounts or connections on purpose counts as a lock-out only if all are refused.
    let shut = match wiring.restricts() {
        true => !enrolled.clone().any(|one| one.gets_in),
        false => !out.is_empty(),
    };
    Real { open: is_open(trials), shut }
}

/// Returns whether a user got in without a code, or without a first factor.
pub(super) fn is_open(trials: &[Trial]) -> bool {
    trials.iter().any(|one| one.gets_in && lacks(one.has))
}

fn lacks(has: Has) -> bool {
    !has.code || !has.key && !has.password
}

/// Returns each user with each connection over which no login of the user succeeds. Leaves out emi, who has no password
/// and may therefore lack what a stack requires.
fn left_out(trials: &[Trial], enrolled: Enrolled) -> Vec<(Person, From)> {
    let mut all: Vec<(Person, From)> = Vec::new();
    for one in trials.iter().filter(|one| one.person.enrolled == enrolled) {
        let end = (one.person, one.from);
        if one.person.name != "emi" && !all.contains(&end) {
            all.push(end);
        }
    }
    let gets_in = |(person, from): &(Person, From)| {
        trials.iter().any(|one| one.gets_in && one.person == *person && one.from == *from)
    };
    all.retain(|end| !gets_in(end));
    all
}

/// Returns why doctor's verdict contradicts the logins; `None` if it does not. `again` repeats the logins while the
/// host is in another state.
pub(super) fn contradiction(
    wiring: &Wiring,
    tried: &Tried,
    again: &dyn Fn(State) -> Vec<Trial>,
) -> Option<String> {
    let real = real(wiring, &tried.trials);
    let status = tried.report["status"].as_str().unwrap_or("none");
    let open = ["open", "open_and_locked_out"].contains(&status);
    let shut = ["locked_out", "open_and_locked_out"].contains(&status);
    if status == "cannot_be_judged" {
        return None;
    }
    if real.open && !open {
        return Some("a user gets in without a code or without a first factor".to_owned());
    }
    // Three codes in one login are too many for the client of the trials; a person waits for each period.
    if real.shut && !shut && !real.open && wiring.asks() < 3 {
        return Some("enrolled users are locked out".to_owned());
    }
    // If sshd cannot be restarted, it keeps its old settings, but doctor judges the stack for every client: the logins
    // prove nothing.
    if open && !real.open && tried.not_started.is_none() {
        let claims = claims(&tried.report, "way-in");
        let shown =
            claims.iter().filter_map(|claim| state_of(claim)).any(|state| is_open(&again(state)));
        let unshown = claims.iter().find(|claim| !cannot_be_shown(claim, wiring, tried));
        if let Some(claim) = unshown.filter(|_| !shown) {
            return Some(format!("nobody gets in by {}: {}", claim.id, claim.what));
        }
    }
    if shut && left_out(&tried.trials, Enrolled::Yes).is_empty() {
        let exempt =
            claims(&tried.report, "lock-out").iter().any(|one| one.id == "exempt-shut-out");
        // These modules refuse only accounts or clients that no trial has. The next line would lock them out.
        let elsewhere = wiring.auth.iter().any(|line| {
            ["pam_localuser", "pam_echo", "pam_faillock", "pam_lastlog"]
                .iter()
                .any(|one| line.contains(one))
        });
        let shown = exempt && !left_out(&tried.trials, Enrolled::No).is_empty();
        if !shown && !elsewhere {
            return Some("nobody is locked out".to_owned());
        }
    }
    None
}

/// A finding that decides the verdict.
struct Claim<'a> {
    id: &'a str,
    what: &'a str,
}

fn claims<'a>(report: &'a Value, level: &str) -> Vec<Claim<'a>> {
    let findings = report["findings"].as_array().into_iter().flatten();
    let of = findings.filter(|one| one["level"] == level);
    of.map(|one| Claim {
        id: one["id"].as_str().unwrap_or_default(),
        what: one["what"].as_str().unwrap_or_default(),
    })
    .collect()
}

/// Returns the unusual state of the host in which a login can show whether a finding of doctor is true; `None` if the
/// usual state is enough.
fn state_of(claim: &Claim<'_>) -> Option<State> {
    if claim.what.contains("returns service_err") {
        Some(State::SettingsGone)
    } else if claim.what.contains("returns authinfo_unavail") {
        Some(State::LedgerFixed)
    } else if claim.what.contains("`pam_nologin.so") {
        Some(State::Closed)
    } else if ["rule-reminds", "not-enrolled-allowed"].contains(&claim.id) {
        Some(State::NobodyEnrolled)
    } else {
        None
    }
}

/// Parts of doctor's findings by which a test recognizes findings that no login of these tests can show to be true.
/// They need a Kerberos realm, a panic of the module, a client that breaks off a conversation, an account from a source
/// other than the files, or an account that was locked or has expired.
const NOT_HERE: [&str; 6] = [
    "returns conv_err",
    "returns abort",
    "`pam_localuser",
    "`pam_echo",
    "`pam_faillock",
    "`pam_lastlog",
];

/// Reports whether no login of these tests can show that a finding of doctor is true. Either the finding contains one
/// of [`NOT_HERE`], or it names conditions that hold for no account and connection at the same time.
fn cannot_be_shown(claim: &Claim<'_>, wiring: &Wiring, tried: &Tried) -> bool {
    if claim.id == "kerberos-alone" || NOT_HERE.iter().any(|one| claim.what.contains(one)) {
        return true;
    }
    // The claim is that the module accepts an attacker's right code as the user's, before a first factor is proven.
    if claim.id == "stack-after-failure" {
        return tried.granted_to_nobody;
    }
    let named = named(claim.what);
    let fits = |person: &Person, from: From| {
        named.iter().all(|(condition, code)| {
            let holds = condition.holds.holds(person, from.address);
            holds == (*code == "success") && (holds || *code == condition.otherwise)
        })
    };
    let ends: Vec<From> = wiring.froms();
    !named.is_empty() && !PEOPLE.iter().any(|person| ends.iter().any(|from| fits(person, *from)))
}

/// Returns the conditions that occur in the text of a finding, each with the return code that the finding requires.
fn named(what: &str) -> Vec<(&'static super::lines::Condition, &str)> {
    let mut found = Vec::new();
    for condition in &CONDITIONS {
        let Some((_, after)) = what.split_once(&format!("`{}` ", condition.text)) else { continue };
        let code = match after.strip_prefix("returns ") {
            Some(code) => code.split([' ', ':', ',', '.']).next().unwrap_or_default(),
            None => "success",
        };
        found.push((condition, code));
    }
    found
}
