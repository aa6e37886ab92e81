//! Parses the users file of `pam_oath` as liboath does. Errors contain line numbers and never the text of a line.

use alloc::{string::String, vec::Vec};

use zeroize::Zeroizing;

use crate::{
    c_number::is_blank,
    source::{OathToken, Pin, TokenKind},
};
use twinlock_core::{
    base::secret::{Key, KeyLengthError},
    record::{Digits, Period},
};

/// Maximum file size in bytes, enough for about a hundred thousand users.
pub const OATH_MAX: usize = 16 * 1024 * 1024;
/// The word that liboath expects at the start of a line.
const TYPE: &[u8] = b"HOTP";
/// The byte order mark, which some editors write at the start of a UTF-8 file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OathError {
    /// Number of the line in the file, from 1.
    pub line: u32,
    /// The user name, if it can be read.
    pub user: Option<String>,
    /// What is wrong with the line.
    pub what: OathLineError,
}

impl core::fmt::Display for OathError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl core::error::Error for OathError {}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OathLineError {
    /// The type is unknown to liboath, which ignores most lines with an unknown type.
    Type,
    /// A byte order mark precedes the type, so liboath ignores the line.
    ByteOrderMark,
    /// The user name is missing or not UTF-8.
    User,
    /// The key is missing.
    NoKey,
    /// The key is not hexadecimal.
    Key,
    /// The key is too short or too long.
    KeyLength(KeyLengthError),
    /// The counter is not a number.
    Counter,
}

impl core::fmt::Display for OathLineError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Type => "a type that twinlock does not know",
            Self::ByteOrderMark => {
                "there is a byte order mark before it, so pam_oath does not recognize the line"
            }
            Self::User => "the name cannot be read",
            Self::NoKey => "there is no key",
            Self::Key => "the key is not hexadecimal",
            Self::Counter => "the counter is not a number",
            Self::KeyLength(error) => return error.fmt(f),
        })
    }
}

impl core::error::Error for OathLineError {}

/// A part of the file that [`read`] ignores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedOver {
    /// Number of the line in the file, from 1.
    pub line: u32,
    /// Whether the text is a comment or the rest of an entry.
    pub what: Unread,
}

/// Kind of a part of the file that [`read`] ignores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// A comment with words in it, perhaps a disabled entry.
    Comment,
    /// Words after the fields of an entry, or bytes after a NUL byte.
    Rest,
}

/// Parses a file line by line. Returns one result for every line that is neither blank nor a comment.
#[must_use]
pub fn read(bytes: &[u8]) -> Vec<Result<OathToken, OathError>> {
    lines(bytes).filter_map(|(number, line)| read_line(number, line)).collect()
}

/// Returns the text that [`read`] ignores, except blanks and lines of punctuation. An administrator can then decide
/// whether the file may be removed.
#[must_use]
pub fn passed_over(bytes: &[u8]) -> Vec<PassedOver> {
    let unread = lines(bytes).filter_map(|(line, text)| {
        let what = if !is_comment(text) {
            has_rest(text).then_some(Unread::Rest)
        } else if text.iter().all(|byte| is_blank(*byte) || byte.is_ascii_punctuation()) {
            None
        } else {
            Some(Unread::Comment)
        };
        what.map(|what| PassedOver { line, what })
    });
    unread.collect()
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    (1..).zip(bytes.split(|byte| *byte == b'\n'))
}

/// Splits a line into words at blanks. The line ends at a NUL byte, as in C.
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    line.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty())
}

fn is_comment(line: &[u8]) -> bool {
    line.iter().find(|byte| !is_blank(**byte)) == Some(&b'#')
}

/// Returns whether an entry has text after the fields that liboath reads. The two last of these fields are the last
/// accepted code and the time at which it was accepted.
fn has_rest(line: &[u8]) -> bool {
    let mut words = words(line).skip(5);
    let is_code = words.next().is_none_or(|code| {
        code.len() <= 8 && code.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
    });
    let is_time = words.next().is_none_or(|time| {
        time.len() <= 32
            && time.first().is_some_and(u8::is_ascii_digit)
            && time.iter().all(|byte| byte.is_ascii_digit() || b"-:+TZL.".contains(byte))
    });
    !is_code || !is_time || words.next().is_some() || line.contains(&0)
}

