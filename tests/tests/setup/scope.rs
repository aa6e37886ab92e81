//! Tests the options of setup by which some users log in without a code: `--group`, `--network`, `--robot` and
//! `--not-enrolled remind`.

use twinlock_tests::{Finished, Machine};

use super::{machine, twinlock};

const RULES: &str = "/etc/twinlock/rules.toml";
const ACCEPTED: &str = "/etc/twinlock/accepted.toml";
const KEY: &str = "setup ssh --with publickey --no-way-back";

/// Returns a machine on which ada is an administrator, bob is not, and runner is a robot (an account that only a
/// program uses). Only ada is enrolled.
fn staff() -> Machine {
    let m = machine();
    m.sshd("");
    for user in ["bob", "runner"] {
        m.user(user).key(user).password(user, "a password");
    }
    m.run(["groupadd", "admins"]).ok();
    m.run(["usermod", "-aG", "admins", "ada"]).ok();
    m
}

/// Returns whether a user can log in with a key and without a code.
fn key_is_enough(m: &Machine, user: &str) -> bool {
    m.ssh(user).key_of(user).command(["true"]).output().code == Some(0)
}

/// Returns whether a program that can answer no prompt (BatchMode) logs in as `user` with the user's key.
fn robot_gets_in(m: &Machine, user: &str) -> bool {
    m.ssh(user).key_of(user).option("BatchMode=yes").command(["true"]).output().code == Some(0)
}

