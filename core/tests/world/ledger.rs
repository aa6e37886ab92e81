//! The ledger of a world: a map and an epoch.

use twinlock_core::{
    clock_mark::Known,
    epoch,
    fault::LedgerFault,
    ledger::{Capacity, Epoch, Horizon},
    ports::{Creation, Ledger, Seat, Shelf},
    reserve,
    time::Now,
};

use super::World;

impl Ledger for World {
    fn open(&self, seat: &Seat) -> Result<Box<dyn Shelf + '_>, LedgerFault> {
        if self.fails() {
            return Err(LedgerFault::NotTmpfs);
        }
        let prefix = match seat {
            Seat::Account(folder) => format!("users/{}/", folder.as_str()),
            Seat::Bucket(bucket) => format!("unknown/{bucket}/"),
        };
        Ok(Box::new(FakeShelf { world: self, prefix, is_of_all: false }))
    }

    fn open_alike(&self, seat: &Seat) -> Result<Box<dyn Shelf + '_>, LedgerFault> {
        if !reserve::has_begun(self.capacity.get()) {
            return self.open(seat);
        }
        Ok(Box::new(FakeShelf { world: self, prefix: "unknown/0/".into(), is_of_all: true }))
    }

    fn capacity(&self) -> Result<Capacity, LedgerFault> {
        if self.fails() {
            return Err(LedgerFault::Io { errno: 5 });
        }
        Ok(self.capacity.get())
    }

    fn floor(&self, now: Now) -> Result<Horizon, LedgerFault> {
        if self.fails() {
            return Err(LedgerFault::Untrusted);
        }
        let boot_id = self.boot_id()?;
        let known = self.epoch.borrow().clone();
        Ok(known.and_then(|known| epoch::horizon(known, &boot_id, now)).unwrap_or_else(|| {
            let Known { mark, ahead } = self.clock_mark.borrow().clone();
            let mark = epoch::mark_from(Some(mark.at));
            let begun = Epoch { boot_id: boot_id.clone(), begun: now.boot, mark, ahead };
            *self.epoch.borrow_mut() = Some(begun.clone());
            epoch::horizon(begun, &boot_id, now).unwrap()
        }))
    }

    fn boot_id(&self) -> Result<String, LedgerFault> {
        Ok(format!("{:032x}", self.boots.get()))
    }
}

struct FakeShelf<'a> {
    world: &'a World,
    prefix: String,
    is_of_all: bool,
}

impl Shelf for FakeShelf<'_> {
    fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerFault> {
        if self.world.fails() {
            return Err(LedgerFault::Io { errno: 28 });
        }
        self.world.writes.set(self.world.writes.get() + 1);
        let key = format!("{}{name}", self.prefix);
        if self.world.names.borrow().contains_key(&key) {
            return Ok(Creation::Taken);
        }
        self.world.names.borrow_mut().insert(key, content.into());
        Ok(Creation::Made)
    }

    fn names(&self) -> Result<Vec<String>, LedgerFault> {
        if self.world.fails() {
            return Err(LedgerFault::Io { errno: 5 });
        }
        let names = self.world.names.borrow();
        Ok(names
            .keys()
            .filter_map(|name| name.strip_prefix(&self.prefix).map(str::to_owned))
            .collect())
    }

    fn content(&self, name: &str) -> Result<Option<String>, LedgerFault> {
        if self.world.fails() {
            return Err(LedgerFault::Io { errno: 5 });
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
