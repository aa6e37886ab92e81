//! Tests how the ledger stays usable: expired names are removed, and half of its names are reserved for attempts with
//! a proven first factor.

use twinlock_tests::{Finished, First, Machine, Otp, Server};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Creates a machine on which ada is enrolled with an app that shows a new code each second.
fn machine(settings: &str) -> Machine {
    let m = Machine::new();
    m.user("ada").bare().enrolled_with("ada", &every_second());
    m.settings(&format!("tries = 1\nwindow = 10\n{settings}"));
    m
}

fn every_second() -> Otp {
    Otp { period: 1, ..Otp::new(KEY) }
}

#[track_caller]
fn sh(m: &Machine, script: &str) {
    m.run(["sh", "-euc", script]).ok();
}

fn passes(m: &Machine, user: &str, code: &str) -> bool {
    m.asked(user, code).code == Some(0)
}

/// Script that creates `$N` names of attempts that are a day old in the folder `$D`, as weeks of guessing leave them.
const EXPIRED: &str = "umask 077; mkdir -p $D; cd $D; at=$(($(date +%s) - 86500)); \
                       python3 -c \"import os
for i in range($N): os.symlink('$at', f'try.unproven.20000.{i}.192.0.2.9')\"";

#[test]
fn a_folder_full_of_expired_tries_keeps_nobody_out() {
    let m = machine("");
    m.epoch(1500, 0);
    sh(&m, &format!("D=/run/twinlock/users/ada; N=20000; {EXPIRED}; ln -s 1 row.$(date +%s).0"));
    assert!(passes(&m, "ada", &m.code("ada")), "{:?}", m.log());
}

#[test]
fn sweeping_removes_what_is_expired_alone() {
    let m = machine("");
    m.epoch(1500, 0);
    let code = m.code("ada");
    assert!(passes(&m, "ada", &code));
    sh(&m, &format!("D=/run/twinlock/users/ada; N=30; {EXPIRED}; ln -s 1 row.0.7"));
    sh(&m, "ln -s $(date +%s) /run/twinlock/users/ada/try.unproven.20001.0.192.0.2.9");
    sh(&m, &format!("D=/run/twinlock/unknown/00; N=30; {EXPIRED}; ln -s 1 row.0.0"));
    let swept = m.run(["twinlock", "--json", "epoch", "sweep"]);
    assert!(swept.ok().contains("\"removed\":60"), "{swept:?}");
    let left = m.tree("/run/twinlock");
    assert_eq!(left.matches("/try.").count(), 1, "{left}");
    assert!(left.contains("/used.") && left.contains(".37"), "{left}");
    assert!(!passes(&m, "ada", &code));
    let again = m.run(["twinlock", "--json", "epoch", "sweep"]);
    assert!(again.ok().contains("\"removed\":0"), "{again:?}");
}

/// Script that creates two used steps of a key that no record has, one a day old and one a minute old, in the folder
/// `$D`.
const OF_A_REMOVED_KEY: &str = "cd $D; now=$(date +%s); \
    ln -s $((now - 86500)) used.00112233445566778899aabbccddeeff.100; \
    ln -s $((now - 60)) used.00112233445566778899aabbccddeeff.200";

#[test]
fn used_steps_of_removed_keys_are_swept_after_a_day() {
    let m = machine("require_own_code = false\n");
    m.user("reset").enrolled("reset", KEY);
    m.epoch(1500, 0);
    let code = m.code("ada");
    assert!(passes(&m, "ada", &code) && passes(&m, "reset", &m.code("reset")));
    sh(&m, "twinlock remove reset --yes");
    for user in ["ada", "reset"] {
        sh(&m, &format!("D=/run/twinlock/users/{user}; {OF_A_REMOVED_KEY}"));
    }
    // The record of odd is unreadable, so it is unknown whether the key was removed.
    sh(
        &m,
        &format!(
            "mkdir -m 700 /run/twinlock/users/odd; D=/run/twinlock/users/odd; {OF_A_REMOVED_KEY}"
        ),
    );
    // Backdates the used steps of ada's present key by a day.
    sh(
        &m,
        "cd /run/twinlock/users/ada; for i in used.*; do case $i in used.0011*) ;; *) ln -sf $(($(date +%s) - 86500)) $i;; esac; done",
    );
    let swept = m.run(["twinlock", "--json", "epoch", "sweep"]);
    assert!(swept.ok().contains("\"removed\":2,"), "{swept:?} {}", m.tree("/run/twinlock/users"));
    let left = m.tree("/run/twinlock/users");
    assert_eq!(left.matches("/used.0011").count(), 4, "{left}");
    assert_eq!(left.matches("eff.100").count(), 1, "{left}");
    assert!(!passes(&m, "ada", &code), "{left}");
}

