//! Verifies one code in the only safe order: count the attempt (the charge), compare the code, claim its step, read the
//! record a second time, and take the charge back unless the code was wrong.
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
    ports::{Creation, Ports, Snapshot, UserLedger},
    record::{Record, State, extras::Ticket},
    verify::{
        charge::Charge,
        claimant::{Claimant, was_held_up},
        code_set_verify::{CodeSetOutcome, CodeSetVerifier, LastCode},
        commit_match::{Settled, settle},
        history,
        judge::{Evidence, judge},
        replay,
        resync::{Memory, Sign},
        ruling::{Match, Ruling},
    },
};

/// Maximum number of times that a code is compared before the login fails. The comparison is repeated if another
/// process has changed the record meanwhile.
const ROUNDS: usize = 4;

impl Outcome {
    /// Returns the reason for which a code was refused; `None` if it was accepted. Also returns `None` for
    /// [`Self::Faulty`], and for an answer with the form of a ticket or bypass code if the user has none.
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

    /// Returns whether this login learned the error of an app's clock, or a token's counter, from two adjacent codes.
    #[must_use]
    pub fn is_resynchronized(&self) -> bool {
        matches!(self, Self::Granted(Accepted::App { resynced: Some(_), .. }))
    }
}

/// The verification of the codes of one login: the user, the source, and the limits that count the attempts.
pub struct Attempt<'a> {
    /// The settings of the host.
    pub policy: &'a Policy,
    /// The ports of the host.
    pub ports: Ports<'a>,
    /// The user's names in the ledger.
    pub user_ledger: &'a dyn UserLedger,
    /// The account and its record; `None` if no code can be correct for this user name.
    pub person: Option<(&'a Account, Snapshot)>,
    /// A dummy record to compare with if `person` is `None`, so that the comparison always costs the same time.
    pub stand_in: Option<Snapshot>,
    /// The fault of the host that prevents a comparison with the user's record; `None` if there is none. An attempt
    /// that fails for this reason is not counted.
    pub broken: Option<Reason>,
    /// The source of the login: an address, a local user id or a terminal.
    pub source: &'a SourceLabel,
    /// The kind of the attempts, which says which limit counts them.
    pub budget: Budget,
    /// The steps that the previous wrong code would have matched.
    pub memory: Memory,
}

/// The result of verifying one code.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The code is correct, and no other login can use it.
    Granted(Accepted),
    /// The code is the last one of a set of backup codes. It is not spent yet: the change that makes the next set valid
    /// spends it.
    LastCode(LastCode),
    /// The code is a valid ticket. It is not used up yet: the change that it authorizes uses it up.
    Ticket(Ticket),
    /// The code has nine digits, but the user has no bypass code. It was not compared.
    NoBypass,
    /// The code has twelve letters, but the user has no ticket. It was not compared.
    NoTicket,
    /// The code is wrong. The attempt stays counted.
    Wrong,
    /// The code matches, but a code of this time step or a later one was used already.
    Replayed {
        /// Seconds until the app shows the next code that can be used.
        wait: u64,
    },
    /// The code was accepted before. The user repeats it and does not guess, so the attempt is not counted.
    Repeated {
        /// Seconds until the app shows the next code that can be used.
        wait: u64,
    },
    /// The backup code was accepted before. The attempt is not counted.
    Spent,
    /// The code matches, but is older than the ledger, which does not know whether it was used.
    BeforeEpoch {
        /// Seconds until the app shows a code that is not older than the ledger.
        wait: u64,
        /// The latest time that the host's clock showed while it was ahead, if this is the cause; `None` for other
        /// causes.
        ahead: Option<UnixTime>,
    },
    /// Two adjacent codes match another time than the current one. The code is refused, and the attempt stays counted.
    ClockOff {
        /// Seconds by which the authenticator's clock is ahead of this host's; negative if it is behind.
        ahead: i64,
        /// Seconds until two adjacent codes of the app are accepted, from which the error of its clock is learned;
        /// `None` if waiting does not help.
        wait: Option<u64>,
    },
    /// The code was not compared, because there were too many wrong codes recently.
    Throttled {
        /// The time at which the next code will be compared.
        until: UnixTime,
        /// Seconds from now to `until`.
        wait: u64,
    },
    /// The code was not compared, because the user is locked out after too many consecutive wrong codes.
    Locked,
    /// A fault of the host occurred, either before the code was compared or after it was made unusable for other
    /// logins. Holds the reason.
    Faulty(Reason),
    /// The code matches no authenticator, and the backup codes could not be read. The attempt stays counted. Otherwise,
    /// an attacker who can cause the fault would get free guesses.
    HalfJudged(CodesError),
}

