//! Lines that fit on a screen.

use std::io::IsTerminal;

/// No line that a person reads is longer.
pub const WIDTH: usize = 78;

/// A blank that is not broken at.
const HELD: char = '\u{a0}';

/// The fewest columns that text is broken for.
const NARROWEST: usize = 20;

/// Returns the width of a narrower terminal, else the width that is wished. What goes to a file or a pipe has that one.
fn at_terminal(width: usize) -> usize {
    let columns = |size: rustix::termios::Winsize| usize::from(size.ws_col);
    let stdout = std::io::stdout();
    let there = match stdout.is_terminal() {
        true => rustix::termios::tcgetwinsize(&stdout).ok().map(columns),
        false => None,
    };
    match there {
        // A terminal that does not say how wide it is has 0.
        Some(there) if there > 0 => width.min(there.max(NARROWEST)),
        Some(_) | None => width,
    }
}

/// Breaks a text at blanks, so that lines fit where no single word is too long; later lines are indented. Lines are no longer
/// than the terminal is wide.
#[must_use]
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    wrap_at(text, at_terminal(width), indent)
}

fn wrap_at(text: &str, width: usize, indent: usize) -> String {
    let mut wrapped = String::new();
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            wrapped.push('\n');
        }
        wrap_line(&mut wrapped, line, (width, indent));
    }
    wrapped
}

fn wrap_line(wrapped: &mut String, line: &str, (width, indent): (usize, usize)) {
    let mut column = 0;
    for (index, word) in line.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > width {
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if index > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
}

/// Breaks prose at blanks, but for those between back quotes: what stands there is to be copied.
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
    }

    #[test]
    fn what_is_to_be_copied_is_not_broken() {
        let line = "`auth required pam_twinlock.so first_factor=publickey`";
        let text = prose(&format!("  To do: in that file, write {line} there."), 4);
        assert_eq!(text, format!("  To do: in that file, write\n    {line} there."));
    }
}
