//! Record files: version 1, in TOML. Errors name the line and never quote its text, which may contain a key.

mod extras;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use toml::Spanned;
use zeroize::Zeroizing;

use crate::{
    base::{base32, error::StoreError, time::UnixTime},
    format::{
        lines::line_at,
        tables::{Table, TableError},
    },
    record::{
        Algorithm, Authenticator, DRIFT_MAX, Digits, Generation, MovingFactor, Parameters, Period,
        Record, SetId, State,
        text::extras::{BypassTable, PendingTable, TicketTable, TraceTable},
    },
};

/// Version of the record format that twinlock writes.
pub const VERSION: u32 = 1;
/// Maximum size of a record file in bytes.
pub const RECORD_MAX: usize = 64 * 1024;
pub use crate::record::AUTHENTICATORS_MAX;

#[derive(Default)]
pub(super) struct RecordFile<'a> {
    pub(super) version: u32,
    pub(super) user: alloc::borrow::Cow<'a, str>,
    pub(super) uid: u32,
    pub(super) state: alloc::borrow::Cow<'a, str>,
    pub(super) generation: alloc::borrow::Cow<'a, str>,
    pub(super) since: u64,
    pub(super) codes: Option<alloc::borrow::Cow<'a, str>>,
    pub(super) mail: Option<String>,
    pub(super) changed: Option<u64>,
    pub(super) fresh_key: Option<String>,
    pub(super) authenticator: Vec<AuthenticatorEntry>,
    pub(super) reset: Option<TraceTable>,
    pub(super) owed_codes: Option<TraceTable>,
    pub(super) pending: Option<PendingTable>,
    pub(super) ticket: Vec<TicketTable>,
    pub(super) bypass: Vec<BypassTable>,
}

pub(super) struct AuthenticatorEntry {
    pub(super) name: String,
    pub(super) key: Zeroizing<String>,
    pub(super) kind: Option<String>,
    pub(super) algorithm: Option<String>,
    pub(super) digits: Option<u64>,
    pub(super) period: Option<u64>,
    pub(super) drift: Option<i32>,
    pub(super) counter: Option<u64>,
    pub(super) seen_by: Option<String>,
    pub(super) seen_at: Option<u64>,
    pub(super) postponed: Option<u8>,
}

impl RecordFile<'_> {
    fn of(mut table: Table<'_>) -> Result<Self, TableError> {
        let file = Self {
            version: extras::number(&mut table, "version")?,
            user: extras::text(&mut table, "user")?.into(),
            uid: extras::number(&mut table, "uid")?,
            state: extras::text(&mut table, "state")?.into(),
            generation: extras::text(&mut table, "generation")?.into(),
            since: extras::number(&mut table, "since")?,
            codes: table.string("codes")?.map(|text| text.into_inner().into()),
            mail: table.string("mail")?.map(Spanned::into_inner),
            changed: table.number("changed")?.map(Spanned::into_inner),
            fresh_key: table.string("fresh_key")?.map(Spanned::into_inner),
            authenticator: each(&mut table, "authenticator", AuthenticatorEntry::of)?,
            reset: table.table_if_any("reset")?.map(TraceTable::of).transpose()?,
            owed_codes: table.table_if_any("owed_codes")?.map(TraceTable::of).transpose()?,
            pending: table.table_if_any("pending")?.map(PendingTable::of).transpose()?,
            ticket: each(&mut table, "ticket", TicketTable::of)?,
            bypass: each(&mut table, "bypass", BypassTable::of)?,
        };
        table.end().map(|()| file)
    }
}

