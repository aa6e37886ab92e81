//! Tests password and code in one answer, sent by pamtester: which part is compared, and what the next PAM line
//! receives.

use twinlock_tests::{Finished, Machine, PASSWORD, shipped};

const PROMPT: &str = "Password & verification code: ";
/// What the next PAM line receives in place of a password if the module has refused the answer.
const STAND_IN: &[u8] = b"\x08\n\r\x7fINCORRECT";
/// Shell script for pam_exec, which passes the user's password to it. The script stores the password, byte by byte, in
/// a file for the test.
const SEE: &str = "#!/bin/sh\ncat >/root/seen\n";
const REST: &str = "account required pam_permit.so\nsession required pam_permit.so\n";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").user("bob").password("bob", PASSWORD);
    m.pam("openvpn", &shipped("pam.d/openvpn"));
    m.file("/root/see").write(SEE).mode(0o755);
    m
}

/// Writes the PAM stack of the service `watched`: the lines `before`, twinlock's line with these arguments, and a line
/// that stores what it receives in a file and succeeds.
fn watched(m: &Machine, before: &str, arguments: &str) {
    let ours = format!("auth required pam_twinlock.so first_factor=follows {arguments}\n");
    let see = "auth required pam_exec.so quiet expose_authtok /root/see\n";
    m.pam("watched", &format!("{before}{ours}{see}{REST}"));
}

/// Answers the prompt of a service once with `text`. Clears used codes before that.
fn typed(m: &Machine, service: &str, user: &str, text: impl AsRef<[u8]>) -> Finished {
    m.run(["sh", "-c", "rm -f /run/twinlock/users/*/used.* /root/seen"]).ok();
    let mut input = text.as_ref().to_vec();
    input.push(b'\n');
    m.pamtester(service, user).input(input).output()
}

fn passes(m: &Machine, service: &str, user: &str, text: impl AsRef<[u8]>) -> bool {
    typed(m, service, user, text).code == Some(0)
}

fn seen(m: &Machine) -> Vec<u8> {
    let file = m.file("/root/seen");
    if file.exists() { file.bytes() } else { Vec::new() }
}

#[test]
fn the_shipped_stack_wants_both_and_asks_everybody_the_same_once() {
    let m = machine();
    m.settings("[throttle]\nfree = 100\n");
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    for (user, text, gets_in) in [
        ("ada", format!("{PASSWORD}{code}"), true),
        ("ada", format!("{PASSWORD}{wrong}"), false),
        ("ada", format!("{PASSWORD}x{code}"), false),
        ("ada", PASSWORD.to_owned(), false),
        ("ada", code.clone(), false),
        ("ada", String::new(), false),
        ("ada", "?".to_owned(), false),
        ("bob", PASSWORD.to_owned(), false),
        ("bob", format!("{PASSWORD}{code}"), false),
        ("nobody-here", format!("{PASSWORD}{code}"), false),
    ] {
        let ended = typed(&m, "openvpn", user, &text);
        assert_eq!(ended.code == Some(0), gets_in, "{user} {text}: {ended:?}");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(said.matches(PROMPT).count(), 1, "{said}");
        assert_eq!(ended.stdout.is_empty(), !gets_in, "{said}");
    }
    for line in m.log() {
        assert!(!line.contains(PASSWORD) && !line.contains(&code), "{line}");
    }
}

/// Longest password that fits into one answer with a code, in bytes.
const LONG: usize = 505;

#[test]
fn the_next_line_gets_the_password_byte_by_byte() {
    let m = machine();
    watched(&m, "", "forward_pass");
    let long = [b'S'; LONG];
    for password in [
        &b"hunter2"[..],
        b"hunter2 ",
        b"pin123456",
        b"1",
        b"gr\xfc\xdfe\xff",
        "grüße".as_bytes(),
        &long,
    ] {
        let text = [password, m.code("ada").as_bytes()].concat();
        assert!(passes(&m, "watched", "ada", &text), "{}", text.escape_ascii());
        assert_eq!(seen(&m), password, "{}", password.escape_ascii());
    }
}

#[test]
fn where_no_code_was_right_the_next_line_gets_what_nobody_has() {
    let m = machine();
    watched(&m, "", "forward_pass");
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    let long = format!("{}{code}", "S".repeat(LONG + 100));
    for (user, text) in [
        ("ada", format!("{PASSWORD}{wrong}")),
        ("ada", PASSWORD.to_owned()),
        ("ada", format!("{PASSWORD}{} {}", &code[..3], &code[3..])),
        ("ada", code.clone()),
        ("ada", String::new()),
        ("ada", long),
        ("bob", format!("{PASSWORD}{code}")),
        ("nobody-here", format!("{PASSWORD}{code}")),
    ] {
        assert!(!passes(&m, "watched", user, &text), "{user} {text}");
        assert_eq!(seen(&m), STAND_IN, "{user} {text}");
    }
    // The user gives no answer.
    m.file("/root/seen").remove();
    assert_ne!(m.pamtester("watched", "ada").output().code, Some(0));
    assert_eq!(seen(&m), STAND_IN);
    // One wrong code is enough to throttle the user.
    m.settings("[throttle]\nfree = 1\n");
    assert!(!passes(&m, "watched", "ada", format!("{PASSWORD}{code}")));
    assert_eq!(m.logged("reason=throttled").len(), 1);
    assert_eq!(seen(&m), STAND_IN);
    // The settings are faulty.
    m.settings("windwo = 1\n");
    assert!(!passes(&m, "watched", "ada", format!("{PASSWORD}{code}")));
    assert_eq!(seen(&m), STAND_IN);
}

