//! Tests that a login learns the error of an app's clock from two adjacent codes: only after a proven first factor, and
//! only once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use twinlock_core::{
    base::{
        error::{FileError, StoreError},
        request::Claim,
        time::Step,
    },
    event::{Resynced, verdict::Verdict},
    policy::Resync,
    record::{DRIFT_MAX, MovingFactor},
};
use world::{
    World,
    apps::{authenticator, code_of, token},
    request,
};

fn pass(world: &World, seconds: u64) {
    world.unix.set(world.unix.get() + seconds);
    world.boot.set(world.boot.get() + seconds);
}

fn login(world: &World, codes: &[&str]) -> Verdict {
    // The test needs wrong codes to be compared, so it removes the attempts that would throttle them.
    world.names.borrow_mut().retain(|name, _| !name.contains("/try."));
    world.login(&request("ada", Claim::Stack), codes)
}

/// Logs in with one code for each entry of `offsets`, which is the number of steps from the present step to the step
/// of the code.
fn with(world: &World, offsets: &[i64]) -> Verdict {
    let codes: Vec<String> = offsets.iter().map(|offset| world.code(*offset)).collect();
    login(world, &codes.iter().map(String::as_str).collect::<Vec<_>>())
}

fn used(world: &World) -> usize {
    world.names.borrow().keys().filter(|name| name.contains("/used.")).count()
}

fn moving(world: &World) -> MovingFactor {
    world.newest_record("ada").authenticators.first().unwrap().moving
}

fn app_with_drift(world: &World, drift: i32) {
    let moving = MovingFactor::Clock { drift };
    world.equip("ada", vec![twinlock_core::record::Authenticator { moving, ..authenticator() }]);
}

#[test]
fn two_adjacent_codes_let_in_and_are_both_burned() {
    for drift in (-20..=19).filter(|drift| !(-2..=1).contains(drift)) {
        let world = World::new();
        assert_eq!(with(&world, &[drift, drift + 1]), Verdict::Granted, "{drift}");
        let steps = i32::try_from(drift + 1).unwrap();
        assert_eq!(moving(&world), MovingFactor::Clock { drift: steps });
        assert_eq!(used(&world), 2);
        assert_eq!(world.reasons(), ["wrong_code", ""]);
        let (step, resynced) = world.accepted();
        assert_eq!(step, Step((world.unix.get() / 30).saturating_add_signed(drift + 1)));
        let seconds = (drift + 1) * 30;
        assert_eq!(resynced, Some(Resynced::Clock { steps, seconds }));
        assert_eq!(world.newest_record("ada").generation.0, 1);
        for again in [&[drift][..], &[drift + 1], &[drift, drift + 1], &[drift - 1, drift]] {
            assert_eq!(with(&world, again), Verdict::NoConversation, "{drift} {again:?}");
        }
        assert_eq!(with(&world, &[drift + 2]), Verdict::Granted, "{drift}");
    }
}

#[test]
fn the_third_code_works_once() {
    let world = World::new();
    assert_eq!(with(&world, &[-12, -11]), Verdict::Granted);
    assert_eq!(with(&world, &[-10]), Verdict::Granted);
    world.events.borrow_mut().clear();
    for again in [&[-10][..], &[-11, -10], &[-12, -11, -10]] {
        assert_ne!(with(&world, again), Verdict::Granted, "{again:?}");
    }
    let reasons = world.reasons();
    assert_eq!(reasons.iter().filter(|reason| **reason == "replayed").count(), 6, "{reasons:?}");
}

#[test]
fn what_is_not_adjacent_lets_nobody_in() {
    let world = World::new();
    for offsets in [
        &[-9, -10, -11][..],
        &[-10, -8, -6],
        &[10, 10, 10],
        &[10, -11, 12],
        &[-22, -21],
        &[-21, -20],
        &[20, 21],
        &[10, 12],
    ] {
        let verdict = with(&world, offsets);
        assert!(matches!(verdict, Verdict::Denied | Verdict::NoConversation), "{offsets:?}");
    }
    // A wrong code is not remembered after the end of its login.
    assert_eq!(with(&world, &[-10]), Verdict::NoConversation);
    assert_eq!(with(&world, &[-9]), Verdict::NoConversation);
    let wrong = world.wrong_code();
    let codes = [world.code(-10), wrong, world.code(-9)];
    assert_eq!(login(&world, &codes.each_ref().map(String::as_str)), Verdict::Denied);
    assert_eq!((used(&world), moving(&world)), (0, MovingFactor::default()));
    assert!(
        world.reasons().iter().all(|reason| ["wrong_code", "conversation_failed"].contains(reason))
    );
}

