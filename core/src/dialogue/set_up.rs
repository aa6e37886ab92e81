//! Set-up during a login: shows the reason, suitable apps and the key, verifies the first code, and issues backup
//! codes. One change of the record enables the key.

use crate::{
    answer::{self, Answer},
    base::{secret::Typed, time::Now},
    dialogue::{
        context::{DialogueContext, DialogueError, Judge, OVERTAKEN},
        new_codes,
        proving::{self, ProvenKey},
    },
    event::{Accepted, Reason},
    message::{
        new_codes::{NewCodes, Why},
        set_up::{Beginning, Going, SetUp, is_begin},
    },
    notify::notification::NotificationKind,
    otp::otpauth::DEFAULT_NAME,
    policy::{
        TicketNeed,
        admission::{Offer, Without},
    },
    ports::Snapshot,
    record::{
        Generation, Record, SetId,
        enrollment::{self, ChangeStamp},
        extras::{AuditStamp, Ticket},
    },
    verify::{attempt::Outcome, record_update::change},
};

/// How an offer of set-up ended.
pub enum Came {
    /// The user is enrolled, and the first code is used up. Holds the generation (id of its state) of the new record.
    Enrolled(Accepted, Generation),
    /// The login continues although the user did not set up.
    Without,
}

/// Offers set-up and runs it if the user agrees. `reset` says who reset the user, and when; `None` if the user was not
/// reset.
///
/// # Errors
/// [`DialogueError`] if the login must end. The user is not enrolled then, except that after a fault of the store the
/// enrollment may already be stored.
pub fn offer(
    context: &DialogueContext<'_>,
    offer: Offer,
    reset: Option<&AuditStamp>,
    judge: Judge<'_>,
) -> Result<Came, DialogueError> {
    let ticket = match begin(context, offer, reset, judge)? {
        SetUpStart::Yes(ticket) => ticket,
        SetUpStart::No => return without(context, offer),
    };
    let proven = proving::prove(context, DEFAULT_NAME)?;
    let accepted = Accepted::App {
        authenticator: proven.authenticator.name.clone(),
        step: proven.step,
        resynced: None,
        length: usize::from(proven.authenticator.parameters.digits.get()),
    };
    let generation = enroll(context, &proven, ticket.as_ref(), reset)?;
    context.write(NotificationKind::SetUpDone, None);
    let why = Why::SetUp { user: context.name(), host: context.ports.accounts.host_name() };
    // The key is verified, so access is granted even if the backup codes could not be issued: they are still due, and
    // the next login shows them.
    let shown = codes_or_later(context, why, generation);
    Ok(Came::Enrolled(accepted, shown.generation))
}

/// Whether the user has begun set-up, and with which ticket.
enum SetUpStart {
    Yes(Option<Ticket>),
    No,
}

fn begin(
    context: &DialogueContext<'_>,
    offer: Offer,
    reset: Option<&AuditStamp>,
    judge: Judge<'_>,
) -> Result<SetUpStart, DialogueError> {
    let by = match offer.ticket {
        TicketNeed::Needed => Beginning::Ticket,
        TicketNeed::Free => Beginning::Word,
    };
    let without = match offer.without {
        Without::Refused => Going::No,
        Without::LetThrough(until) => Going::On(until),
    };
    let reason = context.policy.set_up.reason.clone();
    let first = SetUp::Begin { user: context.name(), reason, by, without, reset: reset.cloned() };
    let typed = context.ask_shown(&context.set_up(&first))?;
    match by {
        Beginning::Ticket => ask_for_ticket(context, answer::read(&typed), judge),
        Beginning::Word => ask_for_word(context, typed, without),
    }
}

/// Asks for the word that begins set-up. `first` is the user's first answer. After a wrong word, asks again, because a
/// typing error must neither deny nor grant access. An empty answer declines set-up.
fn ask_for_word(
    context: &DialogueContext<'_>,
    first: Typed,
    without: Going,
) -> Result<SetUpStart, DialogueError> {
    let mut typed = first;
    for left in (0..context.policy.tries).rev() {
        if is_begin(typed.text()) {
            return Ok(SetUpStart::Yes(None));
        }
        if typed.text().trim().is_empty() || left == 0 {
            break;
        }
        typed = context.ask_shown(&context.set_up(&SetUp::BeginAgain { without }))?;
    }
    Ok(SetUpStart::No)
}

