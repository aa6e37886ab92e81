//! One judged try, in the order that makes it safe: charge, compare, claim, look again, refund.

use alloc::{string::String, vec::Vec};

use crate::{
    account::Account,
    answer::Code,
    event::{Accepted, Reason},
    facts,
    fault::{LedgerFault, StoreFault},
    format::ledger_names,
    judge::{Evidence, Match, Ruling, judge},
    ledger::{Budget, Facts, Try, Used},
    policy::Policy,
    ports::{Creation, Ports, Shelf, Snapshot},
    record::{Record, State},
    replay,
    request::SourceLabel,
    throttle::{self, Case, Familiarity, Weighed},
    time::{DAY, Now, UnixTime},
};

/// How often a record may change under a login before it gives up.
const ROUNDS: usize = 4;
/// How often a slot may be lost to another process before the try is refused.
const SLOT_RACES: usize = 64;

/// Who tries, on which budget.
pub struct Trial<'a> {
    /// The settings.
    pub policy: &'a Policy,
    /// The machine.
    pub ports: Ports<'a>,
    /// The names of this person in the ledger.
    pub shelf: &'a dyn Shelf,
    /// The account and what it is held against; nothing for a name whose every code is wrong.
    pub person: Option<(&'a Account, Snapshot)>,
    /// Where the person sits.
    pub source: &'a SourceLabel,
    /// Which budget tries are taken from.
    pub budget: Budget,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Right, and nobody else has used it.
    Granted(Accepted),
    /// Wrong: the charge stands.
    Wrong,
    /// Right once, but used.
    Replayed {
        /// Seconds until there is another.
        wait: u64,
    },
    /// Too old for the ledger to tell.
    BeforeEpoch {
        /// Seconds until there is one that it can.
        wait: u64,
    },
    /// Not judged: too many wrong codes lately.
    Throttled {
        /// When the next is judged.
        until: UnixTime,
        /// Seconds until then.
        wait: u64,
    },
    /// Not judged: too many wrong codes in a row.
    Locked,
    /// Not judged, or judged and burned, because something is broken.
    Faulty(Reason),
}

