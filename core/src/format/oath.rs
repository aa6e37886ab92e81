//! The users file of `pam_oath`, read as liboath reads it; faults give lines and never their text.

use alloc::{string::String, vec::Vec};

use data_encoding::HEXLOWER_PERMISSIVE;
use zeroize::Zeroizing;

use crate::{
    foreign::{Pin, Token, TokenKind},
    format::c_number::is_blank,
    record::{Digits, Period},
    secret::{Key, KeyLength},
};

/// The largest file read, in bytes: about a hundred thousand people.
pub const OATH_MAX: usize = 16 * 1024 * 1024;
/// What liboath looks for at the beginning of a line.
const TYPE: &[u8] = b"HOTP";

/// A line of which nothing is taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OathFault {
    /// Where.
    pub line: u32,
    /// Whose it is, as far as that can be read.
    pub user: Option<String>,
    /// Why.
    pub what: OathMistake,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OathMistake {
    /// A type that begins with HOTP and is none of liboath's.
    Type,
    /// A name that is not UTF-8, or none.
    User,
    /// No key.
    NoKey,
    /// The key is not hexadecimal.
    Key,
    /// Too short or too long to be a key.
    KeyLength(KeyLength),
    /// The counter is not a number.
    Counter,
}

/// Reads a file, line by line. Lines of no type are comments, as for liboath.
#[must_use]
pub fn read(bytes: &[u8]) -> Vec<Result<Token, OathFault>> {
    let lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    lines.filter_map(|(number, line)| read_line(number, line)).collect()
}

fn read_line(number: u32, line: &[u8]) -> Option<Result<Token, OathFault>> {
    // What follows a NUL byte does not exist for C.
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut words = line.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
    let kind = words.next().filter(|kind| kind.starts_with(TYPE))?;
    let user = words.next().and_then(|user| String::from_utf8(user.to_vec()).ok());
    let token = match (type_of(kind), &user) {
        (None, _) => Err(OathMistake::Type),
        (_, None) => Err(OathMistake::User),
        (Some(kind), Some(user)) => token((number, user), kind, words),
    };
    Some(token.map_err(|what| OathFault { line: number, user, what }))
}

fn token<'a>(
    (line, user): (u32, &str),
    (digits, period): (Digits, Option<Period>),
    mut words: impl Iterator<Item = &'a [u8]>,
) -> Result<Token, OathMistake> {
    let pin = match words.next() {
        Some(b"-") => Pin::None,
        Some(b"+") => Pin::Elsewhere,
        _ => Pin::ClearText,
    };
    let key = key(words.next().ok_or(OathMistake::NoKey)?)?;
    let counter = words.next().map_or(Some(0), number_of).ok_or(OathMistake::Counter)?;
    let last = words.next().and_then(|code| str::from_utf8(code).ok());
    let last = last.map(|code| Zeroizing::new(code.into()));
    let kind = period.map_or(TokenKind::Counter(counter), TokenKind::Clock);
    Ok(Token { line, user: user.into(), pin, key, digits, kind, last })
}

/// `HOTP`, `HOTP/E`, `HOTP/T30` or `HOTP/T60`, and then perhaps the digits.
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

fn key(text: &[u8]) -> Result<Key, OathMistake> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text).map_err(|_| OathMistake::Key)?;
    Key::new(bytes).map_err(OathMistake::KeyLength)
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

    fn one(line: &str) -> Result<Token, OathMistake> {
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
            assert_eq!(one(&format!("{kind} ada - {KEY}")).unwrap_err(), OathMistake::Type);
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
        let fault = |line, user: &str, what| OathFault { line, user: Some(user.into()), what };
        let short = OathMistake::KeyLength(KeyLength(1));
        assert_eq!(faults, vec![fault(4, "bob", OathMistake::Key), fault(5, "cy", short)]);
        assert_eq!(one("HOTP").unwrap_err(), OathMistake::User);
        assert_eq!(one("HOTP ada").unwrap_err(), OathMistake::NoKey);
        assert_eq!(one(&format!("HOTP ada - {KEY} 1x")).unwrap_err(), OathMistake::Counter);
        assert_eq!(one("HOTP ada -\0 00").unwrap_err(), OathMistake::NoKey);
        assert_eq!(read(b"HOTP \xff - 00").pop().unwrap().unwrap_err().user, None);
    }
}
