//! Classifies an answer by its shape.
//!
//! May use: `base`, `policy`, `record`.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::{
    base::secret::Typed,
    policy::Field,
    record::{
        Digits,
        code_set::Shape,
        voucher::{BYPASS_DIGITS, TICKET_LETTERS},
    },
};

/// Maximum length of an answer in bytes (`PAM_MAX_RESP_SIZE`).
pub const ANSWER_MAX: usize = 512;

/// The kind of an answer that a user types at a prompt.
#[derive(Debug)]
pub enum Answer {
    /// An empty answer: the user wants to cancel.
    Stop,
    /// A question mark: the user wants to see the other ways to sign in.
    Help,
    /// A possible code: 6 to 9 digits, 12 letters or 20 letters.
    Code(Code),
    /// Any other text, such as a password or the text that sshd sends for denied users. It is never counted, hashed or
    /// logged.
    Other,
}

/// Minimum and maximum length in digits of a code that an authenticator shows.
const LENGTHS: (usize, usize) = (6, 8);

/// A typed code, or a text that ends with a code. How many digits at the end are the code is decided later, by the code
/// length in the user's record. An answer is therefore classified in the same way for every account.
pub struct Code {
    /// The typed code: digits, or upper-case letters.
    text: Zeroizing<String>,
    /// Length in bytes of the part of the answer before `text`; 0 if the whole answer is `text`.
    before: usize,
    field: Field,
    made_of: MadeOf,
}

/// The number and the kind of characters in a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MadeOf {
    /// Six to eight digits: a code of an app, or an eight-digit backup code. If a password precedes the code, the first
    /// of these digits may belong to the password.
    Digits,
    /// Exactly nine digits: a bypass code, which an administrator issued to the user.
    Bypass,
    /// Twelve letters: a ticket, which an administrator issued to the user.
    Ticket,
    /// Twenty letters: a backup code.
    BackupCode,
}

impl Code {
    /// Returns the last `length` digits of the answer; an empty text if the answer cannot end with a code of this
    /// length.
    #[must_use]
    pub fn of_length(&self, length: Digits) -> &str {
        if self.made_of != MadeOf::Digits {
            return "";
        }
        let spare = self.text.len().checked_sub(usize::from(length.get()));
        let fits = |spare: &usize| match self.field {
            Field::Code => *spare == 0,
            Field::Given | Field::Missing => true,
            // A missing password cannot be passed on to the next module, and some directories accept an empty password.
            Field::PasswordAndCode => self.before + spare > 0,
        };
        spare.filter(fits).and_then(|spare| self.text.get(spare..)).unwrap_or_default()
    }

    /// Returns the answer that is sent to the agent in place of the typed one: the same digits, with one `x` in place
    /// of all characters before them, which may be a password. The agent reads the same code from it. Returns `None`
    /// for backup codes, tickets and bypass codes.
    #[must_use]
    pub fn relayed(&self) -> Option<Zeroizing<String>> {
        if self.made_of != MadeOf::Digits {
            return None;
        }
        let mut relayed = Zeroizing::new(String::with_capacity(LENGTHS.1 + 1));
        relayed.push_str(if self.before > 0 { "x" } else { "" });
        relayed.push_str(&self.text);
        Some(relayed)
    }

    /// Returns the part of the answer that has the shape of a backup code; an empty text if there is no such part.
    #[must_use]
    pub fn of_shape(&self, shape: Shape) -> &str {
        match shape {
            Shape::Digits8 => self.of_length(Digits::EIGHT),
            Shape::Letters20 if self.made_of == MadeOf::BackupCode => &self.text,
            Shape::Letters20 => "",
        }
    }

    /// Returns whether the code has the shape of a ticket or a bypass code. Only an administrator can issue these, and
    /// they are accepted only after a proven first factor.
    #[must_use]
    pub fn is_voucher(&self) -> bool {
        matches!(self.made_of, MadeOf::Bypass | MadeOf::Ticket)
    }

    /// Returns the nine digits of a bypass code; `None` for other codes.
    #[must_use]
    pub fn bypass(&self) -> Option<&str> {
        (self.made_of == MadeOf::Bypass).then_some(&self.text)
    }

    /// Returns the twelve letters of a ticket; `None` for other codes.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        (self.made_of == MadeOf::Ticket).then_some(&self.text)
    }
}

impl core::fmt::Debug for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Code(..)")
    }
}

/// Classifies an answer to a prompt that asks for a code without a password. Ignores spaces and dashes.
#[must_use]
pub fn read(typed: &Typed) -> Answer {
    let text = typed.text();
    if text.len() > ANSWER_MAX {
        return Answer::Other;
    }
    let mut compact = Zeroizing::new(String::with_capacity(text.len()));
    compact.extend(text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-'));
    match compact.as_str() {
        "" if text.contains('-') => Answer::Other,
        "" => Answer::Stop,
        "?" => Answer::Help,
        _ => code(compact).map_or(Answer::Other, Answer::Code),
    }
}

/// Returns a text without spaces and dashes as a code; `None` if it does not have the shape of any code.
fn code(mut text: Zeroizing<String>) -> Option<Code> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let letters = text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let made_of = match text.len() {
        length if digits && (LENGTHS.0..=LENGTHS.1).contains(&length) => MadeOf::Digits,
        BYPASS_DIGITS if digits => MadeOf::Bypass,
        TICKET_LETTERS if letters => MadeOf::Ticket,
        length if letters && length == Shape::Letters20.length() => MadeOf::BackupCode,
        _ => return None,
    };
    text.make_ascii_uppercase();
    Some(Code { text, before: 0, field: Field::Code, made_of })
}

/// Classifies an answer. `field` says whether the answer is only a code, or a password followed by a code.
///
/// If a code follows a password, the code is the end of the answer, without spaces or dashes. The text before the code
/// is the password, byte by byte, and may contain spaces.
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
    Answer::Code(Code { text: digits, before, field, made_of: MadeOf::Digits })
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
            "1234567890",
            "ABCDEFGHIJK",
            "ABCDEFGHIJKLM",
            "ABCDEFGHIJKLMNOPQRSTU",
            "ABCDEFGHIJK1",
            "ÅBCDEFGHIJK",
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
    fn letters_are_read_as_they_are_written_down() {
        for text in
            ["FEJT-QYCH-WGPV-SARM-XOKB", "fejtqychwgpvsarmxokb", " fejt qych wgpv sarm xokb "]
        {
            let Answer::Code(code) = shape(text) else { panic!("{text}") };
            assert_eq!(code.of_shape(Shape::Letters20), "FEJTQYCHWGPVSARMXOKB");
            assert_eq!(code.of_shape(Shape::Digits8), "");
            assert_eq!((code.bypass(), code.ticket()), (None, None));
        }
        let Answer::Code(code) = shape("fejt-qych-wgpv") else { panic!() };
        assert_eq!((code.bypass(), code.ticket()), (None, Some("FEJTQYCHWGPV")));
        let Answer::Code(code) = shape("123-456-789") else { panic!() };
        assert_eq!((code.bypass(), code.ticket()), (Some("123456789"), None));
        for length in [6, 7, 8] {
            assert_eq!(code.of_length(Digits::new(length).unwrap()), "");
        }
    }

    #[test]
    fn nothing_stops_and_a_question_mark_helps() {
        assert!(matches!(shape(""), Answer::Stop));
        assert!(matches!(shape("  \r\n"), Answer::Stop));
        assert!(matches!(shape(" ? "), Answer::Help));
    }
}
