//! Operations on the fleet as a whole: create it, add and remove this host, and repair it. Only the administrator's
//! command uses them; a login never does.
//!
//! - `state_report`: the reports of the daemon, of the store's servers and of the hosts.
//! - `meta`: the entry that describes the fleet.
//! - `batch`: writes many entries.
//! - `local_users`: the records of this host that are shared.
//! - `comparison`: compares the records of this host with those of the store.
//! - `upload`: uploads records, backup codes and used steps.
//! - `conflict`: resolves conflicts of two records of one user.
//! - `rotation`: replaces the sealing key.
//! - `mail_turn`: which host sends a mail that users get once per hour.
//! - `uses`: when and on which hosts the codes of a user were used.

mod batch;
mod comparison;
mod conflict;
mod local_users;
mod mail_turn;
mod meta;
mod rotation;
mod state_report;
#[cfg(test)]
mod test_store;
#[cfg(test)]
mod tests;
mod upload;
mod uses;

use twinlock_core::{
    base::error::{CommitError, FleetError, LedgerError, StoreError},
    ports::Entropy,
    wire::fleet::{FleetReply, FleetTask, StoreEntry, StoreRead, Transaction},
};

pub use batch::{BatchPut, PutRule};
pub use comparison::{CompareView, Comparison, NewerHere, RecordConflict};
pub use conflict::{ConflictChoice, ConflictSettler, SettledRecord, UnsettledConflict};
pub use local_users::{LocalUser, SharedUsers, shared_users};
pub use mail_turn::MailTurn;
pub use meta::{FORMAT_MAX, FleetMeta, StoredMeta};
pub use rotation::{Resealed, new_fleet_key, with_next_key, without_old_keys};
pub use state_report::{DaemonReport, EndpointReport, FleetHostReport, PreviewStore};
pub use upload::{HostSide, UploadScope};
pub use uses::{FleetUse, FleetUseKind};

use crate::fleet::{key_file::FleetKey, session::FleetStore};

/// Why an operation on the fleet as a whole failed or is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembershipError {
    /// The store could not be asked, or its answer was refused.
    Fleet(FleetError),
    /// The records of this host cannot be used.
    Store(StoreError),
    /// The ledger of this host cannot be used.
    Ledger(LedgerError),
    /// A record of this host was not written.
    Commit(CommitError),
    /// Another host has changed an entry meanwhile.
    Changed,
}

impl core::fmt::Display for MembershipError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Fleet(fault) => fault.fmt(f),
            Self::Store(fault) => fault.fmt(f),
            Self::Ledger(fault) => fault.fmt(f),
            Self::Commit(fault) => fault.fmt(f),
            Self::Changed => f.write_str("another host has changed the fleet's store meanwhile"),
        }
    }
}

impl core::error::Error for MembershipError {}

impl From<FleetError> for MembershipError {
    fn from(fault: FleetError) -> Self {
        Self::Fleet(fault)
    }
}

impl From<StoreError> for MembershipError {
    fn from(fault: StoreError) -> Self {
        Self::Store(fault)
    }
}

impl From<LedgerError> for MembershipError {
    fn from(fault: LedgerError) -> Self {
        Self::Ledger(fault)
    }
}

impl From<CommitError> for MembershipError {
    fn from(fault: CommitError) -> Self {
        Self::Commit(fault)
    }
}

/// Access to the fleet for an administrator's command.
pub struct FleetMembership<'a> {
    /// The keys of the fleet.
    pub key: &'a FleetKey,
    /// The connection to the daemon.
    pub store: &'a dyn FleetStore,
    /// The source of random bytes.
    pub entropy: &'a dyn Entropy,
}

impl FleetMembership<'_> {
    fn transact(&self, transaction: Transaction) -> Result<FleetReply, FleetError> {
        self.store.ask(FleetTask::Transact(transaction))
    }

    fn read(&self, reads: Vec<StoreRead>) -> Result<FleetReply, FleetError> {
        self.transact(Transaction { reads, ..Transaction::default() })
    }

    /// Calls `visit` with each entry whose key begins with `prefix`, in the order of the keys.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer, and the errors of `visit`.
    pub fn each<E: From<FleetError>>(
        &self,
        prefix: &str,
        visit: &mut dyn FnMut(StoreEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut after = String::new();
        loop {
            let prefix = prefix.to_owned();
            let reply = self.read(vec![StoreRead::Prefix { prefix, after, limit: 0 }])?;
            let Some(last) = reply.entries.last() else {
                return if reply.more { Err(FleetError::Broken.into()) } else { Ok(()) };
            };
            after = last.key.clone();
            reply.entries.into_iter().try_for_each(&mut *visit)?;
            if !reply.more {
                return Ok(());
            }
        }
    }

    /// Returns 16 random bytes and `rest`. The random bytes make each value unique.
    fn with_nonce(&self, rest: &[u8]) -> Result<Vec<u8>, FleetError> {
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce).map_err(|_| FleetError::Seal)?;
        Ok([&nonce[..], rest].concat())
    }
}
