//! The store-id: proof that the records folder is the one that belongs to this machine's settings.

use twinlock_core::fault::StoreFault;

use crate::place::{self, Owner, READABLE, Room};

/// The name of the file, in the records folder and beside the settings.
pub const NAME: &str = "store-id";
/// Its length: 32 hexadecimal digits and a newline.
const LENGTH: usize = 33;

/// Proves that the records folder is ours, so that what is not in it does not exist.
///
/// # Errors
/// [`StoreFault::StoreIdMissing`] where the records folder has none, [`StoreFault::StoreIdMismatch`]
/// where the other copy is absent or another.
pub fn prove(records: &Room, copy: &str, owner: Owner) -> Result<(), StoreFault> {
    let ours = of_records(records, owner)?.ok_or(StoreFault::StoreIdMissing)?;
    match of_settings(copy, owner)? {
        Some(theirs) if theirs == ours => Ok(()),
        Some(_) | None => Err(StoreFault::StoreIdMismatch),
    }
}

/// The store-id in the records folder.
///
/// # Errors
/// [`StoreFault`] where something is there that cannot be read.
pub fn of_records(records: &Room, owner: Owner) -> Result<Option<String>, StoreFault> {
    value(records.read(NAME, owner, LENGTH))
}

/// The store-id beside the settings; everybody may read it.
///
/// # Errors
/// [`StoreFault`] where something is there that cannot be read.
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
