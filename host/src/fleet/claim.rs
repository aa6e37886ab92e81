//! Claims a step in the store. The same transaction checks that the record is unchanged, and deletes the entry that
//! counts the attempt (the charge).

use twinlock_core::{
    base::{
        error::{FleetError, LedgerError},
        time::UnixTime,
    },
    ledger::{Used, names},
    ports::Creation,
    wire::fleet::{
        FleetReply, Stay, StoreCompare, StoreEntry, StoreRead, StoreTest, StoreWrite, Transaction,
    },
};

use crate::fleet::{
    entries::number,
    ledger::{FleetUserLedger, step_of},
    names::{StoreName, with_host},
    session::{ChargeGuard, Fleet, JudgedRecord, compare, entry, is_done},
};

/// Maximum number of tries of a claim while other logins of the user claim lower steps, or the record is sealed again.
pub(super) const ROUNDS: usize = 4;

/// Result of one try of a claim.
enum Round {
    Over(Creation),
    /// Another login has claimed a lower step meanwhile, or the record was sealed with another key, so the claim must be
    /// tried again.
    Again,
}

/// Why the store has refused a guarded transaction, if the login can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GuardRefusal {
    /// The condition of the transaction itself does not hold.
    OwnTest,
    /// The record was written again without a change, as when the sealing key is changed. The transaction can be tried
    /// again.
    Resealed,
}

impl FleetUserLedger<'_> {
    /// Claims a step on this host, and then in the store. If the store refuses because the record or the charge has
    /// changed, the step is free again on this host. If it is unknown whether the store has the claim, the step counts
    /// as used.
    pub(super) fn claim(
        &self,
        used: &Used,
        name: &str,
        content: &str,
    ) -> Result<Creation, LedgerError> {
        if self.inner.create(name, content)? == Creation::Taken {
            return Ok(Creation::Taken);
        }
        let claimed = self.claim_in_store(used, names::read_instant(content).unwrap_or_default());
        match claimed {
            Ok(Creation::Made) => {
                self.fleet.state(&self.name, |state| state.claimed.push(name.to_owned()));
            }
            Err(FleetError::RecordChanged | FleetError::ChargeGone) => self.inner.erase(name),
            Ok(Creation::Taken) | Err(_) => {}
        }
        claimed.map_err(LedgerError::Fleet)
    }

    fn claim_in_store(&self, used: &Used, now: UnixTime) -> Result<Creation, FleetError> {
        let key = self.name.top(&self.fleet.key, used.mark);
        let start = [&step_of(used)[..], &self.fleet.nonce()?, &now.0.to_be_bytes()].concat();
        let value = with_host(&self.fleet.key, &key, &start, &self.fleet.scope.host);
        for _ in 0..ROUNDS {
            let (known, guard) = self.fleet.state(&self.name, |state| {
                let known = state.tops.iter().find(|top| top.key == key).cloned();
                (known, state.guard.clone())
            });
            if known.as_ref().is_some_and(|known| number(&known.value) >= number(&value)) {
                return Ok(Creation::Taken);
            }
            if is_claimed_with(&guard, &key, &value) {
                return Ok(Creation::Made);
            }
            // Not only a lower value: the older one of two codes must be above it, too.
            let test = known.map_or(StoreTest::Absent, |known| StoreTest::Value(known.value));
            let put = StoreWrite::Put {
                key: key.clone(),
                value: value.clone(),
                stays: Stay::Forever,
                take_back: false,
            };
            let reply = self.fleet.guarded(&self.name, compare(key.clone(), test), put)?;
            match self.end_of_round(&reply, &key, &value)? {
                Round::Over(done) => return Ok(done),
                Round::Again => {}
            }
        }
        Err(FleetError::Busy)
    }

    fn end_of_round(
        &self,
        reply: &FleetReply,
        key: &str,
        value: &[u8],
    ) -> Result<Round, FleetError> {
        let stored = entry(reply, key);
        // After a lost answer, the claim is this attempt's own if the value is.
        if is_done(reply) || stored.is_some_and(|stored| stored.value == value) {
            self.fleet.charge_is_over(&self.name, key, value);
            return Ok(Round::Over(Creation::Made));
        }
        if self.fleet.why_refused(&self.name, reply)? == GuardRefusal::Resealed {
            return Ok(Round::Again);
        }
        let Some(stored) = stored else {
            // The value that was seen before is gone. Nothing but an administrator deletes it.
            return Err(FleetError::RecordChanged);
        };
        if number(&stored.value) >= number(value) {
            return Ok(Round::Over(Creation::Taken));
        }
        self.fleet.state(&self.name, |state| {
            state.tops.retain(|top| top.key != key);
            state.tops.push(stored.clone());
        });
        Ok(Round::Again)
    }
}