fn ask_for_ticket(
    context: &DialogueContext<'_>,
    first: Answer,
    judge: Judge<'_>,
) -> Result<SetUpStart, DialogueError> {
    let mut answer = first;
    for left in (0..context.policy.tries).rev() {
        let said = match answer {
            Answer::Stop => return Ok(SetUpStart::No),
            Answer::Code(code) if code.ticket().is_some() => match judge(&code) {
                Outcome::Ticket(ticket) => return Ok(SetUpStart::Yes(Some(ticket))),
                Outcome::Faulty(reason) => return Err(DialogueError::Broken(reason)),
                Outcome::Throttled { until, wait } => return Err(context.throttled(until, wait)),
                Outcome::Locked => return Err(context.locked()),
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
            answer = answer::read(&context.ask_shown(&context.set_up(&said))?);
        } else {
            break;
        }
    }
    context.leave_word(context.set_up(&SetUp::NoTicket { user: context.name() }));
    Err(DialogueError::Declined(Reason::NoTicket))
}

fn without(context: &DialogueContext<'_>, offer: Offer) -> Result<Came, DialogueError> {
    match offer.without {
        // A user who was enrolled or reset in the meantime is no longer granted access without a code.
        Without::LetThrough(_) => match context.ports.records.newest(context.account) {
            Ok(found) if found.as_ref().is_none_or(may_go_on) => Ok(Came::Without),
            Ok(_) => Err(OVERTAKEN),
            Err(fault) => Err(DialogueError::Broken(Reason::Store(fault))),
        },
        Without::Refused => {
            context.leave_word(context.set_up(&SetUp::NeedsAPerson));
            Err(DialogueError::Declined(match offer.ticket {
                TicketNeed::Needed => Reason::NoTicket,
                TicketNeed::Free => Reason::NotSetUp,
            }))
        }
    }
}

/// Enrolls the user with a verified key. This single change of the record enables the key and uses up all tickets.
/// Returns the generation (id of its state) of the new record. Fails if the record no longer has the pending key, if it
/// has another reset than `reset`, or if `ticket`, which the user entered, is no longer valid.
fn enroll(
    context: &DialogueContext<'_>,
    proven: &ProvenKey,
    ticket: Option<&Ticket>,
    reset: Option<&AuditStamp>,
) -> Result<Generation, DialogueError> {
    let (stamp, now) = (context.stamp()?, context.now()?);
    change(context.ports.records, context.account, &mut |found| {
        let found = found.ok_or(OVERTAKEN)?;
        let authenticator = proven.authenticator.copied();
        if !proving::is_pending(&found.record, &authenticator.key)
            || found.record.extras.reset.as_ref() != reset
            || ticket.is_some_and(|ticket| !works(&found.record, ticket, now))
        {
            return Err(OVERTAKEN);
        }
        let successor = enrollment::enroll(context.account, Some(&found), authenticator, stamp);
        let mut record = successor.map_err(|_| OVERTAKEN)?.record;
        record.extras.owed_codes = Some(context.own_audit(stamp.at));
        proven.mark_as_fresh(context, &mut record);
        Ok(record)
    })?;
    Ok(stamp.generation)
}

fn may_go_on(found: &Snapshot) -> bool {
    !enrollment::is_enrolled(found) && found.record.extras.reset.is_none()
}

/// Returns whether a ticket is still in the record and valid. The user may have kept the dialogue open for a long time.
fn works(record: &Record, ticket: &Ticket, now: Now) -> bool {
    record.extras.tickets.contains(ticket) && !ticket.voucher.is_over(now)
}

/// What entitles a user to see new backup codes: a code or a ticket that the user entered.
pub struct Owed<'a> {
    /// Generation (id of its state) of the record with which the code or ticket was compared.
    pub generation: Generation,
    /// The ticket that the user entered; `None` if a code was entered.
    pub ticket: Option<&'a Ticket>,
}

/// The result of showing backup codes that the user had to be shown.
pub struct OwedCodesShown {
    /// Whether the backup codes that were shown are valid.
    pub codes: CodesShown,
    /// Generation (id of its state) of the record after the codes were shown.
    pub generation: Generation,
}

/// Whether backup codes that were shown to the user are valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodesShown {
    /// The codes are valid.
    InForce,
    /// The codes are not valid, or it is unknown whether they are. The user must be shown new ones.
    Owed,
}

/// Shows the user the new backup codes that the record asks for. The record must still have the generation (id of its
/// state) in `judged`. If the codes are not valid after that, tells the user that a later login shows new ones.
pub fn codes_or_later(
    context: &DialogueContext<'_>,
    why: Why,
    judged: Generation,
) -> OwedCodesShown {
    let owed = Owed { generation: judged, ticket: None };
    let still_owed = OwedCodesShown { codes: CodesShown::Owed, generation: judged };
    let Ok(ChangeStamp { generation: new, .. }) = context.stamp() else { return still_owed };
    if first_codes(context, why, &owed, new).is_ok() {
        return OwedCodesShown { codes: CodesShown::InForce, generation: new };
    }
    let newest = context.ports.records.newest(context.account).ok().flatten();
    match newest.map(|found| found.record) {
        Some(record) if record.generation == new => {
            // The store failed after the change: the new record is in force, but may be lost in a power failure.
            context.person().tell(&context.new_codes(&NewCodes::Unsure));
            OwedCodesShown { codes: CodesShown::Owed, generation: new }
        }
        Some(record) if record.generation == judged && record.extras.owed_codes.is_some() => {
            context.person().tell(&context.new_codes(&NewCodes::Later));
            still_owed
        }
        Some(_) | None => still_owed,
    }
}

/// Issues the first backup codes of a user, or new ones after an administrator revoked the old ones. The new record
/// gets `generation` as the id of its state.
///
/// # Errors
/// [`DialogueError`] if the codes are not valid. The record still says that the user must be shown codes, so the next
/// login issues them. If the store failed, it is unknown whether the old or the new record is stored.
pub fn first_codes(
    context: &DialogueContext<'_>,
    why: Why,
    owed: &Owed<'_>,
    generation: Generation,
) -> Result<(), DialogueError> {
    let mut put = |id: SetId| put_owed(context, id, generation, owed);
    new_codes::renew(context, why, &mut put).map(|_| ())
}

fn put_owed(
    context: &DialogueContext<'_>,
    id: SetId,
    generation: Generation,
    by: &Owed<'_>,
) -> Result<(), DialogueError> {
    let now = context.now()?;
    let stamp = ChangeStamp { generation, at: now.unix };
    let owed = |record: &Record| {
        record.generation == by.generation
            && (record.codes.is_none() || record.extras.owed_codes.is_some())
            && by.ticket.is_none_or(|ticket| works(record, ticket, now))
    };
    Ok(change(context.ports.records, context.account, &mut |found| match found {
        Some(found) if enrollment::is_enrolled(&found) && owed(&found.record) => {
            Ok(enrollment::with_codes(found.record, id, stamp))
        }
        _ => Err(OVERTAKEN),
    })?)
}
