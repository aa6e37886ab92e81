//! Generates and mails the tickets and bypass codes that members of roles ask for. Nobody but the recipient sees them.

use std::time::Duration;

use twinlock_core::{
    base::{account::Account, address::Address, random_text},
    notify::notification::{TicketMail, Topic},
    ports::{Accounts, Ledger},
    record::{
        Record, Snapshot, by_mail,
        extras::{AuditStamp, Bypass, Purpose, Ticket},
        voucher::Voucher,
    },
    verify::{generate, record_update},
};
use twinlock_host::{entropy::KernelEntropy, mail_spool::Claimed};
use zeroize::Zeroizing;

use crate::{
    commands::deliver::{
        DeliveryError, DeliveryRun, Sending,
        renewal::{RenewalError, stopped},
    },
    error::exit::CliError,
    mail::{MailError, send_ticket_within},
};

/// A ticket or bypass code to be mailed: the topic of the mail, the text that the user types, and the salted hash with
/// expiry that the record keeps.
struct MailedSecret {
    topic: Topic,
    text: Zeroizing<String>,
    voucher: Voucher,
}

impl DeliveryRun<'_> {
    /// Mails a ticket to a user whom a member of a role has reset.
    pub(super) fn mail_ticket(&self, claimed: &Claimed) -> Result<Sending, DeliveryError> {
        let life = self.context.policy.set_up.ticket_lives.mail;
        let letters = generate::ticket(&KernelEntropy).map_err(CliError::from)?;
        let now = self.context.now()?;
        let voucher = self.voucher(&letters, now.unix.plus(life))?;
        let secret = MailedSecret {
            topic: Topic::Ticket(Purpose::SetUp),
            text: random_text::in_groups(&letters, 4, '-'),
            voucher,
        };
        let generation = self.context.stamp()?.generation;
        self.mail_secret(claimed, &secret, &mut |record, audit| {
            let (purpose, voucher) = (Purpose::SetUp, secret.voucher.clone());
            let ticket = Ticket { purpose, voucher, audit };
            by_mail::with_ticket(record, ticket, generation, now)
        })
    }

    /// Mails a bypass code that a member of a role has issued. Its lifetime begins with the request of that member, and
    /// not with the mail.
    pub(super) fn mail_bypass(&self, claimed: &Claimed) -> Result<Sending, DeliveryError> {
        let life = claimed.notification.life.unwrap_or_default();
        let digits = generate::bypass(&KernelEntropy).map_err(CliError::from)?;
        let now = self.context.now()?;
        let voucher = self.voucher(&digits, claimed.notification.at.plus(life))?;
        let text = random_text::in_groups(&digits, 3, ' ');
        let secret = MailedSecret { topic: Topic::Bypass, text, voucher };
        self.mail_secret(claimed, &secret, &mut |record, audit| {
            let bypass = Bypass { voucher: secret.voucher.clone(), uses: 1, audit };
            by_mail::with_bypass(record, bypass, now)
        })
    }

    fn voucher(
        &self,
        text: &str,
        until: twinlock_core::base::time::UnixTime,
    ) -> Result<Voucher, CliError> {
        let voucher = generate::voucher(text, until, &KernelEntropy)?;
        let boot_id = self.context.machine.ledger.boot_id()?;
        Ok(voucher.counted_from(self.context.now()?, &boot_id))
    }

    /// Stores the salted hash of the secret in the record by `change`, and then sends the mail with the secret. If
    /// sending fails, the next attempt generates another secret and replaces the hash. Sends nothing if `change`
    /// returns `None`.
    fn mail_secret(
        &self,
        claimed: &Claimed,
        secret: &MailedSecret,
        change: &mut dyn FnMut(Record, AuditStamp) -> Option<Record>,
    ) -> Result<Sending, DeliveryError> {
        let notification = &claimed.notification;
        let by = notification.by.clone().unwrap_or_default();
        let audit = AuditStamp { by, at: notification.at };
        let Some(account) = self.account(&notification.user)? else {
            return Err(MailError::NoAddress.into());
        };
        let mut on_record = None;
        let domain = self.context.policy.mail.domain.as_deref();
        let mut decide = |found: Option<Snapshot>| {
            let found = found.ok_or(RenewalError::NotDue)?.record;
            on_record.clone_from(&found.extras.mail);
            Address::of(&account.name, on_record.as_deref(), domain)?;
            change(found, audit.clone()).ok_or(RenewalError::NotDue)
        };
        let changed = record_update::change(&self.context.machine.records, &account, &mut decide);
        match changed.map_err(stopped) {
            Ok(()) => {}
            Err(RenewalError::NotDue) => return Ok(Sending::NotNeeded),
            Err(RenewalError::Hindrance(hindrance)) => return Err(hindrance),
        }
        let ticket_mail = TicketMail {
            user: &account.name,
            topic: secret.topic,
            ticket: &secret.text,
            by: &audit.by,
            at: audit.at,
            until: secret.voucher.until,
        };
        let patience = Duration::from_secs(self.seconds);
        send_ticket_within(self.context, on_record.as_deref(), &ticket_mail, patience)?;
        Ok(Sending::Sent)
    }

    fn account(&self, user: &str) -> Result<Option<Account>, CliError> {
        Ok(self.context.machine.accounts.by_name(user)?)
    }
}
