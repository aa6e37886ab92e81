//! Tests doctor on wirings (PAM stacks with settings of sshd) that people use, each with real logins: no login
//! contradicts doctor's verdict.

use serde_json::Value;
use twinlock_tests::Machine;

use super::ADAS_KEY;

pub(super) const PASSWORD: &str = "correct horse";
/// Auth lines that ask for the password, then for the code.
pub(super) const B: &str =
    "@include common-auth\nauth required pam_twinlock.so first_factor=stack\n";
/// Auth line that asks users with a verified key for the code.
pub(super) const K: &str = "auth required pam_twinlock.so first_factor=publickey\n";
pub(super) const REST: &str = "@include common-account\n@include common-session\n";
const ALL: &str = "LoginGraceTime 300\nPermitRootLogin no\n";
pub(super) const PROMPTS: &str = "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods keyboard-interactive:pam\n";
pub(super) const KEYS: &str = "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive:pam\n";

/// The factors that a user has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Has {
    pub(super) key: bool,
    pub(super) password: bool,
    pub(super) code: bool,
}

const fn has(key: bool, password: bool, code: bool) -> Has {
    Has { key, password, code }
}

pub(super) const ALL_RIGHT: Has = has(true, true, true);
pub(super) const KEY_ONLY: Has = has(true, false, false);
pub(super) const NO_KEY: Has = has(false, true, true);
pub(super) const PASSWORD_ONLY: Has = has(false, true, false);
pub(super) const CODE_ONLY: Has = has(false, false, true);
pub(super) const NO_CODE: Has = has(true, true, false);
pub(super) const NOTHING: Has = has(false, false, false);

/// Creates a machine on which ada is enrolled and eve is not; each has a password and a key.
pub(super) fn wired(settings: &str, auth: &str) -> Machine {
    let m = Machine::new();
    m.user("ada").user("eve").twinlock().enrolled("ada", ADAS_KEY);
    for user in ["ada", "eve"] {
        m.password(user, PASSWORD).key(user);
    }
    m.pam("sshd", &format!("{auth}{REST}")).sshd(&format!("{ALL}{settings}"));
    m
}

/// Returns whether a login succeeds in which password prompts are answered with `password` and all other prompts with
/// `code`. `key` says whether the client has the user's key.
pub(super) fn answers(m: &Machine, user: &str, key: bool, [password, code]: [&str; 2]) -> bool {
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in\n*assword*) echo '{password}' ;;\n*) echo '{code}' ;;\nesac\n"
    );
    m.file("/usr/local/bin/answer").write(script).mode(0o755);
    let ssh = m.ssh(user);
    let ssh = if key { ssh.key() } else { ssh };
    let call = ssh.command(["true"]).call().env("SSH_ASKPASS", "/usr/local/bin/answer");
    call.env("SSH_ASKPASS_REQUIRE", "force").output().code == Some(0)
}

/// Returns whether a user with these factors can log in. A right code is the one of the time step `step` after the
/// current one; a test passes another number for each login, since a code works once.
pub(super) fn gets_in(m: &Machine, user: &str, has: Has, step: i64) -> bool {
    let right = m.code_in("ada", step);
    let code = if has.code { right } else { m.wrong_code("ada") };
    answers(m, user, has.key, [if has.password { PASSWORD } else { "wrong" }, &code])
}

pub(super) fn report(m: &Machine) -> (Option<i32>, Value) {
    let said = m.run(["twinlock", "doctor", "ssh", "--json"]);
    assert_eq!(said.stderr, "");
    (said.code, serde_json::from_str(&said.stdout).expect("JSON"))
}

/// Returns `level id` of each finding that decides the verdict.
pub(super) fn deciding(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let text = |one: &Value, key: &str| one[key].as_str().expect("text").to_owned();
    findings
        .map(|one| format!("{} {}", text(one, "level"), text(one, "id")))
        .filter(|one| ["way-in", "lock-out", "unknown"].iter().any(|level| one.starts_with(level)))
        .collect()
}

/// Checks the status of doctor's verdict and the exit status that belongs to it. If `head` is not `None`, also checks
/// that a finding `head` decides the verdict. Returns the report.
#[track_caller]
pub(super) fn verdict(m: &Machine, status: &str, head: Option<&str>) -> Value {
    let (code, report) = report(m);
    let expected = match status {
        "closed" => 0,
        "cannot_be_judged" => 8,
        _ => 7,
    };
    assert_eq!((report["status"].as_str(), code), (Some(status), Some(expected)), "{report:#}");
    if let Some(head) = head {
        assert!(deciding(&report).iter().any(|one| one == head), "{head}: {report:#}");
    }
    report
}

