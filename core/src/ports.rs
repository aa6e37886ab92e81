//! The ports: what core asks of the machine. Each may fail, and a failure never says yes.

use alloc::{boxed::Box, string::String, vec::Vec};

use zeroize::Zeroizing;

pub use crate::{account::Membership, record::Snapshot};
use crate::{
    account::{Account, Folder},
    code_set::{CodeSet, Digest, Recipe, Shape},
    event::Event,
    fault::{CommitFault, LedgerFault, LookupFault, MachineFault, StoreFault},
    ledger::{Capacity, Horizon},
    letter::Letter,
    policy::Echo,
    record::{Record, SetId},
    request::SourceLabel,
    secret::Typed,
    time::{Now, UnixTime},
};

/// All ports of a dialogue.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The records.
    pub records: &'a dyn Records,
    /// The sets of one-time codes.
    pub codes: &'a dyn Codes,
    /// The ledger.
    pub ledger: &'a dyn Ledger,
    /// The person.
    pub conversation: &'a dyn Conversation,
    /// The clocks.
    pub clock: &'a dyn Clock,
    /// NSS.
    pub accounts: &'a dyn Accounts,
    /// The log.
    pub journal: &'a dyn Journal,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
    /// Mail to people.
    pub outbox: &'a dyn Outbox,
}

/// The records of all people.
pub trait Records {
    /// The newest record of an account; nothing only where its absence is proven.
    ///
    /// # Errors
    /// [`StoreFault`] for everything that proves neither.
    fn newest(&self, account: &Account) -> Result<Option<Snapshot>, StoreFault>;

    /// Whether a snapshot is still the newest record, and the very file that it was read from.
    ///
    /// # Errors
    /// [`StoreFault`] when that cannot be said.
    fn is_newest(&self, folder: &Folder, snapshot: &Snapshot) -> Result<bool, StoreFault>;

    /// Writes a record durably as the successor of a snapshot, 0 for the first.
    ///
    /// # Errors
    /// [`CommitFault`]; the old record then stands, unless the store failed, or others went on, behind the new one's
    /// name. The newest record says which.
    fn commit(&self, folder: &Folder, after: u64, record: &Record) -> Result<(), CommitFault>;

    /// As [`Records::newest`], and by the same calls whether there is such an account, and a record of it, or not.
    ///
    /// Besides, a record of nobody that a code can be held against in vain.
    fn newest_alike(
        &self,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreFault>, Option<Snapshot>);

    /// Notes how many failures in a row there are where there were `counted.0`, as well as it goes; where both are the
    /// same, nothing but the calls are made. Without a folder it is nobody's note.
    fn note_failures(&self, folder: Option<&Folder>, counted: (u32, u32), now: UnixTime);

    /// Forgets how many failures in a row there were, as well as it goes.
    fn forget_failures(&self, folder: &Folder);

    /// Notes a source as known, as well as it goes.
    fn remember_source(&self, folder: &Folder, source: &SourceLabel, now: UnixTime);

    /// Notes how far the wall clock has come, as well as it goes.
    fn mark_clock(&self, now: Now);
}

/// The sets of one-time codes, and which of their codes were spent.
pub trait Codes {
    /// Reads a set.
    ///
    /// # Errors
    /// [`StoreFault`] where it is not there, or proves nothing.
    fn set(&self, folder: &Folder, id: SetId) -> Result<CodeSet, StoreFault>;

    /// As [`Codes::set`], by the same calls for everybody; without anybody it is a set that nobody has a code of.
    ///
    /// # Errors
    /// As [`Codes::set`].
    fn set_alike(&self, of: Option<(&Folder, SetId)>) -> Result<CodeSet, StoreFault>;

    /// The places of the codes that were spent.
    ///
    /// # Errors
    /// [`StoreFault`] when they cannot be listed.
    fn spent(&self, folder: &Folder, id: SetId) -> Result<Vec<u8>, StoreFault>;

    /// Spends the code at a place of a set, once and for good: durably, before this returns.
    ///
    /// # Errors
    /// [`StoreFault`] when that cannot be written down; the code is then not spent, as far as the machine can help it.
    fn spend(
        &self,
        folder: &Folder,
        code: (SetId, u8),
        now: UnixTime,
    ) -> Result<Creation, StoreFault>;

    /// Hashes a code by Argon2id.
    ///
    /// # Errors
    /// [`MachineFault`] where there is no memory for it.
    fn digest(&self, code: &str, recipe: &Recipe) -> Result<Digest, MachineFault>;

    /// Writes the hashes of 1 to [`CODES_MAX`](crate::code_set::CODES_MAX) codes durably, for a record that is then to
    /// name the set. Two that are the same become one.
    ///
    /// # Errors
    /// [`CommitFault`]; nothing names the set then, so that nothing has changed. [`StoreFault::Malformed`] with the
    /// number of the first one, counted from 1, that is no code of the shape.
    fn lay_down(
        &self,
        folder: &Folder,
        shape: Shape,
        codes: &[Zeroizing<String>],
    ) -> Result<SetId, CommitFault>;

