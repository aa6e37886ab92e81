//! `twinlock doctor` compared with real sudo, su, login and other services: its table and findings match what happens.

mod doors;
mod machine;
mod speed;

use serde_json::Value;
use twinlock_tests::{LOGGED_IN, Machine, PASSWORD, PROMPT, shipped};

const KEY_DROP_IN: &str = "10-twinlock-publickey.conf";
/// Auth lines that ask for the password, then for the code.
const B: &str = "@include common-auth\nauth required pam_twinlock.so first_factor=stack\n";
const REST: &str = "@include common-account\n@include common-session\n";

/// Creates a machine on which sshd, sudo, su and login ask for a code. ada is enrolled, and bob is not.
fn wired() -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").sudoer("ada").user("bob").password("bob", PASSWORD);
    m.pam("sshd", &shipped("pam.d/sshd-publickey"))
        .drop_in(KEY_DROP_IN)
        .sshd("PermitRootLogin no\n");
    for service in ["sudo", "sudo-i", "su", "login"] {
        m.shipped_pam(service);
    }
    m
}

/// Runs doctor. Returns its exit status, and its report as JSON.
fn report(m: &Machine) -> (Option<i32>, Value) {
    let said = m.run(["twinlock", "--json", "doctor"]);
    assert_eq!(said.stderr, "");
    (said.code, serde_json::from_str(&said.stdout).expect("JSON"))
}

/// Returns the object of the service `name` in doctor's JSON report.
fn row<'a>(report: &'a Value, name: &str) -> &'a Value {
    let rows = report["services"].as_array().expect("services");
    rows.iter().find(|one| one["service"] == name).unwrap_or_else(|| panic!("{name}: {report:#}"))
}

/// Returns `level id` of each finding about a service.
fn about(report: &Value, name: &str) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let of = |one: &&Value| {
        one["services"].as_array().is_some_and(|all| all.iter().any(|other| other == name))
    };
    let text = |one: &Value, key: &str| one[key].as_str().expect("text").to_owned();
    findings.filter(of).map(|one| format!("{} {}", text(one, "level"), text(one, "id"))).collect()
}

#[track_caller]
fn found(m: &Machine, name: &str, head: &str, status: i32) -> Value {
    let (code, report) = report(m);
    let all = about(&report, name);
    assert!(all.iter().any(|one| one == head), "{head} is not in {all:?}: {report:#}");
    assert_eq!(code, Some(status), "{report:#}");
    report
}

fn sudoers(m: &Machine, text: &str) {
    m.file("/etc/sudoers.d/test").write(text).mode(0o440);
}

/// Returns whether sudo lets `user` run a command as root without a prompt.
fn sudo_unasked(m: &Machine, user: &str) -> bool {
    m.call(["sudo", "-n", "-k", "true"]).as_user(user).output().code == Some(0)
}

/// Returns whether libpam authenticates `user` for the service. `answers` has one answer on each line.
fn pam_lets_in(m: &Machine, service: &str, user: &str, answers: &str) -> bool {
    m.pamtester(service, user).input(answers).output().code == Some(0)
}

#[test]
fn a_wired_host_is_closed_and_names_the_doors_that_are_not_asked() {
    let m = wired();
    let said = m.run(["twinlock", "doctor"]);
    let first = "host: closed: sshd, login, su, su-l, sudo and sudo-i ask for a code, and no";
    assert!(said.stdout.starts_with(first), "{}", said.stdout);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert!(said.stdout.lines().all(|line| line.chars().count() <= 80), "{}", said.stdout);
    assert!(!sudo_unasked(&m, "ada"));
    let mut su = m.su("ada", "ada").open();
    su.expect("assword").send_line(PASSWORD).expect(PROMPT).send_line(&m.code("ada"));
    assert_eq!(su.logged_in_as().as_deref(), Some("ada"));
}

#[test]
fn a_host_without_a_wired_service_is_open() {
    let m = Machine::new();
    m.twinlock();
    m.file("/usr/sbin/sshd").remove();
    let (code, report) = report(&m);
    assert_eq!(
        (code, report["verdict"].as_str().map(|text| text.starts_with("host: open: no service"))),
        (Some(7), Some(true)),
        "{report:#}"
    );
    assert_eq!(row(&report, "sudo")["code"], "not asked");
}

