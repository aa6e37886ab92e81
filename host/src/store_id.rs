//! The store-id: proves that the records folder belongs to this host's settings.

use twinlock_core::fault::StoreFault;

use crate::place::{self, Owner, READABLE, Room};

/// The file name, in the records folder and next to the settings.
pub const NAME: &str = "store-id";
/// Its length: 32 hexadecimal digits and a newline.
const LENGTH: usize = 33;

/// Proves that the records folder is the right one, so that what is missing from it does not exist.
///
/// # Errors
/// [`StoreFault::StoreIdMissing`] if the records folder has none, [`StoreFault::StoreIdMismatch`] if the other copy
/// is missing or differs.
pub fn prove(records: &Room, copy: &str, owner: Owner) -> Result<(), StoreFault> {
    let ours = of_records(records, owner)?.ok_or(StoreFault::StoreIdMissing)?;
    match of_settings(copy, owner)? {
        Some(theirs) if theirs == ours => Ok(()),
        Some(_) | None => Err(StoreFault::StoreIdMismatch),
    }
}

/// Returns the store-id of the records folder.
///
/// # Errors
/// [`StoreFault`] if the file exists but cannot be read.
pub fn of_records(records: &Room, owner: Owner) -> Result<Option<String>, StoreFault> {
    value(records.read(NAME, owner, LENGTH))
}

/// Returns the store-id next to the settings, which all users may read.
///
/// # Errors
/// [`StoreFault`] if the file exists but cannot be read.
pub fn of_settings(copy: &str, owner: Owner) -> Result<Option<String>, StoreFault> {
    value(place::read_file(copy, (owner, READABLE), LENGTH))
}

fn value(read: Result<Vec<u8>, StoreFault>) -> Result<Option<String>, StoreFault> {
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(fault) if place::is_absent(fault) => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let text = String::from_utf8(bytes).map_err(|_| StoreFault::StoreIdMismatch)?;
    let id = text.strip_suffix('\n').unwrap_or(&text);
    let fits = id.len() == LENGTH - 1 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| Some(id.to_owned())).ok_or(StoreFault::StoreIdMismatch)
}
