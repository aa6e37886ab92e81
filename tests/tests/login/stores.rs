//! Tests stores that are full, read-only, missing, foreign or failing. Checks that ordinary logins work if possible,
//! and that every other login is refused with its reason.

use twinlock_tests::{First, Machine, Otp, Server};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Creates a machine on which ada is enrolled with an app that shows a new code each second, and carol is not enrolled.
fn machine(settings: &str) -> Machine {
    let m = Machine::new();
    m.user("ada").user("carol").bare();
    m.enrolled_with("ada", &Otp { period: 1, ..Otp::new(KEY) });
    m.settings(&format!("tries = 1\nwindow = 10\n{settings}"));
    m
}

fn sh(m: &Machine, script: &str) {
    m.run(["sh", "-euc", script]).ok();
}

/// Clears the ledger of all users.
fn forget(m: &Machine) {
    sh(m, "rm -rf /run/twinlock/users");
}

fn passes(m: &Machine, user: &str, code: &str) -> bool {
    m.asked(user, code).code == Some(0)
}

/// Checks that a login of `user` with the answer `code` is refused. Returns the log lines about it.
#[track_caller]
fn refused(m: &Machine, user: &str, code: &str) -> String {
    let before = m.log().len();
    let said = m.asked(user, code);
    let log = m.log()[before..].join("\n");
    assert_ne!(said.code, Some(0), "{user} passes: {log}");
    log
}

fn by_sshd() -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").server(Server::Publickey);
    m
}

#[track_caller]
fn ada_gets_in_by_sshd(m: &Machine) {
    let mut s = m.at_the_prompt("ada", First::Key);
    s.send_line(&m.code("ada"));
    assert_eq!(s.logged_in_as().as_deref(), Some("ada"), "{}", s.transcript());
}

#[test]
fn a_read_only_var_stops_nobody() {
    let m = by_sshd();
    sh(&m, "mount --bind /var /var; mount -o remount,bind,ro /var; ! touch /var/x 2>/dev/null");
    let before = m.tree("/var/lib/twinlock");
    ada_gets_in_by_sshd(&m);
    assert_eq!(m.tree("/var/lib/twinlock"), before);
    assert_eq!(m.logged("event=accepted").len(), 1);
}

/// Script that uses up every free inode of the tmpfs at `$W`, which has at most 1,024 inodes.
const TAKE_INODES: &str = "i=0; while true >$W/fill.$i; do i=$((i + 1)); done 2>/dev/null";

#[test]
fn a_full_var_stops_nobody() {
    let m = by_sshd();
    let fill = "cp -a /var/lib /tmp/lib; \
                mount -t tmpfs -o mode=0755,size=64k,nr_inodes=128 full /var/lib; \
                cp -a /tmp/lib/twinlock /var/lib; \
                ! head -c 1m /dev/zero 2>/dev/null >/var/lib/fill; W=/var/lib; ";
    sh(&m, &format!("{fill}{TAKE_INODES}; ! mkdir $W/x 2>/dev/null"));
    ada_gets_in_by_sshd(&m);
    assert!(!m.tree("/var/lib/twinlock").contains("known."));
}

#[test]
fn a_full_run_stops_nobody() {
    let m = by_sshd();
    sh(&m, "mount -o remount,size=64k /run; ! head -c 1m /dev/zero 2>/dev/null >/run/fill");
    ada_gets_in_by_sshd(&m);
}

#[test]
fn a_ledger_without_a_free_block_stops_nobody() {
    let m = by_sshd();
    sh(&m, "! head -c 8m /dev/zero 2>/dev/null >/run/twinlock/fill");
    sh(&m, "test $(df --output=avail /run/twinlock | tail -1) = 0");
    ada_gets_in_by_sshd(&m);
    assert!(m.tree("/run/twinlock/users").contains("/used."));
}

#[test]
fn a_ledger_without_a_free_inode_refuses_with_a_reason() {
    let m = machine("");
    sh(&m, "mount -o remount,nr_inodes=1024 /run/twinlock");
    for first_login in [true, false] {
        forget(&m);
        if !first_login {
            assert!(passes(&m, "ada", &m.code("ada")));
        }
        sh(&m, &format!("W=/run/twinlock; {TAKE_INODES}; ! ln -s x $W/x 2>/dev/null"));
        let log = refused(&m, "ada", &m.code_in("ada", 3));
        assert!(log.contains("reason=ledger_io") && log.starts_with("<84>"), "{log}");
        sh(&m, "rm /run/twinlock/fill.*");
    }
    assert!(passes(&m, "ada", &m.code_in("ada", 6)));
}

#[test]
fn without_a_log_logins_go_on() {
    let m = machine("");
    m.no_log_daemon();
    assert!(passes(&m, "ada", &m.code("ada")));
    m.deaf_log_daemon();
    // Fills the queue of the daemon, until a client that waits for the daemon blocks.
    sh(&m, "for i in $(seq 600); do timeout 1 logger -t fill x || exit 0; done; exit 1");
    for steps in [2, 3] {
        let said = m.asking("ada", &m.code_in("ada", steps), &["-e", "trace=sendto"]).output();
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(m.trace("/tmp/trace").mentioning("EAGAIN").len() == 1);
    }
}

