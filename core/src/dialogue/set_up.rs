//! Set-up at a login: why, which apps, the key and its proof, backup codes; switched on by one change, or not at all.

use crate::{
    admission::{Offer, Without},
    answer::{self, Answer},
    attempt::Outcome,
    beside::Ticket,
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
        set_up::{Beginning, Going, SetUp, WORDS},
    },
    policy::TicketNeed,
    record::{Record, SetId},
};

/// What came of an offer.
pub enum Came {
    /// The person is enrolled, by a code that is used up.
    Enrolled(Accepted),
    /// The person goes on without.
    Without,
}

/// Offers set-up, and carries it through.
///
/// # Errors
/// [`Stop`]; the person is not enrolled then, unless it was the new codes that were not confirmed.
pub fn offer(talk: &Talk<'_>, offer: Offer, judge: Judge<'_>) -> Result<Came, Stop> {
    let ticket = match begin(talk, offer, judge)? {
        Begun::Yes(ticket) => ticket,
        Begun::No => return without(talk, offer),
    };
    let proven = proving::prove(talk)?;
    let accepted = Accepted::App {
        authenticator: proven.authenticator.name.clone(),
        step: proven.step,
        resynced: None,
        length: usize::from(proven.authenticator.parameters.digits.get()),
    };
    enrol(talk, &proven, ticket.as_ref())?;
    talk.write(LetterKind::SetUpDone, None);
    let why = Why::SetUp { user: talk.account.name.clone(), host: talk.ports.accounts.host_name() };
    // Who has proven the key is in, whatever becomes of the codes: they are owed, and shown again next time.
    if first_codes(talk, why).is_err() {
        talk.person().tell(&talk.new_codes(&NewCodes::Later));
    }
    Ok(Came::Enrolled(accepted))
}

/// Whether set-up was begun, and with which ticket.
enum Begun {
    Yes(Option<Ticket>),
    No,
}

fn begin(talk: &Talk<'_>, offer: Offer, judge: Judge<'_>) -> Result<Begun, Stop> {
    let by = match offer.ticket {
        TicketNeed::Needed => Beginning::Ticket,
        TicketNeed::Free => Beginning::Word,
    };
    let first = SetUp::Begin {
        user: talk.account.name.clone(),
        reason: talk.policy.set_up.reason.clone(),
        by,
        without: match offer.without {
            Without::Refused => Going::No,
            Without::LetThrough(until) => Going::On(until),
        },
    };
    let typed = talk.ask_shown(&talk.set_up(&first))?;
    if by == Beginning::Ticket {
        return ask_for_ticket(talk, answer::read(&typed), judge);
    }
    let word = typed.text().trim();
    let begins = WORDS.iter().any(|begin| word.eq_ignore_ascii_case(begin));
    Ok(if begins { Begun::Yes(None) } else { Begun::No })
}

fn ask_for_ticket(talk: &Talk<'_>, first: Answer, judge: Judge<'_>) -> Result<Begun, Stop> {
    let mut answer = first;
    for left in (0..talk.policy.tries).rev() {
        let said = match answer {
            Answer::Stop => return Ok(Begun::No),
            Answer::Code(code) if code.ticket().is_some() => match judge(&code) {
                Outcome::Ticket(ticket) => return Ok(Begun::Yes(Some(ticket))),
                Outcome::Faulty(reason) => return Err(Stop::Broken(reason)),
                Outcome::Throttled { .. } => return Err(Stop::Declined(Reason::Throttled)),
                Outcome::Locked => return Err(Stop::Declined(Reason::Locked)),
                Outcome::Granted(_)
                | Outcome::LastCode(_)
                | Outcome::NothingGiven
                | Outcome::Wrong
                | Outcome::Replayed { .. }
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
    Err(Stop::Declined(Reason::NoTicket))
}

fn without(talk: &Talk<'_>, offer: Offer) -> Result<Came, Stop> {
    match offer.without {
        Without::LetThrough(_) => Ok(Came::Without),
        Without::Refused => {
            talk.person().tell(&talk.set_up(&SetUp::NeedsAPerson));
            Err(Stop::Declined(match offer.ticket {
                TicketNeed::Needed => Reason::NoTicket,
                TicketNeed::Free => Reason::NotSetUp,
            }))
        }
    }
}

/// Switches on: by this one change the key, and nothing before it.
fn enrol(talk: &Talk<'_>, proven: &Proven, ticket: Option<&Ticket>) -> Result<(), Stop> {
    let stamp = talk.stamp()?;
    let enrolled = change(talk.ports.records, talk.account, &mut |found| {
        let found = found.ok_or(OVERTAKEN)?;
        let authenticator = proven.authenticator.copied();
        if !proving::is_pending(&found.record, &authenticator.key)
            || ticket.is_some_and(|ticket| !found.record.beside.tickets.contains(ticket))
        {
            return Err(OVERTAKEN);
        }
        let successor = enrolment::enrol(talk.account, Some(&found), authenticator, stamp);
        let mut record = successor.map_err(|_| OVERTAKEN)?.record;
        record.beside.owed_codes = Some(talk.own_trace(stamp.1));
        Ok(record)
    });
    if enrolled.is_err() {
        talk.person().tell(&talk.set_up(&SetUp::Overtaken));
    }
    Ok(enrolled?)
}

/// The first codes of somebody who has none, or whose codes somebody else has taken away.
///
/// # Errors
/// [`Stop`]; the codes stay owed.
pub fn first_codes(talk: &Talk<'_>, why: Why) -> Result<(), Stop> {
    let mut put = |id: SetId| put_owed(talk, id);
    new_codes::renew(talk, why, &mut put).map(|_| ())
}

fn put_owed(talk: &Talk<'_>, id: SetId) -> Result<(), Stop> {
    let stamp = talk.stamp()?;
    let owed = |record: &Record| record.codes.is_none() || record.beside.owed_codes.is_some();
    Ok(change(talk.ports.records, talk.account, &mut |found| match found {
        Some(found) if enrolment::is_enrolled(&found) && owed(&found.record) => {
            Ok(enrolment::with_codes(found.record, id, stamp))
        }
        _ => Err(OVERTAKEN),
    })?)
}
