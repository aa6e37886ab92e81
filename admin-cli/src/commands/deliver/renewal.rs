//! Mails a new set-up ticket to an invited user whose ticket has expired and who has asked for one at a login.

use std::time::Duration;

use twinlock_core::{
    account::Account,
    beside::Ticket,
    change::{self, ChangeFault},
    draw,
    fault::CommitFault,
    letter::Handout,
    letters,
    ports::{Accounts, Ledger},
    ticket_renewal,
    voucher::Voucher,
};
use twinlock_host::{
    entropy::KernelEntropy,
    post::{Claimed, Post},
};

use crate::{
    commands::deliver::{Hindrance, Run, Sending, late},
    exit::Failure,
    mail::{Address, MailFault, send_ticket_within},
};

/// Letters of a ticket between two dashes.
const GROUP: usize = 4;

/// A ticket that is stored in the record but not yet valid.
struct Reserved {
    ticket: Ticket,
    mail: Option<String>,
}

/// Why no ticket was stored.
enum Stop {
    NotDue,
    Hindrance(Hindrance),
}

impl Run<'_> {
    /// Mails a new ticket to the address on record, then puts it in force. If this is killed or fails before that, the
    /// record still says that a ticket is due.
    pub(super) fn renew(&self, claimed: &Claimed) -> Result<Sending, Hindrance> {
        let desk = self.desk;
        let user = &claimed.letter.user;
        let Some(account) = desk.machine.accounts.by_name(user).map_err(Failure::from)? else {
            return Err(MailFault::NoAddress.into());
        };
        let letters = draw::ticket(&KernelEntropy).map_err(Failure::from)?;
        let now = desk.now()?.unix;
        let drawn = draw::voucher(&letters, now, &KernelEntropy).map_err(Failure::from)?;
        let reserved = match self.reserve(&account, &drawn) {
            Ok(reserved) => reserved,
            Err(Stop::NotDue) => return Ok(Sending::NotNeeded),
            Err(Stop::Hindrance(hindrance)) => return Err(hindrance),
        };
        let boot_id = desk.machine.ledger.boot_id().map_err(Failure::from)?;
        let life = desk.policy.set_up.ticket_lives.mail;
        let working = ticket_renewal::in_force(&reserved.ticket, life, desk.now()?, &boot_id);
        let handout = Handout {
            user,
            purpose: working.purpose,
            ticket: &letters::in_groups(&letters, GROUP, '-'),
            by: &working.trace.by,
            at: working.trace.at,
            until: working.voucher.until,
        };
        if !Post::has_time(claimed, desk.now()?.unix.max(now), self.seconds) {
            return Err(Hindrance::Elsewhere(late()));
        }
        let patience = Duration::from_secs(self.seconds);
        send_ticket_within(desk, reserved.mail.as_deref(), &handout, patience)?;
        self.put_in_force(&account, &reserved.ticket, &working)?;
        Ok(Sending::Sent)
    }

    /// Stores the ticket, which proves that the record is writable, before the mail is sent.
    fn reserve(&self, account: &Account, drawn: &Voucher) -> Result<Reserved, Stop> {
        let desk = self.desk;
        let generation = desk.stamp()?.0;
        let now = desk.now()?;
        let mut reserved = None;
        change::change(&desk.machine.records, account, &mut |found| {
            let found = found.ok_or(Stop::NotDue)?.record;
            let mail = found.beside.mail.clone();
            Address::of(&account.name, mail.as_deref(), &desk.policy.mail)?;
            let (record, ticket) =
                ticket_renewal::reserved(found, drawn, generation, now).ok_or(Stop::NotDue)?;
            reserved = Some(Reserved { ticket, mail });
            Ok(record)
        })
        .map_err(stopped)?;
        reserved.ok_or(Stop::NotDue)
    }

    fn put_in_force(
        &self,
        account: &Account,
        reserved: &Ticket,
        working: &Ticket,
    ) -> Result<(), Failure> {
        let generation = self.desk.stamp()?.0;
        let put = change::change(&self.desk.machine.records, account, &mut |found| {
            let found = found.ok_or(CommitFault::Overtaken)?.record;
            ticket_renewal::renewed(found, reserved, working, generation)
                .ok_or(CommitFault::Overtaken)
        });
        put.map_err(|fault| match fault {
            ChangeFault::Declined(fault) => fault.into(),
            ChangeFault::Store(fault) => Failure::from(fault),
            ChangeFault::Changing => CommitFault::Overtaken.into(),
        })
        .map_err(|failure: Failure| failure.but("the ticket that went out does not work"))
    }
}

fn stopped(fault: ChangeFault<Stop>) -> Stop {
    match fault {
        ChangeFault::Declined(stop) => stop,
        ChangeFault::Store(fault) => Failure::from(fault).into(),
        ChangeFault::Changing => Failure::from(CommitFault::Overtaken).into(),
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Hindrance(failure.into())
    }
}

impl From<MailFault> for Stop {
    fn from(fault: MailFault) -> Self {
        Self::Hindrance(fault.into())
    }
}
