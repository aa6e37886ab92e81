//! The throttle: limits how often codes are compared, and locks users out.

use alloc::vec::Vec;

use crate::{
    base::{
        request::SourceLabel,
        time::{DAY, UnixTime},
    },
    ledger::{Budget, Charged, LedgerHistory, Try, expiry::oldest_first},
    policy::Limits,
    record::Snapshot,
};

/// If a user has at least this many stored attempts, old ones are removed. The number is far above `throttle.in_a_row`,
/// the number of consecutive failures that locks a user out.
const SPARE_ABOVE: usize = 1000;

/// Whether the user has logged in from a source before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Familiarity {
    /// The user has logged in from this source. Wrong codes that came from other sources do not lock the user out at
    /// this source.
    Known,
    /// The user has never logged in from this source.
    Stranger,
}

impl Familiarity {
    /// Returns whether the user has logged in from a source before. `found` is the user's record, if there is one.
    #[must_use]
    pub fn of(found: Option<&Snapshot>, source: &SourceLabel) -> Self {
        if found.is_some_and(|found| found.known.contains(source)) {
            Self::Known
        } else {
            Self::Stranger
        }
    }
}

impl Limits {
    /// Returns the stricter one of each of two limits.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        Self {
            free: self.free.min(other.free),
            delay: self.delay.max(other.delay),
            max_delay: self.max_delay.max(other.max_delay),
            per_day: self.per_day.min(other.per_day),
            in_a_row: self.in_a_row.min(other.in_a_row),
        }
    }
}

/// The facts by which the throttle decides about one attempt.
pub struct ThrottleInput<'a> {
    /// The attempt to decide about. The ledger counts it already.
    pub charged: &'a Try,
    /// All entries of the user in the ledger, including `charged`.
    pub history: &'a LedgerHistory,
    /// Number of consecutive failures, not counting `charged`.
    pub in_a_row: u32,
    /// Whether the user has logged in from this source before.
    pub familiarity: Familiarity,
    /// The current time.
    pub now: UnixTime,
}

/// Whether the code of an attempt may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ThrottleDecision {
    /// The code may be compared.
    Judge,
    /// The code must not be compared yet. The attempt is not counted.
    Wait {
        /// Time from which the next code may be compared.
        until: UnixTime,
    },
    /// The user is locked out from this source (client address, local user or terminal). A login from a source that the
    /// user has used before or `twinlock unlock` ends this.
    Locked,
}

/// Decides whether the code of an attempt may be compared. The ledger counts the attempt already, under a number that
/// only one process can take, so concurrent processes compare no more codes than the limit allows.
pub fn check(limits: &Limits, case: &ThrottleInput<'_>) -> ThrottleDecision {
    if let Some(until) = own_delay(limits, case) {
        return ThrottleDecision::Wait { until };
    }
    if case.familiarity == Familiarity::Known {
        return ThrottleDecision::Judge;
    }
    if case.in_a_row >= limits.in_a_row {
        return ThrottleDecision::Locked;
    }
    day_budget(limits, case)
        .map_or(ThrottleDecision::Judge, |until| ThrottleDecision::Wait { until })
}

/// Returns how many attempts with the source and budget of `name`, less than a day old, were counted on another UTC day
/// than `name`.
#[must_use]
pub fn carried_over(history: &LedgerHistory, name: &Try, now: UnixTime) -> u32 {
    let of_source = |charged: &&Charged| {
        charged.name.budget == name.budget
            && charged.name.source == name.source
            && charged.name.day != name.day
            && now.since(charged.at) < DAY
    };
    u32_of(history.tries.iter().filter(of_source).count())
}

/// Returns the lowest number that no attempt with this budget, source and day has.
#[must_use]
pub fn free_slot(history: &LedgerHistory, budget: Budget, source: &SourceLabel, day: u64) -> u32 {
    let taken = |slot: u32| {
        history.tries.iter().any(|charged| {
            let name = &charged.name;
            name.slot == slot && name.day == day && name.budget == budget && name.source == *source
        })
    };
    (0..u32::MAX).find(|slot| !taken(*slot)).unwrap_or(u32::MAX)
}

/// Returns the attempts that can be removed: those that are at least a day old and are not among the newest 500.
/// Returns none if fewer than [`SPARE_ABOVE`] attempts are stored. Without the removal, a year of guessing could fill
/// the user's ledger.
#[must_use]
pub fn spare(history: &LedgerHistory, now: UnixTime) -> Vec<&Try> {
    let count = history.tries.len();
    if count < SPARE_ABOVE {
        return Vec::new();
    }
    let old = oldest_first(history.tries.iter().collect())
        .into_iter()
        .take(count.saturating_sub(SPARE_ABOVE / 2));
    old.filter(|charged| now.since(charged.at) >= DAY).map(|charged| &charged.name).collect()
}

