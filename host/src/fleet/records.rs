//! Reads the fleet's record of a user, and decides whether that record or this host's is the newer one.

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::{FleetError, StoreError},
    },
    otp::hotp::Keyed,
    policy::FleetUids,
    ports::{LedgerKey, Records, Snapshot},
    record::{Identity, Record, State, text as form},
    wire::fleet::{FleetReply, StoreEntry, Transaction},
};

use crate::fleet::{
    meta_limits,
    names::{META, StoreName},
    seal::{self, SealedKind, SealedPlace},
    session::{
        Fleet, JudgedRecord, NotedFailures, RecordText, TopMark, UserState, entry, record_reads,
    },
};

/// A record as the store has it.
pub(super) struct StoreRecord {
    revision: u64,
    pub(super) sequence: u64,
    pub(super) record: Record,
}

/// A record of this host and the fleet's record of the same user.
struct RecordPair<'a> {
    account: &'a Account,
    local: Option<Snapshot>,
    shared: Option<StoreRecord>,
}

impl Fleet {
    /// Returns the newest record of an account, or `None` if it has none (see [`Records::newest`]).
    pub(crate) fn newest(
        &self,
        inner: &dyn Records,
        account: &Account,
    ) -> Result<Option<Snapshot>, StoreError> {
        let local = inner.newest(account)?;
        let at = || Folder::of(&account.name).ok().and_then(|folder| inner.failed_at(&folder));
        let noted = noted(local.as_ref()).map(|noted| NotedFailures { at: at(), ..noted });
        let Some(name) = self.note(account, noted) else { return Ok(local) };
        let is_active = |found: &Snapshot| matches!(found.record.state, State::Active);
        // A second read is for the newest record, which may not be on this disk yet.
        let is_first = self.state(&name, |state| state.judged.is_none());
        if self.trusts_active_records() && is_first && local.as_ref().is_some_and(is_active) {
            self.judge_by(&name, local.as_ref(), None);
            return Ok(local);
        }
        let reply = self.look(&name).map_err(StoreError::Fleet)?;
        let shared = self.record_in(&name, &reply).map_err(StoreError::Fleet)?;
        self.newer(&name, RecordPair { account, local, shared }).map_err(StoreError::Fleet)
    }

    /// Returns the newest record of an account and the dummy record (see [`Records::newest_uniform`]). The transaction
    /// is the same for every user, and for a name without an account.
    pub(crate) fn newest_uniform(
        &self,
        inner: &dyn Records,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreError>, Option<Snapshot>) {
        let (local, stand_in) = inner.newest_uniform(account);
        let name = match account {
            // The time of the failures is not read, because that would be one call more for some users.
            Some(account) => {
                self.note(account, noted(local.as_ref().ok().and_then(Option::as_ref)))
            }
            None => Some(StoreName::of_bucket(&self.key, 0)),
        };
        let Some(name) = name else { return (local, stand_in) };
        let shared = self.look(&name).and_then(|reply| self.record_in(&name, &reply));
        let found = match (local, shared, account) {
            (Err(fault), _, _) => Err(fault),
            (_, Err(fault), _) => Err(StoreError::Fleet(fault)),
            (Ok(local), Ok(_), None) => Ok(local),
            (Ok(local), Ok(shared), Some(account)) => {
                let pair = RecordPair { account, local, shared };
                self.newer(&name, pair).map_err(StoreError::Fleet)
            }
        };
        (found, stand_in)
    }

    /// Returns the record that the last charge has read, if it is newer than the record that this login uses; otherwise
    /// `None`.
    pub(crate) fn renewed(&self, account: &Account) -> Option<Snapshot> {
        let name = StoreName::of_user(&self.key, &account.name);
        self.state(&name, |state| state.renewed.take())
    }

    /// Returns whether a snapshot is still the newest record (see [`Records::is_newest`]).
    pub(crate) fn is_newest(
        &self,
        inner: &dyn Records,
        folder: &Folder,
        snapshot: &Snapshot,
    ) -> Result<bool, StoreError> {
        let Some(name) = self.name_of(&LedgerKey::Account(folder.clone())) else {
            return inner.is_newest(folder, snapshot);
        };
        // A record that was read from the store has no file of this host yet.
        let has_file = snapshot.identity != Identity::default();
        if has_file && !inner.is_newest(folder, snapshot)? {
            return Ok(false);
        }
        let is_judged = |state: &mut UserState| {
            let judged = state.judged.is_some_and(|judged| judged.sequence == snapshot.sequence);
            std::mem::take(&mut state.is_proven) && judged
        };
        if self.state(&name, is_judged) {
            return Ok(true);
        }
        let reply = self.look(&name).map_err(StoreError::Fleet)?;
        let shared = self.record_in(&name, &reply).map_err(StoreError::Fleet)?;
        let is_same = shared.is_some_and(|shared| {
            shared.sequence == snapshot.sequence
                && shared.record.generation == snapshot.record.generation
        });
        Ok(is_same)
    }

