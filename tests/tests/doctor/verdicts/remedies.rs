//! Follows doctor's remedies exactly as doctor prints them. Checks that in the end nobody logs in without a code, and
//! that users with every factor do.

use serde_json::Value;
use twinlock_tests::{Machine, shipped};

use super::wirings::{
    ALL_RIGHT, B, CODE_ONLY, K, KEYS, NO_CODE, NOTHING, PROMPTS, REST, gets_in, report, verdict,
    wired,
};

/// Maximum number of remedies that a test follows one after the other until doctor has no findings about the PAM stack
/// and sshd's settings of one case.
const MOST: usize = 4;
const EXAMPLES: &str = "/usr/share/doc/twinlock/examples/";
const DEFAULTS: &str = "/etc/default/ssh";
const DROP_IN: &str = "/etc/ssh/sshd_config.d/10-twinlock.conf";

/// Returns the texts in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Changes the line at `place`, which is `FILE:NUMBER`; removes the line if `change` returns `None`.
fn change(m: &Machine, place: &str, change: impl FnOnce(&str) -> Option<String>) {
    let (file, number) = place.rsplit_once(':').unwrap_or_else(|| panic!("no line: {place}"));
    let old = m.file(file).read();
    let mut lines: Vec<String> = old.split('\n').map(str::to_owned).collect();
    let at = number.parse::<usize>().expect("a number") - 1;
    match change(&lines[at]) {
        Some(line) => lines[at] = line,
        None => drop(lines.remove(at)),
    }
    m.file(file).write(lines.join("\n"));
}

/// Does what the remedy of a finding says.
fn follow(m: &Machine, finding: &Value) {
    let text = |key: &str| finding[key].as_str().expect("text");
    let (place, remedy) = (text("where"), text("remedy"));
    assert!(!remedy.is_empty(), "no remedy: {finding:#}");
    let commands = remedy.lines().map(str::trim).filter(|line| line.starts_with("cp "));
    let commands: Vec<&str> = commands.collect();
    if let Some((_, command)) = remedy.split_once("all lines: ") {
        m.run(["sh", "-c", command]).ok();
    } else if !commands.is_empty() {
        commands.iter().for_each(|command| copy(m, command));
    } else if let Some((_, stack)) = remedy.split_once(":\n") {
        m.pam("sshd", &format!("{stack}\n{REST}"));
    } else if remedy.contains(" from the options of sshd at ") {
        m.file(DEFAULTS).write("");
    } else if let Some(words) = remedy.strip_prefix("Write pam_twinlock.so instead of ") {
        change(m, place, |line| Some(line.replace(words.trim_end_matches('.'), "pam_twinlock.so")));
    } else if remedy.starts_with("Remove the line") || remedy.starts_with("Delete that line") {
        change(m, place, |_| None);
    } else if remedy.starts_with("Write `required` instead of `requisite`") {
        change(m, place, |line| Some(line.replace("requisite", "required")));
    } else if remedy.ends_with(" if that was meant, or remove it.") {
        let word = quoted(text("what"))[0].to_owned();
        change(m, place, |line| Some(line.replace(&format!(" {word}"), "")));
    } else if let Some(word) =
        remedy.strip_prefix("Remove `").and_then(|rest| rest.split('`').next())
    {
        change(m, place, |line| Some(line.replace(&format!(" {word}"), "")));
    } else if remedy.starts_with("Write use_first_pass after ") {
        change(m, place, |line| Some(format!("{line} use_first_pass")));
    } else if let Some(line) = quoted(remedy).iter().find(|one| one.starts_with("auth ")) {
        change(m, place, |_| Some((*line).to_owned()));
    } else {
        settings(m, remedy);
    }
}

/// Copies an example file of the package, which is not installed here.
fn copy(m: &Machine, command: &str) {
    let words: Vec<&str> = command.split_whitespace().collect();
    let [_, from, to] = words.as_slice() else { panic!("{command}") };
    let name = from.strip_prefix(EXAMPLES).unwrap_or_else(|| panic!("{command}"));
    let last = name.rsplit('/').next().expect("a name");
    let file = if to.ends_with('/') { format!("{to}{last}") } else { (*to).to_owned() };
    m.file(&file).write(shipped(name));
}

/// Writes lines of sshd as a remedy says: `change the line at PLACE to LINE`, `write LINE and LINE into FILE`.
fn settings(m: &Machine, remedy: &str) {
    let mut new = Vec::new();
    for (part, line) in remedy.split('`').zip(remedy.split('`').skip(1)).step_by(2) {
        let lower = part.to_ascii_lowercase();
        match lower.rsplit_once("change the line at ") {
            Some((before, _)) => {
                let place = &part[before.len() + "change the line at ".len()..];
                change(m, place.trim_end_matches(" to "), |_| Some(line.to_owned()));
            }
            None if line.starts_with("sshd ") => {}
            None if lower.contains("or ") => {}
            None => new.push(line),
        }
    }
    if !new.is_empty() {
        let old = if m.file(DROP_IN).exists() { m.file(DROP_IN).read() } else { String::new() };
        m.file(DROP_IN).write(format!("{}\n{old}", new.join("\n")));
    }
}

/// Restarts sshd with its files as they are.
fn restart(m: &Machine) {
    let settings = m.file("/etc/ssh/sshd_config.d/20-test.conf").read();
    m.sshd(&settings);
}

/// A configuration with a defect: settings of sshd, auth lines of its PAM file, and a command.
struct Row {
    sshd: &'static str,
    auth: &'static str,
    /// Shell command that changes the machine before doctor runs; empty for none.
    before: &'static str,
}

