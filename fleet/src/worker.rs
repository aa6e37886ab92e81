//! The threads that carry out requests.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use twinlock_core::wire::fleet::{FleetOutcome, FleetReply, FleetTask, Transaction};

use crate::{
    clock::{Deadline, since_boot},
    daemon_state::DaemonState,
    delivery,
    jobs::{FleetJob, JobQueue},
    log, state_report,
    take_back::GuardedDelete,
    transact::{self, Transacted},
};

/// Maximum time for requesting leases after a host has joined.
const LEASE_PATIENCE: Duration = Duration::from_secs(2);

/// Carries out the requests of a queue, one after the other, for ever.
pub(crate) fn work(daemon: &Arc<DaemonState>, queue: impl Fn(&DaemonState) -> &JobQueue) {
    loop {
        let job = queue(daemon).take();
        let served = catch_unwind(AssertUnwindSafe(|| serve(daemon, job)));
        if served.is_err() {
            // The client learns nothing, and refuses. The next request may be another.
            log::print("event=fleet_panic");
        }
    }
}

fn serve(daemon: &DaemonState, job: FleetJob) {
    // Nobody would learn the outcome.
    if delivery::is_closed(&job.socket) {
        return daemon.take_backs.add_refund(&job.request.task);
    }
    let deadline = job.deadline;
    let (store, entry) = (&daemon.store, &daemon.entry);
    let is_state = matches!(job.request.task, FleetTask::State);
    if !is_state && (store.outage().is_open() || deadline.left().is_zero()) {
        daemon.take_backs.add_refund(&job.request.task);
        delivery::send(&job.socket, &FleetReply::of(FleetOutcome::Busy));
        return;
    }
    let reply = match &job.request.task {
        FleetTask::Transact(transaction) => {
            return transacted(daemon, &job, transaction, deadline);
        }
        FleetTask::State => state_report::report(daemon, deadline),
        FleetTask::Join => entry.join(store, deadline),
        FleetTask::Rejoin => entry.rejoin(store, deadline),
        FleetTask::Leave => entry.leave(store, deadline),
        FleetTask::Preview(transaction) => transact::preview(store, entry, transaction, deadline),
    };
    delivery::send(&job.socket, &reply);
    if !is_state && entry.guard().is_ok() {
        // The first login finds leases.
        store.renew_leases(Deadline::within(LEASE_PATIENCE));
    }
}

fn transacted(daemon: &DaemonState, job: &FleetJob, transaction: &Transaction, deadline: Deadline) {
    let done = transact::transact(&daemon.store, &daemon.entry, transaction, deadline);
    let delivered = delivery::send(&job.socket, &done.reply);
    if matches!(done.reply.outcome, FleetOutcome::Done | FleetOutcome::Refused) {
        // A refused deletion may be the second copy of one that was made. A client whose claim was refused for another
        // reason takes its charge back.
        let (mut queue, now) = (daemon.take_backs.lock(), since_boot());
        transact::deleted(transaction).for_each(|key| queue.deleted(key, now));
    }
    if done.is_unknown() {
        // The client does not wait for it. It can be made at any time, since it deletes no other value.
        daemon.take_backs.add_refund(&job.request.task);
    }
    let puts = transact::taken_back(transaction);
    if puts.is_empty() || !done.may_be_made() {
        return;
    }
    if !delivered || done.reply.outcome == FleetOutcome::Unreachable {
        return daemon.take_backs.add(puts);
    }
    remembered(daemon, &done, &puts);
    if done.reply.outcome == FleetOutcome::Refused {
        // No client will delete a value that was not there when the last copy was refused; an earlier copy may be late.
        let (mut queue, now) = (daemon.take_backs.lock(), since_boot());
        puts.iter()
            .filter(|put| !put.is_in(&done.reply))
            .for_each(|put| queue.deleted(&put.key, now));
    }
    if let Ok(socket) = job.socket.try_clone() {
        daemon.handover.watch(socket, puts);
    }
}

/// Remembers the values `puts` of a transaction that was sent more than once. After such a value is deleted, a late
/// copy of the transaction may write it a second time.
fn remembered(daemon: &DaemonState, done: &Transacted, puts: &[GuardedDelete]) {
    if done.copies > 1 {
        let (mut queue, now) = (daemon.take_backs.lock(), since_boot());
        puts.iter().for_each(|put| queue.sent_again(put.clone(), now));
    }
}
