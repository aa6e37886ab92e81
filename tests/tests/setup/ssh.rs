//! Tests the setup of sshd in a private machine, where systemd does not run.

use twinlock_tests::Machine;

use super::{machine, twinlock};

const WITHOUT_SYSTEMD: &str = "--no-way-back";

/// Checks that ada logs in with a key alone.
#[track_caller]
pub fn logs_in(m: &Machine) {
    let ssh = m.ssh("ada").key_of("ada").option("BatchMode=yes");
    assert_eq!(ssh.command(["id", "-un"]).output().ok(), "ada\n");
}

/// Returns whether ada can log in with a key alone.
fn key_is_enough(m: &Machine) -> bool {
    let ssh = m.ssh("ada").key_of("ada").option("BatchMode=yes");
    ssh.command(["true"]).output().code == Some(0)
}

#[test]
fn each_choice_is_proven_then_closed() {
    let m = machine();
    m.sshd("");
    let stock = m.file("/etc/pam.d/sshd").read();
    assert!(key_is_enough(&m));
    for with in ["publickey", "password", "both", "key-and-password"] {
        let asked = format!("setup ssh --with {with}");
        assert_eq!(twinlock(&m, &format!("{asked} --check")).code, Some(1));
        let said = twinlock(&m, &format!("{asked} {WITHOUT_SYSTEMD}"));
        said.ok();
        assert!(
            said.stderr.contains("logins were tried with the new files: each ended as it must"),
            "{said:?}"
        );
        assert_eq!(twinlock(&m, "doctor ssh").code, Some(0), "{with}");
        assert!(!key_is_enough(&m), "{with}");
        assert_eq!(twinlock(&m, &format!("{asked} --check")).code, Some(0));
        assert_eq!(twinlock(&m, &format!("{asked} --dry-run")).ok(), "");
        let again = twinlock(&m, &format!("{asked} {WITHOUT_SYSTEMD}"));
        assert!(again.ok().contains("nothing was changed"), "{again:?}");
    }
    assert_eq!(m.logged("event=service_set_up service=ssh").len(), 4);
    twinlock(&m, "teardown ssh --yes").ok();
    assert_eq!(m.file("/etc/pam.d/sshd").read(), stock);
    assert!(!m.file("/etc/ssh/sshd_config.d/10-twinlock.conf").exists());
    assert!(key_is_enough(&m));
}

#[test]
fn the_proof_finds_what_doctor_does_not_and_nothing_is_written() {
    let m = machine();
    m.sshd("");
    // ada shows no key, and the only auth line of the new file wants one.
    let block = "Match User ada\nAuthenticationMethods keyboard-interactive:pam\n";
    m.file("/etc/ssh/sshd_config.d/90-late.conf").write(block);
    let before = m.tree("/etc");
    let said = twinlock(&m, "setup ssh --with publickey --no-way-back");
    assert_ne!(said.code, Some(0), "{said:?}");
    let words = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("ada does not get in with the key") || words.contains("lock-out"),
        "{words}"
    );
    assert_eq!(m.tree("/etc"), before);
    assert!(m.run(["sh", "-c", "ls -d /run/twinlock-proof.*"]).code != Some(0));
}

#[test]
fn without_namespaces_it_refuses_unless_told_to_go_on() {
    let m = machine();
    m.sshd("");
    m.file("/usr/bin/unshare")
        .write("#!/bin/sh\necho no namespaces here >&2\nexit 1\n")
        .mode(0o755);
    let before = m.tree("/etc");
    let said = twinlock(&m, "setup ssh --with publickey --no-way-back");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stderr.contains("no namespaces here"), "{said:?}");
    assert_eq!(m.tree("/etc"), before);
    twinlock(&m, "setup ssh --with publickey --no-way-back --unproven").ok();
    assert!(!key_is_enough(&m));
}

