//! A person's set of one-time codes, for an administrator: what is left of it, and whether a code is one of it.

use twinlock_core::{
    account::Folder,
    answer::Code,
    backup_code,
    code_set::CodeSet,
    fault::{CodesFault, MachineFault, StoreFault},
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

/// What a code is to a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Finding {
    /// One of it, and not used yet.
    Unspent(Left),
    /// One of it, and used.
    Spent,
    /// Not of the shape, not of the set, or there is no set.
    Wrong,
}

/// What is left of a person's set; nothing where there is none.
pub fn left(records: &HostRecords, record: &Record) -> Result<Option<Left>, CodesFault> {
    let Some((set, spent)) = find(records, record)? else { return Ok(None) };
    Ok(Some(Left { left: backup_code::left(&set, &spent), of: set.hashes.len() }))
}

/// Looks whether a code is of a person's set, and spends nothing.
pub fn examine(records: &HostRecords, record: &Record, code: &Code) -> Result<Finding, CodesFault> {
    if backup_code::shape_of(code).is_none() {
        return Ok(Finding::Wrong);
    }
    let Some((set, spent)) = find(records, record)? else { return Ok(Finding::Wrong) };
    if !set.shape.fits(code.of_shape(set.shape)) {
        return Ok(Finding::Wrong);
    }
    let digest = records
        .digest(code.of_shape(set.shape), &set.recipe)
        .map_err(|MachineFault| CodesFault::Memory)?;
    Ok(match backup_code::place_in(&set, &digest) {
        None => Finding::Wrong,
        Some(place) if spent.contains(&place) => Finding::Spent,
        Some(_) => {
            Finding::Unspent(Left { left: backup_code::left(&set, &spent), of: set.hashes.len() })
        }
    })
}

fn find(records: &HostRecords, record: &Record) -> Result<Option<(CodeSet, Vec<u8>)>, CodesFault> {
    let Some(id) = record.codes else { return Ok(None) };
    let folder = Folder::of(&record.user).map_err(|_| CodesFault::Set(StoreFault::NameTooLong))?;
    let set = records.set(&folder, id).map_err(CodesFault::Set)?;
    let spent = records.spent(&folder, id).map_err(CodesFault::Set)?;
    Ok(Some((set, spent)))
}
