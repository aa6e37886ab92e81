//! The request and the reply that a client and the daemon `twinlock-fleet` exchange. A client is the PAM module, the
//! agent or the command. `fleet/PROTOCOL.md` describes the transactions that are sent this way.
//!
//! A connection carries one request and one reply. The request begins with [`FLEET_MAGIC`]; after it, and at the start
//! of the reply, is the number of bytes that follow (four bytes). All numbers are big-endian.

use alloc::{string::String, vec::Vec};

use crate::wire::cursor::{Cursor, push_bytes, push_key};

/// Path of the socket of the daemon.
pub const FLEET_SOCKET: &str = "/run/twinlock-fleet/socket";
/// The first eight bytes of a request. The last one is the version of the protocol.
pub const FLEET_MAGIC: [u8; 8] = *b"TWINFLT\x01";
/// Maximum size of a request in bytes, without the magic and the length. A sealed record has at most 66 KiB.
pub const REQUEST_MAX: usize = 128 * 1024;
/// Maximum size of a reply in bytes, without the length. The daemon cuts a longer list and says so
/// ([`FleetReply::more`]).
pub const REPLY_MAX: usize = 1024 * 1024;
/// Maximum number of comparisons, writes or reads of one transaction.
pub const PARTS_MAX: usize = 32;
/// Maximum length of a key in bytes.
pub const KEY_MAX: usize = 200;

/// A request to the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetRequest {
    /// Milliseconds that the client waits for the reply.
    pub patience: u16,
    /// What the daemon is to do.
    pub task: FleetTask,
}

/// What the daemon is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FleetTask {
    /// Run a transaction in the store. The daemon adds the comparison of this host's own entry, so that a store that
    /// was put back to an earlier state is noticed.
    Transact(Transaction),
    /// Report the state of the daemon and of each endpoint, as texts: [`StoreEntry::key`] is a name, such as
    /// `endpoint.https://192.0.2.1:2379`, and [`StoreEntry::value`] is a text.
    State,
    /// Write this host's entry for the first time. Fails with [`FleetOutcome::Refused`] if the entry exists.
    Join,
    /// Take over this host's entry as the store has it, after the store or this host was put back to an earlier state.
    Rejoin,
    /// Delete this host's entry, and stop.
    Leave,
}

/// A transaction: if all comparisons hold, the writes are made. The reads are made in any case, after the writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The comparisons, all of which must hold.
    pub compares: Vec<StoreCompare>,
    /// The writes, each of another key.
    pub writes: Vec<StoreWrite>,
    /// The reads.
    pub reads: Vec<StoreRead>,
}

/// A comparison of one key. Keys are relative to the folder of the fleet in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreCompare {
    /// The key.
    pub key: String,
    /// What must hold for the key.
    pub test: StoreTest,
}

/// What must hold for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreTest {
    /// The key does not exist.
    Absent,
    /// The key was last written by the transaction with this revision.
    Revision(u64),
    /// The key has this value.
    Value(Vec<u8>),
    /// The key has a value that is lower in the order of bytes.
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
        /// Until when the value stays.
        stays: Stay,
        /// Whether the daemon deletes the key again, if it still has this value, when it could not deliver the reply.
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
    /// Until it is deleted.
    Forever,
    /// At least 48 hours, at most 72.
    Days,
    /// About one hour.
    Hour,
}

/// A read of one key, or of all keys that begin with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreRead {
    /// One key.
    Key(String),
    /// Keys with a prefix, in the order of bytes.
    Prefix {
        /// The prefix.
        prefix: String,
        /// Only keys after this one; empty for all.
        after: String,
        /// Maximum number of keys; 0 for as many as the reply has room for.
        limit: u16,
    },
}

/// The reply of the daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FleetReply {
    /// Whether and how the request was carried out.
    pub outcome: FleetOutcome,
    /// Revision of the store after the transaction; 0 if no store answered.
    pub revision: u64,
    /// Whether a list was cut: there are more keys than the reply has.
    pub more: bool,
    /// What was read, in the order of the reads.
    pub entries: Vec<StoreEntry>,
}

/// Whether and how a request was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum FleetOutcome {
    /// The comparisons held, and the writes were made.
    Done = 0,
    /// A comparison did not hold. Nothing was written.
    Refused = 1,
    /// No endpoint answered in time. The writes may or may not have been made.
    #[default]
    Unreachable = 2,
    /// An endpoint did not answer a short time ago, so the store was not asked.
    Busy = 3,
    /// The store has no room. Nothing was written.
    Full = 4,
    /// The store does not accept this host's certificate, user or password.
    Denied = 5,
    /// The store was put back to an earlier state than this host has seen, or this host was.
    RolledBack = 6,
    /// Another machine uses the name of this host.
    Cloned = 7,
    /// This host has not joined the fleet, or has left it.
    NotJoined = 8,
    /// The request does not have the form of a request.
    Malformed = 9,
}

