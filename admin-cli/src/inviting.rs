//! Invites one of many users: the ticket is stored in the record, then delivered, and only then put in force.

use twinlock_core::{
    account::Account,
    beside::{Purpose, Ticket},
    change::{self, ChangeFault},
    draw, enrolment,
    fault::{CommitFault, StoreFault},
    letter::Handout,
    letters,
    ports::{Ledger, Records, Snapshot},
    record::{Record, State},
    time::UnixTime,
    voucher::Voucher,
};
use twinlock_host::entropy::KernelEntropy;
use zeroize::Zeroizing;

use crate::{
    acting::Proven,
    desk::Desk,
    exit::{Exit, Failure},
    mail::{Address, send_ticket},
    report_file::ReportFile,
    successor::failed,
    wording::stamp,
};

/// Letters of a ticket between two dashes.
const GROUP: usize = 4;

/// Result of one invitation.
pub enum Invited {
    /// The user is enrolled already.
    Enrolled,
    /// The user has a ticket from an earlier run, valid until then.
    Already(UnixTime),
    /// The ticket was mailed.
    Mailed(Address),
    /// The ticket was written to the report.
    InReport,
}

/// How tickets are delivered.
pub struct Handing<'a> {
    /// Report for the tickets that cannot be mailed.
    pub report: Option<&'a mut ReportFile>,
}

