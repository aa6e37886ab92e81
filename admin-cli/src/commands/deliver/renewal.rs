//! Mails a new set-up ticket to an invited user who has asked for one at a login, because the old ticket has expired.

use core::fmt;
use std::time::Duration;

use twinlock_core::{
    base::{
        account::Account,
        address::{Address, AddressError},
        error::CommitError,
        random_text,
    },
    notify::notification::{TicketMail, Topic},
    ports::{Accounts, Ledger},
    record::{extras::Ticket, ticket_renewal, voucher::Voucher},
    verify::{
        generate,
        record_update::{self, ChangeError},
    },
};
use twinlock_host::{entropy::KernelEntropy, mail_spool::Claimed};

use crate::{
    commands::deliver::{DeliveryError, DeliveryRun, Sending},
    error::exit::CliError,
    mail::{MailError, send_ticket_within},
};

/// Number of characters between two dashes when a ticket is written.
const GROUP: usize = 4;

/// A new ticket that the record contains but that is not valid yet, and the user's mail address on record.
struct Reserved {
    ticket: Ticket,
    mail: Option<String>,
}

/// Why no new ticket or bypass code was stored in the record.
#[derive(Debug)]
pub(super) enum RenewalError {
    /// The user does not need a new ticket or bypass code.
    NotDue,
    /// The new ticket or bypass code cannot be stored, for this reason.
    Hindrance(DeliveryError),
}

impl fmt::Display for RenewalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDue => f.write_str("no new ticket is due"),
            Self::Hindrance(hindrance) => hindrance.fmt(f),
        }
    }
}

impl core::error::Error for RenewalError {}

impl DeliveryRun<'_> {
    /// Mails a new ticket to the user, and then makes the ticket valid. If this fails, or the process is killed before
    /// the ticket is valid, the request for a ticket stays in the record, and the next run tries again.
    pub(super) fn renew(&self, claimed: &Claimed) -> Result<Sending, DeliveryError> {
        let context = self.context;
        let user = &claimed.notification.user;
        let Some(account) = context.machine.accounts.by_name(user).map_err(CliError::from)? else {
            return Err(MailError::NoAddress.into());
        };
        let notifications = generate::ticket(&KernelEntropy).map_err(CliError::from)?;
        let now = context.now()?.unix;
        let drawn =
            generate::voucher(&notifications, now, &KernelEntropy).map_err(CliError::from)?;
        let reserved = match self.reserve(&account, &drawn) {
            Ok(reserved) => reserved,
            Err(RenewalError::NotDue) => return Ok(Sending::NotNeeded),
            Err(RenewalError::Hindrance(hindrance)) => return Err(hindrance),
        };
        let boot_id = context.machine.ledger.boot_id().map_err(CliError::from)?;
        let life = context.policy.set_up.ticket_lives.mail;
        let working = ticket_renewal::in_force(&reserved.ticket, life, context.now()?, &boot_id);
        let ticket_mail = TicketMail {
            user,
            topic: Topic::Ticket(working.purpose),
            ticket: &random_text::in_groups(&notifications, GROUP, '-'),
            by: &working.audit.by,
            at: working.audit.at,
            until: working.voucher.until,
        };
        let patience = Duration::from_secs(self.seconds);
        send_ticket_within(context, reserved.mail.as_deref(), &ticket_mail, patience)?;
        self.put_in_force(&account, &reserved.ticket, &working)?;
        Ok(Sending::Sent)
    }

    /// Stores the new ticket in the record, but not as valid yet. Returns the ticket with the user's mail address. Call
    /// this before the mail is sent, to prove that the record can be written.
    fn reserve(&self, account: &Account, drawn: &Voucher) -> Result<Reserved, RenewalError> {
        let context = self.context;
        let generation = context.stamp()?.generation;
        let now = context.now()?;
        let mut reserved = None;
        record_update::change(&context.machine.records, account, &mut |found| {
            let found = found.ok_or(RenewalError::NotDue)?.record;
            let mail = found.extras.mail.clone();
            Address::of(&account.name, mail.as_deref(), context.policy.mail.domain.as_deref())?;
            let (record, ticket) = ticket_renewal::reserved(found, drawn, generation, now)
                .ok_or(RenewalError::NotDue)?;
            reserved = Some(Reserved { ticket, mail });
            Ok(record)
        })
        .map_err(stopped)?;
        reserved.ok_or(RenewalError::NotDue)
    }

    fn put_in_force(
        &self,
        account: &Account,
        reserved: &Ticket,
        working: &Ticket,
    ) -> Result<(), CliError> {
        let generation = self.context.stamp()?.generation;
        let put = record_update::change(&self.context.machine.records, account, &mut |found| {
            let found = found.ok_or(CommitError::Overtaken)?.record;
            ticket_renewal::renewed(found, reserved, working, generation)
                .ok_or(CommitError::Overtaken)
        });
        put.map_err(|fault| match fault {
            ChangeError::Declined(fault) => fault.into(),
            ChangeError::Store(fault) => CliError::from(fault),
            ChangeError::Changing => CommitError::Overtaken.into(),
        })
        .map_err(|failure: CliError| failure.but("the ticket that was mailed does not work"))
    }
}

pub(super) fn stopped(fault: ChangeError<RenewalError>) -> RenewalError {
    match fault {
        ChangeError::Declined(stop) => stop,
        ChangeError::Store(fault) => CliError::from(fault).into(),
        ChangeError::Changing => CliError::from(CommitError::Overtaken).into(),
    }
}

impl From<CliError> for RenewalError {
    fn from(failure: CliError) -> Self {
        Self::Hindrance(failure.into())
    }
}

impl From<AddressError> for RenewalError {
    fn from(error: AddressError) -> Self {
        Self::Hindrance(MailError::from(error).into())
    }
}
