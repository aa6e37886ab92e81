//! Tests dialogues that wait at a prompt while another process changes the record: they grant no access after that.
//! Also tests that a bypass code permits no change of the record.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use twinlock_core::{
    base::{
        account::Account,
        request::{Claim, PublicKey, Request},
        time::UnixTime,
    },
    event::verdict::Verdict,
    policy::{NotEnrolled, TicketNeed},
    ports::Records,
    record::{
        State, enrollment,
        extras::{AuditStamp, Bypass, Purpose},
        voucher::Voucher,
    },
};
use world::{
    Line, START, World,
    people::{change, newcomer, screen, stack, stamp, ticket, with_codes},
    reader, request,
};

fn audit() -> AuditStamp {
    AuditStamp { by: "kim".into(), at: UnixTime(START) }
}
fn ty(text: &str) -> Line {
    Line::Type(text.into())
}
fn push(world: &World, lines: Vec<Line>) {
    world.lines.borrow_mut().extend(lines);
}
fn by_key(key: &str) -> Request {
    Request {
        public_key: PublicKey::Verified,
        keys: Some(key.into()),
        ..request("ada", Claim::Publickey)
    }
}
/// Resets ada and enrolls her with another key, as an administrator may do during her login. She has not confirmed her
/// new backup codes yet.
fn reset_and_anew(world: &World) {
    change(world, |record| enrollment::reset(record, audit(), stamp(77, START + 1)));
    let account = Account { name: "ada".into(), uid: 1000, gid: 1000, full_name: String::new() };
    let before = world.newest(&account).unwrap();
    let key = twinlock_core::base::secret::Key::new(vec![42; 20]).unwrap();
    let mut app = world::apps::authenticator();
    app.key = key;
    let new = enrollment::enroll(&account, before.as_ref(), app, stamp(78, START + 2)).unwrap();
    change(world, |_| {
        let mut r = new.record;
        r.extras.owed_codes = Some(AuditStamp { by: "ada".into(), at: UnixTime(START + 2) });
        r
    });
}
#[test]
fn codes_shown_before_a_reset_open_nothing_after_it() {
    let (world, _) = with_codes(10);
    change(&world, |r| enrollment::owing_codes(r, audit(), stamp(50, START)));
    world.unix.set(world.unix.get() + 60);
    push(&world, vec![ty("<own>"), Line::Do(reset_and_anew, "<group>".into())]);
    let _ = world.login(&stack(), &[]);
    let stolen = reader::codes(&screen(&world));
    world.unix.set(world.unix.get() + 60);
    assert_eq!(
        world.login(&stack(), &[&stolen[0], ""]),
        Verdict::Denied,
        "a code from before the reset opens the new record"
    );
}

#[test]
fn codes_shown_before_they_are_renewed_are_dead() {
    let (world, _) = with_codes(10);
    change(&world, |r| enrollment::owing_codes(r, audit(), stamp(50, START)));
    world.unix.set(world.unix.get() + 60);
    fn renew(world: &World) {
        change(world, |r| enrollment::owing_codes(r, audit(), stamp(51, START + 9)));
    }
    push(&world, vec![ty("<own>"), Line::Do(renew, "<group>".into())]);
    let _ = world.login(&stack(), &[]);
    let stolen = reader::codes(&screen(&world));
    world.unix.set(world.unix.get() + 60);
    assert_eq!(world.login(&stack(), &[&stolen[0], ""]), Verdict::Denied);
}

#[test]
fn a_ticket_for_codes_dies_with_a_reset_under_the_dialogue() {
    let (world, _) = with_codes(10);
    change(&world, |r| {
        let mut r = enrollment::owing_codes(r, audit(), stamp(50, START));
        r.extras.tickets.push(ticket(Purpose::Codes));
        r
    });
    push(&world, vec![ty("FEJT-QYCH-WGPV"), Line::Do(reset_and_anew, "<group>".into())]);
    let verdict = world.login(&stack(), &[]);
    assert_ne!(
        verdict,
        Verdict::Granted,
        "ticket of before the reset lets in after it: {}",
        screen(&world)
    );
}

#[test]
fn a_ticket_that_was_taken_back_under_the_dialogue_is_dead() {
    let (world, _) = with_codes(10);
    change(&world, |r| {
        let mut r = enrollment::owing_codes(r, audit(), stamp(50, START));
        r.extras.tickets.push(ticket(Purpose::Codes));
        r
    });
    fn again(world: &World) {
        change(world, |r| {
            let mut r = enrollment::owing_codes(r, audit(), stamp(51, START + 9));
            r.extras.tickets.clear();
            r
        });
    }
    push(&world, vec![ty("FEJT-QYCH-WGPV"), Line::Do(again, "<group>".into())]);
    assert_ne!(world.login(&stack(), &[]), Verdict::Granted);
}

