//! A new key: stores it as pending, shows it as QR code and text, and verifies its first code.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::{
    answer::{self, Answer, Code},
    beside::Pending,
    change::change,
    claimant::Claimant,
    dialogue::talk::{Stop, Talk, no_entropy},
    draw, enrolment,
    event::Reason,
    ledger::Used,
    message::set_up::{SameKey, SetUp},
    otp::{
        base32,
        hotp::Keyed,
        otpauth::{self, Label},
        totp,
    },
    pending::{self, Asker, resumes},
    ports::Creation,
    qr::{COLUMNS, Ink, Matrix},
    record::{Authenticator, Moving, Record, State},
    replay,
    secret::Key,
    time::{BootTime, Now, Step, UnixTime},
};

/// Maximum number of questions until the first correct code, including requests to redraw the QR code.
const QUESTIONS: u8 = 10;
/// Steps on each side that are searched for a wrong code, to detect a wrong clock.
const NEARBY: u8 = 20;

/// A verified key whose first code is used up.
pub struct Proven {
    /// The authenticator to enroll.
    pub authenticator: Authenticator,
    /// The step of the first code.
    pub step: Step,
    /// A time before the verification, by the boot clock, which cannot be set.
    pub since: BootTime,
}

/// How the QR code is drawn.
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

impl Proven {
    /// Notes that the record's only key was generated here. Without a boot id it notes nothing, and the key waits for
    /// the epoch as usual.
    pub fn mark_as_fresh(&self, talk: &Talk<'_>, record: &mut Record) {
        if let Ok(boot_id) = talk.ports.ledger.boot_id() {
            enrolment::mark_as_fresh(record, &boot_id, self.since);
        }
    }
}

/// Stores a key as pending, shows it under the name `name`, and verifies its first code.
///
/// # Errors
/// [`Stop`]; the key stays pending for a quarter of an hour, in which the same user can continue.
pub fn prove(talk: &Talk<'_>, name: &str) -> Result<Proven, Stop> {
    let begun = begin(talk)?;
    // Read before the verification: it identifies the ledger that holds this key's first step.
    let since = talk.now()?.boot;
    if let Some(notice) = &begun.notice {
        talk.person().show(&talk.set_up(notice));
    }
    let authenticator = Authenticator {
        name: name.into(),
        key: begun.key,
        parameters: talk.policy.new_keys,
        moving: Moving::default(),
        seen: None,
    };
    let done = ask_for_code(talk, &authenticator);
    match done {
        Ok(Some(step)) => return Ok(Proven { authenticator, step, since }),
        Ok(None) | Err(Stop::Declined(Reason::NotSetUp)) => {}
        Err(stop) => return Err(stop),
    }
    if begun.state != State::Active {
        let until = pending::resumed_until(begun.since);
        let resumes = |now: &Now| talk.fingerprint.is_some() && now.unix < until;
        let until = talk.now().ok().filter(resumes).map(|_| until);
        talk.leave_word(talk.set_up(&SetUp::TooMany { until }));
    }
    Err(Stop::Declined(Reason::NotSetUp))
}

/// A pending key.
struct Begun {
    key: Key,
    /// Message about an earlier set-up that was begun.
    notice: Option<SetUp>,
    /// Pending since.
    since: UnixTime,
    /// State of the record that holds it.
    state: State,
}

/// Returns the pending key if the same user continues; otherwise, a new key.
fn begin(talk: &Talk<'_>) -> Result<Begun, Stop> {
    let (stamp, now) = (talk.stamp()?, talk.now()?);
    let asker = Asker { source: talk.source, fingerprint: talk.fingerprint.as_deref() };
    let mut chosen = None;
    change(talk.ports.records, talk.account, &mut |found| {
        let mut record = enrolment::begun(talk.account, found.map(|found| found.record), stamp);
        let before = record.beside.pending.take();
        // With one code of an enrolled user, the pending key may have been shown to another person.
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
                key: draw::key(talk.ports.entropy).map_err(|_| no_entropy())?,
                since: stamp.1,
                source: talk.source.clone(),
                fingerprint: talk.fingerprint.clone(),
                until_boot: Some(pending::resumed_until_boot(now)),
            },
        };
        let since = pending.since;
        chosen = Some(Begun { key: pending.key.copied(), notice, since, state: record.state });
        record.beside.pending = Some(pending);
        Ok(record)
    })?;
    chosen.ok_or(no_entropy())
}

/// Returns whether the record still holds this pending key. A reset or another set-up removes it.
#[must_use]
pub fn is_pending(record: &Record, key: &Key) -> bool {
    let pending = record.beside.pending.as_ref();
    record.state != State::Removed && pending.is_some_and(|pending| pending.key == *key)
}

