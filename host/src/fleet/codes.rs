//! The sets of backup codes of shared users. Each set and each spent code is also in the store.

use twinlock_core::{
    base::{
        account::Folder,
        error::{CommitError, FileError, FleetError, StoreError},
        time::UnixTime,
    },
    ports::{CodeSets, Creation, LedgerKey},
    record::{
        SetId,
        code_set::{CodeSet, Shape},
        code_set_text as form,
    },
    wire::fleet::{Stay, StoreRead, StoreTest, StoreWrite, Transaction},
};
use zeroize::Zeroizing;

use crate::{
    fleet::{
        claim::{GuardRefusal, ROUNDS},
        names::{StoreName, with_host},
        seal::{self, SealedKind, SealedPlace},
        session::{Fleet, compare, entry, is_done},
    },
    store::{commit, records::HostRecords},
};

/// The sets of backup codes of this host, which can also store a set from another host.
pub trait LocalCodes: CodeSets {
    /// Writes a set that another host has created.
    ///
    /// # Errors
    /// [`CommitError`] if the set was not written.
    fn keep_set(&self, folder: &Folder, id: SetId, text: &str) -> Result<(), CommitError>;
}

impl Fleet {
    fn name_of_folder(&self, folder: &Folder) -> Option<StoreName> {
        self.name_of(&LedgerKey::Account(folder.clone()))
    }

    /// Reads a set of codes (see [`CodeSets::set`]). If this host does not have the set, fetches it from the store and
    /// keeps it.
    pub(crate) fn set(
        &self,
        inner: &dyn LocalCodes,
        folder: &Folder,
        id: SetId,
    ) -> Result<CodeSet, StoreError> {
        self.or_fetched(inner, folder, id, inner.set(folder, id))
    }

    /// Reads a set of codes with the same work for every user (see [`CodeSets::set_uniform`]). If this host does not
    /// have the set, fetches it, which reveals only that the set was created on another host.
    pub(crate) fn set_uniform(
        &self,
        inner: &dyn LocalCodes,
        of: Option<(&Folder, SetId)>,
    ) -> Result<CodeSet, StoreError> {
        let found = inner.set_uniform(of);
        match of {
            Some((folder, id)) => self.or_fetched(inner, folder, id, found),
            None => found,
        }
    }

    fn or_fetched(
        &self,
        inner: &dyn LocalCodes,
        folder: &Folder,
        id: SetId,
        found: Result<CodeSet, StoreError>,
    ) -> Result<CodeSet, StoreError> {
        let is_missing = matches!(found, Err(StoreError::File(FileError::Missing)));
        let Some(name) = self.name_of_folder(folder).filter(|_| is_missing) else { return found };
        let store_key = name.code_set(id);
        let reads = vec![StoreRead::Key(store_key.clone())];
        let reply = self.transact(Transaction { reads, ..Transaction::default() });
        let reply = reply.map_err(StoreError::Fleet)?;
        let Some(stored) = entry(&reply, &store_key) else { return found };
        let place = SealedPlace { kind: SealedKind::CodeSet, store_key: &store_key };
        let opened = seal::open(&self.key, &place, &stored.value).map_err(StoreError::Fleet)?;
        let unsealed = |_| StoreError::Fleet(FleetError::Unsealed);
        let text = std::str::from_utf8(&opened.content).map_err(unsealed)?;
        let set = form::read(text)?;
        // If it cannot be kept, the next login fetches it again.
        let _ = inner.keep_set(folder, id, text);
        Ok(set)
    }

    /// Returns the indexes of the codes of a set that are spent on this host or in the store (see [`CodeSets::spent`]).
    pub(crate) fn spent(
        &self,
        inner: &dyn LocalCodes,
        folder: &Folder,
        id: SetId,
    ) -> Result<Vec<u8>, StoreError> {
        let Some(name) = self.name_of_folder(folder) else { return inner.spent(folder, id) };
        let mut spent = match inner.spent(folder, id) {
            // A user whose record came from the store may have no folder on this host yet.
            Err(StoreError::File(FileError::Missing)) => Vec::new(),
            spent => spent?,
        };
        let prefix = name.spent(id);
        let reads =
            vec![StoreRead::Prefix { prefix: prefix.clone(), after: String::new(), limit: 0 }];
        let reply = self.transact(Transaction { reads, ..Transaction::default() });
        let reply = reply.map_err(StoreError::Fleet)?;
        if reply.more {
            // A list that was cut may lack a spent code.
            return Err(StoreError::Fleet(FleetError::Broken));
        }
        for found in reply.entries {
            let place = found.key.strip_prefix(&prefix);
            let place = place.and_then(|place| u8::from_str_radix(place, 16).ok());
            let place = place.ok_or(StoreError::Fleet(FleetError::Unsealed))?;
            if !spent.contains(&place) {
                spent.push(place);
            }
        }
        Ok(spent)
    }

