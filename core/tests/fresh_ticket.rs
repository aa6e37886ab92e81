//! Tests that a user whose set-up ticket has expired is mailed a new one at a login, at most once a day. A rule grants
//! such logins, with a reminder to set up.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use twinlock_core::{
    base::{
        request::Claim,
        time::{BootTime, DAY, HOUR, Now, UnixTime},
    },
    event::verdict::Verdict,
    notify::notification::NotificationKind,
    policy::{Action, NotEnrolled, Rule, TicketNeed},
    record::{
        Generation, Record, State, enrollment,
        extras::{AuditStamp, Purpose, Ticket},
        text as form, ticket_renewal,
        voucher::Voucher,
    },
};
use world::{START, World, request};

use world::people::{change, letters, newcomer, screen, stack, stamp, ticket};

/// Returns a ticket that was issued `seconds` seconds after [`START`] and is valid for an hour.
fn given_at(seconds: u64) -> Ticket {
    let at = UnixTime(START + seconds);
    let voucher = Voucher { until: at.plus(HOUR), ..ticket(Purpose::SetUp).voucher };
    Ticket { voucher, audit: AuditStamp { by: "kim".into(), at }, ..ticket(Purpose::SetUp) }
}

fn rule(until: Option<UnixTime>) -> Rule {
    Rule {
        user: Some("ada".into()),
        group: None,
        service: None,
        network: None,
        action: Action::Remind,
        until,
    }
}

/// Returns a `World` in which ada is invited and has these tickets. Until 30 days after [`START`], a rule grants her
/// logins with a reminder to set up.
fn invited(tickets: Vec<Ticket>) -> World {
    let mut world = newcomer();
    world.policy.not_enrolled = NotEnrolled::Deny;
    world.policy.set_up.ticket = TicketNeed::Needed;
    world.policy.mail.domain = Some("example.org".into());
    world.policy.rules = vec![rule(Some(UnixTime(START + 30 * DAY)))];
    let account = world.accounts.borrow().get("ada").cloned().unwrap();
    let mut record = enrollment::begun(&account, None, stamp(5, START));
    record.extras.tickets = tickets;
    world.records.borrow_mut().insert("ada".into(), (1, form::write(&record).to_string()));
    world
}

fn at(world: &World, seconds: u64) {
    world.unix.set(START + seconds);
    world.boot.set(BOOTED + seconds);
}

fn now(seconds: u64) -> Now {
    let boot = BootTime((BOOTED + seconds) * 1_000_000_000);
    Now { unix: UnixTime(START + seconds), boot }
}

/// Value of the boot clock at [`START`], in seconds.
const BOOTED: u64 = 1_000_000;
const BOOT_ID: &str = "00000000000000000000000000000001";
const ASKED: [NotificationKind; 1] = [NotificationKind::TicketExpired];

#[test]
fn expired_ticket_is_renewed_once_a_day() {
    let world = invited(vec![given_at(0)]);
    for (seconds, due) in [(HOUR, false), (DAY - 1, false), (DAY, true), (DAY + 60, true)] {
        at(&world, seconds);
        assert_eq!(world.login(&stack(), &[""]), Verdict::Exempt, "{}", screen(&world));
        assert_eq!(screen(&world).contains("A new one is on its way"), due, "{seconds}");
        assert_eq!(letters(&world), if due { &ASKED[..] } else { &[] }, "two logins, one letter");
    }
    assert_eq!(world.letters.borrow()[0].user, "ada");
    assert!(world.letters.borrow()[0].to.is_none(), "it goes to the address on record");
    // After `twinlock deliver` has renewed the ticket, another day must pass.
    world.letters.borrow_mut().clear();
    change(&world, |record| renewed(record, DAY + 60));
    for (seconds, due) in [(DAY + 61, false), (2 * DAY, false), (2 * DAY + 60, true)] {
        at(&world, seconds);
        assert_eq!(world.login(&stack(), &[""]), Verdict::Exempt, "{}", screen(&world));
        assert_eq!(letters(&world), if due { &ASKED[..] } else { &[] }, "{seconds}");
    }
}

/// Changes the record as `twinlock deliver` does when it mails a new ticket, `seconds` seconds after [`START`]. Checks
/// the record after each step, and returns the last one.
fn renewed(record: Record, seconds: u64) -> Record {
    let drawn = Voucher::of("AAAABBBBCCCC", UnixTime(0), [7; 16]).unwrap();
    let (record, reserved) =
        ticket_renewal::reserved(record, &drawn, Generation(6), now(seconds)).unwrap();
    assert!(ticket_renewal::is_due(&record, now(seconds)), "nothing is mailed yet");
    assert_eq!(record.extras.tickets, std::slice::from_ref(&reserved));
    assert!(reserved.voucher.is_over(now(seconds)), "it opens nothing yet");
    let working = ticket_renewal::in_force(&reserved, HOUR, now(seconds), BOOT_ID);
    let record = ticket_renewal::renewed(record, &reserved, &working, Generation(7)).unwrap();
    assert!(!ticket_renewal::is_due(&record, now(seconds)));
    assert_eq!((working.audit.by.as_str(), working.audit.at), ("kim", UnixTime(START + seconds)));
    record
}