#[test]
fn a_wrong_code_leaves_no_password_that_a_line_with_a_weak_control_says_yes_to() {
    let m = machine();
    let unix = "auth sufficient pam_unix.so use_first_pass\nauth required pam_deny.so\n";
    for control in ["required", "optional", "[default=ignore]"] {
        let ours = format!("auth {control} pam_twinlock.so first_factor=follows forward_pass\n");
        m.pam("weak", &format!("{ours}{unix}{REST}"));
        let wrong = format!("{PASSWORD}{}", m.wrong_code("ada"));
        assert!(!passes(&m, "weak", "ada", &wrong), "{control}");
        assert!(!passes(&m, "weak", "ada", PASSWORD), "{control}");
        assert!(passes(&m, "weak", "ada", format!("{PASSWORD}{}", m.code("ada"))), "{control}");
    }
}

#[test]
fn who_is_exempt_may_type_the_code_or_leave_it_out() {
    let m = machine();
    watched(&m, "", "forward_pass");
    m.settings("[[rule]]\nuser = \"ada\"\naction = \"exempt\"\n");
    for (text, password) in [
        (PASSWORD.to_owned(), PASSWORD.to_owned()),
        (format!("{PASSWORD}{}", m.code("ada")), PASSWORD.to_owned()),
        (
            format!("{PASSWORD}{}", m.wrong_code("ada")),
            format!("{PASSWORD}{}", m.wrong_code("ada")),
        ),
    ] {
        assert!(passes(&m, "watched", "ada", &text), "{text}");
        assert_eq!(String::from_utf8_lossy(&seen(&m)), password);
    }
    assert!(passes(&m, "watched", "ada", ""), "ignored, and the next line says yes");
    assert_eq!(seen(&m), STAND_IN);
    m.settings("[[rule]]\nuser = \"ada\"\naction = \"exempt\"\n");
    assert!(passes(&m, "openvpn", "ada", PASSWORD) && !passes(&m, "openvpn", "ada", ""));
}

#[test]
fn nullok_lets_through_who_is_proven_not_to_be_enrolled_unless_the_settings_say_no() {
    let m = machine();
    let line = |argument: &str| {
        shipped("pam.d/openvpn").replace("forward_pass\n", &format!("forward_pass {argument}\n"))
    };
    assert!(!passes(&m, "openvpn", "bob", PASSWORD));
    m.pam("openvpn", &line("nullok"));
    assert!(passes(&m, "openvpn", "bob", PASSWORD));
    assert!(!passes(&m, "openvpn", "bob", "wrong"));
    assert!(!passes(&m, "openvpn", "ada", PASSWORD), "ada is enrolled");
    m.settings("not_enrolled = \"deny\"\n");
    assert!(!passes(&m, "openvpn", "bob", PASSWORD));
    m.settings("window = 1\n").file("/var/lib/twinlock/store-id").remove();
    assert!(!passes(&m, "openvpn", "bob", PASSWORD), "absence is no longer proven");
}

#[test]
fn what_a_line_before_was_given_is_looked_at_first() {
    let m = machine();
    let before = "auth optional pam_unix.so\n";
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    for (arguments, text, gets_in, next) in [
        ("use_first_pass forward_pass", format!("{PASSWORD}{code}"), true, PASSWORD.to_owned()),
        ("try_first_pass forward_pass", format!("{PASSWORD}{code}"), true, PASSWORD.to_owned()),
        ("use_first_pass", format!("{PASSWORD}{code}"), true, format!("{PASSWORD}{code}")),
        ("use_first_pass", code.clone(), true, code.clone()),
        ("try_first_pass", format!("{PASSWORD}{wrong}"), false, format!("{PASSWORD}{wrong}")),
    ] {
        watched(&m, before, arguments);
        let ended = typed(&m, "watched", "ada", &text);
        assert_eq!(ended.code == Some(0), gets_in, "{arguments} {text}: {ended:?}");
        assert!(!ended.stderr.contains("erification"), "{arguments}: {ended:?}");
        assert_eq!(String::from_utf8_lossy(&seen(&m)), next, "{arguments}");
    }
    // If no earlier PAM line has asked, twinlock's line asks with try_first_pass, and does not with use_first_pass.
    watched(&m, "", "try_first_pass");
    assert!(passes(&m, "watched", "ada", m.code("ada")));
    watched(&m, "", "use_first_pass");
    let ended = typed(&m, "watched", "ada", m.code("ada"));
    assert!(ended.code != Some(0) && !ended.stderr.contains("erification"), "{ended:?}");
    assert_eq!(m.logged("reason=no_first_pass").len(), 1);
}

#[test]
fn arguments_of_pam_google_authenticator_are_taken_or_refused_with_what_to_write() {
    let m = machine();
    let taken = "nullok noskewadj no_increment_hotp echo_verification_code debug [authtok_prompt=Ada's code: ]";
    watched(&m, "", taken);
    let ended = typed(&m, "watched", "ada", m.code("ada"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(format!("{}{}", ended.stdout, ended.stderr).contains("Ada's code: "), "{ended:?}");
    watched(&m, "", "grace_period=86400");
    assert!(!passes(&m, "watched", "ada", m.code("ada")));
    let said = m.logged("reason=pam_line");
    assert!(said.len() == 1 && said[0].contains("write a [[rule]]"), "{said:?}");
}