fn others<'a>(case: &'a ThrottleInput<'_>) -> impl Iterator<Item = &'a Charged> {
    let charged = case.charged;
    case.history.tries.iter().filter(move |other| other.name != *charged)
}

/// Returns the time at which the delay after wrong codes from this source ends; `None` if there is no delay.
fn own_delay(limits: &Limits, case: &ThrottleInput<'_>) -> Option<UnixTime> {
    let rank = case.charged.slot.saturating_add(carried_over(case.history, case.charged, case.now));
    let doublings = rank.checked_sub(limits.free)?;
    let delay = match limits.delay.checked_shl(doublings) {
        // An overflow of the shift must not shorten the delay.
        Some(delay) if doublings < limits.delay.leading_zeros() => delay.min(limits.max_delay),
        _ => limits.max_delay,
    };
    let newest = others(case)
        .filter(|other| {
            other.name.budget == case.charged.budget && other.name.source == case.charged.source
        })
        .map(|other| other.at)
        // An attempt in the future was charged before the clock was set back; its delay is over.
        .filter(|at| *at <= case.now.plus(limits.max_delay))
        .max()?;
    let until = newest.min(case.now).plus(delay);
    (case.now < until).then_some(until)
}

/// Returns the time from which the limit per 24 hours allows an attempt from a source that the user has never used;
/// `None` if it allows one now. The limit counts the attempts from all sources.
///
/// With a proven first factor, this limit equals the number of consecutive failures that locks the user out. A higher
/// one would help an attacker with many addresses: each login of the user ends the consecutive failures, and the
/// attacker could guess again.
fn day_budget(limits: &Limits, case: &ThrottleInput<'_>) -> Option<UnixTime> {
    let budget = case.charged.budget;
    let most = match budget {
        Budget::Unproven | Budget::Exempt | Budget::Verify | Budget::Locker => limits.per_day,
        Budget::Proven => limits.in_a_row,
    };
    let today = || {
        others(case).filter(|other| other.name.budget == budget && case.now.since(other.at) < DAY)
    };
    if u32_of(today().count()) < most {
        return None;
    }
    let oldest = today().map(|other| other.at).min()?;
    Some(oldest.min(case.now).plus(DAY))
}

