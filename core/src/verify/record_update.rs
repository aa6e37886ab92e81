//! Changes a record: loads the newest version, changes it and commits it. Starts again if another process has changed
//! the record meanwhile.

use crate::{
    base::{
        account::{Account, Folder},
        error::{CommitError, StoreError},
    },
    ports::{Records, Snapshot},
    record::Record,
};

/// Maximum number of times that the change is tried anew because another process has changed the record.
const ROUNDS: usize = 8;

/// Why a change of a record was not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeError<E> {
    /// `decide` refused the change for the newest record.
    Declined(E),
    /// The store failed. The change may have been committed nevertheless; the newest record shows whether it was.
    Store(StoreError),
    /// Other processes kept changing the record. Their changes are stored, and this one is not.
    Changing,
}

impl<E: core::fmt::Display> core::fmt::Display for ChangeError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Declined(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Changing => CommitError::Overtaken.fmt(f),
        }
    }
}

impl<E: core::error::Error> core::error::Error for ChangeError<E> {}

/// A function that returns the new record for the newest one, or an error if the change must not be made. The argument
/// is `None` if it is proven that there is no record.
pub type Decide<'a, E> = &'a mut dyn FnMut(Option<Snapshot>) -> Result<Record, E>;

/// Commits the record that `decide` makes from the newest one.
///
/// # Errors
/// [`ChangeError`] if the change was not committed. Nothing has changed then, unless the store failed.
pub fn change<E>(
    records: &dyn Records,
    account: &Account,
    decide: Decide<'_, E>,
) -> Result<(), ChangeError<E>> {
    change_found(records, account, &|| records.newest(account), decide)
}

/// A function that returns the newest record; `None` if it is proven that there is none.
pub type Find<'a> = &'a dyn Fn() -> Result<Option<Snapshot>, StoreError>;

/// Commits the record that `decide` makes from the record that `find` returns.
///
/// # Errors
/// [`ChangeError`] if the change was not committed. Nothing has changed then, unless the store failed.
pub fn change_found<E>(
    records: &dyn Records,
    account: &Account,
    find: Find<'_>,
    decide: Decide<'_, E>,
) -> Result<(), ChangeError<E>> {
    let folder =
        Folder::of(&account.name).map_err(|_| ChangeError::Store(StoreError::NameTooLong))?;
    for _ in 0..ROUNDS {
        let found = find().map_err(ChangeError::Store)?;
        let after = found.as_ref().map_or(0, |found| found.sequence);
        let before = found.as_ref().map(|found| found.record.generation);
        let record = decide(found).map_err(ChangeError::Declined)?;
        match records.commit(&folder, after, &record) {
            Ok(()) => return Ok(()),
            Err(CommitError::Overtaken) if before != Some(record.generation) => {
                // Another process may have built upon the change before this process read the record again. The change
                // is then committed.
                let newest = find().map_err(ChangeError::Store)?;
                if newest.is_some_and(|newest| newest.record.generation == record.generation) {
                    return Ok(());
                }
            }
            Err(CommitError::Overtaken) => {}
            Err(CommitError::Store(fault)) => return Err(ChangeError::Store(fault)),
        }
    }
    Err(ChangeError::Changing)
}
