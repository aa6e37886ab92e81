//! Keys in base32 (RFC 4648 section 6), as users type them: with spaces, dashes and lower case.

use alloc::{string::String, vec, vec::Vec};

use base32ct::{Base32UpperUnpadded, Encoding};
use zeroize::Zeroizing;

use crate::base::secret::{Key, KeyLengthError};

/// Why a text is not a valid base32 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTextError {
    /// The text contains a character that base32 does not have.
    Letter {
        /// Position of the character in the text, from 1.
        at: usize,
    },
    /// The text has a number of letters that base32 cannot produce.
    Incomplete,
    /// The key is too short or too long.
    Length(KeyLengthError),
}

impl core::fmt::Display for KeyTextError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Letter { at } => write!(f, "character {at} of the key is not base32 (A-Z, 2-7)"),
            Self::Incomplete => f.write_str("the key is cut off: no key has that many characters"),
            Self::Length(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for KeyTextError {}

/// Parses a key in base32. Ignores case, spaces, dashes and trailing padding.
///
/// # Errors
/// [`KeyTextError`] if the text is not base32 or the key has an invalid length. The error never quotes the text.
pub fn parse(text: &str) -> Result<Key, KeyTextError> {
    if let Some(bytes) = parse_plain(text) {
        return Key::new(bytes).map_err(KeyTextError::Length);
    }
    let mut letters: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::with_capacity(text.len()));
    for (index, letter) in text.trim_end_matches(['=', ' ', '\n', '\r']).chars().enumerate() {
        match letter {
            ' ' | '-' | '\t' => {}
            'A'..='Z' | 'a'..='z' | '2'..='7' => letters.push(letter.to_ascii_uppercase() as u8),
            _ => return Err(KeyTextError::Letter { at: index + 1 }),
        }
    }
    match letters.len() % 8 {
        0 | 2 | 4 | 5 | 7 => {}
        _ => return Err(KeyTextError::Incomplete),
    }
    let mut bytes = Zeroizing::new(decoded(&letters).ok_or(KeyTextError::Incomplete)?);
    Key::new(core::mem::take(&mut *bytes)).map_err(KeyTextError::Length)
}

/// Decodes a key in upper-case base32 without spaces and padding; `None` for any other text. Records contain keys in
/// this form, so every login takes this short path.
fn parse_plain(text: &str) -> Option<Vec<u8>> {
    decoded(text.as_bytes())
}

/// Decodes upper-case base32 without padding. Drops the bits of the last letter that do not fill a byte: some issuers set
/// these bits, and every app ignores them.
fn decoded(letters: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; letters.len() * 5 / 8]);
    Base32UpperUnpadded::decode(letters, &mut bytes).ok()?;
    Some(core::mem::take(&mut *bytes))
}

/// Parses a key as `pam_google_authenticator` does: reads the digits 0, 1 and 8 as the similar letters O, L and B, and
/// drops trailing bits that do not fill a byte.
///
/// # Errors
/// [`KeyTextError`] if the text is not base32 or the key has an invalid length. The error never quotes the text.
pub fn parse_leniently(text: &[u8]) -> Result<Key, KeyTextError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut buffer, mut bits): (u32, u32) = (0, 0);
    for (index, letter) in text.iter().enumerate() {
        let value = match letter.to_ascii_uppercase() {
            b' ' | b'\t' | b'\r' | b'-' => continue,
            b'0' => b'O' - b'A',
            b'1' => b'L' - b'A',
            b'8' => b'B' - b'A',
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return Err(KeyTextError::Letter { at: index + 1 }),
        };
        buffer = buffer << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.extend((buffer >> bits).to_be_bytes().last());
        }
    }
    Key::new(core::mem::take(&mut *bytes)).map_err(KeyTextError::Length)
}

/// Returns a key in base32 without padding, as in `otpauth://` URIs.
#[must_use]
pub fn write(key: &Key) -> Zeroizing<String> {
    Zeroizing::new(Base32UpperUnpadded::encode_string(key.bytes()))
}

/// Returns a key in base32, in groups of four letters for reading and typing.
#[must_use]
pub fn in_groups(key: &Key) -> Zeroizing<String> {
    let text = write(key);
    let mut grouped = Zeroizing::new(String::with_capacity(text.len() + text.len() / 4));
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(letter);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    #[test]
    fn keys_are_read_as_people_write_them() {
        let key = parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        assert_eq!(key.bytes(), b"12345678901234567890");
        for text in [
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ==",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n",
        ] {
            assert_eq!(parse(text).unwrap(), key, "{text}");
        }
        assert_eq!(*in_groups(&key), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }

    #[test]
    fn what_is_no_key_says_where() {
        assert_eq!(parse("GEZDGNBVGY3TQOJ1").unwrap_err(), KeyTextError::Letter { at: 16 });
        assert_eq!(parse("GEZD=GNBV").unwrap_err(), KeyTextError::Letter { at: 5 });
        assert_eq!(parse("G").unwrap_err(), KeyTextError::Incomplete);
        assert_eq!(parse("").unwrap_err(), KeyTextError::Length(KeyLengthError(0)));
        assert_eq!(parse("GEZDGNBV").unwrap_err(), KeyTextError::Length(KeyLengthError(5)));
    }

    #[test]
    fn every_length_comes_back() {
        for length in 10..=128 {
            let key = Key::new(vec![0xff; length]).unwrap();
            assert_eq!(parse(&write(&key)).unwrap(), key);
        }
        // 11 bytes end in a letter with two spare bits: F, or a letter that differs from F only in these bits.
        let spare = "GEZDGNBVGY3TQOJQGF";
        assert_eq!(parse(spare).unwrap().bytes().len(), 11);
        for (letters, plain) in
            [("GF", "GE"), ("GE77", "GE7Q"), ("GEZDH", "GEZDG"), ("GEZDGNB", "GEZDGNA")]
        {
            let whole = "GEZDGNBVGY3TQOJQ";
            let [with, without] =
                [letters, plain].map(|end| parse(&format!("{whole}{end}")).unwrap());
            assert_eq!(with, without, "{letters}");
            assert_eq!(parse(&format!("{whole} {}", letters.to_lowercase())).unwrap(), without);
        }
    }
}
