//! Tests doctor on hosts where another module asks for a code: follows doctor's remedy, and then checks that a code in
//! place of the password is refused.

use twinlock_tests::{Machine, Otp, Session};

use super::{ADAS_KEY, doctor};

const METHODS: &str = "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods keyboard-interactive:pam\nPermitRootLogin no\n";
const GOOGLE: &str =
    "auth required pam_google_authenticator.so nullok echo_verification_code grace_period=3600\n";
const REST: &str = "@include common-account\n@include common-session\n";

/// Creates a user whose app is enrolled with Google's module and with twinlock, and who has a password.
fn machine() -> Machine {
    let m = Machine::new();
    m.user("ada").twinlock().enrolled("ada", ADAS_KEY).password("ada", "correct horse");
    m.file("/home/ada/.google_authenticator")
        .write(format!("{ADAS_KEY}\n\" WINDOW_SIZE 17\n\" TOTP_AUTH\n"))
        .mode(0o400)
        .owner(m.uid("ada"));
    m.app("ada", &Otp::new(ADAS_KEY));
    m.sshd(METHODS);
    m
}

/// Starts an ssh login of ada and types the password and the code. Returns the session.
fn typed<'m>(m: &'m Machine, password: &str, code: &str) -> Session<'m> {
    let mut s = m.ssh("ada").option("NumberOfPasswordPrompts=1").open();
    s.expect("ssword: ").send_line(password);
    s.expect("erification code").send_line(code);
    s
}

/// Returns the auth lines of doctor's first remedy.
fn remedy(m: &Machine) -> String {
    let said = m.run(["twinlock", "doctor", "ssh"]).stdout;
    let lines = said.lines().filter_map(|line| line.strip_prefix("      "));
    lines.filter(|line| line.starts_with("auth ")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn googles_code_is_no_password_in_what_doctor_writes() {
    let m = machine();
    m.pam("sshd", &format!("@include common-auth\n{GOOGLE}{REST}"));
    assert!(doctor(&m).1.contains(&"way-in not-wired".to_owned()));
    let lines = remedy(&m);
    m.pam("sshd", &format!("{lines}{REST}"));
    assert_eq!(doctor(&m), (Some(0), vec!["warning grace-short".to_owned()]), "{lines}");
    let mut refused = typed(&m, &m.code("ada"), &m.code_in("ada", 1));
    refused.expect("not accepted");
    assert!(!refused.logged_in(), "{lines}");
    assert!(typed(&m, "correct horse", &m.code_in("ada", 1)).logged_in(), "{lines}");
}

#[test]
fn googles_code_in_place_of_the_password_is_found_where_it_works() {
    let m = machine();
    let google = "auth [success=3 default=ignore] pam_google_authenticator.so";
    let ours = "auth requisite pam_twinlock.so first_factor=stack";
    let unix = "auth [success=2 default=ignore] pam_unix.so try_first_pass";
    let end = "auth [default=die] pam_twinlock.so first_factor=failed\nauth requisite pam_deny.so\nauth required pam_permit.so";
    m.pam("sshd", &format!("{google}\n{unix}\n{end}\n{ours}\n{REST}"));
    let (code, heads) = doctor(&m);
    assert_eq!(code, Some(7));
    assert!(heads.contains(&"way-in other-code-for-password".to_owned()), "{heads:?}");
    let mut s = m.ssh("ada").option("NumberOfPasswordPrompts=1").open();
    s.expect("erification code").send_line(&m.code("ada"));
    s.expect("erification code").send_line(&m.code_in("ada", 1));
    assert!(s.logged_in());
}

#[test]
fn a_report_fits_a_screen_and_its_lines_can_be_copied() {
    let m = machine();
    m.pam("sshd", &format!("@include common-auth\n{GOOGLE}{REST}"));
    let said = m.run(["twinlock", "doctor", "ssh"]).stdout;
    for line in said.lines().filter(|line| !line.contains(" | ") && !line.contains("-+-")) {
        let copied = line.starts_with("      auth ") || line.contains('`');
        assert!(copied || line.chars().count() <= 78, "{line}");
    }
    assert!(remedy(&m).contains("auth [success=2 default=ignore] pam_unix.so nodelay\n"));
}
