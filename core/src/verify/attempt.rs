//! Verifies one code in the only safe order: charge, compare, claim, re-read, refund.
//!
//! [`Attempt`] also has an `impl` block in `verify/charge.rs` and one in `verify/voucher_verify.rs`.

use crate::{
    answer::Code,
    base::{
        account::Account,
        error::{CodesError, LedgerError},
        request::SourceLabel,
        time::{Now, UnixTime},
    },
    event::{Accepted, Reason},
    ledger::{Budget, Nonce, Try, Used, names, throttle},
    policy::Policy,
    ports::{Clock, Creation, Ports, Snapshot, UserLedger},
    record::{Record, extras::Ticket},
    verify::{
        charge::Charge,
        claimant::Claimant,
        code_set_verify::{CodeSetOutcome, CodeSetVerifier, LastCode},
        commit_match::{Settled, settle},
        history,
        judge::{Evidence, Match, Ruling, judge},
        replay,
        resync::{Memory, Sign},
    },
};

/// How often the record may change during one login before the login fails.
const ROUNDS: usize = 4;

impl Outcome {
    /// Returns why a code was refused; `None` on success, for a missing voucher and for [`Self::Faulty`].
    #[must_use]
    pub fn rejection(&self) -> Option<Reason> {
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

    /// Returns whether this login learned a new clock drift from two adjacent codes.
    #[must_use]
    pub fn is_resynchronized(&self) -> bool {
        matches!(self, Self::Granted(Accepted::App { resynced: Some(_), .. }))
    }
}

/// Seconds between charge and claim after which a code counts as used. An undisturbed login takes milliseconds.
const HELD_UP: u64 = 30;

/// One login's verification: the user, the source and the budget that pays for it.
pub struct Attempt<'a> {
    /// The settings.
    pub policy: &'a Policy,
    /// The host ports.
    pub ports: Ports<'a>,
    /// The user's names in the ledger.
    pub user_ledger: &'a dyn UserLedger,
    /// The account and its record; `None` if every code for this user name is wrong.
    pub person: Option<(&'a Account, Snapshot)>,
    /// Dummy record to compare with if there is no such user, so that both cases cost the same time.
    pub stand_in: Option<Snapshot>,
    /// The host fault that prevents a comparison with the user's record; an attempt that fails for this reason is
    /// refunded.
    pub broken: Option<Reason>,
    /// Where the user connects from.
    pub source: &'a SourceLabel,
    /// The budget that attempts are charged to.
    pub budget: Budget,
    /// What the previous wrong code would have matched.
    pub memory: Memory,
}

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Right, and claimed by this login.
    Granted(Accepted),
    /// The last code of a set. It is spent by the change that puts another set in force.
    LastCode(LastCode),
    /// A ticket. It is used up by the change that it authorizes.
    Ticket(Ticket),
    /// Nine digits, but the user has no bypass code; not compared.
    NoBypass,
    /// Twelve letters, but the user has no ticket; not compared.
    NoTicket,
    /// Wrong; the charge is kept.
    Wrong,
    /// Matches, but this code or a later one was used already.
    Replayed {
        /// Seconds until the next usable code.
        wait: u64,
    },
    /// The text of a code that was just accepted. Repeating it guesses nothing, so the charge is refunded.
    Repeated {
        /// Seconds until the next usable code.
        wait: u64,
    },
    /// A backup code that was accepted before; refunded as well.
    Spent,
    /// Matches, but is older than the epoch, so the ledger cannot tell whether it was used.
    BeforeEpoch {
        /// Seconds until the first code that the ledger can tell.
        wait: u64,
        /// Until when the clock was ahead, if that is the cause.
        ahead: Option<UnixTime>,
    },
    /// Two codes match a time other than now. Refused; the charge is kept.
    ClockOff {
        /// Seconds by which the authenticator's clock is ahead of this host's.
        ahead: i64,
        /// Seconds until drift can be learned from two adjacent codes; `None` if it never can.
        wait: Option<u64>,
    },
    /// Not compared: too many recent wrong codes.
    Throttled {
        /// When the next code will be compared.
        until: UnixTime,
        /// Seconds until then.
        wait: u64,
    },
    /// Locked out, not compared: too many consecutive wrong codes.
    Locked,
    /// A fault: the code was not compared, or was compared and claimed.
    Faulty(Reason),
    /// No TOTP match, and the backup codes could not be read. The charge is kept; otherwise, an attacker who can
    /// cause the fault would get free guesses.
    HalfJudged(CodesError),
}

