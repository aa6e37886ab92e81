//! Counts an attempt before its code is compared, and lengthens or ends the series of consecutive failures after the
//! comparison.

use crate::{
    base::{
        account::Folder,
        error::LedgerError,
        time::{DAY, Now, UnixTime},
    },
    event::Reason,
    ledger::{
        Budget, FailureStreak, LedgerHistory, Try, expiry, failure_streak, names, reserve,
        throttle::{self, Familiarity, ThrottleDecision, ThrottleInput},
    },
    policy::Limits,
    ports::Creation,
    verify::{
        attempt::{Attempt, Outcome},
        history,
        ledger_sweep::Sweep,
        replay,
    },
};

/// Maximum number of times that an attempt tries to take a number under which it is counted. A try fails if another
/// process takes the number first.
const SLOT_RACES: usize = 64;

/// Maximum number of attempts per day for each of the 256 ledger folders that unknown user names share. Two days of
/// attempts then use less than half of the ledger's names.
const UNKNOWN_A_DAY: u32 = 100;

/// Whether an attempt was counted.
pub(crate) enum Charge {
    Taken(Try),
    Refused(Outcome),
}

impl Attempt<'_> {
    /// Counts an attempt in the ledger, under the lowest free number of today for this source. Other processes may take
    /// numbers at the same time.
    ///
    /// Does not count an attempt that the throttle would refuse. Otherwise, an attacker could kill the process after
    /// the attempt is counted and before the process removes it again.
    pub(crate) fn charge(&self, now: UnixTime) -> Result<Charge, LedgerError> {
        // An ordinary login finds the first slot free. It thus need not list the names before it is charged.
        if self.budget == Budget::Proven
            && let Some(charged) = self.take(&self.name_of(0, now), now)?
        {
            return Ok(Charge::Taken(charged));
        }
        let full = self.reserved()?;
        for _ in 0..SLOT_RACES {
            let history = history::read(self.user_ledger, None)?;
            let slot = throttle::free_slot(&history, self.budget, self.source, now.day());
            let name = self.name_of(slot, now);
            if let Some(outcome) = self.check(&history, &name, now).or_else(|| full.clone()) {
                self.pretend_to_take(&history, now)?;
                return Ok(Charge::Refused(outcome));
            }
            if let Some(charged) = self.take(&name, now)? {
                return Ok(Charge::Taken(charged));
            }
        }
        Err(LedgerError::Io { errno: 0 })
    }

    fn name_of(&self, slot: u32, now: UnixTime) -> Try {
        Try { budget: self.budget, day: now.day(), slot, source: self.source.clone() }
    }

    fn take(&self, name: &Try, now: UnixTime) -> Result<Option<Try>, LedgerError> {
        let made = self.user_ledger.create(&names::try_name(name), &names::instant(now))?;
        Ok((made == Creation::Made).then(|| name.clone()))
    }

    /// Returns the refusal of an attempt without a proven first factor if the ledger is nearly full now, or was when
    /// the user's folder was opened; otherwise `None`. Makes the same system calls for every user, throttled or not.
    fn reserved(&self) -> Result<Option<Outcome>, LedgerError> {
        if !self.budget.is_uniform() {
            return Ok(None);
        }
        let capacity = self.ports.ledger.capacity()?;
        let admits = !self.user_ledger.is_of_all() && reserve::admits(capacity, self.familiarity());
        Ok((!admits).then_some(Outcome::Faulty(Reason::Ledger(LedgerError::Reserved))))
    }

    /// Makes the system calls by which an attempt is counted, but counts nothing, so that an attacker without a first
    /// factor cannot observe whether a user is throttled.
    fn pretend_to_take(&self, history: &LedgerHistory, now: UnixTime) -> Result<(), LedgerError> {
        if !self.budget.is_uniform() {
            return Ok(());
        }
        // If no attempt is stored, the name is `.`, which always exists, so that nothing is created.
        let first = history.tries.first().map(|charged| names::try_name(&charged.name));
        let name = first.as_deref().unwrap_or(".");
        // If another process has erased the name meanwhile, this call creates it again. It must not count as an
        // attempt.
        if self.user_ledger.create(name, &names::instant(now))? == Creation::Made {
            self.user_ledger.erase(name);
        }
        Ok(())
    }

    /// Returns whether this user has logged in from this source before.
    fn familiarity(&self) -> Familiarity {
        let found = self.person.as_ref().map(|(_, snapshot)| snapshot);
        Familiarity::of(found, self.source)
    }

    /// Returns the outcome of an attempt that the throttle refuses; `None` if the code may be compared.
    pub(crate) fn check(
        &self,
        history: &LedgerHistory,
        charged: &Try,
        now: UnixTime,
    ) -> Option<Outcome> {
        let in_a_row = match self.budget {
            Budget::Proven => failure_streak::length(
                history,
                failure_streak::in_force(history, self.noted(), now),
                Some(charged),
            ),
            // Without a proven first factor, no streak counts. A streak that ends with the owner's login and survives a
            // restart would tell strangers that the account is in use.
            Budget::Unproven | Budget::Exempt | Budget::Verify | Budget::Locker => 0,
        };
        let familiarity = match self.budget {
            // The caller of `twinlock verify` has not logged in as this user, and any program of the user can ask the
            // agent, so no source is known.
            Budget::Verify | Budget::Locker => Familiarity::Stranger,
            Budget::Proven | Budget::Unproven | Budget::Exempt => self.familiarity(),
        };
        let case = ThrottleInput { charged, history, in_a_row, familiarity, now };
        match throttle::check(&self.limits(), &case) {
            ThrottleDecision::Judge => None,
            ThrottleDecision::Wait { until } => {
                Some(Outcome::Throttled { until, wait: until.since(now) })
            }
            ThrottleDecision::Locked => Some(Outcome::Locked),
        }
    }

    /// Returns the number of consecutive failures that is stored next to the record, where a restart does not clear it.
    fn noted(&self) -> u32 {
        self.person.as_ref().map_or(0, |(_, snapshot)| snapshot.failures)
    }

    /// Counts a failure in the ledger and next to the record. First writes the start of the series of consecutive
    /// failures to the ledger. A later reader then knows which attempts of the ledger the number next to the record
    /// includes.
    pub(crate) fn note_failure(&mut self, history: &LedgerHistory, now: UnixTime) {
        self.begin_row(history, now);
        let length = failure_streak::length(
            history,
            failure_streak::in_force(history, self.noted(), now),
            None,
        );
        match (&mut self.person, &mut self.stand_in) {
            (Some((account, snapshot)), _) => {
                let before = core::mem::replace(&mut snapshot.failures, length);
                let folder = Folder::of(&account.name).ok();
                self.ports.records.note_failures(folder.as_ref(), before, length, now);
            }
            (None, Some(nobody)) => {
                let before = nobody.failures;
                nobody.failures = before.wrapping_add(1);
                self.ports.records.note_failures(None, before, nobody.failures, now);
            }
            (None, None) => {}
        }
    }

    /// Removes a few expired attempts, so that an attacker's guesses do not fill the ledger.
    pub(crate) fn drop_expired(&self, history: &LedgerHistory, floor: UnixTime, now: Now) {
        let sweep = Sweep {
            user_ledger: self.user_ledger,
            floor,
            now,
            noted: Some(self.noted()),
            in_force: None,
        };
        sweep.drop_tries(history, expiry::AT_ONCE);
    }

    /// Returns the limits of this attempt: the stricter ones of the settings and of all hosts that share their records.
    /// They are lower for user names without an account, which share 256 ledger folders.
    fn limits(&self) -> Limits {
        let own = self.policy.throttle;
        let mut limits = self.ports.records.limits().map_or(own, |shared| own.stricter(shared));
        if self.person.is_none() {
            limits.per_day = limits.per_day.min(UNKNOWN_A_DAY);
        }
        limits
    }

    fn begin_row(&self, history: &LedgerHistory, now: UnixTime) {
        if history.row.is_none() {
            let begins = FailureStreak { since: UnixTime(0), carried: self.noted() };
            let _ = self.user_ledger.create(&names::row_name(begins), &names::instant(now));
        }
    }

    /// Makes the same system calls as [`Attempt::note_failure`], but leaves the stored number of failures as it is.
    /// Called for outcomes that are not counted as a failure, so that every outcome takes the same time.
    pub(crate) fn note_nothing(&self, history: &LedgerHistory, now: UnixTime) {
        self.begin_row(history, now);
        let person = self.person.as_ref().map(|(account, snapshot)| (Some(account), snapshot));
        let shown = person.or(self.stand_in.as_ref().map(|nobody| (None, nobody)));
        if let Some((account, snapshot)) = shown {
            let folder = account.and_then(|account| Folder::of(&account.name).ok());
            let counted = (snapshot.failures, snapshot.failures);
            self.ports.records.note_failures(folder.as_ref(), counted.0, counted.1, now);
        }
    }

    /// Clears the failures after a success: ends the series of consecutive failures, and removes the attempts of this
    /// source and those that are at least a day old, except `own`, the attempt of this login. Also removes the names of
    /// used steps that the ledger would refuse without the names as well.
    ///
    /// A success at a screen locker clears only failures at a locker, which any program of the user can cause. Any
    /// other success clears only the other failures.
    pub(crate) fn forgive(&self, history: &LedgerHistory, own: Option<&Try>, now: UnixTime) {
        let is_locker = self.budget == Budget::Locker;
        if !is_locker {
            self.end_row(history, own, now);
        }
        for charged in &history.tries {
            let over = !is_locker && now.since(charged.at) >= DAY;
            let of_source = charged.name.source == *self.source
                && (charged.name.budget == Budget::Locker) == is_locker;
            if (over || of_source) && Some(&charged.name) != own {
                self.user_ledger.erase(&names::try_name(&charged.name));
            }
        }
        for used in replay::forgotten(&history.used) {
            self.user_ledger.erase(&names::used_name(used));
        }
    }

    /// Ends the series of consecutive failures and clears the failures of this source, as after a successful login.
    /// Call this after a dialogue that had to succeed before access was granted.
    pub(crate) fn forgive_late(&self) {
        if let (Ok(now), Ok(history)) =
            (self.ports.clock.now(), history::read(self.user_ledger, None))
        {
            self.forgive(&history, None, now.unix);
        }
    }

    /// Ends the series of consecutive failures. Makes no system call if there is none, which is the usual case. `own`,
    /// the attempt of this login, does not count as a failure.
    fn end_row(&self, history: &LedgerHistory, own: Option<&Try>, now: UnixTime) {
        // The number next to the record is cleared even if the ledger has no streak. A crash or a slower process may
        // have left the number, and after a restart it would become a streak.
        let person = self.person.as_ref().filter(|(_, snapshot)| snapshot.failures > 0);
        if let Some(folder) = person.and_then(|(account, _)| Folder::of(&account.name).ok()) {
            self.ports.records.forget_failures(&folder);
        }
        let begun = failure_streak::in_force(history, self.noted(), now);
        if failure_streak::length(history, begun, own) == 0 {
            return;
        }
        let ended = FailureStreak { since: now, carried: 0 };
        let _ = self.user_ledger.create(&names::row_name(ended), &names::instant(now));
        if let Some(old) = history.row.filter(|old| *old != ended) {
            self.user_ledger.erase(&names::row_name(old));
        }
    }
}
