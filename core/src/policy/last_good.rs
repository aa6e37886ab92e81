//! The file `settings.good`: the last valid texts of twinlock.toml and rules.toml, joined in one text.

use alloc::{borrow::ToOwned, format, string::String};

use crate::policy::settings::SETTINGS_MAX;

/// Maximum size of `settings.good` in bytes.
pub const LAST_GOOD_MAX: usize = 2 * SETTINGS_MAX + 200;
const BEGIN: &str = "# twinlock settings.good ";
const VERSION: &str = "2: ";
const END: &str = " bytes of twinlock.toml, then rules.toml";

/// Joins the texts of twinlock.toml and rules.toml. If `rules` is empty, the joined text is `settings` alone, as in
/// earlier versions.
#[must_use]
pub fn join(settings: &str, rules: &str) -> String {
    if rules.is_empty() && !settings.starts_with(BEGIN) {
        return settings.to_owned();
    }
    format!("{BEGIN}{VERSION}{}{END}\n{settings}{rules}", settings.len())
}

/// Splits a joined text into the texts of twinlock.toml and rules.toml; `None` if it is truncated or has a newer
/// version.
#[must_use]
pub fn split(text: &str) -> Option<(&str, &str)> {
    let Some(rest) = text.strip_prefix(BEGIN) else { return Some((text, "")) };
    let (head, both) = rest.strip_prefix(VERSION)?.split_once('\n')?;
    let length = head.strip_suffix(END)?.parse().ok()?;
    both.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_texts_are_split_again() {
        let copied = join("window = 2", "[[rule]]\n");
        for (settings, rules) in [
            ("", ""),
            ("window = 2\n", ""),
            ("window = 2", "[[rule]]\naction = \"require\"\n"),
            ("rule = []", "[[rule]]\naction = \"require\"\n"),
            ("# \u{e5}\n", "# r\n"),
            (copied.as_str(), ""),
            (copied.as_str(), "# r\n"),
        ] {
            let joined = join(settings, rules);
            assert_eq!(split(&joined), Some((settings, rules)), "{joined}");
        }
        assert_eq!(join("window = 2\n", ""), "window = 2\n");
    }

    #[test]
    fn cut_and_newer_ones_are_refused() {
        let text = join("window = 2\n", "# r\n");
        assert_eq!(split(&text[..text.len() - 10]), None);
        assert_eq!(split(&text.replace("2: ", "3: ")), None);
        assert_eq!(split(&text.replace(" bytes", " octets")), None);
        assert_eq!(
            split("# twinlock settings.good 2: 1 bytes of twinlock.toml, then rules.toml\n\u{e5}"),
            None
        );
    }
}
