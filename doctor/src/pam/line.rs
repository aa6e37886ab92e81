//! Splits a PAM file into lines and fields, as libpam does.

/// A line of a PAM file, joined with the lines that continue it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigLine {
    /// Number, from 1, of the line in the file at which the joined text begins.
    pub number: usize,
    /// The text without the comment and without the backslashes that join lines.
    pub text: String,
}

/// The lines of one PAM file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigLines {
    /// The lines that are complete, without blank lines and comments.
    pub complete: Vec<ConfigLine>,
    /// Number, from 1, of the last line of the file if it ends with a backslash and no line follows. libpam then
    /// ignores the whole file. `None` if all lines are complete.
    pub cut: Option<usize>,
}

const BLANK: [char; 3] = [' ', '\n', '\t'];

/// Splits the text of a PAM file into lines, and joins lines that a backslash continues.
#[must_use]
pub fn lines(text: &str) -> ConfigLines {
    let mut complete = Vec::new();
    let mut open: Option<ConfigLine> = None;
    for (number, raw) in (1..).zip(text.split_terminator('\n')) {
        let visible = raw.split('#').next().unwrap_or_default();
        if raw.trim_start_matches(BLANK).is_empty()
            || raw.trim_start_matches(BLANK).starts_with('#')
        {
            continue;
        }
        let mut line = open.take().unwrap_or(ConfigLine { number, text: String::new() });
        // A comment ends the line, even if the comment ends in a backslash.
        let continued = (visible.len() == raw.len())
            .then(|| visible.trim_end_matches(BLANK).strip_suffix('\\'))
            .flatten();
        match continued {
            Some(part) => {
                line.text.push_str(part);
                line.text.push(' ');
                open = Some(line);
            }
            None => {
                line.text.push_str(visible);
                complete.push(line);
            }
        }
    }
    ConfigLines { complete, cut: open.map(|line| line.number) }
}

/// Splits the first field from a text, and returns the field and the rest; `None` if the text has only blanks. Fields
/// are separated by blanks, and `[…]` is one field.
#[must_use]
pub fn field(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches(BLANK);
    if let Some(inside) = text.strip_prefix('[') {
        return Some(bracketed(inside));
    }
    if text.is_empty() {
        return None;
    }
    let (word, rest) = text.split_at(text.find(BLANK).unwrap_or(text.len()));
    Some((word.to_owned(), rest))
}

/// Splits a text into fields as [`field`] does.
#[must_use]
pub fn fields(mut text: &str) -> Vec<String> {
    let mut all = Vec::new();
    while let Some((word, rest)) = field(text) {
        all.push(word);
        text = rest;
    }
    all
}

/// Splits a bracketed field from the text after its `[`. Returns the field without brackets, and the rest. `\]` stands
/// for a bracket inside the field.
fn bracketed(inside: &str) -> (String, &str) {
    let mut word = String::new();
    let mut rest = inside.chars();
    while let Some(c) = rest.next() {
        match c {
            ']' => break,
            '\\' if rest.as_str().starts_with(']') => {
                rest.next();
                word.push(']');
            }
            other => word.push(other),
        }
    }
    (word, rest.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(usize, String)> {
        lines(text)
            .complete
            .into_iter()
            .map(|line| (line.number, fields(&line.text).join("|")))
            .collect()
    }

    #[test]
    fn comments_blanks_and_continuations() {
        let text = "# head\n\nauth required \\\n  # between\n\n  pam_a.so x # tail\nauth optional pam_b.so \\  \n y\n";
        assert_eq!(
            texts(text),
            [
                (3, "auth|required|pam_a.so|x".to_owned()),
                (7, "auth|optional|pam_b.so|y".to_owned()),
            ]
        );
    }

    #[test]
    fn a_comment_ends_a_continuation() {
        let text = "auth required \\ # no\npam_a.so\n";
        assert_eq!(texts(text), [(1, "auth|required|\\".to_owned()), (2, "pam_a.so".to_owned())]);
    }

    #[test]
    fn the_end_of_the_file_cuts_a_continuation() {
        assert_eq!(lines("auth required pam_a.so\nauth required \\\n").cut, Some(2));
        assert_eq!(lines("auth required pam_a.so").cut, None);
    }

    #[test]
    fn brackets_are_one_field_and_need_no_blank_after_them() {
        assert_eq!(
            fields("auth [a=1 b=[x\\]]pam_x.so [y z] [open"),
            ["auth", "a=1 b=[x]", "pam_x.so", "y z", "open"]
        );
    }

    #[test]
    fn a_carriage_return_belongs_to_the_field() {
        assert_eq!(fields("auth required pam_a.so\r"), ["auth", "required", "pam_a.so\r"]);
    }
}
