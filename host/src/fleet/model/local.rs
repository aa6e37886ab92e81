//! The disk and the ledger of one host, in memory.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::{CommitError, FileError, LedgerError, MachineError, StoreError},
        request::SourceLabel,
        time::{BootTime, Now, UnixTime},
    },
    ledger::{Capacity, Horizon},
    ports::{Clock, CodeSets, Creation, Entropy, Ledger, LedgerKey, Records, Snapshot, UserLedger},
    record::{
        Identity, Record, SetId,
        code_set::{CodeSet, Digest, Recipe, Shape},
        code_set_text, text as form,
    },
};
use zeroize::Zeroizing;

use crate::{clock::KernelClock, fleet::LocalCodes};

/// Everything that one host stores about the user `ada`, and its clock.
#[derive(Default)]
pub(super) struct LocalHost {
    pub(super) number: u64,
    pub(super) record: RefCell<Option<(u64, String)>>,
    pub(super) names: RefCell<BTreeMap<String, String>>,
    pub(super) sets: RefCell<BTreeMap<u64, String>>,
    pub(super) spent: RefCell<BTreeSet<(u64, u8)>>,
    pub(super) failures: Cell<u32>,
    /// Time of the last of these failures.
    pub(super) failed_at: Cell<UnixTime>,
    /// Seconds by which the clock of the host is behind.
    pub(super) behind: Cell<u64>,
    ticks: Cell<u64>,
}

impl LocalHost {
    /// Returns a host that has seen nothing yet.
    pub(super) fn numbered(number: u64) -> Self {
        Self { number, ..Self::default() }
    }

    pub(super) fn now(&self) -> Now {
        // Two attempts never have the same nanosecond.
        self.ticks.set(self.ticks.get() + 1);
        Now {
            unix: UnixTime(start().0 - self.behind.get()),
            boot: BootTime(1_000_000_000_000 + self.ticks.get()),
        }
    }
}

impl Entropy for LocalHost {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), MachineError> {
        for byte in buffer.chunks_mut(8) {
            self.ticks.set(self.ticks.get() + 1);
            let seed = self.number << 32 | self.ticks.get();
            let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            byte.copy_from_slice(&mixed.to_be_bytes()[..byte.len()]);
        }
        Ok(())
    }
}

impl Records for LocalHost {
    fn newest(&self, _: &Account) -> Result<Option<Snapshot>, StoreError> {
        let record = self.record.borrow();
        let Some((sequence, text)) = &*record else { return Ok(None) };
        Ok(Some(Snapshot {
            sequence: *sequence,
            identity: Identity { inode: *sequence, changed: 1 },
            record: form::read(text)?,
            known: Vec::new(),
            failures: self.failures.get(),
        }))
    }

    fn newest_uniform(
        &self,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreError>, Option<Snapshot>) {
        (account.map_or(Ok(None), |account| self.newest(account)), None)
    }

    fn is_newest(&self, _: &Folder, snapshot: &Snapshot) -> Result<bool, StoreError> {
        Ok(self.record.borrow().as_ref().is_some_and(|found| found.0 == snapshot.sequence))
    }

    fn commit(&self, _: &Folder, after: u64, record: &Record) -> Result<(), CommitError> {
        let mut found = self.record.borrow_mut();
        if found.as_ref().is_some_and(|found| found.0 > after) {
            return Err(CommitError::Overtaken);
        }
        *found = Some((after + 1, form::write(record).to_string()));
        Ok(())
    }

    fn note_failures(&self, _: Option<&Folder>, before: u32, after: u32, now: UnixTime) {
        if before != after {
            self.failures.set(after);
            self.failed_at.set(now);
        }
    }

    fn failed_at(&self, _: &Folder) -> Option<UnixTime> {
        (self.failures.get() > 0).then(|| self.failed_at.get())
    }

    fn forget_failures(&self, _: &Folder) {
        self.failures.set(0);
    }

    fn remember_source(&self, _: &Folder, _: &SourceLabel, _: UnixTime) {}

