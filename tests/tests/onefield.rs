//! Password and code in one answer, typed into pamtester: what is judged, and what the next line gets.

use twinlock_tests::{Finished, Machine, PASSWORD, shipped};

const PROMPT: &str = "Password & verification code: ";
/// What the next line gets where it is to get nothing.
const STAND_IN: &[u8] = b"\x08\n\r\x7fINCORRECT";
/// Keeps what a line is given, byte by byte.
const SEE: &str = "#!/bin/sh\ncat >/root/seen\n";
const REST: &str = "account required pam_permit.so\nsession required pam_permit.so\n";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").user("bob").password("bob", PASSWORD);
    m.pam("openvpn", &shipped("pam.d/openvpn"));
    m.file("/root/see").write(SEE).mode(0o755);
    m
}

/// One line of ours, and behind it one that sees what it is given and says yes.
fn watched(m: &Machine, before: &str, arguments: &str) {
    let ours = format!("auth required pam_twinlock.so first_factor=follows {arguments}\n");
    let see = "auth required pam_exec.so quiet expose_authtok /root/see\n";
    m.pam("watched", &format!("{before}{ours}{see}{REST}"));
}

/// One call, with everything that is typed; codes may be used again.
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
        assert_eq!(said.matches(": ").count(), if gets_in { 1 } else { 2 }, "{said}");
    }
    for line in m.log() {
        assert!(!line.contains(PASSWORD) && !line.contains(&code), "{line}");
    }
}
