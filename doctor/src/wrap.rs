//! Wraps text to the width of the terminal.

use std::io::IsTerminal;

use textwrap::{Options, WordSplitter};

/// Maximum length of a line of prose, in columns of the terminal.
pub const WIDTH: usize = 78;

/// No-break space. It stands for a blank at which a line must not be broken.
const HELD: char = '\u{a0}';

/// Minimum width, in columns, to which text is wrapped. A narrower terminal gets lines of this length.
const NARROWEST: usize = 20;

/// Returns `width`, or the width of the terminal if that is smaller. If the output is a file or a pipe, returns
/// `width`.
fn at_terminal(width: usize) -> usize {
    let columns = |size: rustix::termios::Winsize| usize::from(size.ws_col);
    let stdout = std::io::stdout();
    let there = match stdout.is_terminal() {
        true => rustix::termios::tcgetwinsize(&stdout).ok().map(columns),
        false => None,
    };
    match there {
        // A terminal whose width is not known reports 0 columns.
        Some(there) if there > 0 => width.min(there.max(NARROWEST)),
        Some(_) | None => width,
    }
}

/// Returns [`WIDTH`], or the terminal's width if that is smaller.
#[must_use]
pub fn columns() -> usize {
    at_terminal(WIDTH)
}

/// Wraps a text at blanks. Lines have at most `width` columns and at most the width of the terminal; a longer word is
/// not broken. Lines after the first are indented by `indent` blanks.
#[must_use]
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    wrap_at(text, at_terminal(width), indent)
}

fn wrap_at(text: &str, width: usize, indent: usize) -> String {
    let indent = " ".repeat(indent);
    let options = Options::new(width).subsequent_indent(&indent).break_words(false);
    let options = options.word_splitter(WordSplitter::NoHyphenation);
    let lines = text.split('\n').flat_map(|line| textwrap::wrap(line, &options));
    lines.collect::<Vec<_>>().join("\n")
}

/// Wraps prose to [`WIDTH`] columns. Text inside of back quotes is not broken, because users copy it. Lines after the
/// first are indented by `indent` blanks.
#[must_use]
pub fn prose(text: &str, indent: usize) -> String {
    let quoted = |(number, part): (usize, &str)| match number % 2 {
        0 => part.to_owned(),
        _ => part.replace(' ', &HELD.to_string()),
    };
    let held: Vec<String> = text.split('`').enumerate().map(quoted).collect();
    wrap(&held.join("`"), WIDTH, indent).replace(HELD, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_keep_their_words() {
        let text = "one two three\n  four five";
        assert_eq!(wrap_at(text, 8, 2), "one two\n  three\n  four\n  five");
        assert_eq!(wrap_at("unbreakable", 4, 0), "unbreakable");
        assert_eq!(wrap_at("", 4, 0), "");
        assert_eq!(wrap_at("a unbreakable b", 4, 0), "a\nunbreakable\nb");
        assert_eq!(
            wrap_at("\u{6f22}\u{5b57} \u{6f22}\u{5b57}", 8, 0),
            "\u{6f22}\u{5b57}\n\u{6f22}\u{5b57}"
        );
    }

    #[test]
    fn what_is_to_be_copied_is_not_broken() {
        let line = "`auth required pam_twinlock.so first_factor=publickey`";
        let text = prose(&format!("  To do: in that file, write {line} there."), 4);
        assert_eq!(text, format!("  To do: in that file, write\n    {line} there."));
    }
}
