//! A store in memory for tests, which answers as the daemon does.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use twinlock_core::{
    base::error::FleetError,
    wire::fleet::{
        FleetOutcome, FleetReply, FleetTask, StoreEntry, StoreRead, StoreTest, StoreWrite,
        Transaction,
    },
};
use zeroize::Zeroizing;

use crate::fleet::{
    key_file::{FleetKey, NamingRule, SealingKey},
    session::FleetStore,
};

/// Maximum number of keys in the answer to a read of a prefix.
const PAGE: usize = 7;

/// Returns a key file with these sealing keys. The last one seals new values.
pub(super) fn key(ids: &[u8]) -> FleetKey {
    let one = |id: &u8| SealingKey { id: *id, key: Zeroizing::new([*id; 32]) };
    FleetKey {
        fleet: "example".into(),
        rule: NamingRule::LowercaseWithoutDomain,
        naming: Zeroizing::new([9; 32]),
        sealing: ids.iter().map(one).collect(),
        seals_with: *ids.last().unwrap(),
    }
}

/// The entries, each with its revision.
#[derive(Default)]
pub(super) struct MemoryStore {
    entries: RefCell<BTreeMap<String, StoreEntry>>,
    revision: Cell<u64>,
    joined: Cell<bool>,
    lost: Cell<usize>,
    transactions: Cell<usize>,
}

impl MemoryStore {
    /// Returns an empty store that this host has joined.
    pub(super) fn joined() -> Self {
        let store = Self::default();
        store.joined.set(true);
        store
    }

    /// Lets the next `count` transactions take effect without an answer.
    pub(super) fn lose_answers(&self, count: usize) {
        self.lost.set(count);
    }

    pub(super) fn transactions(&self) -> usize {
        self.transactions.get()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    pub(super) fn value(&self, key: &str) -> Option<Vec<u8>> {
        self.entries.borrow().get(key).map(|entry| entry.value.clone())
    }

    pub(super) fn revision(&self, key: &str) -> u64 {
        self.entries.borrow().get(key).unwrap().revision
    }

    pub(super) fn put(&self, key: &str, value: &[u8]) {
        self.revision.set(self.revision.get() + 1);
        let entry =
            StoreEntry { key: key.into(), revision: self.revision.get(), value: value.to_vec() };
        self.entries.borrow_mut().insert(key.into(), entry);
    }

    fn holds(&self, key: &str, test: &StoreTest) -> bool {
        let entries = self.entries.borrow();
        match (entries.get(key), test) {
            (found, StoreTest::Absent) => found.is_none(),
            (found, StoreTest::Revision(revision)) => {
                found.map_or(0, |found| found.revision) == *revision
            }
            (None, _) => false,
            (Some(found), StoreTest::Value(value)) => found.value == *value,
            (Some(found), StoreTest::Below(value)) => found.value < *value,
        }
    }

    fn read(&self, read: &StoreRead, reply: &mut FleetReply) {
        let entries = self.entries.borrow();
        match read {
            StoreRead::Key(key) => reply.entries.extend(entries.get(key).cloned()),
            StoreRead::Prefix { prefix, after, .. } => {
                let mut found: Vec<_> = entries
                    .values()
                    .filter(|entry| entry.key.starts_with(prefix) && entry.key > *after)
                    .take(PAGE + 1)
                    .cloned()
                    .collect();
                reply.more = found.len() > PAGE;
                found.truncate(PAGE);
                reply.entries.extend(found);
            }
        }
    }

    fn transact(&self, transaction: &Transaction) -> FleetReply {
        let mut reply = FleetReply::of(FleetOutcome::Done);
        if !transaction.compares.iter().all(|one| self.holds(&one.key, &one.test)) {
            reply.outcome = FleetOutcome::Refused;
        } else {
            for write in &transaction.writes {
                match write {
                    StoreWrite::Put { key, value, .. } => self.put(key, value),
                    StoreWrite::Delete { key } => {
                        self.entries.borrow_mut().remove(key);
                    }
                }
            }
        }
        transaction.reads.iter().for_each(|read| self.read(read, &mut reply));
        reply
    }
}

impl FleetStore for MemoryStore {
    fn ask(&self, task: FleetTask) -> Result<FleetReply, FleetError> {
        match task {
            FleetTask::Transact(_) if !self.joined.get() => Err(FleetError::NotJoined),
            FleetTask::Transact(transaction) => {
                self.transactions.set(self.transactions.get() + 1);
                let reply = self.transact(&transaction);
                if self.lost.get() > 0 && !transaction.writes.is_empty() {
                    self.lost.set(self.lost.get() - 1);
                    return Err(FleetError::Unreachable);
                }
                Ok(reply)
            }
            FleetTask::Preview(transaction) => Ok(match self.joined.get() {
                true => FleetReply::of(FleetOutcome::Refused),
                false => self.transact(&transaction),
            }),
            FleetTask::State => Ok(FleetReply::of(FleetOutcome::Done)),
            FleetTask::Join | FleetTask::Rejoin => {
                let outcome =
                    if self.joined.get() { FleetOutcome::Refused } else { FleetOutcome::Done };
                self.joined.set(true);
                Ok(FleetReply::of(outcome))
            }
            FleetTask::Leave => {
                self.joined.set(false);
                Ok(FleetReply::of(FleetOutcome::Done))
            }
        }
    }
}
