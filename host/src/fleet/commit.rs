//! Commits a record to the store, and then to this host's disk.

use twinlock_core::{
    base::{
        account::Folder,
        error::{CommitError, FleetError, StoreError},
    },
    ports::{LedgerKey, Records},
    record::{Record, text as form},
    wire::fleet::{FleetReply, Stay, StoreRead, StoreTest, StoreWrite, Transaction},
};

use crate::fleet::{
    names::{META, StoreName},
    seal::{self, SealedKind, SealedPlace},
    session::{Fleet, JudgedRecord, compare, entry, is_done},
};

impl Fleet {
    /// Writes a record as the successor of the record with the sequence number `after` (see [`Records::commit`]): first
    /// to the store and then to the disk, so that no host has a record that the store lacks.
    pub(crate) fn commit(
        &self,
        inner: &dyn Records,
        folder: &Folder,
        after: u64,
        record: &Record,
    ) -> Result<(), CommitError> {
        let name = if self.shares(record.uid) {
            let owner = LedgerKey::Account(folder.clone());
            StoreName::of_owner(&self.key, &owner)
        } else {
            None
        };
        let Some(name) = name else { return inner.commit(folder, after, record) };
        self.commit_shared(&name, after, record)?;
        match inner.commit(folder, after, record) {
            // The store has the record; this host's disk gets it at the next login.
            Ok(()) | Err(CommitError::Overtaken | CommitError::Store(StoreError::File(_))) => {
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    fn commit_shared(
        &self,
        name: &StoreName,
        after: u64,
        record: &Record,
    ) -> Result<(), CommitError> {
        let refused = |fault| CommitError::Store(StoreError::Fleet(fault));
        let test = self.predecessor(name, after)?;
        let sequence = after.checked_add(1).ok_or(refused(FleetError::Seal))?;
        let store_key = name.record();
        let place = SealedPlace { kind: SealedKind::Record, store_key: &store_key };
        let text = form::write(record);
        let value = seal::seal(&self.key, &place, sequence, text.as_bytes(), &*self.entropy);
        let value = value.map_err(refused)?;
        let put = StoreWrite::Put {
            key: store_key.clone(),
            value: value.clone(),
            stays: Stay::Forever,
            take_back: false,
        };
        let transaction = Transaction {
            compares: vec![compare(store_key.clone(), test)],
            writes: vec![put],
            reads: vec![StoreRead::Key(store_key.clone())],
        };
        let reply = self.transact(transaction).map_err(refused)?;
        let stored = entry(&reply, &store_key);
        // After a lost answer, the change is this host's own if the bytes are.
        match stored.filter(|stored| is_done(&reply) || stored.value == value) {
            Some(stored) => {
                let revision = Some(stored.revision);
                let generation = record.generation;
                self.state(name, |state| {
                    state.judged = Some(JudgedRecord { sequence, generation, revision });
                    state.to_keep = None;
                    state.is_proven = false;
                });
                Ok(())
            }
            None => Err(CommitError::Overtaken),
        }
    }

    /// Returns the test that the store's record passes if its sequence number is `after`.
    fn predecessor(&self, name: &StoreName, after: u64) -> Result<StoreTest, CommitError> {
        let refused = |fault| CommitError::Store(StoreError::Fleet(fault));
        let judged = self.state(name, |state| state.judged);
        if let Some(JudgedRecord { sequence, revision: Some(revision), .. }) = judged
            && sequence == after
        {
            return Ok(StoreTest::Revision(revision));
        }
        let reply: FleetReply = self.look(name).map_err(refused)?;
        let meta = entry(&reply, META).ok_or(refused(FleetError::MetaMissing))?;
        let of_meta = SealedPlace { kind: SealedKind::Record, store_key: META };
        seal::open(&self.key, &of_meta, &meta.value).map_err(refused)?;
        match entry(&reply, &name.record()) {
            None if after == 0 => Ok(StoreTest::Absent),
            None => Err(refused(FleetError::RecordGone)),
            Some(found) if seal::number_of(&found.value) == Some(after) => {
                Ok(StoreTest::Revision(found.revision))
            }
            Some(_) => Err(CommitError::Overtaken),
        }
    }
}
