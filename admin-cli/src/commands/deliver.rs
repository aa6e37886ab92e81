//! `twinlock deliver`: sends the mails that are queued in the outbox.

mod by_mail;
mod renewal;

use core::fmt;
use std::time::Duration;

use twinlock_core::{
    base::address::Address,
    notify::{
        notification::{Notification, NotificationKind, Topic},
        retry::RetryDecision,
        template::Blanks,
    },
    ports::{Accounts, Records},
};
use twinlock_host::{
    fleet::membership::MailTurn,
    mail_spool::{Claimed, MailSpool, standing},
};

use crate::{
    authorize::actor,
    context::Context,
    error::exit::CliError,
    mail::{MailBody, MailError, Mailer},
    text::count,
};

/// The run ends at this number of failures in a row, because further mails would probably fail as well.
const STRIKES: u32 = 5;
/// A timeout of the mail program counts as this number of failures, because each timeout delays the run by a minute, or
/// by the time that `--patience` sets.
const SLOW: u32 = 2;

/// Totals of one run of `twinlock deliver`.
#[derive(Default)]
struct DeliveryReport {
    sent: usize,
    unaddressed: usize,
    dead: usize,
    strikes: u32,
    failure: Option<CliError>,
}

/// Sends the queued mails that are due. `patience` is the maximum time for each mail, in seconds.
pub(crate) fn run(context: &Context, patience: u64) -> Result<(), CliError> {
    context.need_root("send the outbox")?;
    let mut report = DeliveryReport::default();
    // `None` means that another process delivers mails at the moment. That process also sends the mails that are due.
    let Some(post) = MailSpool::open(&context.machine.records)? else {
        return report.tell(context);
    };
    let gathered = post.gather(context.now()?.unix);
    report.dead = gathered.dead;
    report.failure = gathered.fault.map(CliError::from);
    let run = DeliveryRun { context, post: &post, seconds: patience.max(1) };
    for due in post.due(context.now()?.unix)? {
        if report.strikes >= STRIKES {
            break;
        }
        if let Some(claimed) = post.claim(due, context.now()?.unix)? {
            run.deliver(&claimed, &mut report)?;
        }
    }
    report.tell(context)
}

struct DeliveryRun<'a> {
    context: &'a Context,
    post: &'a MailSpool,
    seconds: u64,
}

impl DeliveryRun<'_> {
    fn deliver(&self, claimed: &Claimed, report: &mut DeliveryReport) -> Result<(), CliError> {
        let outcome = match self.send(claimed) {
            Err(DeliveryError::Elsewhere(failure)) => Err((failure, None)),
            Err(DeliveryError::Mail(fault)) => Err((CliError::from(fault.clone()), Some(fault))),
            Ok(sending) => Ok(sending),
        };
        match outcome {
            Ok(Sending::NotNeeded) => Ok(self.post.discard(claimed)?),
            Ok(Sending::Sent) => {
                report.sent += 1;
                report.strikes = 0;
                self.log("mail_sent", &claimed.notification);
                Ok(self.post.sent(claimed, self.context.now()?.unix)?)
            }
            Err((_, Some(MailError::NoAddress))) => {
                report.unaddressed += 1;
                Ok(self.post.discard(claimed)?)
            }
            Err((failure, Some(MailError::OddAddress(_)))) => {
                report.failed(failure, 0);
                self.bury(claimed, report)
            }
            Err((failure, fault)) => {
                report.failed(failure, fault.map_or(1, |fault| strikes(&fault)));
                match self.post.failed(claimed, self.context.now()?.unix)? {
                    RetryDecision::Waits(_) => self.log("mail_failed", &claimed.notification),
                    RetryDecision::Dead => self.died(claimed, report),
                }
                Ok(())
            }
        }
    }

    fn send(&self, claimed: &Claimed) -> Result<Sending, DeliveryError> {
        let notification = &claimed.notification;
        if notification.kind == NotificationKind::TicketExpired {
            return self.renew(claimed);
        }
        if notification.kind == NotificationKind::TicketByMail {
            return self.mail_ticket(claimed);
        }
        if notification.kind == NotificationKind::BypassByMail {
            return self.mail_bypass(claimed);
        }
        let to = self.address(notification)?;
        let turn = match self.turn(notification) {
            TurnOwner::Other => return Ok(Sending::NotNeeded),
            TurnOwner::Own(turn) => Some(turn),
            TurnOwner::Unshared => None,
        };
        let sent = self.send_to(&to, notification);
        if let (Err(_), Some(turn), Some(fleet)) =
            (&sent, &turn, self.context.machine.records.fleet())
        {
            fleet.give_turn_back(turn);
        }
        sent.map(|()| Sending::Sent)
    }

    fn send_to(&self, to: &Address, notification: &Notification) -> Result<(), DeliveryError> {
        let mailer = Mailer::open(self.context, Duration::from_secs(self.seconds))?;
        let blanks = Blanks::of_letter(self.context.policy.language, notification, &mailer.host);
        // The name is the same for every attempt to send this mail, so that a mail reader shows a repeated mail once.
        let name = notification.kind.word();
        let body = MailBody {
            topic: Topic::Event(notification.kind),
            blanks: &blanks,
            at: notification.at,
            name,
        };
        Ok(mailer.send(to, &notification.user, &body)?)
    }

    /// Asks the fleet whether this host is to send a mail of which users get one per hour. If the store does not answer,
    /// the mail is sent, because two are better than none.
    fn turn(&self, notification: &Notification) -> TurnOwner {
        let machine = &self.context.machine;
        let account = machine.accounts.by_name(&notification.user).ok().flatten();
        let (Some(fleet), Some(account)) = (machine.records.fleet(), account) else {
            return TurnOwner::Unshared;
        };
        if !notification.kind.is_merged() || !fleet.shares(account.uid) {
            return TurnOwner::Unshared;
        }
        match fleet.mail_turn(&account, notification.kind.word(), notification.at) {
            Ok(Some(turn)) => TurnOwner::Own(turn),
            Ok(None) => TurnOwner::Other,
            Err(_) => TurnOwner::Unshared,
        }
    }

    fn address(&self, notification: &Notification) -> Result<Address, DeliveryError> {
        if let Some(to) = &notification.to {
            return Ok(Address::read(to).ok_or_else(|| MailError::OddAddress(to.clone()))?);
        }
        let user = notification.user.as_str();
        let Some(account) = self.context.machine.accounts.by_name(user).map_err(CliError::from)?
        else {
            return Err(MailError::NoAddress.into());
        };
        let found = self.context.machine.records.newest(&account).map_err(CliError::from)?;
        let on_record = found.and_then(|found| found.record.extras.mail);
        let domain = self.context.policy.mail.domain.as_deref();
        Ok(Address::of(user, on_record.as_deref(), domain).map_err(MailError::from)?)
    }

    fn bury(&self, claimed: &Claimed, report: &mut DeliveryReport) -> Result<(), CliError> {
        self.died(claimed, report);
        Ok(self.post.give_up(claimed)?)
    }

    fn died(&self, claimed: &Claimed, report: &mut DeliveryReport) {
        report.dead += 1;
        self.log("mail_given_up", &claimed.notification);
    }

    fn log(&self, event: &str, notification: &Notification) {
        actor::log(
            self.context,
            event,
            &[("user", &notification.user), ("kind", notification.kind.word())],
        );
    }
}

