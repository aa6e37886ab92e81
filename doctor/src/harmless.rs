//! Escapes text before it is written to a terminal, because text from files may contain control characters and
//! invisible characters.

use std::borrow::Cow;

/// The notation in which a character is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// Notation for people: `\u{9b}`.
    Text,
    /// Notation of JSON and TOML strings, whose readers decode the escape to the character again: `\u009b`.
    Json,
}

/// Escapes control characters (C0 except tab and newline, DEL, C1), bidirectional marks and zero-width characters. Text
/// without any of these is returned without a copy, so that no second copy of a key is left in memory.
#[must_use]
pub fn harmless(text: &str, notation: Notation) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 64);
    for letter in text.chars() {
        match notation {
            _ if !is_hostile(letter) => escaped.push(letter),
            Notation::Text => escaped.extend(letter.escape_unicode()),
            Notation::Json => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    Cow::Owned(escaped)
}

/// Returns whether the character is invisible or controls the terminal.
fn is_hostile(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_control() && letter != '\n' && letter != '\t';
    }
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_is_escaped() {
        let controls = (0..=0x10_ffff).filter_map(char::from_u32).filter(|one| one.is_control());
        for letter in controls.filter(|one| !['\n', '\t'].contains(one)) {
            let escaped = harmless(&format!("a{letter}b"), Notation::Text).into_owned();
            assert_eq!(escaped, format!("a\\u{{{:x}}}b", u32::from(letter)));
        }
        assert_eq!(harmless("a\tb\nc\u{1b}[2J", Notation::Text), "a\tb\nc\\u{1b}[2J");
    }

    #[test]
    fn bidi_and_zero_width_are_escaped() {
        for letter in "\u{200b}\u{200d}\u{200e}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}\u{ad}\u{61c}\u{2028}\u{e0041}".chars() {
            let text = letter.to_string();
            assert!(harmless(&text, Notation::Text).is_ascii(), "{:x}", u32::from(letter));
        }
    }

    #[test]
    fn escapes_in_json_stand_for_the_letter() {
        let text = "\u{7f}\u{9b}31m\u{202e}\u{e0041}";
        let json = serde_json::json!({ "name": text }).to_string();
        let escaped = harmless(&json, Notation::Json);
        assert!(escaped.is_ascii(), "{escaped}");
        let read: serde_json::Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read["name"], text);
    }

    #[test]
    fn letters_are_left_alone() {
        for text in ["åsa o'neil", "Ωμέγα", "日本語", "█▀▄ ", "a\u{a0}b", "e\u{301}"]
        {
            assert!(matches!(harmless(text, Notation::Text), Cow::Borrowed(_)), "{text}");
        }
    }
}
