//! `twinlock doctor ssh` compared with a real sshd: its findings match what happens.

mod behind;
mod candidates;
mod codes;
mod conditions;
mod hosts;
mod kerberos;
mod reach;
mod red_hat;
mod refused;
mod remedies;
mod running;
mod spellings;
mod twice_asked;
mod wirings;

use twinlock_tests::{Machine, shipped};

const KEY_DROP_IN: &str = "10-twinlock-publickey.conf";
const MODULE: &str = "/usr/lib/x86_64-linux-gnu/security/pam_twinlock.so";

/// Each shipped stack with each drop-in that belongs to it.
const PAIRS: [(&str, &str); 4] = [
    ("sshd-publickey", KEY_DROP_IN),
    ("sshd-password", "10-twinlock-password.conf"),
    ("sshd-password", "10-twinlock-key-and-password.conf"),
    ("sshd-both", "10-twinlock-both.conf"),
];

fn machine() -> Machine {
    let m = Machine::new();
    m.user("ada").user("robot").twinlock().enrolled("ada", ADAS_KEY);
    m
}

/// Creates a machine whose sshd requires key and code, as shipped.
fn shut() -> Machine {
    let m = machine();
    m.pam("sshd", &shipped("pam.d/sshd-publickey")).drop_in(KEY_DROP_IN);
    m
}

/// Runs `twinlock doctor ssh`. Returns the exit code, and `level id` of each finding.
fn doctor(m: &Machine) -> (Option<i32>, Vec<String>) {
    let said = m.run(["twinlock", "doctor", "ssh"]);
    let heads = said.stdout.lines().filter_map(|line| {
        let (level, rest) = line.split_once(": ")?;
        let (_, id) = rest.rsplit_once(" (")?;
        let level = ["way-in", "lock-out", "warning", "exception", "note"]
            .iter()
            .find(|one| **one == level)?;
        Some(format!("{level} {}", id.trim_end_matches(')')))
    });
    let heads = heads.collect();
    assert_eq!(said.stderr, "");
    (said.code, heads)
}

/// Returns the report as one line.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn found(m: &Machine, head: &str) {
    let (code, heads) = doctor(m);
    assert!(heads.iter().any(|one| one == head), "{head} is not in {heads:?}");
    let fails = head.starts_with("way-in") || head.starts_with("lock-out");
    assert_eq!(code, Some(if fails { 7 } else { 0 }), "{heads:?}");
}

#[test]
fn every_shipped_pair_is_clean() {
    for (stack, drop_in) in PAIRS {
        let m = machine();
        m.pam("sshd", &shipped(&format!("pam.d/{stack}")))
            .drop_in(drop_in)
            .sshd("PermitRootLogin no\n");
        let said = m.run(["twinlock", "doctor", "ssh"]);
        assert_eq!(
            said.ok(),
            "ssh: closed: every login needs a code, and no user is locked out.\n",
            "{stack} {drop_in}"
        );
    }
}

#[test]
fn debians_own_settings_let_a_key_in_alone() {
    let m = machine();
    m.key("ada").sshd("");
    let (code, heads) = doctor(&m);
    assert_eq!(code, Some(7));
    assert_eq!(heads, ["way-in key-alone", "way-in not-wired", "warning grace-short"]);
    assert!(m.ssh("ada").key().open().logged_in());
}

#[test]
fn a_robots_match_block_is_named_and_works() {
    let m = shut();
    m.key("ada").key("robot");
    m.sshd(
        "PermitRootLogin no\nMatch User robot\n    AuthenticationMethods publickey\nMatch all\n",
    );
    let said = m.run(["twinlock", "doctor", "ssh"]);
    let what = "user robot can log in with a key alone by the Match block at /etc/ssh/sshd_config.d/20-test.conf:2 (User robot).";
    assert_eq!(said.code, Some(7));
    assert!(flat(&said.stdout).contains(what), "{}", said.stdout);
    assert!(
        said.stdout.contains("way-in: /etc/ssh/sshd_config.d/20-test.conf:3 (match-without-code)")
    );
    assert!(m.ssh("robot").key().open().logged_in());
    let ada = m.ssh("ada").key().option("BatchMode=yes").output();
    assert_eq!(ada.code, Some(255));
}

#[test]
fn a_match_block_for_an_address_is_seen_from_there() {
    let m = shut();
    m.sshd("Match Address 127.0.0.0/8\n    AuthenticationMethods publickey\nMatch all\n");
    found(&m, "way-in match-without-code");
    let m = shut();
    m.sshd("Match Group sudo User bot-*,ada\n    AuthenticationMethods publickey\nMatch all\n");
    assert_eq!(doctor(&m), (Some(0), vec!["note root-shut-out".to_owned()]));
    let m = shut();
    m.sshd("Match Address *\n    AuthenticationMethods publickey\nMatch all\n");
    found(&m, "way-in key-alone");
}

