//! One state of all hosts and the store.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use twinlock_core::wire::fleet::{FleetOutcome, FleetReply, StoreWrite, Transaction};

use crate::fleet::model::{
    etcd::{Hashed, ModelStore},
    process::HostPoint,
    world,
};

/// State of a host in addition to its [`HostPoint`].
#[derive(Clone, Hash)]
pub(super) struct Seat {
    /// The replies that the host has got, each as a number.
    pub(super) heard: Vec<u64>,
    /// How often the current transaction was carried out without an answer.
    pub(super) copies: u8,
    pub(super) wrote_since_snapshot: bool,
    pub(super) is_stopped: bool,
}

/// A value that a daemon has written to the store and deletes, because the host got no reply about it.
#[derive(Clone, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Returned {
    pub(super) host: usize,
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    pub(super) is_done: bool,
}

/// One state of all hosts and the store.
#[derive(Clone)]
pub(super) struct ModelState {
    pub(super) store: ModelStore,
    /// What each host has done, and what it asks now.
    pub(super) points: Vec<Rc<HostPoint>>,
    pub(super) marks: u64,
    pub(super) faults: u8,
    pub(super) most_faults: u8,
    /// How many deletions of a charge were never carried out.
    pub(super) lost_refunds: u8,
    pub(super) seats: Vec<Seat>,
    pub(super) late: Vec<(usize, Hashed<Transaction>)>,
    pub(super) returned: Vec<Returned>,
    pub(super) repeated: BTreeMap<String, Vec<u8>>,
    pub(super) snapshot: Option<ModelStore>,
    pub(super) was_rolled_back: bool,
}

impl ModelState {
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.store, self.marks, self.faults, self.lost_refunds).hash(&mut hasher);
        (&self.seats, &self.late, &self.returned, &self.repeated).hash(&mut hasher);
        (&self.snapshot, self.was_rolled_back).hash(&mut hasher);
        hasher.finish()
    }

    pub(super) fn grants(&self) -> usize {
        self.points.iter().map(|point| point.grants()).sum()
    }

    pub(super) fn wrong(&self) -> usize {
        self.points.iter().map(|point| point.wrong()).sum()
    }

    /// Returns whether no fault has occurred.
    pub(super) fn is_faultless(&self) -> bool {
        self.faults == self.most_faults && !self.was_rolled_back
    }

    /// Returns how many attempts are charged in the store.
    pub(super) fn charges(&self) -> usize {
        self.store.with_prefix(&world::attempts()).len()
    }

    pub(super) fn is_over(&self) -> bool {
        self.points.iter().all(|point| point.asks.is_none())
    }

    /// Makes all deletions of the daemons that still run. Some of them are made for a second time.
    pub(super) fn settle(&mut self) {
        for one in &self.returned {
            if !self.seats[one.host].is_stopped {
                self.store.take_back(&one.key, &one.value);
            }
        }
    }

    /// Carries out a transaction of a host.
    pub(super) fn apply(&mut self, host: usize, asks: &Transaction) -> FleetReply {
        let reply = self.store.apply(asks);
        if reply.outcome == FleetOutcome::Done && !asks.writes.is_empty() {
            self.seats[host].wrote_since_snapshot |= self.snapshot.is_some();
            for write in &asks.writes {
                let StoreWrite::Delete { key } = write else { continue };
                if let Some(value) = self.repeated.remove(key) {
                    let key = key.clone();
                    self.returned.push(Returned { host, key, value, is_done: true });
                }
            }
        }
        reply
    }

    /// Remembers, as the daemon does, the values of a transaction that a late copy of it may write a second time. If
    /// the reply does not show that a value was written by this transaction, the value is deleted once more in any
    /// case.
    pub(super) fn repeat(&mut self, host: usize, asks: &Transaction, reply: &FleetReply) {
        for (key, value) in put_to_take_back(asks) {
            let is_own = reply.outcome == FleetOutcome::Done
                || reply.entries.iter().any(|entry| entry.key == key && entry.value == value);
            if is_own {
                self.repeated.insert(key, value);
            } else {
                self.returned.push(Returned { host, key, value, is_done: true });
            }
        }
    }

    /// Records that the client does not learn the outcome of a transaction.
    pub(super) fn give_up(&mut self, host: usize, asks: &Transaction, was_made: bool) {
        let is_delete = |write: &StoreWrite| matches!(write, StoreWrite::Delete { .. });
        if asks.writes.iter().all(is_delete) && !was_made {
            self.lost_refunds += u8::from(!asks.writes.is_empty());
        }
        for (key, value) in put_to_take_back(asks) {
            self.returned.push(Returned { host, key, value, is_done: false });
        }
    }
}

fn put_to_take_back(asks: &Transaction) -> Vec<(String, Vec<u8>)> {
    let one = |write: &StoreWrite| match write {
        StoreWrite::Put { key, value, take_back: true, .. } => Some((key.clone(), value.clone())),
        StoreWrite::Put { .. } | StoreWrite::Delete { .. } => None,
    };
    asks.writes.iter().filter_map(one).collect()
}
