//! Changes a record: loads the newest, changes and commits it, and retries after a concurrent change.

use crate::{
    base::{
        account::{Account, Folder},
        error::{CommitError, StoreError},
    },
    ports::{Records, Snapshot},
    record::Record,
};

/// How many concurrent changes are tolerated.
const ROUNDS: usize = 8;

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeError<E> {
    /// `decide` refused the change for the newest record.
    Declined(E),
    /// The store failed. The newest record, if it can be read, shows whether the change was committed nevertheless.
    Store(StoreError),
    /// Other processes kept changing the record; theirs is in force.
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

/// Makes the new record from the newest one; `None` if its absence is proven.
pub type Decide<'a, E> = &'a mut dyn FnMut(Option<Snapshot>) -> Result<Record, E>;

/// Commits what `decide` makes of the newest record.
///
/// # Errors
/// [`ChangeError`]; nothing has changed then, unless the store failed.
pub fn change<E>(
    records: &dyn Records,
    account: &Account,
    decide: Decide<'_, E>,
) -> Result<(), ChangeError<E>> {
    change_found(records, account, &|| records.newest(account), decide)
}

/// Finds the newest record.
pub type Find<'a> = &'a dyn Fn() -> Result<Option<Snapshot>, StoreError>;

/// Commits a change as [`change`] does, for the record that `find` returns.
///
/// # Errors
/// As [`change`].
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
                // Another process may have built upon the change before this process re-read it: it is committed
                // then.
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
