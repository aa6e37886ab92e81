//! The entry of this host in the store, `hosts/HOST`: what the daemon knows of the entry, and how it interprets an
//! answer of the store. The entry reveals whether the store was restored to an earlier state, and whether another
//! machine uses the name of this host.

use std::collections::VecDeque;

use twinlock_core::wire::fleet::{FleetOutcome, StoreEntry};

use crate::entry_value;

/// Maximum number of values of this host that are remembered. An answer may contain an older value than the last one.
const RECENT: usize = 16;

/// Why the daemon carries out no transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryStop {
    /// The store's entry is older than this host's last write, or is missing.
    RolledBack,
    /// The entry was written by another machine, or by this one before it was restored to an earlier state.
    Cloned,
}

impl EntryStop {
    /// Returns the outcome with which requests are refused.
    pub(crate) fn outcome(self) -> FleetOutcome {
        match self {
            Self::RolledBack => FleetOutcome::RolledBack,
            Self::Cloned => FleetOutcome::Cloned,
        }
    }
}

/// What the daemon knows of this host's entry in the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct EntryState {
    /// Revision of the last confirmed write; 0 if this host is not in the fleet.
    pub(crate) revision: u64,
    /// Number of the last write. Each new value contains a higher number.
    pub(crate) counter: u64,
    /// The value of a write whose outcome is unknown; `None` if there is no such write.
    pub(crate) intended: Option<String>,
    /// Why the daemon carries out no transactions; `None` if it carries them out.
    pub(crate) stop: Option<EntryStop>,
    recent: VecDeque<String>,
    /// Counts how often this host has joined, rejoined or left. An answer to a request from before such a change is
    /// ignored.
    generation: u64,
}

/// The comparison of this host's entry, which every transaction contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryGuard {
    /// The entry must not be older than this revision.
    pub(crate) revision: u64,
    generation: u64,
}

/// A write of this host's entry. It succeeds only if the entry still has the revision of the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryWrite {
    /// The expected state of the entry; its revision is 0 if the entry must not exist.
    pub(crate) guard: EntryGuard,
    /// The new value.
    pub(crate) value: String,
}

/// The answer of the store to a write of this host's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryAnswer {
    /// The entry was written, with this revision.
    Written(u64),
    /// The entry was not written. Contains the store's entry; `None` if there is none.
    Found(Option<StoreEntry>),
}

/// Why the store has refused a transaction, as this host's entry in the store shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum GuardVerdict {
    /// The entry is as expected, so another comparison was false.
    Held,
    /// This host has joined, rejoined or left meanwhile, so the transaction must be sent again.
    Outdated,
    /// The daemon carries out no more transactions. The flag is `true` if this answer is the first that shows it.
    Stopped(EntryStop, bool),
}

impl EntryState {
    /// Returns the state after a restart, from the values in the state directory.
    pub(crate) fn restored(
        revision: u64,
        counter: u64,
        intended: Option<String>,
        stop: Option<EntryStop>,
    ) -> Self {
        let recent = intended.iter().cloned().collect();
        Self { revision, counter, intended, stop, recent, generation: 0 }
    }

    fn here(&self) -> EntryGuard {
        EntryGuard { revision: self.revision, generation: self.generation }
    }

    /// Returns the comparison of this host's entry, which every transaction must contain.
    ///
    /// # Errors
    /// The outcome of the transaction, if this host must not carry it out.
    pub(crate) fn guard(&self) -> Result<EntryGuard, FleetOutcome> {
        match self.stop {
            Some(stop) => Err(stop.outcome()),
            None if self.revision == 0 => Err(FleetOutcome::NotJoined),
            None => Ok(self.here()),
        }
    }

