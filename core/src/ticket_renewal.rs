//! Renews set-up tickets: decides when an expired ticket is replaced by mail, and returns the records of the replacement.

use crate::{
    beside::{Purpose, Ticket, Trace},
    record::{Generation, Record, State},
    time::{DAY, Now, UnixTime},
    voucher::Voucher,
};

/// Returns whether a user who was invited is owed a fresh set-up ticket: there is a ticket, none of them works any more,
/// and none was given out within a day.
#[must_use]
pub fn is_due(record: &Record, now: Now) -> bool {
    let over =
        |ticket: &Ticket| ticket.voucher.is_over(now) && is_a_day_away(ticket.trace.at, now.unix);
    // A user who was reset is let through by no reminder, and an administrator has to look first.
    record.state == State::Pending
        && record.beside.reset.is_none()
        && newest(record).is_some()
        && set_up_tickets(record).all(over)
}

/// Puts new letters in the place of the expired tickets, which open nothing yet: their end and their day stay those of
/// the newest expired ticket, so that a renewal that is cut off is begun again. Returns that ticket, too.
///
/// Returns nothing where no renewal is due.
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
    record.beside.tickets.retain(|other| other.purpose != Purpose::SetUp);
    record.beside.tickets.push(ticket.clone());
    record.generation = generation;
    Some((record, ticket))
}

/// Returns the reserved ticket as it works for so many seconds from now, by either clock; the day begins now.
#[must_use]
pub fn in_force(reserved: &Ticket, life: u64, now: Now, boot_id: &str) -> Ticket {
    let voucher = Voucher { until: now.unix.plus(life), ..reserved.voucher.clone() };
    let trace = Trace { at: now.unix, ..reserved.trace.clone() };
    Ticket { purpose: reserved.purpose, voucher: voucher.counted_from(now, boot_id), trace }
}

/// Puts the working ticket in the place of the reserved one. Returns nothing where the record has that one no more.
#[must_use]
pub fn renewed(
    mut record: Record,
    reserved: &Ticket,
    working: &Ticket,
    generation: Generation,
) -> Option<Record> {
    let mut tickets = record.beside.tickets.iter_mut();
    *tickets.find(|ticket| *ticket == reserved)? = working.clone();
    // A key that was shown without this ticket is not gone on with.
    record.beside.pending = None;
    record.generation = generation;
    Some(record)
}

fn set_up_tickets(record: &Record) -> impl Iterator<Item = &Ticket> {
    record.beside.tickets.iter().filter(|ticket| ticket.purpose == Purpose::SetUp)
}

fn newest(record: &Record) -> Option<&Ticket> {
    set_up_tickets(record).max_by_key(|ticket| ticket.trace.at)
}

/// An instant more than a day ahead was written by a wrong clock, and holds nothing up.
fn is_a_day_away(at: UnixTime, now: UnixTime) -> bool {
    now.since(at) >= DAY || at.since(now) > DAY
}
