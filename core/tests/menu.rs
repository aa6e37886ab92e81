//! Tests the menu of changes, which follows a correct code: how a user reaches it with the last backup code or with a
//! ticket, and what its entries remove.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use twinlock_core::{
    base::time::UnixTime,
    event::{Kind, verdict::Verdict},
    notify::notification::NotificationKind,
    record::extras::{AuditStamp, Purpose},
};
use world::{START, World};

use world::people::{change, kinds, letters, screen, stack, stamp, ticket, with_codes};

/// Returns the screen without its line breaks.
fn flat(world: &World) -> String {
    screen(world).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Ada has lost her phone and logs in with her last backup code. Checks that the login shows her new backup codes
/// first, and then the menu, in which she replaces the app.
#[test]
fn last_backup_code_reaches_the_menu() {
    for count in [1, 3] {
        let (world, codes) = with_codes(count);
        for code in &codes[..usize::from(count) - 1] {
            assert_eq!(world.login(&stack(), &[code]), Verdict::Granted);
        }
        world.letters.borrow_mut().clear();
        let old = world.newest_record("ada").authenticators[0].key.copied();
        let last = codes.last().unwrap();
        // `<new>` is the last code on the screen. In a set of one code, using it as the second code uses up the set.
        let typed = ["?", "4", last, "<group>", "2", "<first>", "<new>", "<group>"];
        assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
        let record = world.newest_record("ada");
        assert!(record.authenticators[0].key != old, "{}", screen(&world));
        assert!(record.codes.is_some() && record.extras.owed_codes.is_none());
        assert!(flat(&world).contains("delete the older entry web01:ada."), "{}", screen(&world));
        let left = if count == 1 {
            "That was your last backup code."
        } else {
            "You have 2 backup codes left."
        };
        assert!(screen(&world).contains(left), "{}", screen(&world));
        assert!(letters(&world).contains(&NotificationKind::BackupCodeUsed));
        let shown = world::reader::codes(&screen(&world));
        let next = if count == 1 { shown.last().unwrap() } else { &shown[0] };
        assert_eq!(
            world.login(&stack(), &[next, "<group>"]),
            Verdict::Granted,
            "the successor works"
        );
    }
}

#[test]
fn ticket_for_codes_reaches_the_menu() {
    let world = World::new();
    change(&world, |record| {
        let audit = AuditStamp { by: "kim".into(), at: UnixTime(START) };
        let stamp = stamp(8, START);
        let mut record = twinlock_core::record::enrollment::owing_codes(record, audit, stamp);
        twinlock_core::record::enrollment::give_ticket(&mut record.extras, ticket(Purpose::Codes));
        record
    });
    let old = world.newest_record("ada").authenticators[0].key.copied();
    let typed = ["?", "4", "fejtqychwgpv", "<group>", "2", "<first>", "<new>"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
    assert!(world.newest_record("ada").authenticators[0].key != old);
}

#[test]
fn one_code_never_changes_anything_twice() {
    // The last code is used up by the login, so as a second code it changes nothing.
    let (world, codes) = with_codes(1);
    let typed = ["?", "4", &codes[0], "<group>", "2", "<first>", &codes[0], "", ""];
    let old = world.newest_record("ada").authenticators[0].key.copied();
    let _ = world.login(&stack(), &typed);
    assert!(world.newest_record("ada").authenticators[0].key == old, "{}", screen(&world));
}

/// Returns a `World` in which ada has two apps, and the ten backup codes that she was shown. The first two of them are
/// used.
fn with_two() -> (World, Vec<String>) {
    let (world, codes) = with_codes(10);
    let typed = ["?", "4", &codes[0], "3", "phone", "<first>", &codes[1]];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
    (world, codes)
}

#[test]
fn one_of_several_authenticators_is_removed_behind_two_codes() {
    for (choice, stays) in [("1", "phone"), ("2", "app")] {
        let (world, codes) = with_two();
        let typed = ["?", "4", &codes[2], "4", choice, &codes[3]];
        assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
        let record = world.newest_record("ada");
        let names: Vec<&str> = record.authenticators.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, [stays]);
        let entry = if stays == "app" { "web01:ada (phone)." } else { "web01:ada." };
        assert!(
            screen(&world).contains(&format!("delete the entry {entry}")),
            "{}",
            screen(&world)
        );
        assert_eq!(kinds(&world).last(), Some(&Kind::Accepted));
        assert!(letters(&world).contains(&NotificationKind::KeyChanged));
    }
    for rest in [
        &["4", "2", "000000", "", ""][..],
        &["4", "2", ""],
        &["4", ""],
        &["4", "9", "x", "3"],
        &["4"],
    ] {
        let (world, codes) = with_two();
        let mut typed = vec!["?", "4", &codes[2]];
        typed.extend(rest);
        assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{rest:?} {}", screen(&world));
        assert_eq!(world.newest_record("ada").authenticators.len(), 2, "{rest:?}");
    }
}

#[test]
fn last_authenticator_is_never_removed() {
    let (world, codes) = with_codes(10);
    let typed = ["?", "4", &codes[0], "4"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted);
    assert!(!screen(&world).contains("Remove one"), "{}", screen(&world));
    let record = world.newest_record("ada");
    let stamp = stamp(9, START);
    assert_eq!(twinlock_core::record::enrollment::without(record, 0, stamp), None);
}

#[test]
fn menu_of_changes_asks_again() {
    let (world, codes) = with_codes(10);
    let typed = ["?", "4", &codes[0], "1.", "one", "1", &codes[1], "<group>"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
    assert_eq!(screen(&world).matches("none of the choices").count(), 2);
    assert_eq!(kinds(&world), [Kind::CodesRenewed, Kind::Accepted]);
}
