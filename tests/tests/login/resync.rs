//! Tests a phone with a wrong clock. Two adjacent codes log its owner in once, and from then on the host knows the
//! error of the phone's clock.

use std::sync::Mutex;
use std::thread;

use twinlock_tests::{First, Machine, PASSWORD, PROMPT, Server, Session, now};

const IN: &str = "successfully authenticated";
/// Names of system calls that change something.
const CHANGES: [&str; 9] = [
    "symlinkat",
    "openat",
    "fchown",
    "fchmod",
    "write",
    "fsync",
    "renameat2",
    "unlinkat",
    "sendto",
];
const BEGIN: &str = "performing operation";

fn machine() -> Machine {
    let m = Machine::new();
    m.bare().app_only("ada").epoch_minutes_ago(60);
    // The throttle is tested elsewhere.
    m.settings("[throttle]\nfree = 50\n");
    m.run(["cp", "-a", "/var/lib/twinlock", "/root/records"]).ok();
    m
}

/// Returns the codes of ada's phone for several time steps. Each entry of `steps` is a number of steps after the time
/// `at`, or before it if negative.
fn shown(m: &Machine, at: u64, steps: &[i64]) -> Vec<String> {
    let code = |step: &i64| m.otp("ada").at(at.saturating_add_signed(step * 30));
    steps.iter().map(code).collect()
}

fn gets_in(m: &Machine, codes: &[String]) -> bool {
    m.asked("ada", &format!("{}\n", codes.join("\n"))).code == Some(0)
}

/// Returns the last log line about an accepted login, from the word after `event=` on.
fn accepted(m: &Machine) -> String {
    let lines = m.logged("event=accepted");
    let (_, event) =
        lines.last().expect("a login succeeded").split_once("event=").expect("an event");
    event.to_owned()
}

#[test]
fn by_sshd_two_codes_in_a_row_let_in_and_say_how_far_the_clock_is_off() {
    let m = Machine::new();
    m.twinlock().person("ada").server(Server::Publickey).epoch_minutes_ago(60);
    let begun = now();
    // A period may end before the second code is typed. How far back a code may lie is tested in core.
    let codes = shown(&m, begun, &[-18, -17, -16]);
    let mut s = m.at_the_prompt("ada", First::Key);
    s.send_line(&codes[0]).expect("That code is wrong. 2 tries left.").expect(PROMPT);
    let slow = ["8 min 30 s slow", "9 min slow"];
    let told = slow.map(|slow| format!("The clock of your phone is about {slow}."));
    let slow = slow[s.send_line(&codes[1]).expect_one_of(&[&told[0], &told[1]])];
    assert!(s.logged_in(), "{}", s.transcript());
    let log = accepted(&m);
    assert!(log.starts_with("accepted user=ada service=sshd rhost=127.0.0.1 first"), "{log}");
    let step = begun / 30 - 17;
    assert!(log.contains(&format!(" step={step} resync=-")), "{log}");
    assert_eq!(m.logged("reason=wrong_code").len(), 1, "{:?}", m.log());
    assert!(m.run(["ls", "/var/lib/twinlock/outbox"]).ok().contains("ada@resynchronized"));
    let status = m.run(["twinlock", "status", "ada"]);
    assert!(status.ok().contains(&format!("s, clock {slow}, SHA1)")), "{status:?}");
    // Neither of the two codes is accepted again, alone or together. The next code is accepted alone, and once.
    for again in [&codes[..1], &codes[1..2], &codes[..2]] {
        let mut s = m.at_the_prompt("ada", First::Key);
        for code in again {
            s.send_line(code).expect(PROMPT);
        }
        s.give_up();
        assert!(!s.logged_in(), "{}", s.transcript());
    }
    let mut s = m.at_the_prompt("ada", First::Key);
    assert!(s.send_line(&codes[2]).logged_in(), "{}", s.transcript());
    assert!(!accepted(&m).contains("resync="), "{}", accepted(&m));
    let mut s = m.at_the_prompt("ada", First::Key);
    s.send_line(&codes[2]).expect(PROMPT).send_line("");
    assert!(!s.logged_in(), "{}", s.transcript());
}

#[test]
fn what_an_ordinary_users_sudo_writes_is_roots() {
    let m = Machine::new();
    m.twinlock().person("ada").sudoer("ada").shipped_pam("sudo").epoch_minutes_ago(60);
    let codes = shown(&m, now(), &[9, 10]);
    let mut s = m.call(["sh", "-c", "umask 0; exec sudo -k id"]).as_user("ada").open();
    s.expect("password for ada").send_line(PASSWORD);
    s.expect(PROMPT).send_line(&codes[0]).expect(PROMPT).send_line(&codes[1]);
    // A period may end before the second code is typed.
    s.expect_one_of(&["about 5 min fast", "about 4 min 30 s fast"]);
    s.expect("uid=0(root)");
    let records = m.tree("/var/lib/twinlock/users/ada");
    assert!(records.contains("record.2.toml 100600 0:0 "), "{records}");
    assert!(!records.contains("record.1.toml") && !records.contains("tmp."), "{records}");
}