    fn mark_clock(&self, _: Now) {}
}

impl Ledger for LocalHost {
    fn open(&self, _: &LedgerKey) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        Ok(Box::new(LocalNames(self)))
    }

    fn open_uniform(&self, owner: &LedgerKey) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        self.open(owner)
    }

    fn capacity(&self) -> Result<Capacity, LedgerError> {
        Ok(Capacity::UNBOUNDED)
    }

    fn floor(&self, _: Now) -> Result<Horizon, LedgerError> {
        let floor = UnixTime(start().0 - 3600);
        let begun = BootTime(1_000_000_000);
        Ok(Horizon { floor, ahead: Vec::new(), boot_id: self.boot_id()?, begun })
    }

    fn boot_id(&self) -> Result<String, LedgerError> {
        Ok("0".repeat(32))
    }
}

struct LocalNames<'a>(&'a LocalHost);

impl UserLedger for LocalNames<'_> {
    fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerError> {
        let mut names = self.0.names.borrow_mut();
        if name == "." || names.contains_key(name) {
            return Ok(Creation::Taken);
        }
        names.insert(name.to_owned(), content.to_owned());
        Ok(Creation::Made)
    }

    fn names(&self) -> Result<Vec<String>, LedgerError> {
        Ok(self.0.names.borrow().keys().cloned().collect())
    }

    fn content(&self, name: &str) -> Result<Option<String>, LedgerError> {
        Ok(self.0.names.borrow().get(name).cloned())
    }

    fn erase(&self, name: &str) {
        self.0.names.borrow_mut().remove(name);
    }

    fn is_of_all(&self) -> bool {
        false
    }
}

impl CodeSets for LocalHost {
    fn set(&self, _: &Folder, id: SetId) -> Result<CodeSet, StoreError> {
        let sets = self.sets.borrow();
        let text = sets.get(&id.0).ok_or(StoreError::File(FileError::Missing))?;
        code_set_text::read(text)
    }

    fn set_uniform(&self, of: Option<(&Folder, SetId)>) -> Result<CodeSet, StoreError> {
        of.map_or(Err(StoreError::File(FileError::Missing)), |(folder, id)| self.set(folder, id))
    }

    fn spent(&self, _: &Folder, id: SetId) -> Result<Vec<u8>, StoreError> {
        let spent = self.spent.borrow();
        Ok(spent.iter().filter(|(set, _)| *set == id.0).map(|(_, place)| *place).collect())
    }

    fn spend(&self, _: &Folder, id: SetId, place: u8, _: UnixTime) -> Result<Creation, StoreError> {
        let made = self.spent.borrow_mut().insert((id.0, place));
        Ok(if made { Creation::Made } else { Creation::Taken })
    }

    fn digest(&self, code: &str, _: &Recipe) -> Result<Digest, MachineError> {
        Ok(digest_of(code))
    }

    fn lay_down(
        &self,
        _: &Folder,
        _: Shape,
        _: &[Zeroizing<String>],
    ) -> Result<SetId, CommitError> {
        Err(CommitError::Overtaken)
    }

    fn take_away(&self, _: &Folder, id: SetId) {
        self.sets.borrow_mut().remove(&id.0);
    }
}

impl LocalCodes for LocalHost {
    fn keep_set(&self, _: &Folder, id: SetId, text: &str) -> Result<(), CommitError> {
        self.sets.borrow_mut().insert(id.0, text.to_owned());
        Ok(())
    }
}

/// Returns a digest that only differs between codes. Argon2id would take time without a benefit here.
pub(super) fn digest_of(code: &str) -> Digest {
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.iter_mut().zip(code.bytes()).for_each(|(to, from)| *to = from);
    Digest::new(bytes)
}

/// Returns the time at which all events happen: the real time when the tests began. The ledger of the fleet compares
/// the ages of attempts with the real clock.
pub(super) fn start() -> UnixTime {
    static START: OnceLock<UnixTime> = OnceLock::new();
    *START.get_or_init(|| KernelClock.now().unwrap().unix)
}
