//! Tests doctor on pkexec and doas, other programs that give the rights of root. pkexec asks through polkit's helper.

use serde_json::Value;
use twinlock_tests::{Machine, PASSWORD};

use super::{found, report, row, wired};

/// Checks that a password alone gives the rights of root, that doctor reports this, and that a code is needed once
/// doctor's remedy was followed.
fn closes(m: &Machine, service: &str) {
    let is_root_after = |answers: &[&str]| m.is_root_by(service, "ada", answers);
    let said = found(m, service, "warning root-not-asked", 0);
    assert_eq!(row(&said, service)["code"], "not asked");
    assert!(is_root_after(&[PASSWORD]), "{service}");
    m.file("/etc/twinlock/accepted.toml").write(format!("protect = [\"{service}\"]\n"));
    let said = found(m, service, "way-in not-wired", 7);
    let findings = said["findings"].as_array().expect("findings");
    let one = findings.iter().find(|one| one["id"] == "not-wired").expect("the finding");
    let remedy = one["remedy"].as_str().expect("text");
    // The file of a package is copied, and its other lines stay.
    let own = format!("/etc/pam.d/{service}");
    let of_package = one["where"].as_str().expect("a file");
    assert_eq!(remedy.starts_with(&format!("Copy {of_package} to {own}: ")), of_package != own);
    let old = m.file(of_package).read();
    let is_auth = |line: &&str| {
        line.starts_with("auth") || line.split_whitespace().eq(["@include", "common-auth"])
    };
    let rest: Vec<&str> = old.lines().filter(|line| !is_auth(line)).collect();
    let (_, lines) = remedy.split_once(":\n").expect("lines");
    m.pam(service, &format!("{lines}\n{}\n", rest.join("\n")));
    let (code, closed) = report(m);
    assert_eq!(
        (code, &row(&closed, service)["code"]),
        (Some(0), &Value::from("asked")),
        "{closed:#}"
    );
    assert!(!is_root_after(&[PASSWORD]), "{service}");
    assert!(!is_root_after(&[PASSWORD, &m.wrong_code("ada")]), "{service}");
    assert!(!is_root_after(&["wrong", &m.code_in("ada", -1)]), "{service}");
    assert!(is_root_after(&[PASSWORD, &m.code("ada")]), "{service} {:?}", m.log());
}

#[test]
fn pkexec_gives_root_for_what_the_file_of_polkit_asks() {
    let m = wired();
    m.polkit("ada");
    closes(&m, "polkit-1");
}

#[test]
fn doas_gives_root_for_what_its_file_asks() {
    let m = wired();
    m.doas("ada");
    closes(&m, "doas");
}
