//! The reason that an acting user gives, which is recorded in the log.

use alloc::{borrow::ToOwned, string::String};

/// Maximum length of a reason in bytes. Every value in a log line has this maximum length.
pub const REASON_MAX: usize = 128;

/// Returns a reason without surrounding blanks; `None` if it is empty, has several lines or is longer than
/// [`REASON_MAX`].
#[must_use]
pub fn reason(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = (1..=REASON_MAX).contains(&text.len()) && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_one_line() {
        assert_eq!(reason("  lost phone, #17 ").as_deref(), Some("lost phone, #17"));
        assert!(reason(&"x".repeat(128)).is_some());
        for odd in ["", "  ", "a\nb", "a\u{1b}[2J", &"x".repeat(129)] {
            assert_eq!(reason(odd), None, "{odd:?}");
        }
    }
}