    /// Writes the store's records that this host lacks to the disk, best effort. Must be called after the verdict,
    /// because a write during the login would reveal who is enrolled.
    pub(crate) fn keep_records(&self, inner: &dyn Records) {
        for user in self.users.borrow_mut().iter_mut() {
            let Some(kept) = user.state.to_keep.take() else { continue };
            let folder = user.state.account.as_ref().and_then(|it| Folder::of(&it.name).ok());
            if let (Some(folder), Ok(record)) = (folder, form::read(&kept.text)) {
                let _ = inner.commit(&folder, kept.sequence.saturating_sub(1), &record);
            }
        }
    }

    /// Forgets the stored failures, after this host has deleted their number. A login and a command that deletes it have
    /// one user.
    pub(crate) fn forget_failures(&self) {
        self.users.borrow_mut().iter_mut().for_each(|user| user.state.noted = None);
    }

    /// Remembers whether an account is shared, and the failures that this host has stored. Returns the account's name in
    /// the store if it is shared.
    fn note(&self, account: &Account, noted: Option<NotedFailures>) -> Option<StoreName> {
        let name = StoreName::of_user(&self.key, &account.name);
        let is_shared = self.shares(account.uid);
        self.state(&name, |state| {
            state.is_shared = Some(is_shared);
            state.noted = noted;
            state.account = Some(account.clone());
        });
        is_shared.then_some(name)
    }

    /// Reads the record of a user and the description of the fleet.
    pub(super) fn look(&self, name: &StoreName) -> Result<FleetReply, FleetError> {
        self.transact(Transaction { reads: record_reads(name), ..Transaction::default() })
    }

    /// Returns the record in a reply; `None` if the store has none. Fails unless the reply contains the description of
    /// this fleet.
    pub(super) fn record_in(
        &self,
        name: &StoreName,
        reply: &FleetReply,
    ) -> Result<Option<StoreRecord>, FleetError> {
        self.read_description(reply)?;
        let store_key = name.record();
        let Some(found) = entry(reply, &store_key) else {
            // A user without a record must not cost less time.
            self.read_description(reply)?;
            return Ok(None);
        };
        self.opened_record(found).map(Some)
    }

    /// Opens a record of the store.
    pub(super) fn opened_record(&self, stored: &StoreEntry) -> Result<StoreRecord, FleetError> {
        let place = SealedPlace { kind: SealedKind::Record, store_key: &stored.key };
        let opened = seal::open(&self.key, &place, &stored.value)?;
        let text = std::str::from_utf8(&opened.content).map_err(|_| FleetError::Unsealed)?;
        let is_newer = |fault| matches!(fault, StoreError::Newer { .. });
        let record = form::read(text).map_err(|fault| {
            if is_newer(fault) { FleetError::NewerFormat } else { FleetError::Unsealed }
        })?;
        Ok(StoreRecord { revision: stored.revision, sequence: opened.number, record })
    }

    /// Reads the limits of the fleet from its description. Fails unless the reply contains the description of this fleet.
    pub(super) fn read_description(&self, reply: &FleetReply) -> Result<(), FleetError> {
        let meta = entry(reply, META).ok_or(FleetError::MetaMissing)?;
        let place = SealedPlace { kind: SealedKind::Record, store_key: META };
        let described = seal::open(&self.key, &place, &meta.value)?;
        self.limits.set(meta_limits::read(&described.content)?);
        Ok(())
    }