#[test]
fn nobody_is_locked_out_who_was_not_thought_of() {
    let m = machine();
    m.sshd("").user("bob").user("eve");
    let before = m.tree("/etc");
    let said = twinlock(&m, "setup ssh --with publickey --no-way-back");
    assert_eq!(said.code, Some(1), "{said:?}");
    let words = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("2 of 3 users with a login shell are not enrolled"), "{words}");
    assert!(words.contains("(bob, eve)"), "{words}");
    let enroll = twinlock(&m, "setup ssh --with publickey --no-way-back --not-enrolled enroll");
    assert_eq!(enroll.code, Some(3), "{enroll:?}");
    assert_eq!(m.tree("/etc"), before);
    let systemd = twinlock(&m, "setup ssh --with publickey --not-enrolled deny");
    assert_eq!(systemd.code, Some(3), "{systemd:?}");
    assert!(systemd.stderr.contains("systemd does not run here"), "{systemd:?}");
    assert_eq!(m.tree("/etc"), before);
}

#[test]
fn a_preview_writes_as_the_user_who_called_sudo() {
    let m = machine();
    m.sshd("").user("bob");
    m.file("/etc/sudoers.d/bob")
        .write("bob ALL=(root) NOPASSWD: /usr/bin/twinlock setup *\n")
        .mode(0o440);
    let bob = |line: &str| {
        let words = ["sudo", "-n", "twinlock"].into_iter().chain(line.split_whitespace());
        m.run_as("bob", words.map(str::to_owned))
    };
    bob("setup ssh --with publickey --print /home/bob/files").ok();
    let owner = m.run(["stat", "-c", "%U", "/home/bob/files/etc/pam.d/sshd"]);
    assert_eq!(owner.ok(), "bob\n");
    for folder in ["/etc/cron.d", "/root/x", "/"] {
        let refused = bob(&format!("setup ssh --with publickey --print {folder}"));
        assert_eq!(refused.code, Some(2), "{folder}: {refused:?}");
    }
    // A file that bob may not read is not shown.
    m.file("/etc/pam.d/sshd").mode(0o600);
    for form in ["--print", "--dry-run"] {
        let refused = bob(&format!("setup ssh --with publickey {form}"));
        assert_ne!(refused.code, Some(0), "{refused:?}");
        assert!(!refused.stdout.contains("pam_"), "{refused:?}");
    }
    // Commands that change the host need a code of bob, who has none.
    let before = m.tree("/etc");
    let refused = bob("setup ssh --with publickey --no-way-back");
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert_eq!(bob("setup undo").code, Some(0));
    assert_eq!(m.tree("/etc"), before);
}

#[test]
fn sudo_and_su_are_proven_with_their_own_programs() {
    let m = machine();
    for service in ["sudo", "su"] {
        let said = twinlock(
            &m,
            &format!("setup {service} --with password --no-way-back --not-enrolled deny"),
        );
        said.ok();
        assert!(said.stderr.contains("logins were tried"), "{said:?}");
        assert_eq!(twinlock(&m, &format!("doctor {service}")).code, Some(0), "{service}");
    }
    assert!(m.file("/etc/pam.d/sudo-i").read().contains("pam_twinlock.so"));
    for service in ["sudo", "su"] {
        twinlock(&m, &format!("teardown {service} --yes")).ok();
        assert!(!m.file(&format!("/etc/pam.d/{service}")).read().contains("pam_twinlock.so"));
    }
}

#[test]
fn a_quiet_doctor_says_only_what_is_wrong() {
    let m = machine();
    m.sshd("");
    let open = twinlock(&m, "doctor ssh --quiet");
    assert_eq!(open.code, Some(7), "{open:?}");
    assert!(open.stdout.contains("open"), "{open:?}");
    twinlock(&m, "setup ssh --with publickey --no-way-back --not-enrolled deny").ok();
    let closed = twinlock(&m, "doctor ssh --quiet");
    assert_eq!((closed.code, closed.stdout.as_str()), (Some(0), ""), "{closed:?}");
    assert_eq!(twinlock(&m, "doctor ssh --quiet --verbose").code, Some(2));
}
