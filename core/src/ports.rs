//! The ports: the operations of the host that this crate calls. An operation that fails never grants access.
//!
//! May use: `base`, `event`, `ledger`, `notify`, `policy`, `record`.

use alloc::{boxed::Box, string::String, vec::Vec};

use zeroize::Zeroizing;

pub use crate::base::{account::Membership, error::ConversationError};
pub use crate::record::Snapshot;
use crate::{
    base::{
        account::{Account, Folder},
        error::{AgentError, CommitError, LedgerError, LookupError, MachineError, StoreError},
        request::SourceLabel,
        secret::Typed,
        time::{Now, UnixTime},
    },
    event::Event,
    ledger::{Capacity, Horizon},
    notify::notification::Notification,
    policy::{Echo, Field, Limits},
    record::{
        Record, SetId,
        code_set::{CodeSet, Digest, Recipe, Shape},
    },
};

/// All ports that a login or dialogue uses. Each port is a group of operations of the host.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// User records.
    pub records: &'a dyn Records,
    /// Sets of backup codes.
    pub codes: &'a dyn CodeSets,
    /// The ledger: a folder with names for each user, such as the names of used codes. A restart empties it.
    pub ledger: &'a dyn Ledger,
    /// The conversation with the user.
    pub conversation: &'a dyn Conversation,
    /// Wall clock and boot clock.
    pub clock: &'a dyn Clock,
    /// Accounts and groups (NSS).
    pub accounts: &'a dyn Accounts,
    /// The system log.
    pub journal: &'a dyn Journal,
    /// Random bytes.
    pub entropy: &'a dyn Entropy,
    /// Mail to users.
    pub outbox: &'a dyn Outbox,
}

/// The records of all users.
pub trait Records {
    /// Returns the newest record of an account; `None` only if it is proven that the account has no record.
    ///
    /// # Errors
    /// [`StoreError`] if the record cannot be read, or its absence cannot be proven.
    fn newest(&self, account: &Account) -> Result<Option<Snapshot>, StoreError>;

    /// Returns whether a snapshot is still the newest record and was read from the same file as the newest record.
    ///
    /// # Errors
    /// [`StoreError`] if the newest record cannot be determined.
    fn is_newest(&self, folder: &Folder, snapshot: &Snapshot) -> Result<bool, StoreError>;

    /// Returns the newest record of an account if a charge has found it to be newer than the one that was read.
    /// Otherwise returns `None`. Reads nothing itself. Only hosts that share their records find one.
    fn renewed(&self, _account: &Account) -> Option<Snapshot> {
        None
    }

    /// Returns the limits of all hosts that share their records, as the last charge has read them; `None` without them.
    fn limits(&self) -> Option<Limits> {
        None
    }

    /// Writes a record durably. It replaces the record with the sequence number `after`, and becomes number `after` +
    /// 1. `after` is 0 for the first record.
    ///
    /// # Errors
    /// [`CommitError`] if the record was not committed. The old record is then still stored, unless the store failed or
    /// another process has already replaced the new record. The newest record shows which is the case.
    fn commit(&self, folder: &Folder, after: u64, record: &Record) -> Result<(), CommitError>;

    /// Returns the newest record of an account, and a dummy record that a code can be compared with if there is no
    /// record. Makes the same system calls whether or not the record or the account (`None`) exists.
    fn newest_uniform(
        &self,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreError>, Option<Snapshot>);

    /// Replaces the stored number of the user's consecutive failures by `after` if it is `before`, best effort. If
    /// `before` equals `after` or `folder` is `None`, makes the same system calls and stores nothing.
    fn note_failures(&self, folder: Option<&Folder>, before: u32, after: u32, now: UnixTime);

    /// Clears the stored number of the user's consecutive failures, best effort.
    fn forget_failures(&self, folder: &Folder);

    /// Returns the time of the last stored consecutive failure; `None` if there is none or its time is not known.
    fn failed_at(&self, _folder: &Folder) -> Option<UnixTime> {
        None
    }

    /// Stores that the user has logged in from a source, best effort.
    fn remember_source(&self, folder: &Folder, source: &SourceLabel, now: UnixTime);

    /// Stores the current time as the latest time that the wall clock has shown, best effort.
    fn mark_clock(&self, now: Now);
}

