//! A set of codes that each work once: their hashes, and how they were hashed.

use alloc::vec::Vec;
use core::fmt;

use constant_time_eq::constant_time_eq_32;
use zeroize::Zeroizing;

/// The most codes of one set.
pub const CODES_MAX: usize = 64;

/// The codes of one set, as hashes.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeSet {
    /// What its codes look like.
    pub shape: Shape,
    /// How they were hashed: one recipe for all, so that one evaluation serves them all.
    pub recipe: Recipe,
    /// Their hashes, 1 to [`CODES_MAX`] of them.
    pub hashes: Vec<Digest>,
}

/// What the codes of a set look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Eight digits, as the scratch codes of pam_google_authenticator.
    Digits8,
    /// Twenty letters: 94 bits.
    Letters20,
}

impl Shape {
    /// Characters of a code, as it is hashed.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Digits8 => 8,
            Self::Letters20 => 20,
        }
    }

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Digits8 => "digits8",
            Self::Letters20 => "letters20",
        }
    }

    /// The shape of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Digits8, Self::Letters20].into_iter().find(|shape| shape.word() == word)
    }

    /// What new codes of this shape are hashed at.
    #[must_use]
    pub fn cost(self) -> Cost {
        match self {
            Self::Digits8 => Cost::GUESSABLE,
            Self::Letters20 => Cost::STRONG,
        }
    }

    /// Whether a text is a code of this shape, as it is hashed: without spaces and dashes, in capitals.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        let letter = |byte: u8| match self {
            Self::Digits8 => byte.is_ascii_digit(),
            Self::Letters20 => byte.is_ascii_uppercase(),
        };
        text.len() == self.length() && text.bytes().all(letter)
    }
}

/// Salt and cost of Argon2id (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// The salt.
    pub salt: [u8; 16],
    /// The cost.
    pub cost: Cost,
}

/// What one evaluation costs: memory and passes over it, in one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    /// 19 MiB and two passes, as OWASP advises for passwords: eight digits have no strength of their own.
    pub const GUESSABLE: Self = Self { memory_kib: 19 * 1024, passes: 2 };

    /// 8 MiB and one pass: twenty letters cannot be guessed at any price, and a login should not wait.
    pub const STRONG: Self = Self { memory_kib: 8 * 1024, passes: 1 };

    /// Takes 8 KiB to 64 MiB and 1 to 10 passes: a file that is read must not ask for gigabytes, or for seconds.
    #[must_use]
    pub fn new(memory_kib: u32, passes: u32) -> Option<Self> {
        let believed = (8..=64 * 1024).contains(&memory_kib) && (1..=10).contains(&passes);
        believed.then_some(Self { memory_kib, passes })
    }

    /// KiB of memory.
    #[must_use]
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub fn passes(self) -> u32 {
        self.passes
    }
}

/// The hash of a code; eight digits are found from it by trying all.
pub struct Digest(Zeroizing<[u8; 32]>);

impl Digest {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The bytes.
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
        constant_time_eq_32(&self.0, &other.0)
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
