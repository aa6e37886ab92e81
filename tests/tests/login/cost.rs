//! Measures the cost of an accepted login: system calls, instructions, writes and log lines.

use twinlock_tests::{Machine, Trace, shipped};

/// Maximum number of instructions of a whole `pam_authenticate`, including those of libpam, as counted by callgrind,
/// which counts more than the processor executes (decision 0014). This limit is lowered when a login becomes cheaper,
/// and never raised.
const MOST_INSTRUCTIONS: u64 = 102_800;
const MOST_SYSTEM_CALLS: usize = 55;
/// Minimum number of instructions of libpam alone. A lower number would mean that the measurement is wrong.
const LIBPAM_ALONE: u64 = 8_000;

/// Maximum share of the instructions of a login that twenty settings may add, in percent.
const MOST_FOR_SETTINGS: u64 = 17;
/// Maximum number of instructions that each used code in the ledger may add to a login.
const MOST_FOR_A_USED_CODE: u64 = 800;

/// Number of used codes of one key in the ledger, in the test that measures their cost.
const USED: u64 = 500;

/// Number of calls at the start of [`NEVER`] that wait for a disk.
const SYNCS: usize = 5;

const BEGIN: &str = "performing operation";
/// The socket that libpam opens after all modules have answered.
const AUDIT: &str = "NETLINK_AUDIT";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().app_only("ada").proven("one").settings_alone(&shipped("twinlock.toml"));
    login(&m, 0);
    m
}

/// Returns the trace of a login with the code `steps` steps after the current one.
fn login(m: &Machine, steps: i64) -> Trace {
    let call = m.pamtester_as(&["-v", "-I", "rhost=192.0.2.1"], "one", "ada");
    let call = call.input(m.code_in("ada", steps) + "\n");
    call.strace("/tmp/trace", &[]).output().ok();
    m.trace("/tmp/trace")
}

#[test]
fn an_accepted_login_keeps_to_its_budget() {
    let m = machine();
    // The look-up of an account costs more if there are more accounts, so only two are kept.
    let accounts = m.file("/etc/passwd").read();
    let few = accounts.lines().filter(|line| line.starts_with("root:") || line.starts_with("ada:"));
    m.file("/etc/passwd").write(few.collect::<Vec<_>>().join("\n") + "\n");
    // The smallest of several counts is used: on a busy host, libpam repeats its requests to the audit system.
    let counts: Vec<_> = (0..3).map(|_| instructions(&m)).collect();
    let least = counts.iter().min().expect("three logins");
    assert!((LIBPAM_ALONE..=MOST_INSTRUCTIONS).contains(least), "{counts:?}");
    let calls: Vec<_> = (0..3).map(|_| calls(&m)).collect();
    let least = calls.iter().map(|trace| trace.names().len()).min();
    assert!(least <= Some(MOST_SYSTEM_CALLS), "{calls:#?}");
    for name in &NEVER[..SYNCS] {
        assert!(calls.iter().all(|trace| trace.count(name) == 0), "{name}: {calls:#?}");
    }
}

/// Twenty settings, of every type.
const SETTINGS: &str = include_str!("twenty_settings.toml");

#[test]
fn twenty_settings_cost_little() {
    let m = machine();
    let without = instructions(&m);
    m.file("/etc/twinlock/twinlock.toml").write(SETTINGS);
    let with = instructions(&m);
    let added = with.saturating_sub(without);
    assert!(added * 100 <= without * MOST_FOR_SETTINGS, "{without} {with}");
}

#[test]
fn used_codes_cost_little() {
    let m = machine();
    let without = instructions(&m);
    let name = |step: u64| format!("used.a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5.{}", 58_000_000 + step);
    let links = (0..USED).map(|step| format!("ln -s 1800000000 {}\n", name(step)));
    m.run([
        "sh",
        "-eu",
        "-c",
        &("cd /run/twinlock/users/ada\n".to_owned() + &links.collect::<String>()),
    ])
    .ok();
    let (code, with) = m.counted_host("one", &[]).counted("ada", &m.code_in("ada", 1));
    assert_eq!(code, 0, "{:?}", m.log());
    let each = with.saturating_sub(without) / USED;
    assert!((1..=MOST_FOR_A_USED_CODE).contains(&each), "{without} {with}");
}

fn instructions(m: &Machine) -> u64 {
    m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/used.*"]).ok();
    let (code, count) = m.counted_host("one", &[]).counted("ada", &m.code("ada"));
    assert_eq!(code, 0, "{:?}", m.log());
    count
}

fn calls(m: &Machine) -> Trace {
    m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/used.*"]).ok();
    let accepted = m.log().len();
    let calls = m.calls_of_a_login("one", "ada", &m.code("ada"));
    let log = m.log();
    assert!(log[accepted..].iter().any(|line| line.contains("event=accepted")), "{log:?}");
    calls
}

/// Names of system calls that would wait, change the host program, or leave its process.
const NEVER: [&str; 29] = [
    "fsync",
    "fdatasync",
    "syncfs",
    "sync",
    "sync_file_range",
    "flock",
    "futex",
    "nanosleep",
    "clock_nanosleep",
    "select",
    "pselect6",
    "ppoll",
    "epoll_wait",
    "fork",
    "vfork",
    "clone",
    "clone3",
    "execve",
    "umask",
    "chdir",
    "setuid",
    "setresuid",
    "setfsuid",
    "setgroups",
    "prctl",
    "rt_sigaction",
    "rt_sigprocmask",
    "setrlimit",
    "prlimit64",
];

#[test]
fn an_accepted_login_syncs_nothing_and_waits_for_nothing() {
    let m = machine();
    let trace = login(&m, 1).between(BEGIN, AUDIT);
    for name in NEVER {
        assert_eq!(trace.count(name), 0, "{name}: {trace:#?}");
    }
    assert!(trace.mentioning("F_SETLK").is_empty(), "{trace:#?}");
}

#[test]
fn under_var_an_accepted_login_touches_the_clock_mark_alone() {
    let m = machine();
    let mark = |line: &&str| line.starts_with("/var/lib/twinlock/clock ");
    m.run(["touch", "-d", "@0", "/var/lib/twinlock/clock"]).ok();
    let (before, elsewhere) = (m.tree("/var"), m.tree("/etc"));
    login(&m, 1);
    let after = m.tree("/var");
    let (marks, rest): (Vec<_>, Vec<_>) = before.lines().partition(mark);
    let (new_marks, new_rest): (Vec<_>, Vec<_>) = after.lines().partition(mark);
    assert_eq!(new_rest, rest);
    assert_ne!(new_marks, marks);
    assert_eq!(m.tree("/etc"), elsewhere);
}

#[test]
fn an_accepted_login_is_one_datagram_in_the_log() {
    let m = machine();
    let before = m.log().len();
    let trace = login(&m, 1);
    assert_eq!(trace.mentioning("sun_path=\"/dev/log\"").len(), 1, "{trace:#?}");
    assert_eq!(m.log().len(), before + 1, "{:?}", m.log());
}

#[test]
fn an_accepted_login_leaves_one_name_in_the_ledger() {
    let m = machine();
    let before = m.tree("/run/twinlock").lines().count();
    login(&m, 1);
    let after = m.tree("/run/twinlock");
    assert_eq!(after.lines().count(), before + 1, "{after}");
    assert_eq!(after.matches("/used.").count(), 2, "{after}");
    assert_eq!(m.tries("ada"), 0, "{after}");
}
