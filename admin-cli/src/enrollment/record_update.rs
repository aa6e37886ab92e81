//! Stores a changed record for a command. After a store error, the message says whether the old or the new record is
//! stored.

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::{CommitError, StoreError},
    },
    ports::{Records, Snapshot},
    record::{Record, State},
    verify::record_update::{self, ChangeError, Decide, Find},
};

use crate::{
    context::Context,
    error::exit::{CliError, Exit},
    text::plain,
};

/// Stores the record that `decide` returns for the user's newest record. If the store reports an error, reads the
/// record again and calls `is_it`, which returns whether a record contains the change. The error of this function then
/// says whether the change is stored.
pub(crate) fn put(
    context: &Context,
    account: &Account,
    decide: Decide<'_, CliError>,
    is_it: &dyn Fn(&Record) -> bool,
) -> Result<(), CliError> {
    let find = || context.machine.records.newest(account);
    put_found(context, account, &find, decide, is_it)
}

/// Stores the record that `decide` returns for the user's newest record. Works even if the user has no record or the
/// record was lost. If the store reports an error, the error of this function says whether the change is stored.
pub(crate) fn begin(
    context: &Context,
    account: &Account,
    decide: Decide<'_, CliError>,
    is_it: &dyn Fn(&Record) -> bool,
) -> Result<(), CliError> {
    let find = || context.machine.records.before_enrollment(account);
    put_found(context, account, &find, decide, is_it)
}

fn put_found(
    context: &Context,
    account: &Account,
    find: Find<'_>,
    decide: Decide<'_, CliError>,
    is_it: &dyn Fn(&Record) -> bool,
) -> Result<(), CliError> {
    let records = &context.machine.records;
    let fault = match record_update::change_found(records, account, find, decide) {
        Ok(()) => {
            // The change is in force even if the clock cannot be read.
            if let Ok(now) = context.now() {
                records.mark_clock(now);
            }
            return Ok(());
        }
        Err(ChangeError::Declined(failure)) => return Err(failure),
        Err(ChangeError::Changing) => return Err(changing(&account.name)),
        Err(ChangeError::Store(fault)) => fault,
    };
    let found =
        records.newest(account).map(|found| found.is_some_and(|found| is_it(&found.record)));
    Err(failed(&account.name, fault, found))
}

/// Returns the error for a store error during a change. `stands` tells whether the new record is stored; it is an error
/// if that is not known.
pub(crate) fn failed(user: &str, fault: StoreError, stands: Result<bool, StoreError>) -> CliError {
    let failure = CliError::from(fault);
    let (user, what) = (plain(user), failure.what);
    let (what, remedy) = match stands {
        Ok(true) => (
            format!(
                "{what}; the record of {user} was changed, but the change may be lost if the machine loses power"
            ),
            format!("{} Then check `twinlock status {user}`, and run it again.", failure.remedy),
        ),
        Ok(false) => (format!("{what}; nothing was changed"), failure.remedy),
        Err(_) => (
            format!("{what}; it is unknown which record of {user} is in force"),
            format!("{} Then check `twinlock status {user}`.", failure.remedy),
        ),
    };
    CliError::new(failure.exit, what, remedy)
}

/// Stores `record` with the version number that follows `after`. Fails if another process has stored a record
/// meanwhile.
pub(crate) fn place(
    context: &Context,
    account: &Account,
    after: u64,
    record: &Record,
) -> Result<(), CliError> {
    let records = &context.machine.records;
    let folder = Folder::of(&account.name)
        .map_err(|_| CliError::from(StoreError::NameTooLong).unchanged())?;
    match records.commit(&folder, after, record) {
        Ok(()) => Ok(()),
        Err(CommitError::Overtaken) => Err(CommitError::Overtaken.into()),
        Err(CommitError::Store(fault)) => Err(in_doubt(context, account, record, fault)),
    }
}

/// Returns the error for a store error while `record` was written. Reads the store to find out whether `record` is
/// stored.
pub(crate) fn in_doubt(
    context: &Context,
    account: &Account,
    record: &Record,
    fault: StoreError,
) -> CliError {
    let is_it = |found: Snapshot| found.record.generation == record.generation;
    let found = context.machine.records.newest(account).map(|found| found.is_some_and(is_it));
    failed(&account.name, fault, found)
}

/// Returns the record if its user is enrolled; otherwise `None`.
pub(crate) fn active(found: Option<Snapshot>) -> Option<Snapshot> {
    found.filter(|found| found.record.state == State::Active)
}

fn changing(user: &str) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("the record of {} keeps changing; nothing was changed here", plain(user)),
        "Check `twinlock status`, then try again.",
    )
}