fn read_line(number: u32, line: &[u8]) -> Option<Result<OathToken, OathError>> {
    if is_comment(line) || line.iter().all(|byte| is_blank(*byte)) {
        return None;
    }
    let mut words = words(line);
    let kind = words.next().unwrap_or_default();
    let has_mark = kind.starts_with(BYTE_ORDER_MARK);
    let is_entry = kind.windows(3).any(|part| part.eq_ignore_ascii_case(b"OTP"));
    let user = words.next().filter(|_| is_entry);
    let user = user.and_then(|user| String::from_utf8(user.to_vec()).ok());
    let token = match (type_of(kind), &user) {
        (None, _) if has_mark => Err(OathLineError::ByteOrderMark),
        (None, _) => Err(OathLineError::Type),
        (_, None) => Err(OathLineError::User),
        (Some((digits, period)), Some(user)) => token(number, user, digits, period, words),
    };
    Some(token.map_err(|what| OathError { line: number, user, what }))
}

fn token<'a>(
    line: u32,
    user: &str,
    digits: Digits,
    period: Option<Period>,
    mut words: impl Iterator<Item = &'a [u8]>,
) -> Result<OathToken, OathLineError> {
    let pin = match words.next() {
        Some(b"-") => Pin::None,
        Some(b"+") => Pin::Elsewhere,
        _ => Pin::ClearText,
    };
    let key = key(words.next().ok_or(OathLineError::NoKey)?)?;
    let counter = words.next().map_or(Some(0), number_of).ok_or(OathLineError::Counter)?;
    let last = words.next().and_then(|code| str::from_utf8(code).ok());
    let last = last.map(|code| Zeroizing::new(code.into()));
    let kind = period.map_or(TokenKind::Counter(counter), TokenKind::Clock);
    Ok(OathToken { line, user: user.into(), pin, key, digits, kind, last })
}

/// Parses `HOTP`, `HOTP/E`, `HOTP/T30` or `HOTP/T60`, optionally followed by `/` and the number of digits; `None` for
/// any other text. The period is `None` for a token with a counter.
fn type_of(text: &[u8]) -> Option<(Digits, Option<Period>)> {
    let rest = text.strip_prefix(TYPE)?;
    let (rest, period) = match rest {
        [b'/', b'E', rest @ ..] => (rest, None),
        [b'/', b'T', b'3', b'0', rest @ ..] => (rest, Some(Period::THIRTY)),
        [b'/', b'T', b'6', b'0', rest @ ..] => (rest, Some(Period::new(60)?)),
        [] => (rest, None),
        _ => return None,
    };
    match rest {
        [] => Some((Digits::SIX, period)),
        [b'/', digit @ b'6'..=b'8'] => Some((Digits::new(u64::from(digit - b'0'))?, period)),
        _ => None,
    }
}

fn key(text: &[u8]) -> Result<Key, OathLineError> {
    let bytes = base16ct::mixed::decode_vec(text).map_err(|_| OathLineError::Key)?;
    Key::new(bytes).map_err(OathLineError::KeyLength)
}

