//! The shape of an answer: what a person can have meant by what was typed.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::{policy::Field, record::Digits, secret::Typed};

/// Longest answer looked at, in bytes (`PAM_MAX_RESP_SIZE`).
pub const ANSWER_MAX: usize = 512;

/// What an answer can mean.
#[derive(Debug)]
pub enum Answer {
    /// Nothing typed: stop.
    Stop,
    /// A question mark: other ways.
    Help,
    /// Six, seven or eight digits.
    Code(Code),
    /// Anything else, such as a password, or what sshd sends for barred users: never counted, hashed or logged.
    Other,
}

/// The shortest and the longest code, in digits.
const LENGTHS: (usize, usize) = (6, 8);

/// The digits of a typed code, or those at the end of a longer text: how many of them are the code is for the record
/// to say, so that nothing before a first factor depends on the account.
pub struct Code {
    digits: Zeroizing<String>,
    /// Bytes of the answer before the digits.
    before: usize,
    field: Field,
}

impl Code {
    /// What would be a code of that length; nothing, which no code is, where the answer holds none.
    #[must_use]
    pub fn of_length(&self, length: Digits) -> &str {
        let spare = self.digits.len().checked_sub(usize::from(length.get()));
        let fits = |spare: &usize| match self.field {
            Field::Code => *spare == 0,
            Field::Given | Field::Missing => true,
            // Without a password nothing could be handed on, and an empty one opens some directories.
            Field::PasswordAndCode => self.before + spare > 0,
        };
        spare.filter(fits).and_then(|spare| self.digits.get(spare..)).unwrap_or_default()
    }
}

impl core::fmt::Debug for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Code(..)")
    }
}

/// Reads an answer; spaces and dashes are ignored.
#[must_use]
pub fn read(typed: &Typed) -> Answer {
    let text = typed.text();
    if text.len() > ANSWER_MAX {
        return Answer::Other;
    }
    let mut compact = Zeroizing::new(String::with_capacity(text.len()));
    compact.extend(text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-'));
    let all_digits = compact.bytes().all(|byte| byte.is_ascii_digit());
    match (compact.as_str(), compact.len()) {
        ("", _) if text.contains('-') => Answer::Other,
        ("", _) => Answer::Stop,
        ("?", _) => Answer::Help,
        (_, length) if all_digits && (LENGTHS.0..=LENGTHS.1).contains(&length) => {
            Answer::Code(Code { digits: compact, before: 0, field: Field::Code })
        }
        _ => Answer::Other,
    }
}

/// Reads an answer of the kind that the field holds.
///
/// Where a code is the end of a longer text, it is the very last characters, without spaces and dashes: what stands
/// before it is a password, byte by byte, and a space may belong to it.
#[must_use]
pub fn read_field(field: Field, typed: &Typed) -> Answer {
    let text = typed.text();
    match field {
        Field::Code => read(typed),
        _ if text.is_empty() => Answer::Stop,
        _ if text.len() > ANSWER_MAX => Answer::Other,
        Field::Given | Field::Missing | Field::PasswordAndCode => at_the_end(field, text),
    }
}

fn at_the_end(field: Field, text: &str) -> Answer {
    let count = text.bytes().rev().take(LENGTHS.1).take_while(u8::is_ascii_digit).count();
    let before = text.len() - count;
    let password = field == Field::PasswordAndCode;
    if count < LENGTHS.0 || password && text.len() == LENGTHS.0 {
        return Answer::Other;
    }
    let mut digits = Zeroizing::new(String::with_capacity(LENGTHS.1));
    digits.push_str(text.get(before..).unwrap_or_default());
    Answer::Code(Code { digits, before, field })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Answer {
        read(&Typed::new(text.into()))
    }

    #[test]
    fn codes_are_found_as_people_type_them() {
        for text in ["123456", " 123 456 ", "123-456", "1234567", "12345678", "\t123456\r"] {
            let Answer::Code(code) = shape(text) else { panic!("{text}") };
            let found = [6, 7, 8].map(|length| code.of_length(Digits::new(length).unwrap()));
            let one = |length: &&&str| !length.is_empty();
            assert_eq!(found.iter().filter(one).count(), 1, "{text}");
            assert!(found.concat().starts_with("123456"), "{text}");
        }
    }

    fn at_the_end_of(field: Field, text: &str) -> Option<[String; 3]> {
        match read_field(field, &Typed::new(text.into())) {
            Answer::Code(code) => {
                Some([6, 7, 8].map(|length| code.of_length(Digits::new(length).unwrap()).into()))
            }
            Answer::Stop | Answer::Help | Answer::Other => None,
        }
    }

    #[test]
    fn the_last_digits_are_the_code_and_the_record_says_how_many() {
        for (text, codes) in [
            ("hunter2 123456", Some(["123456", "", ""])),
            ("hunter123456", Some(["123456", "", ""])),
            ("hunter2123456", Some(["123456", "2123456", ""])),
            ("a12345678", Some(["345678", "2345678", "12345678"])),
            ("0123456789", Some(["456789", "3456789", "23456789"])),
            ("12345678", Some(["345678", "2345678", ""])),
            ("1234567", Some(["234567", "", ""])),
            ("å123456", Some(["123456", "", ""])),
            ("123456", None),
            ("hunter2 123 456", None),
            ("hunter2123-456", None),
            ("123456 ", None),
            ("hunter12345", None),
            ("hunter2", None),
            ("?", None),
            ("", None),
        ] {
            let found = at_the_end_of(Field::PasswordAndCode, text);
            assert_eq!(found, codes.map(|codes| codes.map(String::from)), "{text}");
        }
        let long = |length: usize| alloc::format!("{}123456", "x".repeat(length - 6));
        assert!(at_the_end_of(Field::PasswordAndCode, &long(512)).is_some());
        assert!(at_the_end_of(Field::PasswordAndCode, &long(513)).is_none());
    }

    #[test]
    fn a_code_alone_is_enough_where_nothing_is_handed_on() {
        let alone = at_the_end_of(Field::Given, "123456").unwrap();
        assert_eq!(alone, ["123456", "", ""]);
        let alone = at_the_end_of(Field::Given, "12345678").unwrap();
        assert_eq!(alone, ["345678", "2345678", "12345678"]);
    }

    #[test]
    fn what_is_no_code_is_not_looked_at() {
        for text in [
            "12345",
            "123456789",
            "hunter2",
            "\u{8}\n\r\u{7f}INCORRECT",
            "12345a",
            "١٢٣٤٥٦",
            "--",
            "??",
            "\0\0\0\0\0\0",
        ] {
            assert!(matches!(shape(text), Answer::Other), "{text}");
        }
        assert!(matches!(shape(&" ".repeat(513)), Answer::Other));
        assert!(matches!(shape(&"1".repeat(1 << 20)), Answer::Other));
    }

    #[test]
    fn nothing_stops_and_a_question_mark_helps() {
        assert!(matches!(shape(""), Answer::Stop));
        assert!(matches!(shape("  \r\n"), Answer::Stop));
        assert!(matches!(shape(" ? "), Answer::Help));
    }
}