#[test]
fn a_device_is_not_remembered_across_a_reset() {
    let (mut world, codes) = with_codes(10);
    world.policy.remember_for = 86_400;
    push(
        &world,
        vec![ty("?"), ty("4"), ty(&codes[0]), Line::Do(reset_and_anew, "3".into()), ty("yes")],
    );
    let _ = world.login(&by_key("ssh-ed25519 AAAA x"), &[]);
    world.unix.set(world.unix.get() + 60);
    assert_ne!(
        world.login(&by_key("ssh-ed25519 AAAA x"), &[]),
        Verdict::Granted,
        "remembered after reset"
    );
}

#[test]
fn a_bypass_for_an_hour_does_not_become_a_remembered_device() {
    let (mut world, _) = with_codes(10);
    world.policy.remember_for = 30 * 86_400;
    give_bypass(&world);
    assert_eq!(world.login(&by_key("ssh-ed25519 AAAA x"), &["123456789", "yes"]), Verdict::Granted);
    world.unix.set(world.unix.get() + 20 * 86_400);
    world.boot.set(world.boot.get() + 20 * 86_400);
    assert_ne!(
        world.login(&by_key("ssh-ed25519 AAAA x"), &[]),
        Verdict::Granted,
        "bypass of an hour, twenty days later"
    );
}

fn give_bypass(world: &World) {
    change(world, |mut r| {
        let voucher = Voucher::of("123456789", UnixTime(START + 3600), [5; 16]).unwrap();
        r.extras.bypasses.push(Bypass { voucher, uses: 1, audit: audit() });
        r
    });
}

#[test]
fn a_bypass_does_not_fetch_owed_codes() {
    let (world, _) = with_codes(10);
    change(&world, |r| enrollment::owing_codes(r, audit(), stamp(50, START)));
    give_bypass(&world);
    assert_eq!(world.login(&stack(), &["123456789", "<group>"]), Verdict::Granted);
    let got = reader::codes(&screen(&world));
    assert!(got.is_empty(), "a bypass of one use shows {} codes for ever", got.len());
}

#[test]
fn a_bypass_and_one_code_do_not_change_the_key() {
    let (world, _) = with_codes(10);
    give_bypass(&world);
    let key = world.newest_record("ada").authenticators[0].key.copied();
    world.unix.set(world.unix.get() + 60);
    let _ = world.login(&stack(), &["?", "4", "123456789", "2", "<first>", "<own>"]);
    assert!(
        world.newest_record("ada").authenticators[0].key == key,
        "bypass and one code take the account over"
    );
}

#[test]
fn an_offer_of_set_up_from_before_does_not_outlive_a_reset() {
    let mut world = newcomer();
    world.policy.not_enrolled = NotEnrolled::Enroll;
    world.policy.set_up.ticket = TicketNeed::Free;
    fn enrolled_then_reset(world: &World) {
        world.enroll("ada", 1000);
        change(world, |r| {
            let mut r = enrollment::reset(r, audit(), stamp(77, START + 1));
            r.extras.tickets.push(ticket(Purpose::SetUp));
            r
        });
    }
    push(&world, vec![Line::Do(enrolled_then_reset, "start".into()), ty("<first>"), ty("<group>")]);
    let verdict = world.login(&stack(), &[]);
    let state = world.newest_record("ada").state;
    assert!(verdict != Verdict::Granted && state != State::Active, "{verdict:?} {state:?}");
}

#[test]
fn going_on_without_ends_with_enrollment() {
    let mut world = newcomer();
    world.policy.not_enrolled = NotEnrolled::Remind;
    fn enrolled(world: &World) {
        world.enroll("ada", 1000);
    }
    push(&world, vec![Line::Do(enrolled, "".into())]);
    assert_ne!(world.login(&stack(), &[]), Verdict::Exempt, "without a code past an active record");
}

#[test]
fn the_same_source_resumes_somebody_elses_key() {
    let (world, codes) = with_codes(10);
    // An attacker at the owner's source, with one stolen code, is shown a new key.
    let _ = world.login(&stack(), &["?", "4", &codes[0], "2"]);
    let stolen = screen(&world);
    world.unix.set(world.unix.get() + 120);
    let _ = world.login(&stack(), &["?", "4", "<own>", "2", "<first>", &codes[1]]);
    let key_line = |text: &str| {
        text.lines()
            .filter(|l| l.split(' ').filter(|w| w.len() == 4).count() >= 7)
            .map(str::to_owned)
            .next_back()
    };
    let stolen_key: String = key_line(&stolen).unwrap().split_whitespace().collect();
    let key =
        twinlock_core::base::base32::in_groups(&world.newest_record("ada").authenticators[0].key);
    let now: String = key.as_str().split_whitespace().collect();
    assert_ne!(stolen_key, now, "the key in force was shown to who had one code");
}

