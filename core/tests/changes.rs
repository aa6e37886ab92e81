//! Tests changes at a login: the replacement of a key that others have seen, self-service, bypass codes, remembered
//! devices and notifications.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use twinlock_core::{
    base::{
        request::{Claim, PublicKey, Request},
        time::UnixTime,
    },
    event::{Accepted, Kind, verdict::Verdict},
    notify::notification::NotificationKind,
    policy::Echo,
    ports::{Clock, Ledger},
    record::{
        Record,
        extras::{AuditStamp, KeyDisclosure, Purpose},
        voucher::Voucher,
    },
};
use world::{START, World, request};

use world::people::{change, kinds, letters, screen, stack, ticket, with_codes};

/// Returns a `World` in which an administrator, kim, has seen ada's key.
fn seen() -> World {
    let world = World::new();
    change(&world, |mut record| {
        let audit = AuditStamp { by: "kim".into(), at: UnixTime(START - 100) };
        record.authenticators[0].seen = Some(KeyDisclosure { audit, postponed: 0 });
        record
    });
    world
}

/// Returns a login request with a key that sshd has verified.
fn by_key(key: &str) -> Request {
    Request {
        public_key: PublicKey::Verified,
        keys: Some(key.into()),
        ..request("ada", Claim::Publickey)
    }
}

#[test]
fn a_key_that_somebody_has_seen_is_replaced_in_one_change() {
    let world = seen();
    let old = world.newest_record("ada").generation;
    let typed = [&world.code(0), "start", "<first>", "<next>"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
    assert!(screen(&world).contains("was seen by kim on 2027-01-15"), "{}", screen(&world));
    assert_eq!(kinds(&world), [Kind::KeyChanged, Kind::Accepted]);
    assert_eq!(letters(&world), [NotificationKind::KeyChanged]);
    let record = world.newest_record("ada");
    assert!(record.generation != old && record.authenticators[0].seen.is_none());
    world.unix.set(world.unix.get() + 60);
    let code = world.code(0);
    assert_eq!(world.login(&stack(), &[&code, ""]), Verdict::Denied, "the old key is dead");
}

#[test]
fn one_code_is_not_enough_to_replace_a_key() {
    let world = seen();
    let code = world.code(0);
    for second in [&code, "000000", "", "start"] {
        let world = seen();
        let verdict = world.login(&stack(), &[&code, "start", "<first>", second, "", ""]);
        assert_ne!(verdict, Verdict::Granted, "{second}");
        assert!(world.newest_record("ada").authenticators[0].seen.is_some());
    }
}

#[test]
fn it_can_be_put_off_a_few_times() {
    let world = seen();
    for left in ["3 more times", "2 more times", "once more"] {
        assert_eq!(world.login(&stack(), &[&world.code(0), ""]), Verdict::Granted);
        assert!(screen(&world).contains(left), "{}", screen(&world));
        world.unix.set(world.unix.get() + 60);
    }
    assert_eq!(world.login(&stack(), &[&world.code(0), ""]), Verdict::Denied);
    assert_eq!(world.reasons().last(), Some(&"key_not_changed"));
    world.unix.set(world.unix.get() + 60);
    let typed = [&world.code(0), "start", "<first>", "<next>"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted);
}

#[test]
fn self_service_takes_a_second_code() {
    let menu = |choice: &str, rest: &[&str]| {
        let (world, codes) = with_codes(10);
        let key = world.newest_record("ada").authenticators[0].key.copied();
        let mut typed = vec!["?", "4", &codes[0], choice];
        let rest: Vec<&str> = rest
            .iter()
            .map(|line| if *line == "<second>" { codes[1].as_str() } else { line })
            .collect();
        typed.extend(rest);
        assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
        let shown = screen(&world);
        let kept = world.login(&stack(), &[&codes[5], ""]) == Verdict::Granted;
        let same = world.newest_record("ada").authenticators[0].key == key;
        (kept, same, shown)
    };
    let (kept, same, shown) = menu("1", &["<second>", "<group>"]);
    assert!(!kept && same && shown.contains("Last change: 2027-01-15"), "{shown}");
    let (kept, same, _) = menu("2", &["<first>", "<second>"]);
    assert!(kept && !same);
    for (choice, rest) in [
        ("1", &["000000", "", ""][..]),
        ("1", &[""]),
        ("1", &[]),
        ("1", &["<second>", "AAAA", ""]),
        ("2", &["<first>", "", ""]),
        ("2", &["<first>"]),
        ("2", &["000000", ""]),
        ("3", &["tablet", "<first>", "", ""]),
        ("3", &["tablet", "<first>"]),
        ("4", &[]),
        ("", &[]),
    ] {
        let (kept, same, shown) = menu(choice, rest);
        assert!(kept && same, "{choice} {rest:?} {shown}");
    }
}

#[test]
fn one_more_authenticator_takes_a_second_code_and_works_beside_the_others() {
    let (world, codes) = with_codes(10);
    let typed = ["?", "4", &codes[0], "3", "my tablet", "<first>", &codes[1]];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
    let record = world.newest_record("ada");
    let names: Vec<&str> = record.authenticators.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["app", "my tablet"]);
    assert_eq!(kinds(&world), [Kind::KeyChanged, Kind::Accepted]);
    world.unix.set(world.unix.get() + 60);
    for one in &record.authenticators {
        let code = world::apps::code_of(one, world.unix.get() / 30);
        assert_eq!(world.login(&stack(), &[&code]), Verdict::Granted, "{}", one.name);
        let events = world.events.borrow();
        let accepted = events.last().and_then(|event| event.accepted.clone());
        let named = matches!(accepted, Some(Accepted::App { authenticator, .. }) if authenticator == one.name);
        assert!(named, "the one that matched is logged");
    }
}

