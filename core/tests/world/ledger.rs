//! The ledger of a `World`: a map, and the time at which the ledger began.

use twinlock_core::{
    base::{error::LedgerError, time::Now},
    ledger::{Capacity, Epoch, Horizon, clock_mark::KnownClock, epoch, reserve},
    ports::{Creation, Ledger, LedgerKey, UserLedger},
};

use super::World;

impl Ledger for World {
    fn open(&self, ledger_key: &LedgerKey) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        if self.fails() {
            return Err(LedgerError::NotTmpfs);
        }
        let prefix = match ledger_key {
            LedgerKey::Account(folder) => format!("users/{}/", folder.as_str()),
            LedgerKey::Bucket(bucket) => format!("unknown/{bucket}/"),
        };
        Ok(Box::new(FakeShelf { world: self, prefix, is_of_all: false }))
    }

    fn open_uniform(
        &self,
        ledger_key: &LedgerKey,
    ) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        if !reserve::has_begun(self.capacity.get()) {
            return self.open(ledger_key);
        }
        Ok(Box::new(FakeShelf { world: self, prefix: "unknown/0/".into(), is_of_all: true }))
    }

    fn capacity(&self) -> Result<Capacity, LedgerError> {
        if self.fails() {
            return Err(LedgerError::Io { errno: 5 });
        }
        Ok(self.capacity.get())
    }

    fn floor(&self, now: Now) -> Result<Horizon, LedgerError> {
        if self.fails() {
            return Err(LedgerError::Untrusted);
        }
        let boot_id = self.boot_id()?;
        let known = self.epoch.borrow().clone();
        Ok(known.and_then(|known| epoch::horizon(known, &boot_id, now)).unwrap_or_else(|| {
            let KnownClock { mark, ahead } = self.clock_mark.borrow().clone();
            let mark = epoch::mark_from(Some(mark.at));
            let begun = Epoch { boot_id: boot_id.clone(), begun: now.boot, mark, ahead };
            *self.epoch.borrow_mut() = Some(begun.clone());
            epoch::horizon(begun, &boot_id, now).unwrap()
        }))
    }

    fn boot_id(&self) -> Result<String, LedgerError> {
        Ok(format!("{:032x}", self.boots.get()))
    }
}

struct FakeShelf<'a> {
    world: &'a World,
    prefix: String,
    is_of_all: bool,
}

impl UserLedger for FakeShelf<'_> {
    fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerError> {
        if self.world.fails() {
            return Err(LedgerError::Io { errno: 28 });
        }
        self.world.writes.set(self.world.writes.get() + 1);
        let key = format!("{}{name}", self.prefix);
        if self.world.names.borrow().contains_key(&key) {
            return Ok(Creation::Taken);
        }
        self.world.names.borrow_mut().insert(key, content.into());
        Ok(Creation::Made)
    }

    fn names(&self) -> Result<Vec<String>, LedgerError> {
        if self.world.fails() {
            return Err(LedgerError::Io { errno: 5 });
        }
        let names = self.world.names.borrow();
        Ok(names
            .keys()
            .filter_map(|name| name.strip_prefix(&self.prefix).map(str::to_owned))
            .collect())
    }

    fn content(&self, name: &str) -> Result<Option<String>, LedgerError> {
        if self.world.fails() {
            return Err(LedgerError::Io { errno: 5 });
        }
        Ok(self.world.names.borrow().get(&format!("{}{name}", self.prefix)).cloned())
    }

    fn erase(&self, name: &str) {
        if !self.world.fails() {
            self.world.names.borrow_mut().remove(&format!("{}{name}", self.prefix));
        }
    }

    fn is_of_all(&self) -> bool {
        self.is_of_all
    }
}
