//! Tests programs that repeat an accepted code: a web page with images, parallel connections, and a polling client.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use twinlock_core::{
    base::request::Claim,
    event::verdict::Verdict,
    policy::Field,
    record::{Authenticator, MovingFactor, Record, State, text},
};
use world::{
    World,
    apps::{code_of, token},
    request,
};

const CLAIMS: [Claim; 2] = [Claim::Follows, Claim::Stack];

fn tries(world: &World) -> usize {
    world.names.borrow().keys().filter(|name| name.contains("/try.")).count()
}

fn failures(world: &World) -> u32 {
    world.failures.get()
}

fn attempt(world: &World, user: &str, claim: Claim, code: &str) -> Verdict {
    world.login(&request(user, claim), &[code, ""])
}

fn is_in(world: &World, claim: Claim, code: &str) -> bool {
    attempt(world, "ada", claim, code) == Verdict::Granted
}

#[test]
fn pictures_of_one_page_charge_nothing() {
    for claim in CLAIMS {
        let world = World::new();
        let code = world.code(0);
        assert!(is_in(&world, claim, &code));
        for _ in 0..64 {
            assert!(!is_in(&world, claim, &code), "{claim:?}");
        }
        assert_eq!((tries(&world), failures(&world)), (0, 0), "{claim:?}");
        assert!(
            !world.reasons().contains(&"throttled") && !world.reasons().contains(&"wrong_code")
        );
        assert!(is_in(&world, claim, &world.code(1)), "{claim:?}");
    }
}

#[test]
fn polling_for_a_day_charges_nothing_and_is_named() {
    for claim in CLAIMS {
        let world = World::new();
        let code = world.code(0);
        assert!(is_in(&world, claim, &code));
        for minute in 0..1440 {
            world.pass(60);
            // If the phone shows the same digits again, they belong to a new code.
            let again = (-2..=2).any(|offset| world.code(offset) == code);
            assert!(again || !is_in(&world, claim, &code), "{claim:?} {minute}");
        }
        let refused: Vec<_> = world.reasons().into_iter().filter(|it| !it.is_empty()).collect();
        assert!(refused.iter().all(|it| ["replayed", "stopped"].contains(it)), "{claim:?}");
        assert_eq!((tries(&world), failures(&world)), (0, 0), "{claim:?}");
        assert!(is_in(&world, claim, &world.code(0)), "{claim:?}");
    }
}

#[test]
fn newer_logins_elsewhere_leave_the_text_known() {
    let world = World::new();
    let polled = world.code(0);
    assert!(is_in(&world, Claim::Follows, &polled));
    for login in 1..=8 {
        world.pass(90);
        assert!(!is_in(&world, Claim::Follows, &polled), "{login}");
        assert_eq!(tries(&world), 0, "{login}");
        assert!(is_in(&world, Claim::Stack, &world.code(0)), "{login}");
    }
    // Only the last eight codes are compared.
    assert!(!is_in(&world, Claim::Follows, &polled));
    assert_eq!(tries(&world), 1);
}

#[test]
fn one_field_is_no_guess_whatever_the_password() {
    let mut world = World::new();
    world.policy.field = Field::PasswordAndCode;
    let code = world.code(0);
    assert!(is_in(&world, Claim::Follows, &format!("hunter2{code}")));
    world.pass(600);
    for password in ["hunter2", "hunter3", "x", "99"] {
        assert!(!is_in(&world, Claim::Follows, &format!("{password}{code}")), "{password}");
    }
    assert_eq!(tries(&world), 0);
    assert_eq!(world.handed_on.take().len(), 1, "no password is handed on but the first");
}

#[test]
fn guesses_beside_the_accepted_text_are_charged() {
    for claim in CLAIMS {
        let world = World::new();
        let code = world.code(0);
        assert!(is_in(&world, claim, &code));
        world.pass(120);
        for number in 1..=5 {
            assert!(!is_in(&world, claim, &world.wrong_code()), "{claim:?}");
            assert!(!is_in(&world, claim, &code), "{claim:?}");
            assert_eq!(tries(&world), number, "{claim:?}");
        }
        assert!(!is_in(&world, claim, &world.wrong_code()));
        let throttled = world.reasons().iter().filter(|it| **it == "throttled").count();
        assert_eq!(throttled, 2, "{claim:?}: the last text too, and the last guess");
    }
}

/// Checks that an older code that was never accepted counts like a guess if the first factor is not proven.
#[test]
fn older_code_that_was_never_accepted_is_charged() {
    let world = World::new();
    let older = world.code(-1);
    assert!(is_in(&world, Claim::Follows, &world.code(0)));
    assert!(!is_in(&world, Claim::Follows, &older));
    assert_eq!(tries(&world), 1);
}

#[test]
fn text_accepted_for_another_account_is_charged() {
    let world = World::new();
    world.account("bob", 1001);
    let authenticators = vec![Authenticator { moving: MovingFactor::default(), ..token(9, 0) }];
    let bobs = Record { authenticators, ..world.record("bob", 1001, State::Active) };
    world.records.borrow_mut().insert("bob".into(), (1, text::write(&bobs).to_string()));
    let code = world.code(0);
    assert!(is_in(&world, Claim::Follows, &code));
    for (number, user) in ["bob", "nobody-here"].into_iter().enumerate() {
        assert_ne!(attempt(&world, user, Claim::Follows, &code), Verdict::Granted);
        assert_eq!(tries(&world), number + 1, "{user}");
    }
}

#[test]
fn token_that_repeats_its_code_charges_nothing() {
    let world = World::new();
    world.equip("ada", vec![token(7, 0)]);
    let codes: Vec<String> = (0..3).map(|counter| code_of(&token(7, 0), counter)).collect();
    for code in &codes {
        assert!(is_in(&world, Claim::Follows, code));
    }
    for code in codes.iter().rev().cycle().take(30) {
        assert!(!is_in(&world, Claim::Follows, code));
    }
    assert_eq!(tries(&world), 0);
    assert_eq!(
        world.newest_record("ada").authenticators[0].moving,
        MovingFactor::Counter { next: 3 }
    );
}

#[test]
fn spent_backup_code_typed_again_charges_nothing() {
    for claim in CLAIMS {
        let world = World::new();
        world.with_set(7, &["10000001", "20000002", "30000003"]);
        assert!(is_in(&world, claim, "10000001"));
        for _ in 0..9 {
            assert!(!is_in(&world, claim, "10000001"));
            world.pass(60);
        }
        assert_eq!(tries(&world), 0, "{claim:?}");
        assert!(is_in(&world, claim, "20000002"));
    }
}
