//! What a login carries a person through: set-up, backup codes, a key to be replaced, changes, a remembered device.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use twinlock_core::{
    beside::{Purpose, Seen, Ticket, Trace},
    event::{Accepted, Kind},
    format::record as form,
    letter::LetterKind,
    policy::{AfterReset, BackupCodes, NotEnrolled, TicketNeed},
    record::{Record, State},
    request::{Claim, PublicKey, Request},
    time::UnixTime,
    verdict::Verdict,
    voucher::Voucher,
};
use world::{START, World, reader, request};

fn stack() -> Request {
    request("ada", Claim::Stack)
}

/// A world in which ada is not enrolled, and is set up by whoever has the first factor.
fn newcomer() -> World {
    let mut world = World::new();
    world.records.borrow_mut().clear();
    world.policy.not_enrolled = NotEnrolled::Enroll;
    world.policy.set_up.ticket = TicketNeed::Free;
    world
}

fn change(world: &World, change: impl FnOnce(Record) -> Record) {
    let record = change(world.newest_record("ada"));
    let mut records = world.records.borrow_mut();
    let sequence = records.get("ada").map_or(0, |found| found.0);
    records.insert("ada".into(), (sequence + 1, form::write(&record).to_string()));
}

fn ticket(purpose: Purpose) -> Ticket {
    let voucher = Voucher::of("FEJTQYCHWGPV", UnixTime(START + 86_400), [3; 16]).unwrap();
    Ticket { purpose, voucher, trace: Trace { by: "kim".into(), at: UnixTime(START) } }
}

fn kinds(world: &World) -> Vec<Kind> {
    world.events.borrow().iter().map(|event| event.kind).collect()
}

fn letters(world: &World) -> Vec<LetterKind> {
    world.letters.borrow().iter().map(|letter| letter.kind).collect()
}

fn screen(world: &World) -> String {
    world.said.borrow().join("\n")
}

#[test]
fn set_up_at_a_login_ends_in_a_login_and_its_code_is_used_up() {
    let world = newcomer();
    let verdict = world.login(&stack(), &["start", "<first>", "<group>"]);
    assert_eq!(verdict, Verdict::Granted, "{}", screen(&world));
    let shown = screen(&world);
    for app in ["Google Authenticator", "Microsoft Authenticator", "Authy", "any other app"] {
        assert!(shown.contains(app), "{shown}");
    }
    assert_eq!(kinds(&world), [Kind::Enrolled, Kind::Accepted]);
    assert_eq!(letters(&world), [LetterKind::SetUpDone, LetterKind::CodesRenewed]);
    let record = world.newest_record("ada");
    assert_eq!((record.state, record.beside.pending), (State::Active, None));
    assert_eq!((record.beside.owed_codes, record.codes.is_some()), (None, true));
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
        assert_eq!(world.login(&stack(), &[answer]), Verdict::Denied);
        assert!(screen(&world).ends_with("log in once from a terminal."), "{}", screen(&world));
        assert_eq!(world.reasons(), ["not_set_up"]);
        assert!(world.records.borrow().is_empty(), "nothing was written");
        assert!(!world.names.borrow().keys().any(|name| name.contains("/try.")));
    }
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
                assert!(record.state == State::Pending && record.beside.pending.is_some());
                let first = reader::key(&screen(&world)).unwrap();
                // The same person goes on with the same key.
                let rest = ["start", "<first>", "<group>"];
                assert_eq!(world.login(&stack(), &rest), Verdict::Granted);
                assert!(screen(&world).contains("this is the same key"));
                assert!(world.newest_record("ada").authenticators[0].key == first.key);
            }
            _ => {
                assert_eq!(verdict, Verdict::Granted, "the key was proven");
                assert!(record.unwrap().beside.owed_codes.is_some());
            }
        }
    }
}

#[test]
fn a_key_that_another_source_has_seen_is_never_enrolled() {
    let world = newcomer();
    assert_eq!(world.login(&stack(), &["start"]), Verdict::NoConversation);
    let stolen = reader::key(&screen(&world)).unwrap();
    let elsewhere = Request {
        source: twinlock_core::request::Source::address([198, 51, 100, 9].into()),
        ..stack()
    };
    assert_eq!(world.login(&elsewhere, &["start", "<first>", "<group>"]), Verdict::Granted);
    assert!(screen(&world).contains("from 203.0.113.7, and not finished"), "{}", screen(&world));
    assert!(world.newest_record("ada").authenticators[0].key != stolen.key);
}

