//! What users may see and do on their own accounts through the agent, besides the changes of `self_service`.

use alloc::{string::String, vec::Vec};

use crate::{
    answer::{self, Answer},
    base::error::StoreError,
    dialogue::{
        context::{DialogueContext, DialogueError, Judge, OVERTAKEN},
        new_key::{self, KeySlot},
        self_service::Served,
    },
    event::{Accepted, Reason},
    ledger::{
        device::{self, Device},
        device_text,
    },
    message::own_account::{OwnAccount, OwnEnrollment, OwnStatus, PastRefusal, RememberedDevice},
    record::{Record, State, code_set::Shape},
    text,
    verify::{attempt::Outcome, code_match, history, refusal_log},
};

impl DialogueContext<'_> {
    /// Returns, in the configured language, the text of a message about the user's own account.
    #[must_use]
    pub fn own_account(&self, message: &OwnAccount) -> String {
        text::own_account(self.policy.language, message)
    }
}

/// Asks for one code of an app, which proves that the user has the app at hand. A backup code is refused, because a
/// thief may have found it with the password.
///
/// # Errors
/// [`DialogueError::Declined`] if no answer was a correct code, if the user cancelled, or if the user is throttled or
/// locked out because of earlier wrong codes. [`DialogueError::Broken`] if the host could not compare a code.
pub fn ask_app_code(context: &DialogueContext<'_>, judge: Judge<'_>) -> Result<(), DialogueError> {
    let prompt = context.own_account(&OwnAccount::AskCode);
    let mut last = Reason::NotACode;
    for left in (0..context.policy.tries).rev() {
        let (said, reason) = match answer::read(&context.ask(&prompt)?) {
            Answer::Stop => return Err(DialogueError::Declined(Reason::Stopped)),
            Answer::Code(code)
                if code.is_voucher() || !code.of_shape(Shape::Letters20).is_empty() =>
            {
                (OwnAccount::NotACode, Reason::NotACode)
            }
            Answer::Code(code) => match refused(judge(&code), left)? {
                None => return Ok(()),
                Some(refused) => refused,
            },
            Answer::Help | Answer::Other => (OwnAccount::NotACode, Reason::NotACode),
        };
        last = reason;
        context.person().tell(&context.own_account(&said));
    }
    Err(DialogueError::Declined(last))
}

/// Returns the message for a code that was refused, with the reason; `None` if an app's code was accepted.
///
/// # Errors
/// [`DialogueError`] if no other code would be accepted either.
fn refused(outcome: Outcome, left: u8) -> Result<Option<(OwnAccount, Reason)>, DialogueError> {
    Ok(Some(match outcome {
        Outcome::Granted(Accepted::App { .. }) => return Ok(None),
        Outcome::Faulty(reason) => return Err(DialogueError::Broken(reason)),
        Outcome::HalfJudged(fault) => return Err(DialogueError::Broken(Reason::Codes(fault))),
        Outcome::Throttled { .. } => return Err(DialogueError::Declined(Reason::Throttled)),
        Outcome::Locked => return Err(DialogueError::Declined(Reason::Locked)),
        Outcome::Replayed { wait }
        | Outcome::Repeated { wait }
        | Outcome::BeforeEpoch { wait, .. } => (OwnAccount::UsedCode { wait }, Reason::Replayed),
        Outcome::Wrong | Outcome::ClockOff { .. } => {
            (OwnAccount::WrongCode { left }, Reason::WrongCode)
        }
        // Imported backup codes have eight digits, as some apps' codes do.
        Outcome::Granted(_)
        | Outcome::LastCode(_)
        | Outcome::Spent
        | Outcome::Ticket(_)
        | Outcome::NoBypass
        | Outcome::NoTicket => (OwnAccount::NotACode, Reason::NotACode),
    }))
}

/// Returns what users may know about their own accounts.
///
/// # Errors
/// [`DialogueError::Broken`] if the record or the ledger cannot be read.
pub fn status(context: &DialogueContext<'_>) -> Result<OwnStatus, DialogueError> {
    let record = newest(context)?;
    let now = context.now()?;
    let history = history::read(context.user_ledger, None)
        .map_err(|fault| DialogueError::Broken(Reason::Ledger(fault)))?;
    let enrollment = match record.as_ref().map(|record| record.state) {
        Some(State::Active) => OwnEnrollment::Enrolled,
        Some(State::Pending) => OwnEnrollment::Pending,
        Some(State::Removed) | None => OwnEnrollment::NotEnrolled,
    };
    let names =
        |record: &Record| record.authenticators.iter().map(|one| one.name.clone()).collect();
    let changed = |record: &Record| record.extras.changed.unwrap_or(record.since);
    Ok(OwnStatus {
        user: context.account.name.clone(),
        enrollment,
        changed: record.as_ref().map_or(0, |record| now.unix.since(changed(record))),
        authenticators: record.as_ref().map(names).unwrap_or_default(),
        codes: record.as_ref().and_then(|record| codes_left(context, record)),
        codes_due: record.as_ref().is_some_and(|record| record.extras.owed_codes.is_some()),
        devices: remembered(context)?.len(),
        failed: history.tries.len(),
    })
}

