//! The failure streak (NIST SP 800-63B section 5.2.2): consecutive failures, which survive restarts.

use crate::{
    ledger::{Facts, Row, Try},
    time::UnixTime,
};

/// Returns the streak in force. If the ledger has none, the number stored next to the record precedes all attempts.
#[must_use]
pub fn in_force(facts: &Facts, noted: u32, now: UnixTime) -> Row {
    let row = facts.row.unwrap_or(Row { since: UnixTime(0), carried: noted });
    // A success in the future dates from a clock that was set back; it does not end a streak.
    if row.since > now { Row { since: UnixTime(0), ..row } } else { row }
}

/// Returns the length of the streak without `except`, an attempt that is not compared yet.
#[must_use]
pub fn length(facts: &Facts, row: Row, except: Option<&Try>) -> u32 {
    let counts = |at: UnixTime, name: &Try| {
        at > row.since && Some(name) != except && name.budget.is_in_streak()
    };
    let here = facts.tries.iter().filter(|charged| counts(charged.at, &charged.name)).count();
    row.carried.saturating_add(u32::try_from(here).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::{Budget, Charged},
        request::Source,
    };

    const NOW: UnixTime = UnixTime(100);

    fn facts(ages: &[u64], row: Option<Row>) -> Facts {
        let charged = |(slot, at): (usize, &u64)| Charged {
            name: Try {
                budget: Budget::Proven,
                day: 0,
                slot: slot as u32,
                source: Source::Uid(1).label(),
            },
            at: UnixTime(*at),
        };
        Facts { tries: ages.iter().enumerate().map(charged).collect(), row, ..Facts::default() }
    }

    #[test]
    fn a_row_goes_on_over_a_restart() {
        let facts = facts(&[10, 20], None);
        assert_eq!(length(&facts, in_force(&facts, 7, NOW), None), 9);
        assert_eq!(length(&facts, in_force(&facts, 0, NOW), None), 2);
    }

    #[test]
    fn tries_of_verify_and_of_the_exempt_are_in_no_streak() {
        let mut facts = facts(&[10, 20, 30], None);
        facts.tries[1].name.budget = Budget::Verify;
        facts.tries[2].name.budget = Budget::Exempt;
        assert_eq!(length(&facts, in_force(&facts, 0, NOW), None), 1);
    }

    #[test]
    fn what_the_ledger_says_is_not_counted_twice() {
        let written = Row { since: UnixTime(0), carried: 5 };
        let facts = facts(&[10, 20], Some(written));
        assert_eq!(length(&facts, in_force(&facts, 7, NOW), None), 7);
    }

    #[test]
    fn a_success_ends_a_row_and_the_try_at_hand_is_not_in_it() {
        let facts = facts(&[10, 20, 30], Some(Row { since: UnixTime(20), carried: 0 }));
        let row = in_force(&facts, 9, NOW);
        assert_eq!(length(&facts, row, None), 1);
        assert_eq!(length(&facts, row, Some(&facts.tries[2].name)), 0);
    }

    #[test]
    fn a_success_from_the_future_ends_no_row() {
        let facts = facts(&[10, 20], Some(Row { since: UnixTime(101), carried: 3 }));
        assert_eq!(length(&facts, in_force(&facts, 0, NOW), None), 5);
    }

    #[test]
    fn numbers_end_somewhere() {
        let facts = facts(&[1], None);
        assert_eq!(length(&facts, in_force(&facts, u32::MAX, NOW), None), u32::MAX);
    }
}
