//! Renewal of expired set-up tickets by mail: decides when a renewal is due, and builds the records for it.

use crate::{
    base::time::{DAY, Now, UnixTime},
    record::{
        Generation, Record, State,
        extras::{AuditStamp, Purpose, Ticket},
        voucher::Voucher,
    },
};

/// Returns whether a new set-up ticket is due: the user waits for set-up and was not reset, the record has a set-up
/// ticket, all its set-up tickets have expired, and none was issued within the past day.
#[must_use]
pub fn is_due(record: &Record, now: Now) -> bool {
    let over =
        |ticket: &Ticket| ticket.voucher.is_over(now) && is_a_day_away(ticket.audit.at, now.unix);
    // A login with a reminder never grants access to a user who was reset. An administrator has to issue a ticket.
    record.state == State::Pending
        && record.extras.reset.is_none()
        && newest(record).is_some()
        && set_up_tickets(record).all(over)
}

/// Replaces the expired set-up tickets of a record by a reserved ticket, which will be mailed and has the salt and hash
/// of `drawn`. Returns the new record and the reserved ticket; `None` if no renewal is due.
///
/// The reserved ticket is not valid yet. It keeps the expiry and issue date of the newest expired ticket, so that an
/// interrupted renewal is due again.
#[must_use]
pub fn reserved(
    mut record: Record,
    drawn: &Voucher,
    generation: Generation,
    now: Now,
) -> Option<(Record, Ticket)> {
    if !is_due(&record, now) {
        return None;
    }
    let old = newest(&record)?.clone();
    let voucher = Voucher { salt: drawn.salt, hash: drawn.hash, ..old.voucher };
    let ticket = Ticket { voucher, ..old };
    record.extras.tickets.retain(|other| other.purpose != Purpose::SetUp);
    record.extras.tickets.push(ticket.clone());
    record.generation = generation;
    Some((record, ticket))
}

/// Returns the valid ticket that replaces a reserved one. It is issued now and expires when the wall clock or the boot
/// clock has advanced by `life` seconds, whichever is first.
#[must_use]
pub fn in_force(reserved: &Ticket, life: u64, now: Now, boot_id: &str) -> Ticket {
    let voucher = Voucher { until: now.unix.plus(life), ..reserved.voucher.clone() };
    let audit = AuditStamp { at: now.unix, ..reserved.audit.clone() };
    Ticket { purpose: reserved.purpose, voucher: voucher.counted_from(now, boot_id), audit }
}

/// Returns the record with the reserved ticket replaced by the valid one; `None` if the record no longer has the
/// reserved ticket.
#[must_use]
pub fn renewed(
    mut record: Record,
    reserved: &Ticket,
    working: &Ticket,
    generation: Generation,
) -> Option<Record> {
    let mut tickets = record.extras.tickets.iter_mut();
    *tickets.find(|ticket| *ticket == reserved)? = working.clone();
    // A set-up that was begun without this ticket must not continue with its key.
    record.extras.pending = None;
    record.generation = generation;
    Some(record)
}

fn set_up_tickets(record: &Record) -> impl Iterator<Item = &Ticket> {
    record.extras.tickets.iter().filter(|ticket| ticket.purpose == Purpose::SetUp)
}

fn newest(record: &Record) -> Option<&Ticket> {
    set_up_tickets(record).max_by_key(|ticket| ticket.audit.at)
}

/// Returns whether a time is at least a day away from now, in the past or in the future. A time far in the future was
/// written by a wrong clock.
fn is_a_day_away(at: UnixTime, now: UnixTime) -> bool {
    now.since(at) >= DAY || at.since(now) > DAY
}