    /// Returns the newer one of two records of a user, and remembers it as the record that this login uses.
    fn newer(
        &self,
        name: &StoreName,
        pair: RecordPair<'_>,
    ) -> Result<Option<Snapshot>, FleetError> {
        let RecordPair { account, local, shared } = pair;
        // What this login has read from the store before is not on the disk yet.
        let seen = self.state(name, |state| state.judged.map(|judged| judged.sequence));
        if shared.as_ref().is_some_and(|shared| Some(shared.sequence) < seen) {
            return Err(FleetError::RecordOlder);
        }
        let Some(shared) = shared else {
            // A host that has seen a record never believes that it is gone.
            let is_known = local.is_some() || seen.is_some();
            return if is_known { Err(FleetError::RecordGone) } else { Ok(None) };
        };
        let revision = shared.revision;
        let known = local.as_ref().map(|local| (local.sequence, local.record.generation));
        match known {
            Some((sequence, _)) if sequence > shared.sequence => Err(FleetError::RecordOlder),
            Some((sequence, generation)) if sequence == shared.sequence => {
                if generation != shared.record.generation {
                    return Err(FleetError::RecordDiffers);
                }
                self.judge_by(name, local.as_ref(), Some(revision));
                Ok(local)
            }
            Some(_) | None => {
                let fresh = self.received(account, local, shared)?;
                self.state(name, |state| {
                    let text = form::write(&fresh.record);
                    state.to_keep = Some(RecordText { sequence: fresh.sequence, text });
                });
                self.judge_by(name, Some(&fresh), Some(revision));
                Ok(Some(fresh))
            }
        }
    }

    /// Compares the record in the reply to a charge with the record that this login uses. Keeps a newer one for
    /// [`Fleet::renewed`].
    pub(super) fn check_judged(
        &self,
        name: &StoreName,
        reply: &FleetReply,
    ) -> Result<(), FleetError> {
        let shared = self.record_in(name, reply)?;
        let known = self.state(name, |state| (state.judged, state.account.clone()));
        let (Some(judged), Some(account)) = known else { return Ok(()) };
        let shared = shared.ok_or(FleetError::RecordGone)?;
        if shared.sequence < judged.sequence {
            return Err(FleetError::RecordOlder);
        }
        if shared.sequence > judged.sequence {
            let revision = shared.revision;
            let fresh = self.received(&account, None, shared)?;
            let text = form::write(&fresh.record);
            let to_keep = RecordText { sequence: fresh.sequence, text };
            self.judge_by(name, Some(&fresh), Some(revision));
            self.state(name, |state| {
                state.to_keep = Some(to_keep);
                state.renewed = Some(fresh);
            });
            return Ok(());
        }
        if shared.record.generation != judged.generation {
            return Err(FleetError::RecordDiffers);
        }
        let judged = JudgedRecord { revision: Some(shared.revision), ..judged };
        self.state(name, |state| state.judged = Some(judged));
        Ok(())
    }

    /// Remembers the record that this login uses, and the store keys of the highest used steps of its authenticators.
    pub(super) fn judge_by(
        &self,
        name: &StoreName,
        found: Option<&Snapshot>,
        revision: Option<u64>,
    ) {
        let mut marks = Vec::new();
        for authenticator in found.iter().flat_map(|found| &found.record.authenticators) {
            let algorithm = authenticator.parameters.algorithm;
            if let Some(keyed) = Keyed::new(&authenticator.key, algorithm) {
                let mark = keyed.mark(authenticator);
                marks.push(TopMark { key: name.top(&self.key, mark), mark });
            }
        }
        self.state(name, |state| {
            state.marks = marks;
            state.is_proven = false;
            state.judged = found.map(|found| JudgedRecord {
                sequence: found.sequence,
                generation: found.record.generation,
                revision,
            });
        });
    }

    /// Returns a record of the store as a snapshot for an account of this host.
    fn received(
        &self,
        account: &Account,
        local: Option<Snapshot>,
        shared: StoreRecord,
    ) -> Result<Snapshot, FleetError> {
        let StoreRecord { sequence, mut record, .. } = shared;
        match self.scope.uids {
            FleetUids::Same if record.state.holds_uid() && record.uid != account.uid => {
                return Err(FleetError::OtherUid);
            }
            FleetUids::Same => {}
            FleetUids::Local => record.uid = account.uid,
        }
        // The naming rule of the fleet makes both names one person's.
        record.user = account.name.clone();
        let (known, failures) = local.map_or((Vec::new(), 0), |it| (it.known, it.failures));
        Ok(Snapshot { sequence, identity: Identity::default(), record, known, failures })
    }
}

/// Returns the failures that this host has stored next to a record, without their time; `None` if there are none.
fn noted(local: Option<&Snapshot>) -> Option<NotedFailures> {
    let count = local.map(|local| local.failures).filter(|count| *count > 0)?;
    Some(NotedFailures { count, at: None })
}
