//! The reply of the daemon `twinlock-fleet`.

use alloc::{string::String, vec::Vec};

use crate::wire::cursor::{Cursor, framed, push_bytes, push_key};

/// Maximum size of a reply in bytes, without the length field. The daemon shortens a longer list and sets
/// [`FleetReply::more`].
pub const REPLY_MAX: usize = 1024 * 1024;

/// The reply of the daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FleetReply {
    /// Whether the request was carried out; otherwise, why not.
    pub outcome: FleetOutcome,
    /// Revision of the store after the transaction; 0 if no store answered.
    pub revision: u64,
    /// Whether a list was shortened, so that the store has more matching keys than this reply.
    pub more: bool,
    /// The entries that were read, in the order of the reads.
    pub entries: Vec<StoreEntry>,
}

/// Whether a request was carried out; otherwise, why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum FleetOutcome {
    /// All comparisons were true, and the writes were made.
    Done = 0,
    /// A comparison was false, or the entry of this host did not allow the request. Nothing was written.
    Refused = 1,
    /// No endpoint answered in time. The writes may or may not have been made.
    #[default]
    Unreachable = 2,
    /// The store was not asked, because it failed to answer a short time ago or too many requests wait.
    Busy = 3,
    /// The database of the store is full. Nothing was written.
    Full = 4,
    /// The store does not accept this host's certificate, user or password.
    Denied = 5,
    /// The store, or this host, was restored to an earlier state.
    RolledBack = 6,
    /// Another machine uses the name of this host.
    Cloned = 7,
    /// This host has not joined the fleet, or has left it.
    NotJoined = 8,
    /// The request is malformed.
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
    /// The revision of the transaction that wrote the entry last.
    pub revision: u64,
    /// The value.
    pub value: Vec<u8>,
}

impl FleetReply {
    /// Returns a reply that consists of an outcome only.
    #[must_use]
    pub fn of(outcome: FleetOutcome) -> Self {
        Self { outcome, ..Self::default() }
    }

    /// Appends the reply with its length in front. If the reply is longer than [`REPLY_MAX`], omits the last entries
    /// and sets [`FleetReply::more`].
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

    /// Parses a reply without its length field; `None` if it is malformed.
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
