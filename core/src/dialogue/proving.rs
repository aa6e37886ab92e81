//! Proves a new key: stores the key as not yet verified (pending), shows it as a QR code and as text, and verifies its
//! first code.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::{
    answer::{self, Answer, Code},
    base::{
        base32,
        secret::Key,
        time::{BootTime, Now, Step, UnixTime},
    },
    dialogue::context::{DialogueContext, DialogueError, no_entropy},
    event::Reason,
    ledger::Used,
    message::set_up::{SameKey, SetUp},
    otp::{
        hotp::Keyed,
        otpauth::{self, Label},
        qr::{COLUMNS, Ink, Matrix},
        totp,
    },
    ports::Creation,
    record::{
        Authenticator, MovingFactor, Record, State, enrollment,
        extras::Pending,
        pending::{self, Asker, resumes},
    },
    verify::{claimant::Claimant, generate, record_update::change, replay},
};

/// Maximum number of questions until the first correct code, including requests to redraw the QR code.
const QUESTIONS: u8 = 10;
/// Number of time steps before and after the current one in which a wrong code is looked up, to detect that a clock is
/// wrong.
const NEARBY: u8 = 20;

/// A new key that the user has verified with a code. The code cannot be used again.
pub struct ProvenKey {
    /// The authenticator to add to the record.
    pub authenticator: Authenticator,
    /// The step of the code that verified the key.
    pub step: Step,
    /// A time before the key was verified, read from the boot clock, because that clock cannot be set.
    pub since: BootTime,
}

/// How the QR code is drawn: its colours and its characters.
#[derive(Clone, Copy)]
struct Drawing {
    ink: Ink,
    plain: Plain,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Plain {
    Blocks,
    Letters,
}

impl ProvenKey {
    /// Notes in the record that its only key was generated on this host. Codes of the key are then accepted even if
    /// they are older than the ledger, because none of them was used before. Notes nothing if the boot id cannot be
    /// read.
    pub fn mark_as_fresh(&self, context: &DialogueContext<'_>, record: &mut Record) {
        if let Ok(boot_id) = context.ports.ledger.boot_id() {
            crate::verify::fresh_key::mark_as_fresh(record, &boot_id, self.since);
        }
    }
}

/// Stores a new key as not yet verified (pending), shows it under the name `name`, and verifies its first code.
///
/// # Errors
/// [`DialogueError`] if no code was correct or a fault occurred. The key stays pending for 15 minutes, in which a user
/// with the same verified ssh key can continue with it.
pub fn prove(context: &DialogueContext<'_>, name: &str) -> Result<ProvenKey, DialogueError> {
    let begun = begin(context)?;
    // Read the clock before the verification: the time identifies the ledger that holds the step of the key's first
    // code.
    let since = context.now()?.boot;
    if let Some(notice) = &begun.notice {
        context.person().show(&context.set_up(notice));
    }
    let authenticator = Authenticator {
        name: name.into(),
        key: begun.key,
        parameters: context.policy.new_keys,
        moving: MovingFactor::default(),
        seen: None,
    };
    let done = ask_for_code(context, &authenticator);
    match done {
        Ok(Some(step)) => return Ok(ProvenKey { authenticator, step, since }),
        Ok(None) | Err(DialogueError::Declined(Reason::NotSetUp)) => {}
        Err(stop) => return Err(stop),
    }
    if begun.state != State::Active {
        let until = pending::resumed_until(begun.since);
        let resumes = |now: &Now| context.fingerprint.is_some() && now.unix < until;
        let until = context.now().ok().filter(resumes).map(|_| until);
        context.leave_word(context.set_up(&SetUp::TooMany { until }));
    }
    Err(DialogueError::Declined(Reason::NotSetUp))
}

/// A key that is not verified yet (pending), and what its record says about it.
struct PendingKey {
    key: Key,
    /// Message about an earlier set-up that was not finished; `None` if there was none.
    notice: Option<SetUp>,
    /// Time at which the key was first stored.
    since: UnixTime,
    /// State of the record that holds the key.
    state: State,
}

/// Returns the key that the record stores as not yet verified (pending), if the user to whom it was shown continues the
/// set-up. Otherwise, stores and returns a new key.
fn begin(context: &DialogueContext<'_>) -> Result<PendingKey, DialogueError> {
    let (stamp, now) = (context.stamp()?, context.now()?);
    let asker = Asker { source: context.source, fingerprint: context.fingerprint.as_deref() };
    let mut chosen = None;
    change(context.ports.records, context.account, &mut |found| {
        let mut record = enrollment::begun(context.account, found.map(|found| found.record), stamp);
        let before = record.extras.pending.take();
        // If the user is enrolled, an attacker with a single code may have been shown the pending key.
        let same = record.state != State::Active
            && before.as_ref().is_some_and(|before| resumes(before, &asker, now));
        let notice = before.as_ref().map(|before| SetUp::BegunBefore {
            at: before.since,
            source: before.source.as_str().into(),
            key: if same { SameKey::Same } else { SameKey::Another },
        });
        let pending = match before.filter(|_| same) {
            Some(before) => before,
            None => Pending {
                key: generate::key(context.ports.entropy).map_err(|_| no_entropy())?,
                since: stamp.at,
                source: context.source.clone(),
                fingerprint: context.fingerprint.clone(),
                until_boot: Some(pending::resumed_until_boot(now)),
            },
        };
        let since = pending.since;
        chosen = Some(PendingKey { key: pending.key.copied(), notice, since, state: record.state });
        record.extras.pending = Some(pending);
        Ok(record)
    })?;
    chosen.ok_or(no_entropy())
}

/// Returns whether the record still stores this key as not yet verified (pending). A reset or another set-up removes
/// such a key.
#[must_use]
pub fn is_pending(record: &Record, key: &Key) -> bool {
    let pending = record.extras.pending.as_ref();
    record.state != State::Removed && pending.is_some_and(|pending| pending.key == *key)
}

/// Asks for the first code of a new key and returns its step; `None` after too many wrong codes.
fn ask_for_code(
    context: &DialogueContext<'_>,
    authenticator: &Authenticator,
) -> Result<Option<Step>, DialogueError> {
    let issuer = context.issuer();
    let account = otpauth::account_label(&issuer, &context.account.name, &authenticator.name);
    let label = Label { issuer: &issuer, account: &account };
    let digits = authenticator.parameters.digits.get();
    let ask = context.set_up(&SetUp::AskCode { digits });
    let mut drawing = Drawing { ink: Ink::Light, plain: Plain::Blocks };
    context.person().show(&picture(context, authenticator, &label, drawing));
    let mut question = ask.clone();
    let mut empty = false;
    for _ in 0..QUESTIONS {
        let typed = context.ask(&question)?;
        let said = match (typed.text().trim(), answer::read(&typed)) {
            ("i" | "I", _) => {
                drawing.ink = if drawing.ink == Ink::Light { Ink::Dark } else { Ink::Light };
                None
            }
            ("a" | "A", _) => {
                drawing.plain = Plain::Letters;
                None
            }
            // A single empty answer may be a slip, and the key may be in the app already; only a second empty answer
            // cancels.
            (_, Answer::Stop) if empty => return Err(DialogueError::Declined(Reason::NotSetUp)),
            (_, Answer::Stop) => Some(SetUp::NothingTyped),
            (_, Answer::Code(code)) => match judge(context, authenticator, &code)? {
                Ok(step) => return Ok(Some(step)),
                Err(message) => Some(message),
            },
            (_, Answer::Help | Answer::Other) => Some(SetUp::NotACode),
        };
        empty = said == Some(SetUp::NothingTyped);
        question = match said {
            Some(message) => alloc::format!("{}\n{ask}", context.set_up(&message)),
            None => {
                context.person().show(&picture(context, authenticator, &label, drawing));
                ask.clone()
            }
        };
    }
    Ok(None)
}

/// Returns the QR code and the key as text to show above the question; the key alone if no QR code can be shown.
fn picture(
    context: &DialogueContext<'_>,
    authenticator: &Authenticator,
    label: &Label<'_>,
    drawing: Drawing,
) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    if !context.person().is_terminal() {
        let key = base32::in_groups(&authenticator.key);
        text.push_str(&Zeroizing::new(context.set_up(&SetUp::TypeKey { key })));
        return text;
    }
    let uri = otpauth::write(label, &authenticator.key, authenticator.parameters);
    let drawn = match drawing.plain {
        Plain::Blocks => Matrix::of(&uri).map(|matrix| matrix.half_blocks(drawing.ink)).ok(),
        Plain::Letters => in_letters(&uri, drawing.ink),
    };
    if let Some(drawn) = drawn {
        text.push_str(&context.set_up(&SetUp::Scan));
        text.push_str(&drawn);
    }
    let key = base32::in_groups(&authenticator.key);
    text.push_str(&Zeroizing::new(context.set_up(&SetUp::OrType { key })));
    text
}

