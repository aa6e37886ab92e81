//! Golden files below `tests/`: expected texts that are compared exactly, with placeholders for what varies between
//! runs.

use crate::repository::repository;

/// Environment variable by which tests write the golden files before comparing with them.
const WRITE: &str = "TWINLOCK_WRITE_GOLDEN";

/// Patterns of texts that vary in `tests/said`, each with its placeholder. [`placed`] explains the patterns.
const INSTANTS: [(&str, &str); 5] = [
    ("9999-99-99", "DATE"),
    ("99:99:99", "TIME"),
    ("99:99", "TIME"),
    ("1999999999", "UNIX"),
    ("AAAA-AAAA-AAAA", "TICKET"),
];

/// Compares `found` with the golden file `tests/NAME`, and panics if they differ. If the variable
/// `TWINLOCK_WRITE_GOLDEN` is set, first writes `found` to the file.
#[track_caller]
pub fn golden(name: &str, found: &str) {
    let file = repository().join("tests").join(name);
    if std::env::var_os(WRITE).is_some() {
        let folder = file.parent().expect("a folder of golden files");
        std::fs::create_dir_all(folder).expect("a folder of golden files");
        std::fs::write(&file, found).expect("a golden file is written");
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = wanted.lines().zip(found.lines()).find(|(wanted, found)| wanted != found);
    assert!(wanted == found, "tests/{name} has\n{wanted}\nbut\n{found}\nfirst: {differs:?}");
}

/// Replaces dates, times, seconds since 1970 and tickets in a text by placeholders. Then compares the text with the
/// golden file `tests/said/NAME`, and panics if they differ.
#[track_caller]
pub fn said(name: &str, text: &str) {
    golden(&format!("said/{name}"), &placed(text, &INSTANTS));
}

/// Replaces each text that matches a pattern by the pattern's placeholder. In a pattern, `9` matches any digit and `A`
/// any capital letter; any other character matches itself.
pub fn placed(text: &str, patterns: &[(&str, &str)]) -> String {
    let mut found = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let fits = patterns.iter().find(|(pattern, _)| is_shaped(rest, pattern));
        let (word, length) = match fits {
            Some((pattern, word)) => ((*word).to_owned(), pattern.len()),
            None => (letter.to_string(), letter.len_utf8()),
        };
        found.push_str(&word);
        rest = &rest[length..];
    }
    found
}

fn is_shaped(text: &str, pattern: &str) -> bool {
    let fits = |(found, wanted): (u8, u8)| match wanted {
        b'9' => found.is_ascii_digit(),
        b'A' => found.is_ascii_uppercase(),
        other => found == other,
    };
    text.len() >= pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_left_out() {
        let text = "at 2026-11-21 00:00:05 UTC, 1800000000, ABCD-EFGH-IJKL";
        assert_eq!(placed(text, &INSTANTS), "at DATE TIME UTC, UNIX, TICKET");
    }
}