#[test]
fn polkit_gives_root_for_a_password_and_is_named() {
    let m = wired();
    m.file("/usr/bin/pkexec").write("").mode(0o755);
    m.pam("polkit-1", &format!("@include common-auth\n{REST}"));
    let open = found(&m, "polkit-1", "warning root-not-asked", 0);
    assert_eq!(row(&open, "polkit-1")["code"], "not asked");
    assert!(open["verdict"].as_str().expect("text").contains("Not asked: "), "{open:#}");
    assert!(pam_lets_in(&m, "polkit-1", "ada", &format!("{PASSWORD}\n")));
    // A service that accepted.toml protects counts in the verdict.
    m.file("/etc/twinlock/accepted.toml").write("protect = [\"polkit-1\"]\n");
    found(&m, "polkit-1", "way-in not-wired", 7);
    m.pam("polkit-1", &format!("{B}{REST}"));
    let (code, closed) = report(&m);
    assert_eq!(
        (code, &row(&closed, "polkit-1")["code"]),
        (Some(0), &Value::from("asked")),
        "{closed:#}"
    );
    assert!(!pam_lets_in(&m, "polkit-1", "ada", &format!("{PASSWORD}\n{}\n", m.wrong_code("ada"))));
    assert!(pam_lets_in(&m, "polkit-1", "ada", &format!("{PASSWORD}\n{}\n", m.code("ada"))));
    // If accepted.toml cannot be used, it is unknown which services it protects.
    m.file("/etc/twinlock/accepted.toml").write("protect = \"polkit-1\"\n");
    let (code, unknown) = report(&m);
    assert_eq!(
        (code, &unknown["status"]),
        (Some(8), &Value::from("cannot_be_judged")),
        "{unknown:#}"
    );
}

#[test]
fn rules_of_sudoers_that_do_not_ask_are_ways_in() {
    for (rule, id) in [
        ("ada ALL=(ALL) NOPASSWD: ALL\n", "sudo-nopasswd"),
        ("%ada ALL=(root) NOPASSWD: /usr/bin/true\n", "sudo-nopasswd"),
        ("Defaults:ada !authenticate\n", "sudo-not-asked"),
        ("Defaults exempt_group=ada\n", "sudo-not-asked"),
    ] {
        let m = wired();
        sudoers(&m, rule);
        let open = found(&m, "sudo", &format!("way-in {id}"), 7);
        assert_eq!(row(&open, "sudo")["code"], "not always asked", "{rule}");
        assert!(
            m.call(["sudo", "-n", "/usr/bin/true"]).as_user("ada").output().code == Some(0),
            "{rule}"
        );
    }
    // sudo never asks root, so a rule for root is no finding.
    let m = wired();
    sudoers(&m, "root ALL=(ALL) NOPASSWD: ALL\nada ALL=(ALL) PASSWD: ALL\n");
    assert_eq!(report(&m).0, Some(0));
    assert!(!sudo_unasked(&m, "ada"));
}

#[test]
fn an_accepted_rule_of_sudoers_counts_no_more() {
    let m = wired();
    sudoers(&m, "ada ALL=(root) NOPASSWD: /usr/bin/true\n");
    let open = found(&m, "sudo", "way-in sudo-nopasswd", 7);
    let findings = open["findings"].as_array().expect("findings");
    let one = findings.iter().find(|one| one["id"] == "sudo-nopasswd").expect("the finding");
    let entry = format!(
        "[[accepted]]\nfinding = \"sudo-nopasswd\"\nservice = \"sudo\"\noutcome = {}\nreason = \"backup\"\nuntil = 2999-01-01\n",
        one["outcome"]
    );
    m.file("/etc/twinlock/accepted.toml").write(&entry);
    found(&m, "sudo", "exception sudo-nopasswd", 0);
    // A rule that allows more than the accepted one is not accepted.
    sudoers(&m, "ada ALL=(root) NOPASSWD: ALL\n");
    found(&m, "sudo", "way-in sudo-nopasswd", 7);
}

#[test]
fn another_pam_service_of_sudo_is_judged() {
    let m = wired();
    sudoers(&m, "Defaults pam_service=house\n");
    m.pam("house", &format!("@include common-auth\n{REST}"));
    let open = found(&m, "sudo", "way-in sudo-other-service", 7);
    assert_eq!(row(&open, "house")["code"], "not asked");
    let mut sudo = m.sudo("ada").open();
    sudo.expect("assword").send_line(PASSWORD);
    assert_eq!(sudo.logged_in_as().as_deref(), Some("root"));
    m.pam("house", &format!("{B}{REST}"));
    assert_eq!(report(&m).0, Some(0));
    let mut sudo = m.sudo("ada").open();
    sudo.expect("assword").send_line(PASSWORD).expect(PROMPT).send_line(&m.code("ada"));
    assert_eq!(sudo.logged_in_as().as_deref(), Some("root"));
}

