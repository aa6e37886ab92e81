//! The request and the reply between a client and the daemon `twinlock-fleet`. A client is the PAM module, the agent or
//! the command. `fleet/PROTOCOL.md` describes the transactions in the requests.
//!
//! A connection carries one request and one reply. A request consists of [`FLEET_MAGIC`], the number of the following
//! bytes (four bytes) and these bytes. A reply has the same form without the magic. All numbers are big-endian.

mod reply;
#[cfg(test)]
mod tests;

use alloc::{string::String, vec::Vec};

pub use crate::wire::cursor::KEY_MAX;
pub use reply::{FleetOutcome, FleetReply, REPLY_MAX, StoreEntry};

use crate::wire::cursor::{Cursor, framed, push_bytes, push_key};

/// Path of the socket of the daemon.
pub const FLEET_SOCKET: &str = "/run/twinlock-fleet/socket";
/// The first eight bytes of a request. The last of them is the version of the protocol.
pub const FLEET_MAGIC: [u8; 8] = *b"TWINFLT\x01";
/// Maximum size of a request in bytes, without the magic and the length field. A sealed record has at most 66 KiB.
pub const REQUEST_MAX: usize = 128 * 1024;
/// Maximum number of comparisons, writes or reads of one transaction.
pub const PARTS_MAX: usize = 32;

/// A request to the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetRequest {
    /// Time in milliseconds for which the client waits for the reply.
    pub patience: u16,
    /// What the daemon is to do.
    pub task: FleetTask,
}

/// What the daemon is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FleetTask {
    /// Run a transaction in the store. The daemon adds a comparison of this host's own entry, which detects a store
    /// that was restored to an earlier state.
    Transact(Transaction),
    /// Report the state of the daemon and of each endpoint. Each [`StoreEntry::key`] of the reply is a name, such as
    /// `endpoint.https://192.0.2.1:2379`, and each [`StoreEntry::value`] is a text.
    State,
    /// Write this host's entry for the first time. Fails with [`FleetOutcome::Refused`] if the entry exists.
    Join,
    /// Accept this host's entry as it is in the store, after the store or this host was restored to an earlier state.
    Rejoin,
    /// Delete this host's entry, and carry out no more transactions.
    Leave,
    /// Read, before this host joins. The transaction has reads only. Fails with [`FleetOutcome::Refused`] if the store
    /// has an entry of this host, or this host has joined already.
    Preview(Transaction),
}

/// A transaction: if all comparisons are true, the writes are made. The reads are made in any case, after the writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The comparisons. If one is false, nothing is written.
    pub compares: Vec<StoreCompare>,
    /// The writes. Each has another key.
    pub writes: Vec<StoreWrite>,
    /// The reads.
    pub reads: Vec<StoreRead>,
}

/// A comparison of one key. Keys are relative to the folder of the fleet in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreCompare {
    /// The key.
    pub key: String,
    /// The test that the key must pass.
    pub test: StoreTest,
}

/// A test of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreTest {
    /// The key does not exist.
    Absent,
    /// The key was last written by the transaction with this revision. A key that does not exist has the revision 0.
    Revision(u64),
    /// The key has this value.
    Value(Vec<u8>),
    /// The key has a value that sorts before this one in the order of bytes.
    Below(Vec<u8>),
}

/// A write of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreWrite {
    /// Store a value.
    Put {
        /// The key.
        key: String,
        /// The value.
        value: Vec<u8>,
        /// How long the store keeps the value.
        stays: Stay,
        /// Whether the daemon deletes the written key if the client gets no reply or does not learn the outcome. The
        /// daemon keeps the key if it has another value by then.
        take_back: bool,
    },
    /// Delete the key.
    Delete {
        /// The key.
        key: String,
    },
}

/// How long a value stays in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// The value stays until it is deleted.
    Forever,
    /// The value stays for at least 48 hours, and at most 72 hours.
    Days,
    /// The value stays for at least one hour, and at most two hours.
    Hour,
}

/// A read of one key, or of all keys with a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreRead {
    /// One key.
    Key(String),
    /// Keys with a prefix, in the order of bytes.
    Prefix {
        /// The prefix.
        prefix: String,
        /// Only keys that sort after this one; empty for all.
        after: String,
        /// Maximum number of keys; 0 for as many as the reply has room for.
        limit: u16,
    },
}

const ABSENT: u8 = 0;
const REVISION: u8 = 1;
const VALUE: u8 = 2;
const BELOW: u8 = 3;
const PUT: u8 = 0;
const DELETE: u8 = 1;
const KEY: u8 = 0;
const PREFIX: u8 = 1;

