//! Tests set-up at a login: begun, interrupted, resumed, with a ticket, after a reset, or declined.
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
    event::{Kind, verdict::Verdict},
    notify::notification::NotificationKind,
    policy::{AfterReset, NotEnrolled, TicketNeed},
    record::{
        State,
        extras::{AuditStamp, Purpose},
        text as form,
    },
};
use world::{START, reader, request};

use world::people::{change, kinds, letters, newcomer, screen, stack, stamp, ticket};

#[test]
fn set_up_at_a_login_ends_in_a_login_and_its_code_is_used_up() {
    let world = newcomer();
    let verdict = world.login(&stack(), &["start", "<first>", "<group>"]);
    assert_eq!(verdict, Verdict::Granted, "{}", screen(&world));
    let shown = screen(&world);
    for app in ["Aegis", "2FAS", "KeePassXC", "Bitwarden", "any other app"] {
        assert!(shown.contains(app), "{shown}");
    }
    assert_eq!(kinds(&world), [Kind::Enrolled, Kind::Accepted]);
    assert_eq!(letters(&world), [NotificationKind::SetUpDone]);
    let record = world.newest_record("ada");
    assert_eq!((record.state, record.extras.pending), (State::Active, None));
    assert_eq!((record.extras.owed_codes, record.codes.is_some()), (None, true));
    let code = reader::code_of_key(&shown, world.unix.get());
    assert_eq!(world.login(&stack(), &[&code, ""]), Verdict::Denied, "used up");
    let backup = reader::codes(&shown);
    assert_eq!(backup.len(), 10);
    assert_eq!(world.login(&stack(), &[&backup[3]]), Verdict::Granted);
    assert_eq!(world.login(&stack(), &[&backup[3], ""]), Verdict::Denied, "once");
}

#[test]
fn whoever_does_not_begin_is_told_once_and_not_counted() {
    for answer in ["", "hunter2", "123456", "\u{8}\r\u{7f}INCORRECT", "ja"] {
        let world = newcomer();
        assert_eq!(world.login(&stack(), &[answer, answer, answer]), Verdict::Denied);
        assert!(screen(&world).ends_with("log in once from a terminal."), "{}", screen(&world));
        assert_eq!(world.reasons(), ["not_set_up"]);
        assert!(world.records.borrow().is_empty(), "nothing was written");
        assert!(!world.names.borrow().keys().any(|name| name.contains("/try.")));
    }
}

#[test]
fn wrong_word_is_asked_again() {
    for (slip, word) in [("strat", "start"), ("yes", "START"), ("1", "starta"), ("Borja?", "Börja")]
    {
        let mut world = newcomer();
        // If the login continues without set-up, a slip must not grant access without it.
        world.policy.not_enrolled = NotEnrolled::Remind;
        let typed = [slip, word, "<first>", "<group>"];
        assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
        assert!(screen(&world).contains("That is not the word \"start\"."), "{}", screen(&world));
        assert_eq!(kinds(&world)[0], Kind::Enrolled);
    }
}

