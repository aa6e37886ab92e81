//! Tests logins with backup codes, each of which works once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use twinlock_core::{
    base::{
        error::{FileError, StoreError},
        request::Claim,
    },
    event::{Accepted, Kind, verdict::Verdict},
    record::{State, code_set::Shape},
};
use world::{World, request};

const SET: [&str; 3] = ["10000001", "20000002", "30000003"];

fn world() -> World {
    let world = World::new();
    world.with_set(7, &SET);
    world
}

fn gets_in(world: &World, claim: Claim, code: &str) -> bool {
    world.login(&request("ada", claim), &[code, ""]) == Verdict::Granted
}

fn tries(world: &World) -> usize {
    world.names.borrow().keys().filter(|name| name.contains("/try.")).count()
}

#[test]
fn each_code_works_once_and_says_how_many_are_left() {
    let world = world();
    for (code, said) in [
        (
            "1000-0001",
            "You have 2 backup codes left. For new ones, type ? at the next login, then 4.",
        ),
        (SET[2], "You have 1 backup code left. For new ones, type ? at the next login, then 4."),
    ] {
        assert!(gets_in(&world, Claim::Stack, code), "{code}");
        assert_eq!(world.said.borrow().last().map(String::as_str), Some(said));
        assert!(!gets_in(&world, Claim::Stack, code), "{code}");
        assert!(world.said.borrow()[1].contains("works once"), "{:?}", world.said.borrow());
    }
    assert_eq!(world.reasons()[..3], ["", "spent", "stopped"]);
    let events = world.events.borrow();
    let accepted = events.iter().filter_map(|event| event.accepted.clone());
    let left: Vec<_> = accepted.collect();
    assert_eq!(
        left,
        [2, 1].map(|left| Accepted::BackupCode { shape: Shape::Digits8, left: Some(left) })
    );
}

#[test]
fn the_menu_offers_backup_codes_to_who_has_some_left() {
    let world = world();
    let menus = |world: &World| {
        let said = world.said.borrow();
        said.iter().filter(|line| line.contains("One-time backup code\n")).count()
    };
    for (code, granted) in [("00000000", false), (SET[0], true), (SET[1], true)] {
        let before = tries(&world);
        let verdict = world.login(&request("ada", Claim::Stack), &["?", "2", code, ""]);
        assert_eq!((verdict == Verdict::Granted, menus(&world)), (granted, 1), "{code}");
        assert_eq!(tries(&world) > before, !granted, "{code}");
    }
    // The last code is used where no new set can be shown. Afterwards, no backup code is offered, as for a user without
    // a set.
    assert!(gets_in(&world, Claim::Follows, SET[2]));
    for user in ["ada", "bob"] {
        let _ = world.login(&request(user, Claim::Stack), &["?", "2", ""]);
        assert_eq!(menus(&world), 0, "{user}: {:?}", world.said.borrow());
    }
    let _ = world.login(&request("ada", Claim::Follows), &["?", "3"]);
    assert_eq!(menus(&world), 1, "everybody is offered all before a first factor");
}

#[test]
fn an_answer_that_the_menu_does_not_have_is_told_the_choices() {
    for (world, claim, typed, choices) in [
        (world(), Claim::Stack, "q", "Choose 1-4"),
        (World::new(), Claim::Stack, "2", "Choose 1, 3 or 4"),
        (World::new(), Claim::Follows, "", "Choose 1-3"),
    ] {
        let _ = world.login(&request("ada", claim), &["?", typed, "9", "3"]);
        let said = world.said.borrow();
        for again in [&said[2], &said[3]] {
            assert!(again.starts_with("\nThat is none of the choices."), "{again}");
            assert!(again.contains(choices), "{again}");
        }
        assert_eq!(world.reasons(), ["stopped"], "a slip sends nobody away");
    }
    let world = World::new();
    let code = world.code(0);
    let typed = ["?", "q", "q", "q", &code];
    assert_eq!(world.login(&request("ada", Claim::Stack), &typed), Verdict::Granted);
    assert!(world.said.borrow()[4].contains("none of the choices (1, 3 or 4)"));
}

#[test]
fn a_spent_code_stays_spent_when_the_ledger_is_lost() {
    let world = world();
    assert!(gets_in(&world, Claim::Stack, SET[0]));
    world.names.borrow_mut().clear();
    *world.epoch.borrow_mut() = None;
    assert!(!gets_in(&world, Claim::Stack, SET[0]));
    // Another code of the set works, although the ledger is lost.
    assert!(gets_in(&world, Claim::Stack, SET[1]));
}

#[test]
fn one_digit_changed_is_wrong_and_counted() {
    let world = world();
    for place in 0..8 {
        let mut code = SET[0].as_bytes().to_vec();
        code[place] = if code[place] == b'9' { b'0' } else { code[place] + 1 };
        world.unix.set(world.unix.get() + 1000);
        world.boot.set(world.boot.get() + 1000);
        assert!(!gets_in(&world, Claim::Stack, std::str::from_utf8(&code).unwrap()), "{place}");
    }
    assert_eq!(tries(&world), 8);
    assert_eq!(world.hashed.borrow().len(), 8);
    assert!(world.spent.borrow().is_empty());
}

