//! State of the fleet and of each user during one login or command.

use std::cell::{Cell, RefCell};

use twinlock_core::{
    base::{account::Account, error::FleetError, time::UnixTime},
    ledger::KeyId,
    policy::{FleetUids, Limits},
    ports::{Clock, Entropy, LedgerKey, Snapshot},
    record::Generation,
    wire::fleet::{
        FleetOutcome, FleetReply, FleetTask, StoreCompare, StoreEntry, StoreRead, StoreTest,
        StoreWrite, Transaction,
    },
};
use zeroize::Zeroizing;

use crate::fleet::{
    key_file::FleetKey,
    names::{META, StoreName},
};

/// The store, which all hosts share.
pub trait FleetStore {
    /// Sends a request and returns the reply. The outcome of the reply is [`FleetOutcome::Done`] or
    /// [`FleetOutcome::Refused`].
    ///
    /// # Errors
    /// [`FleetError`] if the store did not carry out the request. With [`FleetError::Unreachable`], it is unknown
    /// whether the request was carried out.
    fn ask(&self, task: FleetTask) -> Result<FleetReply, FleetError>;
}

/// Which users are shared, and how records of other hosts are matched with accounts of this host.
pub struct FleetScope {
    /// The lowest user id that is shared, at least 1. Root is never shared.
    pub lowest_uid: u32,
    /// Whether an account has the same user id on every host.
    pub uids: FleetUids,
    /// Name of this host. It distinguishes sources that mean something else on another host, such as local users.
    pub host: String,
    /// Returns the user id of an account; `None` if there is no such account or NSS does not answer.
    pub uid_of: fn(&str) -> Option<u32>,
}

/// State of the fleet during one login or command.
pub struct Fleet {
    pub(super) key: FleetKey,
    pub(super) store: Box<dyn FleetStore>,
    pub(super) scope: FleetScope,
    pub(super) entropy: Box<dyn Entropy>,
    pub(super) clock: Box<dyn Clock>,
    /// The users with known state: one in a login, few in a command. A map would need several times as much code.
    pub(super) users: RefCell<Vec<KnownUser>>,
    trusts_active_records: Cell<bool>,
    /// The limits on wrong codes of the fleet, as they were last read; `None` if it has none or they were not read yet.
    pub(super) limits: Cell<Option<Limits>>,
    /// The hosts of the fleet, read when a command first needs them.
    #[cfg(feature = "tools")]
    pub(super) hosts: std::cell::OnceCell<Vec<crate::fleet::membership::FleetHostReport>>,
}

/// A user with known state.
pub(super) struct KnownUser {
    name: StoreName,
    pub(super) state: UserState,
}

/// State of one user. `Default` is a user of whom nothing is known.
#[derive(Default)]
pub(super) struct UserState {
    /// Whether the user is shared; `None` if the user id is not known yet.
    pub(super) is_shared: Option<bool>,
    /// The account; `None` for a name without an account.
    pub(super) account: Option<Account>,
    /// The record that this login uses to verify codes; `None` if no record was read.
    pub(super) judged: Option<JudgedRecord>,
    /// A record of the store that is newer than `judged`; `None` if no such record was read.
    pub(super) renewed: Option<Snapshot>,
    /// The newest record of the store, if this host's disk has an older one or none; it is written to the disk later.
    pub(super) to_keep: Option<RecordText>,
    /// What proves to the store that this attempt is still charged.
    pub(super) guard: ChargeGuard,
    /// The entries of the ledger that the last transaction has read; `None` after the first reader has taken them.
    pub(super) listing: Option<Vec<StoreEntry>>,
    /// The attempts in the store.
    pub(super) attempts: Vec<StoredAttempt>,
    /// The entries with the highest used steps, as they were last read.
    pub(super) tops: Vec<StoreEntry>,
    /// The authenticators of the judged record.
    pub(super) marks: Vec<TopMark>,
    /// The ledger names of the steps that this login has claimed in the store.
    pub(super) claimed: Vec<String>,
    /// Whether this login or command has stored the end of the user's failure streak.
    pub(super) has_ended_streak: bool,
    /// The failures that this host has stored next to the record; `None` if there are none.
    pub(super) noted: Option<NotedFailures>,
    /// Whether the last transaction proved that the judged record is the newest one.
    pub(super) is_proven: bool,
}

/// The record that a login uses to verify codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JudgedRecord {
    pub(super) sequence: u64,
    pub(super) generation: Generation,
    /// The revision of the store's record; `None` if the store was not asked yet.
    pub(super) revision: Option<u64>,
}

/// The consecutive failures that this host has stored next to the record.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotedFailures {
    pub(super) count: u32,
    /// Time of the last one; `None` if it was not read.
    pub(super) at: Option<UnixTime>,
}

/// The number and the text of a record.
pub(super) struct RecordText {
    pub(super) sequence: u64,
    pub(super) text: Zeroizing<String>,
}

/// An authenticator, and the etcd key under which the store has its highest used step.
pub(super) struct TopMark {
    pub(super) key: String,
    pub(super) mark: KeyId,
}

/// An attempt in the store.
pub(super) struct StoredAttempt {
    /// Name of the attempt in the ledger.
    pub(super) name: String,
    /// Key and value of the attempt in the store.
    pub(super) entry: StoreEntry,
    /// Content of the attempt in the ledger: the time of the charge.
    pub(super) content: String,
    /// System name of the host that has charged the attempt.
    pub(super) host: String,
}

