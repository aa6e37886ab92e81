//! Tests logins while the clock jumps ahead or back and the host restarts. Checks that no code works again, and that
//! users are not locked out for long.

use std::thread;

use twinlock_tests::{Machine, Server, now};

const IN: &str = "successfully authenticated";
const STEP: i64 = 30;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Creates a machine whose ledger began half an hour ago, in the current boot.
fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().proven("one").app_only("ada").epoch(30, 0);
    m
}

/// Returns a time of tomorrow, in the middle of a time step. Tests shift the clock of every program to this time.
fn noon() -> i64 {
    let tomorrow = i64::try_from(now()).expect("a time") + DAY;
    tomorrow - tomorrow % STEP + STEP / 3
}

fn code(m: &Machine, at: i64) -> String {
    m.otp("ada").at(u64::try_from(at).expect("a time after 1970"))
}

/// Returns the shift in seconds of a clock that shows the time `at`.
fn off(at: i64) -> i64 {
    at - i64::try_from(now()).expect("a time")
}

/// Returns whether ada can log in while the clock shows `at`. She types the codes of the times `moments` one after the
/// other.
fn gets_in(m: &Machine, at: i64, moments: &[i64]) -> bool {
    let codes: Vec<_> = moments.iter().map(|moment| code(m, *moment)).collect();
    let call = m.pamtester("one", "ada").clock(off(at)).input(codes.join("\n") + "\n");
    call.output().stdout.contains(IN)
}

fn jump(by: i64) {
    let (m, start) = (machine(), noon());
    let there = start + by;
    assert!(gets_in(&m, start, &[start]), "{by}: {:?}", m.log());
    assert!(!gets_in(&m, there, &[start]), "{by}: {:?}", m.log());
    assert!(gets_in(&m, there, &[there]), "{by}: {:?}", m.log());
    assert!(!gets_in(&m, there, &[there, start]), "{by}: {:?}", m.log());
    assert!(!gets_in(&m, start, &[start, there]), "{by}: {:?}", m.log());
    assert!(gets_in(&m, start, &[start + STEP]), "{by}: {:?}", m.log());
    assert!(!gets_in(&m, start, &[start, start + STEP]), "{by}: {:?}", m.log());
    assert!(!gets_in(&m, there, &[there, start + STEP]), "{by}: {:?}", m.log());
    assert!(gets_in(&m, there, &[there + STEP]), "{by}: {:?}", m.log());
}

#[test]
fn a_clock_that_jumps_and_returns_brings_no_code_back_and_shuts_nobody_out() {
    thread::scope(|scope| {
        for by in [90, HOUR, DAY] {
            scope.spawn(move || jump(by));
            scope.spawn(move || jump(-by));
        }
    });
}

#[test]
fn within_a_jump_of_a_minute_no_code_works_twice() {
    thread::scope(|scope| {
        for by in [60, -60] {
            scope.spawn(move || {
                let (m, start) = (machine(), noon());
                assert!(gets_in(&m, start, &[start]), "{by}: {:?}", m.log());
                assert!(!gets_in(&m, start + by, &[start]), "{by}: {:?}", m.log());
                assert!(gets_in(&m, start + by, &[start + by + by.signum() * STEP]));
                assert!(!gets_in(&m, start, &[start]), "{by}: {:?}", m.log());
                assert!(!gets_in(&m, start + by, &[start, start + by + by.signum() * STEP]));
                assert!(gets_in(&m, start + 120, &[start + 120]), "{by}: {:?}", m.log());
            });
        }
    });
}

#[test]
fn after_forty_logins_a_clock_set_back_fifty_steps_lets_the_owner_in() {
    let (m, start) = (machine(), noon());
    for step in 0..40 {
        let at = start + step * STEP;
        assert!(gets_in(&m, at, &[at]), "{step}: {:?}", m.log());
    }
    let back = start + 39 * STEP - 50 * STEP;
    assert!(gets_in(&m, back, &[back]), "{:?}", m.log());
    assert!(!gets_in(&m, back, &[back]), "{:?}", m.log());
    for step in [0, 20, 39] {
        let at = start + step * STEP;
        assert!(!gets_in(&m, at, &[at]), "{step}: {:?}", m.log());
    }
    let on = start + 40 * STEP;
    assert!(gets_in(&m, on, &[on]), "{:?}", m.log());
}

/// Restarts the machine with a clock that shows `at`. The ledger is then empty, and the boot id is new.
fn restart(m: &Machine, at: i64) {
    let remount = "umount /run/twinlock; mount -t tmpfs -o mode=0700 ledger /run/twinlock";
    m.run(["sh", "-c", remount]).ok();
    m.file("/root/boot-id").write("00000000-1111-4222-8333-444444444444\n");
    m.run(["mount", "--bind", "/root/boot-id", "/proc/sys/kernel/random/boot_id"]).ok();
    m.call(["twinlock", "epoch", "ensure"]).clock(off(at)).output().ok();
}

/// Makes the ledger look as if it had begun half an hour ago. Keeps what it knows about the clock: the last trusted
/// time, and the later periods in which codes were used.
fn half_an_hour_later(m: &Machine) {
    let link = m.file("/run/twinlock/epoch");
    let epoch = link.target();
    let known = epoch.splitn(3, '.').nth(2).expect("a mark").to_owned();
    m.epoch(30, 0);
    let begun = link.target();
    let begun = begun.strip_suffix(".0").expect("a mark of 0");
    link.link_to(&format!("{begun}.{known}"));
}

