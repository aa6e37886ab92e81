//! Random letters with a uniform distribution, and their display in groups.

use alloc::string::String;

use zeroize::Zeroizing;

/// Appends random letters of `alphabet` (1 to 256 letters) until `text` has `count` letters or `bytes` is used up. Each
/// byte selects one letter by the remainder of a division by the alphabet's length. The highest byte values would make
/// the first letters more likely, so bytes that are not below the largest multiple of this length up to 256 are
/// skipped.
pub fn append(text: &mut String, count: usize, alphabet: &[u8], bytes: &[u8]) {
    let length = alphabet.len();
    let fair = 256_usize.checked_rem(length).map_or(0, |spare| 256 - spare);
    for byte in bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair) {
        let letter = byte.checked_rem(length).and_then(|place| alphabet.get(place));
        if text.len() < count {
            text.extend(letter.map(|letter| char::from(*letter)));
        }
    }
}

/// Returns a text in groups of `group` letters with `between` between two groups, such as `FEJT-QYCH-WGPV` for
/// `FEJTQYCHWGPV`.
#[must_use]
pub fn in_groups(text: &str, group: usize, between: char) -> Zeroizing<String> {
    let mut grouped = Zeroizing::new(String::with_capacity(text.len() * 2));
    for (place, letter) in text.chars().enumerate() {
        if place > 0 && place.checked_rem(group) == Some(0) {
            grouped.push(between);
        }
        grouped.push(letter);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn letters_are_as_likely_as_bytes_are() {
        let bytes: Vec<u8> = (0..=255).collect();
        for alphabet in [&b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[..], b"0123456789", b"A"] {
            let mut drawn = String::new();
            append(&mut drawn, 1000, alphabet, &bytes);
            assert_eq!(drawn.len(), 256 / alphabet.len() * alphabet.len());
            for letter in alphabet {
                let found = drawn.bytes().filter(|byte| byte == letter).count();
                assert_eq!(found, 256 / alphabet.len());
            }
        }
    }

    #[test]
    fn no_more_are_drawn_than_asked_for() {
        let mut drawn = String::new();
        append(&mut drawn, 3, b"AB", &[0, 1]);
        append(&mut drawn, 3, b"AB", &[1, 0, 0]);
        assert_eq!(drawn, "ABB");
        append(&mut drawn, 9, b"", &[1]);
        assert_eq!(drawn, "ABB");
    }

    #[test]
    fn groups_are_of_four() {
        assert_eq!(*in_groups("FEJTQYCHWGPV", 4, '-'), "FEJT-QYCH-WGPV");
        assert_eq!(*in_groups("ABCDE", 4, ' '), "ABCD E");
        assert_eq!(*in_groups("", 4, ' '), "");
    }
}