fn each<T>(
    table: &mut Table<'_>,
    key: &'static str,
    of: fn(Table<'_>) -> Result<T, TableError>,
) -> Result<Vec<T>, TableError> {
    table.tables(key)?.into_iter().map(of).collect()
}

impl AuthenticatorEntry {
    fn of(mut table: Table<'_>) -> Result<Self, TableError> {
        let entry = Self {
            name: extras::text(&mut table, "name")?,
            key: Zeroizing::new(extras::text(&mut table, "key")?),
            kind: table.string("kind")?.map(Spanned::into_inner),
            algorithm: table.string("algorithm")?.map(Spanned::into_inner),
            digits: table.number("digits")?.map(Spanned::into_inner),
            period: table.number("period")?.map(Spanned::into_inner),
            drift: table.number("drift")?.map(Spanned::into_inner),
            counter: table.number("counter")?.map(Spanned::into_inner),
            seen_by: table.string("seen_by")?.map(Spanned::into_inner),
            seen_at: table.number("seen_at")?.map(Spanned::into_inner),
            postponed: table.number("postponed")?.map(Spanned::into_inner),
        };
        table.end().map(|()| entry)
    }
}

/// The last line of a record file. A file that was truncated lacks it and is refused, even if the cut is between two
/// authenticators.
pub(super) const END: &str = "\n# end of record\n";

/// Parses the text of a record file.
///
/// # Errors
/// [`StoreError::Newer`] for a later version, [`StoreError::Malformed`] for all other errors.
pub fn read(text: &str) -> Result<Record, StoreError> {
    if let Some(file) = as_written::take_apart(text).filter(|file| file.version == VERSION) {
        return values(file).ok_or(StoreError::Malformed { line: 0 });
    }
    by_toml(text)
}

/// Parses a record that is not exactly as twinlock writes it, because an administrator edited it or another version
/// wrote it.
fn by_toml(text: &str) -> Result<Record, StoreError> {
    let file = Table::parse(text).and_then(RecordFile::of).map_err(|odd| {
        newer(text, VERSION).unwrap_or(StoreError::Malformed { line: line_at(text, odd.at) })
    })?;
    // The TOML parser skips a byte order mark, but twinlock writes none.
    if text.starts_with('\u{feff}') {
        return Err(StoreError::Malformed { line: 1 });
    }
    if !text.ends_with(END) {
        return Err(StoreError::Malformed { line: line_at(text, text.len()) });
    }
    if file.version > VERSION {
        return Err(StoreError::Newer { version: file.version });
    }
    values(file).ok_or(StoreError::Malformed { line: 0 })
}

/// Returns [`StoreError::Newer`] if a text has a later version than `known`; otherwise `None`. Call this before other
/// errors are reported: keys that are unknown here may be valid in the later version.
pub(crate) fn newer(text: &str, known: u32) -> Option<StoreError> {
    let version = text.lines().find_map(|line| line.strip_prefix("version = "))?;
    let version = version.trim().parse().ok()?;
    (version > known).then_some(StoreError::Newer { version })
}

fn values(mut file: RecordFile<'_>) -> Option<Record> {
    let extras = extras::values(&mut file)?;
    let state = match &*file.state {
        "active" => State::Active,
        "pending" => State::Pending,
        "removed" => State::Removed,
        _ => return None,
    };
    if file.version == 0 || file.authenticator.len() > AUTHENTICATORS_MAX {
        return None;
    }
    let authenticators: Vec<_> =
        file.authenticator.into_iter().map(entry).collect::<Option<_>>()?;
    // No code could grant access to an active record without an authenticator.
    if (state == State::Active) == authenticators.is_empty() || has_twins(&authenticators) {
        return None;
    }
    let codes = match file.codes.as_deref() {
        Some(text) => Some(SetId(bits(text)?)),
        None => None,
    };
    if state != State::Active && codes.is_some() || state == State::Removed && extras.is_busy() {
        return None;
    }
    Some(Record {
        user: file.user.into_owned(),
        uid: file.uid,
        state,
        generation: Generation(bits(&file.generation)?),
        since: UnixTime(file.since),
        authenticators,
        codes,
        extras,
    })
}

/// Returns whether two authenticators have the same key, so that each code would be accepted twice.
fn has_twins(authenticators: &[Authenticator]) -> bool {
    let mut rest = authenticators;
    while let Some((first, others)) = rest.split_first() {
        if others.iter().any(|other| other.key == first.key) {
            return true;
        }
        rest = others;
    }
    false
}

fn entry(entry: AuthenticatorEntry) -> Option<Authenticator> {
    // Only non-default values are written: each line costs instructions at every login.
    let usual = Parameters::default();
    let moving = moving(&entry)?;
    let seen = extras::seen(entry.seen_by, entry.seen_at, entry.postponed)?;
    Some(Authenticator {
        name: entry.name,
        key: base32::parse(&entry.key).ok()?,
        parameters: Parameters {
            algorithm: match entry.algorithm {
                Some(name) => Algorithm::named(&name)?,
                None => usual.algorithm,
            },
            digits: entry.digits.map_or(Some(usual.digits), Digits::new)?,
            period: entry.period.map_or(Some(usual.period), Period::new)?,
        },
        moving,
        seen,
    })
}

/// Returns the moving factor of an `[[authenticator]]` table; `None` if the table has keys that contradict each other.
/// An app with a clock has no counter, and a token with a counter has neither drift nor period.
fn moving(entry: &AuthenticatorEntry) -> Option<MovingFactor> {
    match (entry.kind.as_deref(), entry.drift, entry.counter) {
        (None | Some("totp"), drift, None) => {
            let drift = drift.unwrap_or_default();
            let believed = drift.unsigned_abs() <= DRIFT_MAX.unsigned_abs();
            believed.then_some(MovingFactor::Clock { drift })
        }
        (Some("hotp"), None, Some(next)) if entry.period.is_none() => {
            Some(MovingFactor::Counter { next })
        }
        _ => None,
    }
}

/// Parses a 64-bit number from 16 lower-case hexadecimal digits; `None` for any other text.
fn bits(text: &str) -> Option<u64> {
    let mut bytes = [0; 8];
    if text.len() != 16 {
        return None;
    }
    base16ct::lower::decode(text, &mut bytes).ok()?;
    Some(u64::from_be_bytes(bytes))
}

/// Returns the text of a record file.
#[must_use]
pub fn write(record: &Record) -> Zeroizing<String> {
    let state = match record.state {
        State::Active => "active",
        State::Pending => "pending",
        State::Removed => "removed",
    };
    let mut text = Zeroizing::new(String::with_capacity(512));
    text.push_str(&format!(
        "version = {VERSION}\nuser = {}\nuid = {}\nstate = \"{state}\"\ngeneration = \"{:016x}\"\nsince = {}\n",
        quoted(&record.user),
        record.uid,
        record.generation.0,
        record.since.0,
    ));
    if let Some(codes) = record.codes {
        text.push_str(&format!("codes = \"{:016x}\"\n", codes.0));
    }
    if let Some(mail) = &record.extras.mail {
        text.push_str(&format!("mail = {}\n", quoted(mail)));
    }
    if let Some(changed) = record.extras.changed {
        text.push_str(&format!("changed = {}\n", changed.0));
    }
    if let Some(fresh) = &record.extras.fresh_key {
        let mark = base16ct::lower::encode_string(&fresh.mark);
        text.push_str(&format!("fresh_key = \"{mark}.{}.{}\"\n", fresh.boot_id, fresh.since.0));
    }
    for authenticator in &record.authenticators {
        write_entry(&mut text, authenticator);
    }
    extras::write(&mut text, &record.extras);
    text.push_str(END);
    text
}

fn write_entry(text: &mut String, authenticator: &Authenticator) {
    let (usual, parameters) = (Parameters::default(), authenticator.parameters);
    text.push_str(&format!("\n[[authenticator]]\nname = {}\n", quoted(&authenticator.name)));
    text.push_str("key = \"");
    text.push_str(&base32::write(&authenticator.key));
    text.push_str("\"\n");
    if parameters.algorithm != usual.algorithm {
        text.push_str(&format!("algorithm = \"{}\"\n", parameters.algorithm.name()));
    }
    if parameters.digits != usual.digits {
        text.push_str(&format!("digits = {}\n", parameters.digits.get()));
    }
    let timed = matches!(authenticator.moving, MovingFactor::Clock { .. });
    if timed && parameters.period != usual.period {
        text.push_str(&format!("period = {}\n", parameters.period.seconds()));
    }
    match authenticator.moving {
        MovingFactor::Clock { drift: 0 } => {}
        MovingFactor::Clock { drift } => text.push_str(&format!("drift = {drift}\n")),
        MovingFactor::Counter { next } => {
            text.push_str(&format!("kind = \"hotp\"\ncounter = {next}\n"));
        }
    }
    if let Some(seen) = &authenticator.seen {
        extras::write_seen(text, seen);
    }
}

/// Returns a text as a TOML basic string, in double quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted.to_string()
}

mod as_written;
#[cfg(test)]
mod tests;
