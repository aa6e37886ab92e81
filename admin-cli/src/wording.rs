//! Words for a screen: names without surprises, instants, counts, and lines that fit.

use twinlock_core::time::UnixTime;
pub use twinlock_doctor::{
    harmless::{Notation, harmless},
    wrap::{WIDTH, wrap},
};

/// A name or path as it may be shown: what a terminal would obey, or not show, is escaped.
pub fn plain(text: &str) -> String {
    let escape = |letter: char| match letter {
        '\'' | '"' => letter.to_string(),
        _ => letter.escape_debug().to_string(),
    };
    text.chars().map(escape).collect()
}

/// A date, UTC.
pub fn date(at: UnixTime) -> String {
    let (year, month, day) = at.date();
    format!("{year:04}-{month:02}-{day:02}")
}

/// A date and time of day to the second, UTC.
pub fn instant(at: UnixTime) -> String {
    let (hours, minutes, seconds) = at.clock();
    format!("{} {hours:02}:{minutes:02}:{seconds:02} UTC", date(at))
}

/// A date and time of day as spreadsheets take it (RFC 3339).
pub fn stamp(at: UnixTime) -> String {
    let (hours, minutes, seconds) = at.clock();
    format!("{}T{hours:02}:{minutes:02}:{seconds:02}Z", date(at))
}

/// A date and time of day to the minute, for tables.
pub fn minute(at: UnixTime) -> String {
    let (hours, minutes, _) = at.clock();
    format!("{} {hours:02}:{minutes:02}", date(at))
}

/// `1 code`, `2 codes`.
pub fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_steer_a_terminal() {
        for (name, shown) in [
            ("ada", "ada"),
            ("åsa o'neil", "åsa o'neil"),
            ("DOM\\ada", "DOM\\\\ada"),
            ("a\n\u{1b}[2Jb", "a\\n\\u{1b}[2Jb"),
            ("\u{202e}ada", "\\u{202e}ada"),
            ("a\u{200b}\u{feff}", "a\\u{200b}\\u{feff}"),
        ] {
            assert_eq!(plain(name), shown);
        }
    }

    #[test]
    fn instants_read_well() {
        let at = UnixTime(1_795_219_205);
        assert_eq!(instant(at), "2026-11-21 00:00:05 UTC");
        assert_eq!(minute(at), "2026-11-21 00:00");
    }
}
