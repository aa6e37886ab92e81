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

/// How a libpam reads the lines of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LineReader {
    /// libpam before 1.6 reads a line into a buffer of 1,024 bytes. What does not fit is read as the next line, even if
    /// the line is a comment. Blank lines and comments do not end a line that a backslash continues.
    #[default]
    Buffer,
    /// libpam since 1.6 reads lines of any length. A blank line or a comment ends a line that a backslash continues.
    Whole,
}

impl LineReader {
    /// Returns how the libpam library with the content `library` reads lines. Since version 1.6, it does not call fgets,
    /// which reads into a buffer.
    #[must_use]
    pub fn of(library: &str) -> Self {
        let fgets = ["fgets", "__fgets_chk"];
        match library.split('\0').any(|text| fgets.contains(&text)) {
            true => Self::Buffer,
            false => Self::Whole,
        }
    }
}

/// Size in bytes of the buffer into which libpam before 1.6 reads a line, with the byte that ends the text.
const BUFFER: usize = 1024;

/// Splits the text of a PAM file into lines, and joins lines that a backslash continues.
#[must_use]
pub fn lines(text: &str, reader: LineReader) -> ConfigLines {
    let mut complete = Vec::new();
    let mut open: Option<ConfigLine> = None;
    let (mut rest, mut number) = (text.as_bytes(), 1);
    while !rest.is_empty() {
        let taken = open.as_ref().map_or(0, |line| line.text.len());
        let room = match reader {
            LineReader::Buffer => BUFFER.saturating_sub(1 + taken),
            LineReader::Whole => usize::MAX,
        };
        if room == 0 {
            // fgets reads nothing into a full buffer, and libpam calls it again without end.
            break;
        }
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (raw, after) = rest.split_at(end.min(room));
        let here = number;
        number += usize::from(raw.ends_with(b"\n"));
        rest = after;
        let raw = String::from_utf8_lossy(raw);
        let raw = raw.strip_suffix('\n').unwrap_or(&raw);
        if let Some(line) = add(&mut open, here, raw, reader) {
            complete.push(line);
        }
    }
    ConfigLines { complete, cut: open.map(|line| line.number) }
}

/// Adds the part `raw`, which begins in the line `number` of the file, to the open line. Returns the line if the part
/// completes it.
fn add(
    open: &mut Option<ConfigLine>,
    number: usize,
    raw: &str,
    reader: LineReader,
) -> Option<ConfigLine> {
    // For libpam, which is written in C, a zero byte ends the text.
    let raw = raw.split('\0').next().unwrap_or_default();
    let visible = raw.split('#').next().unwrap_or_default();
    if visible.trim_start_matches(BLANK).is_empty() {
        let ends = reader == LineReader::Whole;
        return open.take_if(|_| ends).filter(|line| !line.text.trim_matches(BLANK).is_empty());
    }
    let mut line = open.take().unwrap_or(ConfigLine { number, text: String::new() });
    // A comment ends the line, even if the comment ends in a backslash.
    let continued = (visible.len() == raw.len())
        .then(|| visible.trim_end_matches(BLANK).strip_suffix('\\'))
        .flatten();
    if let Some(part) = continued {
        line.text.push_str(part);
        line.text.push(' ');
        *open = Some(line);
        return None;
    }
    line.text.push_str(visible);
    Some(line)
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
        lines(text, LineReader::Buffer)
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
    fn older_libpam_reads_the_rest_of_a_long_line_as_a_line() {
        let long = format!("#{}auth sufficient pam_permit.so\n", "x".repeat(1022));
        let blanks = " ".repeat(1000);
        let joined = format!("auth required \\\n{blanks}\\\n pam_a.so\nauth x\n");
        let texts = |text: &str, reader: LineReader| {
            let words = lines(text, reader).complete.into_iter();
            words.map(|line| (line.number, fields(&line.text).join("|"))).collect::<Vec<_>>()
        };
        let line = |number: usize, text: &str| (number, text.to_owned());
        let next = line(1, "auth|sufficient|pam_permit.so");
        assert_eq!(texts(&long, LineReader::Buffer), [next]);
        assert_eq!(texts(&long, LineReader::Whole), []);
        let [first, second] = [line(1, "auth|required|pam_a."), line(3, "so")];
        assert_eq!(texts(&joined, LineReader::Buffer), [first, second, line(4, "auth|x")]);
        assert_eq!(
            texts(&joined, LineReader::Whole),
            [line(1, "auth|required|pam_a.so"), line(4, "auth|x")]
        );
        // The buffer is full, and libpam reads on without end.
        let full = format!("auth required {}\\\npam_a.so\n", "x".repeat(1022 - 14));
        assert_eq!(LineReader::of("\0fopen\0fgets\0"), LineReader::Buffer);
        assert_eq!(LineReader::of("\0fopen\0getline\0"), LineReader::Whole);
        assert_eq!(lines(&full, LineReader::Buffer).cut, Some(1));
        assert_eq!(lines(&full, LineReader::Whole).cut, None);
    }

    #[test]
    fn newer_libpam_ends_a_continued_line_at_a_blank_line() {
        for between in ["", "  # between"] {
            let text = format!("auth required \\\n{between}\n pam_a.so\n");
            let of = |reader| lines(&text, reader).complete.len();
            assert_eq!((of(LineReader::Buffer), of(LineReader::Whole)), (1, 2), "{between}");
        }
    }

    #[test]
    fn zero_byte_ends_the_line() {
        let text = "auth sufficient pam_a.so\0 x\n\0auth required pam_b.so\nauth\n";
        assert_eq!(
            texts(text),
            [(1, "auth|sufficient|pam_a.so".to_owned()), (3, "auth".to_owned())]
        );
    }

    #[test]
    fn a_comment_ends_a_continuation() {
        let text = "auth required \\ # no\npam_a.so\n";
        assert_eq!(texts(text), [(1, "auth|required|\\".to_owned()), (2, "pam_a.so".to_owned())]);
    }

    #[test]
    fn the_end_of_the_file_cuts_a_continuation() {
        for reader in [LineReader::Buffer, LineReader::Whole] {
            let cut = |text: &str| lines(text, reader).cut;
            assert_eq!(cut("auth required pam_a.so\nauth required \\\n"), Some(2));
            assert_eq!(cut("auth required pam_a.so"), None);
        }
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