impl<'a> Attempt<'a> {
    /// Verifies a code. Only [`Outcome::Granted`] grants access.
    pub fn verify(&mut self, code: &Code) -> Outcome {
        self.memory.turn();
        let Ok(now) = self.ports.clock.now() else {
            return Outcome::Faulty(Reason::Clock);
        };
        let charged = match self.charge(now.unix) {
            Ok(Charge::Taken(charged)) => charged,
            Ok(Charge::Refused(outcome)) if !self.budget.is_uniform() => return outcome,
            Ok(Charge::Refused(outcome)) => {
                let done = self.judge_dummy(code, now);
                return done
                    .map_or_else(|fault| Outcome::Faulty(Reason::Ledger(fault)), |()| outcome);
            }
            Err(fault) => return Outcome::Faulty(Reason::Ledger(fault)),
        };
        let outcome = self.judge_charged(code, now, &charged);
        let outcome = outcome.unwrap_or_else(|fault| Outcome::Faulty(Reason::Ledger(fault)));
        if refunds(&outcome, self.budget) {
            self.user_ledger.erase(&names::try_name(&charged));
        }
        outcome
    }

    fn judge_charged(&mut self, code: &Code, now: Now, own: &Try) -> Result<Outcome, LedgerError> {
        let history = history::read(self.user_ledger, Some((own, now.unix)))?;
        if let Some(outcome) = self.check(&history, own, now.unix) {
            return Ok(outcome);
        }
        let horizon = self.ports.ledger.floor(now)?;
        let mut evidence = Evidence::of(&history, &horizon, now.unix, self.policy.window);
        if let Some((_, snapshot)) = &self.person {
            evidence = evidence.of_record(&snapshot.record, &horizon);
        }
        let outcome = if code.is_voucher() {
            self.redeem(code, now, horizon.reached())
        } else {
            self.compare_and_claim(code, &evidence, now, own)?
        };
        for old in throttle::spare(&history, now.unix) {
            self.user_ledger.erase(&names::try_name(old));
        }
        if matches!(outcome, Outcome::Granted(_)) {
            // A code verified for another program must not clear the failed attempts of logins.
            if self.budget != Budget::Verify {
                self.forgive(&history, Some(own), now.unix);
            }
            return Ok(outcome);
        }
        self.drop_expired(&history, horizon.floor, now);
        let counts = !refunds(&outcome, self.budget);
        match self.budget {
            Budget::Proven | Budget::Unproven if counts => self.note_failure(&history, now.unix),
            // A repeated code makes the same system calls as a wrong one, except for the refund.
            Budget::Unproven | Budget::Exempt => self.note_nothing(&history, now.unix),
            Budget::Proven | Budget::Verify => {}
        }
        Ok(outcome)
    }

    /// Does the work of a comparison whose result is already known, so that its timing does not reveal the result.
    fn judge_dummy(&mut self, code: &Code, now: Now) -> Result<(), LedgerError> {
        let history = history::read(self.user_ledger, None)?;
        let horizon = self.ports.ledger.floor(now)?;
        let evidence = Evidence::of(&history, &horizon, now.unix, self.policy.window);
        let _ = self.compare(code, &evidence);
        // Unknown user names share their attempts; visible throttling would reveal that there is no account.
        self.code_sets(now).work_as_if(code);
        self.drop_expired(&history, horizon.floor, now);
        self.note_nothing(&history, now.unix);
        Ok(())
    }

