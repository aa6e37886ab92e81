//! Tests logins during which another process changes the record. The change happens after the login has made its code
//! unusable for others, and before it reads the record a second time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use twinlock_core::{
    base::secret::Key,
    event::verdict::Verdict,
    record::{
        Authenticator, Digits, Generation, MovingFactor, Parameters, Record, State, extras::Purpose,
    },
};
use world::{
    World,
    apps::{code_of, token},
    people::{screen, stack, ticket},
    reader,
};

/// Logs in with these codes. After the login has made them unusable for others, another process replaces ada's record
/// by the result of `change`. Returns the verdict, and the world after the login.
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

/// Returns two adjacent codes of an app whose clock is five steps ahead.
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
            login(&codes, |record| record.extras.mail = Some("ada@example.org".into()));
        assert_eq!(verdict, Verdict::Granted);
        assert_eq!(world.newest_record("ada").extras.mail.as_deref(), Some("ada@example.org"));
    }
}

/// Another process replaces the record by one with the same key and another generation (the random number that each
/// change of a record renews). Checks that the login is granted nevertheless, and that its code does not work a second
/// time.
#[test]
fn another_generation_of_the_same_key_stops_nobody() {
    for codes in [one(), two()] {
        let (verdict, world) = login(&codes, |record| record.generation = Generation(2));
        assert_eq!(verdict, Verdict::Granted, "{:?}", world.reasons());
        let again = world.login(&stack(), &[codes.last().unwrap(), ""]);
        assert_eq!(again, Verdict::Denied);
    }
}

/// Ada logs in with a backup code. Before the login reads the record a second time, another process replaces the record
/// by one with another generation (the random number that each change of a record renews). Checks that access is
/// granted, and that the code does not work a second time.
#[test]
fn backup_code_outlives_a_change_of_the_record() {
    for codes in [&["10000001", "20000002"][..], &["10000001", "20000002", "30000003"]] {
        let world = World::new();
        world.with_set(5, codes);
        let mut record = world.newest_record("ada");
        record.generation = Generation(9);
        world.becomes.replace(Some(record));
        world.change_at.set(Some(0));
        assert_eq!(world.login(&stack(), &["10000001"]), Verdict::Granted, "{:?}", world.reasons());
        assert_eq!(world.login(&stack(), &["10000001", ""]), Verdict::Denied);
    }
}

#[test]
fn token_outlives_another_generation() {
    let world = World::new();
    let at = |next| Authenticator { parameters: Parameters::default(), ..token(9, next) };
    world.equip("ada", vec![at(7)]);
    let mut record = world.newest_record("ada");
    record.generation = Generation(2);
    world.becomes.replace(Some(record));
    world.change_at.set(Some(0));
    let code = code_of(&at(7), 7);
    assert_eq!(world.login(&stack(), &[&code, ""]), Verdict::Granted, "{:?}", world.reasons());
    assert_eq!(world.login(&stack(), &[&code, ""]), Verdict::Denied);
}

/// Two attempts with the same code at the same wall-clock time create the same ledger name, but with different content.
/// Checks that neither attempt takes the entry of the other for its own.
#[test]
fn anothers_claim_stays_anothers() {
    let world = World::new();
    assert_eq!(world.login(&stack(), &[&world.code(0), ""]), Verdict::Granted);
    let (name, text) = {
        let names = world.names.borrow();
        let used = names.iter().find(|(name, _)| name.contains("/used.")).unwrap();
        (used.0.clone(), used.1.clone())
    };
    let other = World::new();
    other.boot.set(other.boot.get() + 1);
    let claims = |name: &str| other.names.borrow().get(name).cloned();
    assert_eq!(other.login(&stack(), &[&other.code(0), ""]), Verdict::Granted);
    assert!(claims(&name).is_some_and(|claim| claim != text), "a nonce of each attempt's own");
}

#[test]
fn another_key_or_length_burns_the_code() {
    let changes: [fn(&mut Record); 2] = [
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

/// Another login learns the clock error `drift` after this login has made its codes unusable for others. Checks that
/// this does not affect a login with a single code, and that two adjacent codes are compared again with the new clock
/// error.
#[test]
fn two_codes_are_judged_by_where_the_clock_stands() {
    let to =
        |drift: i32| move |record: &mut Record| app(record).moving = MovingFactor::Clock { drift };
    assert_eq!(login(&one(), to(1)).0, Verdict::Granted);
    for (drift, verdict) in [(0, Verdict::Granted), (1, Verdict::Granted), (60, Verdict::Denied)] {
        let (said, world) = login(&two(), to(drift));
        assert_eq!(said, verdict, "{drift}");
        let learnt = if said == Verdict::Granted { 6 } else { drift };
        let moving = world.newest_record("ada").authenticators[0].moving;
        assert_eq!(moving, MovingFactor::Clock { drift: learnt }, "{drift}");
    }
}

/// Ada logs in with the code of counter 7. Before the login reads the record a second time, another process sets the
/// next counter to `next`. Checks that access is granted only if counter 7 may still be used.
#[test]
fn token_that_was_moved_on_meanwhile_gives_no_code_back() {
    for (next, verdict) in [(7, Verdict::Granted), (8, Verdict::Denied), (9, Verdict::Denied)] {
        let world = World::new();
        let parameters = Parameters::default();
        let at = |next| Authenticator { parameters, ..token(9, next) };
        world.equip("ada", vec![at(7)]);
        let mut record = world.newest_record("ada");
        app(&mut record).moving = MovingFactor::Counter { next };
        world.becomes.replace(Some(record));
        world.change_at.set(Some(0));
        assert_eq!(world.login(&stack(), &[&code_of(&at(7), 7), ""]), verdict, "{next}");
    }
}

/// During ada's login, an administrator resets her and issues a ticket for set-up. Checks that this login does not
/// accept the ticket and shows no backup codes.
#[test]
fn who_was_reset_meanwhile_uses_no_ticket_in_this_login() {
    let codes = [one(), vec!["FEJTQYCHWGPV".into()]].concat();
    let (verdict, world) = login(&codes, |record| {
        record.state = State::Pending;
        record.authenticators.clear();
        record.extras.tickets.push(ticket(Purpose::SetUp));
    });
    assert_eq!(verdict, Verdict::Denied);
    let screen = screen(&world);
    assert!(
        screen.contains("You have no valid ticket") && reader::codes(&screen).is_empty(),
        "{screen}"
    );
    assert_eq!(world.newest_record("ada").extras.tickets.len(), 1);
}