/// A PAM stack with settings of sshd, the verdict that doctor must give, and logins of ada that must succeed or fail.
struct Row {
    sshd: &'static str,
    auth: &'static str,
    status: &'static str,
    head: Option<&'static str>,
    gets_in: &'static [Has],
    stays_out: &'static [Has],
}

const ROWS: [Row; 16] = [
    // The password method cannot answer two prompts.
    Row {
        sshd: "KbdInteractiveAuthentication yes\nPasswordAuthentication yes\nAuthenticationMethods password,keyboard-interactive\n",
        auth: B,
        status: "locked_out",
        head: Some("lock-out password-method"),
        gets_in: &[],
        stays_out: &[ALL_RIGHT, NO_CODE],
    },
    Row {
        sshd: "KbdInteractiveAuthentication yes\nPasswordAuthentication yes\nAuthenticationMethods password\n",
        auth: B,
        status: "locked_out",
        head: Some("lock-out password-method"),
        gets_in: &[],
        stays_out: &[NO_KEY, PASSWORD_ONLY],
    },
    Row {
        sshd: "KbdInteractiveAuthentication yes\nPasswordAuthentication yes\nAuthenticationMethods publickey,password publickey,keyboard-interactive\n",
        auth: B,
        status: "closed",
        head: None,
        gets_in: &[ALL_RIGHT],
        stays_out: &[NO_CODE, KEY_ONLY],
    },
    // The code is asked for before the key, so the module sees no key yet.
    Row {
        sshd: "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods keyboard-interactive,publickey\n",
        auth: K,
        status: "locked_out",
        head: Some("lock-out key-after-code"),
        gets_in: &[],
        stays_out: &[ALL_RIGHT],
    },
    Row {
        sshd: "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive:bsdauth\n",
        auth: K,
        status: "locked_out",
        head: Some("lock-out device-unsupported"),
        gets_in: &[],
        stays_out: &[ALL_RIGHT],
    },
    Row {
        sshd: "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive\nMatch User ada\n  PubkeyAuthentication no\nMatch all\n",
        auth: K,
        status: "locked_out",
        head: Some("lock-out method-off"),
        gets_in: &[],
        stays_out: &[ALL_RIGHT],
    },
    // After a login by prompts, pam_setcred calls each auth line again, and pam_succeed_if then returns ignore.
    Row {
        sshd: PROMPTS,
        auth: "auth [success=ok default=die] pam_succeed_if.so user ingroup ada\n@include common-auth\nauth required pam_twinlock.so first_factor=stack\n",
        status: "locked_out",
        head: Some("lock-out credentials-refused"),
        gets_in: &[],
        stays_out: &[ALL_RIGHT, NO_CODE],
    },
    Row {
        sshd: PROMPTS,
        auth: "auth [success=ok ignore=ignore default=die] pam_succeed_if.so user ingroup ada\n@include common-auth\nauth required pam_twinlock.so first_factor=stack\n",
        status: "closed",
        head: None,
        gets_in: &[NO_KEY],
        stays_out: &[PASSWORD_ONLY, CODE_ONLY],
    },
    // No account meets both of these opposite conditions.
    Row {
        sshd: PROMPTS,
        auth: "auth requisite pam_succeed_if.so user ingroup ada\n@include common-auth\nauth required pam_succeed_if.so quiet user notingroup ada\nauth required pam_twinlock.so first_factor=stack\n",
        status: "locked_out",
        head: Some("lock-out nobody-gets-in"),
        gets_in: &[],
        stays_out: &[ALL_RIGHT, NO_CODE],
    },
    // sshd is root, so pam_rootok succeeds and jumps over the end of the stack.
    Row {
        sshd: KEYS,
        auth: "auth required pam_twinlock.so first_factor=publickey\nauth [success=1 default=ignore] pam_rootok.so\n",
        status: "locked_out",
        head: Some("lock-out nobody-gets-in"),
        gets_in: &[],
        stays_out: &[ALL_RIGHT, NO_CODE],
    },
    // A module that only restricts users does not make a way in an exception.
    Row {
        sshd: PROMPTS,
        auth: "auth requisite pam_succeed_if.so user ingroup ada\n@include common-auth\nauth optional pam_twinlock.so first_factor=stack\n",
        status: "open",
        head: Some("way-in password-alone"),
        gets_in: &[PASSWORD_ONLY],
        stays_out: &[NOTHING],
    },
    Row {
        sshd: PROMPTS,
        auth: "auth required pam_mail.so\n@include common-auth\nauth required pam_twinlock.so first_factor=stack\n",
        status: "closed",
        head: None,
        gets_in: &[NO_KEY],
        stays_out: &[PASSWORD_ONLY, CODE_ONLY],
    },
    // A guard after twinlock's line refuses logins without an accepted code.
    Row {
        sshd: PROMPTS,
        auth: "@include common-auth\nauth [success=1 default=ignore] pam_twinlock.so first_factor=stack\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
        status: "closed",
        head: None,
        gets_in: &[NO_KEY],
        stays_out: &[PASSWORD_ONLY, CODE_ONLY],
    },
    Row {
        sshd: PROMPTS,
        auth: "auth sufficient pam_succeed_if.so uid >= 1000\n@include common-auth\nauth required pam_twinlock.so first_factor=stack\n",
        status: "open",
        head: Some("way-in open-door"),
        gets_in: &[NOTHING],
        stays_out: &[],
    },
    Row {
        sshd: "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive\nMatch Address *,!203.0.113.0/24\n  AuthenticationMethods publickey\nMatch all\n",
        auth: K,
        status: "open",
        head: None,
        gets_in: &[KEY_ONLY],
        stays_out: &[NOTHING],
    },
    Row {
        sshd: "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive\nMatch User ?*\n  AuthenticationMethods publickey\nMatch all\n",
        auth: K,
        status: "open",
        head: None,
        gets_in: &[KEY_ONLY],
        stays_out: &[NOTHING],
    },
];

