//! Tests `twinlock verify`: what it reports about a code, which attempts count, which codes are used up, and what it
//! never discloses.

use twinlock_tests::Machine;

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").enrolled("ada", KEY);
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

fn wrong_tries(m: &Machine, count: usize) {
    let answers = format!("{}\n", m.wrong_code("ada")).repeat(count);
    m.pamtester("probe", "ada").input(format!("{answers}\n")).output();
}

fn verify(m: &Machine, code: &str) -> (Option<i32>, String) {
    let said = m.call(["twinlock", "verify", "ada"]).input(format!("{code}\n")).output();
    (said.code, (said.stdout + &said.stderr).replace('\n', " "))
}

fn unlocked(m: &Machine) {
    m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/try.*"]).ok();
}

#[test]
fn verify_is_charged_and_logged_each_time() {
    let m = machine();
    let begun = m.tries("ada");
    for nth in 1..=5 {
        assert_eq!(verify(&m, &m.wrong_code("ada")).0, Some(1));
        assert_eq!(m.tries("ada"), begun + nth);
    }
    let names = m.tree("/run/twinlock/users/ada");
    assert!(names.contains("try.verify.") && !names.contains("try.proven."), "{names}");
    // After too many wrong codes, not even a correct code is compared.
    for _ in 0..40 {
        let (code, said) = verify(&m, &m.code("ada"));
        assert!(code == Some(5) && said.contains("too many codes of ada were verified"), "{said}");
    }
    assert_eq!(m.logged("event=code_tried user=ada finding=wrong").len(), 5);
    assert_eq!(m.logged("event=code_tried user=ada finding=throttled").len(), 40);
    // The user is not locked out and can log in, but this login does not refund what was charged to `verify`.
    m.pamtester("probe", "ada").input(format!("{}\n", m.code("ada"))).output().ok();
    assert_eq!(verify(&m, &m.code_in("ada", 1)).0, Some(5));
    assert_eq!(m.tries("ada"), begun + 5);
}

#[test]
fn verify_gives_no_guesses_of_a_login_back() {
    let m = machine();
    wrong_tries(&m, 3);
    let before = m.tries("ada");
    let (code, said) = verify(&m, &m.code("ada"));
    assert!(code == Some(0) && said.contains("which is now used up"), "{said}");
    assert_eq!(m.tries("ada"), before);
    // A code that was verified cannot be used at a login.
    let refused = m.pamtester("probe", "ada").input(format!("{}\n\n", m.code("ada"))).output();
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(m.logged("reason=replayed").len() == 1, "{:?}", m.log());
}

#[test]
fn verify_says_nothing_of_codes_to_come() {
    let m = machine();
    let (wrong, said) = verify(&m, &m.wrong_code("ada"));
    for steps in [3, 10, 20, 68, 120] {
        unlocked(&m);
        assert_eq!(verify(&m, &m.code_in("ada", steps)), (wrong, said.clone()), "{steps}");
    }
    // If `verify` reports a slow clock, it also claims the past code, so that no login can learn the drift from it.
    unlocked(&m);
    let (_, said) = verify(&m, &m.code_in("ada", -10));
    assert!(said.contains("the phone's clock is slow"), "{said}");
    let pair = format!("{}\n{}\n\n", m.code_in("ada", -11), m.code_in("ada", -10));
    let refused = m.pamtester("probe", "ada").input(pair).output();
    assert_ne!(refused.code, Some(0), "{refused:?}");
}

#[test]
fn verify_says_what_a_code_is() {
    let m = machine();
    let verify = |code: &str| {
        unlocked(&m);
        verify(&m, code)
    };
    for (code, exit, said) in [
        (m.wrong_code("ada"), 1, "wrong: no authenticator of ada shows that code"),
        (m.code_in("ada", -10), 1, "the phone's clock is slow"),
        ("hunter2".into(), 1, "that is not a code"),
        ("123456789".into(), 1, "only codes of an authenticator app can be verified here"),
        (m.code("ada"), 0, "Correct: a code of ada's authenticator twinbox, which is now used up."),
    ] {
        let (found, words) = verify(&code);
        assert_eq!(found, Some(exit), "{words}");
        assert!(words.contains(said), "{words}");
    }
    let (found, words) = verify(&m.code("ada"));
    assert!(found == Some(1) && words.contains("used already"), "{words}");
    m.epoch_minutes_ago(0);
    let (found, words) = verify(&m.code_in("ada", 1));
    assert!(found == Some(1) && words.contains("before this machine was started"), "{words}");
}
