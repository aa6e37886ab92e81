//! Tests the limits of resynchronization (two consecutive codes prove how far the clock of an app is wrong) for apps
//! with different periods. Two codes are accepted only if the clock is at most ten minutes wrong, and the drift that
//! the record learns never exceeds one day. Each resynchronization sends a mail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use twinlock_core::{
    base::request::Claim,
    event::verdict::Verdict,
    notify::notification::NotificationKind,
    record::{Authenticator, MovingFactor, Parameters, Period},
};
use world::{
    World,
    apps::{authenticator, code_of, token},
    people::letters,
    request,
};

fn login(world: &World, codes: &[&str]) -> Verdict {
    // The test needs wrong codes to be compared, so it removes the attempts that would throttle them.
    world.names.borrow_mut().retain(|name, _| !name.contains("/try."));
    world.login(&request("ada", Claim::Stack), codes)
}

fn moving(world: &World) -> MovingFactor {
    world.newest_record("ada").authenticators.first().unwrap().moving
}

/// Gives ada an app with a period of `seconds` seconds, whose clock is known to be `drift` steps ahead. Returns the
/// app.
fn app_of_period(world: &World, seconds: u64, drift: i32) -> Authenticator {
    let app = || Authenticator {
        parameters: Parameters {
            period: Period::new(seconds).unwrap(),
            ..authenticator().parameters
        },
        moving: MovingFactor::Clock { drift },
        ..authenticator()
    };
    world.equip("ada", vec![app()]);
    app()
}

fn pair_of(world: &World, app: &Authenticator, first: i64) -> Verdict {
    let now = world.unix.get() / app.parameters.period.seconds();
    let codes = [first, first + 1].map(|offset| code_of(app, now.saturating_add_signed(offset)));
    login(world, &codes.each_ref().map(String::as_str))
}

#[test]
fn resync_reaches_ten_minutes_whatever_the_period() {
    for (period, reach) in [(1, 20), (10, 20), (30, 20), (31, 19), (60, 10), (300, 2)] {
        for (first, learns) in
            [(-reach - 1, false), (-reach, true), (reach - 1, true), (reach, false)]
        {
            let mut world = World::new();
            world.policy.window = 0;
            let app = app_of_period(&world, period, 0);
            let verdict = pair_of(&world, &app, first);
            let learnt = moving(&world) != MovingFactor::default();
            assert_eq!((verdict == Verdict::Granted, learnt), (learns, learns), "{period} {first}");
        }
    }
    for period in [301, 600, 601, 3600] {
        for first in -30..=30 {
            let mut world = World::new();
            world.policy.window = 0;
            let app = app_of_period(&world, period, 0);
            let by_itself = [first, first + 1].contains(&0);
            assert_eq!(pair_of(&world, &app, first) == Verdict::Granted, by_itself, "{first}");
            assert_eq!((moving(&world), letters(&world)), (MovingFactor::default(), vec![]));
        }
    }
}

/// Regression test. Before, codes that were 85 minutes old were accepted, and then the owner's current codes were
/// refused.
#[test]
fn old_codes_of_a_long_period_do_not_shut_the_owner_out() {
    let world = World::new();
    let app = app_of_period(&world, 300, 0);
    assert_ne!(pair_of(&world, &app, -17), Verdict::Granted);
    assert_ne!(pair_of(&world, &app, 16), Verdict::Granted);
    assert_eq!(moving(&world), MovingFactor::default());
    let now = world.unix.get() / 300;
    assert_eq!(login(&world, &[&code_of(&app, now)]), Verdict::Granted);
}

#[test]
fn learned_drift_ends_after_a_day() {
    for (period, most) in [(60, 1440), (300, 288)] {
        for (known, learns) in [(most - 2, true), (most - 1, false)] {
            let mut world = World::new();
            world.policy.window = 0;
            world.begin_epoch(world.unix.get() - 900_000);
            let app = app_of_period(&world, period, known);
            let granted = pair_of(&world, &app, i64::from(known) + 1) == Verdict::Granted;
            let drift = if learns { known + 2 } else { known };
            assert_eq!(
                (granted, moving(&world)),
                (learns, MovingFactor::Clock { drift }),
                "{period}"
            );
        }
    }
}

#[test]
fn learned_drift_is_mailed_at_once() {
    let world = World::new();
    assert_eq!(pair_of(&world, &authenticator(), -12), Verdict::Granted);
    assert_eq!(letters(&world), [NotificationKind::Resynchronized]);
    assert_eq!(login(&world, &[&world.code(-10)]), Verdict::Granted);
    assert_eq!(letters(&world).len(), 1, "a usual login is not mailed");
    let world = World::new();
    world.equip("ada", vec![token(7, 0)]);
    let codes = [code_of(&token(7, 0), 20), code_of(&token(7, 0), 21)];
    assert_eq!(login(&world, &[&codes[0], &codes[1]]), Verdict::Granted);
    assert_eq!(letters(&world), [NotificationKind::Resynchronized]);
    // Nothing is learned or mailed if the codes are too old or in the wrong order.
    let world = World::new();
    assert_ne!(pair_of(&world, &authenticator(), -21), Verdict::Granted);
    assert_ne!(login(&world, &[&world.code(-9), &world.code(-10)]), Verdict::Granted);
    assert_eq!(letters(&world), []);
}