#[test]
fn a_long_time_without_a_question_is_a_warning() {
    let m = wired();
    sudoers(&m, "Defaults timestamp_timeout=-1, timestamp_type=global\n");
    let report = found(&m, "sudo", "warning sudo-timestamp", 0);
    assert!(about(&report, "sudo").iter().any(|one| one == "warning sudo-shared"), "{report:#}");
    assert_eq!(row(&report, "sudo")["exceptions"], serde_json::json!(["once until reboot"]));
    let said = format!("sudo id -u && echo again && sudo -n id -u && echo {LOGGED_IN}unasked");
    let mut shell = m.call(["sh", "-c", &said]).as_user("ada").open();
    shell.expect("assword").send_line(PASSWORD).expect(PROMPT).send_line(&m.code("ada"));
    assert_eq!(shell.logged_in_as().as_deref(), Some("unasked"));
}

#[test]
fn pam_rootok_opens_what_root_starts_but_not_su_or_sudo() {
    let m = wired();
    let stack = format!("auth sufficient pam_rootok.so\n{B}{REST}");
    m.pam("su", &stack).pam("sudo", &stack).pam("login", &stack);
    let open = found(&m, "login", "way-in open-door", 7);
    assert!(pam_lets_in(&m, "login", "bob", ""));
    for name in ["su", "sudo"] {
        assert_eq!(row(&open, name)["code"], "asked", "{open:#}");
        let exceptions = row(&open, name)["exceptions"].as_array().expect("a list");
        assert!(exceptions.contains(&Value::from("root")), "{open:#}");
    }
    assert_ne!(
        m.call(["sudo", "-S", "-k", "true"]).as_user("ada").input("\n").output().code,
        Some(0)
    );
    assert_ne!(m.su("bob", "root").input("\n").output().code, Some(0));
}

#[test]
fn a_trusted_group_is_an_exception_of_su() {
    let m = wired();
    m.pam("su", &format!("auth sufficient pam_wheel.so trust group=ada\n{B}{REST}"));
    let open = found(&m, "su", "way-in open-door", 7);
    let exceptions = row(&open, "su")["exceptions"].to_string();
    assert!(exceptions.contains("wheel trust group=ada"), "{exceptions}");
    assert_eq!(m.su("ada", "root").output().code, Some(0));
    assert_ne!(m.su("bob", "root").input("\n").output().code, Some(0));
}

#[test]
fn samba_calls_no_auth_line_and_an_unknown_service_is_named() {
    let m = wired();
    m.file("/usr/sbin/smbd").write("").mode(0o755);
    m.pam("samba", &format!("{B}{REST}")).pam("house", "@include common-auth\n");
    let open = found(&m, "samba", "way-in auth-not-called", 7);
    assert_eq!(row(&open, "samba")["code"], "not asked");
    assert_eq!(row(&open, "house")["gives"], "not known");
    assert!(pam_lets_in(&m, "house", "bob", &format!("{PASSWORD}\n")));
    let all = open["findings"].to_string();
    assert!(all.contains("service-not-known"), "{all}");
}

/// Checks that doctor reads PAM files in /usr/lib/pam.d, but not those in /usr/share/pam.d, as the libpam of this host
/// does.
#[test]
fn folders_of_distributions_are_those_that_libpam_knows() {
    let m = wired();
    m.run(["mkdir", "-p", "/usr/lib/pam.d", "/usr/share/pam.d"]).ok();
    m.file("/usr/share/pam.d/house").write("auth required pam_permit.so\n");
    m.pam("other", "auth required pam_deny.so\n");
    assert!(!pam_lets_in(&m, "house", "bob", ""));
    let services = |report: &Value| report["services"].to_string();
    assert!(!services(&report(&m).1).contains("house"));
    m.file("/usr/lib/pam.d/house").write("auth required pam_permit.so\n");
    assert!(pam_lets_in(&m, "house", "bob", ""));
    let open = report(&m).1;
    assert_eq!(row(&open, "house")["file"], "/usr/lib/pam.d/house");
    m.pam("house", &format!("{B}{REST}"));
    assert!(!pam_lets_in(&m, "house", "bob", ""));
    assert_eq!(row(&report(&m).1, "house")["file"], "/etc/pam.d/house");
}