/// Which host of the fleet is to send a mail.
enum TurnOwner {
    /// This host, whose turn other hosts respect.
    Own(MailTurn),
    /// Another host, which has sent such a mail within the hour.
    Other,
    /// This host, whatever others send.
    Unshared,
}

/// Outcome of a delivery without an error.
enum Sending {
    Sent,
    /// No mail was sent, because the user needs none: the user is enrolled or has a valid ticket, or another host of the
    /// fleet has sent the mail.
    NotNeeded,
}

/// Why a queued mail was not sent.
#[derive(Debug)]
enum DeliveryError {
    Mail(MailError),
    /// The accounts, the records or the clock cannot be read, for this reason.
    Elsewhere(CliError),
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail(fault) => fault.fmt(f),
            Self::Elsewhere(failure) => failure.fmt(f),
        }
    }
}

impl core::error::Error for DeliveryError {}

impl From<MailError> for DeliveryError {
    fn from(fault: MailError) -> Self {
        Self::Mail(fault)
    }
}

impl From<CliError> for DeliveryError {
    fn from(failure: CliError) -> Self {
        Self::Elsewhere(failure)
    }
}

fn strikes(fault: &MailError) -> u32 {
    match fault {
        MailError::OddSender(_) | MailError::NotStarted { .. } => STRIKES,
        MailError::Slow { .. } => SLOW,
        MailError::Refused { .. } => 1,
        MailError::NoAddress | MailError::OddAddress(_) => 0,
    }
}

impl DeliveryReport {
    fn failed(&mut self, failure: CliError, strikes: u32) {
        self.strikes += strikes;
        self.failure.get_or_insert(failure);
    }

    fn tell(self, context: &Context) -> Result<(), CliError> {
        let waiting = standing(&context.machine.records).waiting;
        let mut parts = vec![format!("{} sent", count(self.sent, "message"))];
        for (number, what) in [
            (waiting, "waiting"),
            (self.unaddressed, "dropped (no mail address)"),
            (self.dead, "given up (see outbox/dead)"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        let object = serde_json::json!({
            "sent": self.sent, "waiting": waiting,
            "without_address": self.unaddressed, "given_up": self.dead,
        });
        match self.failure {
            None => {
                context.say(&format!("{}.", parts.join(", ")), object);
                Ok(())
            }
            Some(failure) if context.json => Err(failure),
            Some(failure) => {
                context.say(&format!("{}.", parts.join(", ")), object);
                Err(failure)
            }
        }
    }
}
