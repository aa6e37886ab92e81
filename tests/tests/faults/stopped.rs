//! Users pause the su or sudo that they have started, at any of its system calls. Checks that no other login has to
//! wait for a paused program, and that each code works once.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use twinlock_tests::{First, Machine, Otp, PROMPT, Server, Session, thorough};

const IN: &str = "successfully authenticated";

type Place = (String, usize);

fn ada_gets_in(m: &Machine, code: &str) -> bool {
    m.pamtester("one", "ada").input(format!("{code}\n\n")).output().stdout.contains(IN)
}

/// Returns the command line by which `user` starts `program`, which then asks for the code of `user`.
fn caller(program: &str, user: &str) -> String {
    match program {
        "su" => format!("su {user} -c true"),
        _ => "sudo -S -k true".to_owned(),
    }
}

/// Creates a machine on which three users are enrolled. One of them has logged in, so the ledger has its folders, and a
/// later login need not store a new time of the clock.
fn with_callers() -> Machine {
    let m = Machine::new();
    m.twinlock().proven("one").proven("su").proven("sudo").server(Server::Publickey);
    m.file("/etc/sudoers.d/all").write("ALL ALL=(ALL:ALL) ALL\n").mode(0o440);
    m.app_only("ada").app_only("bob").key("bob").app_only("cid");
    let first = m.pamtester("one", "cid").input(m.code("cid") + "\n").output();
    assert!(first.stdout.contains(IN), "{first:?}");
    m
}

/// Returns the system calls of the module when ada starts `program`.
fn places_in(m: &Machine, program: &str) -> Vec<Place> {
    let words = caller(program, "ada");
    let call = m.call(words.split(' ')).as_user("ada").input(format!("{}\n", m.code("ada")));
    call.strace("/tmp/trace", &[]).output().ok();
    m.run(["rm", "-rf", "/run/twinlock/users/ada"]).ok();
    m.trace("/tmp/trace").places("/etc/twinlock/twinlock.toml", "event=accepted")
}

/// For each system call in `places`, creates a user who starts the program and pauses it at this call. Returns the
/// names of the users. The programs stay paused.
fn stop_everywhere(m: &Machine, program: &str, places: &[Place]) -> Vec<String> {
    let people: Vec<_> = (0..places.len()).map(|number| format!("{program}{number}")).collect();
    let mut script = String::new();
    for (user, (call, count)) in people.iter().zip(places) {
        m.app_only(user);
        let code = m.code(user);
        let strace = format!("strace -f -u {user} -o /tmp/trace.{user}");
        let inject = format!("-e inject={call}:signal=STOP:when={count}");
        let caller = caller(program, user);
        script += &format!("echo {code} | {strace} {inject} {caller} >/dev/null 2>&1 &\n");
    }
    m.run(["sh", "-c", &script]).ok();
    until_stopped(m, program, places.len());
    people
}

fn stopped(m: &Machine, program: &str) -> usize {
    let listing = m.run(["ps", "-C", program, "-o", "stat="]);
    listing.stdout.lines().filter(|state| state.starts_with(['T', 't'])).count()
}

fn until_stopped(m: &Machine, program: &str, wanted: usize) {
    let end = Instant::now() + Duration::from_secs(60);
    while stopped(m, program) < wanted {
        assert!(Instant::now() < end, "{program}: {} of {wanted} stopped", stopped(m, program));
        thread::sleep(Duration::from_millis(50));
    }
}

/// Continues the paused programs, and waits until they end.
fn wake(m: &Machine, program: &str) {
    let end = Instant::now() + Duration::from_secs(60);
    while !m.pids(program).is_empty() {
        assert!(Instant::now() < end, "{program} does not end: {:?}", m.processes());
        m.run(["pkill", "-CONT", "-x", program]);
        thread::sleep(Duration::from_millis(50));
    }
}

fn nobody_waits_for(program: &str) {
    let m = with_callers();
    let places = places_in(&m, program);
    assert!(places.len() > 30, "{places:?}");
    let people = stop_everywhere(&m, program, &places);
    let next = |user: &str| m.pamtester("one", user).input(m.code_in(user, 1) + "\n").output();
    for user in people.iter().map(String::as_str).chain(["ada"]) {
        assert!(next(user).stdout.contains(IN), "{user}: {:?}", m.log());
    }
    assert_eq!(stopped(&m, program), places.len());
    let mut s = m.at_the_prompt("bob", First::Key);
    assert!(s.send_line(&m.code("bob")).logged_in(), "{}", s.transcript());
    wake(&m, program);
    let accepted = m.logged("event=accepted");
    let step = |line: &String| line.split_once(" step=").map(|(_, step)| step.to_owned());
    let user =
        |line: &String| line.split(' ').find(|word| word.starts_with("user=")).map(str::to_owned);
    let codes: BTreeSet<_> = accepted.iter().map(|line| (user(line), step(line))).collect();
    // One code of ada may be accepted twice, because `places_in` clears her used codes after her first login.
    assert!(codes.len() >= accepted.len() - 1, "{accepted:#?}");
}