impl FleetOutcome {
    const ALL: [Self; 10] = [
        Self::Done,
        Self::Refused,
        Self::Unreachable,
        Self::Busy,
        Self::Full,
        Self::Denied,
        Self::RolledBack,
        Self::Cloned,
        Self::NotJoined,
        Self::Malformed,
    ];
}

/// A key of the store with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreEntry {
    /// The key, relative to the folder of the fleet.
    pub key: String,
    /// The revision of the transaction that wrote it last.
    pub revision: u64,
    /// The value.
    pub value: Vec<u8>,
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
                FleetTask::Transact(transaction) => {
                    bytes.push(0);
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

    /// Parses a request without its magic and length; `None` if it has another form.
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
            _ => return None,
        };
        cursor.is_at_end().then_some(Self { patience, task })
    }
}

impl Transaction {
    fn push(&self, bytes: &mut Vec<u8>) -> Option<()> {
        push_count(bytes, self.compares.len())?;
        for StoreCompare { key, test } in &self.compares {
            push_key(bytes, key)?;
            match test {
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
        }
        push_count(bytes, self.writes.len())?;
        for write in &self.writes {
            match write {
                StoreWrite::Put { key, value, stays, take_back } => {
                    bytes.push(PUT);
                    push_key(bytes, key)?;
                    push_bytes(bytes, value)?;
                    bytes.extend([*stays as u8, u8::from(*take_back)]);
                }
                StoreWrite::Delete { key } => {
                    bytes.push(DELETE);
                    push_key(bytes, key)?;
                }
            }
        }
        push_count(bytes, self.reads.len())?;
        for read in &self.reads {
            match read {
                StoreRead::Key(key) => {
                    bytes.push(KEY);
                    push_key(bytes, key)?;
                }
                StoreRead::Prefix { prefix, after, limit } => {
                    bytes.push(PREFIX);
                    push_key(bytes, prefix)?;
                    push_key(bytes, after)?;
                    bytes.extend(limit.to_be_bytes());
                }
            }
        }
        Some(())
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let mut found = Self::default();
        for _ in 0..cursor.count(PARTS_MAX)? {
            let key = cursor.key()?;
            let test = match cursor.one()? {
                ABSENT => StoreTest::Absent,
                REVISION => StoreTest::Revision(cursor.eight()?),
                VALUE => StoreTest::Value(cursor.bytes()?),
                BELOW => StoreTest::Below(cursor.bytes()?),
                _ => return None,
            };
            found.compares.push(StoreCompare { key, test });
        }
        for _ in 0..cursor.count(PARTS_MAX)? {
            found.writes.push(match cursor.one()? {
                PUT => StoreWrite::Put {
                    key: cursor.key()?,
                    value: cursor.bytes()?,
                    stays: match cursor.one()? {
                        0 => Stay::Forever,
                        1 => Stay::Days,
                        2 => Stay::Hour,
                        _ => return None,
                    },
                    take_back: cursor.flag()?,
                },
                DELETE => StoreWrite::Delete { key: cursor.key()? },
                _ => return None,
            });
        }
        for _ in 0..cursor.count(PARTS_MAX)? {
            found.reads.push(match cursor.one()? {
                KEY => StoreRead::Key(cursor.key()?),
                PREFIX => StoreRead::Prefix {
                    prefix: cursor.key()?,
                    after: cursor.key()?,
                    limit: cursor.two()?,
                },
                _ => return None,
            });
        }
        Some(found)
    }
}

impl FleetReply {
    /// Returns a reply without entries, for a request that no store has answered.
    #[must_use]
    pub fn of(outcome: FleetOutcome) -> Self {
        Self { outcome, ..Self::default() }
    }

    /// Appends the reply with its length. If it is longer than [`REPLY_MAX`], leaves out the last entries and sets
    /// [`FleetReply::more`].
    pub fn push(&self, bytes: &mut Vec<u8>) {
        // 4 bytes for the number of entries, and 10 before it.
        let mut size = 14;
        let fits = self.entries.iter().take_while(|entry| {
            size += 14 + entry.key.len() + entry.value.len();
            size <= REPLY_MAX
        });
        let kept = fits.count();
        let more = self.more || kept < self.entries.len();
        // It fits: the entries were counted.
        let _ = framed(bytes, REPLY_MAX, |bytes| {
            bytes.push(self.outcome as u8);
            bytes.extend(self.revision.to_be_bytes());
            bytes.push(u8::from(more));
            bytes.extend(u32::try_from(kept).ok()?.to_be_bytes());
            for entry in self.entries.iter().take(kept) {
                push_key(bytes, &entry.key)?;
                bytes.extend(entry.revision.to_be_bytes());
                push_bytes(bytes, &entry.value)?;
            }
            Some(())
        });
    }