impl<'a> Attempt<'a> {
    /// Verifies a code and, if it is correct, claims it, so that no other login can use it. Only [`Outcome::Granted`]
    /// grants access.
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
        if !self.take_renewed() {
            return Ok(Outcome::Faulty(Reason::RecordChanging));
        }
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
            match self.budget {
                Budget::Proven | Budget::Unproven | Budget::Exempt | Budget::Locker => {
                    self.forgive(&history, Some(own), now.unix);
                }
                // A code that `twinlock verify` has checked must not clear the failed attempts of logins.
                Budget::Verify => {}
            }
            return Ok(outcome);
        }
        self.drop_expired(&history, horizon.floor, now);
        let counts = !refunds(&outcome, self.budget);
        match self.budget {
            Budget::Proven | Budget::Unproven if counts => self.note_failure(&history, now.unix),
            // A repeated code makes the same system calls as a wrong one, except for the refund.
            Budget::Unproven | Budget::Exempt => self.note_nothing(&history, now.unix),
            Budget::Proven | Budget::Verify | Budget::Locker => {}
        }
        Ok(outcome)
    }

    /// Replaces the record by a newer one that the charge has found. Returns `false` if the user is no longer enrolled.
    fn take_renewed(&mut self) -> bool {
        let Some((account, snapshot)) = &mut self.person else { return true };
        let Some(fresh) = self.ports.records.renewed(account) else { return true };
        let is_active = fresh.record.state == State::Active;
        let known = core::mem::take(&mut snapshot.known);
        *snapshot = Snapshot { known, failures: snapshot.failures, ..fresh };
        is_active
    }

    /// Does the work of a comparison for a code that is refused in any case, so that the time taken does not reveal the
    /// refusal.
    fn judge_dummy(&mut self, code: &Code, now: Now) -> Result<(), LedgerError> {
        let history = history::read(self.user_ledger, None)?;
        let horizon = self.ports.ledger.floor(now)?;
        let evidence = Evidence::of(&history, &horizon, now.unix, self.policy.window);
        let _ = self.compare(code, &evidence);
        // User names without an account share their attempts. A throttled attempt that costs less time would thus
        // reveal that there is no account.
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
                // Here no backup code may be spent: `twinlock verify` only answers whether a code is right, and at a
                // screen locker any program of the user may guess.
                Err(outcome) if self.budget.is_for_apps_only() => return Ok(outcome),
                // The code may be a backup code. If the first factor is not proven, `offer` does equal work for users
                // without a set.
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

    /// Returns whether another login has used a newer code of the key since two adjacent codes were compared. If so,
    /// the clock error that the two codes revealed must not be stored, because it would not fit the newer code.
    fn is_overtaken(&self, claimed: Match) -> Result<bool, LedgerError> {
        if claimed.first.is_none() {
            return Ok(false);
        }
        let newer = |one: Used| one.mark == claimed.mark && one.step > claimed.step;
        let names = self.user_ledger.names()?;
        Ok(names.iter().filter_map(|name| names::read_used(name)).any(newer))
    }

    /// Compares a code with the user's record, or with a dummy record at the same cost.
    ///
    /// # Errors
    /// The [`Outcome`] to return to the caller, if the code does not match or must not be used.
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
                // An app whose clock is off may show codes that were accepted before.
                match self.memory.note(&snapshot.record, code, evidence) {
                    Sign::Off { ahead, wait } => Err(Outcome::ClockOff { ahead, wait }),
                    Sign::Adjacent(_) | Sign::Nothing => Err(Outcome::Repeated { wait }),
                }
            }
            Ruling::RepeatedLate { wait } => Err(Outcome::Repeated { wait }),
            Ruling::BeforeEpoch { wait, ahead } => Err(Outcome::BeforeEpoch { wait, ahead }),
            // If the first factor is not proven, all wrong codes must cost the same.
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

/// Makes every step that a code uses up unusable for other attempts. Returns [`Creation::Taken`] if another attempt has
/// done so first.
fn claim(claimant: &Claimant<'_>, found: Match) -> Result<Creation, LedgerError> {
    for used in found.claims() {
        if claimant.claim(&used)? == Creation::Taken {
            return Ok(Creation::Taken);
        }
    }
    Ok(Creation::Made)
}

/// Returns whether an attempt is no longer counted after this outcome. A code that was compared and is wrong stays
/// counted. If the first factor is not proven, so does a code that was used before or is older than the ledger.
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
