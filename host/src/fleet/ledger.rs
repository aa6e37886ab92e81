//! The ledger of one shared user: each attempt is charged both on this host and in the store.

use twinlock_core::{
    base::{
        error::{FleetError, LedgerError},
        time::{DAY, UnixTime},
    },
    ledger::{FailureStreak, KeyId, Used, names},
    ports::{Creation, Ledger, LedgerKey, UserLedger},
    wire::fleet::{FleetReply, Stay, StoreEntry, StoreTest, StoreWrite, Transaction},
};

use crate::fleet::{
    entries::LedgerEntries,
    names::StoreName,
    session::{
        ChargeGuard, Fleet, NotedFailures, UserState, all_reads, compare, entry, guarded_delete,
        is_done,
    },
};

/// A test that only a missing key passes, because its revision is 0.
const ABSENT: StoreTest = StoreTest::Revision(0);
/// A test that no key passes, because etcd's first write has the revision 2. A transaction with this test is as long as
/// one with [`ABSENT`], so its size does not reveal that it changes nothing.
const NEVER: StoreTest = StoreTest::Revision(1);
/// Prefix of the names of attempts.
const ATTEMPT: &str = "try.";

/// The ledger of one shared user.
pub(super) struct FleetUserLedger<'a> {
    pub(super) inner: Box<dyn UserLedger + 'a>,
    pub(super) fleet: &'a Fleet,
    pub(super) name: StoreName,
}

impl Fleet {
    /// Opens the ledger folder of one owner (see [`Ledger::open`]).
    pub(crate) fn open<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        owner: &LedgerKey,
    ) -> Result<Box<dyn UserLedger + 'a>, LedgerError> {
        Ok(self.shared_ledger(inner.open(owner)?, owner))
    }

    /// Opens the ledger folder of one owner with the same system calls for every owner (see [`Ledger::open_uniform`]).
    pub(crate) fn open_uniform<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        owner: &LedgerKey,
    ) -> Result<Box<dyn UserLedger + 'a>, LedgerError> {
        Ok(self.shared_ledger(inner.open_uniform(owner)?, owner))
    }

    fn shared_ledger<'a>(
        &'a self,
        inner: Box<dyn UserLedger + 'a>,
        owner: &LedgerKey,
    ) -> Box<dyn UserLedger + 'a> {
        match self.name_of(owner) {
            Some(name) => Box::new(FleetUserLedger { inner, fleet: self, name }),
            None => inner,
        }
    }
}

impl UserLedger for FleetUserLedger<'_> {
    fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerError> {
        if name == "." {
            self.pretend_to_charge()?;
            return self.inner.create(name, content);
        }
        if name.starts_with(ATTEMPT) {
            return self.charge(name, content);
        }
        match names::read_used(name).filter(|used| !is_of_set(used.mark)) {
            Some(used) => self.claim(&used, name, content),
            None => {
                let made = self.inner.create(name, content)?;
                if let Some(ended) = names::read_row(name).filter(is_end) {
                    self.end_streak(ended.since);
                }
                Ok(made)
            }
        }
    }

    fn names(&self) -> Result<Vec<String>, LedgerError> {
        let mut found = Vec::new();
        self.each_name(&mut |name| found.push(name.to_owned()))?;
        Ok(found)
    }

    fn each_name(&self, visit: &mut dyn FnMut(&str)) -> Result<(), LedgerError> {
        let entries = self.entries().map_err(LedgerError::Fleet)?;
        let mut local = Vec::new();
        self.inner.each_name(&mut |name| {
            if name.starts_with(ATTEMPT) {
                local.push(name.to_owned());
            }
            visit(name);
        })?;
        entries.used.iter().for_each(|name| visit(name));
        let noted = self.fleet.state(&self.name, |state| state.noted);
        if let Some(row) = entries.streak.and_then(|ended| row_after(ended, noted)) {
            visit(&names::row_name(row));
        }
        let elsewhere = entries.attempts.iter().filter(|stored| !local.contains(&stored.name));
        elsewhere.for_each(|stored| visit(&stored.name));
        self.fleet.state(&self.name, |state| {
            state.attempts = entries.attempts;
            state.tops = entries.tops;
        });
        Ok(())
    }

    fn content(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let found = self.inner.content(name)?;
        if found.is_none() {
            return Ok(self.fleet.state(&self.name, |state| {
                let stored = state.attempts.iter().find(|stored| stored.name == name);
                stored.map(|stored| stored.content.clone())
            }));
        }
        let is_claim = names::read_used(name).is_some_and(|used| !is_of_set(used.mark));
        let is_claimed =
            || self.fleet.state(&self.name, |state| state.claimed.iter().any(|it| it == name));
        if is_claim && !is_claimed() {
            // This login has created the name on this host, but not in the store: without its nonce, it is another's.
            return Ok(found.map(|text| text.split('.').next().unwrap_or_default().to_owned()));
        }
        Ok(found)
    }

    fn erase(&self, name: &str) {
        self.inner.erase(name);
        if name.starts_with(ATTEMPT) {
            self.take_back(name);
        }
    }

    fn is_of_all(&self) -> bool {
        self.inner.is_of_all()
    }
}

