//! The threads that work without a request: they write the host's entry every minute, probe a store that does not
//! answer, and delete values about which the client got no reply.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::{Deadline, since_boot},
    daemon_state::DaemonState,
    etcd::{RANGE, TXN, own_entry, transaction},
    store::{ENDPOINT_PATIENCE, StoreAsk},
};

/// Time between two probes of a store that does not answer.
const PROBE: Duration = Duration::from_millis(500);
/// Time for which the deleting thread waits if there is nothing to delete, or the store does not answer.
const PAUSE: Duration = Duration::from_millis(250);
/// Maximum time for a request that no client waits for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Writes the host's entry at each interval, requests leases, and sends a request to each endpoint so that its token
/// does not expire after five minutes without use. Never returns.
pub(crate) fn each_interval(daemon: &Arc<DaemonState>, interval: Duration) {
    loop {
        let begun = since_boot();
        if !daemon.store.outage().is_open() {
            refresh(daemon);
            for endpoint in 0..daemon.store.endpoints().len() {
                probe(daemon, endpoint);
            }
        }
        std::thread::sleep(interval.saturating_sub(since_boot().saturating_sub(begun)));
    }
}

fn refresh(daemon: &DaemonState) {
    daemon.entry.tick(&daemon.store, Deadline::within(PATIENCE));
    if daemon.entry.guard().is_ok() {
        daemon.store.renew_leases(Deadline::within(PATIENCE));
    }
}

/// Asks one endpoint for the host's entry. The read is linearizable: it succeeds only if a majority of the store
/// answers.
fn probe(daemon: &DaemonState, endpoint: usize) -> bool {
    let body = own_entry::range(daemon.entry.folder(), daemon.entry.key());
    let deadline = Deadline::within(ENDPOINT_PATIENCE);
    daemon.store.ask_one(endpoint, &StoreAsk { path: RANGE, body: &body, deadline })
}

/// While the store does not answer, asks one endpoint after the other until one does. Never returns.
pub(crate) fn probe_outages(daemon: &Arc<DaemonState>) {
    let endpoints = daemon.store.endpoints().len().max(1);
    let mut next = 0;
    loop {
        if !daemon.store.outage().wait(Duration::from_secs(3600)) {
            continue;
        }
        let begun = since_boot();
        if probe(daemon, next % endpoints) {
            refresh(daemon);
            continue;
        }
        next += 1;
        std::thread::sleep(PROBE.saturating_sub(since_boot().saturating_sub(begun)));
    }
}

/// Deletes the values that were written for a client that got no reply. Waits while the store does not answer. Never
/// returns.
pub(crate) fn take_back(daemon: &Arc<DaemonState>) {
    loop {
        if daemon.store.outage().is_open() {
            std::thread::sleep(PAUSE);
            continue;
        }
        let next = daemon.take_backs.lock().next(since_boot());
        let Some(one) = next else {
            daemon.take_backs.wait(PAUSE);
            continue;
        };
        let body = transaction::guarded_delete(&one.delete, daemon.entry.folder());
        let ask = StoreAsk { path: TXN, body: &body, deadline: Deadline::within(PATIENCE) };
        let answered = daemon.store.ask(&ask).result.is_ok();
        let mut queue = daemon.take_backs.lock();
        if answered {
            queue.made(one, since_boot());
        } else {
            queue.failed(one, since_boot());
            drop(queue);
            std::thread::sleep(PAUSE);
        }
    }
}
