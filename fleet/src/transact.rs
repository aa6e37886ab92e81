//! Carries out the transaction of a client.

use twinlock_core::wire::fleet::{FleetOutcome, FleetReply, Stay, StoreWrite, Transaction};

use crate::{
    clock::Deadline,
    entry::{EntryGuard, GuardVerdict},
    etcd::{
        TXN,
        answer::TransactionAnswer,
        transaction::{self, LIST_MAX, LIST_SAFE, TransactionFrame},
    },
    host_entry::{HostEntry, outcome_of},
    leases::LeaseIds,
    store::{AskError, StoreAsk, StoreClient},
    take_back::GuardedDelete,
};

/// Maximum number of tries of a transaction. Another try follows if a lease was lost, the answer was too large, or this
/// host has joined, rejoined or left meanwhile.
const ROUNDS: usize = 4;

/// Result of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transacted {
    /// The reply to the client.
    pub(crate) reply: FleetReply,
    /// Number of copies of the transaction that the store may have received.
    pub(crate) copies: u32,
}

impl Transacted {
    /// Returns `true` if the reply does not tell the client whether the writes were made.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.reply.outcome, FleetOutcome::Unreachable | FleetOutcome::Busy)
    }

    /// Returns whether the writes may have been made.
    pub(crate) fn may_be_made(&self) -> bool {
        let outcome = self.reply.outcome;
        let is_unknown = outcome == FleetOutcome::Unreachable && self.copies > 0;
        // If the last copy was not carried out, one before it may have been.
        outcome == FleetOutcome::Done || is_unknown || self.copies > 1
    }
}

/// Parameters of one try of a transaction: the comparison of this host's own entry, and the leases.
#[derive(Debug)]
struct TransactionRound {
    guard: EntryGuard,
    leases: LeaseIds,
}

/// Carries out a transaction.
pub(crate) fn transact(
    store: &StoreClient,
    entry: &HostEntry,
    transaction: &Transaction,
    deadline: Deadline,
) -> Transacted {
    let mut copies = 0;
    let mut most = LIST_MAX;
    if !transaction::is_well_formed(transaction, entry.key()) {
        return ended(FleetOutcome::Malformed, copies);
    }
    for _ in 0..ROUNDS {
        let round = match round(store, entry, transaction, deadline) {
            Ok(round) => round,
            Err(outcome) => return ended(outcome, copies),
        };
        let frame = TransactionFrame {
            folder: entry.folder(),
            own_key: entry.key(),
            revision: round.guard.revision,
            leases: round.leases,
            most,
        };
        let body = transaction::body(transaction, &frame);
        let asked = store.ask(&StoreAsk { path: TXN, body: &body, deadline });
        copies += asked.copies;
        match asked.result {
            Ok(body) => {
                if let Some(reply) = replied(entry, round.guard, &body) {
                    return Transacted { reply, copies };
                }
            }
            Err(AskError::LeaseLost) => store.leases().forget(round.leases),
            Err(AskError::TooLarge) => most = LIST_SAFE,
            Err(error) => return ended(outcome_of(error), copies),
        }
    }
    ended(FleetOutcome::Unreachable, copies)
}

/// Carries out the reads of a transaction for a host that has not joined. The outcome is `Refused` if this host has
/// joined, or the store has an entry of this host.
pub(crate) fn preview(
    store: &StoreClient,
    entry: &HostEntry,
    transaction: &Transaction,
    deadline: Deadline,
) -> FleetReply {
    let only_reads = transaction.compares.is_empty() && transaction.writes.is_empty();
    if !only_reads || !transaction::is_well_formed(transaction, entry.key()) {
        return FleetReply::of(FleetOutcome::Malformed);
    }
    match entry.guard() {
        Err(FleetOutcome::NotJoined) => {}
        Ok(_) => return FleetReply::of(FleetOutcome::Refused),
        Err(stop) => return FleetReply::of(stop),
    }
    let mut most = LIST_MAX;
    for _ in 0..ROUNDS {
        let frame = TransactionFrame {
            folder: entry.folder(),
            own_key: entry.key(),
            // The comparison holds if the entry exists, whatever its revision is.
            revision: 0,
            leases: LeaseIds::default(),
            most,
        };
        let body = transaction::body(transaction, &frame);
        match store.ask(&StoreAsk { path: TXN, body: &body, deadline }).result {
            Ok(body) => return previewed(entry, &body),
            Err(AskError::TooLarge) => most = LIST_SAFE,
            Err(error) => return FleetReply::of(outcome_of(error)),
        }
    }
    FleetReply::of(FleetOutcome::Unreachable)
}

