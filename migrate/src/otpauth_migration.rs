//! Parses `otpauth-migration://` URIs, which Google Authenticator shows as QR codes when it exports accounts.

use core::fmt;

use alloc::{string::String, vec::Vec};

use base64ct::{Base64Unpadded, Encoding};
use zeroize::Zeroizing;

use twinlock_core::{
    base::secret::{Key, KeyLengthError},
    otp::{
        otpauth::{decode, tidy_name},
        uri_damage::{self, strip_prefix_any_case},
    },
    record::{Algorithm, Authenticator, Digits, MovingFactor, Parameters, Period},
};

/// Maximum length of a URI in bytes. The largest QR code with every byte written as `%XX` is shorter.
pub const URI_MAX: usize = 12 * 1024;
/// Maximum number of accounts in one URI. The app puts ten into one.
pub const ACCOUNTS_MAX: usize = 100;
const OFFLINE: &str = "otpauth-migration://offline?";
const SINGLE_KEY: &str = "otpauth://";
/// Maximum number of QR codes in one export.
const BATCH_MAX: u64 = 1000;

/// The content of one QR code of an export.
#[derive(Debug)]
pub struct Migration {
    /// The accounts, in the order of the QR code.
    pub accounts: Vec<Moved>,
    /// The position of the QR code among the QR codes of the export.
    pub batch: MigrationBatch,
}

/// The position of a QR code among the QR codes of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrationBatch {
    /// The id of the export, which is in all its QR codes.
    pub id: u64,
    /// The index of the QR code, from 0.
    pub index: u64,
    /// The number of QR codes of the export, at least 1.
    pub size: u64,
}

/// One exported account.
#[derive(Debug)]
pub struct Moved {
    /// Issuer and account as the app shows them, without control characters.
    pub label: String,
    /// Further labels of the same key, collected by [`folded`].
    pub other_labels: Vec<String>,
    /// The authenticator, or why the account cannot be used.
    pub authenticator: Result<Authenticator, MovedKeyError>,
}

/// Why an account cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedKeyError {
    /// The hash algorithm is MD5 or is unknown.
    Algorithm,
    /// The number of digits is neither six nor eight.
    Digits,
    /// The kind is neither TOTP nor HOTP.
    Kind,
    /// The counter is negative.
    Counter,
    /// The key is too short or too long.
    Key(KeyLengthError),
}

impl core::fmt::Display for MovedKeyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Algorithm => "its hash is MD5, or unknown to twinlock",
            Self::Digits => "its codes do not have 6 to 8 digits",
            Self::Kind => "it is neither time-based nor counter-based",
            Self::Counter => "its counter is negative",
            Self::Key(error) => return error.fmt(f),
        })
    }
}

impl core::error::Error for MovedKeyError {}

/// Why a text is not a valid migration URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationError {
    /// The text does not begin with `otpauth-migration://offline?`.
    Scheme,
    /// The text is the URI of a single key, `otpauth://`.
    SingleKey,
    /// The text begins with a byte order mark.
    ByteOrderMark,
    /// Other text, such as `QR-Code:`, precedes the URI.
    Prefix,
    /// The text contains HTML-encoded ampersands.
    Html,
    /// The text is longer than the URI of any QR code.
    TooLong,
    /// `data=` is missing or is not base64.
    Data,
    /// The decoded data is truncated, or is not an export.
    Payload,
    /// The URI contains no accounts, or too many.
    Accounts,
}

impl core::fmt::Display for MigrationError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Scheme => "has no otpauth-migration://offline?data= in it",
            Self::SingleKey => "is one key (otpauth://), and not an export of Google's app",
            Self::ByteOrderMark => "begins with a byte order mark",
            Self::Prefix => "has text before otpauth-migration://, such as QR-Code:",
            Self::Html => "has &amp; in place of &, as in the source of a web page",
            Self::TooLong => "is longer than any QR code",
            Self::Data => "has no data= in base64, or has it twice",
            Self::Payload => "was cut off, or is not an export of Google's app",
            Self::Accounts => "has no account, or more than 100",
        })
    }
}

impl core::error::Error for MigrationError {}

