//! Invites one of many users: stores a ticket in the record, delivers it, and makes it valid only after that.

use core::fmt;

use twinlock_core::{
    base::{
        account::Account,
        address::Address,
        error::{CommitError, StoreError},
        random_text,
        time::UnixTime,
    },
    notify::notification::{TicketMail, Topic},
    ports::{Ledger, Records, Snapshot},
    record::{
        Record, State, enrollment,
        extras::{Purpose, Ticket},
        voucher::Voucher,
    },
    verify::{
        generate,
        record_update::{self, ChangeError},
    },
};
use twinlock_host::entropy::KernelEntropy;
use zeroize::Zeroizing;

use crate::{
    authorize::authorizer::Authorized,
    context::Context,
    enrollment::{record_update::failed, report_file::ReportFile},
    error::exit::{CliError, Exit},
    mail::send_ticket,
    text::stamp,
};

/// Number of characters between two dashes when a ticket is written.
const GROUP: usize = 4;

/// Outcome of one invitation without an error.
#[derive(Debug)]
pub(crate) enum Invited {
    /// The user is already enrolled, and got no ticket.
    Enrolled,
    /// The user has a ticket already, which is valid until this time, and got no other one.
    Already(UnixTime),
    /// The ticket was mailed to this address.
    Mailed(Address),
    /// The ticket could not be mailed and was written to the report file.
    InReport,
}

/// Where tickets are written that cannot be mailed.
pub(crate) struct Handing<'a> {
    /// The report file for tickets that cannot be mailed. With `None`, an invitation fails if its ticket cannot be
    /// mailed.
    pub(crate) report: Option<&'a mut ReportFile>,
}

/// Invites a user and delivers the ticket by mail or in the report file. `mail` is a new address, which replaces the
/// one on record; with `None`, the address on record is used.
pub(crate) fn invite(
    context: &Context,
    by: &Authorized,
    account: &Account,
    mail: Option<&str>,
    handing: &mut Handing<'_>,
) -> Result<Invited, CliError> {
    if account.uid == 0 {
        return Err(root_needs_none());
    }
    by.is_still_first(context)?;
    let stamp = context.stamp()?;
    let letters = generate::ticket(&KernelEntropy)?;
    let ticket = expired(context, by, &letters, stamp.at)?;
    // The ticket is stored as expired, so that the next run issues another one if this run is killed before delivery.
    let waiting = ticket.clone();
    let mut address = mail.map(str::to_owned);
    let mut was = None;
    let mut decide = |found: Option<Snapshot>| {
        let before = found.map(|found| found.record);
        stands(before.as_ref(), stamp.at)?;
        let mut record = enrollment::begun(account, before, stamp);
        was = record.extras.mail.take();
        address = address.take().or_else(|| was.clone());
        record.extras.mail.clone_from(&address);
        enrollment::give_ticket(&mut record.extras, waiting.clone());
        Ok(record)
    };
    match put(context, account, &waiting, &mut decide) {
        Ok(()) => {}
        Err(InviteError::Stands(invited)) => return Ok(invited),
        Err(InviteError::Failed(failure)) => return Err(failure),
    }
    by.write_to_old(context, &account.name, was.as_deref(), address.as_deref());
    let given = GivenTicket { ticket: &ticket, letters: &letters };
    match hand_over(context, account, address.as_deref(), &given, handing) {
        Ok((handed, ticket)) => {
            put_in_force(context, account, &waiting, &ticket)?;
            by.log(context, "invited", &[("user", &account.name)]);
            Ok(handed)
        }
        Err(failure) => {
            take_back(context, account, &waiting);
            Err(failure)
        }
    }
}

/// Returns a ticket that has expired already. The record contains it until the ticket is delivered. Only then is its
/// lifetime set, because the lifetime depends on how the ticket is delivered.
fn expired(
    context: &Context,
    by: &Authorized,
    letters: &str,
    at: UnixTime,
) -> Result<Ticket, CliError> {
    let voucher = generate::voucher(letters, at, &KernelEntropy)?;
    let voucher = voucher.counted_from(context.now()?, &context.machine.ledger.boot_id()?);
    Ok(Ticket { purpose: Purpose::SetUp, voucher, audit: by.audit(at) })
}

fn root_needs_none() -> CliError {
    CliError::new(
        Exit::NotInState,
        "root cannot set up an app at a login, so a ticket would not work",
        "Enroll root here: twinlock enroll root",
    )
}

/// Returns the ticket with a lifetime of `life` seconds, by the wall clock and the boot clock.
fn working(context: &Context, ticket: &Ticket, life: u64) -> Result<Ticket, CliError> {
    let until = ticket.audit.at.plus(life);
    let voucher = Voucher { until, ..ticket.voucher.clone() };
    let voucher = voucher.counted_from(context.now()?, &context.machine.ledger.boot_id()?);
    Ok(Ticket { voucher, ..ticket.clone() })
}

/// Why no ticket was stored in the record.
#[derive(Debug)]
enum InviteError {
    Stands(Invited),
    Failed(CliError),
}

impl fmt::Display for InviteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stands(invited) => f.write_str(&invited.said()),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

impl core::error::Error for InviteError {}

