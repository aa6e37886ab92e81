//! Kills `twinlock enroll` at every step, and runs it on a full disk and without a ledger. Checks that the user is
//! enrolled completely or not at all.

use twinlock_tests::{Finished, Machine, Otp, key_shown, says_in_force, thorough};

/// What the command prints if the user is not enrolled.
const OLD: &str = "nothing was changed";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada");
    m.pam(
        "probe",
        "auth required pam_twinlock.so first_factor=stack\nauth optional pam_permit.so\n",
    );
    m
}

/// Returns an app with another key for each round of a test, so that the used codes of earlier rounds do not matter.
fn app(round: usize) -> Otp {
    let letter =
        |place: u32| char::from(b'A' + u8::try_from(round / 26_usize.pow(place) % 26).unwrap());
    Otp::new(&format!("{}{}{}", letter(0), letter(1), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3P"))
}

fn typed(otp: &Otp) -> String {
    format!("{}\n{}\n", otp.key, otp.in_steps(0))
}

fn enroll(m: &Machine, otp: &Otp) -> Finished {
    let call = m.call(["twinlock", "enroll", "ada", "--secret-stdin", "--svg", "/root/qr.svg"]);
    call.input(typed(otp)).output()
}

fn is_enrolled(m: &Machine) -> bool {
    let status = m.run(["twinlock", "status", "ada"]);
    let enrolled = status.ok().starts_with("ada is enrolled");
    assert!(enrolled || status.ok().starts_with("ada is not enrolled"), "{status:?}");
    enrolled
}

/// Returns the target of the link from ada's user id to her user name. The target begins with `+` while a first record
/// is being written.
fn holder(m: &Machine) -> String {
    m.run(["sh", "-c", "readlink /var/lib/twinlock/uids/*"]).stdout.trim().to_owned()
}

/// Ends a round in which the command was killed or failed. Checks that ada is either enrolled with the app `otp` or
/// not enrolled at all, and that the command can be repeated. Then removes ada for the next round.
fn all_or_nothing(m: &Machine, what: &str, round: usize, otp: &Otp) {
    let known = |otp: &Otp| {
        let verify = m.call(["twinlock", "verify", "ada"]);
        let said = verify.input(format!("{}\n", otp.in_steps(1))).output();
        assert_eq!(said.code, Some(0), "{what} {round}: {said:?}");
    };
    m.run(["rm", "-f", "/root/qr.svg"]).ok();
    if is_enrolled(m) {
        known(otp);
        // A repeated command reports the enrollment, and completes what was interrupted after the record was stored.
        assert_eq!(enroll(m, otp).code, Some(3), "{what} {round}");
    } else {
        m.settings("not_enrolled = \"allow\"\n");
        m.pamtester("probe", "ada").output().ok();
        m.settings("");
        let again = app(round + 300);
        enroll(m, &again).ok();
        known(&again);
    }
    assert_eq!(holder(m), "ada", "{what} {round}");
    m.run(["rm", "-f", "/root/qr.svg"]).ok();
    // Not by `twinlock remove`: its tombstone would prove what a first enrollment has to prove without one.
    m.run(["sh", "-c", "rm -r /var/lib/twinlock/users/* /var/lib/twinlock/uids/*"]).ok();
}

#[test]
fn killed_at_any_call_that_writes() {
    let m = machine();
    let mut round = 0;
    let calls = [
        "mkdirat",
        "symlinkat",
        "openat",
        "write",
        "fchmod",
        "fsync",
        "renameat2",
        "unlinkat",
        "utimensat",
    ];
    for call in calls {
        for nth in 1.. {
            round += 1;
            let otp = app(round);
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let command =
                m.call(["twinlock", "enroll", "ada", "--secret-stdin", "--svg", "/root/qr.svg"]);
            let cut = command.input(typed(&otp)).strace("/dev/null", &["-e", &inject]).output();
            all_or_nothing(&m, &inject, round, &otp);
            if cut.code == Some(0) {
                break;
            }
        }
    }
    assert!(round > 30, "{round}");
}

/// Kills `twinlock enroll` at each of its system calls. Checks that up to a certain call ada is not enrolled
/// afterwards, and from that call on she is enrolled.
#[test]
fn killed_anywhere_nobody_is_half_enrolled() {
    let m = machine();
    m.settings("window = 10\n");
    let otp = app(2);
    let cut = m.cut("enroll ada --secret-stdin --svg /root/report.svg", &typed(&otp));
    let mut found = Vec::new();
    for place in cut.places(|place| thorough() || place.writes()) {
        cut.killed(&place);
        found.push(is_enrolled(&m));
        all_or_nothing(&m, &place.what, found.len(), &otp);
    }
    assert!(found.is_sorted() && !found[0] && found.contains(&true), "{found:?}");
}

#[test]
fn refused_by_the_disk_at_any_call() {
    let m = machine();
    let mut round = 0;
    for (call, error) in [
        ("renameat2", "EIO"),
        ("fsync", "EIO"),
        ("fsync", "ENOSPC"),
        ("fchmod", "EROFS"),
        ("symlinkat", "ENOSPC"),
    ] {
        for nth in 1.. {
            round += 1;
            let otp = app(round);
            let inject = format!("inject={call}:error={error}:when={nth}");
            let command =
                m.call(["twinlock", "enroll", "ada", "--secret-stdin", "--svg", "/root/qr.svg"]);
            let cut = command.input(typed(&otp)).strace("/dev/null", &["-e", &inject]).output();
            let said = cut.stderr.replace('\n', " ");
            let told = match is_enrolled(&m) {
                true => cut.code == Some(0) || says_in_force(&said),
                false => said.contains(OLD) && !says_in_force(&said),
            };
            assert!(told && matches!(cut.code, Some(0 | 2 | 6)), "{inject}: {cut:?}");
            all_or_nothing(&m, &inject, round, &otp);
            if cut.code == Some(0) {
                break;
            }
        }
    }
}

#[test]
fn a_full_and_a_read_only_disk_are_said_and_leave_nothing() {
    let m = machine();
    m.run(["sh", "-c", "mkdir /tmp/store && cp -a /var/lib/twinlock/. /tmp/store"]).ok();
    m.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "small", "/var/lib/twinlock"]).ok();
    m.run(["cp", "-a", "/tmp/store/.", "/var/lib/twinlock"]).ok();
    m.run(["sh", "-c", "cat /dev/zero >/var/lib/twinlock/filler 2>/dev/null; true"]).ok();
    let before = m.tree("/var/lib/twinlock/users");
    for (state, otp) in [("full", app(1)), ("ro", app(3))] {
        let refused = enroll(&m, &otp);
        assert_eq!(refused.code, Some(6), "{state}: {refused:?}");
        let said = refused.stderr.replace('\n', " ");
        let io = "twinlock: the record could not be read or written (record_io); ";
        assert!(said.starts_with(io), "{said}");
        assert!(said.contains(OLD), "{state}: {said}");
        assert!(!m.file("/root/qr.svg").exists());
        assert!(!m.tree("/var/lib/twinlock/users").contains("record."), "{before}");
        m.run(["rm", "-f", "/var/lib/twinlock/filler"]);
        assert!(!is_enrolled(&m));
        m.run(["mount", "-o", "remount,ro", "/var/lib/twinlock"]).ok();
    }
    m.run(["mount", "-o", "remount,rw", "/var/lib/twinlock"]).ok();
    enroll(&m, &app(2)).ok();
}

#[test]
fn without_a_ledger_nobody_is_enrolled() {
    let m = machine();
    m.run(["umount", "/run/twinlock"]).ok();
    let said = enroll(&m, &app(1));
    assert_eq!(said.code, Some(6), "{said:?}");
    assert!(said.stderr.contains("ledger_not_mounted"), "{said:?}");
    assert!(said.stderr.contains("Start the mount unit first"), "{said:?}");
    assert!(said.stderr.contains("/run/twinlock"), "{said:?}");
    assert!(!is_enrolled(&m));
}

#[test]
fn without_a_ledger_no_key_is_shown_that_no_code_could_prove() {
    let m = machine();
    m.run(["umount", "/run/twinlock"]).ok();
    let mut s = m.call(["twinlock", "enroll", "ada"]).open();
    s.expect("ledger_not_mounted");
    assert_eq!(s.exit_code(), Some(6), "{}", s.transcript());
    assert_eq!(key_shown(&s.transcript()).map(|_| ()), None, "{}", s.transcript());
    assert!(!is_enrolled(&m));
}