    fn compare_and_claim(
        &mut self,
        code: &Code,
        evidence: &Evidence<'_>,
        now: Now,
        own: &Try,
    ) -> Result<Outcome, LedgerError> {
        let code_sets = self.code_sets(now);
        let nonce = Nonce::of_charge(own, now.boot);
        let claimant = Claimant::new(self.user_ledger, evidence.now, nonce);
        for _ in 0..ROUNDS {
            let found = match self.compare(code, evidence) {
                Ok(found) => found,
                // `verify` cannot spend a backup code for an answer.
                Err(outcome) if self.budget == Budget::Verify => return Ok(outcome),
                // The remaining work is also done for a code that is not a backup code.
                Err(Outcome::Wrong) => match code_sets.offer(&mut self.person, code) {
                    CodeSetOutcome::Granted(accepted) => return Ok(Outcome::Granted(accepted)),
                    CodeSetOutcome::Last(last) => return Ok(Outcome::LastCode(last)),
                    CodeSetOutcome::Wrong => {
                        return Ok(self.broken.map_or(Outcome::Wrong, Outcome::Faulty));
                    }
                    CodeSetOutcome::Spent => return Ok(Outcome::Spent),
                    CodeSetOutcome::Faulty(fault) => return Ok(Outcome::HalfJudged(fault)),
                    CodeSetOutcome::Changed => continue,
                },
                Err(outcome) => {
                    code_sets.work_as_if(code);
                    return Ok(outcome);
                }
            };
            let wait = self.next_code(found, evidence.now);
            match claim(&claimant, found)? {
                // Another login has just accepted the same code.
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

    fn code_sets(&self, since: Now) -> CodeSetVerifier<'a> {
        CodeSetVerifier::new(
            self.ports,
            self.user_ledger,
            self.budget,
            since,
            self.policy.questions(),
        )
    }

    /// Returns whether another login has since used a code newer than these two adjacent ones; the drift learned from
    /// them would not cover it.
    fn is_overtaken(&self, claimed: Match) -> Result<bool, LedgerError> {
        if claimed.first.is_none() {
            return Ok(false);
        }
        let newer = |one: Used| one.mark == claimed.mark && one.step > claimed.step;
        let names = self.user_ledger.names()?;
        Ok(names.iter().filter_map(|name| names::read_used(name)).any(newer))
    }

    /// Compares the code with the record, or with a dummy record at the same cost.
    fn compare(&mut self, code: &Code, evidence: &Evidence<'_>) -> Result<Match, Outcome> {
        let Some((_, snapshot)) = &self.person else {
            // The result is ignored: no user has this key, and nothing is claimed.
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
                // The codes of a phone whose clock is off may have been accepted before.
                match self.memory.note(&snapshot.record, code, evidence) {
                    Sign::Off { ahead, wait } => Err(Outcome::ClockOff { ahead, wait }),
                    Sign::Adjacent(_) | Sign::Nothing => Err(Outcome::Repeated { wait }),
                }
            }
            Ruling::RepeatedLate { wait } => Err(Outcome::Repeated { wait }),
            Ruling::BeforeEpoch { wait, ahead } => Err(Outcome::BeforeEpoch { wait, ahead }),
            // Before a proven first factor, all wrong codes must cost the same.
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
        let next = crate::base::time::Step(found.step.0.saturating_add(1));
        let authenticator = snapshot.record.authenticators.get(found.authenticator);
        authenticator.map_or(0, |found| replay::seconds_until(next, found, now))
    }
}

/// Claims every step that a code uses up. Each claim succeeds for one attempt only.
fn claim(claimant: &Claimant<'_>, found: Match) -> Result<Creation, LedgerError> {
    for used in found.claims() {
        if claimant.claim(&used)? == Creation::Taken {
            return Ok(Creation::Taken);
        }
    }
    Ok(Creation::Made)
}

/// Returns whether the names read at `since` may be out of date. The caller can stop the process between compare and
/// claim for any time, until the claim of the used code has expired and the charge is forgiven.
pub(crate) fn was_held_up(clock: &dyn Clock, since: Now) -> bool {
    let Ok(now) = clock.now() else { return true };
    let waited = now.boot.0.abs_diff(since.boot.0) / 1_000_000_000;
    waited.max(now.unix.0.abs_diff(since.unix.0)) > HELD_UP
}

/// Returns whether the charge is refunded: always, unless the code was compared and wrong. A repeated code is no
/// guess. Before a first factor, a code older than an accepted one counts as a guess.
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
