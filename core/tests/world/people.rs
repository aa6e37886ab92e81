//! The users of a `World`: users who are not enrolled, a user with backup codes, and what the screen shows them.

use twinlock_core::{
    base::{
        request::{Claim, Request},
        time::UnixTime,
    },
    event::{Kind, verdict::Verdict},
    notify::notification::NotificationKind,
    policy::{BackupCodes, NotEnrolled, TicketNeed},
    record::{
        Generation, Record,
        enrollment::ChangeStamp,
        extras::{AuditStamp, Purpose, Ticket},
        text as form,
        voucher::Voucher,
    },
};

use super::{START, World, reader, request};

pub fn stack() -> Request {
    request("ada", Claim::Stack)
}

/// Returns a `World` in which ada is not enrolled, and is set up at her first login after the first factor.
pub fn newcomer() -> World {
    let mut world = World::new();
    world.records.borrow_mut().clear();
    world.policy.not_enrolled = NotEnrolled::Enroll;
    world.policy.set_up.ticket = TicketNeed::Free;
    world
}

pub fn change(world: &World, change: impl FnOnce(Record) -> Record) {
    let record = change(world.newest_record("ada"));
    let mut records = world.records.borrow_mut();
    let sequence = records.get("ada").map_or(0, |found| found.0);
    records.insert("ada".into(), (sequence + 1, form::write(&record).to_string()));
}

pub fn stamp(generation: u64, at: u64) -> ChangeStamp {
    ChangeStamp { generation: Generation(generation), at: UnixTime(at) }
}

pub fn ticket(purpose: Purpose) -> Ticket {
    let voucher = Voucher::of("FEJTQYCHWGPV", UnixTime(START + 86_400), [3; 16]).unwrap();
    Ticket { purpose, voucher, audit: AuditStamp { by: "kim".into(), at: UnixTime(START) } }
}

pub fn kinds(world: &World) -> Vec<Kind> {
    world.events.borrow().iter().map(|event| event.kind).collect()
}

pub fn letters(world: &World) -> Vec<NotificationKind> {
    world.letters.borrow().iter().map(|letter| letter.kind).collect()
}

pub fn screen(world: &World) -> String {
    world.said.borrow().join("\n")
}

/// Returns a `World` in which ada has a set of `count` backup codes, and these codes.
pub fn with_codes(count: u8) -> (World, Vec<String>) {
    let mut world = newcomer();
    world.policy.backup_codes = BackupCodes { count, warn_below: 3, ..BackupCodes::default() };
    assert_eq!(world.login(&stack(), &["start", "<first>", "<group>"]), Verdict::Granted);
    let codes = reader::codes(&screen(&world));
    world.events.borrow_mut().clear();
    world.letters.borrow_mut().clear();
    (world, codes)
}
