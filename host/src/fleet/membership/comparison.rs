//! Compares the records of this host with those of the store. Writes nothing.

use std::collections::{HashMap, HashSet};

use twinlock_core::{
    base::error::{FleetError, StoreError},
    record::{Generation, Record, text as form},
    wire::fleet::StoreEntry,
};

use zeroize::Zeroizing;

use crate::fleet::{
    membership::{FleetMembership, LocalUser},
    names::{RECORDS, StoreName},
    seal::{self, SealedKind, SealedPlace},
};

/// How to compare sequence numbers of this host with those of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareView {
    /// This host is about to join. Its sequence numbers are unrelated to the store's, so two records with different
    /// generations are a conflict.
    Joins,
    /// This host is in the fleet. The record with the higher sequence number is the newer one.
    IsMember,
}

/// A record of this host with a higher sequence number than the store's record.
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
    /// Sequence number of the store's record.
    pub sequence: u64,
    /// The store's record.
    pub record: Record,
}

/// Result of the comparison. Indexes refer to the list of this host's records.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Records that are the same on both sides.
    pub same: Vec<usize>,
    /// Records that the store lacks.
    pub only_here: Vec<usize>,
    /// Records that are newer here.
    pub newer_here: Vec<NewerHere>,
    /// Records that are older here.
    pub older_here: Vec<usize>,
    /// Records that differ although none is a later version of the other.
    pub conflicts: Vec<RecordConflict>,
    /// Number of records in the store of users whom this host does not have.
    pub only_there: usize,
}

impl Comparison {
    /// Returns the number of this host's records that the store lacks or has in another version.
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

    /// Returns the keys of the dummy records for user names without an account.
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
        let stored = self.opened_text(entry)?;
        let revision = entry.revision;
        let is_same = generation_of(&stored.text) == Some(user.record.generation);
        match (view, is_same, user.sequence.cmp(&stored.sequence)) {
            (_, true, std::cmp::Ordering::Equal) => found.same.push(place),
            (CompareView::Joins, true, std::cmp::Ordering::Less) => found.older_here.push(place),
            (CompareView::Joins, true, std::cmp::Ordering::Greater)
            | (CompareView::IsMember, _, std::cmp::Ordering::Greater) => {
                found.newer_here.push(NewerHere { user: place, revision });
            }
            (CompareView::Joins, false, _) | (CompareView::IsMember, _, _) => {
                let (sequence, record) = (stored.sequence, stored.record()?);
                found.conflicts.push(RecordConflict { user: place, revision, sequence, record });
            }
        }
        Ok(())
    }

    /// Opens a record of the store.
    pub(super) fn stored_record(&self, entry: &StoreEntry) -> Result<OpenedRecord, FleetError> {
        let opened = self.opened_text(entry)?;
        Ok(OpenedRecord { sequence: opened.sequence, record: opened.record()? })
    }

    fn opened_text(&self, entry: &StoreEntry) -> Result<OpenedText, FleetError> {
        let place = SealedPlace { kind: SealedKind::Record, store_key: &entry.key };
        let opened = seal::open(self.key, &place, &entry.value)?;
        let text = std::str::from_utf8(&opened.content).map_err(|_| FleetError::Unsealed)?;
        Ok(OpenedText { sequence: opened.number, text: Zeroizing::new(text.to_owned()) })
    }
}

/// The opened text of a record of the store.
struct OpenedText {
    sequence: u64,
    text: Zeroizing<String>,
}

impl OpenedText {
    fn record(&self) -> Result<Record, FleetError> {
        let is_newer = |fault| matches!(fault, StoreError::Newer { .. });
        form::read(&self.text).map_err(|fault| {
            if is_newer(fault) { FleetError::NewerFormat } else { FleetError::Unsealed }
        })
    }
}

/// Returns the generation from the text of a record; `None` if no line before the authenticators contains it. Parsing
/// the whole text would take many times as long.
fn generation_of(text: &str) -> Option<Generation> {
    let lines = text.lines().take_while(|line| !line.starts_with('['));
    let hex = lines.filter_map(|line| line.strip_prefix("generation = \"")).next()?;
    u64::from_str_radix(hex.strip_suffix('"')?, 16).ok().map(Generation)
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

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::base::secret::Key;

    #[test]
    fn generation_is_found_in_every_record() {
        let mut record = Record::of_nobody(Key::new(vec![1; 20]).unwrap());
        for generation in [0, 1, 0xfeed_beef_0000_0001, u64::MAX] {
            record.generation = Generation(generation);
            assert_eq!(generation_of(&form::write(&record)), Some(Generation(generation)));
        }
        record.authenticators[0].name = "generation = \"1\"".into();
        assert_eq!(generation_of(&form::write(&record)), Some(record.generation));
        assert_eq!(generation_of("user = \"a\"\n[[authenticator]]\ngeneration = \"1\"\n"), None);
    }
}