const fn row(sshd: &'static str, auth: &'static str) -> Row {
    Row { sshd, auth, before: "" }
}

const ONE_KEY: &str = "KbdInteractiveAuthentication yes\nPasswordAuthentication no\n";

/// Wirings (settings of sshd with PAM lines) in which the refusal of the twinlock line has no effect, or the line comes
/// too late, is misspelled or has the wrong type.
const LINES: [Row; 11] = [
    row(PROMPTS, "@include common-auth\nauth sufficient pam_twinlock.so first_factor=stack\n"),
    row(
        PROMPTS,
        "@include common-auth\nauth [default=ignore] pam_twinlock.so first_factor=stack\n",
    ),
    row(
        PROMPTS,
        "auth sufficient pam_unix.so nodelay\nauth required pam_twinlock.so first_factor=stack\n",
    ),
    row(
        KEYS,
        "auth sufficient pam_unix.so nodelay\nauth required pam_twinlock.so first_factor=publickey\n",
    ),
    row(KEYS, "auth required pam_twinlock.so first_factor=publickey nulok\n"),
    row(PROMPTS, "@include common-auth\nauth required pam_twinlock.so first_factor=stack\r\n"),
    row(PROMPTS, "@include common-auth\nauth required pam_twinlok.so first_factor=stack\n"),
    row(PROMPTS, "@include common-auth\n-auth required pam_twinlok.so first_factor=stack\n"),
    row(KEYS, "account required pam_twinlock.so\n"),
    row(KEYS, "auth required pam_unix.so nodelay\n"),
    row(PROMPTS, "@include common-auth\n"),
];

/// PAM stacks, with settings of sshd, in which a code alone or a password alone is enough to log in.
const ALONE: [Row; 6] = [
    row(PROMPTS, "auth required pam_twinlock.so first_factor=stack\n"),
    row(
        PROMPTS,
        "auth [success=2 default=ignore] pam_unix.so nodelay\nauth [success=1 default=ignore] pam_twinlock.so first_factor=follows\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
    ),
    row(
        PROMPTS,
        "auth [success=2 default=ignore] pam_unix.so nodelay\nauth requisite pam_deny.so\nauth required pam_twinlock.so first_factor=stack\nauth required pam_permit.so\n",
    ),
    row(
        PROMPTS,
        "auth required pam_twinlock.so first_factor=follows\nauth sufficient pam_unix.so nodelay\n",
    ),
    row(
        PROMPTS,
        "@include common-auth\nauth [success=1 default=ignore] pam_succeed_if.so user ingroup ada\nauth required pam_twinlock.so first_factor=stack\n",
    ),
    row(
        PROMPTS,
        "auth required pam_unix.so nodelay\nauth required pam_twinlock.so first_factor=stack\n",
    ),
];

/// Settings of sshd with which sshd does not call PAM, or not for each login; each with auth lines for the PAM stack.
const SETTINGS: [Row; 8] = [
    row(ONE_KEY, K),
    row(
        "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey keyboard-interactive:pam\n",
        K,
    ),
    row("KbdInteractiveAuthentication yes\nAuthenticationMethods any\n", B),
    row("UsePAM no\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey\n", K),
    row(
        "KerberosAuthentication yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods password\n",
        B,
    ),
    row(
        "ChallengeResponseAuthentication no\nPasswordAuthentication no\nAuthenticationMethods publickey\n",
        K,
    ),
    Row {
        before: "echo 'SSHD_OPTS=\"-o AuthenticationMethods=publickey\"' >/etc/default/ssh",
        ..row(KEYS, K)
    },
    Row {
        before: "passwd -d eve",
        ..row(
            "PermitEmptyPasswords yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods keyboard-interactive:pam\n",
            "auth [success=1 default=ignore] pam_unix.so nullok nodelay\nauth requisite pam_deny.so\nauth required pam_permit.so\nauth required pam_twinlock.so first_factor=stack\n",
        )
    },
];

#[test]
fn remedies_of_lines_end_with_a_closed_host() {
    end_closed(&LINES);
}

#[test]
fn remedies_of_single_factors_end_with_a_closed_host() {
    end_closed(&ALONE);
}

#[test]
fn remedies_of_settings_end_with_a_closed_host() {
    end_closed(&SETTINGS);
}

/// Follows the printed remedies until doctor finds nothing wrong, and then tries logins.
fn end_closed(rows: &[Row]) {
    for (number, row) in rows.iter().enumerate() {
        let m = wired(row.sshd, row.auth);
        if !row.before.is_empty() {
            m.run(["sh", "-c", row.before]).ok();
        }
        let mut done = Vec::new();
        loop {
            let (code, report) = report(&m);
            if code == Some(0) {
                break;
            }
            let findings = report["findings"].as_array().expect("findings");
            let worst = findings.first().expect("a finding").clone();
            assert!(
                done.len() < MOST && !done.contains(&worst),
                "{number}: the remedies do not end: {done:#?} {report:#}\n{}\n{}",
                m.file("/etc/pam.d/sshd").read(),
                m.run(["sh", "-c", "cat /etc/ssh/sshd_config.d/*"]).stdout,
            );
            follow(&m, &worst);
            restart(&m);
            done.push(worst);
        }
        assert!(!done.is_empty(), "{number}: nothing was wrong");
        let after = verdict(&m, "closed", None);
        for has in [NO_CODE, CODE_ONLY, NOTHING] {
            assert!(!gets_in(&m, "ada", has, 0), "{number}: {has:?} {done:#?} {after:#}");
        }
        assert!(gets_in(&m, "ada", ALL_RIGHT, 1), "{number}: {done:#?} {after:#} {:#?}", m.log());
    }
}