fn previewed(entry: &HostEntry, body: &[u8]) -> FleetReply {
    let Some(mut answer) = TransactionAnswer::read(body, entry.folder()) else {
        return FleetReply::of(FleetOutcome::Unreachable);
    };
    if answer.succeeded || answer.take_last().is_some() {
        return FleetReply::of(FleetOutcome::Refused);
    }
    let entries = answer.reads.into_iter().flatten().collect();
    let (revision, more) = (answer.revision, answer.more);
    FleetReply { outcome: FleetOutcome::Done, revision, more, entries }
}

fn ended(outcome: FleetOutcome, copies: u32) -> Transacted {
    Transacted { reply: FleetReply::of(outcome), copies }
}

/// Collects the parameters for one try of the transaction.
///
/// # Errors
/// The outcome of the transaction, if it cannot be carried out.
fn round(
    store: &StoreClient,
    entry: &HostEntry,
    transaction: &Transaction,
    deadline: Deadline,
) -> Result<TransactionRound, FleetOutcome> {
    let guard = entry.guard()?;
    let lease = |stay: Stay| {
        let uses =
            |write: &StoreWrite| matches!(write, StoreWrite::Put { stays, .. } if *stays == stay);
        if transaction.writes.iter().any(uses) { store.lease(stay, deadline) } else { Ok(None) }
    };
    let days = lease(Stay::Days).map_err(outcome_of)?;
    let hour = lease(Stay::Hour).map_err(outcome_of)?;
    Ok(TransactionRound { guard, leases: LeaseIds { days, hour } })
}

/// Returns the reply for the answer of the store; `None` if the transaction must be sent again.
fn replied(entry: &HostEntry, guard: EntryGuard, body: &[u8]) -> Option<FleetReply> {
    let Some(mut answer) = TransactionAnswer::read(body, entry.folder()) else {
        return Some(FleetReply::of(FleetOutcome::Unreachable));
    };
    let mut outcome = FleetOutcome::Done;
    if !answer.succeeded {
        outcome = FleetOutcome::Refused;
        match entry.judge(guard, answer.take_last().as_ref()) {
            GuardVerdict::Held => {}
            GuardVerdict::Outdated => return None,
            GuardVerdict::Stopped(stop, _) => return Some(FleetReply::of(stop.outcome())),
        }
    }
    let entries = answer.reads.into_iter().flatten().collect();
    Some(FleetReply { outcome, revision: answer.revision, more: answer.more, entries })
}

/// Returns the values of the transaction that the daemon has to delete from the store if the reply cannot be delivered.
pub(crate) fn taken_back(transaction: &Transaction) -> Vec<GuardedDelete> {
    let one = |write: &StoreWrite| match write {
        StoreWrite::Put { key, value, take_back: true, .. } => {
            Some(GuardedDelete { key: key.clone(), value: value.clone() })
        }
        StoreWrite::Put { .. } | StoreWrite::Delete { .. } => None,
    };
    transaction.writes.iter().filter_map(one).collect()
}

/// Returns the keys that a transaction deletes.
pub(crate) fn deleted(transaction: &Transaction) -> impl Iterator<Item = &str> {
    transaction.writes.iter().filter_map(|write| match write {
        StoreWrite::Delete { key } => Some(key.as_str()),
        StoreWrite::Put { .. } => None,
    })
}