/// The entry whose presence proves to the store that an attempt is still charged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum ChargeGuard {
    /// There is no charge.
    #[default]
    None,
    /// The entry of the charge, and the attempt's name in the ledger.
    Slot { key: String, value: Vec<u8>, name: String },
    /// The entry of this attempt's claim, with which the charge was deleted, and the attempt's name in the ledger.
    Claim { key: String, value: Vec<u8>, name: String },
}

impl Fleet {
    /// Creates the state of one login or command.
    #[must_use]
    pub fn new(
        key: FleetKey,
        store: Box<dyn FleetStore>,
        scope: FleetScope,
        entropy: Box<dyn Entropy>,
        clock: Box<dyn Clock>,
    ) -> Self {
        Self {
            key,
            store,
            scope,
            entropy,
            clock,
            users: RefCell::default(),
            trusts_active_records: Cell::new(false),
            limits: Cell::new(None),
            #[cfg(feature = "tools")]
            hosts: std::cell::OnceCell::new(),
        }
    }

    /// Allows a code to be charged before the record of an enrolled user is read from the store. The charge reads the
    /// record, so this saves a transaction. Call it only where nothing, such as a remembered device, can replace a
    /// code.
    pub fn trust_active_records(&self) {
        self.trusts_active_records.set(true);
    }

    /// Makes this session read every record from the store, even that of an enrolled user. A login need not do so,
    /// because it reads the record when it charges a code. A command charges no code, and decides by the record.
    #[cfg(feature = "tools")]
    pub fn read_every_record(&self) {
        self.trusts_active_records.set(false);
    }

    pub(super) fn trusts_active_records(&self) -> bool {
        self.trusts_active_records.get()
    }

    /// Returns the key file of the fleet.
    #[must_use]
    pub fn key(&self) -> &FleetKey {
        &self.key
    }

    /// Returns the limits on wrong codes of the fleet, as they were last read; `None` if it has none.
    #[must_use]
    pub fn limits(&self) -> Option<Limits> {
        self.limits.get()
    }

    /// Returns whether an account is shared.
    #[must_use]
    pub fn shares(&self, uid: u32) -> bool {
        uid != 0 && uid >= self.scope.lowest_uid
    }

    /// Returns the name in the store for the owner of a ledger folder; `None` if the owner is not shared.
    pub(super) fn name_of(&self, owner: &LedgerKey) -> Option<StoreName> {
        let name = StoreName::of_owner(&self.key, owner)?;
        let LedgerKey::Account(folder) = owner else { return Some(name) };
        let known = self.state(&name, |state| state.is_shared);
        let user = || twinlock_core::base::account::Folder::name_of(folder.as_str());
        let is_shared = known.unwrap_or_else(|| {
            // What NSS does not know is shared: that can only refuse more.
            user().and_then(|user| (self.scope.uid_of)(&user)).is_none_or(|uid| self.shares(uid))
        });
        is_shared.then_some(name)
    }

    /// Calls `with` with the state of a user.
    pub(super) fn state<T>(&self, name: &StoreName, with: impl FnOnce(&mut UserState) -> T) -> T {
        let mut users = self.users.borrow_mut();
        if let Some(user) = users.iter_mut().find(|user| user.name == *name) {
            return with(&mut user.state);
        }
        let mut state = UserState::default();
        let done = with(&mut state);
        users.push(KnownUser { name: name.clone(), state });
        done
    }

    /// Runs a transaction.
    pub(super) fn transact(&self, transaction: Transaction) -> Result<FleetReply, FleetError> {
        self.store.ask(FleetTask::Transact(transaction))
    }

    /// Returns 16 random bytes, which are unique to one attempt or operation.
    pub(super) fn nonce(&self) -> Result<[u8; 16], FleetError> {
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce).map_err(|_| FleetError::Seal)?;
        Ok(nonce)
    }
}

/// Returns the reads of a user's record and of the description of the fleet.
pub(super) fn record_reads(name: &StoreName) -> Vec<StoreRead> {
    vec![StoreRead::Key(name.record()), StoreRead::Key(META.into())]
}

/// Returns the reads of a user's ledger and record, and of the description of the fleet.
pub(super) fn all_reads(name: &StoreName) -> Vec<StoreRead> {
    let prefix = StoreRead::Prefix { prefix: name.ledger(), after: String::new(), limit: 0 };
    std::iter::once(prefix).chain(record_reads(name)).collect()
}

/// Returns the part of a transaction that tests an entry: whether the entry `key` passes `test`.
pub(super) fn compare(key: impl Into<String>, test: StoreTest) -> StoreCompare {
    StoreCompare { key: key.into(), test }
}

/// Returns the transaction that deletes a key only if it still has this value. Without this condition, a late copy of
/// the transaction could delete the charge of another login.
pub(super) fn guarded_delete(key: &str, value: &[u8]) -> Transaction {
    Transaction {
        compares: vec![compare(key, StoreTest::Value(value.to_vec()))],
        writes: vec![StoreWrite::Delete { key: key.into() }],
        reads: Vec::new(),
    }
}

/// Returns the entry with the key `key` in a reply; `None` if the reply has none.
pub(super) fn entry<'a>(reply: &'a FleetReply, key: &str) -> Option<&'a StoreEntry> {
    reply.entries.iter().find(|entry| entry.key == key)
}

/// Returns whether the writes of a transaction were made.
pub(super) fn is_done(reply: &FleetReply) -> bool {
    reply.outcome == FleetOutcome::Done
}
