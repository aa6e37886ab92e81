//! Removes an imported source file, if all of its content was read.

use twinlock_migrate::user_file::UserFileError;

use crate::{cli::How, import::import_messages::Worded};

/// What happened to a source file that was to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Removal {
    /// The file was removed, or in a preview is going to be removed.
    Done,
    /// The file could not be removed, for this reason.
    Failed(UserFileError),
    /// The file was kept, because these lines could not be read completely. Line 0 stands for the whole file.
    Kept(Vec<u32>),
    /// The file was kept, because one of its users was not imported and still needs it.
    Needed,
}

impl Removal {
    /// Calls `remove`, unless one of the messages says that a part of the source was not read. Returns what happened to
    /// the file.
    pub(crate) fn unless_kept<'a>(
        remarks: impl Iterator<Item = &'a Worded>,
        remove: impl FnOnce() -> Result<(), UserFileError>,
    ) -> Self {
        let mut kept: Vec<u32> =
            remarks.filter(|one| one.keeps_source).map(|one| one.line).collect();
        kept.sort_unstable();
        kept.dedup();
        if !kept.is_empty() {
            return Self::Kept(kept);
        }
        remove().map_or_else(Self::Failed, |()| Self::Done)
    }

    /// Returns a clause that says that the source is removed, or why it is kept.
    pub(crate) fn said(&self, source: &str, how: How) -> String {
        let stays = if how.dry_run { "would be kept" } else { "is kept" };
        match self {
            Self::Done if how.dry_run => format!("{source} would be deleted"),
            Self::Done => format!("{source} is deleted"),
            Self::Failed(fault) => format!("{source} {stays}: {fault}"),
            Self::Needed => format!("{source} {stays}: users in it still need it"),
            Self::Kept(lines) => format!(
                "{source} {stays}: {} not imported; check, and delete the file yourself",
                numbered(lines)
            ),
        }
    }
}

/// Returns the lines as the start of a clause, such as `line 3 is` or `lines 3 and 7 are`. Line 0 stands for the whole
/// file.
fn numbered(lines: &[u32]) -> String {
    match lines {
        [] | [0] => "something in it is".into(),
        [line] => format!("line {line} is"),
        [rest @ .., last] => {
            let rest: Vec<String> =
                rest.iter().filter(|line| **line > 0).map(u32::to_string).collect();
            match rest.is_empty() {
                true => format!("line {last} is"),
                false => format!("lines {} and {last} are", rest.join(", ")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_named() {
        for (lines, said) in [
            (&[3][..], "line 3 is"),
            (&[0, 3], "line 3 is"),
            (&[3, 7], "lines 3 and 7 are"),
            (&[0, 3, 5, 7], "lines 3, 5 and 7 are"),
            (&[0], "something in it is"),
        ] {
            assert_eq!(numbered(lines), said);
        }
    }
}