/// Returns the step of a correct code; `None` after too many wrong ones.
fn ask_for_code(talk: &Talk<'_>, authenticator: &Authenticator) -> Result<Option<Step>, Stop> {
    let issuer = talk.issuer();
    let account = otpauth::account_label(&issuer, &talk.account.name, &authenticator.name);
    let label = Label { issuer: &issuer, account: &account };
    let digits = authenticator.parameters.digits.get();
    let ask = talk.set_up(&SetUp::AskCode { digits });
    let mut drawing = Drawing { ink: Ink::Light, plain: Plain::Blocks };
    talk.person().show(&picture(talk, (authenticator, &label), drawing));
    let mut question = ask.clone();
    let mut empty = false;
    for _ in 0..QUESTIONS {
        let typed = talk.ask(&question)?;
        let said = match (typed.text().trim(), answer::read(&typed)) {
            ("i" | "I", _) => {
                drawing.ink = if drawing.ink == Ink::Light { Ink::Dark } else { Ink::Light };
                None
            }
            ("a" | "A", _) => {
                drawing.plain = Plain::Letters;
                None
            }
            // A single empty answer may be a slip, and the key may be in the app already; only the second one
            // cancels.
            (_, Answer::Stop) if empty => return Err(Stop::Declined(Reason::NotSetUp)),
            (_, Answer::Stop) => Some(SetUp::NothingTyped),
            (_, Answer::Code(code)) => match judge(talk, authenticator, &code)? {
                Ok(step) => return Ok(Some(step)),
                Err(message) => Some(message),
            },
            (_, Answer::Help | Answer::Other) => Some(SetUp::NotACode),
        };
        empty = said == Some(SetUp::NothingTyped);
        question = match said {
            Some(message) => alloc::format!("{}\n{ask}", talk.set_up(&message)),
            None => {
                talk.person().show(&picture(talk, (authenticator, &label), drawing));
                ask.clone()
            }
        };
    }
    Ok(None)
}

/// Returns the QR code and the key, to show above the question; the key alone if no QR code can be shown.
fn picture(
    talk: &Talk<'_>,
    (authenticator, label): (&Authenticator, &Label<'_>),
    drawing: Drawing,
) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    if !talk.person().is_terminal() {
        let key = base32::in_groups(&authenticator.key);
        text.push_str(&Zeroizing::new(talk.set_up(&SetUp::TypeKey { key })));
        return text;
    }
    let uri = otpauth::write(label, &authenticator.key, authenticator.parameters);
    let drawn = match drawing.plain {
        Plain::Blocks => Matrix::of(&uri).map(|matrix| matrix.half_blocks(drawing.ink)).ok(),
        Plain::Letters => in_letters(&uri, drawing.ink),
    };
    if let Some(drawn) = drawn {
        text.push_str(&talk.set_up(&SetUp::Scan));
        text.push_str(&drawn);
    }
    let key = base32::in_groups(&authenticator.key);
    text.push_str(&Zeroizing::new(talk.set_up(&SetUp::OrType { key })));
    text
}

/// Returns a QR code that fits the terminal; `None` otherwise, since a broken one cannot be scanned.
fn in_letters(uri: &str, ink: Ink) -> Option<Zeroizing<String>> {
    let fits = |matrix: &Matrix| matrix.ascii_columns() <= COLUMNS;
    let whole = Matrix::of(uri).ok().filter(fits);
    let matrix = whole.or_else(|| Matrix::of(&otpauth::shortened(uri)).ok().filter(fits))?;
    Some(matrix.ascii(ink))
}

/// Returns the step of a correct code and claims it; otherwise, what is wrong with the code.
fn judge(
    talk: &Talk<'_>,
    authenticator: &Authenticator,
    code: &Code,
) -> Result<Result<Step, SetUp>, Stop> {
    let Some(keyed) = Keyed::new(&authenticator.key, authenticator.parameters.algorithm) else {
        return Err(no_entropy());
    };
    let now = talk.now()?.unix;
    let shown = totp::step_at(now, authenticator.parameters.period);
    let typed = code.of_length(authenticator.parameters.digits);
    let Some(step) = totp::matching_step(&keyed, authenticator, typed, (shown, talk.policy.window))
    else {
        let near = totp::matching_step(&keyed, authenticator, typed, (shown, NEARBY));
        let period = i64::try_from(authenticator.parameters.period.seconds()).unwrap_or(30);
        return Ok(Err(near.map_or(SetUp::WrongCode, |near| SetUp::ClockOff {
            ahead: near.0.cast_signed().wrapping_sub(shown.0.cast_signed()).saturating_mul(period),
        })));
    };
    let used = Used { mark: keyed.mark(authenticator), step };
    let nonce = draw::nonce(talk.ports.entropy).map_err(|_| no_entropy())?;
    match Claimant::new(talk.shelf, now, nonce).claim(&used) {
        Ok(Creation::Made) => Ok(Ok(step)),
        Ok(Creation::Taken) => {
            let next = Step(step.0.saturating_add(1));
            Ok(Err(SetUp::UsedCode { wait: replay::seconds_until(next, authenticator, now) }))
        }
        Err(fault) => Err(Stop::Broken(Reason::Ledger(fault))),
    }
}