#[test]
fn settings_that_come_first_are_found() {
    for (line, head) in [
        ("UsePAM no\n", "lock-out usepam-no"),
        ("UsePAM no\nAuthenticationMethods any\n", "way-in usepam-no"),
        ("AuthenticationMethods publickey publickey,keyboard-interactive\n", "way-in key-alone"),
        ("AuthenticationMethods any\n", "way-in key-alone"),
        (
            "AuthenticationMethods publickey,keyboard-interactive gssapi-with-mic\nGSSAPIAuthentication yes\n",
            "way-in gssapi-alone",
        ),
        (
            "AuthenticationMethods hostbased\nHostbasedAuthentication yes\n",
            "way-in hostbased-alone",
        ),
        (
            "AuthenticationMethods publickey,password\nPasswordAuthentication yes\n",
            "lock-out key-after-code",
        ),
        (
            "AuthenticationMethods any\nKbdInteractiveAuthentication no\nPasswordAuthentication no\nPubkeyAuthentication no\n",
            "lock-out prompts-off",
        ),
        ("LoginGraceTime 30\n", "warning grace-short"),
        ("LoginGraceTime 120\n", "warning grace-short"),
    ] {
        let m = shut();
        m.file("/etc/ssh/sshd_config.d/05-first.conf").write(line);
        m.sshd("PermitRootLogin no\n");
        found(&m, head);
    }
}

/// Checks that each drop-in allows five minutes for a login, because set-up takes longer than the two minutes of
/// sshd's default.
#[test]
fn drop_ins_give_five_minutes() {
    for name in ["both", "key-and-password", "password", "publickey"] {
        let m = Machine::new();
        m.drop_in(&format!("10-twinlock-{name}.conf"));
        let said = m.run([
            "sh",
            "-c",
            "mkdir -p /run/sshd; ssh-keygen -qA; echo 'Include /etc/ssh/sshd_config.d/*.conf' >/etc/ssh/sshd_config; \
             /usr/sbin/sshd -T",
        ]);
        let graces: Vec<_> =
            said.stdout.lines().filter(|line| line.starts_with("logingracetime")).collect();
        assert_eq!(graces, ["logingracetime 300"], "{name}: {said:?}");
    }
}

#[test]
fn settings_that_sshd_refuses_are_found() {
    let m = shut();
    m.sshd("")
        .file("/etc/ssh/sshd_config.d/05-first.conf")
        .write("KbdInteractiveAuthentication no\n");
    found(&m, "lock-out sshd-refuses");
}

#[test]
fn the_modules_file_is_looked_at() {
    let m = shut();
    m.sshd("").file(MODULE).mode(0o666);
    found(&m, "way-in module-writable");
    m.file(MODULE).mode(0o644).owner(m.uid("ada"));
    found(&m, "way-in module-owner");
    m.file(MODULE).remove();
    found(&m, "lock-out module-missing");
    found(&m, "lock-out nobody-gets-in");
}

#[test]
fn settings_that_are_missing_have_one_remedy() {
    for kind in ["publickey", "password", "both"] {
        let m = machine();
        m.pam("sshd", &shipped(&format!("pam.d/sshd-{kind}"))).sshd("PermitRootLogin no\n");
        let said = m.run(["twinlock", "doctor", "ssh"]);
        assert_eq!(said.code, Some(7));
        let drop_in = format!("10-twinlock-{kind}.conf");
        let copy = format!(
            "      cp /usr/share/doc/twinlock/examples/sshd_config.d/{drop_in} /etc/ssh/sshd_config.d/\n"
        );
        assert_eq!(said.stdout.matches(&copy).count(), 1, "{}", said.stdout);
        let to_do = said.stdout.lines().filter_map(|line| line.strip_prefix("  To do: "));
        // The remedy of the warning about LoginGraceTime is for a host without the drop-in, which sets it too.
        let is_other = |one: &&str| !one.starts_with("as for ") && !one.contains("LoginGraceTime");
        let others: Vec<_> = to_do.skip(1).filter(is_other).collect();
        assert!(others.is_empty(), "{others:?}");
        m.drop_in(&drop_in);
        assert_eq!(doctor(&m), (Some(0), vec!["warning not-reloaded".to_owned()]), "{kind}");
        m.sshd("PermitRootLogin no\n");
        assert_eq!(doctor(&m), (Some(0), vec![]), "{kind}");
    }
}