/// Returns a QR code drawn as text; `None` if it does not fit the terminal, because a code with broken lines cannot be
/// scanned.
fn in_letters(uri: &str, ink: Ink) -> Option<Zeroizing<String>> {
    let fits = |matrix: &Matrix| matrix.ascii_columns() <= COLUMNS;
    let whole = Matrix::of(uri).ok().filter(fits);
    let matrix = whole.or_else(|| Matrix::of(&otpauth::shortened(uri)).ok().filter(fits))?;
    Some(matrix.ascii(ink))
}

/// Verifies the first code of a new key, makes its step unusable for every other login, and returns the step. If the
/// code is not accepted, returns the message that tells the user what is wrong.
fn judge(
    context: &DialogueContext<'_>,
    authenticator: &Authenticator,
    code: &Code,
) -> Result<Result<Step, SetUp>, DialogueError> {
    let Some(keyed) = Keyed::new(&authenticator.key, authenticator.parameters.algorithm) else {
        return Err(no_entropy());
    };
    let now = context.now()?.unix;
    let shown = totp::step_at(now, authenticator.parameters.period);
    let typed = code.of_length(authenticator.parameters.digits);
    let Some(step) =
        totp::matching_step(&keyed, authenticator, typed, shown, context.policy.window)
    else {
        let near = totp::matching_step(&keyed, authenticator, typed, shown, NEARBY);
        let period = i64::try_from(authenticator.parameters.period.seconds()).unwrap_or(30);
        return Ok(Err(near.map_or(SetUp::WrongCode, |near| SetUp::ClockOff {
            ahead: near.0.cast_signed().wrapping_sub(shown.0.cast_signed()).saturating_mul(period),
        })));
    };
    let used = Used { mark: keyed.mark(authenticator), step };
    let nonce = generate::nonce(context.ports.entropy).map_err(|_| no_entropy())?;
    match Claimant::new(context.user_ledger, now, nonce).claim(&used) {
        Ok(Creation::Made) => Ok(Ok(step)),
        Ok(Creation::Taken) => {
            let next = Step(step.0.saturating_add(1));
            Ok(Err(SetUp::UsedCode { wait: replay::seconds_until(next, authenticator, now) }))
        }
        Err(fault) => Err(DialogueError::Broken(Reason::Ledger(fault))),
    }
}
