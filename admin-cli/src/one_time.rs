//! A person's set of one-time codes, for an administrator: what is left of it.

use twinlock_core::{
    account::Folder,
    backup_code,
    code_set::CodeSet,
    fault::{CodesFault, StoreFault},
    ports::Codes,
    record::Record,
};
use twinlock_host::records::HostRecords;

/// What is left of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Codes that were not used.
    pub left: u8,
    /// Codes that there were.
    pub of: usize,
}

/// What is left of a person's set; nothing where there is none.
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