impl FleetUserLedger<'_> {
    /// Charges an attempt on this host, and then in the store. If one of them refuses the charge, the attempt is
    /// charged in neither.
    fn charge(&self, name: &str, content: &str) -> Result<Creation, LedgerError> {
        if self.inner.create(name, content)? == Creation::Taken {
            // The store is asked nevertheless: before a first factor, a throttled user must cost as much as any other.
            self.pretend_to_charge()?;
            return Ok(Creation::Taken);
        }
        let charged = self.charge_in_store(name, content);
        if charged != Ok(Creation::Made) {
            self.inner.erase(name);
        }
        charged.map_err(LedgerError::Fleet)
    }

    fn charge_in_store(&self, name: &str, content: &str) -> Result<Creation, FleetError> {
        let attempt = self.fleet.sealed_attempt(&self.name, name, content)?;
        let reply = self.fleet.transact(charge(&self.name, &attempt, ABSENT))?;
        let stored = entry(&reply, &attempt.key).map(|stored| &stored.value);
        // After a lost answer, the slot is this attempt's own if the value is.
        let is_own = is_done(&reply) || stored == Some(&attempt.value);
        self.keep_listing(&reply);
        if !is_own {
            // The next attempt is checked by the limits of the fleet, which are part of its description.
            self.fleet.read_description(&reply)?;
            return Ok(Creation::Taken);
        }
        let StoreEntry { key, value, .. } = attempt;
        self.fleet.state(&self.name, |state| {
            state.guard = ChargeGuard::Slot { key, value, name: name.to_owned() };
            state.is_proven = false;
        });
        let checked = self.fleet.check_judged(&self.name, &reply);
        if checked.is_err() {
            self.take_back(name);
        }
        checked.map(|()| Creation::Made)
    }

    /// Sends the transaction of a charge with a test that always fails, so that the store changes nothing. An observer
    /// cannot tell such a transaction from a real charge.
    fn pretend_to_charge(&self) -> Result<(), LedgerError> {
        let attempt = self.fleet.sealed_attempt(&self.name, "try.unproven.0.0.0", "0");
        let attempt = attempt.map_err(LedgerError::Fleet)?;
        let reply =
            self.fleet.transact(charge(&self.name, &attempt, NEVER)).map_err(LedgerError::Fleet)?;
        self.keep_listing(&reply);
        self.fleet.record_in(&self.name, &reply).map(drop).map_err(LedgerError::Fleet)
    }

    fn keep_listing(&self, reply: &FleetReply) {
        // A list that was cut is read again, which fails: it may lack attempts.
        let listing = (!reply.more).then(|| reply.entries.clone());
        self.fleet.state(&self.name, |state| state.listing = listing);
    }

    /// Returns the entries of the user's ledger in the store: those that the last charge has read, or else a new list.
    fn entries(&self) -> Result<LedgerEntries, FleetError> {
        let listing = self.fleet.state(&self.name, |state| state.listing.take());
        let listing = match listing {
            Some(listing) => listing,
            None => {
                let reads = all_reads(&self.name);
                let reply = self.fleet.transact(Transaction { reads, ..Transaction::default() })?;
                self.fleet.record_in(&self.name, &reply)?;
                if reply.more {
                    return Err(FleetError::Broken);
                }
                reply.entries
            }
        };
        let marks = self.fleet.state(&self.name, |state| std::mem::take(&mut state.marks));
        let found = self.fleet.understood(&self.name, &marks, listing);
        self.fleet.state(&self.name, |state| state.marks = marks);
        found
    }

    /// Deletes an attempt in the store, best effort. An attempt with another nonce is kept.
    fn take_back(&self, name: &str) {
        let (guard, stored) = self.fleet.state(&self.name, |state| match &state.guard {
            ChargeGuard::Slot { name: own, .. } if own == name => {
                state.attempts.retain(|stored| stored.name != name);
                (std::mem::take(&mut state.guard), None)
            }
            // The claim has deleted it. Another login may have the slot by now.
            ChargeGuard::Claim { name: own, .. } if own == name => (ChargeGuard::None, None),
            ChargeGuard::Slot { .. } | ChargeGuard::Claim { .. } | ChargeGuard::None => {
                let place = state.attempts.iter().position(|stored| stored.name == name);
                (ChargeGuard::None, place.map(|place| state.attempts.swap_remove(place)))
            }
        });
        if let ChargeGuard::Slot { key, value, .. } = guard {
            let _ = self.fleet.transact(guarded_delete(&key, &value));
            return;
        }
        let Some(now) = self.fleet.clock.now().ok().map(|now| now.unix) else { return };
        if let Some(stored) = stored.filter(|stored| !has_expired(&stored.content, now)) {
            let _ = self.fleet.transact(guarded_delete(&stored.entry.key, &stored.entry.value));
            let is_first =
                |state: &mut UserState| !std::mem::replace(&mut state.has_ended_streak, true);
            if stored.host != self.fleet.scope.host && self.fleet.state(&self.name, is_first) {
                // The other host has the attempt in its own ledger, where only the end of the streak ends it.
                self.end_streak(now);
            }
        }
    }

    /// Stores the end of a failure streak, best effort, so that the streak ends on every host.
    fn end_streak(&self, since: UnixTime) {
        let Ok(value) = self.fleet.sealed_streak(&self.name, since) else { return };
        let key = self.name.streak();
        let put = StoreWrite::Put { key: key.clone(), value, stays: Stay::Days, take_back: false };
        for test in [StoreTest::Below(since.0.to_be_bytes().to_vec()), StoreTest::Absent] {
            let transaction = Transaction {
                compares: vec![compare(key.clone(), test)],
                writes: vec![put.clone()],
                reads: Vec::new(),
            };
            match self.fleet.transact(transaction) {
                Ok(reply) if !is_done(&reply) => {}
                Ok(_) | Err(_) => return,
            }
        }
    }
}

