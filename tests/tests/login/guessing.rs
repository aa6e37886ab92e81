//! Tests guessing through the real module. Checks that no more codes are compared than the settings allow, the owner
//! can log in meanwhile, and each delay ends as announced.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use twinlock_tests::{Finished, Machine, Otp, PASSWORD, PROMPT, Session, thorough};

const IN: &str = "successfully authenticated";
const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const OWNER: &str = "198.51.100.1";

/// Creates a machine on which ada's app shows a new code each second, so that she can log in each second.
fn machine(settings: &str) -> Machine {
    let m = Machine::new();
    m.user("ada").bare();
    m.enrolled_with("ada", &Otp { period: 1, ..Otp::new(KEY) });
    m.settings(settings);
    m
}

/// Calls the module from an address with these codes, one after the other, without libpam's delay.
fn call(m: &Machine, from: &str, codes: &[&str]) -> Finished {
    call_at(m, from, 0, codes)
}

fn call_at(m: &Machine, from: &str, seconds: i64, codes: &[&str]) -> Finished {
    let item = format!("rhost={from}");
    let quick = ["--seccomp-bpf", "-qq", "-e", "trace=select,pselect6"];
    let skip = ["-e", "inject=select,pselect6:retval=0"];
    let call = m.pamtester_as(&["-I", &item], "bare", "ada");
    let call = call.strace("/dev/null", &[&quick[..], &skip[..]].concat());
    let call = if seconds == 0 { call } else { call.clock(seconds) };
    call.input(codes.join("\n") + "\n").output()
}

fn gets_in(m: &Machine, from: &str) -> bool {
    call(m, from, &[&m.code("ada")]).stdout.contains(IN)
}

/// Returns how many codes the module has compared and found wrong.
fn judged(m: &Machine) -> usize {
    m.logged("reason=wrong_code").len()
}

/// Setting that allows ten codes per call.
const TRIES: &str = "tries = 10\n";

#[test]
fn of_a_thousand_wrong_codes_from_one_source_the_free_ones_are_judged() {
    let m = machine(TRIES);
    let wrong = m.wrong_code("ada");
    let begun = Instant::now();
    for _ in 0..100 {
        assert!(!call(&m, "203.0.113.7", &[wrong.as_str(); 10]).stdout.contains(IN));
    }
    // One more code may be compared for each half minute that the calls took.
    let most = 5 + usize::try_from(begun.elapsed().as_secs() / 30).expect("seconds") + 1;
    assert!((5..=most).contains(&judged(&m)), "{}: {}", judged(&m), m.state());
    assert_eq!(m.tries("ada"), judged(&m));
    assert_eq!(judged(&m) + m.logged("reason=throttled").len(), 1000);
    assert!(gets_in(&m, OWNER), "{:?}", m.log().last());
}

fn at_the_prompt<'m>(m: &'m Machine, from: &str) -> Session<'m> {
    let item = format!("rhost={from}");
    let mut session = m.pamtester_as(&["-I", &item], "bare", "ada").open();
    session.expect(PROMPT);
    session
}

/// Sends thirty-two wrong codes at the same time. `from` gives the source address of each. Returns how many attempts
/// the ledger counts.
fn at_one_instant(m: &Machine, from: impl Fn(u32) -> String) -> usize {
    let wrong = m.wrong_code("ada");
    let waiting = (0..32).map(|number| (at_the_prompt(m, &from(number)), wrong.clone()));
    let mut waiting: Vec<_> = waiting.collect();
    m.at_once("pamtester", &mut waiting);
    for (session, _) in &mut waiting {
        session.expect_one_of(&["wrong", "Too many"]);
    }
    m.tries("ada")
}

#[test]
fn at_one_instant_no_more_are_judged_than_one_after_the_other() {
    let m = machine("");
    assert!((1..=5).contains(&at_one_instant(&m, |_| "203.0.113.7".into())), "{}", m.state());
    let m = machine("[throttle]\nin_a_row = 7\n");
    assert!((1..=7).contains(&at_one_instant(&m, |number| format!("192.0.2.{number}"))));
}

#[test]
fn a_burst_leaves_one_note() {
    let m = machine("");
    at_one_instant(&m, |number| format!("192.0.2.{number}"));
    assert!(gets_in(&m, OWNER));
    let notes = || m.tree("/var/lib/twinlock/users/ada").matches("/failed.").count();
    assert_eq!(notes(), 0, "{}", m.tree("/var/lib/twinlock"));
    // A wrong code in the same second as a success belongs to the streak that the success ended.
    call_at(&m, "203.0.113.7", 5, &[&m.wrong_code("ada")]);
    assert_eq!(notes(), 1, "{}", m.tree("/var/lib/twinlock"));
}

#[test]
fn a_new_address_each_time_helps_nobody() {
    let m = machine("tries = 1\n[throttle]\nin_a_row = 12\n");
    let wrong = m.wrong_code("ada");
    let next_of_one_subscriber = |number: u32| format!("2001:db8:1:2::{number:x}");
    for number in 0..20 {
        call(&m, &next_of_one_subscriber(number), &[&wrong]);
    }
    assert_eq!(judged(&m), 5);
    for number in 0..40 {
        call(&m, &format!("2001:db8:2:{number:x}::1"), &[&wrong]);
    }
    assert_eq!(judged(&m), 12, "{}", m.state());
    assert!(m.logged("reason=locked").len() >= 30);
}

