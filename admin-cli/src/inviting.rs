//! Inviting one of many people: a ticket in the record, then by mail or in a file; where it reaches nobody, it is taken back.

use twinlock_core::{
    account::Account,
    beside::{Purpose, Ticket, Trace},
    change::{self, ChangeFault},
    draw, enrolment,
    fault::CommitFault,
    letter::Handout,
    letters,
    ports::Snapshot,
    record::{Record, State},
    time::UnixTime,
};
use twinlock_host::entropy::KernelEntropy;
use zeroize::Zeroizing;

use crate::{
    acting,
    actor::{self, Who},
    desk::Desk,
    exit::{Exit, Failure},
    mail::{Address, send_ticket},
    report_file::ReportFile,
    wording::{plain, stamp},
};

/// Letters of a ticket between two dashes.
const GROUP: usize = 4;

/// What became of somebody who was to be invited.
pub enum Invited {
    /// Is set up: there is nothing to invite to.
    Enrolled,
    /// Has a ticket that works until then, from an earlier run.
    Already(UnixTime),
    /// The ticket went by mail.
    Mailed(Address),
    /// The ticket stands in the report.
    InReport,
}

/// How tickets are given out.
pub struct Handing<'a> {
    /// Until when they work.
    pub until: UnixTime,
    /// Where those go that no mail takes.
    pub report: Option<&'a mut ReportFile>,
}

/// Invites somebody; mail goes to `mail`, where one is given, and that stays on record.
pub fn invite(
    desk: &Desk,
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
    let stamp = desk.stamp()?;
    let letters = draw::ticket(&KernelEntropy)?;
    let voucher = draw::voucher(&letters, handing.until, &KernelEntropy)?;
    let trace = Trace { by: acting::name_of(desk, Who::acts()), at: stamp.1 };
    let ticket = Ticket { purpose: Purpose::SetUp, voucher, trace };
    let mut address = mail.map(str::to_owned);
    let given = put(desk, account, &mut |found| {
        let before = found.map(|found| found.record);
        stands(before.as_ref(), stamp.1)?;
        let mut record = enrolment::begun(account, before, stamp);
        address = address.take().or(record.beside.mail.take());
        record.beside.mail.clone_from(&address);
        enrolment::give_ticket(&mut record.beside, ticket.clone());
        Ok(record)
    });
    match given {
        Ok(()) => {}
        Err(Stop::Stands(invited)) => return Ok(invited),
        Err(Stop::Failure(failure)) => return Err(failure),
    }
    let handed = hand_over(desk, (account, address.as_deref()), (&ticket, &letters), handing);
    match &handed {
        Ok(_) => actor::log(desk, "invited", &[("user", &account.name)]),
        Err(_) => take_back(desk, account, &ticket),
    }
    handed
}

/// Why no ticket is put in a record.
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

fn put(
    desk: &Desk,
    account: &Account,
    decide: &mut dyn FnMut(Option<Snapshot>) -> Result<Record, Stop>,
) -> Result<(), Stop> {
    let changed = change::change(&desk.machine.records, account, decide);
    changed.map_err(|fault| match fault {
        ChangeFault::Declined(stop) => stop,
        ChangeFault::Store(fault) => Stop::Failure(fault.into()),
        ChangeFault::Changing => Stop::Failure(CommitFault::Overtaken.into()),
    })
}

fn hand_over(
    desk: &Desk,
    (account, mail): (&Account, Option<&str>),
    (ticket, letters): (&Ticket, &Zeroizing<String>),
    handing: &mut Handing<'_>,
) -> Result<Invited, Failure> {
    let grouped = letters::in_groups(letters, GROUP, '-');
    let handout = Handout {
        user: &account.name,
        purpose: ticket.purpose,
        ticket: &grouped,
        by: &ticket.trace.by,
        at: ticket.trace.at,
        until: ticket.voucher.until,
    };
    match (send_ticket(desk, mail, &handout), &mut handing.report) {
        (Ok(address), _) => Ok(Invited::Mailed(address)),
        (Err(_), Some(report)) => {
            report.add([&account.name, &grouped, &stamp(ticket.voucher.until)])?;
            Ok(Invited::InReport)
        }
        (Err(fault), None) => {
            let failure = Failure::from(fault);
            let remedy = format!("{} Or add --report FILE, for tickets by hand.", failure.remedy);
            Err(Failure { remedy, ..failure })
        }
    }
}

/// A ticket that nobody has works for nobody, and the next run gives another one.
fn take_back(desk: &Desk, account: &Account, ticket: &Ticket) {
    let taken = put(desk, account, &mut |found| {
        let Some(mut record) = found.map(|found| found.record) else {
            return Err(Stop::Stands(Invited::Enrolled));
        };
        record.beside.tickets.retain(|other| other != ticket);
        record.generation = desk.stamp().map_err(Stop::Failure)?.0;
        Ok(record)
    });
    if matches!(taken, Err(Stop::Failure(_))) {
        let what =
            format!("twinlock: the ticket of {} stays, and nobody has it\n", plain(&account.name));
        crate::keyboard::tell(&what);
    }
}

impl Invited {
    /// What is said of it.
    pub fn said(&self) -> String {
        match self {
            Self::Enrolled => "enrolled already".into(),
            Self::Already(until) => format!("invited already, until {}", stamp(*until)),
            Self::Mailed(address) => format!("invited by mail to {address}"),
            Self::InReport => "invited; the ticket is in the report".into(),
        }
    }

    /// The word for scripts.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled_already",
            Self::Already(_) => "invited_already",
            Self::Mailed(_) => "mailed",
            Self::InReport => "in_report",
        }
    }

    /// Whether something was done.
    pub fn is_new(&self) -> bool {
        matches!(self, Self::Mailed(_) | Self::InReport)
    }
}
