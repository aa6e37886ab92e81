//! The ledger of this host. In a fleet, the attempts and used codes of shared users are also written to the fleet's
//! store.

use std::{
    fmt::{Debug, Formatter},
    ops::{Deref, DerefMut},
    rc::Rc,
};

use twinlock_core::{
    base::{error::LedgerError, time::Now},
    ledger::{Capacity, Horizon},
    ports::{Ledger, LedgerKey, UserLedger},
};

use crate::{fleet::Fleet, ledger::HostLedger};

/// The ledger of this host, together with that of its fleet. Methods that concern this host only are those of
/// [`HostLedger`], to which this type dereferences.
pub struct SharedLedger {
    local: HostLedger,
    fleet: Option<Rc<Fleet>>,
}

impl SharedLedger {
    /// Returns the ledger of a host; `fleet` is `None` if the host belongs to no fleet.
    #[must_use]
    pub fn new(local: HostLedger, fleet: Option<Rc<Fleet>>) -> Self {
        Self { local, fleet }
    }
}

impl Deref for SharedLedger {
    type Target = HostLedger;

    fn deref(&self) -> &HostLedger {
        &self.local
    }
}

impl DerefMut for SharedLedger {
    fn deref_mut(&mut self) -> &mut HostLedger {
        &mut self.local
    }
}

impl Debug for SharedLedger {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        // The fleet is left out, because it holds keys.
        self.local.fmt(f)
    }
}

impl Ledger for SharedLedger {
    fn open(&self, ledger_key: &LedgerKey) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        match &self.fleet {
            Some(fleet) => fleet.open(&self.local, ledger_key),
            None => self.local.open(ledger_key),
        }
    }

    fn open_uniform(
        &self,
        ledger_key: &LedgerKey,
    ) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        match &self.fleet {
            Some(fleet) => fleet.open_uniform(&self.local, ledger_key),
            None => self.local.open_uniform(ledger_key),
        }
    }

    fn capacity(&self) -> Result<Capacity, LedgerError> {
        self.local.capacity()
    }

    fn floor(&self, now: Now) -> Result<Horizon, LedgerError> {
        self.local.floor(now)
    }

    fn boot_id(&self) -> Result<String, LedgerError> {
        self.local.boot_id()
    }
}
