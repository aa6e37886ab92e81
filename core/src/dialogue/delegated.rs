//! Operations that a member of a role runs on another user. The context holds the account of the other user. No
//! operation returns a secret: a ticket or bypass code is generated when it is mailed.

use alloc::{format, string::String};

use crate::{
    base::{
        error::{FileError, LedgerError, StoreError},
        time::{HOUR, MINUTE, UnixTime},
    },
    dialogue::context::{DialogueContext, DialogueError, OVERTAKEN},
    event::Reason,
    ledger::names,
    notify::notification::{Notification, NotificationKind},
    policy::roles::{Role, RoleVerb},
    ports::Creation,
    record::{
        Record, Snapshot, State,
        enrollment::{self, ChangeStamp},
        extras::AuditStamp,
    },
    verify::{
        record_update::{self, ChangeError},
        unlock::{FailedAttempts, UnlockError},
    },
};

/// Prefix of the ledger names that reserve seconds of the wall clock. Each action that a member of a role takes on the
/// user reserves a second, so that no two actions have the same time (see [`own_second`]).
const SECOND: &str = "op.role-second.";

/// A member of a role who runs an operation on the account of another user.
#[derive(Debug, Clone, Copy)]
pub struct RoleActor<'a> {
    /// The account name of the member who asked for the action.
    pub name: &'a str,
    /// The role that permits the action.
    pub role: &'a Role,
    /// The account name of the member who approved the action; `None` if the role requires no approval.
    pub approved_by: Option<&'a str>,
}

/// Why nothing was done for the other user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelegationError {
    /// The user is not enrolled.
    NotEnrolled,
    /// The user has no failed attempts.
    NoAttempts,
    /// The host failed, or another process changed the record at the same time.
    Dialogue(DialogueError),
}