#[test]
fn after_a_quarter_of_an_hour_set_up_begins_anew() {
    let world = newcomer();
    let _ = world.login(&stack(), &["start"]);
    let first = reader::key(&screen(&world)).unwrap();
    world.unix.set(world.unix.get() + 15 * 60);
    let _ = world.login(&stack(), &["start"]);
    assert!(reader::key(&screen(&world)).unwrap().key != first.key);
}

#[test]
fn a_picture_is_drawn_otherwise_and_wrong_codes_say_what_is_wrong() {
    let world = newcomer();
    let late = "<first>";
    let typed = ["start", "i", "a", "999999", "12", late, "<group>"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted);
    let shown = screen(&world);
    assert_eq!(shown.matches("scan this square").count(), 3);
    assert!(shown.contains("####") && shown.contains('█'));
    assert!(shown.contains("not of this key") && shown.contains("That is not a code"));
}

#[test]
fn a_reset_kills_a_set_up_that_is_under_way() {
    let world = newcomer();
    world.change_at.set(None);
    let _ = world.login(&stack(), &["start"]);
    // The key of the screen is proven after the record was reset under it.
    change(&world, |record| {
        twinlock_core::enrolment::reset(
            record,
            Trace { by: "kim".into(), at: UnixTime(START) },
            (twinlock_core::record::Generation(99), UnixTime(START)),
        )
    });
    let record = world.newest_record("ada");
    assert!(record.beside.pending.is_none() && record.state == State::Pending);
    // It asks for a ticket now, which a password does not replace.
    assert_eq!(world.login(&stack(), &["start", ""]), Verdict::Denied);
    assert_eq!(world.reasons().last(), Some(&"no_ticket"));
}

