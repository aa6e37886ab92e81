//! One judged try, in the order that makes it safe: charge, compare, claim, look again, refund.

use crate::{
    account::Account,
    answer::Code,
    beside::Ticket,
    charge::Charge,
    claimant::Claimant,
    event::{Accepted, Reason},
    facts,
    fault::{CodesFault, LedgerFault},
    format::ledger_names,
    judge::{Evidence, Match, Ruling, judge},
    ledger::{Budget, Nonce, Try, Used},
    policy::Policy,
    ports::{Clock, Creation, Ports, Shelf, Snapshot},
    record::Record,
    replay,
    request::SourceLabel,
    resync::{Memory, Sign},
    settle::{Settled, settle},
    spend::{LastCode, Spending, Till},
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
            Self::Replayed { .. } | Self::Repeated { .. } => Some(Reason::Replayed),
            Self::BeforeEpoch { .. } => Some(Reason::BeforeEpoch),
            Self::Spent => Some(Reason::Spent),
            Self::ClockOff { .. } => Some(Reason::ClockOff),
            Self::Throttled { .. } => Some(Reason::Throttled),
            Self::Locked => Some(Reason::Locked),
            Self::HalfJudged(fault) => Some(Reason::Codes(*fault)),
            Self::Granted(_)
            | Self::LastCode(_)
            | Self::Ticket(_)
            | Self::NoBypass
            | Self::NoTicket
            | Self::Faulty(_) => None,
        }
    }

    /// Returns whether a login goes from now on by where two codes in a row have said that an authenticator stands.
    #[must_use]
    pub fn is_resynchronized(&self) -> bool {
        matches!(self, Self::Granted(Accepted::App { resynced: Some(_), .. }))
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
    /// What of the machine keeps the person's record from being held against a code: nobody pays for a try that it spoils.
    pub broken: Option<Reason>,
    /// Where the person sits.
    pub source: &'a SourceLabel,
    /// Which budget tries are taken from.
    pub budget: Budget,
    /// What the wrong code before would have been right for.
    pub memory: Memory,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Right, and nobody else has used it.
    Granted(Accepted),
    /// The last code of a set: right, and spent only by the change that names another set.
    LastCode(LastCode),
    /// A ticket, which is used up by what it is for.
    Ticket(Ticket),
    /// Nine digits, of somebody who was given no bypass: not judged.
    NoBypass,
    /// Twelve letters, of somebody who was given no ticket: not judged.
    NoTicket,
    /// Wrong: the charge stands.
    Wrong,
    /// Right once, but used.
    Replayed {
        /// Seconds until there is another.
        wait: u64,
    },
    /// The text of a code that was accepted before: no guess, so the charge is given back.
    Repeated {
        /// Seconds until there is another.
        wait: u64,
    },
    /// A code of a set that was accepted before: no guess either.
    Spent,
    /// Too old for the ledger to tell.
    BeforeEpoch {
        /// Seconds until there is one that it can.
        wait: u64,
        /// Until when the clock was ahead, where that is why.
        ahead: Option<UnixTime>,
    },
    /// Right twice for another time than now, and wrong all the same: the charge stands.
    ClockOff {
        /// By how many seconds the authenticator's clock is ahead of this machine's.
        ahead: i64,
        /// Seconds until two codes in a row can be learned from, where they ever can.
        wait: Option<u64>,
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
    /// Of no authenticator, and then something was broken: the charge stands, or whoever can break it would guess for free.
    HalfJudged(CodesFault),
}

impl<'a> Trial<'a> {
    /// Judges a code. Only [`Outcome::Granted`] lets anybody in.
    pub fn attempt(&mut self, code: &Code) -> Outcome {
        self.memory.turn();
        let Ok(now) = self.ports.clock.now() else {
            return Outcome::Faulty(Reason::Clock);
        };
        let charged = match self.charge(now.unix) {
            Ok(Charge::Taken(charged)) => charged,
            Ok(Charge::Refused(outcome)) if !self.budget.is_uniform() => return outcome,
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
        let horizon = self.ports.ledger.floor(now)?;
        let mut evidence = Evidence::of(&facts, &horizon, now.unix, self.policy.window);
        if let Some((_, snapshot)) = &self.person {
            evidence = evidence.of_record(&snapshot.record, &horizon);
        }
        let outcome = if code.is_voucher() {
            self.redeem(code, now, horizon.reached())
        } else {
            self.compare_and_claim(code, &evidence, now, own)?
        };
        for old in throttle::spare(&facts, now.unix) {
            self.shelf.erase(&ledger_names::try_name(old));
        }
        if matches!(outcome, Outcome::Granted(_)) {
            // What was found right for somebody who asks about a code forgives no guesses at a login.
            if self.budget != Budget::Verify {
                self.forgive(&facts, Some(own), now.unix);
            }
            return Ok(outcome);
        }
        self.drop_expired(&facts, horizon.floor, now);
        let counts = !refunds(&outcome, self.budget);
        match self.budget {
            Budget::Proven | Budget::Unproven if counts => self.note_failure(&facts, now.unix),
            // A repetition makes the calls of a wrong code, but for the charge that it gets back.
            Budget::Unproven | Budget::Exempt => self.note_nothing(&facts, now.unix),
            Budget::Proven | Budget::Verify => {}
        }
        Ok(outcome)
    }

    /// All the work of judging a code whose answer is known beforehand, where nobody may see that it is.
    fn judge_in_vain(&mut self, code: &Code, now: Now) -> Result<(), LedgerFault> {
        let facts = facts::read(self.shelf, None)?;
        let horizon = self.ports.ledger.floor(now)?;
        let evidence = Evidence::of(&facts, &horizon, now.unix, self.policy.window);
        let _ = self.compare(code, &evidence);
        // Names without an account share their tries: whether one is throttled would tell that it has none.
        self.till(now).work_as_if(code);
        self.drop_expired(&facts, horizon.floor, now);
        self.note_nothing(&facts, now.unix);
        Ok(())
    }

    fn compare_and_claim(
        &mut self,
        code: &Code,
        evidence: &Evidence<'_>,
        now: Now,
        own: &Try,
    ) -> Result<Outcome, LedgerFault> {
        let till = self.till(now);
        let nonce = Nonce::of_charge(own, now.boot);
        let claimant = Claimant::new(self.shelf, evidence.now, nonce);
        for _ in 0..ROUNDS {
            let found = match self.compare(code, evidence) {
                Ok(found) => found,
                // A code of a set would have to be spent for the answer.
                Err(outcome) if self.budget == Budget::Verify => return Ok(outcome),
                // What is left of the work is done for a code that is no other either.
                Err(Outcome::Wrong) => match till.offer(&mut self.person, code) {
                    Spending::Granted(accepted) => return Ok(Outcome::Granted(accepted)),
                    Spending::Last(last) => return Ok(Outcome::LastCode(last)),
                    Spending::Wrong => {
                        return Ok(self.broken.map_or(Outcome::Wrong, Outcome::Faulty));
                    }
                    Spending::Spent => return Ok(Outcome::Spent),
                    Spending::Faulty(fault) => return Ok(Outcome::HalfJudged(fault)),
                    Spending::Changed => continue,
                },
                Err(outcome) => {
                    till.work_as_if(code);
                    return Ok(outcome);
                }
            };
            let wait = self.next_code(found, evidence.now);
            match claim(&claimant, found)? {
                // Another login was accepted by this very text a moment ago.
                Creation::Taken => return Ok(Outcome::Repeated { wait }),
                Creation::Made
                    if was_held_up(self.ports.clock, now) || self.is_overtaken(found)? =>
                {
                    return Ok(Outcome::Replayed { wait });
                }
                Creation::Made => {}
            }
            match settle(self.ports.records, &mut self.person, found) {
                Ok(Settled::Granted(accepted)) => return Ok(Outcome::Granted(accepted)),
                Ok(Settled::Burned) => return Ok(Outcome::Replayed { wait }),
                Ok(Settled::Changed) => {}
                Err(reason) => return Ok(Outcome::Faulty(reason)),
            }
        }
        Ok(Outcome::Faulty(Reason::RecordChanging))
    }

    fn till(&self, since: Now) -> Till<'a> {
        Till::new(self.ports, self.shelf, self.budget, since, self.policy.questions())
    }

    /// Whether another login has meanwhile used a newer code than two adjacent ones, which the drift that they bring would
    /// not cover.
    fn is_overtaken(&self, claimed: Match) -> Result<bool, LedgerFault> {
        if claimed.first.is_none() {
            return Ok(false);
        }
        let newer = |one: Used| one.mark == claimed.mark && one.step > claimed.step;
        let names = self.shelf.names()?;
        Ok(names.iter().filter_map(|name| ledger_names::read_used(name)).any(newer))
    }

    /// Holds the code against the record, or against one that nobody has, for as much work.
    fn compare(&mut self, code: &Code, evidence: &Evidence<'_>) -> Result<Match, Outcome> {
        let Some((_, snapshot)) = &self.person else {
            // Whatever it rules: nobody has this key, and nothing is claimed by it.
            match &self.stand_in {
                Some(nobody) => drop(judge(&nobody.record, code, evidence)),
                None => drop(Record::nobodys().map(|record| judge(&record, code, evidence))),
            }
            return Err(Outcome::Wrong);
        };
        match judge(&snapshot.record, code, evidence) {
            Ruling::Right(found) => Ok(found),
            Ruling::Replayed { wait } => Err(Outcome::Replayed { wait }),
            Ruling::Repeated { wait } => Err(Outcome::Repeated { wait }),
            Ruling::RepeatedLate { wait } if self.budget == Budget::Proven => {
                // Codes of a phone whose clock is off may have been accepted before, too.
                match self.memory.note(&snapshot.record, code, evidence) {
                    Sign::Off { ahead, wait } => Err(Outcome::ClockOff { ahead, wait }),
                    Sign::Adjacent(_) | Sign::Nothing => Err(Outcome::Repeated { wait }),
                }
            }
            Ruling::RepeatedLate { wait } => Err(Outcome::Repeated { wait }),
            Ruling::BeforeEpoch { wait, ahead } => Err(Outcome::BeforeEpoch { wait, ahead }),
            // Before a proven first factor every wrong code is as much work as any other.
            Ruling::Wrong if self.budget != Budget::Proven => Err(Outcome::Wrong),
            Ruling::Wrong => match self.memory.note(&snapshot.record, code, evidence) {
                Sign::Adjacent(found) => Ok(found),
                Sign::Off { ahead, wait } => Err(Outcome::ClockOff { ahead, wait }),
                Sign::Nothing => Err(Outcome::Wrong),
            },
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

/// Claims every name that a code uses up; each of them is one attempt's.
fn claim(claimant: &Claimant<'_>, found: Match) -> Result<Creation, LedgerFault> {
    for used in found.claims() {
        if claimant.claim(&used)? == Creation::Taken {
            return Ok(Creation::Taken);
        }
    }
    Ok(Creation::Made)
}

/// Whether so much time has passed since the names were read that what they said is no longer true: a process can be
/// stopped between comparing and claiming for as long as its caller likes, until the name that says that the code
/// was used is so old that it was erased, and the charge forgiven.
pub(crate) fn was_held_up(clock: &dyn Clock, since: Now) -> bool {
    let Ok(now) = clock.now() else { return true };
    let waited = now.boot.0.abs_diff(since.boot.0) / 1_000_000_000;
    waited.max(now.unix.0.abs_diff(since.unix.0)) > HELD_UP
}

/// What is given back: all but what was judged and wrong. The text of a code that was accepted before is no guess: whoever
/// holds it gains nothing by it. A code that is only older than one that was accepted counts before a first factor.
fn refunds(outcome: &Outcome, budget: Budget) -> bool {
    match outcome {
        Outcome::Wrong | Outcome::ClockOff { .. } | Outcome::HalfJudged(_) => false,
        Outcome::Replayed { .. } | Outcome::BeforeEpoch { .. } => budget == Budget::Proven,
        Outcome::Granted(_)
        | Outcome::LastCode(_)
        | Outcome::Ticket(_)
        | Outcome::NoBypass
        | Outcome::NoTicket
        | Outcome::Repeated { .. }
        | Outcome::Spent
        | Outcome::Throttled { .. }
        | Outcome::Locked
        | Outcome::Faulty(_) => true,
    }
}