/// Parses a migration URI.
///
/// # Errors
/// [`MigrationError`] if the text is not a valid migration URI. The error never quotes the text.
pub fn read(uri: &str) -> Result<Migration, MigrationError> {
    if uri.len() > URI_MAX {
        return Err(MigrationError::TooLong);
    }
    let query = strip_prefix_any_case(uri.trim(), OFFLINE).ok_or_else(|| other_text(uri))?;
    if uri_damage::is_html(query) {
        return Err(MigrationError::Html);
    }
    let mut data = query.split('&').filter_map(|pair| pair.strip_prefix("data="));
    let text = match (data.next(), data.next()) {
        (Some(text), None) => decode(text).map_err(|_| MigrationError::Data)?,
        _ => return Err(MigrationError::Data),
    };
    payload(&bytes(&text)?)
}

/// Returns what is wrong with a text that is not a migration URI.
fn other_text(line: &str) -> MigrationError {
    match () {
        () if strip_prefix_any_case(line.trim(), SINGLE_KEY).is_some() => MigrationError::SingleKey,
        () if line.starts_with(uri_damage::BYTE_ORDER_MARK) => MigrationError::ByteOrderMark,
        () if uri_damage::contains(line, OFFLINE) => MigrationError::Prefix,
        () if uri_damage::contains(line, SINGLE_KEY) => MigrationError::SingleKey,
        () => MigrationError::Scheme,
    }
}

/// Merges accounts whose codes are the same. Keeps the highest counter and all labels, in the order of the accounts.
#[must_use]
pub fn folded(accounts: Vec<Moved>) -> Vec<Moved> {
    let mut folded: Vec<Moved> = Vec::new();
    for account in accounts {
        match folded.iter_mut().find(|known| makes_same_codes(known, &account)) {
            Some(known) => known.fold(account),
            None => folded.push(account),
        }
    }
    folded
}

impl Moved {
    fn fold(&mut self, other: Self) {
        if let (Ok(here), Ok(there)) = (&mut self.authenticator, &other.authenticator) {
            here.moving = further(here.moving, there.moving);
        }
        for label in core::iter::once(other.label).chain(other.other_labels) {
            if self.label != label && !self.other_labels.contains(&label) {
                self.other_labels.push(label);
            }
        }
    }
}

fn makes_same_codes(one: &Moved, other: &Moved) -> bool {
    let (Ok(one), Ok(other)) = (&one.authenticator, &other.authenticator) else { return false };
    let by_time = |moving: MovingFactor| matches!(moving, MovingFactor::Clock { .. });
    one.key == other.key
        && one.parameters == other.parameters
        && by_time(one.moving) == by_time(other.moving)
}

fn further(one: MovingFactor, other: MovingFactor) -> MovingFactor {
    match (one, other) {
        (MovingFactor::Counter { next }, MovingFactor::Counter { next: further }) => {
            MovingFactor::Counter { next: next.max(further) }
        }
        (one, _) => one,
    }
}

/// Decodes base64. Accepts the URL-safe alphabet, blanks for plus signs as a web form sends them, and missing padding.
fn bytes(text: &str) -> Result<Zeroizing<Vec<u8>>, MigrationError> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    plain.extend(text.trim_end_matches('=').chars().map(|letter| match letter {
        ' ' | '-' => '+',
        '_' => '/',
        other => other,
    }));
    Base64Unpadded::decode_vec(&plain).map(Zeroizing::new).map_err(|_| MigrationError::Data)
}

fn payload(bytes: &[u8]) -> Result<Migration, MigrationError> {
    let mut accounts = Vec::new();
    let (mut id, mut index, mut size) = (0, 0, 1);
    let mut fields = MessageFields(bytes);
    while let Some((tag, value)) = fields.next().map_err(|CutError| MigrationError::Payload)? {
        match (tag, value) {
            (1, WireValue::Bytes(_)) if accounts.len() == ACCOUNTS_MAX => {
                return Err(MigrationError::Accounts);
            }
            (1, WireValue::Bytes(account)) => {
                accounts.push(moved(account).map_err(|CutError| MigrationError::Payload)?);
            }
            (3, WireValue::Number(number)) => size = number,
            (4, WireValue::Number(number)) => index = number,
            (5, WireValue::Number(number)) => id = number,
            // Unknown tags belong to a later app; a known one with another type is an error.
            (1 | 3..=5, _) => return Err(MigrationError::Payload),
            _ => {}
        }
    }
    if accounts.is_empty() {
        return Err(MigrationError::Accounts);
    }
    let size = size.max(1);
    if size > BATCH_MAX || index >= size {
        return Err(MigrationError::Payload);
    }
    Ok(Migration { accounts, batch: MigrationBatch { id, index, size } })
}