#[test]
fn a_ticket_begins_set_up_once() {
    let mut world = newcomer();
    world.policy.not_enrolled = NotEnrolled::Deny;
    world.policy.set_up.ticket = TicketNeed::Needed;
    let account = world.accounts.borrow().get("ada").cloned().unwrap();
    let stamp = (twinlock_core::record::Generation(5), UnixTime(START));
    let mut record = twinlock_core::enrolment::begun(&account, None, stamp);
    twinlock_core::enrolment::give_ticket(&mut record.beside, ticket(Purpose::SetUp));
    let text = form::write(&record).to_string();
    world.records.borrow_mut().insert("ada".into(), (1, text));
    let wrong = ["AAAA-AAAA-AAAA", "123456", "BBBBBBBBBBBB"];
    assert_eq!(world.login(&stack(), &wrong), Verdict::Denied);
    let tries = || world.names.borrow().keys().filter(|name| name.contains("/try.")).count();
    assert_eq!(tries(), 2, "what is no ticket is not counted");
    let right = ["fejt-qych-wgpv", "<first>", "<group>"];
    assert_eq!(world.login(&stack(), &right), Verdict::Granted, "{}", screen(&world));
    let record = world.newest_record("ada");
    assert!(record.beside.tickets.is_empty() && record.state == State::Active);
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
        world.enrol("ada", 1000);
        change(&world, |record| {
            let trace = Trace { by: "kim".into(), at: UnixTime(START) };
            let stamp = (twinlock_core::record::Generation(9), UnixTime(START));
            twinlock_core::enrolment::reset(record, trace, stamp)
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
        assert!(!screen(&world).contains("Google"), "{}", screen(&world));
        assert!(world.records.borrow().is_empty());
    }
}

/// A world in which ada has a set of codes of her own.
fn with_codes(count: u8) -> (World, Vec<String>) {
    let mut world = newcomer();
    world.policy.backup_codes = BackupCodes { count, warn_below: 3 };
    assert_eq!(world.login(&stack(), &["start", "<first>", "<group>"]), Verdict::Granted);
    let codes = reader::codes(&screen(&world));
    world.events.borrow_mut().clear();
    world.letters.borrow_mut().clear();
    (world, codes)
}

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
    // Somebody else renews the same code first.
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
    assert_eq!(letters(&world), [LetterKind::BackupCodeUsed, LetterKind::FewCodesLeft]);
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

/// A world in which kim has seen ada's key.
fn seen() -> World {
    let world = World::new();
    change(&world, |mut record| {
        let trace = Trace { by: "kim".into(), at: UnixTime(START - 100) };
        record.authenticators[0].seen = Some(Seen { trace, postponed: 0 });
        record
    });
    world
}

#[test]
fn a_key_that_somebody_has_seen_is_replaced_in_one_change() {
    let world = seen();
    let old = world.newest_record("ada").generation;
    let typed = [&world.code(0), "start", "<first>", "<next>"];
    assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
    assert!(screen(&world).contains("was seen by kim on 2027-01-15"), "{}", screen(&world));
    assert_eq!(kinds(&world), [Kind::KeyChanged, Kind::Accepted]);
    assert_eq!(letters(&world), [LetterKind::KeyChanged]);
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
fn owed_codes_are_shown_at_the_next_login_until_they_are_confirmed() {
    let world = World::new();
    change(&world, |record| {
        let trace = Trace { by: "kim".into(), at: UnixTime(START) };
        let stamp = (twinlock_core::record::Generation(8), UnixTime(START));
        twinlock_core::enrolment::owing_codes(record, trace, stamp)
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
fn a_ticket_fetches_new_codes_and_gets_in_once() {
    let world = World::new();
    change(&world, |record| {
        let trace = Trace { by: "kim".into(), at: UnixTime(START) };
        let stamp = (twinlock_core::record::Generation(8), UnixTime(START));
        let mut record = twinlock_core::enrolment::owing_codes(record, trace, stamp);
        twinlock_core::enrolment::give_ticket(&mut record.beside, ticket(Purpose::Codes));
        record
    });
    assert_eq!(world.login(&stack(), &["fejtqychwgpv", ""]), Verdict::Denied, "not confirmed");
    let follows = request("ada", Claim::Follows);
    assert_eq!(world.login(&follows, &["fejtqychwgpv", "", ""]), Verdict::Denied);
    assert_eq!(world.login(&stack(), &["fejtqychwgpv", "<group>"]), Verdict::Granted);
    assert_eq!(world.login(&stack(), &["fejtqychwgpv", "<group>", ""]), Verdict::Denied);
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
        ("3", &[]),
        ("", &[]),
    ] {
        let (kept, same, shown) = menu(choice, rest);
        assert!(kept && same, "{choice} {rest:?} {shown}");
    }
}

#[test]
fn a_bypass_works_so_often_and_behind_a_first_factor_alone() {
    let world = World::new();
    change(&world, |mut record| {
        let voucher = Voucher::of("123456789", UnixTime(START + 3600), [3; 16]).unwrap();
        let trace = Trace { by: "kim".into(), at: UnixTime(START) };
        let bypass = twinlock_core::beside::Bypass { voucher, uses: 2, trace };
        twinlock_core::enrolment::give_bypass(&mut record.beside, bypass);
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

#[test]
fn a_bypass_ends_with_its_time() {
    let world = World::new();
    change(&world, |mut record| {
        let voucher = Voucher::of("123456789", UnixTime(START + 10), [3; 16]).unwrap();
        let trace = Trace { by: "kim".into(), at: UnixTime(START) };
        record.beside.bypasses = vec![twinlock_core::beside::Bypass { voucher, uses: 2, trace }];
        record
    });
    world.unix.set(START + 10);
    assert_eq!(world.login(&stack(), &["123456789", ""]), Verdict::Denied);
}

/// A visit with a key that sshd has verified.
fn by_key(key: &str) -> Request {
    Request {
        public_key: PublicKey::Verified,
        keys: Some(key.into()),
        ..request("ada", Claim::Publickey)
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
    assert!(screen(&world).contains("from 203.0.113.7 with this ssh key for 1 h"));
    assert_eq!(world.login(&here, &[]), Verdict::Granted, "no code is asked for");
    assert_eq!(world.events.borrow().last().unwrap().accepted, Some(Accepted::Device));
    let elsewhere = Request {
        source: twinlock_core::request::Source::address([203, 0, 113, 8].into()),
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
    world.enrol("root", 0);
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
    assert_eq!(letters(&world), [LetterKind::Guessed]);
    let world = World::new();
    for _ in 0..3 {
        world.refuse(&request("ada", Claim::Follows), &[&wrong, &wrong, &wrong]);
    }
    assert!(world.letters.borrow().is_empty(), "strangers write no letters");
}
