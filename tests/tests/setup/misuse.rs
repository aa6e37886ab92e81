//! Tests setup on hosts with faulty configurations: it names what is wrong, and changes nothing.

mod table;

use std::fmt::Write;

use twinlock_tests::{Machine, shipped};

use super::machine;
use table::{Botched, OF_OTHERS, OF_PAM, OF_SSHD};

/// Creates a machine with copies of its good configuration in /root/good, and with the files that the scripts of the
/// table use.
fn workshop() -> Machine {
    let m = machine();
    m.sshd("");
    m.run(["mkdir", "-p", "/root/config/pam.d", "/root/config/sshd_config.d"]).ok();
    for name in ["pam.d/sshd-password", "sshd_config.d/10-twinlock-password.conf"] {
        m.file(&format!("/root/config/{name}")).write(shipped(name));
    }
    m.run(["sh", "-c", "mkdir /root/good; cp -a /etc/pam.d /etc/ssh /etc/twinlock /root/good/"])
        .ok();
    m
}

/// Restores the good configuration, breaks it as `case` says, and runs setup. Returns the output of setup, and a text
/// that says what setup did wrong; this text is empty if setup refused and changed nothing.
fn tried(m: &Machine, case: &Botched) -> [String; 2] {
    let script = format!(
        "set -e
         early() {{ echo \"$1\" >ssh/sshd_config.d/00-early.conf; }}
         late() {{ echo \"$1\" >ssh/sshd_config.d/90-late.conf; }}
         cd /etc; rm -rf pam.d ssh twinlock; cp -a /root/good/* .
         {}",
        case.make
    );
    m.run(["sh", "-c", &script]).ok();
    let state = "cd /etc; find pam.d ssh -printf '%p %m %u %l\\n' | sort; find pam.d ssh -type f | sort | xargs cat; \
                 ls /var/lib/twinlock/setup/*/pending 2>/dev/null";
    let state = || m.run(["sh", "-c", state]).stdout;
    let before = state();
    let line = format!("setup {} --no-way-back --unproven --not-enrolled deny", case.line);
    let said = super::twinlock(m, &line);
    let words = format!("{} {}", said.stdout, said.stderr);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let undo = "[ -e /root/ada ] && mv /root/ada /var/lib/twinlock/users/; mountpoint -q /run/twinlock || \
                mount -t tmpfs -o mode=0700,nosuid,nodev,noexec,size=4m ledger /run/twinlock; true";
    m.run(["sh", "-c", undo]).ok();
    let mut wrong = String::new();
    if state() != before {
        write!(wrong, "something was changed; ").expect("a text");
    }
    if said.code == Some(0) {
        write!(wrong, "it was not refused; ").expect("a text");
    }
    [words, wrong]
}

#[track_caller]
fn all_are_refused(cases: &[Botched]) {
    let m = workshop();
    let mut failed = String::new();
    for case in cases {
        let [said, wrong] = tried(&m, case);
        if !wrong.is_empty() || !said.contains(case.said) {
            writeln!(failed, "{}: {wrong}not {:?} in: {said}", case.name, case.said)
                .expect("a text");
        }
    }
    assert!(failed.is_empty(), "{failed}");
    // The owner can always log in: the good files work as before.
    m.run(["sh", "-c", "cd /etc; rm -rf pam.d ssh twinlock; cp -a /root/good/* ."]).ok();
    super::ssh::logs_in(&m);
}

#[test]
fn botched_sshd_settings_are_refused() {
    all_are_refused(OF_SSHD);
}

#[test]
fn botched_pam_files_are_refused() {
    all_are_refused(OF_PAM);
}

#[test]
fn botched_settings_and_services_are_refused() {
    all_are_refused(OF_OTHERS);
}

#[test]
fn the_table_is_as_long_as_promised() {
    let all = [OF_SSHD, OF_PAM, OF_OTHERS].concat_names();
    assert!(all.len() >= 60, "{}", all.len());
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
}

/// Returns the names of the cases in several tables.
trait Names {
    fn concat_names(&self) -> Vec<&'static str>;
}

impl Names for [&[Botched]; 3] {
    fn concat_names(&self) -> Vec<&'static str> {
        self.iter().flat_map(|cases| cases.iter().map(|case| case.name)).collect()
    }
}
