//! Golden files of a command's output, compared word for word.

use crate::repository::repository;

/// Compares with `tests/said/NAME`, with placeholders for instants. If `TWINLOCK_WRITE_SAID` is set, writes the file
/// instead.
#[track_caller]
pub fn said(name: &str, text: &str) {
    let found = without_instants(text);
    let file = repository().join("tests/said").join(name);
    if std::env::var_os("TWINLOCK_WRITE_SAID").is_some() {
        std::fs::write(&file, &found).expect("tests/said can be written");
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "tests/said/{name} says:\n{wanted}\nand this was said:\n{found}");
}

/// Replaces days by `DATE`, times of day by `TIME`, seconds since 1970 by `UNIX` and tickets by `TICKET`.
fn without_instants(text: &str) -> String {
    let mut found = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let shapes = [
            ("0000-00-00", "DATE"),
            ("00:00:00", "TIME"),
            ("00:00", "TIME"),
            ("1700000000", "UNIX"),
            ("AAAA-AAAA-AAAA", "TICKET"),
        ];
        let fits = shapes.iter().find(|(shape, _)| is_shaped(rest, shape));
        match fits {
            Some((shape, word)) => {
                found.push_str(word);
                rest = &rest[shape.len()..];
            }
            None => {
                found.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
    }
    found
}

fn is_shaped(text: &str, shape: &str) -> bool {
    let fits = |(found, wanted): (u8, u8)| match wanted {
        b'0' | b'7' => found.is_ascii_digit(),
        b'A' => found.is_ascii_uppercase(),
        other => found == other,
    };
    text.len() >= shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_left_out() {
        let text = "at 2026-11-21 00:00:05 UTC, 1800000000, ABCD-EFGH-IJKL";
        assert_eq!(without_instants(text), "at DATE TIME UTC, UNIX, TICKET");
    }
}
