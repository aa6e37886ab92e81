//! Resolves the conflict of two different records of one user, as the administrator chooses: with the store's record,
//! this host's record, or the authenticators of both. Afterwards, both sides have the same record.

use twinlock_core::{
    ports::Records,
    record::{
        Record, State,
        enrollment::{self, ChangeStamp},
        text as form,
    },
};

use crate::fleet::membership::{
    FleetMembership, HostSide, LocalUser, MembershipError, PutRule, RecordConflict,
};

/// Which of two different records of one user is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictChoice {
    /// The store's record, which is written on this host.
    Store,
    /// This host's record, which is written to the store.
    Local,
    /// The store's record with its backup codes, and with the authenticators of both records.
    Merge,
}

/// Why a choice cannot resolve a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsettledConflict {
    /// The user is enrolled on one side only, so that there is nothing to merge.
    NotEnrolled,
    /// The merged record would have more authenticators than a record can have.
    TooMany,
    /// The account has another user id on this host, although the fleet has the same ids on all hosts.
    OtherUid,
}

impl core::fmt::Display for UnsettledConflict {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotEnrolled => "is enrolled on one side only, so choose store or local",
            Self::TooMany => "has too many authenticators to merge",
            Self::OtherUid => "has another user id on this host than in the fleet",
        })
    }
}

impl core::error::Error for UnsettledConflict {}

/// The record that both sides will have.
pub struct SettledRecord {
    /// Index of the user.
    pub user: usize,
    revision: u64,
    sequence: u64,
    record: Record,
    goes_up: bool,
    is_written_here: bool,
    sends_codes: bool,
}

/// Resolves conflicts by one choice.
#[derive(Clone, Copy)]
pub struct ConflictSettler {
    /// Which record is kept.
    pub choice: ConflictChoice,
    /// Whether an account has the same user id on all hosts.
    pub same_uids: bool,
    /// The generation and the time of a merged record.
    pub stamp: ChangeStamp,
}

impl ConflictSettler {
    /// Returns the record that both sides will have. Writes nothing.
    ///
    /// # Errors
    /// [`UnsettledConflict`] if the choice cannot resolve this conflict.
    pub fn settle(
        self,
        local: &LocalUser,
        conflict: &RecordConflict,
    ) -> Result<SettledRecord, UnsettledConflict> {
        let stored = &conflict.record;
        let differs = stored.state.holds_uid() && stored.uid != local.record.uid;
        if self.same_uids && differs && self.choice != ConflictChoice::Local {
            return Err(UnsettledConflict::OtherUid);
        }
        let next = local.sequence.max(conflict.sequence).saturating_add(1);
        let record = match self.choice {
            ConflictChoice::Local => copied(&local.record),
            ConflictChoice::Store => copied(stored),
            ConflictChoice::Merge => Some(self.merged(local, stored)?),
        };
        // A record that was read can be written and read again.
        let mut record = record.ok_or(UnsettledConflict::NotEnrolled)?;
        record.uid = local.record.uid;
        record.user.clone_from(&local.user);
        let (goes_up, is_written_here, sequence) = match self.choice {
            ConflictChoice::Store if conflict.sequence > local.sequence => {
                (false, true, conflict.sequence)
            }
            ConflictChoice::Local if local.sequence > conflict.sequence => {
                (true, false, local.sequence)
            }
            ConflictChoice::Store | ConflictChoice::Local | ConflictChoice::Merge => {
                (true, true, next)
            }
        };
        Ok(SettledRecord {
            user: conflict.user,
            revision: conflict.revision,
            sequence,
            record,
            goes_up,
            is_written_here,
            sends_codes: self.choice == ConflictChoice::Local,
        })
    }

    fn merged(self, local: &LocalUser, stored: &Record) -> Result<Record, UnsettledConflict> {
        if stored.state != State::Active || local.record.state != State::Active {
            return Err(UnsettledConflict::NotEnrolled);
        }
        let mut record = copied(stored).ok_or(UnsettledConflict::NotEnrolled)?;
        for one in &local.record.authenticators {
            if record.authenticators.iter().any(|known| known.key == one.key) {
                continue;
            }
            let added = enrollment::add(record, one.copied(), self.stamp);
            record = added.ok_or(UnsettledConflict::TooMany)?;
        }
        record.generation = self.stamp.generation;
        Ok(record)
    }
}

fn copied(record: &Record) -> Option<Record> {
    form::read(&form::write(record)).ok()
}

impl FleetMembership<'_> {
    /// Writes the record that resolves a conflict: first to the store, then on this host.
    ///
    /// # Errors
    /// [`MembershipError`] if the store does not answer, if another host or command has changed the record meanwhile,
    /// or if the record cannot be written on this host. Running the command again resolves the remaining conflicts.
    pub fn write_settled(
        &self,
        side: HostSide<'_>,
        local: &LocalUser,
        settled: &SettledRecord,
    ) -> Result<(), MembershipError> {
        if settled.sends_codes {
            let codes = self.codes_of(side, local, true);
            self.write_all(&mut codes.into_iter(), &mut |_| {})?;
        }
        let (sequence, record) = (settled.sequence, &settled.record);
        if settled.goes_up {
            let rule = PutRule::Replaces(settled.revision);
            let put = self.record_put(&local.name, sequence, record, rule)?;
            self.write_all(&mut std::iter::once(Ok(put)), &mut |_| {})?;
        }
        if settled.is_written_here {
            side.records.commit(&local.folder, sequence.saturating_sub(1), record)?;
        }
        Ok(())
    }
}