    /// Decides why the store has refused a transaction. `entry` is this host's entry, which the transaction has read;
    /// `None` if the store has none.
    pub(crate) fn judge(&mut self, guard: EntryGuard, entry: Option<&StoreEntry>) -> GuardVerdict {
        if guard.generation != self.generation {
            return GuardVerdict::Outdated;
        }
        if let Some(stop) = self.stop {
            return GuardVerdict::Stopped(stop, false);
        }
        let stop = match entry {
            Some(entry) if entry.revision < guard.revision => EntryStop::RolledBack,
            Some(entry) if entry.revision == guard.revision || self.wrote(&entry.value) => {
                return GuardVerdict::Held;
            }
            Some(_) => EntryStop::Cloned,
            None => EntryStop::RolledBack,
        };
        self.stop = Some(stop);
        GuardVerdict::Stopped(stop, true)
    }

    fn wrote(&self, value: &[u8]) -> bool {
        self.recent.iter().any(|own| own.as_bytes() == value)
    }

    /// Begins a write of this host's entry. Repeats a write whose outcome is unknown; otherwise, `fresh` returns the
    /// value for the next number. Returns `None` if this host has stopped or is not in the fleet.
    pub(crate) fn begin_write(&mut self, fresh: impl FnOnce(u64) -> String) -> Option<EntryWrite> {
        self.guard().ok()?;
        Some(self.begin(fresh))
    }

    /// Begins the first write of this host's entry. Returns `None` if this host has joined already.
    pub(crate) fn begin_join(&mut self, fresh: impl FnOnce(u64) -> String) -> Option<EntryWrite> {
        (self.revision == 0).then(|| self.begin(fresh))
    }

    fn begin(&mut self, fresh: impl FnOnce(u64) -> String) -> EntryWrite {
        let value = self.intended.take().unwrap_or_else(|| {
            self.counter = self.counter.saturating_add(1);
            fresh(self.counter)
        });
        if !self.recent.contains(&value) {
            self.recent.push_back(value.clone());
        }
        while self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        self.intended = Some(value.clone());
        EntryWrite { guard: self.here(), value }
    }

    /// Processes the answer to a write of this host's entry. If this answer shows that the daemon must carry out no
    /// more transactions, returns the reason; otherwise `None`.
    pub(crate) fn settle(&mut self, write: &EntryWrite, answer: &EntryAnswer) -> Option<EntryStop> {
        if write.guard.generation != self.generation || self.stop.is_some() {
            return None;
        }
        match answer {
            EntryAnswer::Written(revision) => self.confirm(*revision),
            EntryAnswer::Found(Some(entry)) if entry.value == write.value.as_bytes() => {
                // An earlier copy of this write was made, and its answer was lost.
                self.confirm(entry.revision);
            }
            EntryAnswer::Found(Some(entry)) if entry.revision >= self.revision => {
                self.stop = Some(EntryStop::Cloned);
            }
            EntryAnswer::Found(_) => self.stop = Some(EntryStop::RolledBack),
        }
        self.stop
    }

    fn confirm(&mut self, revision: u64) {
        self.revision = revision;
        self.intended = None;
    }

    /// Processes the answer to the first write of this host's entry. Returns whether this host is in the fleet now.
    pub(crate) fn settle_join(&mut self, write: &EntryWrite, answer: &EntryAnswer) -> bool {
        let revision = match answer {
            EntryAnswer::Written(revision) => Some(*revision),
            EntryAnswer::Found(Some(entry)) if entry.value == write.value.as_bytes() => {
                Some(entry.revision)
            }
            EntryAnswer::Found(_) => None,
        };
        self.generation = self.generation.saturating_add(1);
        self.intended = None;
        self.stop = None;
        self.revision = revision.unwrap_or_default();
        revision.is_some()
    }

    /// Accepts this host's entry as it is in the store. If the daemon had stopped carrying out transactions, it carries
    /// them out again.
    pub(crate) fn adopt(&mut self, entry: &StoreEntry) {
        let counter = entry_value::counter_of(&entry.value).max(self.counter);
        let generation = self.generation.saturating_add(1);
        *self = Self { revision: entry.revision, counter, generation, ..Self::default() };
    }

    /// Forgets everything about this host's entry, because this host has left the fleet.
    pub(crate) fn leave(&mut self) {
        let generation = self.generation.saturating_add(1);
        *self = Self { generation, ..Self::default() };
    }
}

#[cfg(test)]
mod tests;