#[test]
fn nothing_of_it_happens_before_a_first_factor() {
    let world = World::new();
    let (one, two) = (world.code(-10), world.code(-9));
    for claim in [Claim::Follows, Claim::Failed, Claim::Publickey] {
        world.refuse(&request("ada", claim), &[&one, &two, &two]);
        let refusals = if claim == Claim::Follows { 3 } else { 1 };
        let said = world.said.borrow().concat();
        assert_eq!(said.matches("That was not accepted.").count(), refusals, "{claim:?}");
    }
    assert_eq!((used(&world), moving(&world)), (0, MovingFactor::default()));
    assert!(!world.reasons().contains(&"clock_off"));
}

#[test]
fn where_it_is_switched_off_the_clock_is_named() {
    let mut world = World::new();
    world.policy.resync = Resync::Off;
    assert_eq!(with(&world, &[-20, -19,]), Verdict::NoConversation);
    let said = world.said.borrow()[2].clone();
    assert!(said.contains("right 9 min 30 s ago: check the clock of your phone"), "{said}");
    assert_eq!(world.reasons(), ["wrong_code", "clock_off", "conversation_failed"]);
    world.equip("ada", vec![token(7, 0)]);
    let codes = [code_of(&token(7, 0), 20), code_of(&token(7, 0), 21)];
    let verdict = login(&world, &[&codes[0], &codes[1]]);
    assert_eq!((verdict, used(&world)), (Verdict::NoConversation, 0));
}

#[test]
fn old_codes_let_nobody_in_and_are_said_to_be_old() {
    let world = World::new();
    assert_eq!(with(&world, &[0]), Verdict::Granted);
    assert_eq!(with(&world, &[-20, -19, -18]), Verdict::Denied);
    let said = world.said.borrow().join("");
    assert!(said.contains("That code was right 9 min 30 s ago"), "{said}");
    assert!(said.contains("That code was right 9 min ago"), "{said}");
    assert_eq!(world.reasons()[1..], ["wrong_code", "clock_off", "clock_off"]);
    assert_eq!(world.names.borrow().keys().filter(|name| name.contains("/try.")).count(), 3);
    // The last used step is now -10. Two adjacent codes count only if both are newer.
    pass(&world, 300);
    assert_eq!(with(&world, &[-11, -10]), Verdict::NoConversation);
    assert_eq!(with(&world, &[-10, -9]), Verdict::NoConversation);
    assert_eq!(with(&world, &[-9, -8]), Verdict::Granted);
}

#[test]
fn a_phone_set_right_is_told_how_long_the_learnt_clock_stands_in_its_way() {
    let world = World::new();
    assert_eq!(with(&world, &[10, 11]), Verdict::Granted);
    for (later, offsets) in [(0, [0, 1]), (0, [-1, 0]), (300, [-1, 0]), (29, [-1, 0])] {
        pass(&world, later);
        world.said.borrow_mut().clear();
        assert_eq!(with(&world, &offsets), Verdict::NoConversation);
        let said = world.said.borrow().join("");
        assert!(said.contains("Your app's clock is right again"), "{said}");
        let (_, wait) = said.split_once("Wait ").unwrap();
        assert!(wait.contains(", then type two codes in a row."), "{said}");
    }
    // The last used step was 11. After twelve steps, the app shows the first newer code, and with the code after it
    // there are two.
    let left = 12 * 30 - 329 - world.unix.get().wrapping_sub(329) % 30;
    assert!(world.said.borrow().concat().contains(&format!("Wait {left} s,")), "{left}");
    pass(&world, left - 1);
    assert_eq!(with(&world, &[0, 1]), Verdict::NoConversation, "a second too early");
    pass(&world, 1);
    assert_eq!(with(&world, &[0, 1]), Verdict::Granted);
    assert_eq!(moving(&world), MovingFactor::Clock { drift: 1 });
}