#[test]
fn empty_answer_loses_no_scanned_key() {
    let world = newcomer();
    let typed = ["start", "", "<first>", "", "<group>"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
    assert_eq!(screen(&world).matches("press Enter").count(), 2, "{}", screen(&world));
    let world = newcomer();
    assert_eq!(
        world.login(&by_key("ssh-ed25519 AAAA"), &["start", "", ""]),
        Verdict::Denied,
        "twice is meant"
    );
    assert!(screen(&world).contains("to go on with this key"), "{}", screen(&world));
    let world = newcomer();
    let typed = ["start", "", "999999", "", "<first>", "AAAA", "", "BBBB", "<group>"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "not twice in a row");
    assert_eq!(world.newest_record("ada").extras.owed_codes, None);
}

#[test]
fn a_cut_anywhere_leaves_nobody_half_enrolled() {
    let all = ["start", "<first>", "<group>"];
    for cut in 0..all.len() {
        let world = newcomer();
        let verdict = world.login(&stack(), &all[..cut]);
        let record = world.records.borrow().contains_key("ada").then(|| world.newest_record("ada"));
        match cut {
            0 => assert_eq!((verdict, record), (Verdict::NoConversation, None)),
            1 => {
                assert_eq!(verdict, Verdict::NoConversation);
                let record = record.unwrap();
                assert!(record.state == State::Pending && record.extras.pending.is_some());
                let rest = ["start", "<first>", "<group>"];
                assert_eq!(world.login(&stack(), &rest), Verdict::Granted);
            }
            _ => {
                assert_eq!(verdict, Verdict::Granted, "the key was proven");
                assert!(record.unwrap().extras.owed_codes.is_some());
            }
        }
    }
}

fn by_key(key: &str) -> Request {
    Request {
        public_key: PublicKey::Verified,
        keys: Some(key.into()),
        ..request("ada", Claim::Publickey)
    }
}

#[test]
fn the_same_ssh_key_goes_on_with_the_same_key_of_the_app() {
    let world = newcomer();
    let mine = by_key("ssh-ed25519 AAAA");
    assert_eq!(world.login(&mine, &["start"]), Verdict::NoConversation);
    let first = reader::key(&screen(&world)).unwrap();
    assert_eq!(world.login(&mine, &["start", "<first>", "<group>"]), Verdict::Granted);
    assert!(screen(&world).contains("this is the same key"));
    assert!(world.newest_record("ada").authenticators[0].key == first.key);
}

/// One login begins a set-up and breaks off. The next login does not come with the same verified ssh key. Checks that
/// it shows another key for the app and mentions the earlier set-up: two users at one address may know the same
/// password.
#[test]
fn who_is_not_known_by_the_same_ssh_key_gets_another_key_and_is_told() {
    let (mine, other) = (by_key("ssh-ed25519 AAAA"), by_key("ssh-ed25519 BBBB"));
    for (begins, owner) in [
        (stack(), stack()),
        (stack(), mine.clone()),
        (mine, stack()),
        (other, by_key("ssh-ed25519 AAAA")),
    ] {
        let world = newcomer();
        assert_eq!(world.login(&begins, &["start"]), Verdict::NoConversation);
        let seen = reader::key(&screen(&world)).unwrap();
        assert_eq!(world.login(&owner, &["start", "<first>", "<group>"]), Verdict::Granted);
        let shown = screen(&world).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!shown.contains("the same key") && shown.contains("and not finished"), "{shown}");
        assert!(shown.contains("The key shown then no longer works"), "{shown}");
        assert!(world.newest_record("ada").authenticators[0].key != seen.key);
    }
}

#[test]
fn where_nobody_could_go_on_with_a_key_nobody_is_told_to() {
    for (asker, promised) in [(by_key("ssh-ed25519 AAAA"), true), (stack(), false)] {
        let world = newcomer();
        let wrong = ["000000"; 10];
        let _ = world.login(&asker, &[&["start"][..], &wrong].concat());
        let shown = screen(&world);
        assert_eq!(shown.contains("to go on with this key"), promised, "{shown}");
        assert_eq!(shown.contains("starts again with another key"), !promised, "{shown}");
    }
}

#[test]
fn a_key_that_another_source_has_seen_is_never_enrolled() {
    let world = newcomer();
    assert_eq!(world.login(&stack(), &["start"]), Verdict::NoConversation);
    let stolen = reader::key(&screen(&world)).unwrap();
    let elsewhere = Request {
        source: twinlock_core::base::request::Source::address([198, 51, 100, 9].into()),
        ..stack()
    };
    assert_eq!(world.login(&elsewhere, &["start", "<first>", "<group>"]), Verdict::Granted);
    assert!(screen(&world).contains("from 203.0.113.7, and not finished"), "{}", screen(&world));
    assert!(world.newest_record("ada").authenticators[0].key != stolen.key);
}

#[test]
fn after_a_quarter_of_an_hour_set_up_begins_anew() {
    let world = newcomer();
    let mine = by_key("ssh-ed25519 AAAA");
    let _ = world.login(&mine, &["start"]);
    let first = reader::key(&screen(&world)).unwrap();
    world.unix.set(world.unix.get() + 15 * 60);
    let _ = world.login(&mine, &["start"]);
    let second = reader::key(&screen(&world)).unwrap();
    assert!(second.key != first.key);
    // Setting the clock back does not extend the time in which the same key is shown.
    world.boot.set(world.boot.get() + 15 * 60);
    let _ = world.login(&mine, &["start"]);
    assert!(reader::key(&screen(&world)).unwrap().key != second.key);
}

#[test]
fn a_picture_is_drawn_otherwise_and_wrong_codes_say_what_is_wrong() {
    let world = newcomer();
    let late = "<first>";
    let typed = ["start", "i", "a", "999999", "12", late, "<group>"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted);
    let shown = screen(&world);
    assert_eq!(shown.matches("scan this QR code").count(), 3);
    assert!(shown.contains("####") && shown.contains('█'));
    assert!(shown.contains("does not belong to this key") && shown.contains("That is not a code"));
}

