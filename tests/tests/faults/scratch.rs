//! Lets many logins of one user enter the same backup code at the same time, and kills or pauses a login that uses a
//! backup code. Checks that each code works once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use twinlock_tests::{Machine, PROMPT, Scratch, Session};

const IN: &str = "successfully authenticated";
const CODE: &str = Scratch::CODES[0];

fn machine(set: Scratch) -> Machine {
    let m = Machine::new();
    m.bare().app_only("ada").scratch("ada", set);
    m
}

fn gets_in(m: &Machine, code: &str) -> bool {
    m.asked("ada", &format!("{code}\n")).code == Some(0)
}

/// Restores the state before the first login, when no code had been used.
fn anew(m: &Machine) {
    let store = "/var/lib/twinlock/users/ada";
    let script =
        format!("rm -rf /run/twinlock/users {store}/known.* {store}/failed.* {store}/spent.*");
    m.run(["sh", "-c", &script]).ok();
    m.run(["touch", "-d", "@0", "/var/lib/twinlock/clock"]).ok();
}

fn at_the_prompt(m: &Machine, number: u32) -> Session<'_> {
    let item = format!("rhost=192.0.2.{number}");
    let mut session = m.pamtester_as(&["-I", &item], "bare", "ada").open();
    session.expect(PROMPT);
    session
}

/// Runs one round, in which all rivals (sessions that wait at a prompt) enter the same code at the same time. Returns
/// how many of them logged in. Each of these then begins a new login, so that all rivals are at a prompt.
fn winners<'m>(m: &'m Machine, rivals: &mut Vec<(Session<'m>, String)>, code: &str) -> usize {
    rivals.iter_mut().for_each(|(_, typed)| code.clone_into(typed));
    m.at_once("pamtester", rivals);
    let mut winners = 0;
    for (number, (session, _)) in (0..).zip(rivals) {
        if session.expect_one_of(&[IN, PROMPT]) == 0 {
            winners += 1;
            *session = at_the_prompt(m, number);
        }
    }
    winners
}

#[test]
fn of_thirty_two_at_one_instant_one_gets_in() {
    let m = machine(Scratch::MANY);
    m.settings("tries = 10\n");
    let mut rivals = Vec::new();
    for place in 0..20 {
        if place % 9 == 0 {
            let anew = (0..32).map(|number| (at_the_prompt(&m, number), String::new()));
            rivals = anew.collect();
        }
        let won = winners(&m, &mut rivals, &Scratch::code(place));
        assert_eq!(won, 1, "round {place}: {}\n{}", m.log().join("\n"), m.state());
        // Clears the failed attempts of the rounds before.
        m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/try.*"]).ok();
    }
    assert_eq!(m.spent("ada"), 20);
}

type Place = (String, usize);

/// Returns the system calls of a login, from the reading of the code set to the end.
fn places(m: &Machine) -> Vec<Place> {
    anew(m);
    let call = m.pamtester_as(&["-v"], "bare", "ada").strace("/tmp/trace", &[]);
    let done = call.input(format!("{CODE}\n")).output();
    assert!(done.stdout.contains(IN), "{done:?}");
    m.trace("/tmp/trace").places("\"codes.", "successfully authenti")
}

/// Kills a login at the system call `place`. Returns whether its code still works afterwards. Checks that it then
/// works only once.
fn killed_unused(place: &Place, m: &Machine) -> bool {
    anew(m);
    let inject = format!("inject={}:signal=KILL:when={}", place.0, place.1);
    let login = m.pamtester_as(&["-v"], "bare", "ada").input(format!("{CODE}\n"));
    let killed = login.strace("/tmp/trace", &["-e", &inject]).output();
    assert_eq!(killed.code, Some(128 + 9), "{place:?}: {killed:?}");
    assert!(!killed.stdout.contains(IN), "{place:?}: {killed:?}");
    let unused = gets_in(m, CODE);
    assert!(!gets_in(m, CODE), "{place:?}: {:?}", m.log());
    assert!(gets_in(m, &m.code("ada")), "{place:?}: {:?}", m.log());
    assert_eq!(m.tries("ada"), 0, "{place:?}: {}", m.state());
    unused
}

#[test]
fn a_login_killed_anywhere_spends_its_code_at_most_once_and_shuts_nobody_out() {
    let places = places(&machine(Scratch::FEW));
    let called: BTreeSet<&str> = places.iter().map(|(call, _)| call.as_str()).collect();
    for call in ["mmap", "munmap", "symlinkat", "fsync", "unlinkat"] {
        assert!(called.contains(call), "{call}: {places:?}");
    }
    let fates = Mutex::new(vec![true; places.len()]);
    let work = Mutex::new(0..places.len());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let m = machine(Scratch::FEW);
                while let Some(next) = { work.lock().expect("work").next() } {
                    let unused = killed_unused(&places[next], &m);
                    fates.lock().expect("fates")[next] = unused;
                }
            });
        }
    });
    let fates = fates.into_inner().expect("fates");
    // A login that is killed at an early call leaves the code unused. From a certain call on, the code is used.
    let spent = fates.iter().position(|unused| !unused).expect("some are spent");
    assert_eq!(places[spent - 1].0, "symlinkat", "{fates:?} {places:?}");
    assert!(fates[spent..].iter().all(|unused| !unused), "{fates:?}");
}

#[test]
fn a_login_stopped_between_judging_and_spending_gains_nothing() {
    let remove = "twinlock remove ada --yes";
    for meanwhile in ["true", remove] {
        let m = machine(Scratch::FEW);
        m.proven("su");
        let mut su = stopped_before_spending(&m);
        if meanwhile == "true" {
            assert!(gets_in(&m, CODE), "{:?}", m.log());
        } else {
            m.run(["sh", "-c", meanwhile]).ok();
        }
        m.run(["pkill", "-CONT", "-x", "su"]).ok();
        assert_ne!(su.give_up(), Some(0), "{}", su.transcript());
        assert!(!su.transcript().contains("reached"), "{}", su.transcript());
    }
}

/// Returns a session of su by ada. It is paused after her code was verified and before the code is marked as used.
fn stopped_before_spending(m: &Machine) -> Session<'_> {
    let su = || m.call(["su", "ada", "-c", "echo reached"]).as_user("ada");
    let done = su().input(format!("{}\n", Scratch::CODES[2])).strace("/tmp/trace", &[]).output();
    assert!(done.stdout.contains("reached"), "{done:?}");
    let places = m.trace("/tmp/trace").places("\"codes.", "event=accepted");
    let unmapped = places.iter().find(|(call, _)| call == "munmap").expect("memory given back");
    anew(m);
    let inject = format!("inject=munmap:signal=STOP:when={}", unmapped.1);
    let mut su = su().strace("/tmp/trace", &["-e", &inject]).open();
    su.expect(PROMPT).send_line(CODE);
    while !m
        .run(["ps", "-C", "su", "-o", "stat="])
        .stdout
        .lines()
        .any(|line| line.starts_with(['T', 't']))
    {
        thread::yield_now();
    }
    su
}
