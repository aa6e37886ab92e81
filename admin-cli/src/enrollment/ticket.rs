//! Generates a ticket, stores it in a record, and mails it to the user or shows it to the administrator.

use serde_json::Value;
use twinlock_core::{
    base::{account::Account, address::Address, random_text},
    notify::notification::{TicketMail, Topic},
    ports::Ledger,
    record::{
        Record, enrollment,
        extras::{AuditStamp, Purpose, RecordExtras, Ticket},
    },
    verify::generate,
};
use twinlock_host::entropy::KernelEntropy;
use zeroize::Zeroizing;

use crate::{
    context::Context,
    error::exit::CliError,
    mail::{self, MailError},
    terminal::keyboard::tell,
    text::{WIDTH, instant, plain, wrap},
};

/// Number of characters between two dashes when a ticket is written.
const GROUP: usize = 4;

/// A new ticket. `letters` is the text that the user types; `ticket` is what the record stores, which contains only a
/// hash of that text.
pub(crate) struct GeneratedTicket {
    letters: Zeroizing<String>,
    ticket: Ticket,
}

/// The text around a ticket when it is delivered.
pub(crate) struct TicketMessage<'a> {
    /// Sentence that says what the command has done.
    pub(crate) done: &'a str,
    /// Sentence that says what the user does with the ticket.
    pub(crate) todo: &'a str,
    /// What the command has done, as a JSON object.
    pub(crate) object: Value,
}

impl GeneratedTicket {
    /// Generates a ticket that is valid for `life` seconds.
    pub(crate) fn new(
        context: &Context,
        purpose: Purpose,
        audit: AuditStamp,
        life: u64,
    ) -> Result<Self, CliError> {
        let letters = generate::ticket(&KernelEntropy)?;
        let voucher = generate::voucher(&letters, audit.at.plus(life), &KernelEntropy)?;
        let voucher = voucher.counted_from(context.now()?, &context.machine.ledger.boot_id()?);
        Ok(Self { letters, ticket: Ticket { purpose, voucher, audit } })
    }

    /// Adds the ticket to a record. Earlier tickets for the same purpose are removed, since they may be in the wrong
    /// hands.
    pub(crate) fn give(&self, extras: &mut RecordExtras) {
        extras.tickets.retain(|other| other.purpose != self.ticket.purpose);
        enrollment::give_ticket(extras, self.ticket.clone());
    }

    /// Returns whether the record contains this ticket.
    pub(crate) fn is_in(&self, record: &Record) -> bool {
        record.extras.tickets.contains(&self.ticket)
    }

    /// Mails the ticket to the user; if that fails, prints it for the administrator. `on_record` is the mail address in
    /// the record.
    pub(crate) fn deliver(
        &self,
        context: &Context,
        account: &Account,
        on_record: Option<&str>,
        message: &TicketMessage<'_>,
    ) -> Result<(), CliError> {
        let grouped = random_text::in_groups(&self.letters, GROUP, '-');
        let ticket_mail = TicketMail {
            user: &account.name,
            topic: Topic::Ticket(self.ticket.purpose),
            ticket: &grouped,
            by: &self.ticket.audit.by,
            at: self.ticket.audit.at,
            until: self.ticket.voucher.until,
        };
        let sent = mail::send_ticket(context, on_record, &ticket_mail);
        if let Err(fault) = &sent
            && *fault != MailError::NoAddress
        {
            let said = format!("No mail was sent: {fault}. {}", fault.remedy());
            tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
        }
        let text = if context.json {
            Zeroizing::new(format!("{}\n", object(message.object.clone(), &ticket_mail, &sent)))
        } else {
            sentences(message, &ticket_mail, &sent)
        };
        context.print(&text)
    }
}

/// Returns the lifetime of a new ticket in seconds. It is shorter for a user with a mail address, to whom the ticket is
/// mailed.
pub(crate) fn life_of(context: &Context, user: &str, on_record: Option<&str>) -> u64 {
    let lives = context.policy.set_up.ticket_lives;
    let is_mailed = Address::of(user, on_record, context.policy.mail.domain.as_deref()).is_ok();
    if is_mailed { lives.mail } else { lives.paper }
}

type Sent = Result<Address, MailError>;

fn object(mut object: Value, ticket_mail: &TicketMail<'_>, sent: &Sent) -> Value {
    if let Some(fields) = object.as_object_mut() {
        let (ticket, address, fault) = match sent {
            Ok(address) => (Value::Null, address.as_str().into(), Value::Null),
            Err(MailError::NoAddress) => (ticket_mail.ticket.into(), Value::Null, Value::Null),
            Err(fault) => (ticket_mail.ticket.into(), Value::Null, fault.to_string().into()),
        };
        fields.insert("ticket".into(), ticket);
        fields.insert("ticket_until".into(), ticket_mail.until.0.into());
        fields.insert("mailed_to".into(), address);
        fields.insert("mail_error".into(), fault);
    }
    object
}

fn sentences(
    message: &TicketMessage<'_>,
    ticket_mail: &TicketMail<'_>,
    sent: &Sent,
) -> Zeroizing<String> {
    let (user, until) = (plain(ticket_mail.user), instant(ticket_mail.until));
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
            format!("{done}\n{said}\n\n    {}\n\n{todo}\n", ticket_mail.ticket)
        }
    })
}
