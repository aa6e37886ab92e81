//! A set of backup codes: their hashes and the parameters of the hash function.

use alloc::vec::Vec;
use core::fmt;

use ctutils::CtEq;
use zeroize::Zeroizing;

/// Maximum number of backup codes in a set.
pub const CODES_MAX: usize = 64;

/// The hashed codes of one set.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeSet {
    /// The shape that all codes of the set have.
    pub shape: Shape,
    /// Salt and cost with which all codes were hashed. One hash of a typed code is thus enough to compare it with all
    /// of them.
    pub recipe: Recipe,
    /// Hashes of the codes, 1 to [`CODES_MAX`].
    pub hashes: Vec<Digest>,
}

/// The shape of a backup code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Eight digits, as the scratch codes of pam_google_authenticator.
    Digits8,
    /// Twenty letters, which hold 94 random bits.
    Letters20,
}

impl Shape {
    /// Returns the length of a code in bytes, without spaces and dashes.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Digits8 => 8,
            Self::Letters20 => 20,
        }
    }

    /// Returns the word of this shape in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Digits8 => "digits8",
            Self::Letters20 => "letters20",
        }
    }

    /// Returns the shape that has this word in files; `None` if there is none.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Digits8, Self::Letters20].into_iter().find(|shape| shape.word() == word)
    }

    /// Returns the Argon2id cost with which new codes of this shape are hashed.
    #[must_use]
    pub fn cost(self) -> Cost {
        match self {
            Self::Digits8 => Cost::GUESSABLE,
            Self::Letters20 => Cost::STRONG,
        }
    }

    /// Returns whether a text has this shape. Spaces, dashes and lower-case letters are not accepted.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        let letter = |byte: u8| match self {
            Self::Digits8 => byte.is_ascii_digit(),
            Self::Letters20 => byte.is_ascii_uppercase(),
        };
        text.len() == self.length() && text.bytes().all(letter)
    }
}

/// The salt and cost of an Argon2id hash (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// The random salt, 16 bytes.
    pub salt: [u8; 16],
    /// The memory and the number of passes with which the hash is computed.
    pub cost: Cost,
}

/// The cost of one Argon2id hash: its memory and its passes, in one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    /// The cost for codes of eight digits, which can be guessed: 19 MiB and two passes, as OWASP recommends for
    /// passwords.
    pub const GUESSABLE: Self = Self { memory_kib: 19 * 1024, passes: 2 };

    /// The cost for codes of twenty letters, which cannot be guessed at any cost: 8 MiB and one pass, for a fast login.
    pub const STRONG: Self = Self { memory_kib: 8 * 1024, passes: 1 };

    /// Returns a cost of 8 KiB to 64 MiB and 1 to 10 passes; `None` for other values, so that a file cannot demand
    /// gigabytes or minutes.
    #[must_use]
    pub fn new(memory_kib: u32, passes: u32) -> Option<Self> {
        let believed = (8..=64 * 1024).contains(&memory_kib) && (1..=10).contains(&passes);
        believed.then_some(Self { memory_kib, passes })
    }

    /// Returns the memory that one hash needs, in KiB.
    #[must_use]
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Returns the number of passes over the memory.
    #[must_use]
    pub fn passes(self) -> u32 {
        self.passes
    }
}

/// The Argon2id hash of a backup code. A code of eight digits can be recovered from its hash by trying all codes.
pub struct Digest(Zeroizing<[u8; 32]>);

impl Digest {
    /// Wraps the bytes of a hash.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the hash.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).to_bool()
    }
}

impl Eq for Digest {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_bounded_both_ways() {
        for (memory, passes, believed) in [
            (8, 1, true),
            (19 * 1024, 2, true),
            (64 * 1024, 10, true),
            (7, 1, false),
            (64 * 1024 + 1, 1, false),
            (u32::MAX, 1, false),
            (8, 0, false),
            (8, 11, false),
        ] {
            assert_eq!(Cost::new(memory, passes).is_some(), believed, "{memory} {passes}");
        }
        let usual = Cost::GUESSABLE;
        assert_eq!(Cost::new(usual.memory_kib(), usual.passes()), Some(usual));
    }

    #[test]
    fn no_hash_is_printed() {
        let digest = Digest::new(Zeroizing::new([7; 32]));
        assert_eq!(alloc::format!("{digest:?}"), "Digest(..)");
    }
}
