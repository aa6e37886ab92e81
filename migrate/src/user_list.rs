//! Parses CSV lists of users (RFC 4180) with columns `user`, `mail` and `key`, in chunks of any size.

use alloc::{string::String, vec, vec::Vec};
use core::str;

use csv_core::{ReadRecordResult, Reader};
use zeroize::Zeroizing;

/// Maximum length of a row in bytes. Any user name, address and otpauth:// line together are shorter.
pub const ROW_MAX: usize = 16 * 1024;
/// Maximum number of fields in a row.
const FIELDS_MAX: usize = 64;
const COLUMNS: [&str; 3] = ["user", "mail", "key"];
/// The byte order mark, which some spreadsheets write at the start of a UTF-8 file.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// A parser of a list of users. Its buffers are wiped when it is dropped.
pub struct UserListParser {
    reader: Reader,
    mark: usize,
    begun: bool,
    row: Zeroizing<Vec<u8>>,
    ends: Vec<usize>,
    extent: RowExtent,
    head: Option<Head>,
}

/// How much of the present row of the list has been read: the number of its first line, its bytes and fields so far,
/// and the state of the parser.
#[derive(Clone, Copy)]
struct RowExtent {
    line: u64,
    bytes: usize,
    fields: usize,
    state: ParserState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ParserState {
    Filling,
    Overflowing,
    Whole,
    Overflown,
}

/// The column indexes that the header row gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    user: usize,
    mail: Option<usize>,
    key: Option<usize>,
    fields: usize,
}

/// Why [`UserListParser::read`] has returned, and so the place in the list at which it stopped reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParserStop {
    /// The parser has stopped at the end of the chunk, in the middle of a row.
    More,
    /// The parser has stopped after the header row. Holds the indexes of the columns.
    Head(Head),
    /// The parser has stopped after a row, which [`UserListParser::row`] returns.
    Row,
    /// The parser has stopped at the first row, because it does not name the columns. Or the list is empty.
    NoHead,
    /// The parser has reached the end of the list.
    End,
}

/// A user in the list. Values are trimmed; only the user name may be empty.
#[derive(PartialEq, Eq)]
pub struct UserRow<'a> {
    /// The account name.
    pub user: &'a str,
    /// The mail address; `None` if the field is empty or the list has no `mail` column.
    pub mail: Option<&'a str>,
    /// A key, in base32 or as an otpauth:// line; `None` if the field is empty or the list has no `key` column.
    pub key: Option<&'a str>,
}

/// Why a row cannot be used. Never quotes the text of the row, which may be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowError {
    /// The number of fields differs from the header row.
    Fields {
        /// Number of fields in the row.
        found: usize,
        /// Number of fields in the header row.
        wanted: usize,
    },
    /// The row is not UTF-8.
    Encoding,
    /// The row exceeds [`ROW_MAX`], usually because of an unclosed quotation mark.
    TooLong,
}

impl core::fmt::Display for RowError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Fields { found, wanted } => {
                let plural = if *found == 1 { "" } else { "s" };
                write!(f, "{found} field{plural} where the first line has {wanted}")
            }
            Self::Encoding => f.write_str("not UTF-8"),
            Self::TooLong => {
                write!(f, "longer than {} KiB (is a quotation mark left open?)", ROW_MAX / 1024)
            }
        }
    }
}

impl core::error::Error for RowError {}

impl core::fmt::Debug for UserRow<'_> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("Row").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Head {
    /// Returns whether the list has a column for keys.
    #[must_use]
    pub fn has_keys(self) -> bool {
        self.key.is_some()
    }
}

impl Default for UserListParser {
    fn default() -> Self {
        Self {
            reader: Reader::new(),
            mark: 0,
            begun: false,
            row: Zeroizing::new(vec![0; ROW_MAX]),
            ends: vec![0; FIELDS_MAX],
            extent: RowExtent { line: 1, bytes: 0, fields: 0, state: ParserState::Filling },
            head: None,
        }
    }
}