fn mark(m: &Machine) -> i64 {
    let seconds = m.run(["stat", "-c", "%Y", "/var/lib/twinlock/clock"]);
    seconds.ok().trim().parse().expect("a time")
}

/// Stores the time `at` as the last trusted time of the wall clock (clock mark), as a login at this time would.
fn set_mark(m: &Machine, at: i64) {
    m.run(["touch", "-d", &format!("@{at}"), "/var/lib/twinlock/clock"]).ok();
}

fn times_ahead(m: &Machine) -> usize {
    m.tree("/var/lib/twinlock").matches("/var/lib/twinlock/ahead.").count()
}

#[test]
fn a_clock_set_back_over_a_restart_brings_no_code_back() {
    let (m, start) = (machine(), noon());
    let last = start + HOUR;
    assert!(gets_in(&m, start, &[start]), "{:?}", m.log());
    assert!(gets_in(&m, last, &[last]), "{:?}", m.log());
    restart(&m, start - HOUR);
    half_an_hour_later(&m);
    let known = m.file("/run/twinlock/epoch").target();
    assert!(!gets_in(&m, start, &[start, start + STEP, start]), "{:?}", m.log());
    assert!(!gets_in(&m, last, &[last, last + STEP, last]), "{:?}", m.log());
    assert_eq!(m.logged("reason=before_epoch").len(), 6, "{:?}", m.log());
    // Only the recorded clock error makes the module refuse these codes: without it, this ledger accepts the first code
    // again.
    m.epoch(30, 0);
    assert!(gets_in(&m, start, &[start]), "{:?}", m.log());
    m.file("/run/twinlock/epoch").link_to(&known);
    let on = last + 5 * STEP;
    assert!(gets_in(&m, on, &[on]), "{:?}", m.log());
}

#[test]
fn a_ledger_of_another_boot_is_not_believed() {
    let (m, start) = (machine(), noon());
    // A ledger that is not on a tmpfs keeps its names at a restart, so it has to record its boot.
    m.settings("ledger_persistent = true\n");
    assert!(gets_in(&m, start, &[start]), "{:?}", m.log());
    m.file("/root/boot-id").write("00000000-1111-4222-8333-444444444444\n");
    m.run(["mount", "--bind", "/root/boot-id", "/proc/sys/kernel/random/boot_id"]).ok();
    m.run(["sh", "-c", "rm -rf /run/twinlock/users"]).ok();
    assert!(!gets_in(&m, start, &[start, start + STEP, start]), "{:?}", m.log());
    assert_eq!(m.logged("reason=before_epoch").len(), 3, "{:?}", m.log());
}

#[test]
fn the_clock_mark_goes_forward_as_far_as_time_can_have_gone_by() {
    let (m, start) = (machine(), noon());
    set_mark(&m, start - 60);
    assert!(gets_in(&m, start, &[start]), "{:?}", m.log());
    assert!((start..start + STEP).contains(&mark(&m)), "{} {start}", mark(&m));
    let first = mark(&m);
    assert!(gets_in(&m, start - HOUR, &[start - HOUR]), "{:?}", m.log());
    assert_eq!(mark(&m), first);
    assert!(gets_in(&m, start + STEP, &[start + STEP]), "{:?}", m.log());
    assert_eq!(mark(&m), first);
    assert!(gets_in(&m, start + 4 * 60, &[start + 4 * 60]), "{:?}", m.log());
    let second = mark(&m);
    assert!(second >= start + 4 * 60, "{second} {start}");
    assert_eq!(times_ahead(&m), 0);
}

/// Checks that the owner can log in after a login while the clock was ahead, and that no code works again. The kernel
/// may report the clock as synchronized or not.
#[test]
fn after_a_login_while_the_clock_was_ahead_the_owner_gets_in_again() {
    let (m, start) = (machine(), noon());
    let there = start + 40 * DAY;
    set_mark(&m, start - 60);
    assert!(gets_in(&m, start, &[start]), "{:?}", m.log());
    assert!(gets_in(&m, there, &[there]), "{:?}", m.log());
    assert!(times_ahead(&m) > 0, "{}", m.tree("/var/lib/twinlock"));
    // The clock is corrected without a restart: the step that was used ahead of time now locks ada out.
    let now = start + 5 * 60;
    let refused = m.pamtester("one", "ada").clock(off(now)).input(code(&m, now) + "\n").output();
    assert!(refused.stderr.contains("was ahead until"), "{refused:?}");
    let why = m.call(["twinlock", "why", "ada"]).clock(off(now)).output();
    assert!(why.ok().contains("The clock was ahead until"), "{why:?}");
    m.server(Server::Publickey);
    let doctor = m.call(["twinlock", "doctor", "ssh"]).clock(off(now)).output();
    let said = doctor.stdout.replace('\n', " ").replace("  ", " ");
    assert!(said.contains("The app codes of ada are refused"), "{doctor:?}");
    m.call(["twinlock", "epoch", "now"]).clock(off(now)).output().ok();
    assert!(mark(&m) <= now + STEP, "{} {now}", mark(&m));
    half_an_hour_later(&m);
    let later = now + 5 * 60;
    assert!(gets_in(&m, later, &[later]), "{:?}", m.log());
    assert!(!gets_in(&m, there, &[there]), "{:?}", m.log());
    restart(&m, there - HOUR);
    half_an_hour_later(&m);
    assert!(!gets_in(&m, there, &[there]), "{:?}", m.log());
    assert!(gets_in(&m, there + 5 * 60, &[there + 5 * 60]), "{:?}", m.log());
}
