//! A ticket on its way to its user: generated, stored as a hash, then mailed or shown.

use serde_json::Value;
use twinlock_core::{
    account::Account,
    beside::{Beside, Purpose, Ticket, Trace},
    draw, enrolment,
    letter::Handout,
    letters,
    ports::Ledger,
    record::Record,
};
use twinlock_host::entropy::KernelEntropy;
use zeroize::Zeroizing;

use crate::{
    desk::Desk,
    exit::Failure,
    keyboard::tell,
    mail::{self, Address, MailFault},
    wording::{WIDTH, instant, plain, wrap},
};

/// Letters of a ticket between two dashes.
const GROUP: usize = 4;

/// A generated ticket.
pub struct Drawn {
    letters: Zeroizing<String>,
    ticket: Ticket,
}

/// Text around a ticket.
pub struct Message<'a> {
    /// What was done.
    pub done: &'a str,
    /// What to do with the ticket.
    pub todo: &'a str,
    /// What was done, as JSON.
    pub object: Value,
}

impl Drawn {
    /// Generates a ticket that is valid for `life` seconds.
    pub fn new(desk: &Desk, purpose: Purpose, trace: Trace, life: u64) -> Result<Self, Failure> {
        let letters = draw::ticket(&KernelEntropy)?;
        let voucher = draw::voucher(&letters, trace.at.plus(life), &KernelEntropy)?;
        let voucher = voucher.counted_from(desk.now()?, &desk.machine.ledger.boot_id()?);
        Ok(Self { letters, ticket: Ticket { purpose, voucher, trace } })
    }

    /// Adds it to a record and removes an earlier one for the same purpose, which may have been lost.
    pub fn give(&self, beside: &mut Beside) {
        beside.tickets.retain(|other| other.purpose != self.ticket.purpose);
        enrolment::give_ticket(beside, self.ticket.clone());
    }

    /// Reports whether a record holds it.
    pub fn is_in(&self, record: &Record) -> bool {
        record.beside.tickets.contains(&self.ticket)
    }

    /// Delivers the ticket: by mail, or else by showing it to the administrator.
    pub fn deliver(
        &self,
        desk: &Desk,
        (account, on_record): (&Account, Option<&str>),
        message: &Message<'_>,
    ) -> Result<(), Failure> {
        let grouped = letters::in_groups(&self.letters, GROUP, '-');
        let handout = Handout {
            user: &account.name,
            purpose: self.ticket.purpose,
            ticket: &grouped,
            by: &self.ticket.trace.by,
            at: self.ticket.trace.at,
            until: self.ticket.voucher.until,
        };
        let sent = mail::send_ticket(desk, on_record, &handout);
        if let Err(fault) = &sent
            && *fault != MailFault::NoAddress
        {
            let said = format!("No mail was sent: {}. {}", fault.what(), fault.remedy());
            tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
        }
        let text = if desk.json {
            Zeroizing::new(format!("{}\n", object(message.object.clone(), &handout, &sent)))
        } else {
            sentences(message, &handout, &sent)
        };
        desk.print(&text)
    }
}

/// Returns the lifetime of a ticket in seconds: shorter if it will be mailed.
pub fn life_of(desk: &Desk, user: &str, on_record: Option<&str>) -> u64 {
    let lives = desk.policy.set_up.ticket_lives;
    let is_mailed = Address::of(user, on_record, &desk.policy.mail).is_ok();
    if is_mailed { lives.mail } else { lives.paper }
}

type Sent = Result<Address, MailFault>;

fn object(mut object: Value, handout: &Handout<'_>, sent: &Sent) -> Value {
    if let Some(fields) = object.as_object_mut() {
        let (ticket, address, fault) = match sent {
            Ok(address) => (Value::Null, address.as_str().into(), Value::Null),
            Err(MailFault::NoAddress) => (handout.ticket.into(), Value::Null, Value::Null),
            Err(fault) => (handout.ticket.into(), Value::Null, fault.what().into()),
        };
        fields.insert("ticket".into(), ticket);
        fields.insert("ticket_until".into(), handout.until.0.into());
        fields.insert("mailed_to".into(), address);
        fields.insert("mail_error".into(), fault);
    }
    object
}

fn sentences(message: &Message<'_>, handout: &Handout<'_>, sent: &Sent) -> Zeroizing<String> {
    let (user, until) = (plain(handout.user), instant(handout.until));
    let done = wrap(message.done, WIDTH, 0);
    Zeroizing::new(match sent {
        Ok(address) => {
            let said = format!("A ticket was sent to {address}.");
            let life = format!("It works once, until {until}.");
            format!("{done}\n{}\n{life}\n", wrap(&said, WIDTH, 0))
        }
        Err(_) => {
            let said = format!("Hand this ticket to {user}. It works once, until {until}:");
            let (said, todo) = (wrap(&said, WIDTH, 0), wrap(message.todo, WIDTH, 0));
            format!("{done}\n{said}\n\n    {}\n\n{todo}\n", handout.ticket)
        }
    })
}
