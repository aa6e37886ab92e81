//! The queue of values that the daemon has to delete from the store, because the client got no reply about them.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use twinlock_core::wire::fleet::{FleetReply, FleetTask, StoreTest, StoreWrite, Transaction};

/// Maximum number of waiting deletions, and of remembered values.
const MOST: usize = 10_000;
/// Time after which a value is deleted a second time, because a late copy of its transaction may have written it again.
const AGAIN: Duration = Duration::from_secs(30);
/// Time after which a failed deletion is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Time for which the daemon remembers a value whose transaction was sent more than once. A login takes less.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// A deletion of a key, which is carried out only if the key still has this value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuardedDelete {
    /// The key, relative to the folder of the fleet.
    pub(crate) key: String,
    /// The value.
    pub(crate) value: Vec<u8>,
}

impl GuardedDelete {
    /// Returns whether a reply contains the key with this value.
    pub(crate) fn is_in(&self, reply: &FleetReply) -> bool {
        reply.entries.iter().any(|entry| entry.key == self.key && entry.value == self.value)
    }
}

/// A deletion that waits until it is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueDelete {
    /// What is deleted.
    pub(crate) delete: GuardedDelete,
    due: Duration,
    again: bool,
}

/// The waiting deletions, and the values that a late copy of their transaction may write again. Times are since boot.
#[derive(Debug, Default)]
pub(crate) struct TakeBacks {
    /// First deletions, which are due at once, and retries.
    first: VecDeque<DueDelete>,
    /// Second deletions, the earliest first.
    later: VecDeque<DueDelete>,
    /// Values whose transaction was sent more than once, by key.
    repeated: HashMap<String, RememberedValue>,
}

#[derive(Debug)]
struct RememberedValue {
    value: Vec<u8>,
    until: Duration,
}

impl TakeBacks {
    /// Returns the number of waiting deletions.
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.later.len()
    }

    /// Adds a value that is deleted now, and a second time after 30 seconds. Returns `false` if the queue is full: then
    /// the store deletes the value when its lease expires.
    pub(crate) fn add(&mut self, delete: GuardedDelete, now: Duration) -> bool {
        let has_room = self.len() < MOST;
        if has_room {
            self.first.push_back(DueDelete { delete, due: now, again: true });
        }
        has_room
    }

    /// Removes and returns a deletion that is due at the time `now`; `None` if none is due.
    pub(crate) fn next(&mut self, now: Duration) -> Option<DueDelete> {
        let is_due = |one: &&DueDelete| one.due <= now;
        if self.first.front().filter(is_due).is_some() {
            return self.first.pop_front();
        }
        self.later.front().filter(is_due)?;
        self.later.pop_front()
    }

    /// Records that the store has carried out a deletion at the time `now`, and queues the second deletion of the
    /// value.
    pub(crate) fn made(&mut self, one: DueDelete, now: Duration) {
        if one.again {
            self.later.push_back(DueDelete { due: now + AGAIN, again: false, ..one });
        }
    }

    /// Puts a deletion back into the queue, because the store has not answered.
    pub(crate) fn failed(&mut self, one: DueDelete, now: Duration) {
        self.first.push_back(DueDelete { due: now + RETRY, ..one });
    }

    /// Remembers a value whose transaction was sent more than once, because a late copy may write the value again.
    pub(crate) fn sent_again(&mut self, delete: GuardedDelete, now: Duration) {
        if self.repeated.len() >= MOST {
            self.repeated.retain(|_, value| value.until > now);
        }
        if self.repeated.len() < MOST {
            let kept = RememberedValue { value: delete.value, until: now + REMEMBERED };
            self.repeated.insert(delete.key, kept);
        }
    }

    /// Records that a client has deleted a key. If a late copy may write the value again, the value is deleted once
    /// more after 30 seconds.
    pub(crate) fn deleted(&mut self, key: &str, now: Duration) {
        let Some(value) = self.repeated.remove(key) else { return };
        if value.until > now && self.len() < MOST {
            let delete = GuardedDelete { key: key.to_owned(), value: value.value };
            self.later.push_back(DueDelete { delete, due: now + AGAIN, again: false });
        }
    }
}

