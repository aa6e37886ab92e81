//! A user's backup-code set for an administrator: how many codes are left.

use twinlock_core::{
    account::Folder,
    backup_code,
    code_set::CodeSet,
    fault::{CodesFault, StoreFault},
    ports::Codes,
    record::Record,
};
use twinlock_host::records::HostRecords;

/// How many codes of a set are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Unused codes.
    pub left: u8,
    /// Codes in the set.
    pub of: usize,
}

/// Counts the codes that are left in a user's set; returns `None` if there is no set.
pub fn left(records: &HostRecords, record: &Record) -> Result<Option<Left>, CodesFault> {
    let Some((set, spent)) = find(records, record)? else { return Ok(None) };
    Ok(Some(Left { left: backup_code::left(&set, &spent), of: set.hashes.len() }))
}

fn find(records: &HostRecords, record: &Record) -> Result<Option<(CodeSet, Vec<u8>)>, CodesFault> {
    let Some(id) = record.codes else { return Ok(None) };
    let folder = Folder::of(&record.user).map_err(|_| CodesFault::Set(StoreFault::NameTooLong))?;
    let set = records.set(&folder, id).map_err(CodesFault::Set)?;
    let spent = records.spent(&folder, id).map_err(CodesFault::Set)?;
    Ok(Some((set, spent)))
}
