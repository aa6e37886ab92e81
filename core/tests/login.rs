//! Tests logins through core's entry point, with in-memory ports.

mod world;

use twinlock_core::{
    base::{
        error::StoreError,
        request::{Claim, PublicKey, Source},
    },
    event::verdict::Verdict,
    policy::{Action, NotEnrolled, Rule},
};
use world::{World, request};

const PROMPT: &str = "Verification code (? for other ways): ";

fn exempt() -> Rule {
    Rule {
        user: None,
        group: None,
        service: None,
        network: None,
        action: Action::Exempt,
        until: None,
    }
}

#[test]
fn a_code_lets_in_once_and_costs_nothing() {
    let world = World::new();
    let code = world.code(0);
    assert_eq!(world.login(&request("ada", Claim::Stack), &[&code]), Verdict::Granted);
    assert_eq!(*world.said.borrow(), [PROMPT]);
    let names: Vec<String> = world.names.borrow().keys().cloned().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].starts_with("users/ada/used."), "{names:?}");
    assert_eq!(world.login(&request("ada", Claim::Stack), &[&code, ""]), Verdict::Denied);
    assert_eq!(
        world.said.borrow()[1],
        format!("\nThat code was used already. Wait for the next one (30 s).\n{PROMPT}")
    );
    assert_eq!(world.reasons(), ["", "replayed", "stopped"]);
}

#[test]
fn the_person_is_told_what_is_wrong_behind_a_first_factor_only() {
    let world = World::new();
    let wrong = world.wrong_code();
    world.refuse(&request("ada", Claim::Stack), &[&wrong, &wrong, &wrong]);
    assert_eq!(
        *world.said.borrow(),
        [
            PROMPT.to_owned(),
            format!("\nThat code is wrong. 2 tries left.\n{PROMPT}"),
            format!("\nThat code is wrong. 1 try left.\n{PROMPT}"),
            "That code is wrong.".to_owned(),
        ]
    );
    let plain = format!("\nThat was not accepted.\n{PROMPT}");
    world.refuse(&request("ada", Claim::Follows), &[&wrong, "hunter2", "12345"]);
    assert_eq!(world.said.borrow()[..3], [PROMPT.to_owned(), plain.clone(), plain]);
}

/// Checks that a login without a proven first factor asks for one code and then refuses. The program, such as sshd,
/// may then ask for the password again.
#[test]
fn failed_first_factor_is_asked_one_code() {
    for user in ["ada", "bob", "nobody-here"] {
        for claim in [Claim::Failed, Claim::Publickey] {
            for typed in ["000000", "hunter2", "AAAA-BBBB-CCCC-DDDD-EEEE"] {
                let world = World::new();
                world.account("bob", 1001);
                world.refuse(&request(user, claim), &[typed]);
                let expected = [PROMPT.to_owned(), "That was not accepted.".to_owned()];
                assert_eq!(*world.said.borrow(), expected, "{user} {claim:?} {typed}");
            }
        }
    }
}

#[test]
fn a_code_is_nothing_without_a_first_factor() {
    for claim in [Claim::Failed, Claim::Publickey] {
        let world = World::new();
        let code = world.code(0);
        assert_eq!(world.login(&request("ada", claim), &[&code, &code, &code]), Verdict::Denied);
        assert_eq!(world.writes.get(), 0, "{claim:?}");
        let verified = world::request("ada", Claim::Publickey);
        let verified =
            twinlock_core::base::request::Request { public_key: PublicKey::Verified, ..verified };
        assert_eq!(world.login(&verified, &[&code]), Verdict::Granted);
    }
}

#[test]
fn everybody_unproven_sees_the_same() {
    let dialogue = |prepare: &dyn Fn(&mut World), user: &str, claim: Claim| {
        let mut world = World::new();
        world.account("bob", 1001);
        prepare(&mut world);
        let wrong = world.wrong_code();
        // The verdict may differ, since it is not observable; the messages must not.
        let _ = world.login(&request(user, claim), &["?", "2", "x", "hunter2", &wrong]);
        world.said.take()
    };
    for claim in [Claim::Follows, Claim::Failed, Claim::Publickey] {
        let enrolled = dialogue(&|_| {}, "ada", claim);
        let questions = if claim == Claim::Follows { 6 } else { 4 };
        assert_eq!(enrolled.len(), questions, "{enrolled:?}");
        assert_eq!(dialogue(&|_| {}, "nobody-here", claim), enrolled);
        assert_eq!(dialogue(&|_| {}, "bob", claim), enrolled);
        assert_eq!(dialogue(&|world| world.policy.rules.push(exempt()), "bob", claim), enrolled);
        let broken = |world: &mut World| world.store_fault.set(Some(StoreError::StoreIdMismatch));
        assert_eq!(dialogue(&broken, "ada", claim), enrolled);
        let throttled = |world: &mut World| {
            let wrong = world.wrong_code();
            for _ in 0..4 {
                world.refuse(&request("ada", Claim::Follows), &[&wrong, &wrong, &wrong]);
            }
        };
        assert_eq!(dialogue(&throttled, "ada", claim), enrolled);
    }
}

