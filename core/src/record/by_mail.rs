//! Changes the record of a user for a ticket or bypass code that a member of a role has requested. `twinlock deliver`
//! generates the ticket or code, changes the record, and then sends the mail, which alone contains the ticket or code.

use crate::{
    base::time::Now,
    record::{
        Generation, Record, State, enrollment,
        extras::{Bypass, Purpose, Ticket},
    },
};

/// Returns the record with a set-up ticket for a user who was reset. `ticket` names the acting user and the time of the
/// reset. A ticket for the same reset, whose mail may not have been sent, is replaced.
///
/// Returns `None` if no ticket is needed: the user was reset again or has set up an authenticator, or another valid
/// ticket was issued since.
#[must_use]
pub fn with_ticket(
    mut record: Record,
    ticket: Ticket,
    generation: Generation,
    now: Now,
) -> Option<Record> {
    let is_reset = record.extras.reset.as_ref() == Some(&ticket.audit);
    let is_of_another = |other: &Ticket| {
        other.purpose == Purpose::SetUp
            && other.audit != ticket.audit
            && !other.voucher.is_over(now)
    };
    if record.state != State::Pending
        || !is_reset
        || record.extras.tickets.iter().any(is_of_another)
    {
        return None;
    }
    record.extras.tickets.retain(|other| other.purpose != Purpose::SetUp);
    enrollment::give_ticket(&mut record.extras, ticket);
    record.generation = generation;
    Some(record)
}

/// Returns the record with a bypass code. A bypass code that the same user issued at the same time is replaced, because
/// its mail may not have been sent.
///
/// Returns `None` if no bypass code may be issued: the code has expired already, the user is not enrolled, or the user
/// was enrolled only after the request.
#[must_use]
pub fn with_bypass(mut record: Record, bypass: Bypass, now: Now) -> Option<Record> {
    let is_of_now = record.state == State::Active && record.since <= bypass.audit.at;
    if !is_of_now || bypass.voucher.is_over(now) {
        return None;
    }
    record.extras.bypasses.retain(|other| other.audit != bypass.audit);
    enrollment::give_bypass(&mut record.extras, bypass);
    Some(record)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        base::time::{BootTime, UnixTime},
        record::{
            extras::{AuditStamp, RecordExtras},
            voucher::Voucher,
        },
    };

    const NOW: Now = Now { unix: UnixTime(1010), boot: BootTime(0) };

    fn stamp(by: &str, at: u64) -> AuditStamp {
        AuditStamp { by: by.into(), at: UnixTime(at) }
    }

    fn voucher(byte: u8, until: u64) -> Voucher {
        Voucher { salt: [byte; 16], hash: [byte; 32], until: UnixTime(until), by_boot: None }
    }

    fn ticket(byte: u8, audit: AuditStamp) -> Ticket {
        Ticket { purpose: Purpose::SetUp, voucher: voucher(byte, 2000), audit }
    }

    fn record(state: State, reset: Option<AuditStamp>) -> Record {
        Record {
            user: "ada".into(),
            uid: 1000,
            state,
            generation: Generation(1),
            since: UnixTime(1000),
            authenticators: vec![],
            codes: None,
            extras: RecordExtras { reset, ..RecordExtras::default() },
        }
    }

    #[test]
    fn a_ticket_is_of_the_last_reset_alone() {
        let kim = || stamp("kim", 1000);
        let given =
            |record: Record, byte| with_ticket(record, ticket(byte, kim()), Generation(2), NOW);
        let once = given(record(State::Pending, Some(kim())), 1).unwrap();
        assert_eq!((once.extras.tickets.len(), once.generation), (1, Generation(2)));
        let twice = given(once, 2).unwrap();
        assert_eq!(twice.extras.tickets, [ticket(2, kim())]);
        for (state, reset) in [
            (State::Active, None),
            (State::Active, Some(kim())),
            (State::Removed, Some(kim())),
            (State::Pending, None),
            (State::Pending, Some(stamp("lee", 1000))),
            (State::Pending, Some(stamp("kim", 1001))),
        ] {
            assert_eq!(given(record(state, reset), 3), None);
        }
        let mut invited = record(State::Pending, Some(kim()));
        invited.extras.tickets = vec![ticket(9, stamp("root", 1005))];
        assert_eq!(given(invited, 3), None);
    }

    #[test]
    fn a_bypass_is_of_an_enrolled_user_and_in_time() {
        let bypass = |byte, until| Bypass {
            voucher: voucher(byte, until),
            uses: 1,
            audit: stamp("kim", 1005),
        };
        let once = with_bypass(record(State::Active, None), bypass(1, 2000), NOW).unwrap();
        let twice = with_bypass(once, bypass(2, 2000), NOW).unwrap();
        assert_eq!(twice.extras.bypasses, [bypass(2, 2000)]);
        assert_eq!(with_bypass(record(State::Active, None), bypass(1, 1010), NOW), None);
        assert_eq!(with_bypass(record(State::Pending, None), bypass(1, 2000), NOW), None);
        let later = Record { since: UnixTime(1006), ..record(State::Active, None) };
        assert_eq!(with_bypass(later, bypass(1, 2000), NOW), None);
    }
}