#[test]
fn two_sweeps_at_once_remove_what_is_expired_alone() {
    let m = machine("");
    m.epoch(1500, 0);
    let code = m.code("ada");
    assert!(passes(&m, "ada", &code));
    for user in ["ada", "bea", "cy"] {
        sh(&m, &format!("D=/run/twinlock/users/{user}; N=400; {EXPIRED}; ln -s 1 row.0.7"));
        sh(
            &m,
            &format!("ln -s $(date +%s) /run/twinlock/users/{user}/try.proven.20001.0.192.0.2.9"),
        );
    }
    let sweep =
        "twinlock epoch sweep & one=$!; twinlock epoch sweep; two=$?; wait $one && exit $two";
    sh(&m, sweep);
    let left = m.tree("/run/twinlock");
    assert_eq!(left.matches("/try.").count(), 3, "{left}");
    // Expired attempts are counted as failures once, whichever process removes them.
    assert_eq!(left.matches("/row.").count(), 3, "{left}");
    assert_eq!(left.matches(".407 ").count() + left.matches(".7 ").count(), 3, "{left}");
    assert!(!passes(&m, "ada", &code));
}

#[test]
fn sweeping_during_logins_lets_each_code_in_once() {
    let m = machine("");
    m.epoch(1500, 0);
    sh(&m, &format!("D=/run/twinlock/users/ada; N=2000; {EXPIRED}; ln -s 1 row.$(date +%s).0"));
    let mut sweeping = m
        .call([
            "sh",
            "-c",
            "until [ -e /tmp/enough ]; do twinlock epoch sweep || exit 1; done; echo swept",
        ])
        .open();
    for steps in 0..6 {
        let code = m.code_in("ada", steps);
        assert!(passes(&m, "ada", &code), "{steps}: {:?}", m.log());
        assert!(!passes(&m, "ada", &code), "{steps}: {:?}", m.log());
    }
    m.file("/tmp/enough").write("");
    sweeping.expect("swept");
    assert_eq!(m.tree("/run/twinlock").matches("/try.unproven").count(), 0);
}

/// A stack in which the module comes before the first factor, so that the code is asked for before a password.
const FOLLOWS: &str = "auth required pam_twinlock.so first_factor=follows\n\
                       auth required pam_permit.so\naccount required pam_permit.so\n";
/// Source address of all users in these tests.
const FROM: &str = "rhost=192.0.2.1";

/// Calls the module once, before a first factor, with these answers and without libpam's delay.
fn follows(m: &Machine, user: &str, lines: &str) -> Finished {
    let call = m.pamtester_as(&["-I", FROM], "follows", user).input(format!("{lines}\n"));
    let quick = ["--seccomp-bpf", "-qq", "-e", "trace=select,pselect6"];
    let skip = ["-e", "inject=select,pselect6:retval=0"];
    call.strace("/dev/null", &[&quick[..], &skip[..]].concat()).output()
}

/// Returns how many of the ledger's names are in use, in percent.
fn taken(m: &Machine) -> u32 {
    let said = m.run(["df", "--output=ipcent", "/run/twinlock"]);
    let percent = said.ok().lines().last().unwrap_or_default().trim().trim_end_matches('%');
    percent.parse().expect("percent")
}

/// Creates names in the ledger until `thousandth` per thousand of its names are in use.
fn take(m: &Machine, thousandth: u32) {
    sh(m, "mount -o remount,nr_inodes=2000 /run/twinlock; rm -f /run/twinlock/fill.*");
    let used = "$(df --output=iused /run/twinlock | tail -1)";
    let script = format!(
        "cd /run/twinlock; for i in $(seq {used} $(({thousandth} * 2 - 1))); do ln -s x fill.$i; done"
    );
    sh(m, &script);
}

