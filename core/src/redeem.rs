//! Verifies vouchers in a charged attempt: bypass codes (nine digits) and tickets (twelve letters).

use crate::{
    answer::Code,
    attempt::{Outcome, Trial},
    beside::{Bypass, Purpose, Ticket},
    change::{ChangeFault, change},
    event::{Accepted, Reason},
    ledger::Budget,
    record::{Record, State},
    time::{Now, UnixTime},
    voucher::Moment,
};

impl Trial<'_> {
    /// Verifies a voucher. Vouchers work only behind a proven first factor.
    pub(crate) fn redeem(&mut self, code: &Code, now: Now, reached: UnixTime) -> Outcome {
        let Some((_, snapshot)) = self.person.as_ref().filter(|_| self.budget == Budget::Proven)
        else {
            return if code.bypass().is_some() { Outcome::NoBypass } else { Outcome::NoTicket };
        };
        let beside = &snapshot.record.beside;
        if code.bypass().is_some() && beside.bypasses.is_empty() {
            return Outcome::NoBypass;
        }
        if code.ticket().is_some() && beside.tickets.is_empty() {
            return Outcome::NoTicket;
        }
        let boot_id = match self.ports.ledger.boot_id() {
            Ok(boot_id) => boot_id,
            Err(fault) => return Outcome::Faulty(Reason::Ledger(fault)),
        };
        let at = Moment { now, boot_id: &boot_id, reached };
        match (code.bypass(), code.ticket()) {
            (Some(typed), _) => self.use_bypass(typed, &at),
            (None, Some(typed)) => match ticket_of(&snapshot.record, typed, &at) {
                Some(ticket) => Outcome::Ticket(ticket.clone()),
                None => Outcome::Wrong,
            },
            (None, None) => Outcome::Wrong,
        }
    }

    /// Uses up one use durably before access is granted; only one process can commit this change.
    fn use_bypass(&self, typed: &str, at: &Moment<'_>) -> Outcome {
        let Some((account, snapshot)) = &self.person else { return Outcome::Wrong };
        let is_it = |bypass: &Bypass| bypass.voucher.is(typed, at);
        if !snapshot.record.beside.bypasses.iter().any(is_it) {
            return Outcome::Wrong;
        }
        let mut left = 0;
        let used = change(self.ports.records, account, &mut |found| {
            let mut record = found.map(|found| found.record).ok_or(())?;
            let bypasses = &mut record.beside.bypasses;
            let place = bypasses.iter().position(is_it).ok_or(())?;
            let bypass = bypasses.get_mut(place).ok_or(())?;
            bypass.uses = bypass.uses.saturating_sub(1);
            left = bypass.uses;
            bypasses.retain(|bypass| bypass.uses > 0);
            if record.state == State::Active { Ok(record) } else { Err(()) }
        });
        match used {
            Ok(()) => Outcome::Granted(Accepted::Bypass { left }),
            Err(ChangeFault::Declined(())) => Outcome::Wrong,
            Err(ChangeFault::Store(fault)) => Outcome::Faulty(Reason::Unwritten(fault)),
            Err(ChangeFault::Changing) => Outcome::Faulty(Reason::RecordChanging),
        }
    }
}

/// Returns the ticket with this text, of the one purpose that a record in its state has tickets for.
#[must_use]
pub fn ticket_of<'a>(record: &'a Record, typed: &str, at: &Moment<'_>) -> Option<&'a Ticket> {
    let purpose = match record.state {
        State::Active => Purpose::Codes,
        State::Pending | State::Removed => Purpose::SetUp,
    };
    let tickets = record.beside.tickets.iter().filter(|ticket| ticket.purpose == purpose);
    tickets.into_iter().find(|ticket| ticket.voucher.is(typed, at))
}