#[test]
fn su_stopped_at_any_system_call_delays_nobody() {
    nobody_waits_for("su");
}

#[test]
fn sudo_stopped_at_any_system_call_delays_nobody() {
    nobody_waits_for("sudo");
}

#[test]
fn su_and_sudo_stopped_at_their_prompts_delay_neither_their_user_nor_others() {
    let m = with_callers();
    let mut waiting = Vec::new();
    for program in ["su", "sudo"] {
        let mut s = m.call(caller(program, "bob").split(' ')).as_user("bob").open();
        s.expect(PROMPT);
        m.run_as("bob", ["pkill", "-STOP", "-x", program]).ok();
        until_stopped(&m, program, 1);
        waiting.push(s);
    }
    let mut s = m.at_the_prompt("bob", First::Key);
    assert!(s.send_line(&m.code("bob")).logged_in(), "{}", s.transcript());
    assert!(ada_gets_in(&m, &m.code("ada")), "{:?}", m.log());
    for (mut s, program) in waiting.into_iter().zip(["su", "sudo"]) {
        m.run(["pkill", "-CONT", "-x", program]).ok();
        s.send_line(&m.code("bob")).expect("was used already");
    }
}

/// Returns a session of su by ada. It is paused after her code was verified and before the code is reserved for this
/// login in the ledger.
fn stopped_before_its_claim<'m>(m: &'m Machine, code: &str) -> Session<'m> {
    let places = places_in(m, "su");
    // The first symlinkat makes the charge, the second the claim. strace stops a process after a call, so su is stopped
    // at the call before the claim.
    let links = places.iter().enumerate().filter(|(_, place)| place.0 == "symlinkat");
    let claim = links.map(|(at, _)| at).nth(1).expect("a claim");
    let (call, count) = &places[claim - 1];
    let inject = format!("inject={call}:signal=STOP:when={count}");
    let su = m.call(["su", "ada", "-c", "echo reached"]).as_user("ada");
    let mut su = su.strace("/tmp/trace", &["-e", &inject]).open();
    su.expect(PROMPT).send_line(code);
    until_stopped(m, "su", 1);
    su
}

fn goes_on_and_is_refused(m: &Machine, mut su: Session<'_>) {
    m.run(["pkill", "-CONT", "-x", "su"]).ok();
    assert_ne!(su.give_up(), Some(0), "{}", su.transcript());
    assert!(!su.transcript().contains("reached"), "{}", su.transcript());
}

#[test]
fn a_login_stopped_for_long_does_not_get_in_by_its_code() {
    let m = with_callers();
    let su = stopped_before_its_claim(&m, &m.code("ada"));
    // What a login has read of the ledger is valid for thirty seconds; only the thorough test waits for longer.
    let long = if thorough() { 31 } else { 0 };
    thread::sleep(Duration::from_secs(long));
    m.run(["pkill", "-CONT", "-x", "su"]).ok();
    let mut su = su;
    assert_eq!(su.give_up() == Some(0), long == 0, "{}", su.transcript());
}

#[test]
fn a_login_stopped_while_its_code_is_used_elsewhere_does_not_get_in_by_it() {
    let m = with_callers();
    let code = m.code("ada");
    let su = stopped_before_its_claim(&m, &code);
    assert!(ada_gets_in(&m, &code), "{:?}", m.log());
    goes_on_and_is_refused(&m, su);
}

#[test]
fn a_login_stopped_while_its_owner_is_removed_does_not_get_in() {
    let m = with_callers();
    let su = stopped_before_its_claim(&m, &m.code("ada"));
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    goes_on_and_is_refused(&m, su);
}

/// While a login of ada is paused, an administrator removes her and enrolls her anew. Checks that the new record
/// decides about the login: it succeeds only if the new record has the same key. The login has reserved its code
/// itself, and must not fail because of this reservation.
#[test]
fn a_login_stopped_while_its_record_is_made_anew_is_judged_by_that() {
    for same in [true, false] {
        let m = with_callers();
        let mut su = stopped_before_its_claim(&m, &m.code("ada"));
        m.run(["twinlock", "remove", "ada", "--yes"]).ok();
        let key = if same { m.otp("ada") } else { Otp::new("KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU") };
        m.enrolled_with("ada", &key);
        m.run(["pkill", "-CONT", "-x", "su"]).ok();
        let code = su.give_up();
        assert_eq!(code == Some(0), same, "{}", su.transcript());
        assert_eq!(su.transcript().contains("reached"), same);
    }
}
