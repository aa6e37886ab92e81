//! Charges an attempt before its code is compared, and records the result: a longer failure streak or none.

use crate::{
    account::Folder,
    attempt::{Outcome, Trial},
    event::Reason,
    expiry, facts,
    fault::LedgerFault,
    format::ledger_names,
    ledger::{Budget, Facts, Row, Try},
    ledger_sweep::Sweep,
    policy::Limits,
    ports::Creation,
    replay, reserve, row,
    throttle::{self, Case, Familiarity, Weighed},
    time::{DAY, Now, UnixTime},
};

/// How many slots may be lost to other processes before the attempt is refused.
const SLOT_RACES: usize = 64;

/// Attempts per day for each of the 256 buckets of unknown user names: two days of them use less than half of the
/// ledger's names.
const UNKNOWN_A_DAY: u32 = 100;

/// The result of charging.
pub(crate) enum Charge {
    Taken(Try),
    Refused(Outcome),
}

impl Trial<'_> {
    /// Takes the lowest free slot of today for this source, in competition with other processes. An attempt that the
    /// throttle would refuse is not charged: killing this process before a refund must gain an attacker nothing.
    pub(crate) fn charge(&self, now: UnixTime) -> Result<Charge, LedgerFault> {
        // An ordinary login finds the first slot free and lists the names once, after it is charged.
        if self.budget == Budget::Proven
            && let Some(charged) = self.take(&self.name_of(0, now), now)?
        {
            return Ok(Charge::Taken(charged));
        }
        let full = self.reserved()?;
        for _ in 0..SLOT_RACES {
            let facts = facts::read(self.shelf, None)?;
            let slot = throttle::free_slot(&facts, self.budget, self.source, now.day());
            let name = self.name_of(slot, now);
            if let Some(outcome) = self.weigh(&facts, &name, now).or_else(|| full.clone()) {
                self.pretend_to_take(&facts, now)?;
                return Ok(Charge::Refused(outcome));
            }
            if let Some(charged) = self.take(&name, now)? {
                return Ok(Charge::Taken(charged));
            }
        }
        Err(LedgerFault::Io { errno: 0 })
    }

    fn name_of(&self, slot: u32, now: UnixTime) -> Try {
        Try { budget: self.budget, day: now.day(), slot, source: self.source.clone() }
    }

    fn take(&self, name: &Try, now: UnixTime) -> Result<Option<Try>, LedgerFault> {
        let made = self.shelf.create(&ledger_names::try_name(name), &ledger_names::instant(now))?;
        Ok((made == Creation::Made).then(|| name.clone()))
    }

    /// Refuses an attempt before a proven first factor if the remaining names are reserved, or were when the user's
    /// folder was opened. Checked for every user, throttled or not, against the whole ledger.
    fn reserved(&self) -> Result<Option<Outcome>, LedgerFault> {
        if !self.budget.is_uniform() {
            return Ok(None);
        }
        let capacity = self.ports.ledger.capacity()?;
        let admits = !self.shelf.is_of_all() && reserve::admits(capacity, self.familiarity());
        Ok((!admits).then_some(Outcome::Faulty(Reason::Ledger(LedgerFault::Reserved))))
    }

    /// Makes the system calls of a charge on a name that exists: before a first factor, throttling must not be
    /// observable.
    fn pretend_to_take(&self, facts: &Facts, now: UnixTime) -> Result<(), LedgerFault> {
        if !self.budget.is_uniform() {
            return Ok(());
        }
        // Without a stored attempt, use `.`, which always exists.
        let standing = facts.tries.first().map(|charged| ledger_names::try_name(&charged.name));
        let name = standing.as_deref().unwrap_or(".");
        // If another process has forgiven that name meanwhile, it would now count as an attempt.
        if self.shelf.create(name, &ledger_names::instant(now))? == Creation::Made {
            self.shelf.erase(name);
        }
        Ok(())
    }

    /// Returns whether this user has logged in from this source before.
    fn familiarity(&self) -> Familiarity {
        let found = self.person.as_ref().map(|(_, snapshot)| snapshot);
        Familiarity::of(found, self.source)
    }

    /// Returns the throttle's refusal of an attempt, if any.
    pub(crate) fn weigh(&self, facts: &Facts, charged: &Try, now: UnixTime) -> Option<Outcome> {
        let in_a_row = match self.budget {
            Budget::Proven => {
                row::length(facts, row::in_force(facts, self.noted(), now), Some(charged))
            }
            // A streak that ends with the owner's login and survives a restart would tell strangers that the account
            // is in use.
            Budget::Unproven | Budget::Exempt | Budget::Verify => 0,
        };
        let familiarity = match self.budget {
            // The caller of `verify` has not logged in as this user, from any source.
            Budget::Verify => Familiarity::Stranger,
            Budget::Proven | Budget::Unproven | Budget::Exempt => self.familiarity(),
        };
        let case = Case { charged, facts, in_a_row, familiarity, now };
        match throttle::weigh(&self.limits(), &case) {
            Weighed::Judge => None,
            Weighed::Wait { until } => Some(Outcome::Throttled { until, wait: until.since(now) }),
            Weighed::Locked => Some(Outcome::Locked),
        }
    }

    /// Returns the failures stored where a restart does not clear them.
    fn noted(&self) -> u32 {
        self.person.as_ref().map_or(0, |(_, snapshot)| snapshot.failures)
    }

    /// Lengthens the failure streak in the ledger and next to the record. Its start is written first: a later reader
    /// of the record's number finds in the ledger which attempts are included.
    pub(crate) fn note_failure(&mut self, facts: &Facts, now: UnixTime) {
        self.begin_row(facts, now);
        let length = row::length(facts, row::in_force(facts, self.noted(), now), None);
        match (&mut self.person, &mut self.stand_in) {
            (Some((account, snapshot)), _) => {
                let before = core::mem::replace(&mut snapshot.failures, length);
                let folder = Folder::of(&account.name).ok();
                self.ports.records.note_failures(folder.as_ref(), (before, length), now);
            }
            (None, Some(nobody)) => {
                let before = nobody.failures;
                nobody.failures = before.wrapping_add(1);
                self.ports.records.note_failures(None, (before, nobody.failures), now);
            }
            (None, None) => {}
        }
    }

    /// Removes a few expired attempts, so that a guessing attacker does not fill the ledger; a no-op if there are
    /// none.
    pub(crate) fn drop_expired(&self, facts: &Facts, floor: UnixTime, now: Now) {
        let sweep =
            Sweep { shelf: self.shelf, floor, now, noted: Some(self.noted()), in_force: None };
        sweep.drop_tries(facts, expiry::AT_ONCE);
    }

    /// Returns the limits of this attempt. User names without an account share 256 buckets, whose total is bounded.
    fn limits(&self) -> Limits {
        let mut limits = self.policy.throttle;
        if self.person.is_none() {
            limits.per_day = limits.per_day.min(UNKNOWN_A_DAY);
        }
        limits
    }

    fn begin_row(&self, facts: &Facts, now: UnixTime) {
        if facts.row.is_none() {
            let begins = Row { since: UnixTime(0), carried: self.noted() };
            let _ = self.shelf.create(&ledger_names::row_name(begins), &ledger_names::instant(now));
        }
    }

    /// Makes the system calls of [`Trial::note_failure`] without lengthening the streak.
    pub(crate) fn note_nothing(&self, facts: &Facts, now: UnixTime) {
        self.begin_row(facts, now);
        let person = self.person.as_ref().map(|(account, snapshot)| (Some(account), snapshot));
        let shown = person.or(self.stand_in.as_ref().map(|nobody| (None, nobody)));
        if let Some((account, snapshot)) = shown {
            let folder = account.and_then(|account| Folder::of(&account.name).ok());
            let counted = (snapshot.failures, snapshot.failures);
            self.ports.records.note_failures(folder.as_ref(), counted, now);
        }
    }

    /// Forgives the failures of this source after a success, ends the failure streak, and removes steps that are
    /// refused without their names.
    pub(crate) fn forgive(&self, facts: &Facts, own: Option<&Try>, now: UnixTime) {
        self.end_row(facts, own, now);
        for charged in &facts.tries {
            let over = now.since(charged.at) >= DAY;
            if (over || charged.name.source == *self.source) && Some(&charged.name) != own {
                self.shelf.erase(&ledger_names::try_name(&charged.name));
            }
        }
        for used in replay::forgotten(&facts.used) {
            self.shelf.erase(&ledger_names::used_name(used));
        }
    }

    /// As [`Trial::forgive`], for a success that came after the comparison.
    pub(crate) fn forgive_late(&self) {
        if let (Ok(now), Ok(facts)) = (self.ports.clock.now(), facts::read(self.shelf, None)) {
            self.forgive(&facts, None, now.unix);
        }
    }

    /// Ends the failure streak. Costs nothing if there is none, as after almost every login.
    fn end_row(&self, facts: &Facts, own: Option<&Try>, now: UnixTime) {
        // Even if the ledger has no streak: a number that a crash or a slower process left next to the record would
        // become a streak after a restart.
        let person = self.person.as_ref().filter(|(_, snapshot)| snapshot.failures > 0);
        if let Some(folder) = person.and_then(|(account, _)| Folder::of(&account.name).ok()) {
            self.ports.records.forget_failures(&folder);
        }
        let begun = row::in_force(facts, self.noted(), now);
        if row::length(facts, begun, own) == 0 {
            return;
        }
        let ended = Row { since: now, carried: 0 };
        let _ = self.shelf.create(&ledger_names::row_name(ended), &ledger_names::instant(now));
        if let Some(old) = facts.row.filter(|old| *old != ended) {
            self.shelf.erase(&ledger_names::row_name(old));
        }
    }
}
