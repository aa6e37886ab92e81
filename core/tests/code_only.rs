//! Tests logins through programs that can ask only for a code, and through programs that do not run as root.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use twinlock_core::{
    base::{
        error::{FileError, StoreError},
        request::{Claim, Source},
        time::UnixTime,
    },
    event::{Kind, verdict::Verdict},
    policy::{Action, NotEnrolled, Questions, Rule},
    record::extras::{AuditStamp, KeyDisclosure, Purpose},
};
use world::{
    START, World,
    people::{change, kinds, newcomer, screen, stack, ticket, with_codes},
    request,
};

const RESTRICTED: [Questions; 2] = [Questions::CodeOnly, Questions::Elsewhere];

/// Returns a `World` in which an administrator, kim, has seen ada's key.
fn seen(questions: Questions) -> World {
    let mut world = World::new();
    world.policy.questions = questions;
    change(&world, |mut record| {
        let audit = AuditStamp { by: "kim".into(), at: UnixTime(START - 100) };
        record.authenticators[0].seen = Some(KeyDisclosure { audit, postponed: 0 });
        record
    });
    world
}

fn postponed(world: &World) -> u8 {
    world.newest_record("ada").authenticators[0].seen.as_ref().unwrap().postponed
}

/// Logs in with a conversation that answers one question and fails at every later question.
fn one_answer(world: &World) -> Verdict {
    world.pass(60);
    world.login(&stack(), &[&world.code(0)])
}

#[test]
fn undelivered_question_puts_the_change_off() {
    let world = seen(Questions::All);
    for count in 1..=3 {
        assert_eq!(one_answer(&world), Verdict::Granted, "{count}: {}", screen(&world));
        assert_eq!(postponed(&world), count);
    }
    assert_eq!(one_answer(&world), Verdict::Denied);
    assert_eq!(world.reasons().last(), Some(&"key_not_changed"));
    assert_eq!(postponed(&world), 3);
}

#[test]
fn line_cut_inside_the_change_is_not_put_off() {
    let world = seen(Questions::All);
    assert_eq!(world.login(&stack(), &[&world.code(0), "start"]), Verdict::NoConversation);
    assert_eq!(postponed(&world), 0);
}

#[test]
fn answer_repeated_to_every_question_puts_the_change_off() {
    let world = seen(Questions::All);
    let code = world.code(0);
    assert_eq!(world.login(&stack(), &[code.as_str(); 9]), Verdict::Granted, "{}", screen(&world));
    assert_eq!(postponed(&world), 1);
}

#[test]
fn full_disk_grants_nothing_that_is_not_counted() {
    for questions in [Questions::All, Questions::CodeOnly] {
        let world = seen(questions);
        world.disk_fault.set(Some(StoreError::File(FileError::Io { errno: 28 })));
        assert_ne!(one_answer(&world), Verdict::Granted, "{questions:?}");
        assert_eq!(postponed(&world), 0);
    }
}

#[test]
fn code_only_counts_and_asks_nothing() {
    let world = seen(Questions::CodeOnly);
    for count in 1..=3 {
        assert_eq!(one_answer(&world), Verdict::Granted, "{count}");
        assert_eq!((postponed(&world), world.typed.borrow().len()), (count, 1));
        assert!(screen(&world).contains("was seen by kim"), "{}", screen(&world));
    }
    assert_eq!(one_answer(&world), Verdict::Denied);
    assert_eq!(world.reasons().last(), Some(&"key_not_changed"));
    assert!(screen(&world).contains("log in by ssh"), "{}", screen(&world));
}

#[test]
fn local_program_tells_of_the_key_and_counts_nothing() {
    let world = seen(Questions::Elsewhere);
    for _ in 0..9 {
        assert_eq!(one_answer(&world), Verdict::Granted);
        assert!(screen(&world).contains("was seen by kim"), "{}", screen(&world));
    }
    assert_eq!(postponed(&world), 0);
}

#[test]
fn owed_codes_wait() {
    for questions in [Questions::All, Questions::CodeOnly, Questions::Elsewhere] {
        let mut world = World::new();
        world.policy.questions = questions;
        change(&world, |mut record| {
            record.extras.owed_codes =
                Some(AuditStamp { by: "kim".into(), at: UnixTime(START - 5) });
            record
        });
        for _ in 0..5 {
            assert_eq!(one_answer(&world), Verdict::Granted, "{questions:?}: {}", screen(&world));
        }
        let record = world.newest_record("ada");
        assert!(record.extras.owed_codes.is_some() && record.codes.is_none(), "{questions:?}");
    }
}