    /// Erases a set that was laid down and that no record names, as well as it goes.
    fn take_away(&self, folder: &Folder, id: SetId);
}

/// Whose names in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seat {
    /// An account's.
    Account(Folder),
    /// One of 256 that names without an account share.
    Bucket(u8),
}

impl Seat {
    /// The seat of a login. Names without an account share 256 places, so that a stranger cannot fill the ledger.
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
    /// Opens one person's names.
    ///
    /// # Errors
    /// [`LedgerFault`] where the ledger is not what it must be.
    fn open(&self, seat: &Seat) -> Result<Box<dyn Shelf + '_>, LedgerFault>;

    /// As [`Ledger::open`], by the same calls whether the names were there or not. In the [reserve](crate::reserve) it
    /// opens one folder for everybody.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    fn open_alike(&self, seat: &Seat) -> Result<Box<dyn Shelf + '_>, LedgerFault>;

    /// Returns how many names the ledger can still take.
    ///
    /// # Errors
    /// [`LedgerFault`] when the file system does not say.
    fn capacity(&self) -> Result<Capacity, LedgerFault>;

    /// What the ledger knows nothing about; begins an epoch where there is none.
    ///
    /// # Errors
    /// [`LedgerFault`] when no epoch can be read or begun.
    fn floor(&self, now: Now) -> Result<Horizon, LedgerFault>;

    /// Names this boot, as the epoch does.
    ///
    /// # Errors
    /// [`LedgerFault`] when the kernel does not say.
    fn boot_id(&self) -> Result<String, LedgerFault>;
}

/// One person's names in the ledger: each is created by one process only, and carries a short text.
pub trait Shelf {
    /// Creates a name.
    ///
    /// # Errors
    /// [`LedgerFault`] when it could not be created for another reason than that it exists.
    fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerFault>;

    /// All names.
    ///
    /// # Errors
    /// [`LedgerFault`] when they cannot be listed, or are too many.
    fn names(&self) -> Result<Vec<String>, LedgerFault>;

    /// The text of a name; nothing when it is gone.
    ///
    /// # Errors
    /// [`LedgerFault`] when it cannot be read.
    fn content(&self, name: &str) -> Result<Option<String>, LedgerFault>;

    /// Erases a name, as well as it goes.
    fn erase(&self, name: &str);
}

/// Whether this process made a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Creation {
    /// It did.
    Made,
    /// Another one had.
    Taken,
}

/// The person on the other side.
pub trait Conversation {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`ConversationFault`] when no answer came.
    fn ask(&self, text: &str, echo: Echo) -> Result<Typed, ConversationFault>;

    /// Says something, as well as it goes.
    fn tell(&self, text: &str);

    /// Says why somebody does not get in, behind which nothing more is asked. Where words without a question would be
    /// garbled on their way, `question` stands behind them, and whatever is answered changes nothing.
    fn say_last(&self, words: &str, question: &str) {
        let _ = question;
        self.tell(words);
    }

    /// Shows something that the next question is about: it comes right before it, and may be longer than a prompt.
    fn show(&self, text: &str) {
        self.tell(text);
    }

    /// Returns whether what is shown stands on a terminal, where a QR code can be scanned.
    fn is_terminal(&self) -> bool {
        true
    }

    /// Hands a part of the last answer on to the line that comes next, where one waits for it. Unless this is called,
    /// nothing is.
    fn hand_on(&self, _: Part) {}
}

/// A part of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it: no code was asked for.
    Whole,
    /// All but so many bytes at its end, which were the code.
    AllBut(usize),
}

/// No answer came: the line was cut, or there is nobody to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationFault;

/// The clocks.
pub trait Clock {
    /// Both at one instant.
    ///
    /// # Errors
    /// [`MachineFault`] when one does not answer, or stands before 1970.
    fn now(&self) -> Result<Now, MachineFault>;
}

/// NSS.
pub trait Accounts {
    /// The account of a name; nothing where NSS says that there is none.
    ///
    /// # Errors
    /// [`LookupFault`] when NSS did not answer.
    fn by_name(&self, name: &str) -> Result<Option<Account>, LookupFault>;

    /// Whether an account is in a group.
    ///
    /// # Errors
    /// [`LookupFault`] when NSS did not answer.
    fn membership(&self, account: &Account, group: &str) -> Result<Membership, LookupFault>;

    /// What this machine is called, for the app's list; never empty.
    fn host_name(&self) -> String;

    /// Returns the effective user id of the calling program; asked only where something could not be read or written.
    fn caller(&self) -> u32 {
        0
    }
}

/// Randomness of the kernel.
pub trait Entropy {
    /// Fills a buffer.
    ///
    /// # Errors
    /// [`MachineFault`] when the kernel gives none.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), MachineFault>;
}

/// The log, which cannot fail a login.
pub trait Journal {
    /// Notes an event.
    fn note(&self, event: &Event);
}

/// Mail to people, which cannot fail a login.
pub trait Outbox {
    /// Puts a letter where a service will find it; where one of this kind waits already, it says enough.
    fn put(&self, letter: &Letter);
}
