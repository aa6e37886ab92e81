//! The store-id: a random id that is stored twice and proves that the records folder belongs to the settings of this
//! host.

use twinlock_core::base::error::{FileError, StoreError};

use crate::trusted_dir::{self, Owner, READABLE, TrustedDir};

/// The name of the file that contains the store-id, both in the records folder and next to the settings.
pub const NAME: &str = "store-id";
/// Length of the file in bytes: 32 hexadecimal digits and a newline.
const LENGTH: usize = 33;

/// Proves that the records folder belongs to the settings. After that, a user without a folder in it is known not to be
/// enrolled. `copy` is the path of the store-id next to the settings.
///
/// # Errors
/// [`StoreError::StoreIdMissing`] if the records folder has no store-id; [`StoreError::StoreIdMismatch`] if the copy is
/// missing or differs.
pub fn prove(records: &TrustedDir, copy: &str, owner: Owner) -> Result<(), StoreError> {
    let ours = of_records(records, owner)?.ok_or(StoreError::StoreIdMissing)?;
    match of_settings(copy, owner)? {
        Some(theirs) if theirs == ours => Ok(()),
        Some(_) | None => Err(StoreError::StoreIdMismatch),
    }
}

/// Returns the store-id (the random id that ties the records to the settings) in the records folder; `None` if the file
/// is missing.
///
/// # Errors
/// [`StoreError`] if the file exists but cannot be read or is invalid.
pub fn of_records(records: &TrustedDir, owner: Owner) -> Result<Option<String>, StoreError> {
    value(records.read(NAME, owner, LENGTH))
}

/// Returns the copy of the store-id (the random id that ties the records to the settings) next to the settings, which
/// all users may read; `None` if the file is missing.
///
/// # Errors
/// [`StoreError`] if the file exists but cannot be read or is invalid.
pub fn of_settings(copy: &str, owner: Owner) -> Result<Option<String>, StoreError> {
    value(trusted_dir::read_file(copy, owner, READABLE, LENGTH))
}

fn value(read: Result<Vec<u8>, FileError>) -> Result<Option<String>, StoreError> {
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(fault) if trusted_dir::is_absent(fault) => return Ok(None),
        Err(fault) => return Err(fault.into()),
    };
    let text = String::from_utf8(bytes).map_err(|_| StoreError::StoreIdMismatch)?;
    let id = text.strip_suffix('\n').unwrap_or(&text);
    let fits = id.len() == LENGTH - 1 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| Some(id.to_owned())).ok_or(StoreError::StoreIdMismatch)
}