/// Returns the transaction that charges an attempt, and reads everything on which the decision of the login depends.
fn charge(name: &StoreName, attempt: &StoreEntry, test: StoreTest) -> Transaction {
    Transaction {
        compares: vec![compare(attempt.key.clone(), test)],
        writes: vec![StoreWrite::Put {
            key: attempt.key.clone(),
            value: attempt.value.clone(),
            stays: Stay::Days,
            take_back: true,
        }],
        reads: all_reads(name),
    }
}

/// Returns whether the beginning of a failure streak marks the end of the previous one: the new streak has no failures
/// and is not the first one.
fn is_end(begun: &FailureStreak) -> bool {
    begun.carried == 0 && begun.since.0 > 0
}

/// Returns the failure streak after the end that the store has; `None` if that end must not count. An end from before
/// the last failure that this host has stored hides no stored failure: the store may show an old one.
fn row_after(ended: UnixTime, noted: Option<NotedFailures>) -> Option<FailureStreak> {
    let Some(noted) = noted else { return Some(FailureStreak { since: ended, carried: 0 }) };
    let at = noted.at?;
    Some(if ended > at {
        FailureStreak { since: ended, carried: 0 }
    } else {
        FailureStreak { since: at, carried: noted.count }
    })
}

/// Returns whether an attempt is so old that no limit counts it. The store deletes such an attempt when its lease
/// expires.
fn has_expired(content: &str, now: UnixTime) -> bool {
    names::read_instant(content).is_some_and(|at| now.since(at) >= DAY)
}

/// Returns whether a used step is a backup code of a set. Its entry in the ledger only says when the code was used.
pub(super) fn is_of_set(mark: KeyId) -> bool {
    KeyId::of_set(twinlock_core::record::SetId(0)).0.get(8..) == mark.0.get(8..)
}

/// Returns the step as eight big-endian bytes, with which the store's value begins. A claim needs a higher step than
/// the stored one.
pub(super) fn step_of(used: &Used) -> [u8; 8] {
    used.step.0.to_be_bytes()
}
