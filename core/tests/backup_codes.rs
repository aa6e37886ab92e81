//! Tests backup codes at a login: their use, the warning about few codes, their renewal, codes that must be shown, and
//! tickets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use twinlock_core::{
    base::{request::Claim, time::UnixTime},
    event::{Accepted, Kind, verdict::Verdict},
    notify::notification::NotificationKind,
    record::extras::{AuditStamp, Purpose},
};
use world::{START, World, reader, request};

use world::people::{change, kinds, letters, screen, stack, stamp, ticket, with_codes};

#[test]
fn the_single_code_renews_itself_each_time_it_is_used() {
    let (world, codes) = with_codes(1);
    let mut code = codes[0].clone();
    for _ in 0..5 {
        assert_eq!(world.login(&stack(), &[&code, "<group>"]), Verdict::Granted);
        assert_eq!(kinds(&world).last(), Some(&Kind::Accepted));
        let fresh = reader::codes(&screen(&world)).last().cloned().unwrap();
        assert_ne!(fresh, code);
        assert_eq!(world.login(&stack(), &[&code, ""]), Verdict::Denied, "the old one is dead");
        code = fresh;
    }
}

#[test]
fn a_cut_while_the_last_code_is_renewed_leaves_the_old_one() {
    let (world, codes) = with_codes(1);
    for answers in [&[codes[0].as_str()][..], &[&codes[0], ""], &[&codes[0], "AAAA", "B", "C"]] {
        assert_ne!(world.login(&stack(), answers), Verdict::Granted, "{answers:?}");
        let shown = reader::codes(&screen(&world));
        let refused = world.login(&stack(), &[&shown[0], ""]);
        assert_eq!(refused, Verdict::Denied, "what was not confirmed does not work");
    }
    assert_eq!(world.login(&stack(), &[&codes[0], "<group>"]), Verdict::Granted);
}

#[test]
fn a_reset_while_the_last_code_is_renewed_wins() {
    let (world, codes) = with_codes(1);
    world.change_at.set(None);
    let before = world.newest_record("ada").generation;
    // A concurrent login uses the same code first, and renews the set.
    assert_eq!(world.login(&stack(), &[&codes[0], "<group>"]), Verdict::Granted);
    assert_ne!(world.newest_record("ada").generation, before);
    assert_eq!(world.login(&stack(), &[&codes[0], "<group>", ""]), Verdict::Denied);
}

#[test]
fn the_person_is_told_how_many_are_left_and_warned() {
    let (world, codes) = with_codes(5);
    for (code, said) in
        [(0, "You have 4 backup codes left."), (1, "You have 3 backup codes left. For new ones")]
    {
        assert_eq!(world.login(&stack(), &[&codes[code]]), Verdict::Granted);
        assert!(screen(&world).contains(said), "{}", screen(&world));
    }
    assert_eq!(letters(&world), [NotificationKind::BackupCodeUsed, NotificationKind::FewCodesLeft]);
    let events = world.events.borrow();
    assert!(matches!(events[0].accepted, Some(Accepted::BackupCode { left: Some(4), .. })));
}

#[test]
fn one_letter_less_or_other_is_another_code() {
    let (world, codes) = with_codes(2);
    for place in 0..24 {
        let mut changed: Vec<u8> = codes[0].clone().into_bytes();
        if changed[place] == b'-' {
            continue;
        }
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(world.login(&stack(), &[&changed, ""]), Verdict::Denied, "{place}");
        world.names.borrow_mut().retain(|name, _| !name.contains("/try."));
        world.failures.set(0);
        world.unix.set(world.unix.get() + 86_400);
    }
}

#[test]
fn owed_codes_are_shown_at_the_next_login_until_they_are_confirmed() {
    let world = World::new();
    change(&world, |record| {
        let audit = AuditStamp { by: "kim".into(), at: UnixTime(START + 1) };
        let stamp = stamp(8, START + 1);
        twinlock_core::record::enrollment::owing_codes(record, audit, stamp)
    });
    assert_eq!(world.login(&stack(), &[&world.code(0), ""]), Verdict::Granted);
    assert!(screen(&world).contains("kim has made new backup codes"), "{}", screen(&world));
    assert!(screen(&world).ends_with("Your next login shows you new ones."));
    world.unix.set(world.unix.get() + 60);
    assert_eq!(world.login(&stack(), &[&world.code(0), "<group>"]), Verdict::Granted);
    let codes = reader::codes(&screen(&world));
    assert_eq!(world.login(&stack(), &[&codes[0]]), Verdict::Granted);
}

#[test]
fn first_codes_are_called_so_behind_another_change_as_well() {
    let world = World::new();
    change(&world, |mut record| {
        twinlock_core::record::enrollment::promise_first_codes(&mut record, "kim".into());
        record.extras.changed = Some(UnixTime(START + 1));
        record
    });
    assert_eq!(world.login(&stack(), &[&world.code(0), "<group>"]), Verdict::Granted);
    assert!(screen(&world).contains("In case you lose your phone"), "{}", screen(&world));
}

#[test]
fn a_ticket_fetches_new_codes_and_gets_in_once() {
    let world = World::new();
    change(&world, |record| {
        let audit = AuditStamp { by: "kim".into(), at: UnixTime(START) };
        let stamp = stamp(8, START);
        let mut record = twinlock_core::record::enrollment::owing_codes(record, audit, stamp);
        twinlock_core::record::enrollment::give_ticket(&mut record.extras, ticket(Purpose::Codes));
        record
    });
    assert_eq!(world.login(&stack(), &["fejtqychwgpv", "", ""]), Verdict::Denied, "not confirmed");
    let follows = request("ada", Claim::Follows);
    assert_eq!(world.login(&follows, &["fejtqychwgpv", "", ""]), Verdict::Denied);
    assert_eq!(world.login(&stack(), &["fejtqychwgpv", "<group>"]), Verdict::Granted);
    assert_eq!(world.login(&stack(), &["fejtqychwgpv", "<group>", ""]), Verdict::Denied);
}
