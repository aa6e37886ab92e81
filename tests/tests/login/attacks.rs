//! Tests attacks that succeeded in an earlier version, by users who know one factor, have a shell, or can use another
//! user's session for a moment.

use std::time::Duration;

use twinlock_tests::{First, LOGGED_IN, Machine, Otp, PASSWORD, PROMPT, Server, Session, now};

const CODE_FIRST: &str = "auth required pam_twinlock.so first_factor=follows\n\
    auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").user("mallory").shipped_pam("su");
    m
}

/// Returns a session of mallory, who knows ada's password, at the prompt for ada's code.
fn at_the_code(m: &Machine) -> Session<'_> {
    let mut s = m.su("mallory", "ada").open();
    s.expect("assword").expect(": ").send_line(PASSWORD);
    s.expect(PROMPT);
    s
}

fn got_in(s: &mut Session<'_>) -> bool {
    s.expect_one_of(&[LOGGED_IN, PROMPT, "Press Enter"]) == 0
}

/// Creates the ledger names of `count` attempts with a first factor and as many without one. They stand for attempts of
/// mallory whose processes were killed before they could remove the names again.
fn tries_of_killed_processes(m: &Machine, count: usize) {
    let source = format!("try.{{}}.{}.$n.uid:{}", now() / 86_400, m.uid("mallory"));
    let (proven, unproven) = (source.replace("{}", "proven"), source.replace("{}", "unproven"));
    let script = format!(
        "mkdir -m 700 -p /run/twinlock/users/ada && cd /run/twinlock/users/ada && \
         for n in $(seq 0 {}); do ln -s {1} {proven}; ln -s {1} {unproven}; done",
        count - 1,
        now()
    );
    m.run(["sh", "-c", &script]).ok();
}

/// Mallory kills each process of su before it can remove the ledger name of its throttled attempt. Checks that such
/// processes leave only a limited number of names in the ledger. A folder with over 16,384 names cannot be listed, so
/// no login would succeed any more.
#[test]
fn a_killed_process_leaves_no_more_tries_than_the_limits_need() {
    for (stack, typed) in
        [(None, format!("{PASSWORD}\n000000\n")), (Some(CODE_FIRST), "000000\n".into())]
    {
        let m = machine();
        if let Some(stack) = stack {
            m.pam("su", stack);
        }
        tries_of_killed_processes(&m, 300);
        let before = m.tries("ada");
        for _ in 0..3 {
            let at_refund = ["-e", "trace=unlinkat", "-e", "inject=unlinkat:signal=SIGKILL"];
            let _ = m.su("mallory", "ada").strace("/tmp/trace", &at_refund).input(&typed).output();
        }
        assert_eq!(m.tries("ada"), before, "{stack:?}");
    }
}

/// Returns the whole seconds since the kernel started.
fn uptime(m: &Machine) -> u64 {
    let text = m.run(["cat", "/proc/uptime"]);
    text.ok().split('.').next().and_then(|seconds| seconds.parse().ok()).expect("seconds")
}

