//! Explains which authentication methods sshd requires for a login before it calls PAM, or without PAM. They are read
//! from the output of `sshd -T -C`.

use std::path::PathBuf;

use serde_json::json;
use twinlock_core::base::request::PublicKey;
use twinlock_doctor::{
    machine::{ExaminedMachine, ProbeError},
    sshd::{
        effective::{Effective, Gate, Way},
        probe::{From, Probe},
    },
};

use crate::commands::explain::{ExplainStep, ExplainedLogin};
use crate::text::plain;

/// What sshd requires for the login.
pub(crate) struct ExplainedDoor {
    /// The explanation of this step.
    pub(crate) step: ExplainStep,
    /// Whether sshd has verified a public key when it calls PAM. Counts as verified only if sshd demands a key in each
    /// combination of methods that calls PAM; otherwise, counts as absent.
    pub(crate) public_key: PublicKey,
    /// Whether every way to log in that calls PAM shows prompts, which a program without a user cannot answer.
    pub(crate) asks: bool,
    /// A sentence that says why the login never reaches PAM; `None` if it reaches PAM.
    pub(crate) beside_pam: Option<&'static str>,
}

/// Asks sshd what it requires for the login. For services other than sshd, the explanation is empty.
pub(crate) fn look(login: &ExplainedLogin<'_>) -> ExplainedDoor {
    let shut = |lines: Vec<String>, object| ExplainedDoor {
        step: ExplainStep { lines, object },
        public_key: PublicKey::Absent,
        asks: false,
        beside_pam: None,
    };
    let is_sshd = login.service == "sshd" || login.service.starts_with("sshd.");
    let (true, Some(address)) = (is_sshd, login.address) else {
        let said = if is_sshd {
            vec![
                "sshd: not checked, because no address was given (such as ada@203.0.113.7)."
                    .to_owned(),
            ]
        } else {
            Vec::new()
        };
        return shut(said, json!(null));
    };
    let from = From {
        addr: address.to_string(),
        host: address.to_string(),
        laddr: if address.is_ipv4() { "127.0.0.1".into() } else { "::1".into() },
        lport: "22".into(),
        rdomain: String::new(),
    };
    let probe = Probe { user: login.account.name.clone(), from, same: Vec::new() };
    match ExaminedMachine::new(PathBuf::from("/"), None).effective(Some(&probe.argument())) {
        Ok(text) => judged(login, &Effective::read(&text)),
        Err(ProbeError::NoProgram) => {
            shut(vec!["sshd: not installed.".into()], json!({ "asked": false }))
        }
        Err(ProbeError::Refused(said) | ProbeError::NotCopied(said)) => {
            let said = plain(said.lines().next().unwrap_or_default());
            let line = format!("sshd: its settings cannot be read ({said}).");
            shut(vec![line], json!({ "asked": false, "said": said }))
        }
    }
}

fn judged(login: &ExplainedLogin<'_>, effective: &Effective) -> ExplainedDoor {
    let mut ways = effective.ways();
    let permit = effective.value("permitrootlogin").unwrap_or("yes");
    if login.account.uid == 0 {
        ways.retain(|way| match permit {
            "yes" => true,
            "no" => false,
            _ => way.gate() == Gate::None,
        });
    }
    let uses_pam = effective.yes("usepam");
    let to_pam = |way: &&Way| uses_pam && way.gate() != Gate::None;
    let (with, without): (Vec<&Way>, Vec<&Way>) = ways.iter().partition(to_pam);
    let lines = lines(login, effective, &with, &without);
    let beside_pam = match (with.is_empty(), without.is_empty()) {
        (true, true) => {
            Some("sshd accepts no authentication method for this user, so no code is asked for")
        }
        (true, false) => Some("no code is asked for: twinlock doctor ssh says what to change"),
        (false, _) => None,
    };
    let key = !with.is_empty() && with.iter().all(|way| way.key_before_pam());
    let words = |ways: &[&Way]| ways.iter().map(ToString::to_string).collect::<Vec<_>>();
    let object = json!({
        "asked": true, "by_pam": words(&with), "without_pam": words(&without),
        "service": effective.service(),
    });
    ExplainedDoor {
        step: ExplainStep { lines, object },
        public_key: if key { PublicKey::Verified } else { PublicKey::Absent },
        asks: !with.is_empty() && with.iter().all(|way| way.gate() == Gate::Prompts),
        beside_pam,
    }
}

/// Returns lines about the ways to log in that call PAM (`with`) and those that do not (`without`).
fn lines(
    login: &ExplainedLogin<'_>,
    effective: &Effective,
    with: &[&Way],
    without: &[&Way],
) -> Vec<String> {
    let mut lines = Vec::new();
    let list =
        |ways: &[&Way]| ways.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    if with.is_empty() && without.is_empty() {
        lines.push("sshd: accepts no authentication method for this user.".into());
    }
    if !with.is_empty() {
        lines.push(format!("sshd: reaches PAM with {}.", list(with)));
    }
    if !without.is_empty() {
        let only = if with.is_empty() { "only " } else { "" };
        lines.push(format!(
            "sshd: {only}{} logs in without PAM: no rule applies, and no code is asked for.",
            list(without)
        ));
    }
    if effective.service() != login.service {
        lines.push(format!(
            "sshd: uses the PAM service {} and not {}: to explain that one, give --service.",
            plain(effective.service()),
            plain(login.service)
        ));
    }
    lines
}
