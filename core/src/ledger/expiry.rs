//! Removal of expired attempts from the ledger. The number of consecutive failures stays right when they are removed.

use alloc::{collections::BinaryHeap, vec::Vec};

use crate::{
    base::time::{DAY, UnixTime},
    ledger::{Charged, FailureStreak, LedgerHistory},
};

/// Maximum number of expired names that one login removes. A login adds one name, so a backlog shrinks without slowing
/// the login.
pub const AT_ONCE: usize = 8;

/// Returns the attempts that are at least a day old, the oldest first. No limit counts them any more.
///
/// An attempt that seems older than the ledger (`floor`) is left out: it was made before the clock was set forward, so
/// it may be recent.
#[must_use]
pub fn expired(history: &LedgerHistory, floor: UnixTime, now: UnixTime) -> Vec<&Charged> {
    let is_over = |charged: &&Charged| charged.at >= floor && now.since(charged.at) >= DAY;
    oldest_first(history.tries.iter().filter(is_over).collect())
}

/// Returns attempts in the order of their times, the oldest first.
#[must_use]
pub fn oldest_first(attempts: Vec<&Charged>) -> Vec<&Charged> {
    // In the module, a heap takes a tenth of the code of a sort.
    let places = attempts.iter().enumerate().map(|(place, charged)| (charged.at, place));
    let sorted = places.collect::<BinaryHeap<_>>().into_sorted_vec();
    sorted.into_iter().filter_map(|(_, place)| attempts.get(place).copied()).collect()
}

/// Returns the series of consecutive failures `row` with its start moved to `until`. The returned value contains the
/// number of its failures up to `until`, so the caller can remove their names from the ledger. Returns `None` if the
/// ledger has no attempt of the series up to `until`.
#[must_use]
pub fn folded(
    history: &LedgerHistory,
    row: FailureStreak,
    until: UnixTime,
) -> Option<FailureStreak> {
    let counts = |charged: &&Charged| {
        charged.name.budget.is_in_streak() && charged.at > row.since && charged.at <= until
    };
    let counted = history.tries.iter().filter(counts).count();
    let counted = u32::try_from(counted).unwrap_or(u32::MAX);
    (counted > 0)
        .then(|| FailureStreak { since: until, carried: row.carried.saturating_add(counted) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::request::Source,
        ledger::{Budget, Try, failure_streak},
    };

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn history(ages: &[u64], budget: Budget) -> LedgerHistory {
        let charged = |(slot, age): (usize, &u64)| Charged {
            name: Try { budget, day: 0, slot: slot as u32, source: Source::Uid(1).label() },
            at: UnixTime(NOW.0 - age),
        };
        LedgerHistory {
            tries: ages.iter().enumerate().map(charged).collect(),
            ..LedgerHistory::default()
        }
    }

    #[test]
    fn a_day_ends_a_try_and_not_before() {
        let history = history(&[DAY - 1, DAY, 2 * DAY, 0], Budget::Unproven);
        let ages = |floor: u64| -> Vec<u64> {
            let expired = expired(&history, UnixTime(NOW.0 - floor), NOW);
            expired.iter().map(|charged| NOW.0 - charged.at.0).collect()
        };
        assert_eq!(ages(3 * DAY), [2 * DAY, DAY]);
        assert_eq!(ages(2 * DAY - 1), [DAY]);
        assert_eq!(ages(60), [0_u64; 0]);
    }

    /// The clock jumps ten days ahead, so an attempt of the last minute seems to be older than the ledger. Checks that
    /// the attempt does not expire.
    #[test]
    fn clock_set_forward_expires_nothing() {
        let history = history(&[60], Budget::Proven);
        let (jumped, ledger_age) = (NOW.plus(10 * DAY), 3 * DAY);
        assert!(expired(&history, UnixTime(jumped.0 - ledger_age), jumped).is_empty());
    }

    #[test]
    fn folding_keeps_the_length_of_a_row() {
        for carried in [0, 7] {
            let history = history(&[3 * DAY, 2 * DAY, DAY, 5, 4], Budget::Proven);
            let before = FailureStreak { since: UnixTime(0), carried };
            let until = UnixTime(NOW.0 - DAY);
            let after = folded(&history, before, until).unwrap();
            assert_eq!(
                failure_streak::length(&history, before, None),
                failure_streak::length(&history, after, None)
            );
            // The length is the same whether or not the names of the expired attempts are removed.
            let left =
                LedgerHistory { tries: history.tries[3..].to_vec(), ..LedgerHistory::default() };
            assert_eq!(failure_streak::length(&left, after, None), carried + 5);
            assert_eq!(folded(&history, after, until), None);
        }
    }

    #[test]
    fn what_no_row_counts_is_not_folded() {
        let history = history(&[3 * DAY], Budget::Exempt);
        let row = FailureStreak { since: UnixTime(0), carried: 0 };
        assert_eq!(folded(&history, row, NOW), None);
    }
}
