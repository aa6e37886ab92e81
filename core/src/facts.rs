//! Reads the ledger's entries of one user.

use crate::{
    fault::LedgerFault,
    format::ledger_names,
    ledger::{Charged, Facts, Try},
    ports::Shelf,
    time::UnixTime,
};

/// Reads the ledger. The caller's own charge, if any, is known without reading it.
///
/// # Errors
/// [`LedgerFault`] when a name cannot be read.
pub fn read(shelf: &dyn Shelf, own: Option<(&Try, UnixTime)>) -> Result<Facts, LedgerFault> {
    let mut facts = Facts::default();
    for name in shelf.names()? {
        if let Some(used) = ledger_names::read_used(&name) {
            facts.used.push(used);
        } else if let Some(found) = ledger_names::read_try(&name) {
            let at = match own {
                Some((own, at)) if *own == found => Some(at),
                _ => instant_of(shelf, &name)?,
            };
            // A name that another process has erased meanwhile was refunded.
            facts.tries.extend(at.map(|at| Charged { name: found, at }));
        } else if let Some(row) = ledger_names::read_row(&name) {
            facts.row = facts.row.max(Some(row));
        }
    }
    Ok(facts)
}

/// Returns when a name was created; `None` if it is gone.
///
/// # Errors
/// [`LedgerFault`] if its text is not a time.
pub fn instant_of(shelf: &dyn Shelf, name: &str) -> Result<Option<UnixTime>, LedgerFault> {
    match shelf.content(name)? {
        None => Ok(None),
        Some(text) => match ledger_names::read_instant(&text) {
            Some(at) => Ok(Some(at)),
            None => Err(LedgerFault::Untrusted),
        },
    }
}
