//! Mail delivery: decides when a notification is sent, retried or given up. At most one notification per kind and hour
//! is sent to a user.

use crate::{
    base::time::{DAY, HOUR, MINUTE, UnixTime},
    notify::notification::DeliveryProgress,
};

/// Minimum number of seconds between two notifications of the same kind to the same user.
const BETWEEN: u64 = HOUR;
/// Seconds before the first retry. Each further pause is twice as long.
const FIRST_PAUSE: u64 = 15 * MINUTE;
/// Maximum number of seconds before a retry.
const LONGEST_PAUSE: u64 = 6 * HOUR;
/// Age in seconds at which an undeliverable notification is given up.
const OLDEST: u64 = 4 * DAY;
/// Number of interrupted deliveries after which a notification is given up.
const CUTS: u32 = 2;

/// What happens to a notification whose delivery failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RetryDecision {
    /// The notification waits for its next delivery.
    Waits(DeliveryProgress),
    /// The notification is given up, and kept for an administrator to see.
    Dead,
}

/// Returns the progress of a notification that was never sent. `last` is the time at which the previous notification of
/// the same kind was sent to the same user; `None` if there was none.
#[must_use]
pub fn fresh(now: UnixTime, last: Option<UnixTime>) -> DeliveryProgress {
    DeliveryProgress { tries: 0, cuts: 0, at: free_from(now, last).unwrap_or(now) }
}

/// Returns the time from which the next notification of a kind may be sent; `None` if it may be sent now. `last` is the
/// time at which the previous notification of this kind was sent. A `last` far in the future is ignored, because a
/// wrong clock wrote it.
#[must_use]
pub fn free_from(now: UnixTime, last: Option<UnixTime>) -> Option<UnixTime> {
    let last = last.filter(|last| last.since(now) < BETWEEN)?;
    let free = last.plus(BETWEEN);
    (free > now).then_some(free)
}

/// Returns whether a waiting notification is due. If it would have to wait longer than the maximum pause, the clock was
/// set back, and the notification counts as due.
#[must_use]
pub fn is_due(progress: DeliveryProgress, now: UnixTime) -> bool {
    progress.at <= now || progress.at.since(now) > LONGEST_PAUSE
}

/// Returns the progress after a delivery begins. The delivery counts as interrupted until its outcome is stored.
#[must_use]
pub fn begun(progress: DeliveryProgress) -> DeliveryProgress {
    let count = |number: u32| number.saturating_add(1);
    DeliveryProgress { tries: count(progress.tries), cuts: count(progress.cuts), ..progress }
}

/// Returns whether the delivery of a notification was interrupted too often. Each interrupted delivery may have sent
/// the mail.
#[must_use]
pub fn is_given_up(progress: DeliveryProgress) -> bool {
    progress.cuts >= CUTS
}

/// Decides what happens to a notification after a failed delivery. `of` is the time of the event that the notification
/// reports.
pub fn after_failure(progress: DeliveryProgress, of: UnixTime, now: UnixTime) -> RetryDecision {
    if now.since(of) > OLDEST {
        return RetryDecision::Dead;
    }
    let doubled = 1_u64.checked_shl(progress.tries.saturating_sub(1)).unwrap_or(u64::MAX);
    let pause = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
    let cuts = progress.cuts.saturating_sub(1);
    RetryDecision::Waits(DeliveryProgress { cuts, at: now.plus(pause), ..progress })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn progress(tries: u32, cuts: u32, at: UnixTime) -> DeliveryProgress {
        DeliveryProgress { tries, cuts, at }
    }

    #[test]
    fn one_an_hour_is_sent_whatever_the_clock_does() {
        let ago = |seconds| Some(UnixTime(NOW.0 - seconds));
        assert_eq!(fresh(NOW, None).at, NOW);
        assert_eq!(fresh(NOW, ago(3600)).at, NOW);
        assert_eq!(fresh(NOW, ago(3599)).at, NOW.plus(1));
        assert_eq!(fresh(NOW, ago(0)).at, NOW.plus(3600));
        assert_eq!(fresh(NOW, Some(NOW.plus(60))).at, NOW.plus(3660));
        assert_eq!(fresh(NOW, Some(NOW.plus(90_000))).at, NOW);
        assert!(is_due(progress(0, 0, NOW), NOW) && !is_due(progress(0, 0, NOW.plus(1)), NOW));
        assert!(is_due(progress(0, 0, NOW.plus(30 * DAY)), NOW));
    }

    #[test]
    fn pauses_grow_and_end() {
        let pause = |tries| match after_failure(progress(tries, 0, NOW), NOW, NOW) {
            RetryDecision::Waits(progress) => progress.at.since(NOW) / MINUTE,
            RetryDecision::Dead => 0,
        };
        let pauses: Vec<u64> = (1..8).map(pause).collect();
        assert_eq!(pauses, [15, 30, 60, 120, 240, 360, 360]);
        assert_eq!(pause(u32::MAX), 360);
        let old = UnixTime(NOW.0 - OLDEST - 1);
        assert_eq!(after_failure(progress(1, 0, NOW), old, NOW), RetryDecision::Dead);
    }

    #[test]
    fn interrupted_twice_is_given_up_and_failed_is_not() {
        let once = begun(progress(0, 0, NOW));
        assert_eq!(once, progress(1, 1, NOW));
        assert!(!is_given_up(once) && is_given_up(begun(once)));
        assert_eq!(
            after_failure(once, NOW, NOW),
            RetryDecision::Waits(progress(1, 0, NOW.plus(FIRST_PAUSE)))
        );
    }
}