fn u32_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::failure_streak;
    use alloc::format;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn name(budget: Budget, slot: u32, source: &str) -> Try {
        Try { budget, day: NOW.day(), slot, source: SourceLabel::read(source).unwrap() }
    }

    fn failed(ages: &[u64], source: &str, budget: Budget) -> Vec<Charged> {
        let tries = ages.iter().enumerate();
        tries
            .map(|(slot, age)| Charged {
                name: name(budget, slot as u32, source),
                at: UnixTime(NOW.0 - age),
            })
            .collect()
    }

    fn check_next(
        tries: Vec<Charged>,
        budget: Budget,
        source: &str,
        known: Familiarity,
    ) -> ThrottleDecision {
        let mut history = LedgerHistory { tries, ..LedgerHistory::default() };
        let label = SourceLabel::read(source).unwrap();
        let slot = free_slot(&history, budget, &label, NOW.day());
        let charged = name(budget, slot, source);
        history.tries.push(Charged { name: charged.clone(), at: NOW });
        let in_a_row = failure_streak::length(
            &history,
            failure_streak::in_force(&history, 0, NOW),
            Some(&charged),
        );
        let case = ThrottleInput {
            charged: &charged,
            history: &history,
            in_a_row,
            familiarity: known,
            now: NOW,
        };
        check(&Limits::default(), &case)
    }

    #[test]
    fn the_first_five_are_free_and_then_delays_double() {
        let next = |failures: usize, age: u64| {
            let tries = failed(&alloc::vec![age; failures], "a", Budget::Proven);
            check_next(tries, Budget::Proven, "a", Familiarity::Stranger)
        };
        assert_eq!(next(4, 0), ThrottleDecision::Judge);
        assert_eq!(next(5, 0), ThrottleDecision::Wait { until: NOW.plus(30) });
        assert_eq!(next(5, 29), ThrottleDecision::Wait { until: NOW.plus(1) });
        assert_eq!(next(5, 30), ThrottleDecision::Judge);
        assert_eq!(next(6, 0), ThrottleDecision::Wait { until: NOW.plus(60) });
        assert_eq!(next(10, 0), ThrottleDecision::Wait { until: NOW.plus(900) });
        assert_eq!(next(80, 0), ThrottleDecision::Wait { until: NOW.plus(900) });
        assert_eq!(next(80, 900), ThrottleDecision::Judge);
    }

    #[test]
    fn budgets_and_sources_are_separate() {
        let tries = failed(&[0; 9], "a", Budget::Unproven);
        let next =
            |budget, source| check_next(tries.clone(), budget, source, Familiarity::Stranger);
        assert_eq!(next(Budget::Proven, "a"), ThrottleDecision::Judge);
        assert_eq!(next(Budget::Unproven, "b"), ThrottleDecision::Judge);
        assert!(matches!(next(Budget::Unproven, "a"), ThrottleDecision::Wait { .. }));
    }

    fn strangers(count: u64, budget: Budget, age: u64) -> Vec<Charged> {
        (0..count).flat_map(|number| failed(&[age], &format!("s{number}"), budget)).collect()
    }

    #[test]
    fn strangers_together_have_a_budget_a_day() {
        let next = |count, age, known| {
            check_next(strangers(count, Budget::Unproven, age), Budget::Unproven, "z", known)
        };
        assert_eq!(next(59, 10, Familiarity::Stranger), ThrottleDecision::Judge);
        let until = NOW.plus(DAY - 10);
        assert_eq!(next(60, 10, Familiarity::Stranger), ThrottleDecision::Wait { until });
        assert_eq!(next(60, DAY, Familiarity::Stranger), ThrottleDecision::Judge);
        assert_eq!(next(60, 10, Familiarity::Known), ThrottleDecision::Judge);
    }

    #[test]
    fn an_owner_who_logs_in_gives_strangers_no_second_row_on_one_day() {
        let next = |count, age, known| {
            let history = LedgerHistory {
                tries: strangers(count, Budget::Proven, age),
                ..LedgerHistory::default()
            };
            let charged = name(Budget::Proven, 0, "z");
            let case = ThrottleInput {
                charged: &charged,
                history: &history,
                in_a_row: 0,
                familiarity: known,
                now: NOW,
            };
            check(&Limits::default(), &case)
        };
        assert_eq!(next(99, 10, Familiarity::Stranger), ThrottleDecision::Judge);
        let until = NOW.plus(DAY - 10);
        assert_eq!(next(100, 10, Familiarity::Stranger), ThrottleDecision::Wait { until });
        assert_eq!(next(100, DAY, Familiarity::Stranger), ThrottleDecision::Judge);
        assert_eq!(next(100, 10, Familiarity::Known), ThrottleDecision::Judge);
    }

    #[test]
    fn a_hundred_in_a_row_leave_known_sources_only() {
        let next = |count, known| {
            check_next(strangers(count, Budget::Proven, 90_000), Budget::Proven, "z", known)
        };
        assert_eq!(next(99, Familiarity::Stranger), ThrottleDecision::Judge);
        assert_eq!(next(100, Familiarity::Stranger), ThrottleDecision::Locked);
        assert_eq!(next(100, Familiarity::Known), ThrottleDecision::Judge);
    }

    #[test]
    fn a_year_of_guessing_fills_nothing() {
        let count = |number, age| {
            let history = LedgerHistory {
                tries: strangers(number, Budget::Proven, age),
                ..LedgerHistory::default()
            };
            spare(&history, NOW).len()
        };
        assert_eq!(count(999, DAY), 0);
        assert_eq!(count(1000, DAY), 500);
        assert_eq!(count(5000, DAY - 1), 0);
    }

    #[test]
    fn midnight_refills_nothing() {
        let mut tries = failed(&[60; 5], "a", Budget::Proven);
        tries.iter_mut().for_each(|charged| charged.name.day -= 1);
        let next = check_next(tries, Budget::Proven, "a", Familiarity::Stranger);
        assert_eq!(next, ThrottleDecision::Judge);
        let mut tries = failed(&[10; 5], "a", Budget::Proven);
        tries.iter_mut().for_each(|charged| charged.name.day -= 1);
        let next = check_next(tries, Budget::Proven, "a", Familiarity::Stranger);
        assert_eq!(next, ThrottleDecision::Wait { until: NOW.plus(20) });
    }

    #[test]
    fn a_clock_set_back_makes_no_delay_endless() {
        let future = |ahead: u64| {
            let mut tries = failed(&[0; 9], "a", Budget::Proven);
            tries.iter_mut().for_each(|charged| charged.at = NOW.plus(ahead));
            check_next(tries, Budget::Proven, "a", Familiarity::Stranger)
        };
        assert_eq!(future(86_400 * 400), ThrottleDecision::Judge);
        assert_eq!(future(30), ThrottleDecision::Wait { until: NOW.plus(480) });
    }
}