#[test]
fn su_is_no_better_instrument_whatever_its_caller_limits() {
    let m = machine("tries = 1\n");
    m.user("mallory").password("ada", PASSWORD);
    m.pam("su", "auth required pam_permit.so\nauth required pam_twinlock.so first_factor=stack\n");
    let wrong = m.wrong_code("ada");
    let limits =
        ["true", "ulimit -f 0", "ulimit -n 8", "umask 777", "ulimit -v 40000", "ulimit -u 0"];
    for limit in limits.iter().cycle().take(24) {
        let quick = ["-qq", "-e", "trace=pselect6,select,clock_nanosleep"];
        let skip = ["-e", "inject=select,pselect6,clock_nanosleep:retval=0"];
        let su = m.su("mallory", "ada").first(limit);
        su.strace("/dev/null", &[&quick[..], &skip[..]].concat())
            .input(wrong.clone() + "\n")
            .output();
    }
    assert_eq!(judged(&m), 5, "{:?}", m.log());
    assert!(gets_in(&m, OWNER));
}

#[test]
fn delays_end_by_themselves_and_by_unlock() {
    let m = machine(TRIES);
    let wrong = m.wrong_code("ada");
    let from = "203.0.113.7";
    call(&m, from, &[wrong.as_str(); 10]);
    assert_eq!(judged(&m), 5);
    // The sixth code is compared half a minute later, the seventh a minute after the sixth.
    for (seconds, in_all) in [(15, 5), (45, 6), (80, 6), (150, 7)] {
        call_at(&m, from, seconds, &[&wrong]);
        assert_eq!(judged(&m), in_all, "{seconds}: {}", m.state());
    }
    assert!(!gets_in(&m, from));
    m.run(["twinlock", "unlock", "ada"]).ok();
    assert!(gets_in(&m, from), "{:?}", m.log().last());
}

/// Simulates a restart of the host ten minutes ago: the records stay, and the ledger is empty.
fn restart(m: &Machine) {
    m.run(["sh", "-c", "rm -rf /run/twinlock/*"]).ok();
    m.epoch_minutes_ago(10);
}

#[test]
fn a_restart_refills_no_row() {
    let m = machine("tries = 1\n[throttle]\nfree = 5\nin_a_row = 8\n");
    let wrong = m.wrong_code("ada");
    assert!(gets_in(&m, OWNER));
    for round in 0..4 {
        for number in 0..2 {
            call(&m, &format!("203.0.113.{}", round * 2 + number), &[&wrong]);
        }
        restart(&m);
    }
    assert_eq!(judged(&m), 8);
    assert!(!gets_in(&m, "203.0.113.99"));
    assert_eq!((judged(&m), m.logged("reason=locked").len()), (8, 1), "{:?}", m.log());
    // The owner's login ends the streak, also after the next restart.
    assert!(gets_in(&m, OWNER));
    restart(&m);
    assert!(gets_in(&m, "203.0.113.99"), "{:?}", m.log());
}

#[test]
fn unlock_forgets_what_was_before_a_restart() {
    let m = machine("tries = 1\n[throttle]\nin_a_row = 3\n");
    let wrong = m.wrong_code("ada");
    for number in 0..3 {
        call(&m, &format!("203.0.113.{number}"), &[&wrong]);
    }
    restart(&m);
    assert!(!gets_in(&m, "203.0.113.9"));
    let said = m.run(["twinlock", "unlock", "ada"]);
    assert!(said.ok().contains("3 from before the last restart"), "{said:?}");
    assert!(gets_in(&m, "203.0.113.9"), "{:?}", m.log());
}

/// A flag that ends the attack when it is dropped, also if the test fails.
struct EndOfAttack<'a>(&'a AtomicBool);

impl Drop for EndOfAttack<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Checks that the owner can log in repeatedly during an attack from many addresses.
#[test]
fn the_owner_gets_in_throughout_an_attack() {
    let m = machine(TRIES);
    let mut last = m.code("ada");
    assert!(call(&m, OWNER, &[&last]).stdout.contains(IN));
    let over = AtomicBool::new(false);
    let (wrong, seconds) = (m.wrong_code("ada"), if thorough() { 300 } else { 10 });
    thread::scope(|scope| {
        for place in 0..2 {
            let (m, over, wrong) = (&m, &over, &wrong);
            scope.spawn(move || {
                for number in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    call(m, &format!("203.0.{place}.{}", number % 250), &[wrong.as_str(); 10]);
                }
            });
        }
        let end_of_attack = EndOfAttack(&over);
        let begun = Instant::now();
        let mut logins = 0;
        while begun.elapsed().as_secs() < seconds {
            let code = m.code("ada");
            if code == last {
                continue;
            }
            let said = call(&m, OWNER, &[&code]);
            assert!(said.stdout.contains(IN), "{said:?} {:?}", m.log().last());
            logins += 1;
            last = code;
        }
        drop(end_of_attack);
        assert!(logins > 3, "{logins}");
    });
    assert!(judged(&m) <= 100, "{}", judged(&m));
}
