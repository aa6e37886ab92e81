//! The records of this host and those of the store, side by side. Nothing is written.

use std::collections::{HashMap, HashSet};

use twinlock_core::{
    base::error::{FleetError, StoreError},
    record::{Record, text as form},
    wire::fleet::StoreEntry,
};

use crate::fleet::{
    membership::{FleetMembership, LocalUser},
    names::{RECORDS, StoreName},
    seal::{self, SealedKind, SealedPlace},
};

/// What the sequence numbers of this host mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareView {
    /// This host joins: its numbers are its own, so that two records with different generations are a conflict.
    Joins,
    /// This host is in the fleet: the record with the higher number is the newer one.
    IsMember,
}

/// A record of this host with a higher number than the store's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewerHere {
    /// Index of the record of this host.
    pub user: usize,
    /// Revision of the store's record.
    pub revision: u64,
}

/// Two different records of one user.
#[derive(Debug)]
pub struct RecordConflict {
    /// Index of the record of this host.
    pub user: usize,
    /// Revision of the store's record.
    pub revision: u64,
    /// Number of the store's record.
    pub sequence: u64,
    /// The store's record.
    pub record: Record,
}

/// The records of this host and those of the store. Indexes are those of the list of this host's records.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Records that both have, in the same state.
    pub same: Vec<usize>,
    /// Records that the store lacks.
    pub only_here: Vec<usize>,
    /// Records that are newer here.
    pub newer_here: Vec<NewerHere>,
    /// Records that are older here.
    pub older_here: Vec<usize>,
    /// Records that differ, and of which none is the successor of the other.
    pub conflicts: Vec<RecordConflict>,
    /// Number of records of users whom this host does not have.
    pub only_there: usize,
}

impl Comparison {
    /// Returns whether a record is missing on one side or differs.
    #[must_use]
    pub fn differences(&self) -> usize {
        let here = self.only_here.len() + self.newer_here.len() + self.older_here.len();
        here + self.conflicts.len()
    }
}

impl FleetMembership<'_> {
    /// Compares the records of this host with those of the store.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer, or a record of a user of this host cannot be opened.
    pub fn compare(
        &self,
        users: &[LocalUser],
        view: CompareView,
    ) -> Result<Comparison, FleetError> {
        let mut due: HashMap<String, usize> =
            users.iter().enumerate().map(|(place, user)| (user.name.record(), place)).collect();
        let dummies = self.dummy_keys();
        let mut found = Comparison::default();
        self.each(RECORDS, &mut |entry| -> Result<(), FleetError> {
            match due.remove(&entry.key) {
                Some(place) => {
                    if let Some(user) = users.get(place) {
                        self.sort(&mut found, view, PairedUser { user, place, entry: &entry })?;
                    }
                }
                None if dummies.contains(&entry.key) => {}
                None => found.only_there += 1,
            }
            Ok(())
        })?;
        found.only_here.extend(due.into_values());
        found.only_here.sort_unstable();
        Ok(found)
    }

    /// Returns the keys of the records that stand for user names without an account.
    pub(super) fn dummy_keys(&self) -> HashSet<String> {
        (0..=u8::MAX).map(|bucket| StoreName::of_bucket(self.key, bucket).record()).collect()
    }

    fn sort(
        &self,
        found: &mut Comparison,
        view: CompareView,
        pair: PairedUser<'_>,
    ) -> Result<(), FleetError> {
        let PairedUser { user, place, entry } = pair;
        let claimed = seal::number_of(&entry.value).ok_or(FleetError::Unsealed)?;
        if view == CompareView::IsMember && claimed > user.sequence {
            found.older_here.push(place);
            return Ok(());
        }
        // The number is proven only by opening the value.
        let stored = self.stored_record(entry)?;
        let revision = entry.revision;
        let is_same = stored.record.generation == user.record.generation;
        match (view, is_same, user.sequence.cmp(&stored.sequence)) {
            (_, true, std::cmp::Ordering::Equal) => found.same.push(place),
            (CompareView::Joins, true, std::cmp::Ordering::Less) => found.older_here.push(place),
            (CompareView::Joins, true, std::cmp::Ordering::Greater)
            | (CompareView::IsMember, _, std::cmp::Ordering::Greater) => {
                found.newer_here.push(NewerHere { user: place, revision });
            }
            (CompareView::Joins, false, _) | (CompareView::IsMember, _, _) => {
                let OpenedRecord { sequence, record } = stored;
                found.conflicts.push(RecordConflict { user: place, revision, sequence, record });
            }
        }
        Ok(())
    }

    /// Opens a record of the store.
    pub(super) fn stored_record(&self, entry: &StoreEntry) -> Result<OpenedRecord, FleetError> {
        let place = SealedPlace { kind: SealedKind::Record, store_key: &entry.key };
        let opened = seal::open(self.key, &place, &entry.value)?;
        let text = std::str::from_utf8(&opened.content).map_err(|_| FleetError::Unsealed)?;
        let is_newer = |fault| matches!(fault, StoreError::Newer { .. });
        let record = form::read(text).map_err(|fault| {
            if is_newer(fault) { FleetError::NewerFormat } else { FleetError::Unsealed }
        })?;
        Ok(OpenedRecord { sequence: opened.number, record })
    }
}

/// A record of this host, with the store's entry of the same user.
struct PairedUser<'a> {
    user: &'a LocalUser,
    place: usize,
    entry: &'a StoreEntry,
}

/// A record of the store.
pub(super) struct OpenedRecord {
    pub(super) sequence: u64,
    pub(super) record: Record,
}
