//! Charging a try before it is judged, and what its end leaves: a longer row of failures, or none.

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

/// How often a slot may be lost to another process before the try is refused.
const SLOT_RACES: usize = 64;

/// Tries a day that each of the 256 folders of unknown names takes: two days of them are less than half of the ledger's names.
const UNKNOWN_A_DAY: u32 = 100;

/// What became of the charge.
pub(crate) enum Charge {
    Taken(Try),
    Refused(Outcome),
}

impl Trial<'_> {
    /// Takes the lowest free slot of today for this source, in competition with everybody else. What the throttle would
    /// refuse is not even charged: whoever kills this process before it gives a charge back must gain nothing by it.
    pub(crate) fn charge(&self, now: UnixTime) -> Result<Charge, LedgerFault> {
        // An ordinary login finds the first slot free, and looks at the names once, after it is charged.
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

    /// Refuses an attempt before a proven first factor where the names that are left are kept for others. Asked of everybody,
    /// throttled or not, and answered by the ledger as a whole.
    fn reserved(&self) -> Result<Option<Outcome>, LedgerFault> {
        if !self.budget.is_uniform() {
            return Ok(None);
        }
        let admits = reserve::admits(self.ports.ledger.capacity()?, self.familiarity());
        Ok((!admits).then_some(Outcome::Faulty(Reason::Ledger(LedgerFault::Reserved))))
    }

    /// What charging does, on a name that stands already: before a first factor nobody may see who is throttled.
    fn pretend_to_take(&self, facts: &Facts, now: UnixTime) -> Result<(), LedgerFault> {
        if !self.budget.is_uniform() {
            return Ok(());
        }
        // Without a try on file, the folder's own name stands.
        let standing = facts.tries.first().map(|charged| ledger_names::try_name(&charged.name));
        let name = standing.as_deref().unwrap_or(".");
        // A name that another process has forgiven meanwhile would now be a try that nobody made.
        if self.shelf.create(name, &ledger_names::instant(now))? == Creation::Made {
            self.shelf.erase(name);
        }
        Ok(())
    }

    /// Returns whether this user has got in from this source before.
    fn familiarity(&self) -> Familiarity {
        let found = self.person.as_ref().map(|(_, snapshot)| snapshot);
        Familiarity::of(found, self.source)
    }

    /// What the throttle says to a try, where it is not to be judged.
    pub(crate) fn weigh(&self, facts: &Facts, charged: &Try, now: UnixTime) -> Option<Outcome> {
        let in_a_row = match self.budget {
            Budget::Proven => {
                row::length(facts, row::in_force(facts, self.noted(), now), Some(charged))
            }
            // A row that ends when the owner gets in, and outlives a restart, would tell strangers that there is an owner.
            Budget::Unproven | Budget::Exempt | Budget::Verify => 0,
        };
        let familiarity = match self.budget {
            // Whoever asks has not got in as this user, from wherever they sit.
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

    /// Failures that were noted where a restart does not reach.
    fn noted(&self) -> u32 {
        self.person.as_ref().map_or(0, |(_, snapshot)| snapshot.failures)
    }

    /// Makes the row one longer, also beside the record. Where it begins is written first: whoever reads the record's
    /// note later finds in the ledger which of these tries it has counted.
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

    /// Removes a few expired tries, so that those who only guess do not fill the ledger; nothing is done where none is.
    pub(crate) fn drop_expired(&self, facts: &Facts, floor: UnixTime, now: Now) {
        let sweep =
            Sweep { shelf: self.shelf, floor, now, noted: Some(self.noted()), in_force: None };
        sweep.drop_tries(facts, expiry::AT_ONCE);
    }

    /// The limits of this try. Names without an account share 256 folders, which are bounded in all.
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

    /// The calls of [`Trial::note_failure`] without a longer row.
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

    /// A success forgives the failures of its own source, ends every row, and forgets steps that are refused without their names.
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

    /// As [`Trial::forgive`], of a success that came after its code was judged.
    pub(crate) fn forgive_late(&self) {
        if let (Ok(now), Ok(facts)) = (self.ports.clock.now(), facts::read(self.shelf, None)) {
            self.forgive(&facts, None, now.unix);
        }
    }

    /// Costs nothing where there is no row, as after almost every login before.
    fn end_row(&self, facts: &Facts, own: Option<&Try>, now: UnixTime) {
        // Also where the ledger knows of no row: what a cut or a slower process has left there would be one after a restart.
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