#[test]
fn a_line_that_wins_over_the_missing_settings_is_named() {
    let m = machine();
    m.pam("sshd", &shipped("pam.d/sshd-publickey")).sshd("PermitRootLogin no\n");
    m.file("/etc/ssh/sshd_config.d/05-first.conf").write("UsePAM no\n");
    let said = m.run(["twinlock", "doctor", "ssh"]).stdout;
    let flat = flat(&said);
    let change = "Change the line at /etc/ssh/sshd_config.d/05-first.conf:1 to `UsePAM yes`";
    assert!(flat.contains(change) && said.contains("\n      cp "), "{said}");
    assert!(!said.contains("`AuthenticationMethods"), "{said}");
}

#[test]
fn a_code_without_a_first_factor_is_found() {
    let m = machine();
    let line = "auth required pam_twinlock.so first_factor=stack\n";
    m.pam("sshd", &format!("{line}@include common-account\n"))
        .drop_in("10-twinlock-both.conf")
        .sshd("");
    let said = m.run(["twinlock", "doctor", "ssh"]);
    assert_eq!(said.code, Some(7));
    assert!(said.stdout.contains("way-in: /etc/pam.d/sshd:1 (code-alone)"), "{}", said.stdout);
    assert!(
        said.stdout.contains("no  | wrong (auth_err) | right | -   | GETS IN | /etc/pam.d/sshd:1"),
        "{}",
        said.stdout
    );
}

#[test]
fn json_has_what_the_text_has() {
    let m = shut();
    m.sshd("PermitRootLogin no\n")
        .file("/etc/ssh/sshd_config.d/05-first.conf")
        .write("UsePAM no\n");
    let said = m.run(["twinlock", "doctor", "ssh", "--json"]);
    assert_eq!(said.code, Some(7));
    for part in [
        "\"level\": \"lock-out\"",
        "\"id\": \"usepam-no\"",
        "\"where\": \"/etc/ssh/sshd_config.d/05-first.conf:1\"",
    ] {
        assert!(said.stdout.contains(part), "{}", said.stdout);
    }
    let all = m.run(["twinlock", "doctor", "ssh", "--json", "--verbose"]);
    assert!(all.stdout.contains("\"result\": \"auth_err\""), "{}", all.stdout);
}

#[test]
fn root_needs_more_than_debians_permit_root_login() {
    let permit = "auth required pam_permit.so\n@include common-account\n@include common-session\n";
    let settings = "PermitRootLogin prohibit-password\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive:pam\n";
    let m = shut();
    m.key("root").key("ada");
    m.sshd(settings);
    found(&m, "note root-shut-out");
    m.pam("sshd", permit);
    assert!(m.ssh("ada").key().open().logged_in());
    assert_eq!(m.ssh("root").key().command(["true"]).output().code, Some(255));
    m.sshd(&settings.replace("prohibit-password", "yes"));
    assert_eq!(m.ssh("root").key().command(["true"]).output().code, Some(0));
}

const LAST: &str = "auth       requisite                   pam_twinlock.so first_factor=stack\n";
const ADAS_KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Replaces the last auth line of the shipped stack by `last`. Returns whether a correct password and an empty answer
/// to the prompt for the code log in, and doctor's findings.
fn gets_in_without_a_code(last: &str) -> (bool, Vec<String>) {
    let m = machine();
    let stack = shipped("pam.d/sshd-password");
    assert!(stack.contains(LAST));
    m.password("ada", "correct horse");
    m.pam("sshd", &stack.replace(LAST, last))
        .drop_in("10-twinlock-password.conf")
        .sshd("PermitRootLogin no\n");
    let (_, heads) = doctor(&m);
    let mut s = m.ssh("ada").option("NumberOfPasswordPrompts=1").open();
    s.expect("Password: ").send_line("correct horse");
    s.expect("Verification code").send_line("");
    (s.logged_in(), heads)
}

#[test]
fn what_doctor_calls_a_way_in_is_one() {
    let (in_, heads) = gets_in_without_a_code(LAST);
    assert_eq!((in_, heads.len()), (false, 0), "{heads:?}");
    let (in_, heads) = gets_in_without_a_code(&LAST.replace("requisite", "optional "));
    assert!(in_ && heads.contains(&"way-in password-alone".to_owned()), "{in_} {heads:?}");
    let control = "[success=ok auth_err=bad default=ignore]";
    let (in_, heads) = gets_in_without_a_code(&LAST.replace("requisite", control));
    assert!(!in_ && heads.contains(&"way-in password-alone".to_owned()), "{in_} {heads:?}");
}
