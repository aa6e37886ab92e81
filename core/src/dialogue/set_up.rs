//! Set-up at a login: reason, suitable apps, key, first code, backup codes. One change enables it.

use crate::{
    admission::{Offer, Without},
    answer::{self, Answer},
    attempt::Outcome,
    beside::{Ticket, Trace},
    change::change,
    dialogue::{
        new_codes,
        proving::{self, Proven},
        talk::{Judge, OVERTAKEN, Stop, Talk},
    },
    enrolment,
    event::{Accepted, Reason},
    letter::LetterKind,
    message::{
        new_codes::{NewCodes, Why},
        set_up::{Beginning, Going, SetUp, is_begin},
    },
    otp::otpauth::DEFAULT_NAME,
    policy::TicketNeed,
    ports::Snapshot,
    record::{Generation, Record, SetId},
    secret::Typed,
    time::Now,
};

/// The result of an offer.
pub enum Came {
    /// The user is enrolled and the code is used up; the generation of the new record.
    Enrolled(Accepted, Generation),
    /// The user continues without set-up.
    Without,
}

/// Offers set-up and runs it.
///
/// # Errors
/// [`Stop`]; the user is not enrolled then, unless only the new codes were not confirmed.
pub fn offer(
    talk: &Talk<'_>,
    (offer, reset): (Offer, Option<&Trace>),
    judge: Judge<'_>,
) -> Result<Came, Stop> {
    let ticket = match begin(talk, (offer, reset), judge)? {
        Begun::Yes(ticket) => ticket,
        Begun::No => return without(talk, offer),
    };
    let proven = proving::prove(talk, DEFAULT_NAME)?;
    let accepted = Accepted::App {
        authenticator: proven.authenticator.name.clone(),
        step: proven.step,
        resynced: None,
        length: usize::from(proven.authenticator.parameters.digits.get()),
    };
    let generation = enrol(talk, &proven, (ticket.as_ref(), reset))?;
    talk.write(LetterKind::SetUpDone, None);
    let why = Why::SetUp { user: talk.name(), host: talk.ports.accounts.host_name() };
    // The key is verified, so access is granted even if the codes fail: they stay owed and are shown at the next
    // login.
    let shown = codes_or_later(talk, why, generation);
    Ok(Came::Enrolled(accepted, shown.generation))
}

/// Whether set-up was begun, and with which ticket.
enum Begun {
    Yes(Option<Ticket>),
    No,
}

fn begin(
    talk: &Talk<'_>,
    (offer, reset): (Offer, Option<&Trace>),
    judge: Judge<'_>,
) -> Result<Begun, Stop> {
    let by = match offer.ticket {
        TicketNeed::Needed => Beginning::Ticket,
        TicketNeed::Free => Beginning::Word,
    };
    let without = match offer.without {
        Without::Refused => Going::No,
        Without::LetThrough(until) => Going::On(until),
    };
    let reason = talk.policy.set_up.reason.clone();
    let first = SetUp::Begin { user: talk.name(), reason, by, without, reset: reset.cloned() };
    let typed = talk.ask_shown(&talk.set_up(&first))?;
    match by {
        Beginning::Ticket => ask_for_ticket(talk, answer::read(&typed), judge),
        Beginning::Word => ask_for_word(talk, typed, without),
    }
}

/// Asks for the word that begins set-up. Another word is asked again, since a slip must neither deny nor grant
/// access. An empty answer declines.
fn ask_for_word(talk: &Talk<'_>, first: Typed, without: Going) -> Result<Begun, Stop> {
    let mut typed = first;
    for left in (0..talk.policy.tries).rev() {
        if is_begin(typed.text()) {
            return Ok(Begun::Yes(None));
        }
        if typed.text().trim().is_empty() || left == 0 {
            break;
        }
        typed = talk.ask_shown(&talk.set_up(&SetUp::BeginAgain { without }))?;
    }
    Ok(Begun::No)
}

fn ask_for_ticket(talk: &Talk<'_>, first: Answer, judge: Judge<'_>) -> Result<Begun, Stop> {
    let mut answer = first;
    for left in (0..talk.policy.tries).rev() {
        let said = match answer {
            Answer::Stop => return Ok(Begun::No),
            Answer::Code(code) if code.ticket().is_some() => match judge(&code) {
                Outcome::Ticket(ticket) => return Ok(Begun::Yes(Some(ticket))),
                Outcome::Faulty(reason) => return Err(Stop::Broken(reason)),
                Outcome::Throttled { until, wait } => return Err(talk.throttled(until, wait)),
                Outcome::Locked => return Err(talk.locked()),
                Outcome::Granted(_)
                | Outcome::LastCode(_)
                | Outcome::NoBypass
                | Outcome::NoTicket
                | Outcome::Wrong
                | Outcome::Replayed { .. }
                | Outcome::Repeated { .. }
                | Outcome::Spent
                | Outcome::BeforeEpoch { .. }
                | Outcome::ClockOff { .. }
                | Outcome::HalfJudged(_) => SetUp::WrongTicket { left },
            },
            Answer::Code(_) | Answer::Help | Answer::Other => SetUp::NotATicket,
        };
        if left > 0 {
            answer = answer::read(&talk.ask_shown(&talk.set_up(&said))?);
        } else {
            break;
        }
    }
    talk.leave_word(talk.set_up(&SetUp::NoTicket { user: talk.name() }));
    Err(Stop::Declined(Reason::NoTicket))
}

