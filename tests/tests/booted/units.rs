//! Tests the package's units under systemd: at boot, for notifications, and after a purge.

use twinlock_tests::{Booted, shipped};

const UNITS: [&str; 6] = [
    "run-twinlock.mount",
    "twinlock-epoch.service",
    "twinlock-deliver.path",
    "twinlock-deliver.timer",
    "twinlock-sweep.timer",
    "twinlock-agent.socket",
];

#[track_caller]
fn property(b: &Booted, unit: &str, name: &str) -> String {
    b.run(&format!("systemctl show --value --property={name} {unit}")).ok().trim().to_owned()
}

#[track_caller]
fn instant(b: &Booted, unit: &str, name: &str) -> u64 {
    property(b, unit, name).parse().expect("microseconds")
}

#[track_caller]
fn units_stand(b: &Booted) {
    for unit in UNITS {
        assert_eq!(property(b, unit, "ActiveState"), "active", "{unit}");
    }
    assert_eq!(b.run("systemctl --failed --quiet").ok(), "");
    let mounted = b.run("findmnt --noheadings --output FSTYPE,OPTIONS /run/twinlock");
    let options = mounted.ok();
    assert!(options.starts_with("tmpfs"), "{options}");
    for option in ["noexec", "nosuid", "nodev", "size=16384k", "nr_inodes=131072", "mode=700"] {
        assert!(options.contains(option), "no {option} in {options}");
    }
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn at_the_start_the_ledger_has_its_epoch_before_sshd_listens() {
    let b = Booted::new();
    units_stand(&b);
    let epoch = instant(&b, "twinlock-epoch.service", "ActiveEnterTimestampMonotonic");
    let sshd = instant(&b, "ssh.service", "ExecMainStartTimestampMonotonic");
    assert!(epoch > 0 && epoch < sshd, "{epoch} and {sshd}");
    assert_ne!(property(&b, "twinlock-deliver.timer", "NextElapseUSecMonotonic"), "");
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn each_start_is_an_epoch_of_its_own() {
    let b = Booted::new();
    b.settings("").user("ada").enrolled("ada");
    let epoch = || b.run("readlink /run/twinlock/epoch").ok().to_owned();
    let (before, code) = (epoch(), b.code("ada"));
    b.restart();
    let after = epoch();
    assert_ne!(before.split('.').next(), after.split('.').next());
    units_stand(&b);
    // After the restart it is unknown whether `code` was used, so it is refused.
    b.write("/etc/pam.d/sshd", &shipped("pam.d/sshd-publickey"));
    b.write(
        "/etc/ssh/sshd_config.d/10-twinlock.conf",
        &shipped("sshd_config.d/10-twinlock-publickey.conf"),
    );
    b.run("systemctl restart ssh").ok();
    let mut session = b.login("ada", &[]);
    session.expect("Verification code").send_line(&code);
    assert_ne!(session.give_up(), Some(0));
    b.epoch_minutes_ago(10);
    let mut session = b.login("ada", &[]);
    session.expect("Verification code").send_line(&b.code("ada")).expect("$ ");
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_letter_starts_the_delivery() {
    let b = Booted::new();
    b.user("ada").write("/usr/local/bin/takes-mail", "#!/bin/sh\ncat >>/var/mail/all\n");
    b.run("chmod 755 /usr/local/bin/takes-mail").ok();
    b.settings("mail_domain = \"example.org\"\nsendmail = \"/usr/local/bin/takes-mail\"\n");
    b.run("ln -s '1800000000 sshd 203.0.113.7 - 3' /var/lib/twinlock/outbox/ada@reset").ok();
    let mails = || b.run("cat /var/mail/all").stdout;
    b.until("the letter is sent", || mails().contains("\n\n"));
    assert_eq!(mails().matches("To: <ada@example.org>\n").count(), 1, "{}", mails());
    assert_eq!(b.run("ls /var/lib/twinlock/outbox | grep ^ada@").stdout, "");
    // The service has not failed, and the path unit waits for the next notification.
    assert_eq!(property(&b, "twinlock-deliver.path", "ActiveState"), "active");
    assert_eq!(property(&b, "twinlock-deliver.service", "Result"), "success");
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn purged_it_locks_nobody_out_now_or_after_the_next_start() {
    let b = Booted::new();
    b.settings("").user("ada").enrolled("ada");
    b.run("cp /etc/pam.d/sshd /root/sshd.before").ok();
    b.write("/etc/pam.d/sshd", &shipped("pam.d/sshd-publickey"));
    let refused = b.run("dpkg --purge twinlock");
    assert!(
        refused.code != Some(0) && refused.stderr.contains("/etc/pam.d/sshd, line "),
        "{refused:?}"
    );
    units_stand(&b);
    b.run("mv /root/sshd.before /etc/pam.d/sshd").ok();
    b.run("dpkg --purge twinlock").ok();
    assert_ne!(b.run("findmnt /run/twinlock").code, Some(0));
    assert_eq!(b.ssh("ada", "id -un", "").ok(), "ada\n");
    b.restart();
    assert_eq!(b.ssh("ada", "id -un", "").ok(), "ada\n");
    assert_eq!(b.run("systemctl --failed --quiet").ok(), "");
    let left = "find /etc/systemd /lib/systemd /etc/pam.d /run -name '*twinlock*' -not -path '/run/systemd/*'";
    assert_eq!(b.run(left).ok(), "");
    b.run("dpkg --install /root/twinlock.deb").ok();
    units_stand(&b);
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn upgrade_starts_no_disabled_unit_and_keeps_the_ledger() {
    let b = Booted::new();
    let epoch = b.run("readlink /run/twinlock/epoch").ok().to_owned();
    b.run("systemctl disable --now twinlock-deliver.timer twinlock-deliver.path").ok();
    b.run("dpkg --install /root/twinlock.deb").ok();
    for unit in ["twinlock-deliver.timer", "twinlock-deliver.path"] {
        assert_eq!(property(&b, unit, "ActiveState"), "inactive", "{unit}");
        assert_eq!(property(&b, unit, "UnitFileState"), "disabled", "{unit}");
    }
    assert_eq!(b.run("readlink /run/twinlock/epoch").ok(), epoch);
    // An upgrade does not start a disabled unit either that another unit wants.
    b.run("systemctl disable --now run-twinlock.mount").ok();
    let said = b.run("dpkg --install /root/twinlock.deb");
    said.ok();
    assert_eq!(property(&b, "run-twinlock.mount", "ActiveState"), "inactive");
    assert!(said.stderr.contains("systemctl start run-twinlock.mount"), "{}", said.stderr);
    b.run("systemctl enable --now run-twinlock.mount && systemctl enable twinlock-deliver.timer")
        .ok();
    b.run("systemctl enable twinlock-deliver.path && dpkg --install /root/twinlock.deb").ok();
    units_stand(&b);
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn policy_that_says_no_keeps_every_unit_off() {
    let b = Booted::new();
    let stopped = format!("systemctl stop {}", UNITS.join(" "));
    b.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");
    b.run("chmod 755 /usr/sbin/policy-rc.d").ok();
    for install in [
        "dpkg --install /root/twinlock.deb",
        "dpkg --purge twinlock; dpkg --install /root/twinlock.deb",
    ] {
        b.run(&stopped);
        b.run(install).ok();
        for unit in UNITS {
            assert_eq!(property(&b, unit, "ActiveState"), "inactive", "{unit}: {install}");
        }
    }
    b.run("rm /usr/sbin/policy-rc.d && dpkg --install /root/twinlock.deb").ok();
    units_stand(&b);
}

/// Checks that the unit's sandbox allows what the removal of expired ledger entries needs: access to the ledger and the
/// records.
#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn the_sweep_removes_what_is_expired_in_its_sandbox() {
    let b = Booted::new();
    b.settings("").user("ada").enrolled("ada");
    let folder = "/run/twinlock/users/ada";
    // Used steps, and a current attempt. The steps are so far below the newest one that they are refused even without a
    // ledger name, so the sweep removes their names.
    let names = "umask 077; mkdir -p $D; cd $D; now=$(date +%s); \
                 for i in $(seq 30) 1000000; do ln -s $now used.00112233445566778899aabbccddeeff.$i; done; \
                 ln -s $now try.proven.20001.0.192.0.2.9";
    b.run(&format!("D={folder}; {names}")).ok();
    b.run("systemctl start twinlock-sweep.service").ok();
    assert_eq!(property(&b, "twinlock-sweep.service", "Result"), "success");
    let said = b.run("journalctl --sync; journalctl --output=cat --unit=twinlock-sweep.service");
    assert!(
        said.ok().contains("removed from the ledger: 30. Folders that could not be read: 0"),
        "{said:?}"
    );
    let left = b.run(&format!("ls {folder}"));
    assert!(left.ok().contains("try.proven") && left.ok().contains(".1000000\n"), "{left:?}");
    assert_eq!(left.ok().matches("used.0011").count(), 1, "{left:?}");
}