#[test]
fn a_login_under_way_ends_with_a_reset() {
    let (world, codes) = with_codes(10);
    fn reset(world: &World) {
        change(world, |r| enrollment::reset(r, audit(), stamp(77, START + 1)));
    }
    push(&world, vec![ty("?"), ty("4"), ty(&codes[0]), Line::Do(reset, "3".into())]);
    assert_ne!(world.login(&stack(), &[]), Verdict::Granted);
}

#[test]
fn one_code_of_before_and_one_of_after_a_reset_change_nothing() {
    let (world, codes) = with_codes(10);
    // The attacker has one old backup code and, later, one code of the new app.
    push(
        &world,
        vec![
            ty("?"),
            ty("4"),
            ty(&codes[0]),
            Line::Do(reset_and_anew, "1".into()),
            ty("<own>"),
            ty("<group>"),
        ],
    );
    // The reset happens at the prompt of the menu, after the login has read the newest record.
    let v = world.login(&stack(), &[]);
    let record = world.newest_record("ada");
    assert!(record.codes.is_none(), "{v:?}");
}

#[test]
fn an_expired_ticket_held_open_is_dead() {
    let (world, _) = with_codes(10);
    change(&world, |r| {
        let mut r = enrollment::owing_codes(r, audit(), stamp(50, START));
        r.extras.tickets.push(ticket(Purpose::Codes));
        r
    });
    fn wait(world: &World) {
        world.unix.set(START + 40 * 86_400);
        world.boot.set(world.boot.get() + 40 * 86_400);
    }
    push(&world, vec![ty("FEJT-QYCH-WGPV"), Line::Do(wait, "<group>".into())]);
    assert_ne!(world.login(&stack(), &[]), Verdict::Granted);
}

#[test]
fn every_fault_in_a_bypass_login_lets_in_at_most_once() {
    for at in 0..120 {
        let (world, _) = with_codes(10);
        give_bypass(&world);
        let mut faults: std::collections::VecDeque<bool> = (0..at).map(|_| false).collect();
        faults.push_back(true);
        *world.faults.borrow_mut() = faults;
        let first = world.login(&stack(), &["123456789"]);
        world.faults.borrow_mut().clear();
        let second = world.login(&stack(), &["123456789", ""]);
        assert!(first != Verdict::Granted || second != Verdict::Granted, "{at}");
    }
}

#[test]
fn every_fault_in_a_last_code_lets_in_at_most_once() {
    for at in 0..160 {
        let (world, codes) = with_codes(1);
        let mut faults: std::collections::VecDeque<bool> = (0..at).map(|_| false).collect();
        faults.push_back(true);
        *world.faults.borrow_mut() = faults;
        let first = world.login(&stack(), &[&codes[0], "<group>"]);
        world.faults.borrow_mut().clear();
        let second = world.login(&stack(), &[&codes[0], "<group>"]);
        assert!(first != Verdict::Granted || second != Verdict::Granted, "{at}");
    }
}

fn bucket(name: &str) -> u8 {
    name.bytes().fold(0u8, |sum, byte| sum.rotate_left(3) ^ byte)
}
fn sibling(of: &str, letter: char) -> String {
    (0..).map(|n| format!("{letter}{n}")).find(|name| bucket(name) == bucket(of)).unwrap()
}

#[test]
fn a_throttled_bucket_does_not_tell_who_exists() {
    for (field, typed) in [
        (twinlock_core::policy::Field::Code, "FEJT-QYCH-WGPV-SARM-XOKB"),
        (twinlock_core::policy::Field::Code, "12345678"),
    ] {
        let mut work = vec![];
        for target in ["ada".to_owned(), sibling("ada", 'q')] {
            let (mut world, _) = with_codes(10);
            world.policy.field = field;
            let exhausted = sibling("ada", 'z');
            for _ in 0..6 {
                let _ = world.login(&request(&exhausted, Claim::Follows), &["000000"]);
            }
            world.hashed.borrow_mut().clear();
            world.policy.tries = 1;
            let verdict = world.login(&request(&target, Claim::Follows), &[typed]);
            work.push((verdict, world.hashed.borrow().len()));
        }
        assert_eq!(
            work[0], work[1],
            "a known user costs an Argon2 evaluation, an unknown one none"
        );
    }
}
