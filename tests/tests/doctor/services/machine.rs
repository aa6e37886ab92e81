//! Tests doctor's warnings about the machine, and files that doctor reads without running what is in them.

use serde_json::{Value, json};
use twinlock_tests::Machine;

use super::{B, REST, about, found, report, row, wired};

fn has(report: &Value, id: &str) -> bool {
    let findings = report["findings"].as_array().expect("findings");
    let mut same = findings.iter().filter(|one| one["id"] == id);
    same.any(|one| one["level"] == "warning" && one["services"] == json!([]))
}

/// Runs doctor while the kernel reports the state `state` of its clock, the return value of adjtimex. Returns the
/// report.
fn with_clock(m: &Machine, state: u32) -> Value {
    let inject = format!("inject=adjtimex,clock_adjtime:retval={state}");
    let call =
        m.call(["twinlock", "--json", "doctor"]).strace("/tmp/trace", &["-f", "-e", &inject]);
    let said = call.output();
    assert_eq!(said.code, Some(0), "{said:?}");
    serde_json::from_str(&said.stdout).expect("JSON")
}

#[test]
fn clock_that_nothing_keeps_right_is_a_warning() {
    let m = wired();
    assert!(!has(&with_clock(&m, 0), "clock-not-synchronized"));
    assert!(has(&with_clock(&m, 5), "clock-not-synchronized"));
}

#[test]
fn host_without_a_way_back_is_a_warning() {
    let m = wired();
    let stuck = |m: &Machine| {
        let (code, report) = report(m);
        assert_eq!(code, Some(0), "{report:#}");
        has(&report, "no-way-back")
    };
    assert!(stuck(&m));
    m.enrolled("root", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    assert!(!stuck(&m));
    let m = wired();
    assert!(stuck(&m));
    let mut other = m.call(["sh", "-c", "echo ready; exec sleep 60"]).open();
    other.expect("ready");
    assert!(!stuck(&m));
}

#[test]
fn backup_codes_of_a_user_are_a_way_back() {
    let m = wired();
    let stuck = |m: &Machine| has(&report(m).1, "no-way-back");
    assert!(stuck(&m));
    m.run(["twinlock", "backup-codes", "ada", "--yes", "--print"]).ok();
    assert!(!stuck(&m));
    // Codes that cannot be read let nobody in.
    m.run(["sh", "-c", "for set in /var/lib/twinlock/users/ada/codes.*; do : >$set; done"]).ok();
    assert!(stuck(&m));
    // Codes that ada will be shown at her next login do not count yet.
    m.run(["twinlock", "backup-codes", "ada", "--yes"]).ok();
    assert!(stuck(&m));
}

#[test]
fn rule_of_polkit_is_not_run_and_may_permit() {
    let m = wired();
    m.run(["mkdir", "-p", "/etc/polkit-1/rules.d"]).ok();
    m.file("/usr/bin/pkexec").write("").mode(0o755);
    m.pam("polkit-1", &format!("{B}{REST}"));
    let rule = |result: &str| {
        let text = format!(
            "polkit.addRule(function(action, subject) {{\n    if (subject.isInGroup(\"ada\")) return polkit.Result.{result};\n}});\n"
        );
        m.file("/etc/polkit-1/rules.d/10-house.rules").write(text);
    };
    rule("AUTH_ADMIN");
    assert_eq!(report(&m).0, Some(0));
    rule("YES");
    let unknown = found(&m, "polkit-1", "unknown polkit-rule", 8);
    let findings = unknown["findings"].as_array().expect("findings");
    let one = findings.iter().find(|one| one["id"] == "polkit-rule").expect("the finding");
    assert_eq!(one["where"], "/etc/polkit-1/rules.d/10-house.rules:2");
    let entry = format!(
        "[[accepted]]\nfinding = \"polkit-rule\"\nservice = \"polkit-1\"\noutcome = {}\nreason = \"read\"\nuntil = 2999-01-01\n",
        one["outcome"]
    );
    m.file("/etc/twinlock/accepted.toml").write(entry);
    found(&m, "polkit-1", "exception polkit-rule", 0);
    // Where polkit does not count, nothing is said.
    m.file("/etc/twinlock/accepted.toml").remove();
    m.pam("polkit-1", &format!("@include common-auth\n{REST}"));
    let (code, open) = report(&m);
    assert_eq!(
        (code, about(&open, "polkit-1")),
        (Some(0), vec!["warning root-not-asked".to_owned()])
    );
}

#[test]
fn file_of_sudo_rs_is_read_too() {
    let m = wired();
    m.file("/etc/sudoers-rs").write("ada ALL=(ALL) NOPASSWD: ALL\n").mode(0o440);
    let open = found(&m, "sudo", "way-in sudo-nopasswd", 7);
    assert_eq!(row(&open, "sudo")["code"], "not always asked");
    let findings = open["findings"].to_string();
    assert!(findings.contains("\"/etc/sudoers-rs\""), "{findings}");
    m.file("/etc/sudoers-rs").write("ada ALL=(ALL) ALL\n").mode(0o440);
    assert_eq!(report(&m).0, Some(0));
}