impl core::fmt::Display for DelegationError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotEnrolled => f.write_str("the user is not enrolled"),
            Self::NoAttempts => f.write_str("the user has no failed attempts"),
            Self::Dialogue(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for DelegationError {}

impl From<DialogueError> for DelegationError {
    fn from(error: DialogueError) -> Self {
        Self::Dialogue(error)
    }
}

/// Resets the second factor of the user, and requests a mail with a set-up ticket. A user who was reset earlier, and
/// has not set up an authenticator since, can be reset once more and gets another ticket.
///
/// # Errors
/// [`DelegationError`] if the user was not reset, or if the mail with the ticket could not be requested.
pub fn reset(context: &DialogueContext<'_>, actor: &RoleActor<'_>) -> Result<(), DelegationError> {
    let stamp = ChangeStamp { at: own_second(context)?, ..context.stamp()? };
    let audit = AuditStamp { by: actor.name.into(), at: stamp.at };
    if !newest(context)?.is_some_and(|record| may_be_reset(&record)) {
        return Err(DelegationError::NotEnrolled);
    }
    // The user is told first. If this process is killed in between, the mail reports what was not done, which is better
    // than silence about what was done.
    let request = announce(context, actor, RoleVerb::Reset, stamp.at)?;
    let mut decide = |found: Option<Snapshot>| {
        let found = found.map(|found| found.record).filter(may_be_reset);
        let found = found.ok_or(DelegationError::NotEnrolled)?;
        Ok(enrollment::reset(found, audit.clone(), stamp))
    };
    let changed = record_update::change(context.ports.records, context.account, &mut decide);
    changed.map_err(|error: ChangeError<DelegationError>| match error {
        ChangeError::Declined(error) => error,
        ChangeError::Store(fault) => DialogueError::Broken(Reason::Unwritten(fault)).into(),
        ChangeError::Changing => DialogueError::Broken(Reason::RecordChanging).into(),
    })?;
    // After the change, because the ticket is only for a user who is reset.
    let kind = NotificationKind::TicketByMail;
    Ok(put(context, &Notification { kind, service: "twinlock".into(), ..request })?)
}

/// Requests a mail with a bypass code for the user. The role says for how long the code is valid.
///
/// # Errors
/// [`DelegationError`] if no bypass code was requested.
pub fn bypass(context: &DialogueContext<'_>, actor: &RoleActor<'_>) -> Result<(), DelegationError> {
    let at = own_second(context)?;
    if !newest(context)?.is_some_and(|record| record.state == State::Active) {
        return Err(DelegationError::NotEnrolled);
    }
    let request = announce(context, actor, RoleVerb::Bypass, at)?;
    let request = Notification {
        kind: NotificationKind::BypassByMail,
        service: "twinlock".into(),
        life: Some(actor.role.bypass_for),
        ..request
    };
    Ok(put(context, &request)?)
}

/// Clears the failed attempts of the user, and returns their number.
///
/// # Errors
/// [`DelegationError`] if the user has no failed attempts, or if it is not certain that all of them were cleared.
pub fn unlock(
    context: &DialogueContext<'_>,
    actor: &RoleActor<'_>,
) -> Result<usize, DelegationError> {
    let broken = |fault: LedgerError| DialogueError::Broken(Reason::Ledger(fault));
    let records = context.ports.records;
    let found = FailedAttempts::find(context.user_ledger, records, context.account);
    let found = found.map_err(broken)?;
    if found.is_empty() {
        return Err(DelegationError::NoAttempts);
    }
    announce(context, actor, RoleVerb::Unlock, own_second(context)?)?;
    found.clear(context.user_ledger, records, context.account).map_err(|error| {
        broken(match error {
            UnlockError::Stay { .. } => LedgerError::Io { errno: 0 },
            UnlockError::Unseen(fault) => fault,
        })
    })?;
    Ok(found.by_source().values().sum())
}

/// Reserves one second of the wall clock for an action on the user, and returns it: the current second, or the first of
/// the next 59 seconds that is not reserved. Two actions must not share a second: the outbox treats two mails about the
/// same user and second as one mail, and no mail about an action may be lost. Returns [`OVERTAKEN`] if all these
/// seconds are reserved.
fn own_second(context: &DialogueContext<'_>) -> Result<UnixTime, DialogueError> {
    let broken = |fault| DialogueError::Broken(Reason::Ledger(fault));
    let (ledger, now) = (context.user_ledger, context.now()?.unix);
    for name in ledger.names().map_err(broken)? {
        let at = name.strip_prefix(SECOND).and_then(names::read_instant);
        if at.is_some_and(|at| now.since(at) > HOUR) {
            ledger.erase(&name);
        }
    }
    for later in 0..MINUTE {
        let at = now.plus(later);
        let name = [SECOND, &names::instant(at)].concat();
        if ledger.create(&name, &names::instant(now)).map_err(broken)? == Creation::Made {
            return Ok(at);
        }
    }
    Err(OVERTAKEN)
}

/// Queues the mails about an action: to the user, and to the address that the role names. Returns the notification to
/// the user, from which the caller makes the request for a ticket or bypass code.
///
/// # Errors
/// [`DialogueError::Broken`] if a mail cannot be queued. The caller must not do the action then, because the user would
/// not be told about it.
fn announce(
    context: &DialogueContext<'_>,
    actor: &RoleActor<'_>,
    verb: RoleVerb,
    at: UnixTime,
) -> Result<Notification, DialogueError> {
    let letter = Notification {
        user: context.account.name.clone(),
        kind: NotificationKind::RoleUsed,
        at,
        service: what(actor, verb),
        source: context.source.clone(),
        by: Some(actor.name.into()),
        left: None,
        to: None,
        life: None,
    };
    put(context, &letter)?;
    if let Some(address) = &actor.role.notify {
        let to = Some(address.as_str().into());
        let kind = NotificationKind::RoleReport;
        put(context, &Notification { kind, to, ..letter.clone() })?;
    }
    Ok(letter)
}

fn put(context: &DialogueContext<'_>, notification: &Notification) -> Result<(), DialogueError> {
    if context.ports.outbox.put(notification) {
        return Ok(());
    }
    let fault = StoreError::File(FileError::Io { errno: 0 });
    Err(DialogueError::Broken(Reason::Unwritten(fault)))
}

/// Returns the text that names the action in the mails, such as `twinlock reset (role helpdesk)`.
fn what(actor: &RoleActor<'_>, verb: RoleVerb) -> String {
    let (verb, role) = (verb.word(), &actor.role.name);
    match actor.approved_by {
        Some(other) => format!("twinlock {verb} (role {role}, approved by {other})"),
        None => format!("twinlock {verb} (role {role})"),
    }
}

fn newest(context: &DialogueContext<'_>) -> Result<Option<Record>, DialogueError> {
    let found = context.ports.records.newest(context.account);
    let found = found.map_err(|fault| DialogueError::Broken(Reason::Store(fault)))?;
    Ok(found.map(|found| found.record))
}

fn may_be_reset(record: &Record) -> bool {
    match record.state {
        State::Active => true,
        State::Pending => record.extras.reset.is_some(),
        State::Removed => false,
    }
}