#[test]
fn set_up_waits_for_another_login() {
    for questions in RESTRICTED {
        let mut world = newcomer();
        world.policy.questions = questions;
        assert_eq!(world.login(&stack(), &["start", "<first>"]), Verdict::Denied);
        assert_eq!(world.reasons(), ["not_set_up"], "{questions:?}");
        assert!(screen(&world).contains("log in by ssh"), "{}", screen(&world));
        assert!(world.records.borrow().is_empty() && world.typed.borrow().is_empty());
        world.policy.not_enrolled = NotEnrolled::Remind;
        assert_eq!(world.login(&stack(), &[]), Verdict::Exempt, "{questions:?}");
    }
}

#[test]
fn last_backup_code_lets_in_and_owes_new_ones() {
    for questions in RESTRICTED {
        let (mut world, codes) = with_codes(1);
        world.policy.questions = questions;
        let old = world.newest_record("ada").codes;
        assert_eq!(world.login(&stack(), &[&codes[0]]), Verdict::Granted, "{}", screen(&world));
        assert_eq!(world.typed.borrow().len(), 1, "{questions:?}");
        let record = world.newest_record("ada");
        assert!(old.is_some() && record.codes.is_none() && record.extras.owed_codes.is_some());
        assert_ne!(world.login(&stack(), &[&codes[0]]), Verdict::Granted, "{questions:?}");
    }
}

#[test]
fn menu_offers_no_change() {
    for questions in RESTRICTED {
        let (mut world, codes) = with_codes(3);
        world.policy.questions = questions;
        let typed = ["?", "4", "2", &codes[0]];
        assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
        assert!(screen(&world).contains("Choose 1-3: "), "{}", screen(&world));
        assert!(!screen(&world).contains("change something"), "{}", screen(&world));
    }
}

#[test]
fn ticket_is_kept_for_another_login() {
    for questions in RESTRICTED {
        let mut world = World::new();
        world.policy.questions = questions;
        change(&world, |mut record| {
            record.extras.tickets.push(ticket(Purpose::Codes));
            record
        });
        assert_eq!(world.login(&stack(), &["FEJT-QYCH-WGPV"]), Verdict::Denied, "{questions:?}");
        assert!(screen(&world).contains("log in by ssh"), "{}", screen(&world));
        assert_eq!(world.newest_record("ada").extras.tickets.len(), 1);
    }
}

#[test]
fn local_source_restricts_and_no_argument_widens() {
    let mut policy = World::new().policy;
    policy.restrict_to(&Source::Tty("tty1".into()));
    policy.restrict_to(&Source::address([192, 0, 2, 1].into()));
    assert_eq!(policy.questions(), Questions::All);
    policy.restrict_to(&Source::Uid(1000));
    assert_eq!(policy.questions(), Questions::Elsewhere);
    policy.questions = Questions::CodeOnly;
    policy.restrict_to(&Source::Uid(1000));
    assert_eq!(policy.questions(), Questions::CodeOnly, "the one that counts");
}

#[test]
fn caller_that_is_not_root_is_named() {
    for claim in [Claim::Stack, Claim::Follows] {
        let world = World::new();
        world.store_fault.set(Some(StoreError::File(FileError::Io { errno: 13 })));
        assert_ne!(world.login(&request("ada", claim), &["000000"; 9]), Verdict::Granted);
        assert_eq!(world.reasons()[0], "record_io", "{claim:?}: root's disk is broken");
        world.events.borrow_mut().clear();
        world.caller.set(998);
        assert_ne!(world.login(&request("ada", claim), &["000000"; 9]), Verdict::Granted);
        let events = world.events.borrow();
        let line = twinlock_core::event::log_line::write(events.last().unwrap());
        assert!(line.contains(" reason=caller_not_root uid=998 detail=\"only root"), "{line}");
        let told = screen(&world).contains("does not run as root");
        assert_eq!(told, claim == Claim::Stack, "strangers are told nothing: {}", screen(&world));
    }
}

#[test]
fn exempt_service_needs_no_root() {
    let mut world = World::new();
    world.store_fault.set(Some(StoreError::File(FileError::Io { errno: 13 })));
    world.caller.set(998);
    let service = Some("sshd".into());
    let action = Action::Exempt;
    world.policy.rules =
        vec![Rule { user: None, group: None, service, network: None, action, until: None }];
    assert_eq!(world.login(&stack(), &[]), Verdict::Exempt);
    assert_eq!(kinds(&world), [Kind::Exempt]);
}

#[test]
fn program_without_a_terminal_shows_the_key_as_text() {
    for terminal in [true, false] {
        let world = newcomer();
        world.terminal.set(terminal);
        let typed = ["start", "a", "<first>", "<group>"];
        assert_eq!(world.login(&stack(), &typed), Verdict::Granted, "{}", screen(&world));
        let drawn = screen(&world).contains('\u{2588}') || screen(&world).contains("##");
        assert_eq!(drawn, terminal, "{}", screen(&world));
        assert_eq!(screen(&world).contains("scan"), terminal);
    }
}
