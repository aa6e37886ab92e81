//! The shape of an answer: what a person can have meant by what was typed.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::secret::Typed;

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

/// The digits of a typed code.
pub struct Code(Zeroizing<String>);

impl Code {
    /// The digits, 6 to 8 of them.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
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
        (_, 6..=8) if all_digits => Answer::Code(Code(compact)),
        _ => Answer::Other,
    }
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
            assert!(code.digits().starts_with("123456"));
        }
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
