//! The ports: what core needs from the host. Each port may fail; a failure never grants access.
//!
//! May use: `base`, `event`, `ledger`, `notify`, `policy`, `record`.

use alloc::{boxed::Box, string::String, vec::Vec};

use zeroize::Zeroizing;

pub use crate::{base::account::Membership, record::Snapshot};
use crate::{
    base::{
        account::{Account, Folder},
        error::{CommitError, LedgerError, LookupError, MachineError, StoreError},
        request::SourceLabel,
        secret::Typed,
        time::{Now, UnixTime},
    },
    event::Event,
    ledger::{Capacity, Horizon},
    notify::notification::Notification,
    policy::Echo,
    record::{
        Record, SetId,
        code_set::{CodeSet, Digest, Recipe, Shape},
    },
};

/// All ports of a dialogue.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// User records.
    pub records: &'a dyn Records,
    /// Sets of one-time codes.
    pub codes: &'a dyn CodeSets,
    /// The ledger: a folder of names for each user, which a restart empties.
    pub ledger: &'a dyn Ledger,
    /// The conversation with the user.
    pub conversation: &'a dyn Conversation,
    /// Wall clock and boot clock.
    pub clock: &'a dyn Clock,
    /// Accounts and groups (NSS).
    pub accounts: &'a dyn Accounts,
    /// The log.
    pub journal: &'a dyn Journal,
    /// Random bytes.
    pub entropy: &'a dyn Entropy,
    /// Mail to users.
    pub outbox: &'a dyn Outbox,
}

/// The records of all users.
pub trait Records {
    /// Returns the newest record of an account; `None` only if its absence is proven.
    ///
    /// # Errors
    /// [`StoreError`] if neither can be proven.
    fn newest(&self, account: &Account) -> Result<Option<Snapshot>, StoreError>;

    /// Returns whether a snapshot is still the newest record and was read from the same file.
    ///
    /// # Errors
    /// [`StoreError`] if this cannot be determined.
    fn is_newest(&self, folder: &Folder, snapshot: &Snapshot) -> Result<bool, StoreError>;

    /// Writes a record durably as the successor of a snapshot; `after` is 0 for the first record.
    ///
    /// # Errors
    /// [`CommitError`]. The old record is then in force, unless the store failed, or another process already
    /// committed a successor of the new record. Read the newest record to find out.
    fn commit(&self, folder: &Folder, after: u64, record: &Record) -> Result<(), CommitError>;

    /// Returns the newest record as [`Records::newest`] does, with uniform system calls whether or not the account or
    /// its record exists.
    ///
    /// Also returns a dummy record that a code can be compared with.
    fn newest_uniform(
        &self,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreError>, Option<Snapshot>);

    /// Stores `after` as the number of consecutive failures if the stored number is `before`, best effort. If both are
    /// equal or there is no folder, makes the same system calls and stores nothing.
    fn note_failures(&self, folder: Option<&Folder>, before: u32, after: u32, now: UnixTime);

    /// Clears the number of consecutive failures, best effort.
    fn forget_failures(&self, folder: &Folder);

    /// Remembers a source as known, best effort.
    fn remember_source(&self, folder: &Folder, source: &SourceLabel, now: UnixTime);

    /// Stores the highest time that the wall clock has shown, best effort.
    fn mark_clock(&self, now: Now);
}

/// Sets of one-time codes, and which of their codes are spent.
pub trait CodeSets {
    /// Reads a set.
    ///
    /// # Errors
    /// [`StoreError`] if it is missing or cannot be trusted.
    fn set(&self, folder: &Folder, id: SetId) -> Result<CodeSet, StoreError>;

    /// Reads a set as [`CodeSets::set`] does, with uniform system calls; for `None` returns a dummy set, which no code
    /// matches.
    ///
    /// # Errors
    /// As [`CodeSets::set`].
    fn set_uniform(&self, of: Option<(&Folder, SetId)>) -> Result<CodeSet, StoreError>;

    /// Returns the indexes of the spent codes.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be listed.
    fn spent(&self, folder: &Folder, id: SetId) -> Result<Vec<u8>, StoreError>;

    /// Spends the code at an index of a set, durably and irrevocably.
    ///
    /// # Errors
    /// [`StoreError`] if this cannot be stored; the code is then left unspent, best effort.
    fn spend(
        &self,
        folder: &Folder,
        id: SetId,
        place: u8,
        now: UnixTime,
    ) -> Result<Creation, StoreError>;

    /// Hashes a code with Argon2id.
    ///
    /// # Errors
    /// [`MachineError`] if there is not enough memory.
    fn digest(&self, code: &str, recipe: &Recipe) -> Result<Digest, MachineError>;

    /// Writes the hashes of 1 to [`CODES_MAX`](crate::record::code_set::CODES_MAX) codes durably, for a record that will name
    /// the set. Duplicate codes are stored once.
    ///
    /// # Errors
    /// [`CommitError`]; no record names the set then, so nothing has changed. [`StoreError::Malformed`] with the
    /// number, from 1, of the first code that does not have the given shape.
    fn lay_down(
        &self,
        folder: &Folder,
        shape: Shape,
        codes: &[Zeroizing<String>],
    ) -> Result<SetId, CommitError>;

    /// Erases a set that no record names, best effort.
    fn take_away(&self, folder: &Folder, id: SetId);
}

/// Owner of a folder in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerKey {
    /// An account.
    Account(Folder),
    /// One of 256 buckets that user names without an account share.
    Bucket(u8),
}

