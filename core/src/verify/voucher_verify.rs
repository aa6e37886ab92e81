//! Verifies tickets (twelve letters) and bypass codes (nine digits). The attempt is counted before.

use crate::{
    answer::Code,
    base::time::{Now, UnixTime},
    event::{Accepted, Reason},
    ledger::Budget,
    record::{
        Record, State,
        extras::{Bypass, Purpose, Ticket},
        voucher::Moment,
    },
    verify::{
        attempt::{Attempt, Outcome},
        record_update::{ChangeError, change},
    },
};

impl Attempt<'_> {
    /// Verifies a ticket or bypass code, which are accepted only after a proven first factor. `reached` is the latest
    /// time that the wall clock is known to have shown before this boot.
    pub(crate) fn redeem(&mut self, code: &Code, now: Now, reached: UnixTime) -> Outcome {
        let Some((_, snapshot)) = self.person.as_ref().filter(|_| self.budget == Budget::Proven)
        else {
            return if code.bypass().is_some() { Outcome::NoBypass } else { Outcome::NoTicket };
        };
        let extras = &snapshot.record.extras;
        if code.bypass().is_some() && extras.bypasses.is_empty() {
            return Outcome::NoBypass;
        }
        if code.ticket().is_some() && extras.tickets.is_empty() {
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

    /// Verifies a bypass code and durably removes one of its uses before access is granted. Only one process can commit
    /// this change.
    fn use_bypass(&self, typed: &str, at: &Moment<'_>) -> Outcome {
        let Some((account, snapshot)) = &self.person else { return Outcome::Wrong };
        let is_it = |bypass: &Bypass| bypass.voucher.is(typed, at);
        if !snapshot.record.extras.bypasses.iter().any(is_it) {
            return Outcome::Wrong;
        }
        let mut left = 0;
        let used = change(self.ports.records, account, &mut |found| {
            let mut record = found.map(|found| found.record).ok_or(())?;
            let bypasses = &mut record.extras.bypasses;
            let place = bypasses.iter().position(is_it).ok_or(())?;
            let bypass = bypasses.get_mut(place).ok_or(())?;
            bypass.uses = bypass.uses.saturating_sub(1);
            left = bypass.uses;
            bypasses.retain(|bypass| bypass.uses > 0);
            if record.state == State::Active { Ok(record) } else { Err(()) }
        });
        match used {
            Ok(()) => Outcome::Granted(Accepted::Bypass { left }),
            Err(ChangeError::Declined(())) => Outcome::Wrong,
            Err(ChangeError::Store(fault)) => Outcome::Faulty(Reason::Unwritten(fault)),
            Err(ChangeError::Changing) => Outcome::Faulty(Reason::RecordChanging),
        }
    }
}

/// Returns the valid ticket with this text; `None` if there is none. Only tickets for one purpose count: set-up for a
/// user who is not enrolled, backup codes for an enrolled user.
#[must_use]
pub fn ticket_of<'a>(record: &'a Record, typed: &str, at: &Moment<'_>) -> Option<&'a Ticket> {
    let purpose = match record.state {
        State::Active => Purpose::Codes,
        State::Pending | State::Removed => Purpose::SetUp,
    };
    let tickets = record.extras.tickets.iter().filter(|ticket| ticket.purpose == purpose);
    tickets.into_iter().find(|ticket| ticket.voucher.is(typed, at))
}