impl UserListParser {
    /// Parses `piece`, the next chunk of the list, up to the end of one row. Returns how many bytes were parsed and
    /// where the parser stopped. An empty chunk marks the end of the list.
    pub fn read(&mut self, piece: &[u8]) -> (usize, ParserStop) {
        if matches!(self.extent.state, ParserState::Whole | ParserState::Overflown) {
            let line = self.reader.line();
            self.extent = RowExtent { line, bytes: 0, fields: 0, state: ParserState::Filling };
        }
        let mut used = self.skip_mark(piece);
        loop {
            let rest = piece.get(used..).unwrap_or_default();
            if rest.is_empty() && !piece.is_empty() {
                return (used, ParserStop::More);
            }
            // The CSV reader skips a byte order mark at the start of its first chunk. `skip_mark` has skipped one
            // already. So the first chunk for the reader is a single byte, in which it cannot find a second mark.
            let rest = if self.begun { rest } else { rest.get(..1).unwrap_or_default() };
            let (result, more) = self.record(rest);
            used += more;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    self.extent = RowExtent {
                        bytes: 0,
                        fields: 0,
                        state: ParserState::Overflowing,
                        ..self.extent
                    };
                }
                ReadRecordResult::Record => {
                    let last = piece.get(..used).and_then(<[u8]>::last);
                    return (used, self.found(last));
                }
                ReadRecordResult::End if self.head.is_none() => return (used, ParserStop::NoHead),
                ReadRecordResult::End => return (used, ParserStop::End),
            }
        }
    }

    /// Skips the byte order mark, which may be split between chunks. Returns the number of bytes skipped.
    fn skip_mark(&mut self, piece: &[u8]) -> usize {
        let mut skipped = 0;
        while let (Some(byte), Some(wanted)) = (piece.get(skipped), MARK.get(self.mark)) {
            if byte != wanted {
                // A text that only begins like the mark belongs to the list.
                let begun = core::mem::replace(&mut self.mark, MARK.len());
                if let Some(text @ [_, ..]) = MARK.get(..begun) {
                    self.record(text);
                }
                break;
            }
            self.mark += 1;
            skipped += 1;
        }
        skipped
    }

    fn record(&mut self, rest: &[u8]) -> (ReadRecordResult, usize) {
        let RowExtent { bytes, fields, .. } = self.extent;
        let row = self.row.get_mut(bytes..).unwrap_or_default();
        let ends = self.ends.get_mut(fields..).unwrap_or_default();
        let (result, read, written, ended) = self.reader.read_record(rest, row, ends);
        self.begun = true;
        self.extent.bytes += written;
        self.extent.fields += ended;
        (result, read)
    }

    fn found(&mut self, last: Option<&u8>) -> ParserStop {
        let overflowing = self.extent.state == ParserState::Overflowing;
        if !overflowing {
            // The reader has counted the lines up to the end of the row. Subtracting the line breaks in the row gives
            // the line at which the row begins. Empty lines before the row are not in `row`.
            let bytes = self.row.iter().take(self.extent.bytes).chain(last);
            let lines = bytes.filter(|byte| **byte == b'\n').count();
            self.extent.line =
                self.reader.line().saturating_sub(u64::try_from(lines).unwrap_or_default());
        }
        self.extent.state = if overflowing { ParserState::Overflown } else { ParserState::Whole };
        match self.head {
            Some(_) => ParserStop::Row,
            None => {
                self.head = if overflowing { None } else { self.named() };
                self.head.map_or(ParserStop::NoHead, ParserStop::Head)
            }
        }
    }

    /// Returns the number, from 1, of the first line of the row that [`UserListParser::row`] returns.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.extent.line
    }

    fn named(&self) -> Option<Head> {
        let fields = self.extent.fields;
        let name = |at| self.field(at).map(str::to_ascii_lowercase);
        let names: Vec<String> = (0..fields).map(name).collect::<Option<_>>()?;
        let known = names.iter().all(|name| COLUMNS.contains(&name.as_str()));
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        let twice = COLUMNS.iter().any(|one| names.iter().filter(|name| name == one).count() > 1);
        let head = Head { user: place("user")?, mail: place("mail"), key: place("key"), fields };
        (known && !twice).then_some(head)
    }

    /// Returns the row that the latest call of [`UserListParser::read`] completed. The next call overwrites it.
    ///
    /// # Errors
    /// [`RowError`] if the row cannot be used; later rows may still be usable.
    pub fn row(&self) -> Result<UserRow<'_>, RowError> {
        let Some(head) = self.head.filter(|_| self.extent.state == ParserState::Whole) else {
            return Err(RowError::TooLong);
        };
        let (found, wanted) = (self.extent.fields, head.fields);
        if found != wanted {
            return Err(RowError::Fields { found, wanted });
        }
        let some = |at: Option<usize>| match at.map(|at| self.field(at)) {
            Some(None) => Err(RowError::Encoding),
            Some(text) => Ok(text.filter(|text| !text.is_empty())),
            None => Ok(None),
        };
        let user = some(Some(head.user))?.unwrap_or_default();
        Ok(UserRow { user, mail: some(head.mail)?, key: some(head.key)? })
    }

    fn field(&self, at: usize) -> Option<&str> {
        let end = |at: usize| self.ends.get(at).copied();
        let begin = at.checked_sub(1).map_or(Some(0), end)?;
        str::from_utf8(self.row.get(begin..end(at)?)?).ok().map(str::trim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};

    /// Parses the whole text in chunks of `size` bytes.
    fn all(text: &[u8], size: usize) -> Vec<String> {
        let (mut people, mut found) = (UserListParser::default(), Vec::new());
        let mut pieces = text.chunks(size).chain([&b""[..]].into_iter().cycle());
        let mut piece = pieces.next().unwrap();
        loop {
            let (used, what) = people.read(piece);
            let line = people.line();
            let text = match (what, people.row()) {
                (ParserStop::Row, Ok(UserRow { user, mail, key })) => {
                    format!("{line} {user} {mail:?} {key:?}")
                }
                (ParserStop::Row, Err(fault)) => format!("{line} {fault:?}"),
                (ParserStop::More, _) => String::new(),
                (other, _) => format!("{other:?}"),
            };
            let ends = matches!(what, ParserStop::End | ParserStop::NoHead);
            piece = &piece[used..];
            if piece.is_empty() {
                piece = pieces.next().unwrap();
            }
            if !text.is_empty() {
                found.push(text);
            }
            if ends {
                return found;
            }
        }
    }

    #[test]
    fn a_list_is_the_same_however_it_comes() {
        let text = "\u{feff}\"User\" ,key,MAIL\r\n\r\nada,\"x \"\"y\"\"\", a@b \r\n\"b\no\",,\nc\n\"\",k,m";
        let head = Head { user: 0, mail: Some(2), key: Some(1), fields: 3 };
        let fields = RowError::Fields { found: 1, wanted: 3 };
        let wanted = [
            format!("{:?}", ParserStop::Head(head)),
            "3 ada Some(\"a@b\") Some(\"x \\\"y\\\"\")".to_string(),
            "4 b\no None None".to_string(),
            format!("6 {fields:?}"),
            "7  Some(\"m\") Some(\"k\")".to_string(),
            "End".to_string(),
        ];
        for size in 1..text.len() {
            assert_eq!(all(text.as_bytes(), size), wanted, "{size}");
        }
    }

    #[test]
    fn a_row_is_passed_over_without_its_neighbours() {
        let long = "x".repeat(ROW_MAX);
        let many = ",".repeat(FIELDS_MAX + 1);
        let text = format!("user\n{long}\nada\n{many}\nbob\n");
        let text = [text.as_bytes(), b"\xe5sa\ncy\n"].concat();
        let row = |line: u64, fault: RowError| format!("{line} {fault:?}");
        let found = all(&text, 8192);
        assert_eq!(found[1], row(2, RowError::TooLong));
        assert_eq!(found[2], "3 ada None None");
        assert_eq!(found[3], row(4, RowError::TooLong));
        assert_eq!(found[4], "5 bob None None");
        assert_eq!(found[5], row(6, RowError::Encoding));
        assert_eq!(found[6..], ["7 cy None None", "End"]);
    }

    #[test]
    fn the_first_row_names_the_columns() {
        for text in ["", "\n\n", "ada", "user,user", "mail", "user,kye", "us\u{e5}r", ",user"] {
            assert_eq!(all(text.as_bytes(), 99), ["NoHead"], "{text}");
        }
        assert_eq!(all(&[b'"'; 3 * ROW_MAX], 8192), ["NoHead"]);
        for (text, begins) in [(&b"\xef\xbb\xbfuser"[..], "Head"), (b"\xef\xbbuser", "NoHead")] {
            assert!((1..9).all(|size| all(text, size)[0].starts_with(begins)), "{text:?}");
        }
    }

    #[test]
    fn no_key_is_in_what_is_printed() {
        let row = UserRow { user: "ada", mail: None, key: Some("JBSW") };
        assert!(!format!("{row:?}").contains("JBSW"));
    }
}
