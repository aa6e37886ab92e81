//! Backup codes: recognizes them by their shape and finds them in a set.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::{
    answer::Code,
    base::{random_text, secret::Typed},
    record::code_set::{CodeSet, Digest, Shape},
};

/// Returns the shape of a backup code that an answer has: eight digits or twenty letters; `None` for other answers.
/// Only an answer with the shape of the user's set is hashed.
#[must_use]
pub fn shape_of(code: &Code) -> Option<Shape> {
    let fits = |shape: &Shape| shape.fits(code.of_shape(*shape));
    [Shape::Digits8, Shape::Letters20].into_iter().find(fits)
}

/// Number of letters in a group of a backup code. The user types the last group to confirm a set.
pub const GROUP: usize = 4;

/// Returns a backup code in groups, such as `FEJT-QYCH-WGPV-SARM-XOKB`.
#[must_use]
pub fn written(code: &str) -> Zeroizing<String> {
    random_text::in_groups(code, GROUP, '-')
}

/// Returns whether an answer proves that the user has stored a backup code: the answer is the last group of the code or
/// the whole code, ignoring case.
#[must_use]
pub fn is_shown(code: &str, typed: &Typed) -> bool {
    let mut compact = Zeroizing::new(String::with_capacity(typed.text().len()));
    compact.extend(typed.text().chars().filter(|letter| !letter.is_whitespace() && *letter != '-'));
    compact.make_ascii_uppercase();
    let last = code.len().checked_sub(GROUP).and_then(|from| code.get(from..));
    *compact == code || last.is_some_and(|last| *compact == last)
}

/// Returns the index of the backup code with the hash `typed` in its set; `None` if the set does not contain it.
/// Compares with every hash, even after a match, so that the time taken reveals nothing.
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

/// Returns the number of unused codes in a set. `spent` holds the indexes of the spent codes; indexes outside the set
/// are ignored.
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
    use crate::base::secret::Typed;
    use crate::record::code_set::{Cost, Recipe};
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
    fn a_code_of_a_set_has_a_shape() {
        for (typed, shape) in [
            ("12345678", Some(Shape::Digits8)),
            ("FEJT-QYCH-WGPV-SARM-XOKB", Some(Shape::Letters20)),
            ("FEJT-QYCH-WGPV", None),
            ("123456789", None),
            (" 1234-5678 ", Some(Shape::Digits8)),
            ("00000000", Some(Shape::Digits8)),
            ("1234567", None),
            ("123456", None),
        ] {
            let Answer::Code(code) = answer::read(&Typed::new(typed.into())) else { panic!() };
            assert_eq!(shape_of(&code), shape, "{typed}");
        }
        for text in ["123456789", "1234567a", "1234 678", ""] {
            assert!(!Shape::Digits8.fits(text), "{text}");
        }
        for text in ["FEJTQYCHWGPVSARMXOK", "FEJTQYCHWGPVSARMXOK1", "fejtqychwgpvsarmxokb", ""] {
            assert!(!Shape::Letters20.fits(text), "{text}");
        }
    }

    #[test]
    fn the_last_group_or_all_of_it_shows_a_code() {
        let code = "FEJTQYCHWGPVSARMXOKB";
        assert_eq!(*written(code), "FEJT-QYCH-WGPV-SARM-XOKB");
        for (typed, shown) in [
            ("XOKB", true),
            (" xokb\r", true),
            ("fejt-qych-wgpv-sarm-xokb", true),
            ("FEJT", false),
            ("OKB", false),
            ("SARM-XOKB", false),
            ("", false),
        ] {
            assert_eq!(is_shown(code, &Typed::new(typed.into())), shown, "{typed}");
        }
        assert!(!is_shown("", &Typed::new("XOKB".into())));
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
