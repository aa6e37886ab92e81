//! Tests logins with HOTP tokens: only a correct code moves the counter, only once, and the move is durable.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use twinlock_core::{
    base::{
        error::{FileError, StoreError},
        request::Claim,
        time::Step,
    },
    event::{Resynced, verdict::Verdict},
    record::{Authenticator, MovingFactor},
};
use world::{
    World,
    apps::{authenticator, code_of, token},
    request,
};

/// Returns a `World` in which ada has a token whose next counter is 10.
fn world() -> World {
    let world = World::new();
    world.equip("ada", vec![token(7, 10)]);
    world
}

fn by(world: &World, claim: Claim, counters: &[u64]) -> Verdict {
    world.names.borrow_mut().retain(|name, _| !name.contains("/try."));
    let codes: Vec<String> =
        counters.iter().map(|counter| code_of(&token(7, 0), *counter)).collect();
    world.login(&request("ada", claim), &codes.iter().map(String::as_str).collect::<Vec<_>>())
}

fn with(world: &World, counters: &[u64]) -> Verdict {
    by(world, Claim::Stack, counters)
}

fn next(world: &World) -> u64 {
    match world.newest_record("ada").authenticators.first().unwrap().moving {
        MovingFactor::Counter { next } => next,
        MovingFactor::Clock { .. } => u64::MAX,
    }
}

#[test]
fn a_right_code_moves_the_counter_and_a_wrong_one_does_not() {
    let world = world();
    for (counter, verdict, stands) in [
        (9, Verdict::NoConversation, 10),
        (15, Verdict::NoConversation, 10),
        (5, Verdict::NoConversation, 10),
        (10, Verdict::Granted, 11),
        (10, Verdict::NoConversation, 11),
        (15, Verdict::Granted, 16),
        (13, Verdict::NoConversation, 16),
        (16, Verdict::Granted, 17),
    ] {
        assert_eq!(with(&world, &[counter]), verdict, "{counter}");
        assert_eq!(next(&world), stands, "{counter}");
    }
    assert_eq!(world.newest_record("ada").generation.0, 1);
    for wrong in 0..200 {
        assert_ne!(by(&world, Claim::Follows, &[wrong % 17, 40 + wrong]), Verdict::Granted);
    }
    assert_eq!(next(&world), 17);
    assert_eq!(by(&world, Claim::Follows, &[17]), Verdict::Granted);
}

#[test]
fn two_codes_in_a_row_find_a_token_that_is_far_ahead() {
    for (first, found) in [(15, true), (60, true), (108, true), (109, false), (200, false)] {
        let world = world();
        let verdict = with(&world, &[first, first + 1]);
        assert_eq!(verdict == Verdict::Granted, found, "{first}");
        assert_eq!(next(&world), if found { first + 2 } else { 10 }, "{first}");
        if found {
            let (step, resynced) = world.accepted();
            let skipped = first - 10;
            assert_eq!(resynced, Some(Resynced::Counter { skipped }));
            assert_eq!(step, Step(first + 1));
            let said = world.said.borrow().last().cloned().unwrap();
            assert!(said.contains(&format!("pressed {skipped} times")), "{said}");
            for again in [&[first][..], &[first + 1], &[first, first + 1]] {
                assert_ne!(with(&world, again), Verdict::Granted, "{again:?}");
            }
            assert_eq!(with(&world, &[first + 2]), Verdict::Granted);
        }
    }
    for counters in [&[60, 62, 64][..], &[61, 60, 59], &[60, 60, 60]] {
        let world = world();
        assert_eq!(with(&world, counters), Verdict::Denied, "{counters:?}");
        assert_eq!(by(&world, Claim::Follows, &[60, 61]), Verdict::NoConversation);
        assert_eq!(next(&world), 10);
    }
}

#[test]
fn what_could_not_be_written_down_is_burned_and_the_next_code_is_good() {
    let mut refused = 0;
    for failing in 0..30 {
        let world = world();
        let mut faults = vec![false; failing];
        faults.push(true);
        world.faults.borrow_mut().extend(faults);
        let verdict = with(&world, &[10]);
        world.faults.borrow_mut().clear();
        assert!(verdict != Verdict::Granted || next(&world) == 11, "{failing}");
        refused += u32::from(verdict != Verdict::Granted);
        if verdict == Verdict::Granted {
            assert_ne!(with(&world, &[10]), Verdict::Granted, "{failing}");
        }
        assert_eq!(with(&world, &[11]), Verdict::Granted, "{failing}");
        assert_ne!(with(&world, &[10]), Verdict::Granted, "{failing}");
    }
    assert!(refused > 8, "{refused}");
}

#[test]
fn a_store_that_is_full_for_long_does_not_shorten_the_look_ahead() {
    let world = world();
    world.disk_fault.set(Some(StoreError::File(FileError::Io { errno: 28 })));
    for counter in 10..30 {
        assert_eq!(with(&world, &[counter]), Verdict::Unavailable, "{counter}");
    }
    assert_eq!(next(&world), 10);
    world.disk_fault.set(None);
    assert_ne!(with(&world, &[29]), Verdict::Granted);
    assert_eq!(with(&world, &[32]), Verdict::Granted);
}

#[test]
fn a_ledger_that_is_lost_takes_no_memory_along() {
    let world = world();
    assert_eq!(with(&world, &[12]), Verdict::Granted);
    world.names.borrow_mut().clear();
    *world.epoch.borrow_mut() = None;
    assert_ne!(with(&world, &[12, 11, 10]), Verdict::Granted);
    assert_eq!(with(&world, &[13]), Verdict::Granted);
}

#[test]
fn a_record_of_old_takes_no_code_that_the_ledger_knows() {
    let world = world();
    assert_eq!(with(&world, &[12]), Verdict::Granted);
    world.equip("ada", vec![token(7, 0)]);
    for used in 0..=12 {
        assert_ne!(with(&world, &[used]), Verdict::Granted, "{used}");
    }
    assert_eq!(with(&world, &[17]), Verdict::Granted);
}

#[test]
fn a_token_and_an_app_stand_side_by_side() {
    let world = World::new();
    let other = Authenticator { name: "other".into(), ..token(8, 0) };
    world.equip("ada", vec![token(7, 10), authenticator(), other]);
    let ask = request("ada", Claim::Stack);
    assert_eq!(world.login(&ask, &[&world.code(0)]), Verdict::Granted);
    assert_eq!(world.login(&ask, &[&code_of(&token(8, 0), 3)]), Verdict::Granted);
    assert_eq!(with(&world, &[10]), Verdict::Granted);
    assert_eq!(world.login(&ask, &[&world.code(0)]), Verdict::NoConversation);
    let stands: Vec<MovingFactor> =
        world.newest_record("ada").authenticators.iter().map(|one| one.moving).collect();
    let counter = |next| MovingFactor::Counter { next };
    assert_eq!(stands, [counter(11), MovingFactor::default(), counter(4)]);
}