    /// Parses a reply without its length; `None` if it has another form.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let outcome = cursor.one()?;
        let outcome = FleetOutcome::ALL.into_iter().find(|one| *one as u8 == outcome)?;
        let mut reply =
            Self { outcome, revision: cursor.eight()?, more: cursor.flag()?, entries: Vec::new() };
        for _ in 0..cursor.four()? {
            let (key, revision) = (cursor.key()?, cursor.eight()?);
            reply.entries.push(StoreEntry { key, revision, value: cursor.bytes()? });
        }
        cursor.is_at_end().then_some(reply)
    }
}

/// Returns the number of bytes that follow the length at the start of `bytes`; `None` if there are fewer than four
/// bytes. The caller compares it with [`REQUEST_MAX`] or [`REPLY_MAX`].
#[must_use]
pub fn length_of(bytes: &[u8]) -> Option<usize> {
    let (length, _) = bytes.split_first_chunk()?;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}

fn push_count(bytes: &mut Vec<u8>, count: usize) -> Option<()> {
    bytes.push(u8::try_from(count).ok().filter(|_| count <= PARTS_MAX)?);
    Some(())
}

/// Appends what `body` appends, with its length in front.
fn framed(
    bytes: &mut Vec<u8>,
    most: usize,
    body: impl FnOnce(&mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    let start = bytes.len();
    bytes.extend([0; 4]);
    body(bytes)?;
    let length = bytes.len().checked_sub(start)?.checked_sub(4).filter(|length| *length <= most)?;
    let length = u32::try_from(length).ok()?.to_be_bytes();
    bytes.iter_mut().skip(start).zip(length).for_each(|(to, from)| *to = from);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn whole() -> Transaction {
        let compare = |test| StoreCompare { key: "r/00ff".into(), test };
        let put = |stays, take_back| StoreWrite::Put {
            key: "l/00ff/try/1".into(),
            value: vec![0, 255],
            stays,
            take_back,
        };
        Transaction {
            compares: vec![
                compare(StoreTest::Absent),
                compare(StoreTest::Revision(u64::MAX)),
                compare(StoreTest::Value(vec![1; 300])),
                compare(StoreTest::Below(Vec::new())),
            ],
            writes: vec![
                put(Stay::Forever, false),
                put(Stay::Days, true),
                put(Stay::Hour, false),
                StoreWrite::Delete { key: "l/å".into() },
            ],
            reads: vec![
                StoreRead::Key("meta".into()),
                StoreRead::Prefix { prefix: "l/".into(), after: String::new(), limit: 7 },
            ],
        }
    }

    #[test]
    fn requests_come_back_and_no_part_of_one_does() {
        let tasks = [
            FleetTask::Transact(whole()),
            FleetTask::Transact(Transaction::default()),
            FleetTask::State,
            FleetTask::Join,
            FleetTask::Rejoin,
            FleetTask::Leave,
        ];
        for task in tasks {
            let request = FleetRequest { patience: 3000, task };
            let mut bytes = Vec::new();
            request.push(&mut bytes).unwrap();
            let body = bytes.strip_prefix(&FLEET_MAGIC).unwrap();
            assert_eq!(length_of(body), Some(body.len() - 4));
            assert_eq!(FleetRequest::read(&body[4..]), Some(request));
            for cut in 4..body.len() {
                assert_eq!(FleetRequest::read(&body[4..cut]), None, "{cut}");
            }
            assert_eq!(FleetRequest::read(&[&body[4..], &[0]].concat()), None);
        }
    }

    #[test]
    fn what_is_too_large_is_not_written() {
        let mut bytes = vec![7];
        let value = vec![0; REQUEST_MAX];
        let compare = StoreCompare { key: String::new(), test: StoreTest::Value(value) };
        let long = StoreCompare { key: "k".repeat(KEY_MAX + 1), test: StoreTest::Absent };
        let many = vec![StoreCompare { key: String::new(), test: StoreTest::Absent }; 33];
        for compares in [vec![compare], vec![long], many] {
            let transaction = Transaction { compares, ..Transaction::default() };
            let task = FleetTask::Transact(transaction);
            assert_eq!(FleetRequest { patience: 0, task }.push(&mut bytes), None);
            assert_eq!(bytes, [7]);
        }
    }

    #[test]
    fn replies_come_back_and_long_ones_are_cut() {
        let entry = StoreEntry { key: "r/1".into(), revision: 9, value: vec![3; 1000] };
        for count in [0, 1, 2000] {
            let mut reply = FleetReply {
                outcome: FleetOutcome::Done,
                revision: 5,
                more: false,
                entries: vec![entry.clone(); count],
            };
            let mut bytes = Vec::new();
            reply.push(&mut bytes);
            assert_eq!(length_of(&bytes), Some(bytes.len() - 4));
            assert!(bytes.len() <= REPLY_MAX + 4);
            let found = FleetReply::read(&bytes[4..]).unwrap();
            reply.more = count == 2000;
            reply.entries.truncate(found.entries.len());
            assert_eq!(found, reply);
            assert_eq!(found.more, found.entries.len() < count);
            assert_eq!(FleetReply::read(&bytes[4..bytes.len() - 1]), None);
        }
        assert_eq!(FleetReply::read(&[10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}