/// The decoded fields of an account. A missing field is empty or 0.
#[derive(Default)]
struct Raw<'a> {
    secret: &'a [u8],
    name: &'a [u8],
    issuer: &'a [u8],
    algorithm: u64,
    digits: u64,
    kind: u64,
    counter: u64,
}

fn moved(bytes: &[u8]) -> Result<Moved, CutError> {
    let mut raw = Raw::default();
    let mut fields = MessageFields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, WireValue::Bytes(bytes)) => raw.secret = bytes,
            (2, WireValue::Bytes(bytes)) => raw.name = bytes,
            (3, WireValue::Bytes(bytes)) => raw.issuer = bytes,
            (4, WireValue::Number(number)) => raw.algorithm = number,
            (5, WireValue::Number(number)) => raw.digits = number,
            (6, WireValue::Number(number)) => raw.kind = number,
            (7, WireValue::Number(number)) => raw.counter = number,
            (1..=7, _) => return Err(CutError),
            _ => {}
        }
    }
    let (issuer, name) = (plain(raw.issuer), plain(raw.name));
    let label = match (issuer.as_str(), name.as_str()) {
        ("", name) => name.into(),
        (issuer, "") => issuer.into(),
        // The app may repeat the issuer before the name.
        (issuer, name) => {
            let rest = name.strip_prefix(issuer).and_then(|rest| rest.strip_prefix(':'));
            alloc::format!("{issuer}:{}", rest.unwrap_or(name).trim_start())
        }
    };
    let called =
        if issuer.is_empty() { name.split(':').next().unwrap_or_default() } else { &issuer };
    let authenticator = authenticator(&raw, called);
    Ok(Moved { label, other_labels: Vec::new(), authenticator })
}

fn authenticator(raw: &Raw<'_>, called: &str) -> Result<Authenticator, MovedKeyError> {
    // The app writes zero for an unspecified value; apps then use the default.
    let algorithm = match raw.algorithm {
        0 | 1 => Algorithm::Sha1,
        2 => Algorithm::Sha256,
        3 => Algorithm::Sha512,
        _ => return Err(MovedKeyError::Algorithm),
    };
    let digits = match raw.digits {
        0 | 1 => Digits::SIX,
        2 => Digits::EIGHT,
        _ => return Err(MovedKeyError::Digits),
    };
    let moving = match raw.kind {
        1 if i64::try_from(raw.counter).is_err() => return Err(MovedKeyError::Counter),
        1 => MovingFactor::Counter { next: raw.counter },
        2 => MovingFactor::default(),
        _ => return Err(MovedKeyError::Kind),
    };
    let key = Key::new(raw.secret.to_vec()).map_err(MovedKeyError::Key)?;
    // The app supports no other period.
    let parameters = Parameters { algorithm, digits, period: Period::THIRTY };
    Ok(Authenticator { name: tidy_name(called), key, parameters, moving, seen: None })
}

/// Returns a name for display, without control characters and at most forty characters long.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let kept = |letter: &char| letter.is_alphanumeric() || " .-_@:+/".contains(*letter);
    let text: String = text.chars().filter(kept).take(40).collect();
    text.trim().into()
}

/// The bytes of a protobuf message that have not been parsed yet.
struct MessageFields<'a>(&'a [u8]);

/// The value of a protobuf field, by wire type.
enum WireValue<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

/// The message ends within a field, or is not a protobuf message.
#[derive(Debug)]
struct CutError;

impl fmt::Display for CutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message ends within a field, or is not a protobuf message")
    }
}

impl core::error::Error for CutError {}

impl<'a> MessageFields<'a> {
    fn next(&mut self) -> Result<Option<(u64, WireValue<'a>)>, CutError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.number()?;
        let value = match key & 7 {
            0 => WireValue::Number(self.number()?),
            1 => self.bytes(8).map(|_| WireValue::Other)?,
            2 => {
                let length = usize::try_from(self.number()?).map_err(|_| CutError)?;
                WireValue::Bytes(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| WireValue::Other)?,
            _ => return Err(CutError),
        };
        match key >> 3 {
            0 => Err(CutError),
            tag => Ok(Some((tag, value))),
        }
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], CutError> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(CutError)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Parses a varint: seven bits per byte, the lowest first, in at most ten bytes.
    fn number(&mut self) -> Result<u64, CutError> {
        let mut number = 0_u64;
        for place in 0..10 {
            let (byte, rest) = self.0.split_first().ok_or(CutError)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if place == 9 && bits > 1 {
                return Err(CutError);
            }
            number |= bits << (place * 7);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(CutError)
    }
}

#[cfg(test)]
mod tests;
