//! Tests doctor on lists of methods in which sshd asks for prompts twice: each time takes a code of its own.

use super::wirings::{B, K, PASSWORD, verdict, wired};
use twinlock_tests::Machine;

/// Returns whether ada gets in with a right password. The first prompt for a code gets the code of this step, each
/// later one the code of the step `later`.
fn gets_in_with_codes(m: &Machine, key: bool, later: i64) -> bool {
    m.run(["sh", "-c", "mkdir -p /tmp; chmod 1777 /tmp; rm -f /tmp/asked"]).ok();
    let [first, second] = [0, later].map(|step| m.code_in("ada", step));
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in\n*assword*) echo '{PASSWORD}' ;;\n*) if [ -e /tmp/asked ]; then echo '{second}'; else touch /tmp/asked; echo '{first}'; fi ;;\nesac\n"
    );
    m.file("/usr/local/bin/answer").write(script).mode(0o755);
    let ssh = m.ssh("ada");
    let ssh = if key { ssh.key() } else { ssh };
    // Each round of prompts counts as one of the client's attempts.
    let ssh = ssh.option("NumberOfPasswordPrompts=2").command(["true"]);
    let call = ssh.call().env("SSH_ASKPASS", "/usr/local/bin/answer");
    call.env("SSH_ASKPASS_REQUIRE", "force").output().code == Some(0)
}

#[test]
fn prompts_asked_for_twice_need_two_codes() {
    let on = "KbdInteractiveAuthentication yes\nPasswordAuthentication no\n";
    for (ways, auth, key) in [
        ("keyboard-interactive,keyboard-interactive", B, false),
        ("publickey,keyboard-interactive,keyboard-interactive", K, true),
    ] {
        for (later, expected) in [(0, false), (1, true)] {
            let m = wired(&format!("{on}AuthenticationMethods {ways}\n"), auth);
            verdict(&m, "closed", None);
            assert_eq!(gets_in_with_codes(&m, key, later), expected, "{ways} {later}");
        }
    }
}
