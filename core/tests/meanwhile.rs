//! A record that changes between the claim of a code and the look at the record behind it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use twinlock_core::{
    beside::Purpose,
    record::{Authenticator, Digits, Generation, Moving, Parameters, Record, State},
    secret::Key,
    verdict::Verdict,
};
use world::{
    World,
    apps::{code_of, token},
    people::{screen, stack, ticket},
    reader,
};

/// What becomes of a login with these codes, ada's record being changed behind the claim.
fn login(codes: &[String], change: impl FnOnce(&mut Record)) -> (Verdict, World) {
    let world = World::new();
    let mut record = world.newest_record("ada");
    change(&mut record);
    world.becomes.replace(Some(record));
    world.change_at.set(Some(0));
    let lines: Vec<&str> = codes.iter().map(String::as_str).chain([""]).collect();
    (world.login(&stack(), &lines), world)
}

fn one() -> Vec<String> {
    vec![World::new().code(0)]
}

/// Two adjacent codes of a clock that is far off.
fn two() -> Vec<String> {
    [5, 6].map(|offset| World::new().code(offset)).to_vec()
}

fn app(record: &mut Record) -> &mut Authenticator {
    record.authenticators.first_mut().unwrap()
}

#[test]
fn what_has_nothing_to_do_with_the_code_stops_nobody() {
    for codes in [one(), two()] {
        let (verdict, world) =
            login(&codes, |record| record.beside.mail = Some("ada@example.org".into()));
        assert_eq!(verdict, Verdict::Granted);
        assert_eq!(world.newest_record("ada").beside.mail.as_deref(), Some("ada@example.org"));
    }
}

#[test]
fn another_generation_key_or_length_burns_the_code() {
    let changes: [fn(&mut Record); 3] = [
        |record| record.generation = Generation(2),
        |record| app(record).key = Key::new(vec![7; 20]).unwrap(),
        |record| app(record).parameters.digits = Digits::new(8).unwrap(),
    ];
    for (nth, change) in changes.into_iter().enumerate() {
        let (verdict, world) = login(&one(), change);
        assert_eq!(verdict, Verdict::Denied, "{nth}");
        assert!(world.names.borrow().keys().any(|name| name.contains("/used.")), "{nth}");
        let granted = world.events.borrow().iter().any(|event| event.accepted.is_some());
        assert!(!granted, "{nth}");
    }
}

/// A drift that another login has noted moves no single code; where the pair of codes was judged by it, it does.
#[test]
fn two_codes_are_judged_by_where_the_clock_stood() {
    let moved = |record: &mut Record| app(record).moving = Moving::Clock { drift: 1 };
    assert_eq!(login(&one(), moved).0, Verdict::Granted);
    assert_eq!(login(&two(), moved).0, Verdict::Denied);
}

/// The counter has gone past the code, by another login at the same instant.
#[test]
fn a_token_that_was_moved_on_lets_one_in() {
    for (next, verdict) in [(7, Verdict::Granted), (8, Verdict::Denied), (9, Verdict::Denied)] {
        let world = World::new();
        let parameters = Parameters::default();
        let at = |next| Authenticator { parameters, ..token(9, next) };
        world.equip("ada", vec![at(7)]);
        let mut record = world.newest_record("ada");
        app(&mut record).moving = Moving::Counter { next };
        world.becomes.replace(Some(record));
        world.change_at.set(Some(0));
        assert_eq!(world.login(&stack(), &[&code_of(&at(7), 7), ""]), verdict, "{next}");
    }
}

/// A reset ends the login under way: what it has given begins set-up at the next one.
#[test]
fn who_was_reset_meanwhile_uses_no_ticket_in_this_login() {
    let codes = [one(), vec!["FEJTQYCHWGPV".into()]].concat();
    let (verdict, world) = login(&codes, |record| {
        record.state = State::Pending;
        record.authenticators.clear();
        record.beside.tickets.push(ticket(Purpose::SetUp));
    });
    assert_eq!(verdict, Verdict::Denied);
    let screen = screen(&world);
    assert!(screen.contains("You have no ticket") && reader::codes(&screen).is_empty(), "{screen}");
    assert_eq!(world.newest_record("ada").beside.tickets.len(), 1);
}
