//! Codes that each work once: which answers can be one, and which of a set it is.

use crate::{
    answer::Code,
    code_set::{CodeSet, Digest, Shape},
    record::Digits,
};

/// The shape that an answer has; only what has the shape of a set is ever hashed.
#[must_use]
pub fn shape_of(code: &Code) -> Option<Shape> {
    is_digits8(code.of_length(Digits::EIGHT)).then_some(Shape::Digits8)
}

/// Whether a text is a code of eight digits, as it is hashed: without spaces and dashes.
#[must_use]
pub fn is_digits8(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The place of a code in its set. Every hash is compared, whichever matches, so that time says nothing.
#[must_use]
pub fn place_in(set: &CodeSet, typed: &Digest) -> Option<u8> {
    let mut found = None;
    for (place, hash) in (0..=u8::MAX).zip(&set.hashes) {
        if hash == typed && found.is_none() {
            found = Some(place);
        }
    }
    found
}

/// How many codes of a set were not used; names of places that it does not have count nothing.
#[must_use]
pub fn left(set: &CodeSet, spent: &[u8]) -> u8 {
    let places = (0..=u8::MAX).zip(&set.hashes).map(|(place, _)| place);
    let unspent = places.filter(|place| !spent.contains(place)).count();
    u8::try_from(unspent).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{self, Answer};
    use crate::code_set::{Cost, Recipe};
    use crate::secret::Typed;
    use zeroize::Zeroizing;

    fn digest(byte: u8) -> Digest {
        Digest::new(Zeroizing::new([byte; 32]))
    }

    fn set(bytes: &[u8]) -> CodeSet {
        CodeSet {
            shape: Shape::Digits8,
            recipe: Recipe { salt: [0; 16], cost: Cost::GUESSABLE },
            hashes: bytes.iter().map(|byte| digest(*byte)).collect(),
        }
    }

    #[test]
    fn only_eight_digits_can_be_a_scratch_code() {
        for (typed, shape) in [
            ("12345678", Some(Shape::Digits8)),
            (" 1234-5678 ", Some(Shape::Digits8)),
            ("00000000", Some(Shape::Digits8)),
            ("1234567", None),
            ("123456", None),
        ] {
            let Answer::Code(code) = answer::read(&Typed::new(typed.into())) else { panic!() };
            assert_eq!(shape_of(&code), shape, "{typed}");
        }
        for text in ["123456789", "1234567a", "1234 678", ""] {
            assert!(!is_digits8(text), "{text}");
        }
    }

    #[test]
    fn each_place_is_found_and_nothing_else() {
        let set = set(&[1, 2, 3, 2]);
        for (byte, place) in [(1, Some(0)), (2, Some(1)), (3, Some(2)), (4, None), (0, None)] {
            assert_eq!(place_in(&set, &digest(byte)), place);
        }
        let mut nearly = [3; 32];
        nearly[31] ^= 1;
        assert_eq!(place_in(&set, &Digest::new(Zeroizing::new(nearly))), None);
    }

    #[test]
    fn what_is_left_is_what_was_not_spent() {
        let set = set(&[1, 2, 3]);
        assert_eq!(left(&set, &[]), 3);
        assert_eq!(left(&set, &[1, 1, 200]), 2);
        assert_eq!(left(&set, &[0, 1, 2]), 0);
    }
}