fn stands(before: Option<&Record>, now: UnixTime) -> Result<(), InviteError> {
    let Some(before) = before else { return Ok(()) };
    if before.state == State::Active {
        return Err(InviteError::Stands(Invited::Enrolled));
    }
    let tickets = before.extras.tickets.iter();
    let works = tickets.filter(|one| one.purpose == Purpose::SetUp && now < one.voucher.until);
    match works.map(|one| one.voucher.until).max() {
        Some(until) => Err(InviteError::Stands(Invited::Already(until))),
        None => Ok(()),
    }
}

fn stands_in(context: &Context, account: &Account, ticket: &Ticket) -> Result<bool, StoreError> {
    let found = context.machine.records.newest(account)?;
    Ok(found.is_some_and(|found| found.record.extras.tickets.contains(ticket)))
}

/// Stores the record that `decide` returns, which must contain `ticket`. After a store error, reads the record again,
/// so that the error says whether the ticket was stored.
fn put(
    context: &Context,
    account: &Account,
    ticket: &Ticket,
    decide: &mut dyn FnMut(Option<Snapshot>) -> Result<Record, InviteError>,
) -> Result<(), InviteError> {
    let records = &context.machine.records;
    let find = || records.before_enrollment(account);
    record_update::change_found(records, account, &find, decide).map_err(|fault| match fault {
        ChangeError::Declined(stop) => stop,
        ChangeError::Store(fault) => {
            InviteError::Failed(failed(&account.name, fault, stands_in(context, account, ticket)))
        }
        ChangeError::Changing => InviteError::Failed(CommitError::Overtaken.into()),
    })
}

/// A ticket as the record has it, and its characters as the user types them.
struct GivenTicket<'a> {
    ticket: &'a Ticket,
    letters: &'a Zeroizing<String>,
}

fn hand_over(
    context: &Context,
    account: &Account,
    mail: Option<&str>,
    given: &GivenTicket<'_>,
    handing: &mut Handing<'_>,
) -> Result<(Invited, Ticket), CliError> {
    let GivenTicket { ticket, letters } = *given;
    let grouped = random_text::in_groups(letters, GROUP, '-');
    let lives = context.policy.set_up.ticket_lives;
    let mailed = working(context, ticket, lives.mail)?;
    let ticket_mail = TicketMail {
        user: &account.name,
        topic: Topic::Ticket(ticket.purpose),
        ticket: &grouped,
        by: &ticket.audit.by,
        at: ticket.audit.at,
        until: mailed.voucher.until,
    };
    match (send_ticket(context, mail, &ticket_mail), &mut handing.report) {
        (Ok(address), _) => Ok((Invited::Mailed(address), mailed)),
        (Err(_), Some(report)) => {
            let on_paper = working(context, ticket, lives.paper)?;
            report.add([&account.name, &grouped, &stamp(on_paper.voucher.until)])?;
            Ok((Invited::InReport, on_paper))
        }
        (Err(fault), None) => {
            let failure = CliError::from(fault);
            let remedy = format!("{} Or add --report FILE, for tickets by hand.", failure.remedy);
            Err(CliError::new(failure.exit, failure.what, remedy))
        }
    }
}

/// Makes a delivered ticket valid: replaces `waiting`, the ticket without a lifetime, by `ticket` in the record.
fn put_in_force(
    context: &Context,
    account: &Account,
    waiting: &Ticket,
    ticket: &Ticket,
) -> Result<(), CliError> {
    let overtaken = || InviteError::Failed(CommitError::Overtaken.into());
    let put = put(context, account, ticket, &mut |found| {
        let mut record = found.map(|found| found.record).ok_or_else(overtaken)?;
        let place = record.extras.tickets.iter().position(|one| one == waiting);
        let place = place.and_then(|place| record.extras.tickets.get_mut(place));
        *place.ok_or_else(overtaken)? = ticket.clone();
        record.generation = context.stamp().map_err(InviteError::Failed)?.generation;
        Ok(record)
    });
    put.map_err(|stop| match stop {
        InviteError::Failed(failure) if stands_in(context, account, ticket) == Ok(true) => failure,
        InviteError::Failed(failure) => failure.but("the ticket that was mailed does not work"),
        InviteError::Stands(_) => CommitError::Overtaken.into(),
    })
}

/// Removes from the record a ticket that was not delivered. Best effort: the ticket was never valid, and the next run
/// issues another one.
fn take_back(context: &Context, account: &Account, waiting: &Ticket) {
    // An error here is ignored, because the caller reports why the delivery failed.
    let _ = record_update::change::<()>(&context.machine.records, account, &mut |found| {
        let mut record = found.map(|found| found.record).ok_or(())?;
        record.extras.tickets.retain(|other| other != waiting);
        record.generation = context.stamp().map_err(drop)?.generation;
        Ok(record)
    });
}

impl Invited {
    /// Returns the outcome as text for people.
    pub(crate) fn said(&self) -> String {
        match self {
            Self::Enrolled => "enrolled already".into(),
            Self::Already(until) => format!("invited already, until {}", stamp(*until)),
            Self::Mailed(address) => format!("invited by mail to {address}"),
            Self::InReport => "invited; the ticket is in the report".into(),
        }
    }

    /// Returns the outcome as a word for scripts.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled_already",
            Self::Already(_) => "invited_already",
            Self::Mailed(_) => "mailed",
            Self::InReport => "in_report",
        }
    }

    /// Returns whether this run has delivered a ticket.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self, Self::Mailed(_) | Self::InReport)
    }
}