#[test]
fn a_reset_kills_a_set_up_that_is_under_way() {
    let world = newcomer();
    world.change_at.set(None);
    let _ = world.login(&stack(), &["start"]);
    // An administrator resets the user after the key was shown and before the key is verified.
    change(&world, |record| {
        twinlock_core::record::enrollment::reset(
            record,
            AuditStamp { by: "kim".into(), at: UnixTime(START) },
            stamp(99, START),
        )
    });
    let record = world.newest_record("ada");
    assert!(record.extras.pending.is_none() && record.state == State::Pending);
    // Set-up now requires a ticket, which a password does not replace.
    assert_eq!(world.login(&stack(), &["start", ""]), Verdict::Denied);
    assert_eq!(world.reasons().last(), Some(&"no_ticket"));
}

#[test]
fn a_ticket_begins_set_up_once() {
    let mut world = newcomer();
    world.policy.not_enrolled = NotEnrolled::Deny;
    world.policy.set_up.ticket = TicketNeed::Needed;
    let account = world.accounts.borrow().get("ada").cloned().unwrap();
    let stamp = stamp(5, START);
    let mut record = twinlock_core::record::enrollment::begun(&account, None, stamp);
    twinlock_core::record::enrollment::give_ticket(&mut record.extras, ticket(Purpose::SetUp));
    let text = form::write(&record).to_string();
    world.records.borrow_mut().insert("ada".into(), (1, text));
    let wrong = ["AAAA-AAAA-AAAA", "123456", "BBBBBBBBBBBB"];
    assert_eq!(world.login(&stack(), &wrong), Verdict::Denied);
    let tries = || world.names.borrow().keys().filter(|name| name.contains("/try.")).count();
    assert_eq!(tries(), 2, "what is no ticket is not counted");
    let right = ["fejt-qych-wgpv", "<first>", "<group>"];
    assert_eq!(world.login(&stack(), &right), Verdict::Granted, "{}", screen(&world));
    let record = world.newest_record("ada");
    assert!(record.extras.tickets.is_empty() && record.state == State::Active);
    assert_eq!(world.login(&stack(), &["FEJTQYCHWGPV", ""]), Verdict::Denied);
}

#[test]
fn a_proven_key_does_without_a_ticket_after_a_reset_and_a_password_does_not() {
    for (after_reset, key, begins) in [
        (AfterReset::Ticket, PublicKey::Absent, false),
        (AfterReset::Ticket, PublicKey::Verified, true),
        (AfterReset::Login, PublicKey::Absent, true),
    ] {
        let mut world = newcomer();
        world.policy.set_up.after_reset = after_reset;
        world.enroll("ada", 1000);
        change(&world, |record| {
            let audit = AuditStamp { by: "kim".into(), at: UnixTime(START) };
            let stamp = stamp(9, START);
            twinlock_core::record::enrollment::reset(record, audit, stamp)
        });
        let claim = if key == PublicKey::Verified { Claim::Publickey } else { Claim::Stack };
        let request = Request { public_key: key, ..request("ada", claim) };
        let verdict = world.login(&request, &["start", "<first>", "<group>"]);
        assert_eq!(verdict == Verdict::Granted, begins, "{after_reset:?} {key:?}");
    }
}

#[test]
fn a_reminder_lets_go_on_without_and_sets_up_who_wants() {
    let mut world = newcomer();
    world.policy.not_enrolled = NotEnrolled::Remind;
    assert_eq!(world.login(&stack(), &[""]), Verdict::Exempt);
    assert_eq!(world.reasons(), ["reminded"]);
    assert_eq!(world.login(&stack(), &["start", "<first>", "<group>"]), Verdict::Granted);
    assert_eq!(world.login(&stack(), &[""]), Verdict::Denied, "who is enrolled is asked");
}

#[test]
fn before_a_first_factor_nothing_is_offered() {
    for not_enrolled in [NotEnrolled::Enroll, NotEnrolled::Remind] {
        let mut world = newcomer();
        world.policy.not_enrolled = not_enrolled;
        let verdict = world.login(&request("ada", Claim::Follows), &["start", "000000", ""]);
        let expected =
            if not_enrolled == NotEnrolled::Remind { Verdict::Exempt } else { Verdict::Denied };
        assert_eq!(verdict, expected);
        assert!(!screen(&world).contains("Aegis"), "{}", screen(&world));
        assert!(world.records.borrow().is_empty());
    }
}
