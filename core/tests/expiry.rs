//! Tests the ledger while an attacker guesses for weeks: it stays small, it forgets nothing relevant, and each login
//! removes only a few names from it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use twinlock_core::{
    base::request::{Claim, Request, Source},
    event::verdict::Verdict,
    ledger::Capacity,
};
use world::{Line, World, request};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn pass(world: &World, seconds: u64) {
    world.unix.set(world.unix.get() + seconds);
    world.boot.set(world.boot.get() + seconds);
}

fn from(user: &str, claim: Claim, last: u8) -> Request {
    Request { source: Source::address([203, 0, 113, last].into()), ..request(user, claim) }
}

/// Enters this many wrong codes at the same time, each from a different address.
fn guess(world: &World, user: &str, claim: Claim, times: u8) {
    for last in 0..times {
        world.refuse(&from(user, claim, last), &[&world.wrong_code(), "", ""]);
    }
}

fn tries(world: &World) -> usize {
    world.names.borrow().keys().filter(|name| name.contains("/try.")).count()
}

#[test]
fn weeks_of_guessing_leave_few_names() {
    for user in ["ada", "nobody-here"] {
        let world = World::new();
        let most = (0..30).map(|_| {
            guess(&world, user, Claim::Follows, 60);
            pass(&world, DAY + HOUR);
            tries(&world)
        });
        let most = most.max().unwrap();
        assert!(most <= 130, "{user}: {most}");
        let all = world.names.borrow().len();
        assert!(all <= 150, "{user}: {all}");
    }
}

/// An administrator allows 10,000 attempts per day. Checks that only 100 attempts are counted for a user name without
/// an account, and all attempts for a user.
#[test]
fn unknown_names_are_bounded_whatever_the_settings_say() {
    let mut world = World::new();
    world.policy.throttle.per_day = 10_000;
    guess(&world, "nobody-here", Claim::Follows, 250);
    assert_eq!(tries(&world), 100);
    let world = World { policy: world.policy.clone(), ..World::new() };
    guess(&world, "ada", Claim::Follows, 250);
    assert_eq!(tries(&world), 250);
}

#[test]
fn a_charge_removes_at_most_eight_names() {
    let world = World::new();
    guess(&world, "ada", Claim::Follows, 40);
    pass(&world, DAY + HOUR);
    for left in [33, 26, 19, 12, 5] {
        guess(&world, "ada", Claim::Follows, 1);
        // The number may be off by one if this address has made an attempt before.
        assert!(tries(&world).abs_diff(left) <= 1, "{left}: {}", tries(&world));
        pass(&world, HOUR);
    }
}

/// Checks that wrong codes after a proven first factor still count as consecutive failures after their names were
/// removed from the ledger.
#[test]
fn expired_tries_stay_in_their_row() {
    let world = World::new();
    for _ in 0..4 {
        guess(&world, "ada", Claim::Stack, 30);
        pass(&world, DAY + HOUR);
    }
    assert!(tries(&world) < 100, "{}", tries(&world));
    assert_eq!(
        world.login(&from("ada", Claim::Stack, 200), &[&world.code(0), ""]),
        Verdict::Denied
    );
    assert!(world.reasons().contains(&"locked"), "{:?}", world.reasons());
}

/// The clock is 30 days ahead for some time, so that earlier attempts seem expired. Checks that these attempts still
/// count when the clock is correct again.
#[test]
fn a_clock_ahead_gives_no_second_day() {
    let world = World::new();
    guess(&world, "nobody-here", Claim::Follows, 60);
    let right = world.unix.get();
    world.unix.set(right + 30 * DAY);
    guess(&world, "nobody-here", Claim::Follows, 20);
    world.unix.set(right);
    assert!(tries(&world) >= 60, "{}", tries(&world));
}

/// The clock is far ahead for some time. Checks that a used code stays used: used steps expire by their distance from
/// the newest used step, and not by the clock.
#[test]
fn a_clock_ahead_brings_no_code_back() {
    let world = World::new();
    let code = world.code(0);
    assert_eq!(world.login(&request("ada", Claim::Stack), &[&code]), Verdict::Granted);
    let right = world.unix.get();
    for ahead in [2 * DAY, 30 * DAY] {
        world.unix.set(right + ahead);
        guess(&world, "ada", Claim::Follows, 9);
        world.unix.set(right);
        world.refuse(&request("ada", Claim::Stack), &[&code, ""]);
    }
}

#[test]
fn attempt_begun_in_the_reserve_stays_refused() {
    let world = World::new();
    let names = |free| Capacity { names: 1000, free };
    let follows = request("ada", Claim::Follows);
    // The owner uses the code elsewhere, and names become free, while the question is open.
    fn sweep(world: &World) {
        world.capacity.set(Capacity { names: 1000, free: 900 });
    }
    let code = world.code(0);
    assert_eq!(world.login(&request("ada", Claim::Stack), &[&code]), Verdict::Granted);
    world.capacity.set(names(100));
    let typed = || Line::Type(world.code(1));
    world.lines.borrow_mut().extend([Line::Do(sweep, code), typed(), typed()]);
    assert_eq!(world.login(&follows, &[]), Verdict::Denied);
    assert_eq!(world.reasons().last(), Some(&"ledger_reserved"));
    // A login that begins now compares the code.
    assert_eq!(world.login(&follows, &[&world.code(1)]), Verdict::Granted);
}
