//! Reads the entries of one user from the ledger.

use alloc::{string::String, vec::Vec};

use crate::{
    base::{error::LedgerError, time::UnixTime},
    ledger::{Charged, LedgerHistory, Try, names},
    ports::UserLedger,
};

/// Reads all entries of the user. `own` is the calling attempt with its time, which are already known and not read from
/// the ledger.
///
/// # Errors
/// [`LedgerError`] if the names or their texts cannot be read.
pub fn read(
    user_ledger: &dyn UserLedger,
    own: Option<(&Try, UnixTime)>,
) -> Result<LedgerHistory, LedgerError> {
    let mut history = LedgerHistory::default();
    let mut tries = Vec::new();
    user_ledger.each_name(&mut |name| {
        if let Some(used) = names::read_used(name) {
            history.used.push(used);
        } else if let Some(found) = names::read_try(name) {
            tries.push((String::from(name), found));
        } else if let Some(row) = names::read_row(name) {
            history.row = history.row.max(Some(row));
        }
    })?;
    for (name, found) in tries {
        let at = match own {
            Some((own, at)) if *own == found => Some(at),
            _ => instant_of(user_ledger, &name)?,
        };
        // If another process has erased the name meanwhile, the attempt was refunded and does not count.
        history.tries.extend(at.map(|at| Charged { name: found, at }));
    }
    Ok(history)
}

/// Returns the time at which a name was created; `None` if the name is gone.
///
/// # Errors
/// [`LedgerError`] if the text of the name cannot be read or is not a time.
pub fn instant_of(
    user_ledger: &dyn UserLedger,
    name: &str,
) -> Result<Option<UnixTime>, LedgerError> {
    match user_ledger.content(name)? {
        None => Ok(None),
        Some(text) => match names::read_instant(&text) {
            Some(at) => Ok(Some(at)),
            None => Err(LedgerError::Untrusted),
        },
    }
}