/// Sets of backup codes, and which of the codes are spent.
pub trait CodeSets {
    /// Reads a set of codes.
    ///
    /// # Errors
    /// [`StoreError`] if the set is missing or cannot be trusted.
    fn set(&self, folder: &Folder, id: SetId) -> Result<CodeSet, StoreError>;

    /// Reads a set of codes with the same system calls for every user. For `None`, returns a dummy set, which no code
    /// matches.
    ///
    /// # Errors
    /// [`StoreError`] if the set is missing or cannot be trusted.
    fn set_uniform(&self, of: Option<(&Folder, SetId)>) -> Result<CodeSet, StoreError>;

    /// Returns the indexes of the spent codes of a set.
    ///
    /// # Errors
    /// [`StoreError`] if the spent codes cannot be listed.
    fn spent(&self, folder: &Folder, id: SetId) -> Result<Vec<u8>, StoreError>;

    /// Marks the code at index `place` of a set as spent, durably and irrevocably. Returns whether this call marked it.
    ///
    /// # Errors
    /// [`StoreError`] if the mark cannot be stored. The mark is then removed, best effort.
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

    /// Writes the hashes of 1 to [`CODES_MAX`](crate::record::code_set::CODES_MAX) codes durably and returns the id of
    /// the new set. Stores duplicate codes once. The codes are not valid until a record names the set.
    ///
    /// # Errors
    /// [`CommitError`] if the set was not written; the user's old codes stay valid then. [`StoreError::Malformed`] with
    /// the number, from 1, of the first code that does not have the given shape.
    fn lay_down(
        &self,
        folder: &Folder,
        shape: Shape,
        codes: &[Zeroizing<String>],
    ) -> Result<SetId, CommitError>;

    /// Erases a set that no record names, best effort.
    fn take_away(&self, folder: &Folder, id: SetId);
}

/// The owner of a folder in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerKey {
    /// An account, with the name of its folder.
    Account(Folder),
    /// The number of one of the 256 buckets that are shared by all user names without an account.
    Bucket(u8),
}

impl LedgerKey {
    /// Returns the owner of the ledger folder for a login with the user name `typed`. A name without an account
    /// (`None`) shares one of 256 buckets, so that an attacker cannot fill the ledger with invented names.
    #[must_use]
    pub fn of(account: Option<&Account>, typed: &str) -> Self {
        match account.and_then(|account| Folder::of(&account.name).ok()) {
            Some(folder) => Self::Account(folder),
            None => Self::Bucket(typed.bytes().fold(0, |sum, byte| sum.rotate_left(3) ^ byte)),
        }
    }
}

/// The ledger: stores which codes were used, and which attempts were counted before their codes were compared.
pub trait Ledger {
    /// Opens the ledger folder of one account, or of a group of names without an account.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be trusted.
    fn open(&self, ledger_key: &LedgerKey) -> Result<Box<dyn UserLedger + '_>, LedgerError>;

    /// Opens the ledger folder of one account, or of a group of names without an account, with the same system calls
    /// whether or not the folder existed. If the ledger is nearly full (see [reserve](crate::ledger::reserve)), opens
    /// one folder for all users.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be trusted.
    fn open_uniform(&self, ledger_key: &LedgerKey)
    -> Result<Box<dyn UserLedger + '_>, LedgerError>;

    /// Returns how many names (files and folders) the ledger can hold, and how many more it can take.
    ///
    /// # Errors
    /// [`LedgerError`] if the file system does not report it.
    fn capacity(&self) -> Result<Capacity, LedgerError>;

    /// Returns the times for which the ledger does not know the used codes. If the ledger does not contain the time at
    /// which it began, stores the current time as that time.
    ///
    /// # Errors
    /// [`LedgerError`] if the beginning can be neither read nor stored.
    fn floor(&self, now: Now) -> Result<Horizon, LedgerError>;

    /// Returns the boot id of the running kernel, without dashes, as the ledger stores it.
    ///
    /// # Errors
    /// [`LedgerError`] if the kernel does not report its boot id.
    fn boot_id(&self) -> Result<String, LedgerError>;
}

/// The entries of one user in the ledger. Each entry is a name with a short text. If several processes create the same
/// name, only one succeeds.
pub trait UserLedger {
    /// Creates a name with a text. Returns whether this process has created the name or the name existed already.
    ///
    /// # Errors
    /// [`LedgerError`] if the name cannot be created.
    fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerError>;

