//! A change of a record: the newest is loaded, changed and put in place, again where somebody else was faster.

use crate::{
    account::{Account, Folder},
    fault::{CommitFault, StoreFault},
    ports::{Records, Snapshot},
    record::Record,
};

/// How often somebody else may be faster.
const ROUNDS: usize = 8;

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeFault<E> {
    /// The newest record speaks against it.
    Declined(E),
    /// The store failed; the newest record, where it can be read, says whether it did so behind the change.
    Store(StoreFault),
    /// Somebody else was faster again and again; theirs stands.
    Changing,
}

/// What is decided on the newest record; nothing where its absence is proven.
pub type Decide<'a, E> = &'a mut dyn FnMut(Option<Snapshot>) -> Result<Record, E>;

/// Puts in place what `decide` makes of the newest record.
///
/// # Errors
/// [`ChangeFault`]; nothing has changed then, unless it is the store that failed.
pub fn change<E>(
    records: &dyn Records,
    account: &Account,
    decide: Decide<'_, E>,
) -> Result<(), ChangeFault<E>> {
    change_found(records, account, &|| records.newest(account), decide)
}

/// How the newest record is found.
pub type Find<'a> = &'a dyn Fn() -> Result<Option<Snapshot>, StoreFault>;

/// As [`change`], of the record that `find` finds.
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
                // Somebody may have built upon it before this process looked around: then it has happened all the same.
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
