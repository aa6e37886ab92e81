//! Checks that secrets which the module shows in a real sshd are only in the record and on the screen.

use std::time::{Duration, Instant};

use twinlock_tests::{Machine, Server, codes_shown, key_shown};

use super::{STARTED, TRACE, kept_quiet, makes_cores};

/// Option with which the client retries until sshd listens.
const AGAIN: &str = "ConnectionAttempts=30";
/// Timeout, longer than writing a core dump takes on a busy host.
const PATIENCE: Duration = Duration::from_secs(60);
const OPEN: &str = "window = 10\nnot_enrolled = \"enroll\"\nenroll_needs_ticket = false\n";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").key("ada").server(Server::Publickey).settings(OPEN);
    m
}

#[test]
fn set_up_at_a_login_leaves_key_and_codes_nowhere_else() {
    let m = machine();
    m.stop_sshd();
    // sshd needs its full path. It runs in the foreground, so that the trace ends with it.
    let mut sshd = m.call(["/usr/sbin/sshd", "-D"]).strace(TRACE, &STARTED).open();
    let ssh = m.ssh("ada").key().option(AGAIN);
    let mut all = m.dialogue("ada", ssh.open());
    all.answer(&["start", "<first>", "<group>"]);
    assert!(all.logged_in(), "{}", all.screen());
    let key = key_shown(&all.screen()).expect("a key").key;
    let codes = codes_shown(&all.screen());
    assert_eq!(codes.len(), 10);
    m.stop_sshd();
    sshd.exit_code();
    let started = m.file(TRACE).read();
    assert!(started.contains("SSH_CONNECTION=") && started.contains("sshd"), "{started}");
    let secrets: Vec<&str> = codes.iter().map(String::as_str).chain([key.as_str()]).collect();
    kept_quiet(&m, &secrets, &["/var/lib/twinlock/users/ada/record."]);
}

/// Checks that an sshd that dies while a key is on the screen leaves no core. To verify the user's ssh key, sshd has
/// switched to the user's id, so the kernel writes no core of the process that asks for the code.
#[test]
fn an_sshd_that_dies_behind_a_key_with_a_secret_on_the_screen_leaves_no_core() {
    let m = machine();
    m.stop_sshd();
    let dumping = "ulimit -c unlimited; exec /usr/sbin/sshd -D";
    let mut sshd = m.call(["sh", "-c", dumping]).open();
    let mut all = m.dialogue("ada", m.ssh("ada").key().option(AGAIN).open());
    all.answer(&["start"]).next_prompt();
    assert!(key_shown(&all.screen()).is_some(), "{}", all.screen());
    let mut asking = m.pids("sshd");
    asking.retain(|pid| m.file(&format!("/proc/{pid}/maps")).read().contains("pam_twinlock.so"));
    assert_eq!(asking.len(), 2, "the one that asks, and the one that waits for it");
    for pid in asking {
        m.signal("ABRT", pid);
        until_dead(&m, pid);
        assert!(!m.file("/core").exists(), "{pid} of {:?}", m.processes());
    }
    let plain = makes_cores(&m);
    let listening = m.file("/run/sshd.pid").read().trim().parse().expect("sshd's number");
    m.signal("ABRT", listening);
    sshd.exit_code();
    assert_eq!(m.file("/core").exists(), plain, "one that holds no secret");
}

/// Waits until a process is dead. Its core is complete then.
fn until_dead(m: &Machine, pid: u32) {
    let end = Instant::now() + PATIENCE;
    while m.processes().iter().any(|(one, line)| *one == pid && !line.ends_with("<defunct>")) {
        assert!(Instant::now() < end, "{pid} lives on: {:?}", m.processes());
    }
}