#[test]
fn seen_key_is_asked_again_after_a_wrong_word() {
    let world = seen();
    let typed = [&world.code(0), "strat", "start", "<first>", "<next>"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
    assert!(world.newest_record("ada").authenticators[0].seen.is_none());
}

#[test]
fn backup_code_is_shown_at_its_own_prompt() {
    for (echo, shown) in [(Echo::Shown, true), (Echo::Hidden, false)] {
        let (mut world, codes) = with_codes(10);
        world.policy.backup_codes.echo = echo;
        assert_eq!(world.login(&stack(), &["?", "2", &codes[0]]), Verdict::Granted);
        let echoes = world.echoes.borrow();
        assert_eq!(echoes[0], Echo::Hidden, "the first prompt takes codes of the app as well");
        assert_eq!(echoes[2] == Echo::Shown, shown);
    }
}

#[test]
fn never_is_an_answer_for_a_device() {
    let mut world = World::new();
    world.policy.remember_for = 8 * 3600;
    let here = by_key("ssh-ed25519 AAAA");
    assert_eq!(world.login(&here, &[&world.code(0), "y", "NEVER"]), Verdict::Granted);
    assert!(screen(&world).contains("device for 8 hours?"), "{}", screen(&world));
    world.unix.set(world.unix.get() + 60);
    assert_eq!(world.login(&here, &[&world.code(0)]), Verdict::Granted, "asked no more from there");
    assert!(!screen(&world).contains("Remember this device"), "{}", screen(&world));
    world.unix.set(world.unix.get() + 60);
    let other = by_key("ssh-ed25519 AAAB");
    assert_eq!(world.login(&other, &[&world.code(0), "no"]), Verdict::Granted);
    assert!(screen(&world).contains("Remember this device"), "another key is asked");
}

#[test]
fn a_bypass_works_so_often_and_behind_a_first_factor_alone() {
    let world = World::new();
    change(&world, |mut record| {
        let voucher = Voucher::of("123456789", UnixTime(START + 3600), [3; 16]).unwrap();
        let audit = AuditStamp { by: "kim".into(), at: UnixTime(START) };
        let bypass = twinlock_core::record::extras::Bypass { voucher, uses: 2, audit };
        twinlock_core::record::enrollment::give_bypass(&mut record.extras, bypass);
        record
    });
    for claim in [Claim::Follows, Claim::Failed, Claim::Publickey] {
        let verdict = world.login(&request("ada", claim), &["123456789", "", ""]);
        assert_eq!(verdict, Verdict::Denied, "{claim:?}");
    }
    assert_eq!(world.login(&stack(), &["123456780", ""]), Verdict::Denied);
    for left in [1, 0] {
        assert_eq!(world.login(&stack(), &["123 456 789"]), Verdict::Granted);
        let accepted = world.events.borrow().last().unwrap().accepted.clone();
        assert_eq!(accepted, Some(Accepted::Bypass { left }));
    }
    assert_eq!(world.login(&stack(), &["123456789", ""]), Verdict::Denied);
}

/// An answer of twelve letters or nine digits may be a password. Checks that such an answer counts as an attempt only
/// if a ticket or bypass code was issued to the user.
#[test]
fn vouchers_count_where_there_are_any() {
    let given = |record: Record, some: bool| {
        let mut record = record;
        if some {
            let voucher = Voucher::of("123456789", UnixTime(START + 3600), [3; 16]).unwrap();
            let audit = AuditStamp { by: "kim".into(), at: UnixTime(START) };
            record.extras.bypasses =
                vec![twinlock_core::record::extras::Bypass { voucher, uses: 2, audit }];
            record.extras.tickets = vec![ticket(Purpose::Codes)];
        }
        record
    };
    for (some, charged) in [(false, 0), (true, 2)] {
        let world = World::new();
        change(&world, |record| given(record, some));
        for typed in ["123456780", "AAAABBBBCCCC"] {
            assert_eq!(world.login(&stack(), &[typed, ""]), Verdict::Denied);
        }
        let names = world.names.borrow();
        assert_eq!(names.keys().filter(|name| name.contains("/try.")).count(), charged, "{some}");
    }
}

#[test]
fn a_bypass_ends_with_its_time() {
    let world = World::new();
    change(&world, |mut record| {
        let voucher = Voucher::of("123456789", UnixTime(START + 10), [3; 16]).unwrap();
        let audit = AuditStamp { by: "kim".into(), at: UnixTime(START) };
        record.extras.bypasses =
            vec![twinlock_core::record::extras::Bypass { voucher, uses: 2, audit }];
        record
    });
    world.unix.set(START + 10);
    assert_eq!(world.login(&stack(), &["123456789", ""]), Verdict::Denied);
}

fn give_bypass(world: &World, life: u64) {
    let boot_id = Ledger::boot_id(world).unwrap();
    let now = Clock::now(world).unwrap();
    change(world, |mut record| {
        let voucher = Voucher::of("123456789", now.unix.plus(life), [3; 16]).unwrap();
        let voucher = voucher.counted_from(now, &boot_id);
        let audit = AuditStamp { by: "kim".into(), at: now.unix };
        record.extras.bypasses =
            vec![twinlock_core::record::extras::Bypass { voucher, uses: 9, audit }];
        record
    });
}

#[test]
fn a_bypass_that_is_over_does_not_live_again_when_the_clock_goes_back() {
    let world = World::new();
    give_bypass(&world, 3600);
    assert_eq!(world.login(&stack(), &["123456789"]), Verdict::Granted);
    world.pass(3600);
    for back in [0, 3600, 40 * 86_400] {
        world.unix.set(START + 3600 - back);
        assert_eq!(world.login(&stack(), &["123456789", ""]), Verdict::Denied, "{back}");
    }
    // After the clock has jumped forward and back, a new bypass code does not expire too early.
    give_bypass(&world, 3600);
    assert_eq!(world.login(&stack(), &["123456789"]), Verdict::Granted);
}

#[test]
fn after_a_restart_a_bypass_is_over_where_the_clock_has_passed_its_end() {
    for (later, over) in [(3600, true), (60, false)] {
        let world = World::new();
        give_bypass(&world, 3600);
        world.pass(later);
        assert_eq!(world.login(&stack(), &[&world.code(0)]), Verdict::Granted);
        world.restart(START + 600);
        let verdict = world.login(&stack(), &["123456789", ""]);
        assert_eq!(verdict == Verdict::Denied, over, "{later}");
        // A new bypass code works, however far the clock mark is in the future.
        give_bypass(&world, 900);
        assert_eq!(world.login(&stack(), &["123456789"]), Verdict::Granted, "{later}");
        // The host has run for longer than the bypass code was valid.
        world.restart(START + 600);
        world.boot.set(world.boot.get() + 3600);
        assert_eq!(world.login(&stack(), &["123456789", ""]), Verdict::Denied);
    }
}

#[test]
fn a_device_is_remembered_for_a_time_and_for_itself_alone() {
    let mut world = World::new();
    world.policy.remember_for = 3600;
    let here = by_key("ssh-ed25519 AAAA");
    assert_eq!(world.login(&here, &[&world.code(0), ""]), Verdict::Granted);
    world.unix.set(world.unix.get() + 60);
    assert_eq!(world.login(&here, &[&world.code(0), "yes"]), Verdict::Granted);
    assert!(screen(&world).contains("Remember this device for 1 hour? Then no code is asked for"));
    assert!(screen(&world).contains("from 203.0.113.7"), "{}", screen(&world));
    assert_eq!(world.login(&here, &[]), Verdict::Granted, "no code is asked for");
    assert_eq!(world.events.borrow().last().unwrap().accepted, Some(Accepted::Device));
    let elsewhere = Request {
        source: twinlock_core::base::request::Source::address([203, 0, 113, 8].into()),
        ..here.clone()
    };
    let sudo = Request { service: "sudo".into(), ..here.clone() };
    let other_service = Request { service: "login".into(), ..here.clone() };
    for other in [by_key("ssh-ed25519 AAAB"), elsewhere, sudo, other_service, stack()] {
        assert_ne!(world.login(&other, &[""]), Verdict::Granted, "{other:?}");
    }
    world.unix.set(world.unix.get() + 3600);
    assert_eq!(world.login(&here, &[""]), Verdict::Denied, "its time is over");
}

#[test]
fn a_change_ends_remembered_devices_and_root_has_none() {
    let mut world = World::new();
    world.policy.remember_for = 3600;
    let here = by_key("ssh-ed25519 AAAA");
    assert_eq!(world.login(&here, &[&world.code(0), "yes"]), Verdict::Granted);
    change(&world, |record| Record { generation: twinlock_core::record::Generation(77), ..record });
    assert_eq!(world.login(&here, &[""]), Verdict::Denied);
    world.account("root", 0);
    world.enroll("root", 0);
    world.unix.set(world.unix.get() + 60);
    let root = Request { typed_user: Some("root".into()), ..here };
    assert_eq!(world.login(&root, &[&world.code(0)]), Verdict::Granted);
    assert!(!screen(&world).contains("ssh key for"));
    assert_eq!(world.login(&root, &[""]), Verdict::Denied);
}

#[test]
fn guessing_behind_a_right_password_is_worth_a_letter() {
    let world = World::new();
    let wrong = world.wrong_code();
    for _ in 0..3 {
        world.refuse(&stack(), &[&wrong, &wrong, &wrong]);
    }
    assert_eq!(letters(&world), [NotificationKind::Guessed]);
    let world = World::new();
    for _ in 0..3 {
        world.refuse(&request("ada", Claim::Follows), &[&wrong, &wrong, &wrong]);
    }
    assert!(world.letters.borrow().is_empty(), "strangers write no letters");
}