    /// Returns all names in the folder.
    ///
    /// # Errors
    /// [`LedgerError`] if the names cannot be listed or are too many.
    fn names(&self) -> Result<Vec<String>, LedgerError>;

    /// Passes each name in the folder to `visit`. For a user who logs in often, these are hundreds of names, and
    /// copying them would take longer than the rest of the login.
    ///
    /// # Errors
    /// The errors of [`UserLedger::names`].
    fn each_name(&self, visit: &mut dyn FnMut(&str)) -> Result<(), LedgerError> {
        self.names().map(|names| names.iter().for_each(|name| visit(name)))
    }

    /// Returns the text of a name; `None` if there is no such name.
    ///
    /// # Errors
    /// [`LedgerError`] if the text cannot be read.
    fn content(&self, name: &str) -> Result<Option<String>, LedgerError>;

    /// Erases a name, best effort.
    fn erase(&self, name: &str);

    /// Returns whether this is the folder that all users share while the ledger is nearly full (see
    /// [reserve](crate::ledger::reserve)). The shared folder does not contain the used steps and attempts of a single
    /// user. No code may be verified with it, even if there is room for the user's own folder again.
    fn is_of_all(&self) -> bool;
}

/// Result of creating a name that only one process can create, such as a ledger entry or the mark of a spent code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Creation {
    /// The name did not exist, and this process has created it.
    Made,
    /// The name existed already, and was not changed.
    Taken,
}

/// The conversation with the user.
pub trait Conversation {
    /// Asks a question and waits for the answer.
    ///
    /// # Errors
    /// [`ConversationError`] if the user gives no answer.
    fn ask(&self, text: &str, echo: Echo) -> Result<Typed, ConversationError>;

    /// Shows a message, best effort.
    fn tell(&self, text: &str);

    /// Shows why access is denied, as the last message of the login. If the client garbles a message that is not part
    /// of a question, shows the message together with `question` and ignores the answer.
    fn say_last(&self, words: &str, question: &str) {
        let _ = question;
        self.tell(words);
    }

    /// Shows a text right before the next question. The text may be longer than a prompt.
    fn show(&self, text: &str) {
        self.tell(text);
    }

    /// Returns whether the user has a terminal, where a QR code can be scanned.
    fn is_terminal(&self) -> bool {
        true
    }

    /// Passes this part of the last answer on to the next PAM module, if the PAM line asks for it. An implementation
    /// that never passes anything on need not override this.
    fn hand_on(&self, _: Part) {}
}

/// The part of an answer that the next PAM module gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The whole answer, because no code was asked for.
    Whole,
    /// The answer without this many bytes at its end, which were the code.
    AllBut(usize),
}

/// Wall clock and boot clock.
pub trait Clock {
    /// Returns the times of both clocks, read together.
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
    /// Fills a buffer with random bytes.
    ///
    /// # Errors
    /// [`MachineError`] if the kernel provides no random bytes.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), MachineError>;
}

/// The agent, as a program sees it that does not run as root. The agent verifies a code of the user who runs the
/// program.
pub trait CodeAgent {
    /// Connects, and says for which service a code is to be verified and what the answer will contain.
    ///
    /// # Errors
    /// [`AgentError`] if the agent does not reply in time, or sends an unexpected reply.
    fn begin(&self, service: &str, field: Field) -> Result<AgentReply, AgentError>;

    /// Sends the answer to the question.
    ///
    /// # Errors
    /// [`AgentError`] if the agent does not reply in time, or sends an unexpected reply.
    fn answer(&self, text: &str) -> Result<AgentReply, AgentError>;
}

/// A reply of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentReply {
    /// The agent asks for a code.
    Asks,
    /// The agent has ended the request. Holds its exit status, and its text without control characters.
    Ended {
        /// The exit status; 0 means that a code was accepted, or that none is needed.
        status: u8,
        /// The text that a user may be shown. If a code was accepted, the number of digits of the code.
        text: String,
    },
}

/// The system log. A log failure never fails a login.
pub trait Journal {
    /// Writes an event to the log, best effort.
    fn note(&self, event: &Event);
}

/// The mail queue. A mail failure never fails a login.
pub trait Outbox {
    /// Queues a notification for the delivery service, best effort. Notifications of some kinds, such as wrong codes,
    /// are merged: while one of them is queued for a user, another one is not queued. Returns whether this
    /// notification, or the one with which it is merged, is queued.
    fn put(&self, notification: &Notification) -> bool;
}
