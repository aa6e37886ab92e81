//! Secrets: bytes and texts that are wiped when dropped and are never printed.

use alloc::{string::String, vec::Vec};
use core::fmt;

use ctutils::CtEq;
use zeroize::Zeroizing;

/// Minimum length of a key in bytes: 80 bits, as in old files of `pam_google_authenticator`. RFC 4226 requires 128
/// bits.
pub const KEY_MIN: usize = 10;
/// Maximum length of a key in bytes. It is one block of SHA-512, as RFC 2104 recommends.
pub const KEY_MAX: usize = 128;

/// The shared secret of an authenticator (RFC 4226 section 5.1, `K`).
pub struct Key(Zeroizing<Vec<u8>>);

/// The length of a key is not within [`KEY_MIN`] to [`KEY_MAX`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLengthError(
    /// Length of the refused key in bytes.
    pub usize,
);

impl core::fmt::Display for KeyLengthError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the key has {} bytes; {KEY_MIN} to {KEY_MAX} can be used", self.0)
    }
}

impl core::error::Error for KeyLengthError {}

impl Key {
    /// Returns a key of [`KEY_MIN`] to [`KEY_MAX`] bytes.
    ///
    /// # Errors
    /// [`KeyLengthError`] for any other length. The bytes are wiped.
    pub fn new(bytes: Vec<u8>) -> Result<Self, KeyLengthError> {
        let bytes = Zeroizing::new(bytes);
        match bytes.len() {
            KEY_MIN..=KEY_MAX => Ok(Self(bytes)),
            other => Err(KeyLengthError(other)),
        }
    }

    /// Returns a copy of the key, which is also wiped when dropped. Code that changes a record needs copies of a key,
    /// because it runs once more if another process has changed the record in the meantime.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self(self.0.clone())
    }

    /// Returns the bytes of the key, for HMAC and base32.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).to_bool()
    }
}

impl Eq for Key {}

/// The text that a user typed at a prompt, untrimmed.
pub struct Typed(Zeroizing<String>);

impl Typed {
    /// Wraps the text that a user typed.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the text as the user typed it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    #[test]
    fn a_key_has_a_length_that_authenticators_have() {
        assert_eq!(Key::new(vec![0; 9]).unwrap_err(), KeyLengthError(9));
        assert!(Key::new(vec![0; 10]).is_ok());
        assert!(Key::new(vec![0; 128]).is_ok());
        assert_eq!(Key::new(vec![0; 129]).unwrap_err(), KeyLengthError(129));
    }

    #[test]
    fn nothing_prints_a_secret() {
        let key = Key::new(b"made up key".to_vec()).unwrap();
        assert_eq!(format!("{key:?}"), "Key(..)");
        assert_eq!(format!("{:?}", Typed::new("123456".into())), "Typed(..)");
    }
}
