//! The reserve of the ledger: names that only logins with a proven first factor may create, so that an attacker without
//! one cannot fill the ledger.

use crate::ledger::{Capacity, throttle::Familiarity};

/// Returns whether an attempt without a proven first factor may create another ledger name. Attempts from sources that
/// the user has never used may create names until half of all names are used; attempts from known sources, until three
/// quarters are used.
#[must_use]
pub fn admits(capacity: Capacity, familiarity: Familiarity) -> bool {
    let kept = match familiarity {
        Familiarity::Stranger => capacity.names / 2,
        Familiarity::Known => capacity.names / 4,
    };
    capacity.names == 0 || capacity.free > kept
}

/// Returns whether at most a quarter of all ledger names is free. If so, all attempts without a proven first factor
/// share one ledger folder.
#[must_use]
pub fn has_begun(capacity: Capacity) -> bool {
    !admits(capacity, Familiarity::Known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(names: u64, free: u64) -> [bool; 3] {
        let capacity = Capacity { names, free };
        [
            admits(capacity, Familiarity::Stranger),
            admits(capacity, Familiarity::Known),
            !has_begun(capacity),
        ]
    }

    #[test]
    fn half_is_for_strangers_and_a_quarter_for_proven_logins() {
        assert_eq!(with(131_072, 131_072), [true; 3]);
        assert_eq!(with(131_072, 65_537), [true; 3]);
        assert_eq!(with(131_072, 65_536), [false, true, true]);
        assert_eq!(with(131_072, 32_769), [false, true, true]);
        assert_eq!(with(131_072, 32_768), [false; 3]);
        assert_eq!(with(131_072, 0), [false; 3]);
    }

    #[test]
    fn what_is_not_bounded_has_no_reserve() {
        assert_eq!(with(0, 0), [true; 3]);
        let Capacity { names, free } = Capacity::UNBOUNDED;
        assert_eq!(with(names, free), [true; 3]);
        // This file system reports more free names than it has.
        assert_eq!(with(10, u64::MAX), [true; 3]);
    }
}
