//! What an accepted login costs: system calls, writes and log lines.

use twinlock_tests::{Machine, Trace, shipped};

/// The module's own; libpam, the look-up of the account and the conversation have theirs.
const OWN_CALLS: usize = 44;

const BEGIN: &str = "performing operation";
/// The last that is asked of libc before the records are opened.
const LOOK_UP: &str = "nscd";
const RECORD: &str = "/var/lib/twinlock\"";
/// What libpam opens once all modules have answered.
const AUDIT: &str = "NETLINK_AUDIT";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().app_only("ada").proven("one").settings(&shipped("twinlock.toml"));
    login(&m, 0);
    m
}

/// The trace of a login with the code that many steps from now.
fn login(m: &Machine, steps: i64) -> Trace {
    let call = m.pamtester_as(&["-v", "-I", "rhost=192.0.2.1"], "one", "ada");
    let call = call.input(m.code_in("ada", steps) + "\n");
    call.strace("/tmp/trace", &[]).output().ok();
    m.trace("/tmp/trace")
}

/// The module's own calls; what it asks of libc's NSS and of pamtester's conversation is not.
fn own(trace: &Trace) -> Vec<&str> {
    let settings = trace.lines_between(BEGIN, LOOK_UP);
    let (_, rest) = settings.split_last().expect("the socket to nscd");
    let judged = trace.lines_between(RECORD, AUDIT);
    let conversed =
        |line: &&str| ["ioctl(0,", "write(2,", "read(0,"].iter().any(|call| line.contains(call));
    let judged = judged.into_iter().filter(|line| !conversed(line));
    rest.iter().copied().chain(trace.mentioning(RECORD).into_iter().take(1)).chain(judged).collect()
}

#[test]
fn an_accepted_login_keeps_to_its_budget_of_system_calls() {
    let m = machine();
    let trace = login(&m, 1);
    let own = own(&trace);
    assert!((30..=OWN_CALLS).contains(&own.len()), "{}: {own:#?}", own.len());
}

/// What would wait, change the program that loaded the module, or leave its process.
const NEVER: [&str; 28] = [
    "fsync",
    "fdatasync",
    "syncfs",
    "sync",
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
