//! One judged try, in the order that makes it safe: charge, compare, claim, look again, refund.

use crate::{
    account::Account,
    answer::Code,
    charge::Charge,
    event::{Accepted, Reason},
    facts,
    fault::LedgerFault,
    format::ledger_names,
    judge::{Evidence, Match, Ruling, judge},
    ledger::{Budget, Try},
    policy::Policy,
    ports::{Creation, Ports, Shelf, Snapshot},
    record::Record,
    replay,
    request::SourceLabel,
    settle::{Settled, settle},
    throttle,
    time::{Now, UnixTime},
};

/// How often a record may change under a login before it gives up.
const ROUNDS: usize = 4;

impl Outcome {
    /// Why a code that was looked at lets nobody in; nothing where it does, or where something is broken.
    #[must_use]
    pub fn rebuff(&self) -> Option<Reason> {
        match self {
            Self::Wrong => Some(Reason::WrongCode),
            Self::Replayed { .. } => Some(Reason::Replayed),
            Self::BeforeEpoch { .. } => Some(Reason::BeforeEpoch),
            Self::Throttled { .. } => Some(Reason::Throttled),
            Self::Locked => Some(Reason::Locked),
            Self::Granted(_) | Self::Faulty(_) => None,
        }
    }
}

/// Seconds from charge to claim after which a code is burned: a login that nobody stops takes milliseconds.
const HELD_UP: u64 = 30;

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
    /// What a code is held against in vain, where there is no such person.
    pub stand_in: Option<Snapshot>,
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
            Ok(Charge::Taken(charged)) => charged,
            Ok(Charge::Refused(outcome)) if self.budget == Budget::Proven => return outcome,
            Ok(Charge::Refused(outcome)) => {
                let done = self.judge_in_vain(code, now);
                return done
                    .map_or_else(|fault| Outcome::Faulty(Reason::Ledger(fault)), |()| outcome);
            }
            Err(fault) => return Outcome::Faulty(Reason::Ledger(fault)),
        };
        let outcome = self.judge_charged(code, now, &charged);
        let outcome = outcome.unwrap_or_else(|fault| Outcome::Faulty(Reason::Ledger(fault)));
        if refunds(&outcome, self.budget) {
            self.shelf.erase(&ledger_names::try_name(&charged));
        }
        outcome
    }

    fn judge_charged(&mut self, code: &Code, now: Now, own: &Try) -> Result<Outcome, LedgerFault> {
        let facts = facts::read(self.shelf, Some((own, now.unix)))?;
        if let Some(outcome) = self.weigh(&facts, own, now.unix) {
            return Ok(outcome);
        }
        let floor = self.ports.ledger.floor(now)?;
        let evidence =
            Evidence { used: &facts.used, floor, now: now.unix, window: self.policy.window };
        let outcome = self.compare_and_claim(code, &evidence, now)?;
        for old in throttle::spare(&facts, now.unix) {
            self.shelf.erase(&ledger_names::try_name(old));
        }
        if matches!(outcome, Outcome::Granted(_)) {
            self.forgive(&facts, own, now.unix);
        } else if !refunds(&outcome, self.budget) {
            self.note_failure(&facts, now.unix);
        }
        Ok(outcome)
    }

    /// All the work of judging a code whose answer is known beforehand, where nobody may see that it is.
    fn judge_in_vain(&self, code: &Code, now: Now) -> Result<(), LedgerFault> {
        let facts = facts::read(self.shelf, None)?;
        let floor = self.ports.ledger.floor(now)?;
        let evidence =
            Evidence { used: &facts.used, floor, now: now.unix, window: self.policy.window };
        let _ = self.compare(code, &evidence);
        self.note_nothing(now.unix);
        Ok(())
    }

    fn compare_and_claim(
        &mut self,
        code: &Code,
        evidence: &Evidence<'_>,
        now: Now,
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
            if self.was_held_up(now) {
                return Ok(Outcome::Replayed { wait: self.next_code(found, evidence.now) });
            }
            match settle(self.ports.records, &mut self.person, found) {
                Ok(Settled::Granted(accepted)) => return Ok(Outcome::Granted(accepted)),
                Ok(Settled::Burned) => {
                    let wait = self.next_code(found, evidence.now);
                    return Ok(Outcome::Replayed { wait });
                }
                Ok(Settled::Changed) => {}
                Err(fault) => return Ok(Outcome::Faulty(Reason::Store(fault))),
            }
        }
        Ok(Outcome::Faulty(Reason::RecordChanging))
    }

    /// Whether so much time has passed since the names were read that what they said is no longer true: a process can be
    /// stopped between comparing and claiming for as long as its caller likes, until the name that says that the code
    /// was used is so old that it was erased, and the charge forgiven.
    fn was_held_up(&self, since: Now) -> bool {
        let Ok(now) = self.ports.clock.now() else { return true };
        let waited = now.boot.0.abs_diff(since.boot.0) / 1_000_000_000;
        waited.max(now.unix.0.abs_diff(since.unix.0)) > HELD_UP
    }

    /// Holds the code against the record, or against one that nobody has, for as much work.
    fn compare(&self, code: &Code, evidence: &Evidence<'_>) -> Ruling {
        match &self.person {
            Some((_, snapshot)) => judge(&snapshot.record, code, evidence),
            None => {
                // Whatever it rules: nobody has this key, and nothing is claimed by it.
                match &self.stand_in {
                    Some(nobody) => drop(judge(&nobody.record, code, evidence)),
                    None => drop(Record::nobodys().map(|record| judge(&record, code, evidence))),
                }
                Ruling::Wrong
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