#[test]
fn old_codes_let_nobody_in_and_are_said_to_be_old() {
    let m = machine();
    let begun = now();
    let used = shown(&m, begun, &[0]);
    assert!(gets_in(&m, &used));
    let before = m.tree("/var/lib/twinlock");
    let mut s = m.pamtester("bare", "ada").open();
    let old = shown(&m, begun, &[-14, -13, -12]);
    s.expect(PROMPT).send_line(&old[0]).expect("That code is wrong. 2 tries left.");
    s.expect(PROMPT).send_line(&old[1]).expect("That code was right ");
    s.expect("ago: check the clock of your phone.").expect(PROMPT).send_line(&old[2]);
    s.expect("That code was right ").expect("ago: check the clock of your phone.");
    assert_ne!(s.exit_code(), Some(0));
    assert_eq!(m.logged("reason=clock_off").len(), 2, "{:?}", m.log());
    assert_eq!(m.tries("ada"), 3, "{}", m.state());
    let why = m.run(["twinlock", "why", "ada"]);
    assert!(why.ok().contains("clock_off: two codes in a row were correct"), "{why:?}");
    let after = m.tree("/var/lib/twinlock");
    assert!(!after.contains("record.2.toml") && before.contains("record.1.toml"), "{after}");
}

#[test]
fn before_a_first_factor_two_codes_in_a_row_are_two_wrong_codes() {
    let m = machine();
    let follows =
        "auth requisite pam_twinlock.so first_factor=follows\nauth required pam_permit.so\n";
    m.pam("first", follows);
    let codes = shown(&m, now(), &[-10, -9]);
    let mut s = m.pamtester("first", "ada").open();
    for code in &codes {
        s.expect(PROMPT).send_line(code).expect("That was not accepted.");
    }
    s.expect(PROMPT).send_line("");
    assert_ne!(s.exit_code(), Some(0), "{}", s.transcript());
    assert_eq!(m.logged("reason=wrong_code").len(), 2, "{:?}", m.log());
    assert!(!m.tree("/run/twinlock").contains("/used."), "{}", m.state());
    assert!(gets_in(&m, &codes), "{:?}", m.log());
}

fn at_the_second_prompt<'m>(m: &'m Machine, from: u32, first: &str) -> Session<'m> {
    let item = format!("rhost=192.0.2.{from}");
    let mut s = m.pamtester_as(&["-I", &item], "bare", "ada").open();
    s.expect(PROMPT).send_line(first).expect("wrong").expect(PROMPT);
    s
}