/// Returns whether this attempt has already claimed the same or a newer step of the same authenticator. This happens
/// with two adjacent codes: the attempt first claims the step of the newer code, and this claim makes the older code
/// unusable, too.
fn is_claimed_with(guard: &ChargeGuard, key: &str, value: &[u8]) -> bool {
    matches!(guard, ChargeGuard::Claim { key: own, value: newer, .. }
        if own == key && number(newer) >= number(value))
}

impl Fleet {
    /// Runs a transaction with two more conditions: the record is still the one that this login uses, and this attempt
    /// is still charged. The transaction deletes the charge.
    pub(super) fn guarded(
        &self,
        name: &StoreName,
        test: StoreCompare,
        put: StoreWrite,
    ) -> Result<FleetReply, FleetError> {
        let (judged, guard) = self.state(name, |state| (state.judged, state.guard.clone()));
        let revision = judged.and_then(|judged| judged.revision);
        let mut reads = vec![StoreRead::Key(test.key.clone()), StoreRead::Key(name.record())];
        let mut compares = vec![test];
        let mut writes = vec![put];
        match revision {
            Some(revision) => {
                compares.push(compare(name.record(), StoreTest::Revision(revision)));
            }
            // Before a first record there is nothing to prove; its commit proves that it is the first.
            None if guard == ChargeGuard::None => {}
            None => return Err(FleetError::RecordChanged),
        }
        match guard {
            // A new key is proven by its own code before it is in force, and no attempt is charged for that.
            ChargeGuard::None => {}
            ChargeGuard::Slot { key, value, .. } => {
                compares.push(compare(key.clone(), StoreTest::Value(value)));
                reads.push(StoreRead::Key(key.clone()));
                writes.push(StoreWrite::Delete { key });
            }
            // A second step of the same attempt overwrites the first one, which stands for the charge.
            ChargeGuard::Claim { key, value, .. } => {
                if compares.iter().all(|one| one.key != key) {
                    compares.push(compare(key, StoreTest::Value(value)));
                }
            }
        }
        self.transact(Transaction { compares, writes, reads })
    }

    /// Records that a claim has deleted the charge, which proves that this login uses the newest record. `key` and
    /// `value` are those of the claim.
    pub(super) fn charge_is_over(&self, name: &StoreName, key: &str, value: &[u8]) {
        self.state(name, |state| {
            let own = match std::mem::take(&mut state.guard) {
                ChargeGuard::Slot { name, .. } | ChargeGuard::Claim { name, .. } => name,
                ChargeGuard::None => String::new(),
            };
            state.attempts.retain(|stored| stored.name != own);
            state.guard = ChargeGuard::Claim { key: key.into(), value: value.into(), name: own };
            state.is_proven = state.judged.is_some_and(|judged| judged.revision.is_some());
        });
    }

    /// Returns why a guarded transaction was refused. Fails if the record or the charge has changed.
    pub(super) fn why_refused(
        &self,
        name: &StoreName,
        reply: &FleetReply,
    ) -> Result<GuardRefusal, FleetError> {
        let (judged, guard) = self.state(name, |state| (state.judged, state.guard.clone()));
        let mut refusal = GuardRefusal::OwnTest;
        if let Some(judged) = judged
            && judged.revision.is_some()
        {
            let stored = entry(reply, &name.record()).ok_or(FleetError::RecordGone)?;
            if Some(stored.revision) != judged.revision {
                self.check_resealed(name, stored, judged)?;
                refusal = GuardRefusal::Resealed;
            }
        }
        match guard {
            ChargeGuard::Slot { key, value, .. } => {
                let is_kept = entry(reply, &key).is_some_and(|stored| stored.value == value);
                if is_kept { Ok(refusal) } else { Err(FleetError::ChargeGone) }
            }
            ChargeGuard::None | ChargeGuard::Claim { .. } => Ok(refusal),
        }
    }

    /// Checks that a record that was written again is the one that this login uses, and remembers its new revision.
    fn check_resealed(
        &self,
        name: &StoreName,
        stored: &StoreEntry,
        judged: JudgedRecord,
    ) -> Result<(), FleetError> {
        let found = self.opened_record(stored)?;
        let is_same =
            (found.sequence, found.record.generation) == (judged.sequence, judged.generation);
        if !is_same {
            return Err(FleetError::RecordChanged);
        }
        let judged = JudgedRecord { revision: Some(stored.revision), ..judged };
        self.state(name, |state| state.judged = Some(judged));
        Ok(())
    }
}