#[test]
fn wrong_codes_for_known_names_leave_room_for_proven_logins() {
    let m = Machine::new();
    m.twinlock().person("ada").server(Server::Publickey);
    m.user("bob").pam("follows", FOLLOWS);
    m.file("/etc/sudoers.d/none").write("").mode(0o440);
    let names: Vec<String> = (0..200).map(|number| format!("known{number}")).collect();
    let line =
        |(number, name): (usize, &String)| format!("{name}:x:{}:100::/:/bin/sh\n", 30_000 + number);
    m.file("/etc/passwd").append(names.iter().enumerate().map(line).collect::<String>());
    sh(&m, "mount -o remount,nr_inodes=1024 /run/twinlock");
    assert!(taken(&m) < 30, "{} %", taken(&m));
    let guesses = "000000\n000000\n000000";
    for name in &names {
        assert_ne!(follows(&m, name, guesses).code, Some(0));
    }
    assert!((50..=76).contains(&taken(&m)), "{} %", taken(&m));
    // A code that is refused for lack of space was not compared: a correct code is refused, too.
    let code = m.code("ada");
    assert_ne!(follows(&m, "ada", &format!("{code}\n{code}\n{code}")).code, Some(0));
    assert_eq!(m.logged("reason=ledger_reserved").len(), 1, "{:?}", m.log());
    let mut s = m.at_the_prompt("ada", First::Key);
    s.send_line(&m.code("ada"));
    assert_eq!(s.logged_in_as().as_deref(), Some("ada"), "{}", s.transcript());
    let before = taken(&m);
    for name in &names {
        follows(&m, name, guesses);
    }
    assert!(taken(&m) <= before, "{} %", taken(&m));
    let doctor = m.run(["twinlock", "doctor", "ssh"]);
    assert!(doctor.stdout.contains("of the ledger's names are in use"), "{doctor:?}");
}

#[test]
fn known_sources_get_in_where_strangers_have_taken_half() {
    let m = machine("");
    m.pam("follows", FOLLOWS).pam("proven", &FOLLOWS.replace("follows", "stack"));
    let known = m.pamtester_as(&["-I", FROM], "proven", "ada");
    known.input(format!("{}\n", m.code("ada"))).output().ok();
    m.user("eve").enrolled("eve", KEY);
    take(&m, 490);
    assert_eq!(follows(&m, "eve", &m.code("eve")).code, Some(0), "{:?}", m.log());
    take(&m, 600);
    assert_eq!(follows(&m, "ada", &m.code_in("ada", 3)).code, Some(0), "{:?}", m.log());
    assert_ne!(follows(&m, "eve", &m.code_in("eve", 1)).code, Some(0));
    take(&m, 800);
    let before = m.tree("/run/twinlock/users");
    assert_ne!(follows(&m, "ada", &m.code_in("ada", 6)).code, Some(0));
    assert_eq!(m.tree("/run/twinlock/users").lines().count(), before.lines().count());
    // Only a user with a proven first factor gets a new ledger folder.
    m.user("new").enrolled_with("new", &every_second());
    assert_ne!(follows(&m, "new", &m.code("new")).code, Some(0));
    assert!(!m.file("/run/twinlock/users/new").exists());
    assert!(passes(&m, "new", &m.code_in("new", 2)), "{:?}", m.log());
    assert!(passes(&m, "ada", &m.code_in("ada", 9)), "{:?}", m.log());
    // Once enough names are free again, a code is accepted before a first factor.
    take(&m, 200);
    assert_eq!(follows(&m, "eve", &m.code_in("eve", 1)).code, Some(0), "{:?}", m.log());
}

#[test]
fn session_held_open_since_the_reserve_is_refused() {
    let m = machine("");
    m.pam("follows", FOLLOWS);
    take(&m, 800);
    let mut held = m.pamtester_as(&["-I", FROM], "follows", "ada").open();
    held.expect("Verification code");
    let code = m.code("ada");
    assert!(passes(&m, "ada", &code), "{:?}", m.log());
    // A sweep, or a refund, frees names while the session waits.
    take(&m, 200);
    held.send_line(&code);
    assert_ne!(held.exit_code(), Some(0), "{:?}", m.log());
    assert_eq!(m.logged("event=accepted").len(), 1, "{:?}", m.log());
    assert_eq!(m.logged("reason=ledger_reserved").len(), 1, "{:?}", m.log());
    assert!(!m.tree("/run/twinlock/unknown").contains("used."));
    assert_eq!(follows(&m, "ada", &m.code_in("ada", 3)).code, Some(0), "{:?}", m.log());
}