#[test]
fn remedies_name_the_service_that_is_judged() {
    let m = wired();
    m.pam("su", &format!("@include common-auth\nauth required pam_twinlock.so\n{REST}"));
    let said = m.run(["twinlock", "doctor", "su"]);
    assert_eq!(said.code, Some(7));
    assert!(said.stdout.contains("`first_factor=stack`"), "{}", said.stdout);
    assert!(
        said.stdout
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .contains("`twinlock doctor su` again"),
        "{}",
        said.stdout
    );
    assert!(!said.stdout.contains("ssh"), "{}", said.stdout);
    m.file("/etc/pam.d/su").mode(0o600);
    let hidden = m.run_as("ada", ["twinlock", "doctor", "su"]);
    assert_eq!(hidden.code, Some(8));
    assert!(hidden.stderr.contains("Run `twinlock doctor su` as root."), "{hidden:?}");
}

#[test]
fn doas_without_a_file_of_its_own_gets_that_of_other() {
    let m = wired();
    m.file("/usr/bin/doas").write("").mode(0o755);
    let open = found(&m, "doas", "warning root-not-asked", 0);
    assert_eq!(row(&open, "doas")["file"], Value::Null);
    assert!(pam_lets_in(&m, "doas", "ada", &format!("{PASSWORD}\n")));
    m.pam("doas", &format!("{B}{REST}"));
    m.file("/etc/doas.conf").write("permit nopass ada\n");
    found(&m, "doas", "way-in doas-nopass", 7);
}

#[test]
fn who_is_locked_out_is_who_is_refused() {
    let m = wired();
    let locked = |m: &Machine, name: &str| row(&report(m).1, name)["locked_out"].to_string();
    assert_eq!(locked(&m, "su"), "[\"not enrolled\",\"root\"]");
    assert!(!pam_lets_in(&m, "login", "bob", &format!("{PASSWORD}\n123456\n")));
    // A group that a rule exempts is listed as an exception.
    m.settings("[[rule]]\ngroup = \"bob\"\naction = \"exempt\"\nservice = \"login\"\n");
    let (code, open) = report(&m);
    assert_eq!(code, Some(7));
    assert_eq!(row(&open, "login")["exceptions"], serde_json::json!(["group bob"]), "{open:#}");
    assert_eq!(about(&open, "login"), ["way-in rule-exempts"]);
    assert_eq!(about(&open, "sudo"), Vec::<String>::new());
    assert!(pam_lets_in(&m, "login", "bob", &format!("{PASSWORD}\n")));
    // The stack of su refuses every user.
    m.settings("")
        .pam("su", "auth required pam_deny.so\nauth required pam_twinlock.so first_factor=stack\n");
    let shut = found(&m, "su", "lock-out nobody-gets-in", 7);
    assert_eq!(row(&shut, "su")["locked_out"], serde_json::json!(["everyone"]));
}

#[test]
fn one_service_is_shown_step_by_step() {
    let m = wired();
    let said = m.run(["twinlock", "doctor", "sudo"]);
    assert_eq!(said.code, Some(0));
    assert!(said.stdout.starts_with("sudo: closed: "), "{}", said.stdout);
    assert!(
        said.stdout.lines().any(|line| {
            line.split_whitespace().collect::<Vec<_>>()
                == ["result", "GETS", "IN", "refused", "refused"]
        }),
        "{}",
        said.stdout
    );
    m.pam("su", "auth sufficient pam_unix.so\nauth required pam_twinlock.so first_factor=stack\n");
    let open = m.run(["twinlock", "doctor", "su"]);
    assert_eq!(open.code, Some(7), "{}", open.stdout);
    assert!(open.stdout.contains("password-alone"), "{}", open.stdout);
    assert!(pam_lets_in(&m, "su", "ada", &format!("{PASSWORD}\n")));
    let nobody = m.run(["twinlock", "doctor", "runuser"]);
    assert_eq!((nobody.code, nobody.stdout.contains("no person logs in")), (Some(0), true));
    assert_eq!(m.run(["twinlock", "doctor", "../su"]).code, Some(8));
}

#[test]
fn files_with_hostile_names_and_bytes_harm_no_report() {
    let m = wired();
    m.file("/etc/pam.d/a\u{1b}[31m").write("auth required pam_unix.so\n");
    m.file("/etc/pam.d/bytes").write(b"auth \xff\xfe \x00\n\\");
    m.file("/etc/pam.d/folder").make_folder();
    m.file("/etc/pam.d/sudo.dpkg-old").write("auth required pam_permit.so\n");
    let said = m.run(["twinlock", "doctor"]);
    assert!(!said.stdout.contains('\u{1b}'), "{}", said.stdout);
    assert!(said.stdout.contains("Old copies of files: sudo.dpkg-old."), "{}", said.stdout);
    assert_eq!(said.stderr, "");
}
