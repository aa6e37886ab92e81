//! Parses records exactly as twinlock writes them, line by line. Every login reads a record, and the TOML parser takes
//! six times as long.

use alloc::{string::String, vec::Vec};

use zeroize::Zeroizing;

use crate::record::text::{AuthenticatorEntry, END, RecordFile};

/// The first line of each authenticator. An empty line precedes it.
const HEADING: &str = "[[authenticator]]\n";

/// Parses a record file. Returns `None` if it differs in any way from a file that twinlock writes, even if it is valid
/// TOML.
pub(super) fn take_apart(text: &str) -> Option<RecordFile<'_>> {
    let mut paragraphs = Paragraphs(Some(text.strip_suffix(END)?.strip_suffix('\n')?));
    let mut head = RecordLines(Some(paragraphs.next()?));
    let file = RecordFile {
        version: u32::try_from(number(head.value("version")?)?).ok()?,
        user: string(head.value("user")?)?.into(),
        uid: u32::try_from(number(head.value("uid")?)?).ok()?,
        state: string(head.value("state")?)?.into(),
        generation: string(head.value("generation")?)?.into(),
        since: number(head.value("since")?)?,
        codes: plain(head.value("codes"), string)?.map(Into::into),
        mail: plain(head.value("mail"), string)?.map(String::from),
        changed: plain(head.value("changed"), number)?,
        fresh_key: plain(head.value("fresh_key"), string)?.map(String::from),
        authenticator: paragraphs
            .map(|text| entry(text.strip_prefix(HEADING)?))
            .collect::<Option<Vec<_>>>()?,
        ..RecordFile::default()
    };
    head.0.is_none().then_some(file)
}

/// An iterator over the paragraphs of a text, which are separated by empty lines. Searching for whole headings would
/// take longer than the rest of the parser.
struct Paragraphs<'a>(Option<&'a str>);

impl<'a> Iterator for Paragraphs<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0?;
        let end = text.as_bytes().windows(2).position(|pair| pair == b"\n\n");
        let parts = end.and_then(|end| text.split_at_checked(end));
        self.0 = parts.and_then(|(_, rest)| rest.strip_prefix("\n\n"));
        Some(parts.map_or(text, |(paragraph, _)| paragraph))
    }
}

fn entry(text: &str) -> Option<AuthenticatorEntry> {
    let mut lines = RecordLines(Some(text));
    let mut optional = |key: &str| lines.value(key);
    let entry = AuthenticatorEntry {
        name: String::from(string(optional("name")?)?),
        key: Zeroizing::new(String::from(string(optional("key")?)?)),
        algorithm: plain(optional("algorithm"), string)?.map(String::from),
        digits: plain(optional("digits"), number)?,
        period: plain(optional("period"), number)?,
        drift: plain(optional("drift"), signed)?,
        kind: plain(optional("kind"), string)?.map(String::from),
        counter: plain(optional("counter"), number)?,
        seen_by: None,
        seen_at: None,
        postponed: None,
    };
    // Further lines, such as those that say who has seen the key, are left to the TOML parser, because few records have
    // them.
    lines.0.is_none().then_some(entry)
}

/// Parses a value that may be absent. Returns `Some(None)` if the value is absent, and `None` if it is invalid.
fn plain<'a, T>(value: Option<&'a str>, read: fn(&'a str) -> Option<T>) -> Option<Option<T>> {
    value.map_or(Some(None), |value| read(value).map(Some))
}

/// The lines of a text that are not read yet; `None` after the last line.
struct RecordLines<'a>(Option<&'a str>);

impl<'a> RecordLines<'a> {
    /// Takes the value of the next line; `None` if the line has another key.
    fn value(&mut self, key: &str) -> Option<&'a str> {
        let text = self.0?.strip_prefix(key)?.strip_prefix(" = ")?;
        let end = text.bytes().position(|byte| byte == b'\n');
        let parts = end.and_then(|end| text.split_at_checked(end));
        self.0 = parts.and_then(|(_, rest)| rest.strip_prefix('\n'));
        Some(parts.map_or(text, |(value, _)| value))
    }
}

/// Returns the content of a quoted string; `None` if it contains a character that TOML escapes.
fn string(value: &str) -> Option<&str> {
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    let harmless = |byte: u8| byte != b'"' && byte != b'\\' && byte >= b' ' && byte != 0x7f;
    text.bytes().all(harmless).then_some(text)
}

/// Parses a number; `None` if it has a sign or leading zeros.
fn number(value: &str) -> Option<u64> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = value.parse().ok().filter(|_| digits)?;
    // TOML allows no larger number than `i64::MAX`.
    (number <= i64::MAX.unsigned_abs() && (value == "0" || !value.starts_with('0')))
        .then_some(number)
}

fn signed(value: &str) -> Option<i32> {
    match value.strip_prefix('-') {
        Some(digits) => i32::try_from(number(digits)?).ok()?.checked_neg(),
        None => i32::try_from(number(value)?).ok(),
    }
}
