//! Tests logins while the clock is wrong: no code works twice, and no user is locked out once the clock is correct
//! again.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use twinlock_core::{base::time::UnixTime, event::verdict::Verdict, ledger::clock_mark::Trust};
use world::{
    START, World,
    people::{screen, stack},
};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

fn gets_in(world: &World, code: &str) -> bool {
    world.login(&stack(), &[code, ""]) == Verdict::Granted
}

/// Returns a `World` after a login at [`START`], so that this is the latest time at which the clock was trusted.
fn begun() -> World {
    let world = World::new();
    assert!(gets_in(&world, &world.code(0)));
    assert_eq!(world.clock_mark.borrow().mark.at, UnixTime(START));
    world
}

#[test]
fn after_a_login_with_a_clock_that_was_ahead_a_restart_shuts_nobody_out() {
    for ahead in [6 * 60, HOUR, DAY, YEAR, u64::from(u32::MAX) - START] {
        let world = begun();
        world.unix.set(START + ahead);
        let seen = world.code(0);
        assert!(gets_in(&world, &seen), "{ahead}");
        world.restart(START + 120);
        world.pass(90);
        assert!(gets_in(&world, &world.code(0)), "{ahead} {}", screen(&world));
        // When the time of the login with the fast clock comes, in this boot or another one, its code counts as used.
        world.pass(START + ahead - world.unix.get());
        assert!(!gets_in(&world, &seen), "{ahead}");
        assert!(world.reasons().contains(&"before_epoch"), "{:?}", world.reasons());
        world.restart(START + ahead - 60);
        world.pass(60);
        assert!(!gets_in(&world, &seen), "{ahead}");
        world.pass(120);
        assert!(gets_in(&world, &world.code(0)), "{ahead} {}", screen(&world));
    }
}

#[test]
fn a_mark_that_lags_and_a_clock_set_back_over_a_restart_bring_no_code_back() {
    // The host is restarted with a clock that is a week ahead and not synchronized.
    let world = begun();
    world.restart(START + 7 * DAY);
    world.pass(90);
    let mut seen = Vec::new();
    for _ in 0..40 {
        world.pass(7 * 60);
        seen.push((world.unix.get(), world.code(0)));
        assert!(gets_in(&world, &world.code(0)), "{}", screen(&world));
    }
    assert!(world.clock_mark.borrow().mark.at < UnixTime(START + DAY), "it lags");
    let begin = seen[0].0;
    world.restart(begin - HOUR);
    world.pass(90);
    assert!(gets_in(&world, &world.code(0)), "{}", screen(&world));
    for (at, code) in &seen {
        world.unix.set(*at);
        assert!(!gets_in(&world, code), "{at}");
    }
    world.pass(3 * 60);
    assert!(gets_in(&world, &world.code(0)), "{}", screen(&world));
}

#[test]
fn while_the_kernel_vouches_for_the_clock_the_mark_follows_any_distance() {
    for far in [HOUR, DAY, YEAR] {
        let world = begun();
        world.trust.set(Trust::Synchronized);
        world.restart(START + far);
        world.pass(90);
        let (at, seen) = (world.unix.get(), world.code(0));
        assert!(gets_in(&world, &seen));
        assert_eq!(world.clock_mark.borrow().mark.at, UnixTime(at), "{far}");
        world.restart(at - 600);
        world.pass(600);
        assert!(!gets_in(&world, &seen), "{far}");
    }
}

/// Moves the clock mark (latest trusted time) to the current time, as `twinlock epoch now` does.
fn believe(world: &World) {
    let now = twinlock_core::ports::Clock::now(world).unwrap();
    let known = world.clock_mark.borrow().clone();
    *world.clock_mark.borrow_mut() = known.believing(now, &[]);
    *world.epoch.borrow_mut() = None;
    let _ = twinlock_core::ports::Ledger::floor(world, now).unwrap();
}

#[test]
fn a_mark_that_was_led_astray_is_lowered_and_codes_of_then_stay_used() {
    let world = begun();
    world.trust.set(Trust::Synchronized);
    world.unix.set(START + YEAR);
    let seen = world.code(0);
    assert!(gets_in(&world, &seen));
    world.restart(START + 600);
    world.pass(300);
    assert!(!gets_in(&world, &world.code(0)), "the mark lies ahead");
    let shown = screen(&world);
    assert!(shown.contains("was ahead until 2028-01-15, 08:0"), "{shown}");
    assert!(shown.contains("twinlock epoch now"), "{shown}");
    believe(&world);
    world.pass(150);
    assert!(gets_in(&world, &world.code(0)), "{}", screen(&world));
    world.restart(START + YEAR);
    assert!(!gets_in(&world, &seen));
    world.pass(180);
    assert!(gets_in(&world, &world.code(0)), "{}", screen(&world));
}

#[test]
fn who_logged_in_while_the_clock_was_more_than_a_day_ahead_is_told_until_when() {
    let world = begun();
    world.unix.set(START + 3 * DAY);
    assert!(gets_in(&world, &world.code(0)));
    world.unix.set(START + 90);
    assert!(!gets_in(&world, &world.code(0)));
    assert!(world.reasons().contains(&"before_epoch"), "{:?}", world.reasons());
    let shown = screen(&world);
    assert!(shown.contains("was ahead until 2027-01-18, 08:00:00"), "{shown}");
    assert!(shown.contains("twinlock epoch now"), "{shown}");
}

#[test]
fn a_clock_at_1970_and_one_at_2106_let_the_owner_in() {
    for odd in [3600, u64::from(u32::MAX)] {
        let world = begun();
        world.restart(odd);
        world.pass(90);
        let inside = gets_in(&world, &world.code(0));
        // With a clock at 1970, the clock mark is in the future, so it is unknown which codes of 1970 were used.
        assert_eq!(inside, odd > START, "{odd}");
        world.restart(START + HOUR);
        world.pass(90);
        assert!(gets_in(&world, &world.code(0)), "{odd} {}", screen(&world));
    }
}

#[test]
fn a_machine_that_slept_has_not_stood_still() {
    let world = begun();
    // The boot clock includes suspend, so a night of suspend is not a jump of the wall clock.
    for _ in 0..5 {
        world.pass(8 * HOUR);
        assert!(gets_in(&world, &world.code(0)));
        assert_eq!(world.clock_mark.borrow().mark.at, UnixTime(world.unix.get()));
    }
    assert!(world.clock_mark.borrow().ahead.is_empty());
}
