//! HOTP (RFC 4226): computes a code from a key and a counter.

use alloc::string::String;

use ctutils::CtEq;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use crate::{
    base::secret::Key,
    ledger::KeyId,
    record::{Algorithm, Authenticator, Digits, MovingFactor},
};

/// An HMAC state that has absorbed the key. Each further code then costs two hash blocks instead of four.
pub struct Keyed(Keys);

enum Keys {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

/// HMAC input from which a [`KeyId`] is computed. It is longer than the 8 bytes of a counter, so it never equals the
/// input for a code.
const MARK_TEXT: &[u8] = b"twinlock used step";

impl Keyed {
    /// Absorbs a key; `None` if HMAC does not accept it.
    #[must_use]
    pub fn new(key: &Key, algorithm: Algorithm) -> Option<Self> {
        let bytes = key.bytes();
        Some(Self(match algorithm {
            Algorithm::Sha1 => Keys::Sha1(Hmac::new_from_slice(bytes).ok()?),
            Algorithm::Sha256 => Keys::Sha256(Hmac::new_from_slice(bytes).ok()?),
            Algorithm::Sha512 => Keys::Sha512(Hmac::new_from_slice(bytes).ok()?),
        }))
    }

    /// Returns the truncated HMAC of a counter, 31 bits (RFC 4226 section 5.3).
    #[must_use]
    pub fn truncated(&self, counter: u64) -> u32 {
        self.mac(&counter.to_be_bytes(), dynamic_truncation)
    }

    /// Returns the identifier of this key in the ledger. The same key with another period has another identifier.
    #[must_use]
    pub fn mark(&self, authenticator: &Authenticator) -> KeyId {
        let seconds = match authenticator.moving {
            MovingFactor::Clock { .. } => authenticator.parameters.period.seconds(),
            // A counter has no period. No period is 0, so a counter and a time step never have the same identifier.
            MovingFactor::Counter { .. } => 0,
        };
        let mut text = [0; MARK_TEXT.len() + 8];
        let parts = MARK_TEXT.iter().copied().chain(seconds.to_be_bytes());
        text.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        KeyId(self.mac(&text, |mac| mac.first_chunk().copied().unwrap_or_default()))
    }

    fn mac<T>(&self, text: &[u8], of: impl FnOnce(&[u8]) -> T) -> T {
        match &self.0 {
            Keys::Sha1(keyed) => of(finish(keyed.clone(), text).as_ref()),
            Keys::Sha256(keyed) => of(finish(keyed.clone(), text).as_ref()),
            Keys::Sha512(keyed) => of(finish(keyed.clone(), text).as_ref()),
        }
    }
}

fn finish<M: Mac>(mut keyed: M, text: &[u8]) -> impl AsRef<[u8]> {
    keyed.update(text);
    keyed.finalize().into_bytes()
}

/// Returns the 31 bits of an HMAC that its last four bits select (RFC 4226 section 5.3).
fn dynamic_truncation(mac: &[u8]) -> u32 {
    let offset = usize::from(mac.last().copied().unwrap_or_default() & 0x0f);
    mac.iter().skip(offset).take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
        & 0x7fff_ffff
}

/// Returns the decimal code of a truncated HMAC, with leading zeros.
#[must_use]
pub fn digits_of(truncated: u32, digits: Digits) -> Zeroizing<String> {
    let mut code = Zeroizing::new(String::with_capacity(8));
    for place in (0..u32::from(digits.get())).rev() {
        let digit = truncated / 10_u32.pow(place) % 10;
        code.extend(char::from_digit(digit, 10));
    }
    code
}

/// Returns whether a typed code is the code of a truncated HMAC. Compares codes of the same length in constant time.
#[must_use]
pub fn is_code_of(truncated: u32, digits: Digits, typed: &str) -> bool {
    let (mut code, mut rest) = (Zeroizing::new([b'0'; 8]), truncated);
    let length = usize::from(digits.get()).min(code.len());
    let code = code.get_mut(..length).unwrap_or_default();
    for digit in code.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    typed.as_bytes().ct_eq(code).to_bool()
}

/// Returns whether a typed code equals the right one. Compares codes of the same length in constant time.
#[must_use]
pub fn same_code(typed: &str, right: &str) -> bool {
    typed.as_bytes().ct_eq(right.as_bytes()).to_bool()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Parameters;
    use alloc::string::ToString;

    #[test]
    fn rfc_4226_appendix_d() {
        let key = Key::new(b"12345678901234567890".to_vec()).unwrap();
        let keyed = Keyed::new(&key, Algorithm::Sha1).unwrap();
        let truncated = [
            0x4c93_cf18,
            0x4139_7eea,
            0x082f_ef30,
            0x66ef_7655,
            0x61c5_938a,
            0x33c0_83d4,
            0x7256_c032,
            0x04e5_b397,
            0x2823_443f,
            0x2679_dc69,
        ];
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (counter, (number, code)) in truncated.into_iter().zip(codes).enumerate() {
            assert_eq!(keyed.truncated(counter as u64), number);
            assert_eq!(*digits_of(number, Digits::SIX), code);
        }
    }

    #[test]
    fn leading_zeros_are_kept() {
        assert_eq!(*digits_of(1_000_042, Digits::SIX), "000042");
        assert_eq!(*digits_of(7, Digits::new(8).unwrap()), "00000007");
    }

    #[test]
    fn a_code_is_compared_as_it_would_be_written() {
        for (number, digits) in [(0, 6), (1_000_042, 6), (7, 8), (u32::MAX >> 1, 8), (99, 7)] {
            let digits = Digits::new(digits).unwrap();
            let code = digits_of(number, digits);
            assert!(is_code_of(number, digits, &code));
            assert!(!is_code_of(number + 1, digits, &code));
            for typed in ["", "0", &code[1..], &(code.to_string() + "0")] {
                assert!(!is_code_of(number, digits, typed), "{typed}");
            }
        }
    }

    #[test]
    fn a_mark_belongs_to_the_key_and_to_what_moves_it() {
        let mark = |text: &[u8], moving: MovingFactor| {
            let key = Key::new(text.to_vec()).unwrap();
            let parameters = Parameters::default();
            let authenticator =
                Authenticator { name: "app".into(), key, parameters, moving, seen: None };
            let keyed = Keyed::new(&authenticator.key, Algorithm::Sha1).unwrap();
            keyed.mark(&authenticator)
        };
        let key = b"12345678901234567890";
        assert_eq!(mark(key, MovingFactor::default()), mark(key, MovingFactor::Clock { drift: 7 }));
        assert_ne!(
            mark(key, MovingFactor::default()),
            mark(b"12345678901234567891", MovingFactor::default())
        );
        assert_ne!(
            mark(key, MovingFactor::default()),
            mark(key, MovingFactor::Counter { next: 0 })
        );
        assert_eq!(
            mark(key, MovingFactor::Counter { next: 9 }),
            mark(key, MovingFactor::Counter { next: 0 })
        );
    }
}