impl LedgerKey {
    /// Returns the owner for a login. User names without an account share 256 buckets, so that a stranger cannot fill
    /// the ledger.
    #[must_use]
    pub fn of(account: Option<&Account>, typed: &str) -> Self {
        match account.and_then(|account| Folder::of(&account.name).ok()) {
            Some(folder) => Self::Account(folder),
            None => Self::Bucket(typed.bytes().fold(0, |sum, byte| sum.rotate_left(3) ^ byte)),
        }
    }
}

/// The ledger.
pub trait Ledger {
    /// Opens the names of one user.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be trusted.
    fn open(&self, ledger_key: &LedgerKey) -> Result<Box<dyn UserLedger + '_>, LedgerError>;

    /// Opens the names as [`Ledger::open`] does, with uniform system calls whether or not they existed. In the
    /// [reserve](crate::ledger::reserve), opens one folder for all users.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    fn open_uniform(&self, ledger_key: &LedgerKey)
    -> Result<Box<dyn UserLedger + '_>, LedgerError>;

    /// Returns how many names the ledger can still hold.
    ///
    /// # Errors
    /// [`LedgerError`] if the file system does not report it.
    fn capacity(&self) -> Result<Capacity, LedgerError>;

    /// Returns which times the ledger knows nothing about; begins an epoch if there is none.
    ///
    /// # Errors
    /// [`LedgerError`] if an epoch can be neither read nor begun.
    fn floor(&self, now: Now) -> Result<Horizon, LedgerError>;

    /// Returns the boot id, as stored in the epoch.
    ///
    /// # Errors
    /// [`LedgerError`] if the kernel does not report it.
    fn boot_id(&self) -> Result<String, LedgerError>;
}

/// The names of one user in the ledger. Each is created by one process only, and holds a short text.
pub trait UserLedger {
    /// Creates a name.
    ///
    /// # Errors
    /// [`LedgerError`] if creation fails for a reason other than that the name exists.
    fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerError>;

    /// Returns all names.
    ///
    /// # Errors
    /// [`LedgerError`] if they cannot be listed or are too many.
    fn names(&self) -> Result<Vec<String>, LedgerError>;

    /// Returns the text of a name; `None` if the name is gone.
    ///
    /// # Errors
    /// [`LedgerError`] if it cannot be read.
    fn content(&self, name: &str) -> Result<Option<String>, LedgerError>;

    /// Erases a name, best effort.
    fn erase(&self, name: &str);

    /// Returns whether this is the folder that all users share in the [reserve](crate::ledger::reserve). It lacks a user's
    /// used steps and attempts, so no code may be verified with it, even if names become free later.
    fn is_of_all(&self) -> bool;
}

/// Whether this process created a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Creation {
    /// This process created it.
    Made,
    /// It existed already.
    Taken,
}

/// The conversation with the user.
pub trait Conversation {
    /// Asks a question and waits for the answer.
    ///
    /// # Errors
    /// [`ConversationError`] if there is no answer.
    fn ask(&self, text: &str, echo: Echo) -> Result<Typed, ConversationError>;

    /// Shows a message, best effort.
    fn tell(&self, text: &str);

    /// Shows why access is denied, as the last message. If a message without a question would be garbled, it is shown
    /// as part of `question`; the answer is ignored.
    fn say_last(&self, words: &str, question: &str) {
        let _ = question;
        self.tell(words);
    }

    /// Shows a text that belongs to the next question. It appears right before that question and may be longer than a
    /// prompt.
    fn show(&self, text: &str) {
        self.tell(text);
    }

    /// Returns whether the user has a terminal, where a QR code can be scanned.
    fn is_terminal(&self) -> bool {
        true
    }

    /// Passes a part of the last answer on to the next PAM module, if that module uses it. Without a call, nothing is
    /// passed on.
    fn hand_on(&self, _: Part) {}
}

/// The part of an answer to pass on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The whole answer: no code was asked for.
    Whole,
    /// All but this many bytes at its end, which were the code.
    AllBut(usize),
}

/// There was no answer: the connection was closed, or there is no user to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationError;

impl core::fmt::Display for ConversationError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the connection was closed, or there is no user to ask")
    }
}

impl core::error::Error for ConversationError {}

/// Wall clock and boot clock.
pub trait Clock {
    /// Returns both clocks, read together.
    ///
    /// # Errors
    /// [`MachineError`] if a clock cannot be read or shows a time before 1970.
    fn now(&self) -> Result<Now, MachineError>;
}

/// Accounts and groups (NSS).
pub trait Accounts {
    /// Returns the account of a user name; `None` if NSS says that there is none.
    ///
    /// # Errors
    /// [`LookupError`] if NSS does not answer.
    fn by_name(&self, name: &str) -> Result<Option<Account>, LookupError>;

    /// Returns whether an account is a member of a group.
    ///
    /// # Errors
    /// [`LookupError`] if NSS does not answer.
    fn membership(&self, account: &Account, group: &str) -> Result<Membership, LookupError>;

    /// Returns the host name to show in the authenticator app; never empty.
    fn host_name(&self) -> String;

    /// Returns the effective user id of the calling program. Called only after a read or write has failed.
    fn caller(&self) -> u32 {
        0
    }
}

/// Random bytes from the kernel.
pub trait Entropy {
    /// Fills a buffer.
    ///
    /// # Errors
    /// [`MachineError`] if the kernel provides no random bytes.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), MachineError>;
}

/// The log. A log failure never fails a login.
pub trait Journal {
    /// Logs an event.
    fn note(&self, event: &Event);
}

/// The mail queue. A mail failure never fails a login.
pub trait Outbox {
    /// Queues a notification for the delivery service. If one of this kind is queued already, it is not queued twice.
    fn put(&self, notification: &Notification);
}