fn number_of(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    const KEY: &str = "3132333435363738393031323334353637383930";

    fn one(line: &str) -> Result<OathToken, OathLineError> {
        let mut read = read(line.as_bytes());
        assert_eq!(read.len(), 1, "{line}");
        read.pop().unwrap().map_err(|fault| fault.what)
    }

    #[test]
    fn every_type_that_liboath_knows() {
        for (kind, digits, period) in [
            ("HOTP", 6, None),
            ("HOTP/E", 6, None),
            ("HOTP/E/7", 7, None),
            ("HOTP/E/8", 8, None),
            ("HOTP/T30", 6, Some(30)),
            ("HOTP/T30/8", 8, Some(30)),
            ("HOTP/T60/6", 6, Some(60)),
        ] {
            let token = one(&format!("{kind}\tada  -\t{KEY}")).unwrap();
            let expected = period.map_or(TokenKind::Counter(0), |seconds| {
                TokenKind::Clock(Period::new(seconds).unwrap())
            });
            assert_eq!((token.digits.get(), token.kind), (digits, expected), "{kind}");
            assert_eq!((token.user.as_str(), token.pin), ("ada", Pin::None));
            assert_eq!(token.key.bytes(), b"12345678901234567890");
        }
        for kind in ["HOTP/", "HOTP/6", "HOTP/T45", "HOTP/T30/9", "HOTP/T30/6/SHA256", "HOTPX"] {
            assert_eq!(one(&format!("{kind} ada - {KEY}")).unwrap_err(), OathLineError::Type);
        }
    }

    #[test]
    fn a_line_that_the_module_has_rewritten() {
        let text = format!("HOTP\tada\t+\t{KEY}\t41\t338314\t2026-11-21T10:00:00L\n");
        let token = one(text.trim_end()).unwrap();
        assert_eq!((token.kind, token.pin), (TokenKind::Counter(41), Pin::Elsewhere));
        assert_eq!(token.last.as_ref().map(|code| code.as_str()), Some("338314"));
        assert_eq!(one(&format!("HOTP ada secret {KEY}")).unwrap().pin, Pin::ClearText);
    }

    #[test]
    fn comments_are_skipped_and_mistakes_have_a_line_and_a_name() {
        let text = format!("# HOTP x\n\n#HOTP ada - {KEY}\n HOTP bob - zz\nHOTP cy - 00\n");
        let faults: Vec<_> = read(text.as_bytes()).into_iter().map(Result::unwrap_err).collect();
        let fault = |line, user: &str, what| OathError { line, user: Some(user.into()), what };
        let short = OathLineError::KeyLength(KeyLengthError(1));
        assert_eq!(faults, vec![fault(4, "bob", OathLineError::Key), fault(5, "cy", short)]);
        assert_eq!(one("HOTP").unwrap_err(), OathLineError::User);
        assert_eq!(one("HOTP ada").unwrap_err(), OathLineError::NoKey);
        assert_eq!(one(&format!("HOTP ada - {KEY} 1x")).unwrap_err(), OathLineError::Counter);
        assert_eq!(one("HOTP ada -\0 00").unwrap_err(), OathLineError::NoKey);
        assert_eq!(read(b"HOTP \xff - 00").pop().unwrap().unwrap_err().user, None);
    }

    #[test]
    fn lines_of_other_types_are_faults_and_no_comments() {
        for (text, user, what) in [
            (format!("TOTP/T30 ada - {KEY}"), Some("ada"), OathLineError::Type),
            (format!("hotp/t30\tada\t-\t{KEY}"), Some("ada"), OathLineError::Type),
            (format!("OTP ada - {KEY}"), Some("ada"), OathLineError::Type),
            (format!("\u{feff}HOTP/T30 ada - {KEY}"), Some("ada"), OathLineError::ByteOrderMark),
            ("\u{feff}# users".into(), None, OathLineError::ByteOrderMark),
            (format!("; HOTP ada - {KEY}"), None, OathLineError::Type),
            ("users of the VPN".into(), None, OathLineError::Type),
            ("\0\0".into(), None, OathLineError::Type),
        ] {
            let read = read(text.as_bytes()).pop().unwrap().unwrap_err();
            assert_eq!((read.user.as_deref(), read.what), (user, what), "{text}");
        }
    }

    #[test]
    fn what_nobody_reads_is_named() {
        let rest = |line| PassedOver { line, what: Unread::Rest };
        let comment = |line| PassedOver { line, what: Unread::Comment };
        let text = format!(
            "#HOTP/T30/6 ada - {KEY}\r\n#\r\n  # ----\n \t\r\n# the tokens\nHOTP ada - {KEY}\r\n\
             HOTP bob - {KEY} 41 338314 2026-11-21T10:00:00L\nHOTP cy - {KEY} 0 123456 2026 x\n\
             HOTP di - {KEY}\0 {KEY}\nHOTP ed - {KEY} 0 # spare\nHOTP ed - {KEY} 0 {KEY}"
        );
        let expected = vec![comment(1), comment(5), rest(8), rest(9), rest(10), rest(11)];
        assert_eq!(passed_over(text.as_bytes()), expected);
        assert_eq!(passed_over(b"\n\n"), []);
        assert!(read(text.as_bytes()).iter().all(Result::is_ok));
    }
}