impl FleetRequest {
    /// Appends the request with its magic and length. Returns `None`, and appends nothing, if it is longer than
    /// [`REQUEST_MAX`] or has more than [`PARTS_MAX`] comparisons, writes or reads.
    #[must_use]
    pub fn push(&self, bytes: &mut Vec<u8>) -> Option<()> {
        let start = bytes.len();
        bytes.extend(FLEET_MAGIC);
        let done = framed(bytes, REQUEST_MAX, |bytes| {
            bytes.extend(self.patience.to_be_bytes());
            match &self.task {
                FleetTask::Transact(transaction) | FleetTask::Preview(transaction) => {
                    bytes.push(if matches!(self.task, FleetTask::Preview(_)) { 5 } else { 0 });
                    transaction.push(bytes)?;
                }
                FleetTask::State => bytes.push(1),
                FleetTask::Join => bytes.push(2),
                FleetTask::Rejoin => bytes.push(3),
                FleetTask::Leave => bytes.push(4),
            }
            Some(())
        });
        if done.is_none() {
            bytes.truncate(start);
        }
        done
    }

    /// Parses a request without its magic and length field; `None` if it is malformed.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let patience = cursor.two()?;
        let task = match cursor.one()? {
            0 => FleetTask::Transact(Transaction::read(&mut cursor)?),
            1 => FleetTask::State,
            2 => FleetTask::Join,
            3 => FleetTask::Rejoin,
            4 => FleetTask::Leave,
            5 => FleetTask::Preview(Transaction::read(&mut cursor)?),
            _ => return None,
        };
        cursor.is_at_end().then_some(Self { patience, task })
    }
}

impl Transaction {
    fn push(&self, bytes: &mut Vec<u8>) -> Option<()> {
        push_count(bytes, self.compares.len())?;
        self.compares.iter().try_for_each(|compare| compare.push(bytes))?;
        push_count(bytes, self.writes.len())?;
        self.writes.iter().try_for_each(|write| write.push(bytes))?;
        push_count(bytes, self.reads.len())?;
        self.reads.iter().try_for_each(|read| read.push(bytes))
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let mut found = Self::default();
        for _ in 0..cursor.count(PARTS_MAX)? {
            found.compares.push(StoreCompare::read(cursor)?);
        }
        for _ in 0..cursor.count(PARTS_MAX)? {
            found.writes.push(StoreWrite::read(cursor)?);
        }
        for _ in 0..cursor.count(PARTS_MAX)? {
            found.reads.push(StoreRead::read(cursor)?);
        }
        Some(found)
    }
}

impl StoreCompare {
    fn push(&self, bytes: &mut Vec<u8>) -> Option<()> {
        push_key(bytes, &self.key)?;
        match &self.test {
            StoreTest::Absent => bytes.push(ABSENT),
            StoreTest::Revision(revision) => {
                bytes.push(REVISION);
                bytes.extend(revision.to_be_bytes());
            }
            StoreTest::Value(value) => {
                bytes.push(VALUE);
                push_bytes(bytes, value)?;
            }
            StoreTest::Below(value) => {
                bytes.push(BELOW);
                push_bytes(bytes, value)?;
            }
        }
        Some(())
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let key = cursor.key()?;
        let test = match cursor.one()? {
            ABSENT => StoreTest::Absent,
            REVISION => StoreTest::Revision(cursor.eight()?),
            VALUE => StoreTest::Value(cursor.bytes()?),
            BELOW => StoreTest::Below(cursor.bytes()?),
            _ => return None,
        };
        Some(Self { key, test })
    }
}

impl StoreWrite {
    fn push(&self, bytes: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Put { key, value, stays, take_back } => {
                bytes.push(PUT);
                push_key(bytes, key)?;
                push_bytes(bytes, value)?;
                bytes.extend([*stays as u8, u8::from(*take_back)]);
            }
            Self::Delete { key } => {
                bytes.push(DELETE);
                push_key(bytes, key)?;
            }
        }
        Some(())
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        match cursor.one()? {
            PUT => Some(Self::Put {
                key: cursor.key()?,
                value: cursor.bytes()?,
                stays: match cursor.one()? {
                    0 => Stay::Forever,
                    1 => Stay::Days,
                    2 => Stay::Hour,
                    _ => return None,
                },
                take_back: cursor.flag()?,
            }),
            DELETE => Some(Self::Delete { key: cursor.key()? }),
            _ => None,
        }
    }
}

impl StoreRead {
    fn push(&self, bytes: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Key(key) => {
                bytes.push(KEY);
                push_key(bytes, key)?;
            }
            Self::Prefix { prefix, after, limit } => {
                bytes.push(PREFIX);
                push_key(bytes, prefix)?;
                push_key(bytes, after)?;
                bytes.extend(limit.to_be_bytes());
            }
        }
        Some(())
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        match cursor.one()? {
            KEY => cursor.key().map(Self::Key),
            PREFIX => Some(Self::Prefix {
                prefix: cursor.key()?,
                after: cursor.key()?,
                limit: cursor.two()?,
            }),
            _ => None,
        }
    }
}

/// Returns the length field at the start of `bytes`, which is the number of bytes that follow it; `None` if `bytes` has
/// fewer than four bytes. The caller compares the length with [`REQUEST_MAX`] or [`REPLY_MAX`].
#[must_use]
pub fn length_of(bytes: &[u8]) -> Option<usize> {
    let (length, _) = bytes.split_first_chunk()?;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}

fn push_count(bytes: &mut Vec<u8>, count: usize) -> Option<()> {
    bytes.push(u8::try_from(count).ok().filter(|_| count <= PARTS_MAX)?);
    Some(())
}