impl Trial<'_> {
    /// Judges a code. Only [`Outcome::Granted`] lets anybody in.
    pub fn attempt(&mut self, code: &Code) -> Outcome {
        let Ok(now) = self.ports.clock.now() else {
            return Outcome::Faulty(Reason::Clock);
        };
        let charged = match self.charge(now.unix) {
            Ok(charged) => charged,
            Err(fault) => return Outcome::Faulty(Reason::Ledger(fault)),
        };
        let outcome = self.judge_charged(code, now, &charged);
        let outcome = outcome.unwrap_or_else(|fault| Outcome::Faulty(Reason::Ledger(fault)));
        if refunds(&outcome, self.budget) {
            self.shelf.erase(&ledger_names::try_name(&charged));
        }
        outcome
    }

    /// Takes the lowest free slot of today for this source, in competition with everybody else.
    fn charge(&self, now: UnixTime) -> Result<Try, LedgerFault> {
        let mut slot = 0;
        for _ in 0..SLOT_RACES {
            let name =
                Try { budget: self.budget, day: now.day(), slot, source: self.source.clone() };
            let text = ledger_names::instant(now);
            match self.shelf.create(&ledger_names::try_name(&name), &text)? {
                Creation::Made => return Ok(name),
                Creation::Taken => {
                    let facts = facts::read(self.shelf, None)?;
                    slot = throttle::free_slot(&facts, self.budget, self.source, now.day());
                }
            }
        }
        Err(LedgerFault::Io { errno: 0 })
    }

    fn judge_charged(&mut self, code: &Code, now: Now, own: &Try) -> Result<Outcome, LedgerFault> {
        let mut facts = facts::read(self.shelf, Some((own, now.unix)))?;
        facts.last_success = self.last_success(&facts, now.unix)?;
        let found = self.person.as_ref().map(|(_, snapshot)| snapshot);
        let familiarity = Familiarity::of(found, self.source);
        let case = Case { charged: own, facts: &facts, familiarity, now: now.unix };
        match throttle::weigh(&self.policy.throttle, &case) {
            Weighed::Judge => {}
            Weighed::Wait { until } => {
                return Ok(Outcome::Throttled { until, wait: until.since(now.unix) });
            }
            Weighed::Locked => return Ok(Outcome::Locked),
        }
        let floor = self.ports.ledger.floor(now)?;
        let evidence =
            Evidence { used: &facts.used, floor, now: now.unix, window: self.policy.window };
        let outcome = self.compare_and_claim(code, &evidence)?;
        for old in throttle::spare(&facts, now.unix) {
            self.shelf.erase(&ledger_names::try_name(old));
        }
        if matches!(outcome, Outcome::Granted(_)) {
            self.clear(&facts, own, now.unix);
        }
        Ok(outcome)
    }

    /// When a code was last accepted, asked only when there are enough failures for it to matter.
    fn last_success(&self, facts: &Facts, now: UnixTime) -> Result<UnixTime, LedgerFault> {
        let failures = u32::try_from(facts.tries.len()).unwrap_or(u32::MAX);
        if failures <= self.policy.throttle.in_a_row {
            return Ok(UnixTime(0));
        }
        facts::last_success(self.shelf, facts, now)
    }

    fn compare_and_claim(
        &mut self,
        code: &Code,
        evidence: &Evidence<'_>,
    ) -> Result<Outcome, LedgerFault> {
        for _ in 0..ROUNDS {
            let found = match self.compare(code, evidence) {
                Ruling::Right(found) => found,
                Ruling::Replayed { wait } => return Ok(Outcome::Replayed { wait }),
                Ruling::BeforeEpoch { wait } => return Ok(Outcome::BeforeEpoch { wait }),
                Ruling::Wrong => return Ok(Outcome::Wrong),
            };
            let name = ledger_names::used_name(&found.used());
            if self.shelf.create(&name, &ledger_names::instant(evidence.now))? == Creation::Taken {
                return Ok(Outcome::Replayed { wait: self.next_code(found, evidence.now) });
            }
            if self.is_outlived(&found.used())? {
                return Ok(Outcome::Replayed { wait: self.next_code(found, evidence.now) });
            }
            match self.settle(found) {
                Ok(Some(accepted)) => return Ok(Outcome::Granted(accepted)),
                Ok(None) => {}
                Err(fault) => return Ok(Outcome::Faulty(Reason::Store(fault))),
            }
        }
        Ok(Outcome::Faulty(Reason::RecordChanging))
    }

    /// Whether a step just claimed was so far behind that its name may have been there and been erased: a process
    /// can be stopped between comparing and claiming for as long as its caller likes.
    fn is_outlived(&self, claimed: &Used) -> Result<bool, LedgerFault> {
        let names = self.shelf.names()?;
        let used: Vec<Used> =
            names.iter().filter_map(|name| ledger_names::read_used(name)).collect();
        Ok(replay::forgotten(&used).any(|one| one == claimed))
    }

    /// Holds the code against the record, or against one that nobody has, for as much work.
    fn compare(&self, code: &Code, evidence: &Evidence<'_>) -> Ruling {
        match &self.person {
            Some((_, snapshot)) => judge(&snapshot.record, code, evidence),
            None => {
                // Whatever it rules: nobody has this key, and nothing is claimed by it.
                let _ = Record::nobodys().map(|record| judge(&record, code, evidence));
                Ruling::Wrong
            }
        }
    }

    /// After the claim: grants if the record is still the one that was judged, else loads it afresh.
    fn settle(&mut self, found: Match) -> Result<Option<Accepted>, StoreFault> {
        let Some((account, snapshot)) = &mut self.person else {
            return Ok(None);
        };
        let folder =
            crate::account::Folder::of(&account.name).map_err(|_| StoreFault::NameTooLong)?;
        if self.ports.records.is_newest(&folder, snapshot.sequence)? {
            let authenticator = snapshot.record.authenticators.get(found.authenticator);
            let name = authenticator.map_or_else(String::new, |found| found.name.clone());
            return Ok(Some(Accepted { authenticator: name, step: found.step }));
        }
        match self.ports.records.newest(account)? {
            Some(fresh) if fresh.record.state == State::Active => {
                *snapshot = fresh;
                Ok(None)
            }
            Some(_) | None => {
                self.person = None;
                Ok(None)
            }
        }
    }

    fn next_code(&self, found: Match, now: UnixTime) -> u64 {
        let Some((_, snapshot)) = &self.person else {
            return 0;
        };
        let next = crate::time::Step(found.step.0.saturating_add(1));
        let authenticator = snapshot.record.authenticators.get(found.authenticator);
        authenticator.map_or(0, |found| replay::seconds_until(next, found, now))
    }

    /// A success forgives the failures of its own source, ends every row, and forgets steps that are refused without their names.
    fn clear(&self, facts: &Facts, own: &Try, now: UnixTime) {
        for charged in &facts.tries {
            let over = now.since(charged.at) >= DAY;
            if (over || charged.name.source == *self.source) && charged.name != *own {
                self.shelf.erase(&ledger_names::try_name(&charged.name));
            }
        }
        for used in replay::forgotten(&facts.used) {
            self.shelf.erase(&ledger_names::used_name(used));
        }
    }
}

/// What is given back: all but what was judged and wrong. A replay counts where no first factor was proven.
fn refunds(outcome: &Outcome, budget: Budget) -> bool {
    match outcome {
        Outcome::Wrong => false,
        Outcome::Replayed { .. } | Outcome::BeforeEpoch { .. } => budget == Budget::Proven,
        Outcome::Granted(_) | Outcome::Throttled { .. } | Outcome::Locked | Outcome::Faulty(_) => {
            true
        }
    }
}
