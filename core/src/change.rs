//! Changes a record: loads the newest, changes and commits it, and retries after a concurrent change.

use crate::{
    account::{Account, Folder},
    fault::{CommitFault, StoreFault},
    ports::{Records, Snapshot},
    record::Record,
};

/// How many concurrent changes are tolerated.
const ROUNDS: usize = 8;

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeFault<E> {
    /// `decide` refused the change for the newest record.
    Declined(E),
    /// The store failed. The newest record, if it can be read, shows whether the change was committed nevertheless.
    Store(StoreFault),
    /// Other processes kept changing the record; theirs is in force.
    Changing,
}

/// Makes the new record from the newest one; `None` if its absence is proven.
pub type Decide<'a, E> = &'a mut dyn FnMut(Option<Snapshot>) -> Result<Record, E>;

/// Commits what `decide` makes of the newest record.
///
/// # Errors
/// [`ChangeFault`]; nothing has changed then, unless the store failed.
pub fn change<E>(
    records: &dyn Records,
    account: &Account,
    decide: Decide<'_, E>,
) -> Result<(), ChangeFault<E>> {
    change_found(records, account, &|| records.newest(account), decide)
}

/// Finds the newest record.
pub type Find<'a> = &'a dyn Fn() -> Result<Option<Snapshot>, StoreFault>;

/// As [`change`], for the record that `find` returns.
///
/// # Errors
/// As [`change`].
pub fn change_found<E>(
    records: &dyn Records,
    account: &Account,
    find: Find<'_>,
    decide: Decide<'_, E>,
) -> Result<(), ChangeFault<E>> {
    let folder =
        Folder::of(&account.name).map_err(|_| ChangeFault::Store(StoreFault::NameTooLong))?;
    for _ in 0..ROUNDS {
        let found = find().map_err(ChangeFault::Store)?;
        let after = found.as_ref().map_or(0, |found| found.sequence);
        let before = found.as_ref().map(|found| found.record.generation);
        let record = decide(found).map_err(ChangeFault::Declined)?;
        match records.commit(&folder, after, &record) {
            Ok(()) => return Ok(()),
            Err(CommitFault::Overtaken) if before != Some(record.generation) => {
                // Another process may have built upon the change before this process re-read it: it is committed
                // then.
                let newest = find().map_err(ChangeFault::Store)?;
                if newest.is_some_and(|newest| newest.record.generation == record.generation) {
                    return Ok(());
                }
            }
            Err(CommitFault::Overtaken) => {}
            Err(CommitFault::Store(fault)) => return Err(ChangeFault::Store(fault)),
        }
    }
    Err(ChangeFault::Changing)
}
