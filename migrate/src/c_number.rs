//! Parses numbers as C's `strtol` does, for the files of programs that use it.

/// A number at the start of a text, and the text after it.
pub(crate) struct Number<'a> {
    /// The value of the number.
    pub(crate) value: i64,
    /// The text after the number.
    pub(crate) rest: &'a [u8],
}

/// Returns whether C's `isspace` accepts a byte.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Parses blanks, an optional sign and digits at the start of a text. Returns `None` if there are no digits or the
/// number does not fit in 64 bits.
pub(crate) fn number_at(text: &[u8]) -> Option<Number<'_>> {
    let begin = text.iter().position(|byte| !is_blank(*byte))?;
    let text = text.get(begin..)?;
    let (sign, digits) = match text.split_first()? {
        (b'-', rest) => (-1, rest),
        (b'+', rest) => (1, rest),
        _ => (1, text),
    };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(length)?;
    let mut value: i64 = 0;
    for digit in digits {
        value = value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    (length > 0).then_some(Number { value: value * sign, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, value, rest) in [
            ("12", 12, ""),
            (" \t\n-7x", -7, "x"),
            ("+08 9", 8, " 9"),
            ("9223372036854775807", i64::MAX, ""),
        ] {
            let number = number_at(text.as_bytes()).unwrap();
            assert_eq!((number.value, number.rest), (value, rest.as_bytes()), "{text}");
        }
        for text in ["", " ", "x", "-", "+ 1", "9223372036854775808"] {
            assert!(number_at(text.as_bytes()).is_none(), "{text}");
        }
    }
}
