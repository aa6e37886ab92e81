//! The entry of this host in the store, `hosts/HOST`: what is known of it, and what an answer of the store says about it.
//! If the store was put back to an earlier state, or another machine uses the name of this host, the entry shows it.

use std::collections::VecDeque;

use twinlock_core::wire::fleet::{FleetOutcome, StoreEntry};

use crate::entry_value;

/// Maximum number of own values that are remembered. An answer may be older than the last write.
const RECENT: usize = 16;

/// Why the daemon carries out no transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryStop {
    /// The store has an earlier entry than this host has written, or none.
    RolledBack,
    /// The entry was written by another machine, or by this one before it was put back to an earlier state.
    Cloned,
}

impl EntryStop {
    /// Returns the outcome of requests.
    pub(crate) fn outcome(self) -> FleetOutcome {
        match self {
            Self::RolledBack => FleetOutcome::RolledBack,
            Self::Cloned => FleetOutcome::Cloned,
        }
    }
}

/// What is known of the entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct EntryState {
    /// Revision of the last write; 0 if this host is not in the fleet.
    pub(crate) revision: u64,
    /// Number of the last write.
    pub(crate) counter: u64,
    /// The value of a write whose outcome is not known.
    pub(crate) intended: Option<String>,
    /// Why the daemon carries out no transactions; `None` if it does.
    pub(crate) stop: Option<EntryStop>,
    recent: VecDeque<String>,
    /// Counts how often this host has joined and left. An answer from before says nothing about now.
    generation: u64,
}

/// What a transaction compares the entry with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryGuard {
    /// The entry must not be older than this revision.
    pub(crate) revision: u64,
    generation: u64,
}

/// A write of the entry: it succeeds if the last write is that of the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryWrite {
    /// The last write; its revision is 0 if the entry must not exist.
    pub(crate) guard: EntryGuard,
    /// The new value.
    pub(crate) value: String,
}

/// What the store has answered to a write of the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryAnswer {
    /// It was made, with this revision.
    Written(u64),
    /// It was not made. The entry, if there is one.
    Found(Option<StoreEntry>),
}

/// What a transaction that was not carried out says about the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum GuardVerdict {
    /// The entry is as it should be, so another comparison did not hold.
    Held,
    /// This host has joined or left meanwhile: ask again.
    Outdated,
    /// The daemon carries out no transactions any more. The flag says whether this answer is the first to show it.
    Stopped(EntryStop, bool),
}

impl EntryState {
    /// Returns the state that a text of the state directory describes, after a restart.
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

    /// Returns what a transaction compares the entry with.
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

    /// Decides what the entry says that a transaction has read, which was not carried out.
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

    /// Begins a write of the entry. A write whose outcome is not known is repeated; else `fresh` returns the value for
    /// a number. Returns `None` if this host must not write.
    pub(crate) fn begin_write(&mut self, fresh: impl FnOnce(u64) -> String) -> Option<EntryWrite> {
        self.guard().ok()?;
        Some(self.begin(fresh))
    }

    /// Begins the first write of the entry. Returns `None` if this host has joined.
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

    /// Takes the answer to a write. Returns why the daemon stops, if this answer shows it.
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

    /// Takes the answer to the first write. Returns whether this host is in the fleet now.
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

    /// Takes over the entry as the store has it, and ends a stop.
    pub(crate) fn adopt(&mut self, entry: &StoreEntry) {
        let counter = entry_value::counter_of(&entry.value).max(self.counter);
        let generation = self.generation.saturating_add(1);
        *self = Self { revision: entry.revision, counter, generation, ..Self::default() };
    }

    /// Forgets the entry.
    pub(crate) fn leave(&mut self) {
        let generation = self.generation.saturating_add(1);
        *self = Self { generation, ..Self::default() };
    }
}

#[cfg(test)]
mod tests;
