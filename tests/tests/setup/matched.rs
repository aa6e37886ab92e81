//! Tests that setup tries a login for each outcome of sshd's Match blocks.

use twinlock_tests::{Finished, Machine};

use super::{machine, twinlock};

const SETUP: &str = "setup ssh --with publickey --no-way-back --not-enrolled deny";
const LATE: &str = "/etc/ssh/sshd_config.d/90-late.conf";

/// Returns a machine with the users ada and bob, of whom ada is enrolled, and with these lines behind those of setup.
fn with_lines(lines: &str) -> Machine {
    let m = machine();
    m.user("bob").key("bob").password("bob", "a password");
    m.sshd("");
    m.file(LATE).write(lines);
    m
}

fn words(said: &Finished) -> String {
    said.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tried(said: &Finished) -> usize {
    let words = words(said);
    let (before, _) = words.split_once(" logins were tried").expect("trials");
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn each_outcome_is_tried_with_a_real_account() {
    let m = with_lines("");
    let alone = twinlock(&m, SETUP);
    alone.ok();
    twinlock(&m, "teardown ssh --yes").ok();
    m.run(["groupadd", "upload"]).ok();
    m.user("carl").run(["usermod", "-aG", "upload", "carl"]).ok();
    // sshd changes root only to a folder of root's.
    m.run(["sh", "-c", "chown root:root ~carl && chmod 755 ~carl"]).ok();
    m.file(LATE).write(
        "Match User bob
    MaxSessions 3
Match Address 198.51.100.0/24
    MaxAuthTries 3
Match Group upload
    ChrootDirectory %h
    ForceCommand internal-sftp
",
    );
    let all = twinlock(&m, SETUP);
    all.ok();
    // bob, carl and another user, each from the network and from elsewhere, with one login that succeeds and three that
    // do not; and root, which only has the three.
    assert_eq!((tried(&alone), tried(&all)), (11, 11 + 6 * 4 + 2 * 3), "{all:?}");
    let left = m.run(["sh", "-c", "ls -d /run/twinlock-proof.* /var/lib/twinlock/users/bob"]);
    assert_eq!(left.stdout, "", "the made-up records are gone");
}

#[test]
fn a_match_block_that_opens_or_locks_is_named() {
    for (lines, expected) in [
        ("Match User bob\nAuthenticationMethods publickey\n", "way-in:"),
        ("Match Address 198.51.100.0/24\nAuthenticationMethods publickey\n", "way-in:"),
        ("Match User bob\nKbdInteractiveAuthentication no\n", "90-late.conf:1"),
        ("Match Group bob\nPubkeyAuthentication no\n", "90-late.conf:1"),
    ] {
        let m = with_lines(lines);
        let before = m.tree("/etc");
        let said = twinlock(&m, SETUP);
        assert_eq!(said.code, Some(1), "{lines}: {said:?}");
        assert!(words(&said).contains(expected), "{lines}: {said:?}");
        assert!(words(&said).contains("90-late.conf:1"), "{lines}: {said:?}");
        assert!(words(&said).contains("nothing was changed"), "{lines}: {said:?}");
        assert_eq!(m.tree("/etc"), before, "{lines}");
    }
}

/// A PAM line that is not about codes locks bob out, which doctor does not judge. Only a login of bob finds it, and a
/// Match block about bob makes setup try one.
#[test]
fn the_trial_finds_what_doctor_does_not_for_a_matched_user() {
    for (lines, is_tried) in [("", false), ("Match User bob\nMaxSessions 3\n", true)] {
        let m = with_lines(lines);
        let pam = m.file("/etc/pam.d/sshd").read();
        let line = "account required pam_succeed_if.so quiet user != bob\n@include common-account";
        let pam = pam.replace("@include common-account", line);
        m.file("/etc/pam.d/sshd").write(&pam);
        let said = twinlock(&m, SETUP);
        if !is_tried {
            said.ok();
            continue;
        }
        assert_eq!(said.code, Some(1), "{said:?}");
        let block = "bob does not get in from 203.0.113.7 with";
        assert!(words(&said).contains(block), "{said:?}");
        assert!(words(&said).contains(&format!("by the Match block at {LATE}:1 (User bob)")));
        assert_eq!(m.file("/etc/pam.d/sshd").read(), pam);
    }
}

#[test]
fn a_block_that_the_administrator_accepts_is_not_tried() {
    let m = with_lines("Match User bob\nAuthenticationMethods publickey\n");
    let entry = format!(
        "[[accepted]]\nfinding = \"match-without-code\"\nservice = \"sshd\"\noutcome = \"user bob can log in with a key alone by the Match block at {LATE} (User bob).\"\nreason = \"by hand\"\nuntil = 2099-01-31\n"
    );
    m.file("/etc/twinlock/accepted.toml").write(entry);
    twinlock(&m, SETUP).ok();
    let bob = m.ssh("bob").key_of("bob").option("BatchMode=yes").command(["true"]).output();
    assert_eq!(bob.code, Some(0), "{bob:?}");
}
