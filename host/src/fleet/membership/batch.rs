//! Writes many entries to the store, several in one transaction. Each entry has a rule for what the store may already
//! have under its key.

use twinlock_core::{
    base::error::FleetError,
    wire::fleet::{
        PARTS_MAX, Stay, StoreCompare, StoreEntry, StoreRead, StoreTest, StoreWrite, Transaction,
    },
};

use crate::fleet::{
    entries::number,
    membership::{FleetMembership, MembershipError},
    session::{compare, entry, is_done},
};

/// Maximum size of the keys and values of one transaction in bytes, so that the request is not too long. A single entry
/// may be larger.
const BATCH_MAX: usize = 96 * 1024;
/// Maximum number of tries of one transaction while other hosts change its entries.
const ROUNDS: usize = 8;
/// Maximum number of times that a transaction is sent while its answer is lost.
const REPEATS: usize = 4;

/// What the store may have under the key of an entry before the entry is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutRule {
    /// The store must have no entry under the key. An existing entry is an error.
    First,
    /// The store must have an entry with this revision, which is replaced. Anything else is an error.
    Replaces(u64),
    /// The store has an entry with this revision, which is replaced. If the entry was changed meanwhile, it is kept.
    ReplacesOrSkips(u64),
    /// The store may have any entry under the key. An existing entry is kept.
    Keeps,
    /// The value begins with a number (8 bytes, big-endian). A stored value with a lower number is replaced; one with
    /// an equal or higher number is kept.
    Raises,
}

/// An entry to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchPut {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// What the store may already have under the key.
    pub rule: PutRule,
}

/// An entry to write, with the comparison for its next transaction.
struct PendingPut {
    put: BatchPut,
    test: StoreTest,
}

impl FleetMembership<'_> {
    /// Writes entries. After each transaction, calls `step` with the number of entries in it. If an error occurs, the
    /// entries that were written before stay.
    ///
    /// # Errors
    /// [`MembershipError::Changed`] if the store has what a rule forbids, and the errors of the store and of the
    /// iterator.
    pub fn write_all(
        &self,
        puts: &mut dyn Iterator<Item = Result<BatchPut, MembershipError>>,
        step: &mut dyn FnMut(usize),
    ) -> Result<(), MembershipError> {
        let mut batch: Vec<PendingPut> = Vec::new();
        let mut size = 0;
        for put in puts {
            let put = put?;
            let more = put.key.len().saturating_add(put.value.len());
            if batch.len() >= PARTS_MAX || !batch.is_empty() && size + more > BATCH_MAX {
                let count = batch.len();
                self.write_batch(std::mem::take(&mut batch))?;
                step(count);
                size = 0;
            }
            size += more;
            let test = match put.rule {
                PutRule::First | PutRule::Keeps | PutRule::Raises => StoreTest::Absent,
                PutRule::Replaces(revision) | PutRule::ReplacesOrSkips(revision) => {
                    StoreTest::Revision(revision)
                }
            };
            batch.push(PendingPut { put, test });
        }
        let count = batch.len();
        self.write_batch(batch)?;
        step(count);
        Ok(())
    }

    fn write_batch(&self, mut batch: Vec<PendingPut>) -> Result<(), MembershipError> {
        for _ in 0..ROUNDS {
            if batch.is_empty() || self.send(&batch)? {
                return Ok(());
            }
            let keys = batch.iter().map(|one| StoreRead::Key(one.put.key.clone())).collect();
            let reply = self.read(keys)?;
            let mut rest = Vec::new();
            for one in batch {
                let stored = entry(&reply, &one.put.key);
                rest.extend(still_due(one, stored)?);
            }
            batch = rest;
        }
        Err(FleetError::Busy.into())
    }

    /// Sends a transaction. Returns `false` if a comparison was false, so that nothing was written.
    fn send(&self, batch: &[PendingPut]) -> Result<bool, FleetError> {
        let test =
            |one: &PendingPut| -> StoreCompare { compare(one.put.key.clone(), one.test.clone()) };
        let write = |one: &PendingPut| StoreWrite::Put {
            key: one.put.key.clone(),
            value: one.put.value.clone(),
            stays: Stay::Forever,
            take_back: false,
        };
        let transaction = Transaction {
            compares: batch.iter().map(test).collect(),
            writes: batch.iter().map(write).collect(),
            reads: Vec::new(),
        };
        for _ in 0..REPEATS {
            match self.transact(transaction.clone()) {
                // If it was carried out and only the answer was lost, the copy is refused, and the values show it.
                Err(FleetError::Unreachable) => {}
                reply => return reply.map(|reply| is_done(&reply)),
            }
        }
        Err(FleetError::Unreachable)
    }
}

