//! The store in memory: carries out transactions as etcd does.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Bound,
    rc::Rc,
};

use twinlock_core::wire::fleet::{
    FleetOutcome, FleetReply, FleetRequest, FleetTask, StoreCompare, StoreEntry, StoreRead,
    StoreTest, StoreWrite, Transaction,
};

/// The store of the model, in memory. The revision of an entry counts only the writes of its own key (in etcd, it
/// counts the writes of all keys). This is enough, because transactions only compare whether two revisions of one key
/// are equal. So different orders of writes to different keys lead to the same state.
#[derive(Clone, Default, Hash)]
pub(super) struct ModelStore {
    keys: BTreeMap<Rc<str>, (u64, Hashed<Vec<u8>>)>,
    written: BTreeMap<Rc<str>, u64>,
}

/// A value whose hash is computed only once, because each state contains hundreds of bytes of values.
pub(super) struct Hashed<T>(Rc<(u64, T)>);

impl<T> Hashed<T> {
    fn of(value: T, bytes: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Self(Rc::new((hasher.finish(), value)))
    }

    pub(super) fn get(&self) -> &T {
        &self.0.1
    }
}

impl<T> Clone for Hashed<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Hash for Hashed<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.0.hash(state);
    }
}

impl Hashed<Transaction> {
    /// Returns a copy of a transaction, whose hash is that of its encoded bytes.
    pub(super) fn copy_of(asks: &Transaction) -> Self {
        let mut bytes = Vec::new();
        let task = FleetTask::Transact(asks.clone());
        FleetRequest { patience: 0, task }.push(&mut bytes).unwrap();
        Self::of(asks.clone(), &bytes)
    }
}

impl ModelStore {
    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        self.keys.get(key).map(|(_, value)| value.get().as_slice())
    }

    pub(super) fn revision(&self, key: &str) -> u64 {
        self.keys.get(key).map_or(0, |(revision, _)| *revision)
    }

    pub(super) fn with_prefix(&self, prefix: &str) -> Vec<StoreEntry> {
        let range = self.keys.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let range = range.take_while(|(key, _)| key.starts_with(prefix));
        range.map(|(key, (revision, value))| entry(key, *revision, value)).collect()
    }

    pub(super) fn put(&mut self, key: &str, value: Vec<u8>) {
        let key: Rc<str> = key.into();
        // The first write of etcd has the revision 2.
        let written = self.written.entry(Rc::clone(&key)).or_insert(1);
        *written += 1;
        let hashed = Hashed::of(value.clone(), &value);
        self.keys.insert(key, (*written, hashed));
    }

    /// Deletes a key if it has this value.
    pub(super) fn take_back(&mut self, key: &str, value: &[u8]) {
        if self.get(key) == Some(value) {
            self.keys.remove(key);
        }
    }

    pub(super) fn apply(&mut self, transaction: &Transaction) -> FleetReply {
        let holds = transaction.compares.iter().all(|compare| self.holds(compare));
        for write in transaction.writes.iter().filter(|_| holds) {
            match write {
                StoreWrite::Put { key, value, .. } => self.put(key, value.clone()),
                StoreWrite::Delete { key } => drop(self.keys.remove(key.as_str())),
            }
        }
        let outcome = if holds { FleetOutcome::Done } else { FleetOutcome::Refused };
        self.reply(outcome, transaction)
    }

    /// Returns the reply to a transaction, with the present entries of the store.
    pub(super) fn reply(&self, outcome: FleetOutcome, transaction: &Transaction) -> FleetReply {
        let entries = transaction.reads.iter().flat_map(|read| self.read(read)).collect();
        FleetReply { outcome, revision: 0, more: false, entries }
    }

    fn holds(&self, compare: &StoreCompare) -> bool {
        let found = self.keys.get(compare.key.as_str());
        match &compare.test {
            StoreTest::Absent => found.is_none(),
            // A key that does not exist has the revision 0.
            StoreTest::Revision(revision) => found.map_or(0, |found| found.0) == *revision,
            StoreTest::Value(value) => found.is_some_and(|found| found.1.get() == value),
            StoreTest::Below(value) => found.is_some_and(|found| found.1.get() < value),
        }
    }

    fn read(&self, read: &StoreRead) -> Vec<StoreEntry> {
        match read {
            StoreRead::Key(key) => {
                let found = self.keys.get(key.as_str());
                found.map(|(revision, value)| entry(key, *revision, value)).into_iter().collect()
            }
            StoreRead::Prefix { prefix, .. } => self.with_prefix(prefix),
        }
    }
}

fn entry(key: &str, revision: u64, value: &Hashed<Vec<u8>>) -> StoreEntry {
    StoreEntry { key: key.to_owned(), revision, value: value.get().clone() }
}
