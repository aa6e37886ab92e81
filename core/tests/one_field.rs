//! Tests answers that contain the password and the code together: which part is compared, counted, and passed on to the
//! next module.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use twinlock_core::{
    base::{
        error::StoreError,
        request::{Claim, Request},
    },
    event::verdict::Verdict,
    policy::{Action, Field, Language, NotEnrolled, Rule},
    ports::Part,
};
use world::{World, request};

fn world() -> World {
    let mut world = World::new();
    world.policy.field = Field::PasswordAndCode;
    world
}

fn ada() -> Request {
    request("ada", Claim::Follows)
}

fn tries(world: &World) -> usize {
    world.names.borrow().keys().filter(|name| name.contains("/try.")).count()
}

fn exempt() -> Rule {
    let user = Some("ada".into());
    let action = Action::Exempt;
    Rule { user, group: None, service: None, network: None, action, until: None }
}

#[test]
fn a_right_code_hands_on_what_stands_before_it() {
    let world = world();
    let typed = format!("hunter2{}", world.code(0));
    assert_eq!(world.login(&ada(), &[&typed]), Verdict::Granted);
    assert_eq!(*world.said.borrow(), ["Password & verification code: "]);
    assert_eq!(world.handed_on.take(), [Part::AllBut(6)]);
    // The code is used up, whether or not the password was correct.
    assert_eq!(world.login(&ada(), &[&typed]), Verdict::Denied);
    assert_eq!(world.handed_on.take(), []);
    assert_eq!(world.reasons(), ["", "replayed"]);
}

#[test]
fn one_answer_a_call_is_charged_once_and_nothing_is_said_after_it() {
    let world = world();
    let wrong = format!("hunter2{}", world.wrong_code());
    world.refuse(&ada(), &[&wrong, &wrong, &wrong]);
    assert_eq!(*world.said.borrow(), ["Password & verification code: "]);
    assert_eq!(tries(&world), 1);
    assert_eq!(world.handed_on.take(), []);
}

#[test]
fn what_ends_in_no_code_or_is_nothing_else_is_not_counted() {
    let world = world();
    let alone = world.code(0);
    for typed in ["hunter2", "?", "", "12345", &alone, "a\u{8}\n\r\u{7f}INCORRECT"] {
        world.refuse(&ada(), &[typed]);
    }
    assert_eq!(tries(&world), 0);
    assert_eq!(world.handed_on.take(), []);
    let typed = format!("x{alone}");
    assert_eq!(world.login(&ada(), &[&typed]), Verdict::Granted, "the code alone was not used up");
}

#[test]
fn who_is_exempt_may_type_a_code_or_not() {
    for (typed, part) in
        [("hunter2", Part::Whole), ("hunter123456789", Part::Whole), ("", Part::Whole)]
    {
        let mut world = world();
        world.policy.rules.push(exempt());
        assert_eq!(world.login(&ada(), &[typed]), Verdict::Exempt);
        assert_eq!(world.handed_on.take(), [part], "{typed}");
    }
    let mut world = world();
    world.policy.rules.push(exempt());
    let typed = format!("hunter2{}", world.code(0));
    assert_eq!(world.login(&ada(), &[&typed]), Verdict::Exempt);
    assert_eq!(world.handed_on.take(), [Part::AllBut(6)]);
    world.store_fault.set(Some(StoreError::StoreIdMissing));
    assert_eq!(world.login(&ada(), &["hunter2"]), Verdict::Exempt);
}

#[test]
fn who_is_not_enrolled_hands_on_everything_where_that_is_allowed() {
    let mut world = world();
    world.account("bob", 1001);
    let bob = request("bob", Claim::Follows);
    world.refuse(&bob, &["hunter2"]);
    assert_eq!(world.handed_on.take(), []);
    world.policy.not_enrolled = NotEnrolled::Allow;
    assert_eq!(world.login(&bob, &["hunter2"]), Verdict::Exempt);
    assert_eq!(world.handed_on.take(), [Part::Whole]);
    world.store_fault.set(Some(StoreError::StoreIdMissing));
    world.refuse(&bob, &["hunter2"]);
    assert_eq!(world.handed_on.take(), []);
}

#[test]
fn everybody_is_asked_the_same_once() {
    let dialogue = |prepare: &dyn Fn(&mut World), user: &str, typed: &str| {
        let mut world = world();
        world.account("bob", 1001);
        prepare(&mut world);
        let _ = world.login(&request(user, Claim::Follows), &[typed]);
        world.said.take()
    };
    let throttled = |world: &mut World| {
        let wrong = format!("x{}", world.wrong_code());
        for _ in 0..9 {
            world.refuse(&ada(), &[&wrong]);
        }
    };
    for typed in ["?", "", "hunter2", "hunter2999999", "999999"] {
        let enrolled = dialogue(&|_| {}, "ada", typed);
        assert_eq!(enrolled, ["Password & verification code: "]);
        assert_eq!(dialogue(&|_| {}, "nobody-here", typed), enrolled, "{typed}");
        assert_eq!(dialogue(&|_| {}, "bob", typed), enrolled, "{typed}");
        let exempts = |world: &mut World| world.policy.rules.push(exempt());
        assert_eq!(dialogue(&exempts, "ada", typed), enrolled, "{typed}");
        assert_eq!(dialogue(&throttled, "ada", typed), enrolled, "{typed}");
    }
}

#[test]
fn what_was_given_before_is_never_asked_for() {
    let mut world = World::new();
    world.policy.field = Field::Missing;
    world.refuse(&ada(), &["hunter2123456"]);
    assert_eq!(*world.said.borrow(), Vec::<String>::new());
    assert_eq!(world.reasons(), ["no_first_pass"]);
    world.policy.field = Field::Given;
    let code = world.code(0);
    assert_eq!(world.login(&ada(), &[&code]), Verdict::Granted, "a code alone, from a line before");
    let later = format!("hunter2{}", world.code(1));
    assert_eq!(world.login(&ada(), &[&later]), Verdict::Granted);
}

#[test]
fn swedes_are_asked_in_swedish() {
    let mut world = world();
    world.policy.language = Language::Swedish;
    world.refuse(&ada(), &["x"]);
    assert_eq!(*world.said.borrow(), ["Lösenord och verifieringskod: "]);
}