#[test]
fn renewed_ticket_begins_set_up() {
    let world = invited(vec![given_at(0), given_at(60)]);
    at(&world, 2 * DAY);
    change(&world, |record| renewed(record, 2 * DAY));
    assert_eq!(world.login(&stack(), &["FEJT-QYCH-WGPV", ""]), Verdict::Exempt);
    let right = ["AAAA-BBBB-CCCC", "<first>", "<group>"];
    assert_eq!(world.login(&stack(), &right), Verdict::Granted, "{}", screen(&world));
    assert_eq!(world.newest_record("ada").state, State::Active);
    assert!(!letters(&world).contains(&NotificationKind::TicketExpired));
}

#[test]
fn working_or_absent_ticket_is_not_renewed() {
    let codes = Ticket { purpose: Purpose::Codes, ..given_at(0) };
    for tickets in [vec![], vec![codes], vec![given_at(0), given_at(2 * DAY - 60)]] {
        let world = invited(tickets);
        at(&world, 2 * DAY);
        assert_eq!(world.login(&stack(), &[""]), Verdict::Exempt);
        assert_eq!(letters(&world), []);
        assert!(!screen(&world).contains("on its way"), "{}", screen(&world));
    }
    let world = invited(vec![]);
    world.records.borrow_mut().clear();
    assert_eq!(world.login(&stack(), &[""]), Verdict::Exempt);
    assert_eq!(letters(&world), []);
}

#[test]
fn unproven_login_renews_nothing() {
    for claim in [Claim::Follows, Claim::Failed, Claim::Publickey] {
        let world = invited(vec![given_at(0)]);
        at(&world, 2 * DAY);
        let _ = world.login(&request("ada", claim), &["", ""]);
        assert_eq!(letters(&world), [], "{claim:?}");
        assert!(!screen(&world).contains("on its way"), "{}", screen(&world));
    }
}

#[test]
fn only_a_running_reminder_renews() {
    let ended = |world: &mut World| {
        world.policy.rules = vec![rule(Some(UnixTime(START + 2 * DAY)))];
    };
    let no_rule = |world: &mut World| world.policy.rules = vec![];
    let no_ticket_needed = |world: &mut World| world.policy.set_up.ticket = TicketNeed::Free;
    let no_address = |world: &mut World| world.policy.mail.domain = None;
    let forced = |world: &mut World| {
        world.policy.rules = vec![];
        world.policy.not_enrolled = NotEnrolled::Enroll;
    };
    let was_reset = |world: &mut World| {
        change(world, |mut record| {
            record.extras.reset = Some(AuditStamp { by: "kim".into(), at: UnixTime(START) });
            record
        });
    };
    let cases: [&dyn Fn(&mut World); 6] =
        [&ended, &no_rule, &no_ticket_needed, &no_address, &forced, &was_reset];
    for (number, case) in cases.into_iter().enumerate() {
        let mut world = invited(vec![given_at(0)]);
        case(&mut world);
        at(&world, 2 * DAY);
        let _ = world.login(&stack(), &["", ""]);
        assert_eq!(letters(&world), [], "{number}");
        assert!(!screen(&world).contains("on its way"), "{number}: {}", screen(&world));
    }
}

#[test]
fn day_is_counted_whatever_the_clock_did() {
    let record = |at| {
        let world = invited(vec![given_at(at)]);
        world.newest_record("ada")
    };
    // The ticket was issued while the clock was a year ahead, and expires by the boot clock.
    let mut ahead = record(365 * DAY);
    let given = Now { boot: now(0).boot, ..now(365 * DAY) };
    ahead.extras.tickets[0].voucher = given_at(365 * DAY).voucher.counted_from(given, BOOT_ID);
    let after = |seconds| Now { boot: now(seconds).boot, ..now(DAY) };
    assert!(!ticket_renewal::is_due(&ahead, after(HOUR - 1)), "it works");
    assert!(ticket_renewal::is_due(&ahead, after(HOUR)), "it holds nobody up for a year");
    // Setting the clock back by less than a day does not make another ticket due.
    let mut near = record(DAY + HOUR);
    near.extras.tickets[0].voucher.until = UnixTime(START);
    assert!(!ticket_renewal::is_due(&near, now(DAY)));
}

#[test]
fn renewal_gives_way_to_whoever_was_faster() {
    let world = invited(vec![given_at(0)]);
    let drawn = Voucher::of("AAAABBBBCCCC", UnixTime(0), [7; 16]).unwrap();
    let reserve = |seconds| {
        let found = world.newest_record("ada");
        ticket_renewal::reserved(found, &drawn, Generation(6), now(seconds))
    };
    assert!(reserve(DAY - 1).is_none());
    let (_, reserved) = reserve(DAY).unwrap();
    let working = ticket_renewal::in_force(&reserved, HOUR, now(DAY), BOOT_ID);
    // Another ticket was issued in the meantime.
    let found = world.newest_record("ada");
    assert!(ticket_renewal::renewed(found, &reserved, &working, Generation(7)).is_none());
    let mut enrolled = world.newest_record("ada");
    enrolled.state = State::Active;
    assert!(!ticket_renewal::is_due(&enrolled, now(DAY)));
}

#[test]
fn expired_ticket_is_told_in_swedish() {
    let mut world = invited(vec![given_at(0)]);
    world.policy.language = twinlock_core::policy::Language::Swedish;
    at(&world, DAY);
    assert_eq!(world.login(&stack(), &[""]), Verdict::Exempt);
    assert!(screen(&world).contains("Din biljett har gått ut. En ny är på väg"));
}
