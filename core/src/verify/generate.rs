//! Generates random values: generations (ids of record states), keys, backup codes, tickets, bypass codes.

use alloc::{string::String, vec, vec::Vec};

use zeroize::Zeroizing;

use crate::{
    base::{error::MachineError, random_text, secret::Key, time::UnixTime},
    ledger::Nonce,
    ports::Entropy,
    record::{
        Generation,
        code_set::Shape,
        voucher::{BYPASS_DIGITS, TICKET_LETTERS, Voucher},
    },
};

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";
/// Length of a new key in bytes: the length of an HMAC-SHA-1 (RFC 4226 section 4, R6).
const KEY: usize = 20;
/// Number of random bytes that are requested at once. It is more than a code of twenty letters needs.
const CHUNK: usize = 64;
/// Maximum number of requests for random bytes for one code. More would be needed only if the source of random bytes
/// were broken.
const CHUNKS_MAX: usize = 64;

fn letters(
    count: usize,
    alphabet: &[u8],
    entropy: &dyn Entropy,
) -> Result<Zeroizing<String>, MachineError> {
    let mut drawn = Zeroizing::new(String::with_capacity(count));
    let mut chunk = Zeroizing::new([0_u8; CHUNK]);
    for _ in 0..CHUNKS_MAX {
        entropy.fill(&mut *chunk)?;
        random_text::append(&mut drawn, count, alphabet, &*chunk);
        if drawn.len() == count {
            return Ok(drawn);
        }
    }
    Err(MachineError)
}

/// Generates `count` backup codes of twenty letters, without dashes.
///
/// # Errors
/// [`MachineError`] if there are no random bytes.
pub fn codes(count: u8, entropy: &dyn Entropy) -> Result<Vec<Zeroizing<String>>, MachineError> {
    (0..count).map(|_| letters(Shape::Letters20.length(), LETTERS, entropy)).collect()
}

/// Generates a ticket: twelve letters, without dashes.
///
/// # Errors
/// [`MachineError`] if there are no random bytes.
pub fn ticket(entropy: &dyn Entropy) -> Result<Zeroizing<String>, MachineError> {
    letters(TICKET_LETTERS, LETTERS, entropy)
}

/// Generates a bypass code: nine digits.
///
/// # Errors
/// [`MachineError`] if there are no random bytes.
pub fn bypass(entropy: &dyn Entropy) -> Result<Zeroizing<String>, MachineError> {
    letters(BYPASS_DIGITS, DIGITS, entropy)
}

/// Hashes a ticket or bypass code with a new salt.
///
/// # Errors
/// [`MachineError`] if there are no random bytes.
pub fn voucher(
    text: &str,
    until: UnixTime,
    entropy: &dyn Entropy,
) -> Result<Voucher, MachineError> {
    let mut salt = [0; 16];
    entropy.fill(&mut salt)?;
    Voucher::of(text, until, salt).ok_or(MachineError)
}

/// Generates a generation, the random id of one state of a record.
///
/// # Errors
/// [`MachineError`] if there are no random bytes.
pub fn generation(entropy: &dyn Entropy) -> Result<Generation, MachineError> {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes)?;
    Ok(Generation(u64::from_ne_bytes(bytes)))
}

/// Generates a random nonce for an attempt or command.
///
/// # Errors
/// [`MachineError`] if there are no random bytes.
pub fn nonce(entropy: &dyn Entropy) -> Result<Nonce, MachineError> {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes)?;
    Ok(Nonce(bytes))
}

/// Generates a key of 160 bits.
///
/// # Errors
/// [`MachineError`] if there are no random bytes.
pub fn key(entropy: &dyn Entropy) -> Result<Key, MachineError> {
    let mut bytes = vec![0; KEY];
    let filled = entropy.fill(&mut bytes);
    let key = Key::new(bytes).map_err(|_| MachineError);
    filled.and(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(core::cell::Cell<u8>);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), MachineError> {
            for byte in buffer {
                *byte = self.0.get();
                self.0.set(byte.wrapping_mul(5).wrapping_add(1));
            }
            Ok(())
        }
    }

    struct Stuck;

    impl Entropy for Stuck {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), MachineError> {
            buffer.fill(255);
            Ok(())
        }
    }

    #[test]
    fn what_is_drawn_has_its_shape() {
        let entropy = Counting(core::cell::Cell::new(0));
        let codes = codes(10, &entropy).unwrap();
        assert!(codes.len() == 10 && codes.iter().all(|code| Shape::Letters20.fits(code)));
        assert!(codes[0] != codes[1]);
        let ticket = ticket(&entropy).unwrap();
        assert!(ticket.len() == 12 && ticket.bytes().all(|byte| byte.is_ascii_uppercase()));
        let bypass = bypass(&entropy).unwrap();
        assert!(bypass.len() == 9 && bypass.bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(key(&entropy).unwrap().bytes().len(), 20);
    }

    #[test]
    fn entropy_that_gives_nothing_usable_is_a_fault_and_no_loop() {
        assert_eq!(ticket(&Stuck), Err(MachineError));
    }
}