#[test]
fn what_is_no_code_costs_no_try() {
    let world = World::new();
    for typed in ["", "hunter2", "\u{8}\n\r\u{7f}INCORRECT", "12345", &"1".repeat(600)] {
        for claim in [Claim::Stack, Claim::Follows] {
            let verdict = world.login(&request("ada", claim), &[typed, typed, typed]);
            assert_eq!(verdict, Verdict::Denied);
        }
    }
    let charged = world.names.borrow().keys().any(|name| name.contains("/try."));
    assert!(!charged, "{:?}", world.names.borrow());
}

#[test]
fn wrong_codes_are_slowed_down_and_a_right_one_forgives() {
    let world = World::new();
    let wrong = world.wrong_code();
    let ask = request("ada", Claim::Stack);
    world.refuse(&ask, &[&wrong, &wrong, &wrong]);
    world.refuse(&ask, &[&wrong, &wrong, &wrong]);
    let last = world.said.borrow().last().cloned().unwrap();
    assert_eq!(last, "Too many wrong codes. Try again at 08:00:30 UTC (in 30 s).");
    assert_eq!(world.login(&ask, &[&world.code(0), ""]), Verdict::Denied);
    world.unix.set(world.unix.get() + 30);
    world.boot.set(world.boot.get() + 30);
    assert_eq!(world.login(&ask, &[&world.code(0)]), Verdict::Granted);
    assert!(!world.names.borrow().keys().any(|name| name.contains("/try.")));
}

#[test]
fn another_source_is_not_slowed_down() {
    let world = World::new();
    let wrong = world.wrong_code();
    for _ in 0..3 {
        world.refuse(&request("ada", Claim::Stack), &[&wrong, &wrong, &wrong]);
    }
    let mut elsewhere = request("ada", Claim::Stack);
    elsewhere.source = Source::address([198, 51, 100, 1].into());
    assert_eq!(world.login(&elsewhere, &[&world.code(0)]), Verdict::Granted);
}

#[test]
fn who_is_exempt_is_not_asked() {
    let mut world = World::new();
    world.policy.rules.push(exempt());
    assert_eq!(world.login(&request("ada", Claim::Stack), &[]), Verdict::Exempt);
    assert!(world.said.borrow().is_empty());
    assert_eq!(world.login(&request("ada", Claim::Failed), &["", "", ""]), Verdict::Denied);
    assert_eq!(world.login(&request("nobody-here", Claim::Stack), &[""]), Verdict::Unavailable);
}

#[test]
fn absence_is_told_or_allowed_and_a_fault_is_neither() {
    let mut world = World::new();
    world.account("bob", 1001);
    world.account("root", 0);
    let ask = |world: &World, user: &str| world.login(&request(user, Claim::Stack), &[""]);
    assert_eq!(ask(&world, "bob"), Verdict::Unavailable);
    assert!(world.said.borrow()[0].contains("twinlock enroll bob"));
    world.policy.not_enrolled = NotEnrolled::Allow;
    assert_eq!(ask(&world, "bob"), Verdict::Exempt);
    assert_eq!(ask(&world, "root"), Verdict::Unavailable);
    world.store_fault.set(Some(StoreError::StoreIdMissing));
    assert_eq!(ask(&world, "bob"), Verdict::Unavailable);
    assert!(world.said.borrow()[0].contains("twinlock why bob"));
    assert_eq!(
        world.reasons(),
        ["not_enrolled", "not_enrolled", "not_enrolled", "store_id_missing"]
    );
}

#[test]
fn a_removal_under_a_login_stops_it() {
    let world = World::new();
    world.change_at.set(Some(0));
    let code = world.code(0);
    assert_eq!(world.login(&request("ada", Claim::Stack), &[&code, ""]), Verdict::Denied);
    let burned = world.names.borrow().keys().any(|name| name.contains("/used."));
    assert!(burned, "the code was claimed before the change was seen");
}

#[test]
fn a_clock_set_back_shuts_the_owner_out_of_nothing() {
    let world = World::new();
    let ask = request("ada", Claim::Stack);
    for _ in 0..40 {
        assert_eq!(world.login(&ask, &[&world.code(0)]), Verdict::Granted);
        world.unix.set(world.unix.get() + 30);
        world.boot.set(world.boot.get() + 30);
    }
    world.unix.set(world.unix.get() - 50 * 30);
    assert_eq!(world.login(&ask, &[&world.code(0)]), Verdict::Granted);
    for ahead in 1..=9 {
        world.unix.set(world.unix.get() + 30);
        let verdict = world.login(&ask, &[&world.code(0)]);
        assert_eq!(verdict, Verdict::Granted, "{ahead} steps later, before the used ones");
    }
    world.unix.set(world.unix.get() + 30);
    assert_eq!(world.login(&ask, &[&world.code(0), ""]), Verdict::Denied);
}

#[test]
fn a_refusal_is_logged_where_nothing_could_be_judged() {
    let world = World::new();
    let code = world.code(0);
    // The account is looked up before the clock is read.
    world.faults.borrow_mut().extend([false, true]);
    world.refuse(&request("ada", Claim::Follows), &[&code, &code, &code]);
    assert_eq!(world.reasons(), ["clock_failed"]);
}