#[test]
fn whoever_comes_with_a_key_is_told_that_the_record_cannot_be_read() {
    let m = by_sshd();
    sh(&m, "chmod 644 /var/lib/twinlock/users/ada/record.1.toml");
    let mut s = m.past_the_first_factor("ada", First::Key);
    s.expect("Your record cannot be read. Ask your administrator").expect("(twinlock why ada)");
    s.expect("Press Enter to end").send_line(&m.code("ada"));
    assert!(!s.logged_in(), "{}", s.transcript());
    assert!(!m.logged("reason=record_too_open").is_empty(), "{:?}", m.log());
    sh(&m, "chmod 600 /var/lib/twinlock/users/ada/record.1.toml");
    ada_gets_in_by_sshd(&m);
}

/// Shell commands that damage the store, each with the expected reason in the log. With such damage, the store does
/// not prove that carol has no record.
const UNPROVEN: [(&str, &str); 22] = [
    ("rm -rf $V", "records_missing"),
    ("mount -t tmpfs -o mode=0755 other $V", "record_too_open"),
    ("mount -t tmpfs -o mode=0700 other $V", "store_id_missing"),
    ("rm -rf $V/users", "records_missing"),
    ("rm -rf $V/uids", "records_missing"),
    ("rm $V/store-id", "store_id_missing"),
    ("rm $E/store-id", "store_id_mismatch"),
    ("tr 0-9a-f 1-9a-f0 <$E/store-id >/tmp/id; cat /tmp/id >$E/store-id", "store_id_mismatch"),
    ("tr 0-9a-f 1-9a-f0 <$E/store-id >/tmp/id; cat /tmp/id >$V/store-id", "store_id_mismatch"),
    (": >$V/store-id", "store_id_mismatch"),
    (": >$V/store-id; : >$E/store-id", "store_id_mismatch"),
    ("head -c 33 /dev/zero | tee $V/store-id >$E/store-id", "store_id_mismatch"),
    ("head -c 33 /dev/urandom | tee $V/store-id >$E/store-id", "store_id_mismatch"),
    ("echo x >>$V/store-id; echo x >>$E/store-id", "record_too_large"),
    ("truncate -s 1G $E/store-id", "record_too_large"),
    ("rm $E/store-id; ln -s $V/store-id $E/store-id", "record_symlink"),
    ("rm $V/store-id; ln -s $E/store-id $V/store-id", "record_symlink"),
    ("rm $V/store-id; mkfifo -m 600 $V/store-id", "record_wrong_kind"),
    ("rm $E/store-id; mkdir $E/store-id", "record_wrong_kind"),
    ("chmod 622 $E/store-id", "record_too_open"),
    ("chown 1 $V/store-id", "record_wrong_owner"),
    ("rm $E/store-id; mkfifo -m 600 $E/store-id", "record_wrong_kind"),
];

#[test]
fn nobody_counts_as_not_enrolled_without_proof() {
    let m = machine("not_enrolled = \"allow\"\n");
    let places = "V=/var/lib/twinlock; E=/etc/twinlock; ";
    sh(&m, "cp -a /var/lib/twinlock /root/var; cp -a /etc/twinlock /root/etc");
    assert!(passes(&m, "carol", ""), "{:?}", m.log());
    for (damage, reason) in UNPROVEN {
        forget(&m);
        sh(&m, &format!("{places}{damage}"));
        let log = refused(&m, "carol", "");
        assert!(log.contains(&format!("reason={reason}")), "{damage}: {log}");
        let kept = m.tree("/run/twinlock/users/carol");
        assert!(kept.contains(&format!(" {reason} bare ")), "{damage}: {kept}");
        let why = m.run(["twinlock", "--json", "why", "carol"]);
        assert!(why.stdout.contains(&format!("\"{reason}\"")), "{damage}: {why:?}");
        sh(
            &m,
            &format!(
                "{places} umount $V 2>/dev/null || :; rm -rf $V $E; cp -a /root/var $V; \
                 cp -a /root/etc $E"
            ),
        );
    }
    assert!(passes(&m, "carol", ""), "{:?}", m.log());
}

#[test]
fn an_enrolled_person_does_not_get_in_while_the_records_are_elsewhere() {
    let m = machine("not_enrolled = \"allow\"\n");
    sh(&m, "mount -t tmpfs -o mode=0700 other /var/lib/twinlock");
    let log = refused(&m, "ada", &m.code("ada"));
    assert!(log.contains("reason=store_id_missing"), "{log}");
    sh(&m, "umount /var/lib/twinlock");
    assert!(passes(&m, "ada", &m.code_in("ada", 2)));
}

#[test]
fn a_record_is_for_its_user_id_and_a_user_id_for_its_record() {
    let m = machine("not_enrolled = \"allow\"\n");
    let uid = m.uid("ada");
    let accounts = m.file("/etc/passwd").read();
    m.file("/etc/passwd").write(accounts.replace(&format!("ada:x:{uid}:"), "ada:x:29999:"));
    let log = refused(&m, "ada", &m.code("ada"));
    assert!(log.contains("reason=record_other_uid"), "{log}");
    // A second account has ada's uid.
    m.file("/etc/passwd").write(accounts).append(format!("alias:x:{uid}:{uid}::/:/bin/sh\n"));
    let log = refused(&m, "alias", "");
    assert!(log.contains("reason=uid_of_another"), "{log}");
    assert!(passes(&m, "ada", &m.code_in("ada", 2)));
}
