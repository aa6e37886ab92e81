//! Expired attempts in the ledger, and how the failure streak survives their removal.

use alloc::vec::Vec;

use crate::{
    ledger::{Charged, Facts, Row},
    time::{DAY, UnixTime},
};

/// Maximum number of expired names removed by one charge: a login adds one name, so a backlog shrinks without slowing
/// it.
pub const AT_ONCE: usize = 8;

/// Returns attempts that no limit counts any more, the oldest first. The ledger must be at least a day older: an
/// attempt that seems older than the ledger was charged before the clock was set forward and may be recent.
#[must_use]
pub fn expired(facts: &Facts, floor: UnixTime, now: UnixTime) -> Vec<&Charged> {
    let is_over = |charged: &&Charged| charged.at >= floor && now.since(charged.at) >= DAY;
    let mut expired: Vec<&Charged> = facts.tries.iter().filter(is_over).collect();
    expired.sort_by_key(|charged| charged.at);
    expired
}

/// Returns the streak that includes every attempt up to a given time, so that their names can be removed; `None` if
/// it includes them already.
#[must_use]
pub fn folded(facts: &Facts, row: Row, until: UnixTime) -> Option<Row> {
    let counts = |charged: &&Charged| {
        charged.name.budget.is_in_streak() && charged.at > row.since && charged.at <= until
    };
    let counted = facts.tries.iter().filter(counts).count();
    let counted = u32::try_from(counted).unwrap_or(u32::MAX);
    (counted > 0).then(|| Row { since: until, carried: row.carried.saturating_add(counted) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::{Budget, Try},
        request::Source,
        row,
    };

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn facts(ages: &[u64], budget: Budget) -> Facts {
        let charged = |(slot, age): (usize, &u64)| Charged {
            name: Try { budget, day: 0, slot: slot as u32, source: Source::Uid(1).label() },
            at: UnixTime(NOW.0 - age),
        };
        Facts { tries: ages.iter().enumerate().map(charged).collect(), ..Facts::default() }
    }

    #[test]
    fn a_day_ends_a_try_and_not_before() {
        let facts = facts(&[DAY - 1, DAY, 2 * DAY, 0], Budget::Unproven);
        let ages = |floor: u64| -> Vec<u64> {
            let expired = expired(&facts, UnixTime(NOW.0 - floor), NOW);
            expired.iter().map(|charged| NOW.0 - charged.at.0).collect()
        };
        assert_eq!(ages(3 * DAY), [2 * DAY, DAY]);
        assert_eq!(ages(2 * DAY - 1), [DAY]);
        assert_eq!(ages(60), [0_u64; 0]);
    }

    /// After the clock jumps ten days ahead, a recent attempt looks old, and older than the ledger.
    #[test]
    fn clock_set_forward_expires_nothing() {
        let facts = facts(&[60], Budget::Proven);
        let (jumped, ledger_age) = (NOW.plus(10 * DAY), 3 * DAY);
        assert!(expired(&facts, UnixTime(jumped.0 - ledger_age), jumped).is_empty());
    }

    #[test]
    fn folding_keeps_the_length_of_a_row() {
        for carried in [0, 7] {
            let facts = facts(&[3 * DAY, 2 * DAY, DAY, 5, 4], Budget::Proven);
            let before = Row { since: UnixTime(0), carried };
            let until = UnixTime(NOW.0 - DAY);
            let after = folded(&facts, before, until).unwrap();
            assert_eq!(row::length(&facts, before, None), row::length(&facts, after, None));
            // Whether or not the names are removed by then.
            let left = Facts { tries: facts.tries[3..].to_vec(), ..Facts::default() };
            assert_eq!(row::length(&left, after, None), carried + 5);
            assert_eq!(folded(&facts, after, until), None);
        }
    }

    #[test]
    fn what_no_row_counts_is_not_folded() {
        let facts = facts(&[3 * DAY], Budget::Exempt);
        let row = Row { since: UnixTime(0), carried: 0 };
        assert_eq!(folded(&facts, row, NOW), None);
    }
}