/// Returns an entry with the comparison for its next transaction; `None` if the entry is written, or need not be
/// written.
fn still_due(
    one: PendingPut,
    stored: Option<&StoreEntry>,
) -> Result<Option<PendingPut>, MembershipError> {
    if stored.is_some_and(|stored| stored.value == one.put.value) {
        return Ok(None);
    }
    let holds = match (&one.test, stored) {
        (StoreTest::Absent, None) => true,
        (StoreTest::Revision(revision), Some(stored)) => stored.revision == *revision,
        (StoreTest::Absent, Some(_))
        | (StoreTest::Revision(_), None)
        | (StoreTest::Value(_) | StoreTest::Below(_), _) => false,
    };
    match (one.put.rule, stored) {
        _ if holds => Ok(Some(one)),
        (PutRule::First | PutRule::Replaces(_), _) => Err(MembershipError::Changed),
        (PutRule::ReplacesOrSkips(_), _) | (PutRule::Keeps, Some(_)) => Ok(None),
        (PutRule::Raises, Some(stored)) if number(&stored.value) >= number(&one.put.value) => {
            Ok(None)
        }
        (PutRule::Keeps | PutRule::Raises, None) => {
            Ok(Some(PendingPut { test: StoreTest::Absent, ..one }))
        }
        (PutRule::Raises, Some(stored)) => {
            Ok(Some(PendingPut { test: StoreTest::Revision(stored.revision), ..one }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        entropy::KernelEntropy,
        fleet::membership::test_store::{MemoryStore, key},
    };

    fn put(key: &str, number: u64, rule: PutRule) -> Result<BatchPut, MembershipError> {
        let value = [&number.to_be_bytes()[..], b"x"].concat();
        Ok(BatchPut { key: key.into(), value, rule })
    }

    fn write(
        store: &MemoryStore,
        puts: Vec<Result<BatchPut, MembershipError>>,
    ) -> Result<usize, MembershipError> {
        let key = key(&[1]);
        let fleet = FleetMembership { key: &key, store, entropy: &KernelEntropy };
        let mut count = 0;
        fleet.write_all(&mut puts.into_iter(), &mut |step| count += step)?;
        Ok(count)
    }

    #[test]
    fn each_rule_says_what_may_be_there() {
        let store = MemoryStore::joined();
        store.put("a", &7_u64.to_be_bytes());
        let at = store.revision("a");
        assert_eq!(write(&store, vec![put("b", 1, PutRule::First)]), Ok(1));
        assert_eq!(write(&store, vec![put("a", 1, PutRule::First)]), Err(MembershipError::Changed));
        let wrong = put("a", 1, PutRule::Replaces(at + 1));
        assert_eq!(write(&store, vec![wrong]), Err(MembershipError::Changed));
        let skips = put("a", 1, PutRule::ReplacesOrSkips(at + 1));
        assert_eq!(write(&store, vec![skips, put("c", 1, PutRule::Keeps)]), Ok(2));
        assert_eq!(write(&store, vec![put("c", 2, PutRule::Keeps)]), Ok(1));
        for (number, kept) in [(6, 7), (8, 8), (9, 9), (8, 9)] {
            let raised = vec![put("a", number, PutRule::Raises), put("d", number, PutRule::Raises)];
            assert_eq!(write(&store, raised), Ok(2));
            assert_eq!(super::number(&store.value("a").unwrap()), Some(kept));
        }
        assert_eq!(super::number(&store.value("c").unwrap()), Some(1));
        assert_eq!(super::number(&store.value("d").unwrap()), Some(9));
    }

    #[test]
    fn many_entries_are_several_transactions_and_lost_answers_no_fault() {
        let store = MemoryStore::joined();
        store.lose_answers(3);
        let puts = (0..100).map(|at| put(&format!("k{at}"), at, PutRule::First));
        assert_eq!(write(&store, puts.collect()), Ok(100));
        assert_eq!((store.len(), store.transactions() < 12), (100, true));
    }
}
