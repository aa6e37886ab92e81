//! A ticket on its way to a person: drawn, kept as a hash, and then shown to be handed over.

use serde_json::Value;
use twinlock_core::{
    account::Account,
    beside::{Beside, Purpose, Ticket, Trace},
    draw, enrolment, letters,
    record::Record,
    voucher::TICKET_LIFE,
};
use twinlock_host::entropy::KernelEntropy;
use zeroize::Zeroizing;

use crate::{
    desk::Desk,
    exit::Failure,
    wording::{WIDTH, instant, plain, wrap},
};

/// Letters of a ticket between two dashes.
const GROUP: usize = 4;

/// A ticket that was drawn.
pub struct Drawn {
    letters: Zeroizing<String>,
    ticket: Ticket,
}

/// What is said with a ticket.
pub struct Message<'a> {
    /// What was done.
    pub done: &'a str,
    /// What is to be done with the ticket.
    pub todo: &'a str,
    /// What was done, for scripts.
    pub object: Value,
}

impl Drawn {
    /// Draws one.
    pub fn new(purpose: Purpose, trace: Trace) -> Result<Self, Failure> {
        let letters = draw::ticket(&KernelEntropy)?;
        let voucher = draw::voucher(&letters, trace.at.plus(TICKET_LIFE), &KernelEntropy)?;
        Ok(Self { letters, ticket: Ticket { purpose, voucher, trace } })
    }

    /// Adds it to a record; an earlier one for the same dies: it may have got lost.
    pub fn give(&self, beside: &mut Beside) {
        beside.tickets.retain(|other| other.purpose != self.ticket.purpose);
        enrolment::give_ticket(beside, self.ticket.clone());
    }

    /// Whether a record has it.
    pub fn is_in(&self, record: &Record) -> bool {
        record.beside.tickets.contains(&self.ticket)
    }

    /// Brings it to its person: shows it.
    pub fn deliver(
        &self,
        desk: &Desk,
        account: &Account,
        mut message: Message<'_>,
    ) -> Result<(), Failure> {
        let grouped = letters::in_groups(&self.letters, GROUP, '-');
        let until = self.ticket.voucher.until;
        if desk.json {
            if let Some(fields) = message.object.as_object_mut() {
                fields.insert("ticket".into(), grouped.as_str().into());
                fields.insert("ticket_until".into(), until.0.into());
                fields.insert("mailed_to".into(), Value::Null);
            }
            let line = Zeroizing::new(format!("{}\n", message.object));
            return desk.print(&line);
        }
        let user = plain(&account.name);
        let said = format!("Hand this ticket to {user}. It works once, until {}:", instant(until));
        let text = Zeroizing::new(format!(
            "{}\n{}\n\n    {}\n\n{}\n",
            wrap(message.done, WIDTH, 0),
            wrap(&said, WIDTH, 0),
            *grouped,
            wrap(message.todo, WIDTH, 0)
        ));
        desk.print(&text)
    }
}
