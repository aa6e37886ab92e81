//! Clears the failed attempts of a user, for `twinlock unlock` and for helpers whom `roles.toml` allows to unlock
//! users.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, vec::Vec};

use crate::{
    base::{
        account::{Account, Folder},
        error::LedgerError,
    },
    ledger::names,
    ports::{Records, UserLedger},
};

/// The failed attempts of a user that still count.
#[derive(Debug)]
pub struct FailedAttempts {
    names: Vec<String>,
    tries: Vec<String>,
    /// Number of consecutive wrong codes from before the last restart. The attempts themselves are no longer stored.
    carried: usize,
}

/// Attempts that could not be cleared and still count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlockError {
    /// Some attempts could not be cleared.
    Stay {
        /// Number of attempts that still count, at least 1.
        attempts: usize,
        /// Whether nothing at all was cleared.
        untouched: bool,
    },
    /// The attempts were cleared, but it is unknown whether any remain.
    Unseen(LedgerError),
}

impl core::fmt::Display for UnlockError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Stay { attempts, .. } => write!(f, "{attempts} failed attempts stay"),
            Self::Unseen(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for UnlockError {}

impl FailedAttempts {
    /// Reads the failed attempts of a user.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be read.
    pub fn find(
        user_ledger: &dyn UserLedger,
        records: &dyn Records,
        account: &Account,
    ) -> Result<Self, LedgerError> {
        let names = user_ledger.names()?;
        // Every ledger entry whose name begins like that of an attempt locks out the user, even if the rest of its name
        // or its content is invalid.
        let tries = names.iter().filter(|name| name.starts_with("try.")).cloned().collect();
        let carried = carried(records, account, &names);
        Ok(Self { names, tries, carried })
    }

    /// Returns whether there is no failed attempt that would delay or refuse the user's next code.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tries.is_empty() && self.carried == 0
    }

    /// Clears the attempts.
    ///
    /// # Errors
    /// [`UnlockError`] if some attempts may still count.
    pub fn clear(
        &self,
        user_ledger: &dyn UserLedger,
        records: &dyn Records,
        account: &Account,
    ) -> Result<(), UnlockError> {
        self.tries.iter().for_each(|name| user_ledger.erase(name));
        if let Ok(folder) = Folder::of(&account.name) {
            records.forget_failures(&folder);
        }
        let rows = self.names.iter().filter(|name| name.starts_with("row."));
        rows.for_each(|name| user_ledger.erase(name));
        let left = user_ledger.names().map_err(UnlockError::Unseen)?;
        let stay = self.tries.iter().filter(|name| left.contains(name)).count();
        let attempts = stay.max(carried(records, account, &left));
        if attempts == 0 {
            return Ok(());
        }
        let untouched = self.names.iter().all(|name| left.contains(name));
        Err(UnlockError::Stay { attempts, untouched })
    }

    /// Returns the number of attempts of each source. Entries that cannot be read count under the source `damaged`, and
    /// wrong codes from before the last restart under `before the last restart`.
    #[must_use]
    pub fn by_source(&self) -> BTreeMap<String, usize> {
        let mut sources = BTreeMap::new();
        for name in &self.tries {
            let source = names::read_try(name).map(|found| found.source);
            let source =
                source.map_or_else(|| "damaged".into(), |source| source.as_str().to_owned());
            *sources.entry(source).or_insert(0) += 1;
        }
        if self.carried > 0 {
            sources.insert("before the last restart".into(), self.carried);
        }
        sources
    }
}

/// Returns the number of consecutive wrong codes from before the last restart. `names` are the user's ledger entries.
fn carried(records: &dyn Records, account: &Account, names: &[String]) -> usize {
    let row = names.iter().filter_map(|name| names::read_row(name)).max();
    let noted = || records.newest(account).ok().flatten().map(|found| found.failures);
    let carried = row.map(|row| row.carried).or_else(noted).unwrap_or_default();
    usize::try_from(carried).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_counted_and_damage_is_named() {
        let tries = [
            "try.proven.20000.0.203.0.113.7",
            "try.proven.20000.1.203.0.113.7",
            "try.unproven.20000.0.uid:1000",
            "try.odd",
        ];
        let tries = tries.map(String::from).to_vec();
        let found = FailedAttempts { names: Vec::new(), tries, carried: 2 }.by_source();
        let found: Vec<_> =
            found.iter().map(|(source, number)| (source.as_str(), *number)).collect();
        let wanted =
            [("203.0.113.7", 2), ("before the last restart", 2), ("damaged", 1), ("uid:1000", 1)];
        assert_eq!(found, wanted);
    }
}