fn words(said: &Finished) -> String {
    said.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the texts of rules.toml and accepted.toml, without comments and the line that differs in each version.
fn settings(m: &Machine) -> String {
    let show = format!("cat {RULES} {ACCEPTED} 2>&1 | grep -v -e '^generation' -e '^#' -e '^$'");
    m.run(["sh", "-c", &show]).stdout
}

/// Runs a setup that needs the caller's agreement. Checks that it fails without `--yes` and then changes nothing, that
/// it succeeds with `--yes`, that doctor then finds only exceptions, and that a repetition changes nothing. Returns
/// the output of the setup that succeeded.
#[track_caller]
fn agreed(m: &Machine, line: &str) -> String {
    let before = m.tree("/etc");
    let refused = twinlock(m, line);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(words(&refused).contains("or give --yes"), "{refused:?}");
    assert_eq!(m.tree("/etc"), before);
    let said = twinlock(m, &format!("{line} --yes"));
    said.ok();
    let service = line.split_whitespace().nth(1).expect("a service");
    let doctor = twinlock(m, &format!("doctor {service}"));
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    assert!(doctor.stdout.contains("exception"), "{doctor:?}");
    let after = m.tree("/etc");
    let again = twinlock(m, line);
    assert!(again.ok().contains("nothing was changed"), "{again:?}");
    assert_eq!(m.tree("/etc"), after);
    let line = line.replace(" --no-way-back", "");
    assert_eq!(twinlock(m, &format!("{line} --check")).code, Some(0));
    assert_eq!(twinlock(m, &format!("{line} --dry-run")).ok(), "");
    words(&said)
}

/// Runs teardown for a service. Checks that nothing of setup is left in rules.toml and accepted.toml.
#[track_caller]
fn torn_down(m: &Machine, service: &str) {
    twinlock(m, &format!("teardown {service} --yes")).ok();
    let left = settings(m);
    assert!(!left.contains("service") && !left.contains("twinlock setup"), "{left}");
}

#[test]
fn only_members_of_the_group_are_asked() {
    let m = staff();
    let line = format!("{KEY} --group admins");
    let said = agreed(&m, &line);
    assert!(
        said.contains("--group admins: gets in without a code: 2 accounts (bob, runner)."),
        "{said}"
    );
    assert!(key_is_enough(&m, "bob") && !key_is_enough(&m, "ada"));
    // Without the option, all users need a code, and the rules and entries are removed.
    twinlock(&m, &format!("{KEY} --not-enrolled deny")).ok();
    assert!(!key_is_enough(&m, "bob"));
    assert!(!settings(&m).contains("sshd"), "{}", settings(&m));
    assert_eq!(twinlock(&m, "doctor ssh").code, Some(0));
    twinlock(&m, &format!("{line} --yes")).ok();
    torn_down(&m, "ssh");
    assert!(key_is_enough(&m, "ada"));
}

#[test]
fn a_network_is_not_asked_and_others_are() {
    let m = staff();
    m.sshd("ListenAddress ::1\n");
    let line = format!("{KEY} --network 127.0.0.0/8 --network 2001:db8::/32 --not-enrolled deny");
    let said = agreed(&m, &line);
    for network in ["127.0.0.0/8", "2001:db8::/32"] {
        let one = format!("--network: gets in without a code from {network}: 3 accounts (ada,");
        assert!(said.contains(&one), "{said}");
    }
    assert!(key_is_enough(&m, "ada") && key_is_enough(&m, "bob"));
    twinlock(&m, &format!("{KEY} --network 192.0.2.0/24 --not-enrolled deny --yes")).ok();
    assert!(!key_is_enough(&m, "ada"));
    torn_down(&m, "ssh");
}

#[test]
fn a_robot_gets_in_with_its_key_from_its_network() {
    let m = staff();
    let near = format!("{KEY} --not-enrolled deny --robot runner@127.0.0.1");
    let said = agreed(&m, &near);
    assert!(
        said.contains(
            "--robot: gets in without a code from 127.0.0.1/32, with a key: 1 account (runner)."
        ),
        "{said}"
    );
    assert!(robot_gets_in(&m, "runner") && !robot_gets_in(&m, "ada"));
    let mut session = m.ssh("runner").open();
    assert_eq!(session.expect_one_of(&["assword", "Permission denied"]), 1);
    drop(session);
    let listed = m.run(["twinlock", "doctor", "ssh"]).stdout;
    let listed = listed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(listed.contains("(User runner Address 127.0.0.1/32)"), "{listed}");
    // From another network, the robot is treated like any other user, even if only a group needs a code.
    let far = format!("{KEY} --group admins --robot runner@192.0.2.7 --yes");
    twinlock(&m, &far).ok();
    assert!(!robot_gets_in(&m, "runner") && !key_is_enough(&m, "runner"));
    assert!(key_is_enough(&m, "bob"));
    torn_down(&m, "ssh");
}

#[test]
fn who_is_not_enrolled_is_reminded() {
    let m = staff();
    let said = agreed(&m, &format!("{KEY} --not-enrolled remind"));
    assert!(
        said.contains("--not-enrolled remind: gets in without a code: 2 accounts (bob, runner)."),
        "{said}"
    );
    assert!(settings(&m).contains("action = \"remind\""));
    torn_down(&m, "ssh");
    // Settings that remind need no rule.
    m.settings("not_enrolled = \"remind\"\n");
    let refused = twinlock(&m, KEY);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    agreed(&m, &format!("{KEY} --not-enrolled remind"));
    assert!(!settings(&m).contains("action ="), "{}", settings(&m));
    torn_down(&m, "ssh");
}

#[test]
fn sudo_and_su_ask_members_only() {
    let m = staff();
    let line =
        |service: &str| format!("setup {service} --with password --no-way-back --group admins");
    for service in ["sudo", "su"] {
        agreed(&m, &line(service));
    }
    // Each service has rules of its own.
    twinlock(&m, "teardown sudo --yes").ok();
    assert!(settings(&m).contains("service = \"su\"") && !settings(&m).contains("\"sudo"));
    torn_down(&m, "su");
}

#[test]
fn only_those_who_are_asked_can_be_locked_out() {
    let m = staff();
    m.run(["usermod", "-aG", "admins", "bob"]).ok();
    let said = twinlock(&m, &format!("{KEY} --group admins --yes"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(words(&said).contains("1 of 2 users with a login shell who are asked"), "{said:?}");
    assert!(words(&said).contains("(bob)"), "{said:?}");
    let robot = format!("{KEY} --robot runner --robot bob@192.0.2.7 --yes");
    twinlock(&m, &robot).ok();
}

#[test]
fn what_would_let_in_too_many_is_refused() {
    let m = staff();
    m.user("nokey");
    m.run(["useradd", "-m", "-o", "-u", "0", "-g", "0", "toor"]).ok();
    let before = m.tree("/etc");
    for (options, status, expected) in [
        ("--group absent", 3, "there is no group absent"),
        ("--group a,b", 2, "is no name of a group"),
        ("--network 0.0.0.0/0", 2, "so wide that nearly everybody"),
        ("--network ::/0", 2, "so wide that nearly everybody"),
        ("--network 10.0.0.1/8", 2, "has bits after its prefix"),
        ("--network example.org", 2, "is no network"),
        ("--robot runner@0.0.0.0/0", 2, "so wide that nearly everybody"),
        ("--robot *", 2, "special for sshd"),
        ("--robot root", 1, "root would log in with a key alone"),
        ("--robot toor@192.0.2.7", 1, "root would log in with a key alone"),
        ("--robot nobody-at-all", 1, "there is no such account"),
        ("--robot nokey", 1, "it has no key"),
        ("--robot ada --group admins", 1, "it is a member of the group"),
    ] {
        let said = twinlock(&m, &format!("{KEY} --not-enrolled deny --yes {options}"));
        assert_eq!(said.code, Some(status), "{options}: {said:?}");
        assert!(words(&said).contains(expected), "{options}: {said:?}");
        assert_eq!(m.tree("/etc"), before, "{options}");
    }
    for option in ["--network 192.0.2.0/24", "--robot runner"] {
        let said = twinlock(&m, &format!("setup su --with password --no-way-back --yes {option}"));
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(words(&said).contains("is for ssh"), "{said:?}");
    }
    assert_eq!(m.tree("/etc"), before);
}

#[test]
fn the_proof_finds_a_robot_that_another_line_lets_in() {
    let m = staff();
    // This line is about other addresses, and lets the robot in from there.
    let block = "Match User runner\nAuthenticationMethods publickey\n";
    m.file("/etc/ssh/sshd_config.d/90-late.conf").write(block);
    let before = m.tree("/etc");
    let said = twinlock(&m, &format!("{KEY} --not-enrolled deny --robot runner@192.0.2.7 --yes"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(words(&said).contains("90-late.conf"), "{said:?}");
    assert_eq!(m.tree("/etc"), before);
}

#[test]
fn a_group_of_a_hundred_thousand_is_counted() {
    let m = staff();
    let script = "i=0; while [ $i -lt 100000 ]; do echo \"u$i:x:$((i + 100000)):100::/home:/bin/sh\"; i=$((i + 1)); done >>/etc/passwd
        printf 'all:x:99999:' >>/etc/group; seq -f 'u%.0f' -s , 0 99999 >>/etc/group";
    m.run(["sh", "-c", script]).ok();
    let line = "setup su --with password --no-way-back --unproven";
    let said = twinlock(&m, &format!("{line} --group admins --yes"));
    assert!(words(&said).contains("100003 accounts ("), "{said:?}");
    assert!(words(&said).contains("more)."), "{said:?}");
    let said = twinlock(&m, &format!("{line} --group all --yes"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(words(&said).contains("100000 of 100000 users"), "{said:?}");
}