#[test]
fn codes_of_the_app_and_other_answers_are_never_hashed() {
    let world = world();
    let wrong = world.wrong_code();
    for answer in [wrong.as_str(), "1234567", "123456789", "hunter22", &world.code(0)] {
        let _ = gets_in(&world, Claim::Stack, answer);
    }
    assert!(world.hashed.borrow().is_empty(), "{:?}", world.hashed.borrow());
}

#[test]
fn before_a_proven_first_factor_everybody_costs_one_hash() {
    let hashed = |prepare: &dyn Fn(&World), user: &str, claim: Claim| {
        let world = world();
        world.account("bob", 1001);
        world.account("cid", 1002);
        world.enroll("cid", 1002);
        prepare(&world);
        let _ = world.login(&request(user, claim), &["12345678", ""]);
        let said = world.said.take();
        (world.hashed.take(), said)
    };
    let enrolled = hashed(&|_| {}, "ada", Claim::Follows);
    assert_eq!(enrolled.0, ["12345678"]);
    for user in ["bob", "cid", "nobody-here"] {
        assert_eq!(hashed(&|_| {}, user, Claim::Follows), enrolled, "{user}");
    }
    let broken = |world: &World| world.sets.borrow_mut().clear();
    assert_eq!(hashed(&broken, "ada", Claim::Follows), enrolled);
    // If the first factor is proven, no code is hashed for a user without a set.
    assert!(hashed(&|_| {}, "cid", Claim::Stack).0.is_empty());
    // User names without an account share their attempts, so a throttled one must not cost less than another.
    let throttled = |world: &World| {
        for _ in 0..5 {
            assert!(!gets_in(world, Claim::Follows, "12345678"));
        }
        world.hashed.borrow_mut().clear();
    };
    assert_eq!(hashed(&throttled, "ada", Claim::Follows).0, enrolled.0);
    assert!(hashed(&|_| {}, "ada", Claim::Failed).0.is_empty());
}

#[test]
fn nobody_is_told_what_is_left_before_a_proven_first_factor() {
    let world = world();
    assert!(gets_in(&world, Claim::Follows, SET[0]));
    assert_eq!(world.said.borrow().len(), 1, "{:?}", world.said.borrow());
    assert!(!gets_in(&world, Claim::Follows, SET[0]));
    assert!(world.said.borrow()[1].contains("was not accepted"), "{:?}", world.said.borrow());
}

#[test]
fn what_cannot_be_judged_or_spent_is_refused_and_charged() {
    for (claim, verdict) in
        [(Claim::Stack, Verdict::Unavailable), (Claim::Follows, Verdict::Denied)]
    {
        let world = world();
        world.spend_fault.set(Some(StoreError::File(FileError::Io { errno: 28 })));
        assert_eq!(world.login(&request("ada", claim), &[SET[0], "", ""]), verdict);
        assert_eq!(tries(&world), 1);
        world.spend_fault.set(None);
        assert!(gets_in(&world, claim, SET[0]), "it is not lost");
        world.sets.borrow_mut().clear();
        assert_eq!(world.login(&request("ada", claim), &["12345678", "", ""]), verdict);
        assert_eq!(tries(&world), 1, "or an app of eight digits could be guessed for free");
        assert!(gets_in(&world, claim, &world.code(0)), "the app is not shut out by it");
        let reasons = world.reasons();
        assert!(reasons.contains(&"code_not_spent") && reasons.contains(&"codes_missing"));
    }
}

#[test]
fn whoever_is_removed_under_the_login_does_not_get_in() {
    let world = world();
    world.change_at.set(Some(0));
    assert!(!gets_in(&world, Claim::Stack, SET[0]));
    assert_eq!(world.spent.borrow().len(), 1, "the code is burned");
    assert!(world.events.borrow().iter().all(|event| event.kind == Kind::Refused));
}

#[test]
fn a_set_that_was_replaced_is_dead() {
    let world = world();
    world.with_set(8, &["40000004"]);
    assert!(!gets_in(&world, Claim::Stack, SET[0]));
    assert!(gets_in(&world, Claim::Follows, "40000004"));
    let gone = world.record("ada", 1000, State::Removed);
    assert_eq!(gone.codes, None);
}

#[test]
fn a_login_held_up_for_long_burns_its_code() {
    let world = world();
    world.late.set(31);
    assert!(!gets_in(&world, Claim::Stack, SET[0]));
    assert_eq!(world.reasons()[0], "spent");
    world.late.set(0);
    assert!(!gets_in(&world, Claim::Stack, SET[0]));
    assert!(gets_in(&world, Claim::Stack, SET[1]));
}

#[test]
fn a_success_forgives_as_the_app_does() {
    let world = world();
    for _ in 0..4 {
        assert!(!gets_in(&world, Claim::Stack, "99999999"));
    }
    assert_eq!(tries(&world), 4);
    assert!(gets_in(&world, Claim::Stack, SET[0]));
    assert_eq!(tries(&world), 0);
}
