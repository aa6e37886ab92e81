//! Tests `twinlock setup` for pkexec and doas, other programs that give the rights of root.

use super::{machine, twinlock};

const PASSWORD: &str = "ada's password";

/// Sets up `service`, and checks that its program then needs a code. Returns what setup printed.
fn asks_after_setup(m: &twinlock_tests::Machine, service: &str) -> String {
    let root = |answers: &[&str]| m.is_root_by(service, "ada", answers);
    assert!(root(&[PASSWORD]), "{service}");
    let line = format!("setup {service} --with password --no-way-back --not-enrolled deny");
    let said = twinlock(m, &line);
    said.ok();
    let said = said.stdout + &said.stderr;
    assert!(!root(&[PASSWORD]), "{service}: {said}");
    assert!(!root(&[PASSWORD, &m.wrong_code("ada")]), "{service}: {said}");
    assert!(root(&[PASSWORD, &m.code("ada")]), "{service}: {said} {:?}", m.log());
    assert_eq!(twinlock(m, &format!("{line} --check")).code, Some(0));
    said
}

#[test]
fn pkexec_asks_after_setup_and_the_file_of_its_package_stays() {
    let m = machine();
    m.polkit("ada");
    let (own, of_package) = ("/etc/pam.d/polkit-1", "/usr/lib/pam.d/polkit-1");
    let before = m.file(of_package).read();
    assert!(!m.file(own).exists());
    let said = asks_after_setup(&m, "polkit-1");
    assert!(said.contains("by sudo with the PAM service polkit-1"), "{said}");
    assert_eq!(m.file(of_package).read(), before);
    twinlock(&m, "teardown polkit-1 --yes").ok();
    assert!(!m.file(own).exists(), "the package's file is read again");
    assert!(m.is_root_by("polkit-1", "ada", &[PASSWORD]));
}

#[test]
fn doas_asks_after_setup() {
    let m = machine();
    m.doas("ada");
    let before = m.file("/etc/pam.d/doas").read();
    asks_after_setup(&m, "doas");
    twinlock(&m, "teardown doas --yes").ok();
    assert_eq!(m.file("/etc/pam.d/doas").read(), before);
    assert!(m.is_root_by("doas", "ada", &[PASSWORD]));
}

/// Before setup, the PAM file has a line that lets every user in, which doctor cannot know. Checks that setup refuses
/// to change the file.
#[test]
fn line_that_may_let_in_is_refused_for_any_service() {
    let m = machine();
    let own = "auth sufficient pam_exec.so quiet /bin/true\n@include common-auth\n@include common-account\n";
    m.pam("ours", own);
    let said = twinlock(&m, "setup ours --with password --no-way-back --not-enrolled deny");
    assert_ne!(said.code, Some(0), "{said:?}");
    assert_eq!(m.file("/etc/pam.d/ours").read(), own);
}
