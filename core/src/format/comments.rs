//! Removes comments from settings, because at every login a comment costs the parser as much time as a setting.

use alloc::{borrow::Cow, string::String};

/// Returns a TOML text with each comment line replaced by an empty line, so that errors keep their line numbers.
///
/// Returns the text unchanged if it may contain multi-line strings, because a line that begins with `#` can be part of
/// such a string.
pub(crate) fn taken_out(text: &str) -> Cow<'_, str> {
    if !text.contains('#') || text.contains("\"\"\"") || text.contains("'''") {
        return Cow::Borrowed(text);
    }
    let kept = |line| if is_comment(line) { "\n" } else { line };
    Cow::Owned(text.split_inclusive('\n').map(kept).collect::<String>())
}

/// Returns whether a line is a comment that TOML accepts. TOML refuses all other lines that begin with `#`.
fn is_comment(line: &str) -> bool {
    let ended = line.strip_suffix('\n').unwrap_or(line);
    let ended = ended.strip_suffix('\r').unwrap_or(ended);
    let harmless = |byte: u8| (byte >= b' ' && byte != 0x7f) || byte == b'\t';
    ended.trim_start_matches([' ', '\t']).starts_with('#') && ended.bytes().all(harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers() {
        let text = "# one\ntries = 2 # two\n  \t# three\r\n[totp]\n#";
        assert_eq!(taken_out(text), "\ntries = 2 # two\n\n[totp]\n\n");
    }

    #[test]
    fn what_may_be_a_part_of_a_text_stays() {
        for text in
            ["prompt = \"\"\"\n# no comment\"\"\"", "prompt = '''\n# no comment'''", "tries = 1"]
        {
            assert!(matches!(taken_out(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_toml_refuses_is_left_to_it() {
        for comment in ["# a\0b\n", "# a\u{7f}\n", "# a\rb\n", "\u{a0}# a\n"] {
            assert_eq!(taken_out(comment), comment);
        }
    }
}
