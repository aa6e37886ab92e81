//! Writes and reads an export: a text with one user's record, code set, spent codes and used steps, for another host.

use alloc::{format, string::String, vec::Vec};

use zeroize::Zeroizing;

use twinlock_core::{
    base::{error::StoreError, time::UnixTime},
    ledger::{Used, names},
    record::{Record, code_set::CodeSet, code_set_text, extras::RecordExtras, text as records},
};

/// The version of the export format that twinlock writes.
pub const VERSION: u32 = 1;
/// Maximum length of an export in bytes.
pub const EXPORT_MAX: usize = 1024 * 1024;
/// Maximum number of used steps in an export. twinlock keeps a used step for a day, and a user produces fewer in a day.
pub const USED_MAX: usize = 4096;

const HEAD: &str = "# twinlock export, version ";
const RECORD_END: &str = "\n# end of record\n";
const CODES_END: &str = "\n# end of codes\n";
const END: &str = "# end of export\n";

/// The exported state of one user.
#[derive(Debug, PartialEq, Eq)]
pub struct Export {
    /// Time at which the export was written.
    pub at: UnixTime,
    /// The record without the parts that are valid on one host only: a key that is not verified yet, tickets and bypass
    /// codes.
    pub record: Record,
    /// The code set that the record names; `None` if it names none.
    pub codes: Option<CarriedCodes>,
    /// Steps whose codes were used, with the time of each use.
    pub used: Vec<(Used, UnixTime)>,
}

/// An exported code set.
#[derive(Debug, PartialEq, Eq)]
pub struct CarriedCodes {
    /// Time at which the set was created.
    pub since: UnixTime,
    /// The hashes of the codes.
    pub set: CodeSet,
    /// The indexes of the spent codes, with the time of each use.
    pub spent: Vec<(u8, UnixTime)>,
}

/// Why a text is not a valid export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportError {
    /// The header is missing.
    Head,
    /// The export was written by a newer twinlock.
    Newer {
        /// The format version of the export.
        version: u32,
    },
    /// The export is truncated, too long or has an unknown line.
    Malformed,
    /// The record in the export cannot be read.
    Record(StoreError),
    /// The code set in the export cannot be read.
    Codes(StoreError),
    /// The record names a code set that is missing from the export, or the export contains a set that the record does
    /// not name.
    Set,
}

impl core::fmt::Display for ExportError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Head => f.write_str("standard input is not an export of twinlock"),
            Self::Newer { version } => {
                write!(f, "a newer twinlock has written this export (version {version})")
            }
            Self::Malformed => f.write_str("the export was cut off, or changed in transit"),
            Self::Record(error) => write!(f, "its record: {error}"),
            Self::Codes(_) => f.write_str(
                "its set of backup codes is damaged, or was written by a newer version of twinlock",
            ),
            Self::Set => f.write_str("its record and its set of backup codes do not match"),
        }
    }
}

impl core::error::Error for ExportError {}

/// Returns the part of a record that is exported. Leaves out the state of this host, for example tickets and bypass
/// codes, which would otherwise work once on each host. A pending key is left out as well, because it is valid for one
/// source and for 15 minutes only.
#[must_use]
pub fn carried(record: Record) -> Record {
    let RecordExtras { mail, changed, reset, owed_codes, .. } = record.extras;
    let extras = RecordExtras { mail, changed, reset, owed_codes, ..RecordExtras::default() };
    Record { extras, ..record }
}

/// Formats an export.
#[must_use]
pub fn write(export: &Export) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(8192 + export.used.len() * 80));
    text.push_str(&format!("{HEAD}{VERSION}\nexported {}\n", export.at.0));
    if let Some(codes) = &export.codes {
        text.push_str(&format!("codes_since {}\n", codes.since.0));
        for (place, at) in &codes.spent {
            text.push_str(&format!("spent {place} {}\n", at.0));
        }
    }
    for (used, at) in &export.used {
        text.push_str(&format!("{} {}\n", names::used_name(used), at.0));
    }
    text.push('\n');
    text.push_str(&records::write(&export.record));
    if let Some(carried) = &export.codes {
        text.push('\n');
        text.push_str(&code_set_text::write(&carried.set));
    }
    text.push('\n');
    text.push_str(END);
    text
}

/// Parses an export.
///
/// # Errors
/// [`ExportError`] if the text is not a valid export. The error never quotes the text.
pub fn read(text: &str) -> Result<Export, ExportError> {
    if text.len() > EXPORT_MAX {
        return Err(ExportError::Malformed);
    }
    let rest = text.strip_prefix(HEAD).ok_or(ExportError::Head)?;
    let (version, rest) = rest.split_once('\n').ok_or(ExportError::Head)?;
    match version.parse() {
        Ok(VERSION) => {}
        Ok(version) if version > VERSION => return Err(ExportError::Newer { version }),
        _ => return Err(ExportError::Head),
    }
    let body = rest.strip_suffix(END).ok_or(ExportError::Malformed)?;
    let (head, body) = body.split_once("\n\n").ok_or(ExportError::Malformed)?;
    let head = head_of(head).ok_or(ExportError::Malformed)?;
    let (record, rest) = section(body, RECORD_END).ok_or(ExportError::Malformed)?;
    let record = records::read(record).map_err(ExportError::Record)?;
    let codes = match rest.strip_prefix('\n').ok_or(ExportError::Malformed)? {
        "" => None,
        rest => {
            let (set, rest) = section(rest, CODES_END).ok_or(ExportError::Malformed)?;
            if rest != "\n" {
                return Err(ExportError::Malformed);
            }
            Some(code_set_text::read(set).map_err(ExportError::Codes)?)
        }
    };
    assembled(head, record, codes)
}

