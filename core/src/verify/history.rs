//! Reads the ledger's entries of one user.

use crate::{
    base::{error::LedgerError, time::UnixTime},
    ledger::{Charged, LedgerHistory, Try, names},
    ports::UserLedger,
};

/// Reads the ledger. The caller's own charge, if any, is known without reading it.
///
/// # Errors
/// [`LedgerError`] when a name cannot be read.
pub fn read(
    user_ledger: &dyn UserLedger,
    own: Option<(&Try, UnixTime)>,
) -> Result<LedgerHistory, LedgerError> {
    let mut history = LedgerHistory::default();
    for name in user_ledger.names()? {
        if let Some(used) = names::read_used(&name) {
            history.used.push(used);
        } else if let Some(found) = names::read_try(&name) {
            let at = match own {
                Some((own, at)) if *own == found => Some(at),
                _ => instant_of(user_ledger, &name)?,
            };
            // A name that another process has erased meanwhile was refunded.
            history.tries.extend(at.map(|at| Charged { name: found, at }));
        } else if let Some(row) = names::read_row(&name) {
            history.row = history.row.max(Some(row));
        }
    }
    Ok(history)
}

/// Returns when a name was created; `None` if it is gone.
///
/// # Errors
/// [`LedgerError`] if its text is not a time.
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
