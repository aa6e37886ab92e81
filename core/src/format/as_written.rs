//! Records exactly as they are written, taken apart line by line: a login reads one every time, and TOML costs six times as much.

use alloc::{string::String, vec::Vec};

use zeroize::Zeroizing;

use crate::format::record::{END, Entry, File};

/// What each authenticator begins with, after an empty line.
const HEADING: &str = "[[authenticator]]\n";

/// Takes a record apart; nothing where anything is not as it is written, whatever TOML would say to it.
pub(super) fn take_apart(text: &str) -> Option<File<'_>> {
    let mut paragraphs = Paragraphs(Some(text.strip_suffix(END)?.strip_suffix('\n')?));
    let mut head = Lines(paragraphs.next()?.split('\n').peekable());
    let file = File {
        version: u32::try_from(number(head.next("version")?)?).ok()?,
        user: string(head.next("user")?)?.into(),
        uid: u32::try_from(number(head.next("uid")?)?).ok()?,
        state: string(head.next("state")?)?.into(),
        generation: string(head.next("generation")?)?.into(),
        since: number(head.next("since")?)?,
        codes: plain(head.optional("codes"), string)?.map(Into::into),
        mail: plain(head.optional("mail"), string)?.map(String::from),
        changed: plain(head.optional("changed"), number)?,
        authenticator: paragraphs
            .map(|text| entry(text.strip_prefix(HEADING)?))
            .collect::<Option<Vec<_>>>()?,
        ..File::default()
    };
    head.0.next().is_none().then_some(file)
}

/// What stands between empty lines. Searching for a whole heading takes more than all the rest.
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

fn entry(text: &str) -> Option<Entry> {
    let mut lines = Lines(text.split('\n').peekable());
    let mut optional = |key: &str| lines.optional(key);
    let entry = Entry {
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
    // Who has seen the key is asked at few logins, and read with what else is rare.
    lines.0.next().is_none().then_some(entry)
}

/// A value that may be missing, but not be odd.
fn plain<'a, T>(value: Option<&'a str>, read: fn(&'a str) -> Option<T>) -> Option<Option<T>> {
    value.map_or(Some(None), |value| read(value).map(Some))
}

struct Lines<'a>(core::iter::Peekable<core::str::Split<'a, char>>);

impl<'a> Lines<'a> {
    fn next(&mut self, key: &str) -> Option<&'a str> {
        value_of(self.0.next()?, key)
    }

    /// The value of the next line, if it is this key's.
    fn optional(&mut self, key: &str) -> Option<&'a str> {
        let value = self.0.peek().and_then(|line| value_of(line, key));
        if value.is_some() {
            self.0.next();
        }
        value
    }
}

fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = ")
}

/// A string without anything that would have to be written otherwise.
fn string(value: &str) -> Option<&str> {
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    let harmless = |byte: u8| byte != b'"' && byte != b'\\' && byte >= b' ' && byte != 0x7f;
    text.bytes().all(harmless).then_some(text)
}

/// A number as it is written: no sign, no zero before it.
fn number(value: &str) -> Option<u64> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = value.parse().ok().filter(|_| digits)?;
    // TOML ends here.
    (number <= i64::MAX.unsigned_abs() && (value == "0" || !value.starts_with('0')))
        .then_some(number)
}

fn signed(value: &str) -> Option<i32> {
    match value.strip_prefix('-') {
        Some(digits) => i32::try_from(number(digits)?).ok()?.checked_neg(),
        None => i32::try_from(number(value)?).ok(),
    }
}
