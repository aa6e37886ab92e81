//! The epoch of the ledger: from which time on the ledger knows all used codes. Every code of an earlier time counts as
//! used.

use crate::{
    base::time::{Now, UnixTime},
    ledger::{Epoch, Horizon, clock_mark::MARK_INTERVAL},
};

const NANOSECONDS: u64 = 1_000_000_000;

/// Returns the last second for which the ledger does not know the used codes. Returns `None` if the ledger began in
/// another boot or in the future. It must then begin anew.
#[must_use]
pub fn floor(epoch: &Epoch, boot_id: &str, now: Now) -> Option<UnixTime> {
    let elapsed = now.boot.0.checked_sub(epoch.begun.0)?;
    let begun = UnixTime(now.unix.0.saturating_sub(elapsed / NANOSECONDS));
    (epoch.boot_id == boot_id).then(|| begun.max(epoch.mark))
}

/// Returns the times for which a ledger that began as `epoch` says does not know the used codes; `None` if it began in
/// another boot or in the future.
#[must_use]
pub fn horizon(epoch: Epoch, boot_id: &str, now: Now) -> Option<Horizon> {
    let Epoch { begun, .. } = epoch;
    let floor = floor(&epoch, boot_id, now)?;
    Some(Horizon { floor, ahead: epoch.ahead, boot_id: epoch.boot_id, begun })
}

/// Returns the clock mark (latest trusted time) for a ledger that begins now: the time `mtime` of the stored mark plus
/// [`MARK_INTERVAL`](crate::ledger::clock_mark::MARK_INTERVAL), because codes may have been used in that interval
/// without moving the mark. Returns 0 if no mark is stored.
#[must_use]
pub fn mark_from(mtime: Option<UnixTime>) -> UnixTime {
    mtime.map_or(UnixTime(0), |mtime| mtime.plus(MARK_INTERVAL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::BootTime;

    fn at(unix: u64, boot_seconds: u64) -> Now {
        Now { unix: UnixTime(unix), boot: BootTime(boot_seconds * NANOSECONDS) }
    }

    fn epoch(begun_seconds: u64, mark: u64) -> Epoch {
        Epoch {
            boot_id: "b".into(),
            begun: BootTime(begun_seconds * NANOSECONDS),
            mark: UnixTime(mark),
            ahead: alloc::vec![],
        }
    }

    #[test]
    fn the_epoch_moves_with_the_wall_clock() {
        assert_eq!(floor(&epoch(10, 0), "b", at(1000, 110)), Some(UnixTime(900)));
        assert_eq!(floor(&epoch(10, 0), "b", at(5000, 110)), Some(UnixTime(4900)));
    }

    #[test]
    fn a_clock_set_back_over_a_restart_does_not_bring_codes_back() {
        assert_eq!(floor(&epoch(10, 5000), "b", at(1000, 20)), Some(UnixTime(5000)));
    }

    #[test]
    fn an_epoch_of_another_boot_or_from_the_future_is_none() {
        assert_eq!(floor(&epoch(10, 0), "c", at(1000, 110)), None);
        assert_eq!(floor(&epoch(200, 0), "b", at(1000, 110)), None);
    }

    #[test]
    fn a_new_epoch_counts_the_last_touch_in() {
        assert_eq!(mark_from(None), UnixTime(0));
        assert_eq!(mark_from(Some(UnixTime(100))), UnixTime(160));
    }
}