    /// Marks a code as spent, on this host and then in the store (see [`CodeSets::spend`]). If it is unknown whether
    /// the store has the mark, the code stays spent on this host.
    pub(crate) fn spend(
        &self,
        inner: &dyn LocalCodes,
        folder: &Folder,
        id: SetId,
        place: u8,
        now: UnixTime,
    ) -> Result<Creation, StoreError> {
        let made = inner.spend(folder, id, place, now)?;
        let Some(name) = self.name_of_folder(folder) else { return Ok(made) };
        if made == Creation::Taken {
            return Ok(Creation::Taken);
        }
        self.spend_in_store(&name, name.spent_code(id, place), now).map_err(StoreError::Fleet)
    }

    fn spend_in_store(
        &self,
        name: &StoreName,
        key: String,
        now: UnixTime,
    ) -> Result<Creation, FleetError> {
        let start = [&self.nonce()?[..], &now.0.to_be_bytes()].concat();
        let value = with_host(&self.key, &key, &start, &self.scope.host);
        let put = StoreWrite::Put {
            key: key.clone(),
            value: value.clone(),
            stays: Stay::Forever,
            take_back: false,
        };
        for _ in 0..ROUNDS {
            let test = compare(key.clone(), StoreTest::Absent);
            let reply = self.guarded(name, test, put.clone())?;
            let stored = entry(&reply, &key).map(|stored| stored.value.clone());
            if is_done(&reply) || stored.as_ref() == Some(&value) {
                self.charge_is_over(name, &key, &value);
                return Ok(Creation::Made);
            }
            if stored.is_some() {
                return Ok(Creation::Taken);
            }
            match self.why_refused(name, &reply)? {
                GuardRefusal::Resealed => {}
                GuardRefusal::OwnTest => return Err(FleetError::ChargeGone),
            }
        }
        Err(FleetError::Busy)
    }

    /// Writes a new set on this host, and then in the store (see [`CodeSets::lay_down`]).
    pub(crate) fn lay_down(
        &self,
        inner: &dyn LocalCodes,
        folder: &Folder,
        shape: Shape,
        codes: &[Zeroizing<String>],
    ) -> Result<SetId, CommitError> {
        let id = inner.lay_down(folder, shape, codes)?;
        let Some(name) = self.name_of_folder(folder) else { return Ok(id) };
        let set = inner.set(folder, id).map_err(CommitError::Store)?;
        match self.put_set(&name, id, &set) {
            Ok(()) => Ok(id),
            Err(fault) => {
                inner.take_away(folder, id);
                Err(CommitError::Store(StoreError::Fleet(fault)))
            }
        }
    }

    /// Writes a set to the store.
    ///
    /// # Errors
    /// [`FleetError`] unless the set is known to be in the store.
    pub(crate) fn put_set(
        &self,
        name: &StoreName,
        id: SetId,
        set: &CodeSet,
    ) -> Result<(), FleetError> {
        let key = name.code_set(id);
        let place = SealedPlace { kind: SealedKind::CodeSet, store_key: &key };
        let text = form::write(set);
        let value = seal::seal(&self.key, &place, 0, text.as_bytes(), &*self.entropy)?;
        let put = StoreWrite::Put { key, value, stays: Stay::Forever, take_back: false };
        self.transact(Transaction { writes: vec![put], ..Transaction::default() }).map(drop)
    }

    /// Erases a set to which no record refers, best effort (see [`CodeSets::take_away`]).
    pub(crate) fn take_away(&self, inner: &dyn LocalCodes, folder: &Folder, id: SetId) {
        inner.take_away(folder, id);
        if let Some(name) = self.name_of_folder(folder) {
            let writes = vec![StoreWrite::Delete { key: name.code_set(id) }];
            let _ = self.transact(Transaction { writes, ..Transaction::default() });
        }
    }
}

impl LocalCodes for HostRecords {
    fn keep_set(&self, folder: &Folder, id: SetId, text: &str) -> Result<(), CommitError> {
        match commit::lay_beside(self, folder, &form::set_name(id), text.as_bytes()) {
            // Another login has just kept it.
            Ok(()) | Err(CommitError::Overtaken) => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}