/// Invites a user. Mail goes to `mail` if given, and the record keeps that address.
pub fn invite(
    desk: &Desk,
    by: &Proven,
    account: &Account,
    (mail, handing): (Option<&str>, &mut Handing<'_>),
) -> Result<Invited, Failure> {
    if account.uid == 0 {
        return Err(Failure::new(
            Exit::NotInState,
            "root is never set up at a login, so a ticket would open nothing",
            "Set root up here: twinlock enroll root",
        ));
    }
    by.is_still_first(desk)?;
    let stamp = desk.stamp()?;
    let letters = draw::ticket(&KernelEntropy)?;
    // The lifetime depends on how the ticket is delivered.
    let voucher = draw::voucher(&letters, stamp.1, &KernelEntropy)?;
    let voucher = voucher.counted_from(desk.now()?, &desk.machine.ledger.boot_id()?);
    let trace = by.trace(stamp.1);
    let ticket = Ticket { purpose: Purpose::SetUp, voucher, trace };
    // Stored as expired: if this run is killed before delivery, the next one has to issue another ticket.
    let waiting = ticket.clone();
    let mut address = mail.map(str::to_owned);
    let mut was = None;
    let mut decide = |found: Option<Snapshot>| {
        let before = found.map(|found| found.record);
        stands(before.as_ref(), stamp.1)?;
        let mut record = enrolment::begun(account, before, stamp);
        was = record.beside.mail.take();
        address = address.take().or_else(|| was.clone());
        record.beside.mail.clone_from(&address);
        enrolment::give_ticket(&mut record.beside, waiting.clone());
        Ok(record)
    };
    match put(desk, (account, &waiting), &mut decide) {
        Ok(()) => {}
        Err(Stop::Stands(invited)) => return Ok(invited),
        Err(Stop::Failure(failure)) => return Err(failure),
    }
    by.write_to_old(desk, &account.name, was.as_deref(), address.as_deref());
    match hand_over(desk, (account, address.as_deref()), (&ticket, &letters), handing) {
        Ok((handed, ticket)) => {
            put_in_force(desk, account, (&waiting, &ticket))?;
            by.log(desk, "invited", &[("user", &account.name)]);
            Ok(handed)
        }
        Err(failure) => {
            take_back(desk, account, &waiting);
            Err(failure)
        }
    }
}

/// Returns a copy of the ticket that is valid for `life` seconds, by the wall clock and the boot clock.
fn working(desk: &Desk, ticket: &Ticket, life: u64) -> Result<Ticket, Failure> {
    let until = ticket.trace.at.plus(life);
    let voucher = Voucher { until, ..ticket.voucher.clone() };
    let voucher = voucher.counted_from(desk.now()?, &desk.machine.ledger.boot_id()?);
    Ok(Ticket { voucher, ..ticket.clone() })
}

/// Why no ticket is stored in a record.
enum Stop {
    Stands(Invited),
    Failure(Failure),
}

fn stands(before: Option<&Record>, now: UnixTime) -> Result<(), Stop> {
    let Some(before) = before else { return Ok(()) };
    if before.state == State::Active {
        return Err(Stop::Stands(Invited::Enrolled));
    }
    let tickets = before.beside.tickets.iter();
    let works = tickets.filter(|one| one.purpose == Purpose::SetUp && now < one.voucher.until);
    match works.map(|one| one.voucher.until).max() {
        Some(until) => Err(Stop::Stands(Invited::Already(until))),
        None => Ok(()),
    }
}

fn stands_in(desk: &Desk, (account, ticket): (&Account, &Ticket)) -> Result<bool, StoreFault> {
    let found = desk.machine.records.newest(account)?;
    Ok(found.is_some_and(|found| found.record.beside.tickets.contains(ticket)))
}

/// Stores what `decide` makes of the record: one with the ticket.
fn put(
    desk: &Desk,
    (account, ticket): (&Account, &Ticket),
    decide: &mut dyn FnMut(Option<Snapshot>) -> Result<Record, Stop>,
) -> Result<(), Stop> {
    let records = &desk.machine.records;
    let find = || records.before_enrolment(account);
    change::change_found(records, account, &find, decide).map_err(|fault| match fault {
        ChangeFault::Declined(stop) => stop,
        ChangeFault::Store(fault) => {
            Stop::Failure(failed(&account.name, fault, stands_in(desk, (account, ticket))))
        }
        ChangeFault::Changing => Stop::Failure(CommitFault::Overtaken.into()),
    })
}

fn hand_over(
    desk: &Desk,
    (account, mail): (&Account, Option<&str>),
    (ticket, letters): (&Ticket, &Zeroizing<String>),
    handing: &mut Handing<'_>,
) -> Result<(Invited, Ticket), Failure> {
    let grouped = letters::in_groups(letters, GROUP, '-');
    let lives = desk.policy.set_up.ticket_lives;
    let mailed = working(desk, ticket, lives.mail)?;
    let handout = Handout {
        user: &account.name,
        purpose: ticket.purpose,
        ticket: &grouped,
        by: &ticket.trace.by,
        at: ticket.trace.at,
        until: mailed.voucher.until,
    };
    match (send_ticket(desk, mail, &handout), &mut handing.report) {
        (Ok(address), _) => Ok((Invited::Mailed(address), mailed)),
        (Err(_), Some(report)) => {
            let on_paper = working(desk, ticket, lives.paper)?;
            report.add([&account.name, &grouped, &stamp(on_paper.voucher.until)])?;
            Ok((Invited::InReport, on_paper))
        }
        (Err(fault), None) => {
            let failure = Failure::from(fault);
            let remedy = format!("{} Or add --report FILE, for tickets by hand.", failure.remedy);
            Err(Failure::new(failure.exit, failure.what, remedy))
        }
    }
}

/// Puts the delivered ticket in force.
fn put_in_force(
    desk: &Desk,
    account: &Account,
    (waiting, ticket): (&Ticket, &Ticket),
) -> Result<(), Failure> {
    let overtaken = || Stop::Failure(CommitFault::Overtaken.into());
    let put = put(desk, (account, ticket), &mut |found| {
        let mut record = found.map(|found| found.record).ok_or_else(overtaken)?;
        let place = record.beside.tickets.iter().position(|one| one == waiting);
        let place = place.and_then(|place| record.beside.tickets.get_mut(place));
        *place.ok_or_else(overtaken)? = ticket.clone();
        record.generation = desk.stamp().map_err(Stop::Failure)?.0;
        Ok(record)
    });
    put.map_err(|stop| match stop {
        Stop::Failure(failure) if stands_in(desk, (account, ticket)) == Ok(true) => failure,
        Stop::Failure(failure) => failure.but("the ticket that went out does not work"),
        Stop::Stands(_) => CommitFault::Overtaken.into(),
    })
}

/// Removes an undelivered ticket. If that fails, the ticket is expired anyway, and the next run issues another one.
fn take_back(desk: &Desk, account: &Account, waiting: &Ticket) {
    // The error to report is why the delivery failed.
    let _ = change::change::<()>(&desk.machine.records, account, &mut |found| {
        let mut record = found.map(|found| found.record).ok_or(())?;
        record.beside.tickets.retain(|other| other != waiting);
        record.generation = desk.stamp().map_err(drop)?.0;
        Ok(record)
    });
}

impl Invited {
    /// Describes the result.
    pub fn said(&self) -> String {
        match self {
            Self::Enrolled => "enrolled already".into(),
            Self::Already(until) => format!("invited already, until {}", stamp(*until)),
            Self::Mailed(address) => format!("invited by mail to {address}"),
            Self::InReport => "invited; the ticket is in the report".into(),
        }
    }

    /// Returns the word for scripts.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled_already",
            Self::Already(_) => "invited_already",
            Self::Mailed(_) => "mailed",
            Self::InReport => "in_report",
        }
    }

    /// Reports whether anything was changed.
    pub fn is_new(&self) -> bool {
        matches!(self, Self::Mailed(_) | Self::InReport)
    }
}