fn without(talk: &Talk<'_>, offer: Offer) -> Result<Came, Stop> {
    match offer.without {
        // A user who was enrolled or reset in the meantime is no longer let through.
        Without::LetThrough(_) => match talk.ports.records.newest(talk.account) {
            Ok(found) if found.as_ref().is_none_or(may_go_on) => Ok(Came::Without),
            Ok(_) => Err(OVERTAKEN),
            Err(fault) => Err(Stop::Broken(Reason::Store(fault))),
        },
        Without::Refused => {
            talk.leave_word(talk.set_up(&SetUp::NeedsAPerson));
            Err(Stop::Declined(match offer.ticket {
                TicketNeed::Needed => Reason::NoTicket,
                TicketNeed::Free => Reason::NotSetUp,
            }))
        }
    }
}

/// Enrolls the user: this single change enables the key.
fn enrol(
    talk: &Talk<'_>,
    proven: &Proven,
    (ticket, reset): (Option<&Ticket>, Option<&Trace>),
) -> Result<Generation, Stop> {
    let (stamp, now) = (talk.stamp()?, talk.now()?);
    change(talk.ports.records, talk.account, &mut |found| {
        let found = found.ok_or(OVERTAKEN)?;
        let authenticator = proven.authenticator.copied();
        if !proving::is_pending(&found.record, &authenticator.key)
            || found.record.beside.reset.as_ref() != reset
            || ticket.is_some_and(|ticket| !works(&found.record, ticket, now))
        {
            return Err(OVERTAKEN);
        }
        let successor = enrolment::enrol(talk.account, Some(&found), authenticator, stamp);
        let mut record = successor.map_err(|_| OVERTAKEN)?.record;
        record.beside.owed_codes = Some(talk.own_trace(stamp.1));
        proven.mark_as_fresh(talk, &mut record);
        Ok(record)
    })?;
    Ok(stamp.0)
}

fn may_go_on(found: &Snapshot) -> bool {
    !enrolment::is_enrolled(found) && found.record.beside.reset.is_none()
}

/// Returns whether a ticket still exists and is valid: the user may hold the dialogue open for any time.
fn works(record: &Record, ticket: &Ticket, now: Now) -> bool {
    record.beside.tickets.contains(ticket) && !ticket.voucher.is_over(now)
}

/// What authorizes new codes that are owed.
pub struct Owed<'a> {
    /// The generation of the record that the code or ticket was compared with.
    pub generation: Generation,
    /// The ticket, if one was used.
    pub ticket: Option<&'a Ticket>,
}

/// The result for codes that were owed.
pub struct Shown {
    /// Whether they are still owed.
    pub codes: CodesShown,
    /// The generation of the resulting record.
    pub generation: Generation,
}

/// Whether the codes that were shown are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodesShown {
    /// They are.
    InForce,
    /// They are not, or it is unknown.
    Owed,
}

/// Shows the codes that the record of this generation owes; tells the user if they must be shown again.
pub fn codes_or_later(talk: &Talk<'_>, why: Why, judged: Generation) -> Shown {
    let owed = Owed { generation: judged, ticket: None };
    let still_owed = Shown { codes: CodesShown::Owed, generation: judged };
    let Ok((new, _)) = talk.stamp() else { return still_owed };
    if first_codes(talk, why, (&owed, new)).is_ok() {
        return Shown { codes: CodesShown::InForce, generation: new };
    }
    let newest = talk.ports.records.newest(talk.account).ok().flatten();
    match newest.map(|found| found.record) {
        Some(record) if record.generation == new => {
            // The store failed after the change: the record in force may not survive a power failure.
            talk.person().tell(&talk.new_codes(&NewCodes::Unsure));
            Shown { codes: CodesShown::Owed, generation: new }
        }
        Some(record) if record.generation == judged && record.beside.owed_codes.is_some() => {
            talk.person().tell(&talk.new_codes(&NewCodes::Later));
            still_owed
        }
        Some(_) | None => still_owed,
    }
}

/// Issues the first codes of a user, or new ones after an administrator revoked the old.
///
/// # Errors
/// [`Stop`]; the codes stay owed, unless the store failed.
pub fn first_codes(
    talk: &Talk<'_>,
    why: Why,
    (owed, generation): (&Owed<'_>, Generation),
) -> Result<(), Stop> {
    let mut put = |id: SetId| put_owed(talk, (id, generation), owed);
    new_codes::renew(talk, why, &mut put).map(|_| ())
}

fn put_owed(
    talk: &Talk<'_>,
    (id, generation): (SetId, Generation),
    by: &Owed<'_>,
) -> Result<(), Stop> {
    let now = talk.now()?;
    let stamp = (generation, now.unix);
    let owed = |record: &Record| {
        record.generation == by.generation
            && (record.codes.is_none() || record.beside.owed_codes.is_some())
            && by.ticket.is_none_or(|ticket| works(record, ticket, now))
    };
    Ok(change(talk.ports.records, talk.account, &mut |found| match found {
        Some(found) if enrolment::is_enrolled(&found) && owed(&found.record) => {
            Ok(enrolment::with_codes(found.record, id, stamp))
        }
        _ => Err(OVERTAKEN),
    })?)
}
