//! Tests the JSON output of commands that print the state of the machine.

use twinlock_tests::shipped;

use super::{Page, people};

pub const ROWS: &[&str] = &[
    "settings check",
    "settings show",
    "settings apply",
    "epoch ensure",
    "epoch now",
    "epoch show",
    "doctor ssh",
    "doctor",
    "doctor SERVICE",
    "deliver",
    "epoch sweep",
];

#[test]
fn settings_memory_and_mail() {
    let (m, mut page) = (people(), Page::read());
    m.file("/etc/twinlock/twinlock.toml").remove();
    page.run(&m, ROWS[9], "deliver");
    page.run(&m, ROWS[1], "settings show");
    m.settings("rule = [{ user = \"nobo\", action = \"exempt\" }]\n");
    page.run(&m, ROWS[0], "settings check");
    m.settings("[[rule]]\nuser = \"nobo\"\naction = \"exempt\"\n");
    page.run(&m, ROWS[0], "settings check");
    page.run(&m, ROWS[2], "settings apply");
    page.call(ROWS[0], m.call(["twinlock", "--json", "settings", "check"]).as_user("bob"));
    page.run(&m, ROWS[1], "settings show");
    for row in &ROWS[3..6] {
        page.run(&m, row, row);
    }
    page.run(&m, ROWS[10], ROWS[10]);
    page.hold_all(&[&ROWS[..6], &ROWS[9..]].concat());
}

#[test]
fn what_doctor_finds() {
    let (m, mut page) = (people(), Page::read());
    m.pam("sshd", &shipped("pam.d/sshd-both")).drop_in("10-twinlock-both.conf").sshd("");
    let shut = page.run(&m, ROWS[6], "doctor ssh --verbose");
    assert!(shut["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{shut}");
    m.pam("sshd", "auth sufficient pam_permit.so\n");
    let open = m.run(["twinlock", "--json", "doctor", "ssh"]);
    assert_eq!(open.code, Some(7), "{open:?}");
    page.run(&m, ROWS[6], "doctor ssh");
    m.pam("vsftpd", "auth required pam_unix.so\n").pam("sudo.dpkg-old", "");
    m.file("/usr/bin/doas").write("").mode(0o755);
    page.run(&m, ROWS[7], "doctor");
    page.run(&m, ROWS[8], "doctor doas");
    m.pam("sudo", &shipped("pam.d/sudo")).pam("house", "@include nothing\n");
    page.run(&m, ROWS[8], "doctor sudo");
    page.run(&m, ROWS[8], "doctor house");
    page.run(&m, ROWS[8], "doctor sudo");
    page.hold_all(&ROWS[6..9]);
}
