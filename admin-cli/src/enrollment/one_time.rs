//! Counts the backup codes that a user has left.

use twinlock_core::{
    base::{
        account::Folder,
        error::{CodesError, StoreError},
    },
    ports::CodeSets,
    record::{Record, code_set::CodeSet},
    verify::code_match,
};
use twinlock_host::store::records::HostRecords;

/// Number of a user's unused backup codes, and the number of all that the user was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodesLeft {
    /// Number of unused backup codes.
    pub(crate) left: u8,
    /// Number of backup codes that were issued together, used ones included.
    pub(crate) of: usize,
}

/// Counts the user's unused backup codes; `None` if the record has none.
pub(crate) fn left(
    records: &HostRecords,
    record: &Record,
) -> Result<Option<CodesLeft>, CodesError> {
    let Some((set, spent)) = find(records, record)? else { return Ok(None) };
    Ok(Some(CodesLeft { left: code_match::left(&set, &spent), of: set.hashes.len() }))
}

fn find(records: &HostRecords, record: &Record) -> Result<Option<(CodeSet, Vec<u8>)>, CodesError> {
    let Some(id) = record.codes else { return Ok(None) };
    let folder = Folder::of(&record.user).map_err(|_| CodesError::Set(StoreError::NameTooLong))?;
    let set = records.set(&folder, id).map_err(CodesError::Set)?;
    let spent = records.spent(&folder, id).map_err(CodesError::Set)?;
    Ok(Some((set, spent)))
}