/// Returns the deletion if a transaction only deletes one key with one value, as the refund of a charge does; `None`
/// for any other transaction.
pub(crate) fn refund(transaction: &Transaction) -> Option<GuardedDelete> {
    let ([compare], [StoreWrite::Delete { key }]) = (&*transaction.compares, &*transaction.writes)
    else {
        return None;
    };
    match &compare.test {
        StoreTest::Value(value) if compare.key == *key => {
            Some(GuardedDelete { key: key.clone(), value: value.clone() })
        }
        StoreTest::Value(_) | StoreTest::Absent | StoreTest::Revision(_) | StoreTest::Below(_) => {
            None
        }
    }
}

/// Returns the deletion if a request only asks for a refund (see [`refund`]), and nothing for any other. The daemon makes
/// it later if it cannot at once: otherwise the attempt would count for days.
pub(crate) fn refund_in(task: &FleetTask) -> Vec<GuardedDelete> {
    match task {
        FleetTask::Transact(transaction) => refund(transaction).into_iter().collect(),
        FleetTask::State
        | FleetTask::Join
        | FleetTask::Rejoin
        | FleetTask::Leave
        | FleetTask::Preview(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::wire::fleet::StoreCompare;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn delete(key: &str) -> GuardedDelete {
        GuardedDelete { key: key.to_owned(), value: vec![1, 2] }
    }

    #[test]
    fn a_value_is_deleted_twice() {
        let mut queue = TakeBacks::default();
        assert!(queue.add(delete("a"), at(5)));
        let one = queue.next(at(5)).unwrap();
        assert_eq!((&one.delete, queue.next(at(5))), (&delete("a"), None));
        queue.made(one, at(6));
        assert_eq!((queue.next(at(35)), queue.len()), (None, 1));
        let one = queue.next(at(36)).unwrap();
        queue.made(one, at(36));
        assert_eq!((queue.next(at(1000)), queue.len()), (None, 0));
    }

    #[test]
    fn a_store_that_is_silent_is_asked_again() {
        let mut queue = TakeBacks::default();
        queue.add(delete("a"), at(5));
        let one = queue.next(at(5)).unwrap();
        queue.failed(one, at(5));
        assert_eq!(queue.next(at(5)), None);
        let one = queue.next(at(6)).unwrap();
        queue.made(one, at(9));
        let last = queue.next(at(39)).unwrap();
        queue.failed(last, at(39));
        let last = queue.next(at(40)).unwrap();
        queue.made(last, at(40));
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_late_copy_of_what_a_client_deleted_is_deleted() {
        let mut queue = TakeBacks::default();
        queue.deleted("a", at(1));
        queue.sent_again(delete("a"), at(1));
        queue.sent_again(delete("b"), at(1));
        queue.deleted("a", at(20));
        queue.deleted("a", at(20));
        queue.deleted("b", at(2000));
        assert_eq!((queue.next(at(49)), queue.len()), (None, 1));
        assert_eq!(queue.next(at(50)).map(|one| one.delete), Some(delete("a")));
    }

    #[test]
    fn the_queue_has_a_bound() {
        let mut queue = TakeBacks::default();
        for number in 0..MOST {
            assert!(queue.add(delete(&number.to_string()), at(0)));
            queue.sent_again(delete(&number.to_string()), at(0));
        }
        assert!(!queue.add(delete("one more"), at(0)));
        queue.sent_again(delete("one more"), at(0));
        assert_eq!((queue.len(), queue.repeated.len()), (MOST, MOST));
        queue.sent_again(delete("one more"), at(901));
        assert_eq!(queue.repeated.len(), 1);
    }

    #[test]
    fn only_a_guarded_delete_is_a_refund() {
        let compare = |key: &str, test| StoreCompare { key: key.into(), test };
        let value = || StoreTest::Value(vec![7]);
        let delete = |key: &str| StoreWrite::Delete { key: key.into() };
        let transaction = |compares, writes| Transaction { compares, writes, reads: Vec::new() };
        let expected = GuardedDelete { key: "a".into(), value: vec![7] };
        let found = refund(&transaction(vec![compare("a", value())], vec![delete("a")]));
        assert_eq!(found, Some(expected));
        for other in [
            transaction(vec![], vec![delete("a")]),
            transaction(vec![compare("b", value())], vec![delete("a")]),
            transaction(vec![compare("a", StoreTest::Revision(7))], vec![delete("a")]),
            transaction(vec![compare("a", value())], vec![delete("a"), delete("b")]),
            transaction(vec![compare("a", value()), compare("b", value())], vec![delete("a")]),
        ] {
            assert_eq!(refund(&other), None, "{other:?}");
        }
    }
}