#[test]
fn no_login_contradicts_the_verdict() {
    for (number, row) in ROWS.iter().enumerate() {
        let m = wired(row.sshd, row.auth);
        let report = verdict(&m, row.status, row.head);
        for has in row.stays_out {
            assert!(!gets_in(&m, "ada", *has, 0), "{number}: {has:?} {report:#}");
        }
        for has in row.gets_in {
            assert!(gets_in(&m, "ada", *has, 1), "{number}: {has:?} {report:#} {:?}", m.log());
        }
    }
}

/// Follows the remedy of the first finding in the report, and restarts sshd.
fn apply(m: &Machine, report: &Value) {
    let findings = report["findings"].as_array().expect("findings");
    let worst = findings.first().expect("a finding");
    let remedy = worst["remedy"].as_str().expect("text");
    let quoted: Vec<&str> = remedy.split('`').skip(1).step_by(2).collect();
    assert!(!quoted.is_empty() || remedy.contains('\n'), "no remedy: {worst:#}");
    let settings = m.file("/etc/ssh/sshd_config.d/20-test.conf").read();
    let mut lines: Vec<String> = settings.lines().map(str::to_owned).collect();
    if let Some((_, stack)) = remedy.split_once('\n') {
        m.pam("sshd", &format!("{stack}\n{REST}"));
    } else if let Some(line) = quoted.iter().find(|one| one.starts_with("auth ")) {
        let place = worst["where"].as_str().expect("text");
        let (file, number) = place.rsplit_once(':').expect("a line");
        let mut old: Vec<String> = m.file(file).read().lines().map(str::to_owned).collect();
        old[number.parse::<usize>().expect("a number") - 1] = (*line).to_owned();
        m.file(file).write(old.join("\n") + "\n");
    } else {
        for line in quoted.iter().filter(|one| !one.starts_with("sshd")) {
            let word = line.split(' ').next().expect("a word");
            let fits = |old: &String| old.split_whitespace().next() == Some(word);
            match lines.iter().position(fits) {
                Some(at) => lines[at] = (*line).to_owned(),
                None => lines.insert(0, (*line).to_owned()),
            }
        }
    }
    m.sshd(&(lines.join("\n") + "\n"));
}

#[test]
fn remedies_let_in_those_with_a_code_and_nobody_else() {
    for (number, row) in ROWS.iter().enumerate().filter(|(_, row)| row.status != "closed") {
        // Only the administrator can decide what a Match block sets, and which of two opposite conditions is meant.
        if row.sshd.contains("Match") || row.auth.contains("notingroup") {
            continue;
        }
        let m = wired(row.sshd, row.auth);
        let (_, before) = report(&m);
        apply(&m, &before);
        let after = verdict(&m, "closed", None);
        for has in [NO_CODE, CODE_ONLY, NOTHING] {
            assert!(!gets_in(&m, "ada", has, 0), "{number}: {has:?} {before:#} {after:#}");
        }
        assert!(gets_in(&m, "ada", ALL_RIGHT, 1), "{number}: {before:#} {after:#}");
    }
}