/// Mallory pauses su after it has read the ledger and before it reserves the code there. A day later, the owner's use
/// of the same code is no longer in the ledger. Checks that the paused login does not accept the code.
#[test]
fn a_try_that_was_stopped_for_a_day_does_not_use_a_code_again() {
    let m = machine();
    m.server(Server::Publickey);
    let later = "auth required pam_permit.so\nauth requisite pam_twinlock.so first_factor=stack\n";
    m.pam("later", later);
    let code = m.code("ada");
    // Stops su right after it has read the ledger, as mallory could by `kill -STOP`.
    let stop = ["-P", "/run/twinlock/epoch", "-e", "inject=readlinkat:signal=SIGSTOP:when=1"];
    let mut thief = m.su("mallory", "ada").strace("/tmp/trace", &stop).open();
    thief.expect("assword").expect(": ").send_line(PASSWORD);
    thief.expect(PROMPT).send_line(&code);
    let stopped = || m.file("/tmp/trace").read().contains("stopped by SIGSTOP");
    for _ in 0..1000 {
        if stopped() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(stopped(), "{}", m.file("/tmp/trace").read());

    let mut s = m.at_the_prompt("ada", First::Key);
    assert!(s.send_line(&code).logged_in(), "{}", s.transcript());
    for seconds in [86_500, 86_560] {
        let next = m.otp("ada").at(now() + seconds);
        let clock = i64::try_from(seconds).expect("a day");
        m.pamtester("later", "ada").clock(clock).input(format!("{next}\n")).output().ok();
    }
    // The clock of the logins above was shifted. The time since boot cannot be shifted, and must also show that
    // mallory's login was held up for more than thirty seconds; both count whole seconds.
    let held_up = uptime(&m) + 32;
    while uptime(&m) < held_up {
        std::thread::sleep(Duration::from_millis(500));
    }
    for pid in m.pids("su") {
        m.signal("CONT", pid);
    }
    assert!(!got_in(&mut thief), "{}", m.logged("event=accepted").join("\n"));
}

/// While mallory's login waits for ada's code, ada's record is deleted and she is enrolled with another key. Checks
/// that the login does not accept a code of the old key, although the new record has the same number.
#[test]
fn a_key_that_was_replaced_under_the_same_number_is_dead() {
    let m = machine();
    let old = m.code("ada");
    let mut s = at_the_code(&m);
    m.run(["rm", "-r", "/var/lib/twinlock/users/ada"]).ok();
    m.enrolled_with("ada", &Otp::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    s.send_line(&old);
    assert!(!got_in(&mut s), "{}", s.transcript());
}

/// Checks that a missing folder `users` does not prove that a user has no record. Every initialized store has this
/// folder.
#[test]
fn a_store_without_its_users_proves_nobodys_absence() {
    let m = machine();
    m.settings("not_enrolled = \"allow\"\n");
    m.run(["mv", "/var/lib/twinlock/users", "/var/lib/twinlock/users.moved"]).ok();
    let mut s = m.su("mallory", "ada").open();
    s.expect("assword").expect(": ").send_line(PASSWORD);
    assert!(!got_in(&mut s), "{}", s.transcript());
}

/// In this stack, the code is asked for before the password. Checks that a correct code with a wrong password does not
/// make the source address a known one.
#[test]
fn a_code_without_the_password_behind_it_makes_no_source_known() {
    let m = machine();
    m.pam("su", CODE_FIRST);
    let mut s = m.su("mallory", "ada").open();
    s.expect(PROMPT).send_line(&m.code("ada"));
    s.expect("assword").expect(": ").send_line("wrong");
    assert!(!s.logged_in());
    let kept = m.tree("/var/lib/twinlock/users/ada");
    assert!(!kept.contains("/known."), "{kept}");
}

/// Checks that a truncated settings file exempts no user. It may end with an exempting rule that lacks its conditions.
#[test]
fn settings_that_were_cut_off_exempt_nobody() {
    let m = machine();
    m.settings_alone("[[rule]]\naction = \"exempt\"\n");
    let mut s = m.su("mallory", "ada").open();
    s.expect("assword").expect(": ").send_line(PASSWORD);
    assert!(!s.logged_in(), "{}", s.transcript());
    assert!(!m.logged("twinlock.toml:2: a rule that exempts must say whom").is_empty());
}

/// Ada's record is lost, without a tombstone that says that she was removed. Checks that she does not count as never
/// enrolled, and that she can be enrolled again.
#[test]
fn a_lost_record_is_no_absence_and_a_new_enrollment_makes_it_good() {
    let m = machine();
    m.settings("not_enrolled = \"allow\"\n");
    m.run(["rm", "-r", "/var/lib/twinlock/users/ada"]).ok();
    let mut s = m.su("mallory", "ada").open();
    s.expect("assword").expect(": ").send_line(PASSWORD);
    assert!(!got_in(&mut s), "{}", s.transcript());
    assert!(!m.logged("reason=record_lost").is_empty(), "{}", m.log().join("\n"));
    // A first record that was killed half way leaves a mark in the uid link. With this mark, the loss of the user's
    // whole folder does not count as absence either.
    let mark = "cd /var/lib/twinlock/uids; for link in *; do ln -sfn +ada $link; done";
    m.run(["sh", "-c", mark]).ok();
    let mut s = m.su("mallory", "ada").open();
    s.expect("assword").expect(": ").send_line(PASSWORD);
    assert!(!got_in(&mut s), "{}", s.transcript());
    assert!(m.logged("reason=record_lost").len() > 1, "{}", m.log().join("\n"));
    m.enrolled_with("ada", &m.otp("ada"));
    let mut s = at_the_code(&m);
    s.send_line(&m.code("ada"));
    assert!(got_in(&mut s), "{}", s.transcript());
}

/// Checks that a caller who hangs up after each wrong code, or kills su, cannot guess without a log line.
#[test]
fn a_wrong_code_is_logged_even_if_the_caller_hangs_up_then() {
    let m = machine();
    m.server(Server::Password);
    let mut s = m.at_the_prompt("ada", First::Password);
    s.send_line(&m.wrong_code("ada")).expect(PROMPT);
    m.run(["pkill", "-KILL", "-x", "ssh"]).ok();
    s.exit_code();
    for _ in 0..1000 {
        if !m.logged("Connection closed").is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(m.tries("ada"), 1);
    assert!(!m.logged("reason=wrong_code").is_empty(), "{}", m.log().join("\n"));
}