fn newest(context: &DialogueContext<'_>) -> Result<Option<Record>, DialogueError> {
    let found = context.ports.records.newest(context.account);
    let found = found.map_err(|fault: StoreError| DialogueError::Broken(Reason::Store(fault)))?;
    Ok(found.map(|found| found.record))
}

fn codes_left(context: &DialogueContext<'_>, record: &Record) -> Option<u8> {
    let id = record.codes?;
    let set = context.ports.codes.set(context.folder, id).ok()?;
    let spent = context.ports.codes.spent(context.folder, id).ok()?;
    Some(code_match::left(&set, &spent))
}

/// A remembered device, and the ledger name under which it is stored.
struct NumberedDevice {
    name: String,
    device: Device,
}

/// Returns the devices that are remembered now, oldest first.
fn remembered(context: &DialogueContext<'_>) -> Result<Vec<NumberedDevice>, DialogueError> {
    let broken = |fault| DialogueError::Broken(Reason::Ledger(fault));
    let active = newest(context)?.filter(|record| record.state == State::Active);
    let Some(generation) = active.map(|record| record.generation) else { return Ok(Vec::new()) };
    let now = context.now()?;
    let mut found = Vec::new();
    for name in context.user_ledger.names().map_err(broken)? {
        if !name.starts_with(device_text::DEVICE) {
            continue;
        }
        let text = context.user_ledger.content(&name).map_err(broken)?.unwrap_or_default();
        let device = device_text::read(&text)
            .filter(|one| device::is_remembered(one, now) && one.generation == generation);
        found.extend(device.map(|device| NumberedDevice { name, device }));
    }
    found.sort_by(|one, other| {
        one.device.since.cmp(&other.device.since).then_with(|| one.name.cmp(&other.name))
    });
    Ok(found)
}

/// Returns the remembered devices, oldest first.
///
/// # Errors
/// [`DialogueError::Broken`] if the record or the ledger cannot be read.
pub fn devices(context: &DialogueContext<'_>) -> Result<Vec<RememberedDevice>, DialogueError> {
    let now = context.now()?.unix;
    let of = |entry: NumberedDevice| RememberedDevice {
        age: now.since(entry.device.since),
        left: entry.device.until.since(now),
        address: entry.device.address,
        key: entry.device.key,
    };
    Ok(remembered(context)?.into_iter().map(of).collect())
}

/// Result of forgetting devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgetting {
    /// Devices were forgotten. Holds their number, which is at least 1.
    Done(usize),
    /// No device was forgotten, because the list has no device with this number, or no device at all. Holds the number
    /// of devices in the list.
    NoSuch(usize),
}

/// Forgets the device with this number, counted from 1 in the order of [`devices`]; all devices if `number` is `None`.
///
/// # Errors
/// [`DialogueError::Broken`] if the ledger cannot be read, or a device cannot be erased from it.
pub fn forget(
    context: &DialogueContext<'_>,
    number: Option<usize>,
) -> Result<Forgetting, DialogueError> {
    let found = remembered(context)?;
    let count = found.len();
    let chosen: Vec<NumberedDevice> = match number {
        None => found,
        Some(number) => found.into_iter().skip(number.wrapping_sub(1)).take(1).collect(),
    };
    if chosen.is_empty() {
        return Ok(Forgetting::NoSuch(count));
    }
    chosen.iter().for_each(|one| context.user_ledger.erase(&one.name));
    let left = context.user_ledger.names();
    let left = left.map_err(|fault| DialogueError::Broken(Reason::Ledger(fault)))?;
    if chosen.iter().any(|one| left.contains(&one.name)) {
        let fault = crate::base::error::LedgerError::Io { errno: 0 };
        return Err(DialogueError::Broken(Reason::Ledger(fault)));
    }
    Ok(Forgetting::Done(chosen.len()))
}

/// Returns the last refusals of the user's logins, newest first.
///
/// # Errors
/// [`DialogueError::Broken`] if the clock cannot be read.
pub fn why(context: &DialogueContext<'_>) -> Result<Vec<PastRefusal>, DialogueError> {
    let now = context.now()?.unix;
    let refused = refusal_log::all(context.user_ledger);
    Ok(refused
        .into_iter()
        .map(|one| PastRefusal {
            ago: now.since(one.at),
            reason: one.reason,
            service: one.service,
            source: String::from(one.source.as_str()),
        })
        .collect())
}

/// Asks for a second code, and removes the authenticator with the name `name`, which must not be the only one.
///
/// # Errors
/// [`DialogueError`] if the authenticator was not removed.
pub fn remove(
    context: &DialogueContext<'_>,
    name: &str,
    judge: Judge<'_>,
) -> Result<Served, DialogueError> {
    let record = newest(context)?.ok_or(OVERTAKEN)?;
    let place = record.authenticators.iter().position(|one| one.name == name).ok_or(OVERTAKEN)?;
    let slot = KeySlot { place, name: name.into(), generation: record.generation };
    new_key::remove(context, &slot, judge).map(Served::Key)
}
