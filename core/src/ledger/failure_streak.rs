//! The failure streak, which is the series of consecutive failures of a user (NIST SP 800-63B section 5.2.2). Its
//! length survives a restart.

use crate::{
    base::time::UnixTime,
    ledger::{FailureStreak, LedgerHistory, Try},
};

/// Returns the start of the current series of consecutive failures. If the ledger does not store the start, the series
/// consists of all attempts in the ledger and of `noted`, the number of failures that is stored next to the record.
#[must_use]
pub fn in_force(history: &LedgerHistory, noted: u32, now: UnixTime) -> FailureStreak {
    let row = history.row.unwrap_or(FailureStreak { since: UnixTime(0), carried: noted });
    // A success in the future dates from a clock that was set back; it does not end a streak.
    if row.since > now { FailureStreak { since: UnixTime(0), ..row } } else { row }
}

/// Returns the number of consecutive failures since the start `row`, without the attempt `except`, whose code is not
/// compared yet.
#[must_use]
pub fn length(history: &LedgerHistory, row: FailureStreak, except: Option<&Try>) -> u32 {
    let counts = |at: UnixTime, name: &Try| {
        at > row.since && Some(name) != except && name.budget.is_in_streak()
    };
    let here = history.tries.iter().filter(|charged| counts(charged.at, &charged.name)).count();
    row.carried.saturating_add(u32::try_from(here).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::request::Source,
        ledger::{Budget, Charged},
    };

    const NOW: UnixTime = UnixTime(100);

    fn history(ages: &[u64], row: Option<FailureStreak>) -> LedgerHistory {
        let charged = |(slot, at): (usize, &u64)| Charged {
            name: Try {
                budget: Budget::Proven,
                day: 0,
                slot: slot as u32,
                source: Source::Uid(1).label(),
            },
            at: UnixTime(*at),
        };
        LedgerHistory {
            tries: ages.iter().enumerate().map(charged).collect(),
            row,
            ..LedgerHistory::default()
        }
    }

    #[test]
    fn a_row_goes_on_over_a_restart() {
        let history = history(&[10, 20], None);
        assert_eq!(length(&history, in_force(&history, 7, NOW), None), 9);
        assert_eq!(length(&history, in_force(&history, 0, NOW), None), 2);
    }

    #[test]
    fn tries_of_verify_lockers_and_the_exempt_are_in_no_streak() {
        let mut history = history(&[10, 20, 30, 40], None);
        history.tries[1].name.budget = Budget::Verify;
        history.tries[2].name.budget = Budget::Exempt;
        history.tries[3].name.budget = Budget::Locker;
        assert_eq!(length(&history, in_force(&history, 0, NOW), None), 1);
    }

    #[test]
    fn what_the_ledger_says_is_not_counted_twice() {
        let written = FailureStreak { since: UnixTime(0), carried: 5 };
        let history = history(&[10, 20], Some(written));
        assert_eq!(length(&history, in_force(&history, 7, NOW), None), 7);
    }

    #[test]
    fn a_success_ends_a_row_and_the_try_at_hand_is_not_in_it() {
        let history =
            history(&[10, 20, 30], Some(FailureStreak { since: UnixTime(20), carried: 0 }));
        let row = in_force(&history, 9, NOW);
        assert_eq!(length(&history, row, None), 1);
        assert_eq!(length(&history, row, Some(&history.tries[2].name)), 0);
    }

    #[test]
    fn a_success_from_the_future_ends_no_row() {
        let history = history(&[10, 20], Some(FailureStreak { since: UnixTime(101), carried: 3 }));
        assert_eq!(length(&history, in_force(&history, 0, NOW), None), 5);
    }

    #[test]
    fn numbers_end_somewhere() {
        let history = history(&[1], None);
        assert_eq!(length(&history, in_force(&history, u32::MAX, NOW), None), u32::MAX);
    }
}
