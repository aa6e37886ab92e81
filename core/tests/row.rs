//! Tests the series of consecutive failures of a user: what ends it, what it discloses, and which logins have none.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use twinlock_core::{
    base::request::{Claim, Request, Source},
    event::verdict::Verdict,
    policy::{Action, Field, Rule},
};
use world::{World, request};

fn world() -> World {
    let mut world = World::new();
    world.policy.tries = 1;
    world.policy.throttle.in_a_row = 3;
    world
}

fn from(number: u8, claim: Claim) -> Request {
    Request { source: Source::address([192, 0, 2, number].into()), ..request("ada", claim) }
}

/// Returns the logged reason of the last event.
fn reason(world: &World) -> &'static str {
    world.reasons().last().copied().unwrap()
}

#[test]
fn before_a_first_factor_no_row_tells_that_there_is_an_owner() {
    let world = world();
    let wrong = world.wrong_code();
    for number in 0..5 {
        world.refuse(&from(number, Claim::Follows), &[&wrong]);
        assert_eq!(reason(&world), "wrong_code");
    }
    // Even a long streak next to the record does not change this. But it locks out a user from a new address whose
    // first factor is proven.
    world.failures.set(100);
    world.refuse(&from(9, Claim::Follows), &[&wrong]);
    assert_eq!(reason(&world), "wrong_code");
    world.refuse(&from(10, Claim::Stack), &[&wrong]);
    assert_eq!(reason(&world), "locked");
}

#[test]
fn a_success_forgets_a_note_that_the_ledger_knows_nothing_of() {
    let world = world();
    let wrong = world.wrong_code();
    world.known.borrow_mut().push(from(1, Claim::Stack).source.label());
    world.refuse(&from(1, Claim::Stack), &[&wrong]);
    assert_eq!(world.login(&from(1, Claim::Stack), &[&world.code(0)]), Verdict::Granted);
    assert_eq!(world.failures.get(), 0);
    // The number is left by a process that was killed, or that was slower than the successful login.
    world.failures.set(99);
    world.unix.set(world.unix.get() + 60);
    world.boot.set(world.boot.get() + 60);
    assert_eq!(world.login(&from(1, Claim::Stack), &[&world.code(0)]), Verdict::Granted);
    assert_eq!(world.failures.get(), 0);
}

#[test]
fn who_is_exempt_has_guessed_at_no_code() {
    let mut world = world();
    world.policy.field = Field::PasswordAndCode;
    world.policy.rules = vec![Rule {
        user: None,
        group: None,
        service: None,
        network: None,
        action: Action::Exempt,
        until: None,
    }];
    for number in 0..9 {
        let verdict = world.login(&from(number, Claim::Follows), &["anna19850312"]);
        assert_eq!(verdict, Verdict::Exempt);
    }
    assert_eq!(world.failures.get(), 0);
    let tries = || world.names.borrow().keys().filter(|name| name.contains("/try.")).count();
    assert_eq!(tries(), 9, "bounded as everybody's");
    assert_eq!(world.login(&from(99, Claim::Stack), &[]), Verdict::Exempt);
    // If a code is required later, the attempts of exempt logins lock out no user.
    world.policy.rules.clear();
    world.policy.field = Field::Code;
    assert_eq!(world.login(&from(99, Claim::Stack), &[&world.code(0)]), Verdict::Granted);
}