#[test]
fn a_code_of_the_next_half_minute_is_no_fault_of_the_phone() {
    let mut world = World::new();
    app_with_drift(&world, 10);
    world.policy.resync = Resync::Off;
    for offsets in [[-2, -1], [-1, 0], [0, 1]] {
        world.said.borrow_mut().clear();
        assert_eq!(with(&world, &offsets), Verdict::NoConversation);
        let said = world.said.borrow().join("");
        assert!(
            said.contains("is right again") && said.contains("Ask your administrator"),
            "{said}"
        );
    }
}

#[test]
fn codes_from_before_the_epoch_teach_nothing() {
    let world = World::new();
    world.begin_epoch(world.unix.get() - 300);
    // The epoch began ten steps ago. With the window of one step, -8 is the first step whose code counts.
    assert_eq!(with(&world, &[-9, -8]), Verdict::NoConversation);
    assert_eq!(with(&world, &[-8, -7]), Verdict::Granted);
    // The bound depends on the drift that applied before the epoch.
    let world = World::new();
    app_with_drift(&world, 10);
    world.begin_epoch(world.unix.get() - 300);
    assert_eq!(with(&world, &[1, 2]), Verdict::NoConversation);
    assert_eq!(with(&world, &[2, 3]), Verdict::Granted);
    assert_eq!(moving(&world), MovingFactor::Clock { drift: 3 });
}

#[test]
fn a_drift_ends_where_nobody_believes_it() {
    for (towards, sign) in [(1, 1), (-1, -1)] {
        let world = World::new();
        world.begin_epoch(world.unix.get() - 900_000);
        app_with_drift(&world, sign * (DRIFT_MAX - 10));
        let edge = i64::from(sign * DRIFT_MAX);
        let beyond = if towards == 1 { [edge, edge + 1] } else { [edge - 2, edge - 1] };
        let within = [edge - 1, edge];
        assert_eq!(with(&world, &beyond), Verdict::NoConversation);
        assert_eq!(world.reasons()[..2], ["wrong_code", "clock_off"]);
        assert_eq!(with(&world, &within), Verdict::Granted);
        assert_eq!(moving(&world), MovingFactor::Clock { drift: sign * DRIFT_MAX });
        assert_eq!(with(&world, &[edge + 1]), Verdict::Granted, "the window is around it");
    }
}

#[test]
fn codes_of_two_authenticators_are_no_neighbours() {
    let world = World::new();
    world.equip("ada", vec![authenticator(), token(7, 0)]);
    let step = world.unix.get() / 30;
    let mut other = authenticator();
    other.key = token(9, 0).key;
    other.name = "other".into();
    let theirs = code_of(&other, step - 9);
    world.equip("ada", vec![authenticator(), other]);
    let mine = world.code(-10);
    assert_eq!(login(&world, &[&mine, &theirs]), Verdict::NoConversation);
    assert_eq!(used(&world), 0);
    let mut other = authenticator();
    other.key = token(9, 0).key;
    let pair = [code_of(&other, step - 10), theirs];
    assert_eq!(login(&world, &[&pair[0], &pair[1]]), Verdict::Granted);
    let drifts: Vec<_> =
        world.newest_record("ada").authenticators.iter().map(|one| one.drift()).collect();
    assert_eq!(drifts, [0, -9]);
    assert_eq!(with(&world, &[0]), Verdict::Granted);
}

#[test]
fn a_clock_set_back_brings_no_pair_back() {
    let world = World::new();
    assert_eq!(with(&world, &[0]), Verdict::Granted);
    pass(&world, 30);
    assert_eq!(with(&world, &[0]), Verdict::Granted);
    // The host's clock is set back by ten minutes. The used steps are now in the future, at offsets that are searched.
    world.unix.set(world.unix.get() - 600);
    assert_eq!(with(&world, &[19, 20]), Verdict::NoConversation);
    assert_eq!(with(&world, &[18, 19, 20]), Verdict::Denied);
    assert_eq!(moving(&world), MovingFactor::default());
    // After 90 seconds, the app shows two codes that are newer than the used steps.
    pass(&world, 90);
    assert_eq!(with(&world, &[18, 19]), Verdict::Granted);
    assert_eq!(moving(&world), MovingFactor::Clock { drift: 19 });
    // The clock is correct again.
    pass(&world, 600);
    world.unix.set(world.unix.get() + 600);
    pass(&world, 600);
    assert_eq!(with(&world, &[-1, 0]), Verdict::Granted);
    assert_eq!(moving(&world), MovingFactor::Clock { drift: 0 });
    assert_eq!(with(&world, &[1]), Verdict::Granted);
}

