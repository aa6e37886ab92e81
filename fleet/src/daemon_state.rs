//! State that the threads of the daemon share.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use twinlock_core::wire::fleet::FleetTask;

use crate::{
    clock::since_boot,
    delivery::Handover,
    host_entry::HostEntry,
    jobs::JobQueue,
    log::{Log, LogLevel},
    store::StoreClient,
    take_back::{self, GuardedDelete, TakeBacks},
    tls::TlsParts,
};

/// State that the threads of the daemon share.
pub(crate) struct DaemonState {
    /// The client of the store.
    pub(crate) store: StoreClient,
    /// The entry of this host.
    pub(crate) entry: HostEntry,
    /// Transactions that wait for a thread.
    pub(crate) transactions: JobQueue,
    /// Other requests that wait for a thread.
    pub(crate) controls: JobQueue,
    /// Values to delete from the store, because the client got no reply about them.
    pub(crate) take_backs: TakeBackQueue,
    /// Connections that the listener is to watch.
    pub(crate) handover: Handover,
    /// The certificates; `None` if no endpoint needs them.
    pub(crate) tls: Option<TlsParts>,
}

/// The values to delete from the store, because the client got no reply about them, with a signal for the thread that
/// deletes them.
#[derive(Debug)]
pub(crate) struct TakeBackQueue {
    queue: Mutex<TakeBacks>,
    added: Condvar,
    log: Arc<Log>,
}

impl TakeBackQueue {
    /// Returns an empty queue.
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self { queue: Mutex::default(), added: Condvar::new(), log }
    }

    /// Returns the queue.
    pub(crate) fn lock(&self) -> MutexGuard<'_, TakeBacks> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues values that are deleted now, and once more later.
    pub(crate) fn add(&self, deletes: Vec<GuardedDelete>) {
        let now = since_boot();
        let mut queue = self.lock();
        let added: Vec<bool> = deletes.into_iter().map(|one| queue.add(one, now)).collect();
        drop(queue);
        self.added.notify_one();
        if added.contains(&false) {
            self.log.say(LogLevel::Warning, "fleet_take_back_lost", &[]);
        }
    }

    /// Queues the refund of a charge that a request asks for, if it asks for nothing else.
    pub(crate) fn add_refund(&self, task: &FleetTask) {
        self.add(take_back::refund_in(task));
    }

    /// Waits until values are added, but no longer than `most`.
    pub(crate) fn wait(&self, most: Duration) {
        let _ = self.added.wait_timeout(self.lock(), most);
    }
}