#[test]
fn of_sixteen_at_one_instant_one_gets_in() {
    let m = machine();
    let codes = shown(&m, now(), &[-12, -11, -10, -9]);
    let rival = |number: u32| (at_the_second_prompt(&m, number, &codes[0]), codes[1].clone());
    let mut rivals: Vec<_> = (0..16).map(rival).collect();
    m.at_once("pamtester", &mut rivals);
    let won = |(s, _): &mut (Session<'_>, String)| s.expect_one_of(&[IN, PROMPT]) == 0;
    assert_eq!(rivals.iter_mut().map(won).filter(|won| *won).count(), 1, "{:?}", m.log());
    drop(rivals);
    assert_eq!(m.state().matches("/used.").count(), 2, "{}", m.state());
    assert!(gets_in(&m, &codes[2..3]), "{:?}", m.log());
    assert!(!gets_in(&m, &codes[..3]), "{:?}", m.log());
}

#[test]
fn of_two_pairs_that_share_a_code_at_most_one_gets_in() {
    let m = machine();
    for round in 0..4 {
        let first = -18 + round * 4;
        let codes = shown(&m, now(), &[first, first + 1, first + 2, first + 3]);
        let mut rivals = vec![
            (at_the_second_prompt(&m, 1, &codes[0]), codes[1].clone()),
            (at_the_second_prompt(&m, 2, &codes[1]), codes[2].clone()),
        ];
        m.at_once("pamtester", &mut rivals);
        let won = |(s, _): &mut (Session<'_>, String)| s.expect_one_of(&[IN, PROMPT]) == 0;
        let winners = rivals.iter_mut().map(won).filter(|won| *won).count();
        assert!(winners <= 1, "{round}: {:?}", m.log());
        drop(rivals);
        assert!(!gets_in(&m, &codes[..2]), "{round}: {:?}", m.log());
        anew(&m);
    }
}

/// Restores the state after ada was enrolled: the record contains no clock error, and no code is used.
fn anew(m: &Machine) {
    let again =
        "rm -rf /run/twinlock/users /var/lib/twinlock; cp -a /root/records /var/lib/twinlock";
    m.run(["sh", "-c", again]).ok();
}

/// Kills a login at its call number `nth` of the system call `call`. Checks that its two codes then work at most once,
/// and that later codes work. Returns whether the two codes work once more.
fn killed_at(m: &Machine, call: &str, nth: usize) -> bool {
    anew(m);
    let codes = shown(m, now(), &[-12, -11, -10, -9, -8]);
    let inject = format!("inject={call}:signal=KILL:when={nth}");
    let login = m.pamtester_as(&["-v"], "bare", "ada").input(codes[..2].join("\n") + "\n");
    let killed = login.strace("/tmp/trace", &["-e", &inject]).output();
    assert!(killed.code == Some(137) && !killed.stdout.contains(IN), "{call} {nth}: {killed:?}");
    let again = gets_in(m, &codes[..2]);
    assert!(!gets_in(m, &codes[..2]), "{call} {nth}: twice: {}", m.log().join("\n"));
    // If the login was killed before it stored the drift, the next login takes two codes again.
    assert!(
        gets_in(m, &codes[2..3]) || gets_in(m, &codes[3..]),
        "{call} {nth}: {}",
        m.log().join("\n")
    );
    again
}

#[test]
fn killed_between_the_claims_and_the_answer_no_pair_works_twice_and_the_owner_gets_in() {
    let m = machine();
    let call = m.pamtester_as(&["-v"], "bare", "ada").strace("/tmp/trace", &["-s", "400"]);
    let done = call.input(shown(&m, now(), &[-12, -11]).join("\n") + "\n").output();
    assert!(done.stdout.contains(IN), "{done:?}");
    let trace = m.trace("/tmp/trace");
    let mut places = trace.places("reason=wrong_code", IN);
    // Other calls change nothing, so the login is not killed there.
    places.retain(|(call, _)| CHANGES.contains(&call.as_str()));
    let renamed = trace.between(BEGIN, IN).count("renameat2");
    assert!(renamed == 1 && places.len() > 12, "{places:?}");
    let (work, fates) = (Mutex::new(0..places.len()), Mutex::new(vec![false; places.len()]));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let m = machine();
                while let Some(next) = { work.lock().expect("work").next() } {
                    let again = killed_at(&m, &places[next].0, places[next].1);
                    fates.lock().expect("fates")[next] = again;
                }
            });
        }
    });
    let fates = fates.into_inner().expect("fates");
    // A login that is killed before the first claim leaves the pair unused. From the claim on the pair is used, long
    // before the record is written.
    let burned = fates.iter().position(|again| !again).expect("some are burned");
    assert!(fates[burned..].iter().all(|again| !again), "{fates:?} {places:?}");
    let written = places.iter().position(|(call, _)| call == "renameat2").expect("a change");
    assert!(burned < written, "{fates:?} {places:?}");
}

#[test]
fn where_the_record_cannot_be_written_nobody_gets_in_until_it_can() {
    for (stuck, mended) in [
        ("mount --bind /var /var; mount -o remount,bind,ro /var", "umount /var"),
        (
            "cp -a /var/lib/twinlock /tmp/t; mount -t tmpfs -o size=64k full /var/lib; \
             cp -a /tmp/t /var/lib/twinlock; ! head -c 1m /dev/zero 2>/dev/null >/var/lib/fill",
            "rm /var/lib/fill",
        ),
    ] {
        let m = machine();
        let codes = shown(&m, now(), &[-12, -11, -10, -9]);
        m.run(["sh", "-euc", stuck]).ok();
        let mut s = m.pamtester("bare", "ada").open();
        s.expect(PROMPT).send_line(&codes[0]).expect(PROMPT).send_line(&codes[1]);
        s.expect("cannot record that it is used").expect("twinlock why ada");
        s.expect("Press Enter to end").send_line("");
        assert_ne!(s.exit_code(), Some(0), "{stuck}: {}", s.transcript());
        assert_eq!(m.logged("reason=record_not_written").len(), 1, "{stuck}: {:?}", m.log());
        m.run(["sh", "-euc", mended]).ok();
        assert!(!gets_in(&m, &codes[..2]), "{stuck}: {:?}", m.log());
        assert!(gets_in(&m, &codes[2..]), "{stuck}: {:?}", m.log());
    }
}