#[test]
fn on_a_full_disk_a_pair_is_refused_and_the_next_one_is_good() {
    let world = World::new();
    world.disk_fault.set(Some(StoreError::File(FileError::Io { errno: 28 })));
    assert_eq!(with(&world, &[-10, -9]), Verdict::Unavailable);
    assert_eq!((used(&world), moving(&world)), (2, MovingFactor::default()));
    assert_eq!(world.reasons(), ["wrong_code", "record_not_written"]);
    world.disk_fault.set(None);
    assert_eq!(with(&world, &[-10, -9]), Verdict::NoConversation);
    assert_eq!(with(&world, &[-8, -7]), Verdict::Granted);
}

#[test]
fn a_fault_anywhere_lets_no_pair_in_without_its_drift_and_none_twice() {
    let world = World::new();
    let before = world.newest_record("ada");
    let mut refused = 0;
    for failing in 0..40 {
        let world = World::new();
        let mut faults = vec![false; failing];
        faults.push(true);
        world.faults.borrow_mut().extend(faults);
        let verdict = with(&world, &[-10, -9]);
        world.faults.borrow_mut().clear();
        if verdict == Verdict::Granted {
            assert_ne!(world.newest_record("ada"), before, "{failing}: in, and nothing written");
        } else {
            refused += 1;
            let burned = used(&world) > 0;
            assert_eq!(with(&world, &[-10, -9]) != Verdict::Granted, burned, "{failing}");
        }
        let next = with(&world, &[-8]);
        assert!(next == Verdict::Granted || with(&world, &[-7, -6]) == Verdict::Granted);
    }
    assert!(refused > 10, "{refused}");
}

/// The login accepts two adjacent codes and learns a new error of the app's clock (drift), and then the ledger is lost.
/// Checks that no used code works again.
///
/// The last step that a new ledger refuses (`replay::epoch_bound`) depends only on the present drift, whatever the
/// drift was before. This is enough. The two adjacent codes are newer than every used step and newer than the earlier
/// bound. All codes that are used later are near the time that the new drift gives.
#[test]
fn a_ledger_lost_after_a_pair_brings_no_code_back() {
    for drifts in [[15, -3, 3, -12], [-15, 4, -12, 2], [18, 37, 20, 2], [-5, -20, -37, -50]] {
        let world = World::new();
        let mut granted: Vec<u64> = Vec::new();
        for drift in drifts {
            // If the app's clock was set back, its codes count again only after all earlier codes have expired.
            pass(&world, 1800);
            let now = world.unix.get() / 30;
            assert_eq!(with(&world, &[drift - 1, drift]), Verdict::Granted, "{drifts:?} {drift}");
            assert_eq!(with(&world, &[drift + 1]), Verdict::Granted, "{drifts:?} {drift}");
            granted.extend((-1..=1).map(|more| now.saturating_add_signed(drift + more)));
            forget_and_replay(&world, &granted);
        }
    }
}

/// Deletes the ledger. Then, in each of the next 45 time steps, enters the newest codes of the steps in `granted`, and
/// checks that none of them is accepted.
fn forget_and_replay(world: &World, granted: &[u64]) {
    let (unix, boot) = (world.unix.get(), world.boot.get());
    world.names.borrow_mut().clear();
    *world.epoch.borrow_mut() = None;
    for _ in 0..45 {
        for (one, two) in granted.iter().zip(granted.iter().skip(1)).rev().take(5) {
            let codes = [one, two].map(|step| world.code_at(step * 30));
            let verdict = login(world, &codes.each_ref().map(String::as_str));
            assert_eq!(verdict, Verdict::NoConversation, "{one} {two}");
        }
        pass(world, 30);
    }
    assert_eq!(used(world), 0);
    assert!(world.unix.get() > unix && world.boot.get() > boot);
}
