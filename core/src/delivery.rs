//! When a letter is sent, sent again, or given up: at most one an hour of a kind, and at most twice each.

use crate::{
    letter::Progress,
    time::{DAY, HOUR, MINUTE, UnixTime},
};

/// Between two letters of a kind to one person.
pub const BETWEEN: u64 = HOUR;
/// After the first failure; twice as long after each further one.
const FIRST_PAUSE: u64 = 15 * MINUTE;
/// The longest pause.
const LONGEST_PAUSE: u64 = 6 * HOUR;
/// A letter that cannot be sent is given up when what it tells is so old.
const OLDEST: u64 = 4 * DAY;
/// How often a letter may have been sent without anybody knowing.
const CUTS: u32 = 2;

/// What becomes of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Fate {
    /// It waits.
    Waits(Progress),
    /// It is given up, and kept for an administrator to see.
    Dead,
}

/// A letter that has just come out of the outbox, where one of its kind was last sent at an instant.
#[must_use]
pub fn fresh(now: UnixTime, last: Option<UnixTime>) -> Progress {
    Progress { tries: 0, cuts: 0, at: free_from(now, last).unwrap_or(now) }
}

/// From when on the next of a kind may be sent, where that is not now. An instant that lies far ahead was written by a
/// clock that was wrong, and holds nobody up.
#[must_use]
pub fn free_from(now: UnixTime, last: Option<UnixTime>) -> Option<UnixTime> {
    let last = last.filter(|last| last.since(now) < BETWEEN)?;
    let free = last.plus(BETWEEN);
    (free > now).then_some(free)
}

/// Whether a waiting letter is to be sent now. No pause is longer than the longest: a clock was set back since.
#[must_use]
pub fn is_due(progress: Progress, now: UnixTime) -> bool {
    progress.at <= now || progress.at.since(now) > LONGEST_PAUSE
}

/// The same letter while it is sent, which takes at most so many seconds.
#[must_use]
pub fn begun(progress: Progress, now: UnixTime, seconds: u64) -> Progress {
    Progress { tries: progress.tries.saturating_add(1), at: now.plus(seconds), ..progress }
}

/// Whether its sending was cut off: it should have ended long ago, or the clock was set back.
#[must_use]
pub fn is_cut(progress: Progress, now: UnixTime) -> bool {
    progress.at < now || progress.at.since(now) > HOUR
}

/// After a cut. Whether it was sent is not known, so that it is sent again, but not again and again.
pub fn after_cut(progress: Progress, now: UnixTime) -> Fate {
    let cuts = progress.cuts.saturating_add(1);
    if cuts >= CUTS { Fate::Dead } else { Fate::Waits(Progress { cuts, at: now, ..progress }) }
}

/// After it was not sent, where it tells of an instant.
pub fn after_failure(progress: Progress, of: UnixTime, now: UnixTime) -> Fate {
    if now.since(of) > OLDEST {
        return Fate::Dead;
    }
    let doubled = 1_u64.checked_shl(progress.tries.saturating_sub(1)).unwrap_or(u64::MAX);
    let pause = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
    Fate::Waits(Progress { at: now.plus(pause), ..progress })
}

/// Not begun after all, and free from an instant on.
#[must_use]
pub fn put_off(progress: Progress, until: UnixTime) -> Progress {
    Progress { tries: progress.tries.saturating_sub(1), at: until, ..progress }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn progress(tries: u32, cuts: u32, at: UnixTime) -> Progress {
        Progress { tries, cuts, at }
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
            Fate::Waits(progress) => progress.at.since(NOW) / MINUTE,
            Fate::Dead => 0,
        };
        let pauses: Vec<u64> = (1..8).map(pause).collect();
        assert_eq!(pauses, [15, 30, 60, 120, 240, 360, 360]);
        assert_eq!(pause(u32::MAX), 360);
        let old = UnixTime(NOW.0 - OLDEST - 1);
        assert_eq!(after_failure(progress(1, 0, NOW), old, NOW), Fate::Dead);
    }

    #[test]
    fn cut_off_a_letter_is_sent_once_more() {
        let begun = begun(progress(0, 0, NOW), NOW, 90);
        assert_eq!(begun, progress(1, 0, NOW.plus(90)));
        assert!(!is_cut(begun, NOW.plus(90)) && is_cut(begun, NOW.plus(91)));
        assert!(is_cut(begun, UnixTime(NOW.0 - 2 * DAY)));
        assert_eq!(after_cut(begun, NOW.plus(91)), Fate::Waits(progress(1, 1, NOW.plus(91))));
        assert_eq!(after_cut(progress(2, 1, NOW), NOW), Fate::Dead);
        assert_eq!(put_off(begun, NOW.plus(5)), progress(0, 0, NOW.plus(5)));
    }
}