/// Splits a text after the first line `end`, which ends a section. Returns `None` if there is no such line.
fn section<'a>(text: &'a str, end: &str) -> Option<(&'a str, &'a str)> {
    let length = text.find(end)?.checked_add(end.len())?;
    text.split_at_checked(length)
}

/// The lines of an export before the record.
#[derive(Default)]
struct ExportHead {
    at: UnixTime,
    codes_since: Option<UnixTime>,
    spent: Vec<(u8, UnixTime)>,
    used: Vec<(Used, UnixTime)>,
}

fn head_of(text: &str) -> Option<ExportHead> {
    let mut lines = text.split('\n');
    let at = lines.next()?.strip_prefix("exported ").and_then(names::read_instant)?;
    let mut head = ExportHead { at, ..ExportHead::default() };
    for line in lines {
        let (name, instant) = line.rsplit_once(' ')?;
        let at = names::read_instant(instant)?;
        if name == "codes_since" && head.codes_since.is_none() {
            head.codes_since = Some(at);
        } else if let Some(place) = name.strip_prefix("spent ") {
            head.spent.push((place.parse().ok()?, at));
        } else {
            head.used.push((names::read_used(name)?, at));
        }
    }
    (head.used.len() <= USED_MAX).then_some(head)
}

fn assembled(
    head: ExportHead,
    record: Record,
    set: Option<CodeSet>,
) -> Result<Export, ExportError> {
    let codes = match (record.codes, head.codes_since, set) {
        (Some(_), Some(since), Some(set)) => {
            let within = |(place, _): &(u8, UnixTime)| usize::from(*place) < set.hashes.len();
            if !head.spent.iter().all(within) {
                return Err(ExportError::Malformed);
            }
            Some(CarriedCodes { since, set, spent: head.spent })
        }
        (None, None, None) if head.spent.is_empty() => None,
        _ => return Err(ExportError::Set),
    };
    let carries_too_much = record.extras.pending.is_some()
        || !record.extras.tickets.is_empty()
        || !record.extras.bypasses.is_empty()
        || record.extras.fresh_key.is_some();
    if carries_too_much {
        return Err(ExportError::Malformed);
    }
    Ok(Export { at: head.at, record, codes, used: head.used })
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::{base::time::Step, ledger::KeyId, record::extras::AuditStamp};

    const RECORD: &str = include_str!("../../tests/vectors/record-1.toml");
    const SET: &str = include_str!("../../tests/vectors/codes-1.toml");
    const VECTOR: &str = include_str!("../../tests/vectors/export-1.txt");

    fn export() -> Export {
        let mut record = carried(records::read(RECORD).unwrap());
        record.codes = Some(twinlock_core::record::SetId(0x0123_4567_89ab_cdef));
        record.extras.changed = Some(UnixTime(1_800_000_100));
        record.extras.owed_codes =
            Some(AuditStamp { by: "kim".into(), at: UnixTime(1_800_000_050) });
        let set = code_set_text::read(SET).unwrap();
        let spent = alloc::vec![(0, UnixTime(1_800_000_200)), (2, UnixTime(1_800_000_300))];
        let used = Used { mark: KeyId([7; 16]), step: Step(60_000_000) };
        Export {
            at: UnixTime(1_800_000_400),
            record,
            codes: Some(CarriedCodes { since: UnixTime(1_800_000_000), set, spent }),
            used: alloc::vec![(used, UnixTime(1_800_000_310))],
        }
    }

    #[test]
    fn the_vector_is_what_is_written_and_read() {
        assert_eq!(write(&export()).as_str(), VECTOR);
        assert_eq!(read(VECTOR), Ok(export()));
        let bare = Export { codes: None, used: Vec::new(), ..export() };
        let bare = Export { record: Record { codes: None, ..bare.record }, ..bare };
        assert_eq!(read(&write(&bare)), Ok(bare));
    }

    #[test]
    fn what_was_cut_anywhere_is_no_export() {
        for cut in 0..VECTOR.len() {
            assert!(read(VECTOR.get(..cut).unwrap()).is_err(), "{cut}");
        }
        assert!(read(&format!("{VECTOR}\n")).is_err());
    }

    #[test]
    fn what_contradicts_itself_is_no_export() {
        let fresh = "changed = 1800000100\nfresh_key = \"07070707070707070707070707070707.\
                     0123456789abcdef0123456789abcdef.5\"\n";
        for (from, to, fault) in [
            // An export never says that a key was generated on this host.
            ("changed = 1800000100\n", fresh, ExportError::Malformed),
            ("version 1\n", "version 2\n", ExportError::Newer { version: 2 }),
            ("version 1\n", "version 0\n", ExportError::Head),
            ("# twinlock", "twinlock", ExportError::Head),
            ("exported 1", "exported x", ExportError::Malformed),
            ("spent 0 ", "spent 64 ", ExportError::Malformed),
            ("codes_since 1800000000\n", "", ExportError::Set),
            ("codes = \"0123456789abcdef\"\n", "", ExportError::Set),
            (
                "state = \"active\"",
                "state = \"odd\"",
                ExportError::Record(StoreError::Malformed { line: 0 }),
            ),
            ("lanes = 1", "lanes = 2", ExportError::Codes(StoreError::Malformed { line: 5 })),
        ] {
            assert!(VECTOR.contains(from), "{from}");
            assert_eq!(read(&VECTOR.replacen(from, to, 1)), Err(fault), "{from}");
        }
    }
}
