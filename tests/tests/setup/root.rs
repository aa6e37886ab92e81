//! Tests `twinlock setup root`, which sets up every program but sshd that gives the rights of root.

use twinlock_tests::{Finished, Machine, stock};

use super::{machine, twinlock};

const PASSWORD: &str = "ada's password";
pub const SETUP: &str = "setup root --with password --no-way-back --not-enrolled deny";
const TEARDOWN: &str = "teardown root --yes";

/// Returns a machine with sudo, su, login, pkexec and doas, by all of which ada can become root or log in.
fn with_all_doors() -> Machine {
    let m = machine();
    m.polkit("ada").doas("ada").sudoer("ada");
    m
}

/// Returns the names, modes and texts of the PAM files.
fn files(m: &Machine) -> String {
    let script = "cd /etc/pam.d; for file in *; do stat -c '%n %U:%G %a' $file; cat $file; done";
    m.run(["sh", "-c", script]).stdout
}

fn words(said: &Finished) -> String {
    format!("{} {}", said.stdout, said.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_door_asks_after_one_setup_and_none_after_a_teardown() {
    let m = with_all_doors();
    let before = files(&m);
    let shown = twinlock(&m, "setup root --with password --dry-run");
    for name in ["sudo", "sudo-i", "su", "login", "polkit-1", "doas"] {
        assert!(shown.ok().contains(&format!("+++ b/etc/pam.d/{name}\n")), "{shown:?}");
    }
    assert!(!shown.stdout.contains("/etc/pam.d/su-l"), "it includes su: {shown:?}");
    assert_eq!(files(&m), before);
    let said = twinlock(&m, SETUP);
    said.ok();
    let tried = "24 logins were tried with the new files, those of polkit-1, doas, login by sudo";
    assert!(words(&said).contains(tried), "{said:?}");
    for name in ["sudo", "sudo-i", "su", "su-l", "login", "polkit-1", "doas"] {
        let doctor = twinlock(&m, &format!("doctor {name}"));
        assert_eq!(doctor.code, Some(0), "{name}: {doctor:?}");
    }
    // Each program needs a later code.
    for (name, step) in [("sudo", -1), ("doas", 0), ("polkit-1", 1)] {
        assert!(!m.is_root_by(name, "ada", &[PASSWORD]), "{name}");
        assert!(m.is_root_by(name, "ada", &[PASSWORD, &m.code_in("ada", step)]), "{name}");
    }
    // The files are those that a setup of each service alone writes.
    for line in ["setup root", "setup su", "setup sudo", "setup login", "setup doas"] {
        let check = twinlock(&m, &format!("{line} --with password --check"));
        assert_eq!(check.code, Some(0), "{line}: {check:?}");
    }
    assert!(twinlock(&m, SETUP).ok().contains("nothing was changed"));
    assert_eq!(m.logged("event=service_set_up service=root").len(), 1);
    twinlock(&m, TEARDOWN).ok();
    assert_eq!(files(&m), before);
    assert!(m.is_root_by("doas", "ada", &[PASSWORD]));
}

#[test]
fn one_door_that_cannot_be_set_up_stops_all() {
    let m = with_all_doors();
    for (service, broken, said) in [
        ("login", Some("auth required pam_unix.so\n"), "/etc/pam.d/login: no auth line includes"),
        ("doas", None, "there is no file doas in /etc/pam.d"),
        ("su", Some("auth sufficient pam_exec.so /bin/true\n@include common-auth\n"), "su"),
        ("sudo-i", Some("auth include common-auth \\\n"), "/etc/pam.d/sudo-i"),
    ] {
        let path = format!("/etc/pam.d/{service}");
        let good = m.file(&path).read();
        match broken {
            Some(text) => _ = m.file(&path).write(text),
            None => _ = m.run(["rm", &path]).ok(),
        }
        let broken = m.tree("/etc");
        let refused = twinlock(&m, SETUP);
        assert_ne!(refused.code, Some(0), "{service}");
        assert!(words(&refused).contains(said), "{service}: {refused:?}");
        assert!(words(&refused).contains("nothing was changed"), "{service}: {refused:?}");
        assert_eq!(m.tree("/etc"), broken, "{service}");
        m.file(&path).write(good);
    }
    let usage = twinlock(&m, "setup root --with publickey --dry-run");
    assert!(words(&usage).contains("no other service sees a key"), "{usage:?}");
}

#[test]
fn only_members_of_the_group_are_asked_by_any_door() {
    let m = with_all_doors();
    m.user("bob").password("bob", PASSWORD);
    m.file("/etc/doas.conf").write("permit ada\npermit bob\n");
    m.run(["groupadd", "admins"]).ok();
    m.run(["usermod", "-aG", "admins", "ada"]).ok();
    let line = "setup root --with password --no-way-back --group admins";
    let refused = twinlock(&m, line);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let said = twinlock(&m, &format!("{line} --yes"));
    said.ok();
    let open = "--group admins: gets in without a code: 2 accounts (root, bob).";
    assert_eq!(words(&said).matches("gets in without a code").count(), 1, "{said:?}");
    assert!(words(&said).contains(open), "{said:?}");
    assert!(m.is_root_by("doas", "bob", &[PASSWORD]));
    assert_eq!(twinlock(&m, &format!("{line} --check")).code, Some(0));
    // A part that is torn down takes its own rules and entries along.
    twinlock(&m, "teardown su --yes").ok();
    let left = || m.run(["cat", "/etc/twinlock/rules.toml", "/etc/twinlock/accepted.toml"]).stdout;
    assert!(!left().contains("\"su\"") && !left().contains("\"su-l\""), "{}", left());
    assert!(left().contains("\"doas\"") && left().contains("\"sudo\""), "{}", left());
    twinlock(&m, TEARDOWN).ok();
    assert!(!left().contains("service"), "{}", left());
}

#[test]
fn of_root_and_a_part_at_once_none_is_half_written() {
    let m = machine();
    let both = format!(
        "twinlock {SETUP} --unproven & twinlock setup su --with password --no-way-back --unproven --not-enrolled deny & wait"
    );
    let mut written = 0;
    for _ in 0..5 {
        m.run(["sh", "-c", &both]).ok();
        let is_new = |name: &str| m.file(&format!("/etc/pam.d/{name}")).read() != stock(name);
        // If both end because of the other, nothing is written. The setup of su alone writes no other file.
        assert_eq!(is_new("sudo"), is_new("login"));
        assert!(!is_new("sudo") || is_new("su"));
        written += usize::from(is_new("su"));
        let left = m.run(["sh", "-c", "ls -d /var/lib/twinlock/setup/*/pending"]).stdout;
        assert_eq!(left, "");
        twinlock(&m, TEARDOWN).ok();
        assert!(!is_new("su") && !is_new("sudo"));
    }
    assert!(written > 0, "each ended because of the other");
}

#[test]
fn what_is_printed_is_what_is_written() {
    let m = machine();
    m.sshd("");
    m.run(["groupadd", "admins"]).ok();
    m.run(["usermod", "-aG", "admins", "ada"]).ok();
    let lines = [
        "setup root --with password --timestamp-timeout 5 --group admins",
        "setup ssh --with both --network 192.0.2.0/24 --not-enrolled deny",
    ];
    for (number, line) in lines.iter().enumerate() {
        let before = m.tree("/etc");
        let folder = format!("/root/files{number}");
        let shown = twinlock(&m, &format!("{line} --print"));
        twinlock(&m, &format!("{line} --print {folder}")).ok();
        assert_eq!(m.tree("/etc"), before, "{line}");
        twinlock(&m, &format!("{line} --no-way-back --unproven --yes")).ok();
        let list = m.run(["sh", "-c", &format!("cd {folder} && find . -type f | sort")]);
        let paths: Vec<_> = list.ok().lines().map(|path| path.trim_start_matches('.')).collect();
        assert!(paths.len() >= 4, "{paths:?}");
        for path in paths {
            let text = m.file(path).read();
            assert_eq!(m.file(&format!("{folder}{path}")).read(), text, "{line}: {path}");
            assert!(shown.ok().contains(&format!("==> {path} <==\n{text}")), "{path}: {shown:?}");
        }
        // A folder that has the files already is left as it is.
        assert_eq!(twinlock(&m, &format!("{line} --print {folder}")).code, Some(2), "{line}");
    }
}
