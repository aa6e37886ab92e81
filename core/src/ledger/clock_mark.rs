//! The clock mark: the latest time that the wall clock has shown while it was trusted. Also keeps the later periods in
//! which codes were used although the clock was not trusted.

use alloc::{collections::BinaryHeap, vec::Vec};

use crate::{
    base::time::{BootTime, MINUTE, Now, UnixTime},
    ledger::Stretch,
};

/// Minimum number of seconds by which the wall clock must be later than the clock mark (latest trusted time), so that a
/// used code moves the mark to the present time. A code that is used earlier does not move the mark.
pub const MARK_INTERVAL: u64 = MINUTE;
/// Number of seconds that the wall clock may gain on the boot clock and still be trusted. The gain is measured since
/// the clock mark (latest trusted time) last moved.
const SLACK: u64 = 5 * MINUTE;
/// Two periods in which codes were used while the clock was not trusted are merged if they are at most this many
/// seconds apart.
const GAP: u64 = 15 * MINUTE;
/// Maximum number of separate periods after the clock mark in which codes were used. One symbolic link stores all of
/// them, so they must fit its target.
pub const STRETCHES_MAX: usize = 4;

/// The clock mark (the latest time that the wall clock has shown while it was trusted) as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockMark {
    /// The highest time of the wall clock that was trusted; 0 if the mark never moved.
    pub at: UnixTime,
    /// Time of the wall clock when the clock mark was created. While the mark has never moved, the wall clock is
    /// compared with this time.
    pub made: UnixTime,
    /// Time of the boot clock, in seconds, when the clock mark last moved. The boot clock begins anew at each boot, so
    /// the value may be a time of an earlier boot.
    pub moved: u64,
}

/// The clock mark, and the later periods in which codes were used although the clock was not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownClock {
    /// The clock mark: the latest time that the wall clock has shown while it was trusted.
    pub mark: ClockMark,
    /// Periods after the time of the clock mark, in which codes were used although the clock was not trusted.
    pub ahead: Vec<Stretch>,
}

/// Whether the wall clock is known to be synchronized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The kernel reports that the wall clock is synchronized.
    Synchronized,
    /// The kernel reports that the wall clock is not synchronized.
    Alone,
}

/// How far the wall clock is from the clock mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Distance {
    /// The clock is before the clock mark (latest trusted time), or less than [`MARK_INTERVAL`] after it.
    Reached,
    /// The clock is after the clock mark (latest trusted time), by no more than the time that can have elapsed since
    /// the mark last moved.
    Near,
    /// The clock is after the clock mark (latest trusted time), by more than the time that can have elapsed since the
    /// mark last moved, so the clock may be wrong.
    Far,
}

impl ClockMark {
    /// Compares the wall clock with the mark (latest trusted time). The time that can have elapsed since the mark last
    /// moved is the time that the boot clock shows, plus five minutes (`SLACK`).
    pub fn distance(&self, now: Now) -> Distance {
        let begin = if self.at == UnixTime(0) { self.made } else { self.at };
        // A later boot has restarted the boot clock. In this case, at least the time that the boot clock shows has
        // elapsed.
        let gone = now.boot.seconds().checked_sub(self.moved);
        let gone = gone.unwrap_or(now.boot.seconds());
        if now.unix < self.at.plus(MARK_INTERVAL) {
            Distance::Reached
        } else if now.unix <= begin.plus(gone).plus(SLACK) {
            Distance::Near
        } else {
            Distance::Far
        }
    }

    /// Returns this mark (latest trusted time) moved to the wall-clock time `at`. `boot` is the time of the boot clock
    /// at the move.
    #[must_use]
    pub fn moved_to(self, at: UnixTime, boot: BootTime) -> Self {
        Self { at, moved: boot.seconds(), ..self }
    }
}

impl KnownClock {
    /// Returns the clock mark (latest trusted time) and the periods after a code was used while the clock was far after
    /// the mark. The clock's time is added to the periods. If the clock is synchronized, the mark also moves to this
    /// time.
    #[must_use]
    pub fn used_far_ahead(self, now: Now, trust: Trust) -> Self {
        let Self { mark, mut ahead } = self;
        match trust {
            Trust::Alone => {
                ahead.push(Stretch { from: now.unix, until: now.unix });
                Self { mark, ahead: tidy(ahead) }
            }
            // The mark moves to the clock's time. The previous mark is kept as a period, in case an administrator
            // lowers the mark again.
            Trust::Synchronized => {
                close(&mut ahead, mark.at);
                ahead.push(Stretch { from: now.unix, until: now.unix });
                Self { mark: mark.moved_to(now.unix, now.boot), ahead: tidy(ahead) }
            }
        }
    }

    /// Returns the new clock mark (latest trusted time) and periods after an administrator has corrected the clock.
    /// Moves the mark to the clock's time, even if that is earlier. Adds `dropped`, the periods of used codes whose
    /// ledger names were removed, and keeps only the periods that end after the clock's time.
    #[must_use]
    pub fn believing(self, now: Now, dropped: &[Stretch]) -> Self {
        let Self { mark, mut ahead } = self;
        close(&mut ahead, mark.at);
        ahead.extend_from_slice(dropped);
        ahead.retain(|stretch| stretch.until > now.unix);
        Self { mark: mark.moved_to(now.unix, now.boot), ahead: tidy(ahead) }
    }
}

/// Extends the latest of the periods that began at or before the clock mark (latest trusted time), so that it ends at
/// least [`MARK_INTERVAL`] after the mark. Codes that were used in this interval did not move the mark.
fn close(ahead: &mut [Stretch], mark: UnixTime) {
    let last = ahead.iter_mut().filter(|stretch| stretch.from <= mark).max();
    if let Some(last) = last {
        last.until = last.until.max(mark.plus(MARK_INTERVAL));
    }
}

/// Sorts periods and merges those that are at most `GAP` seconds apart. Then merges the two closest periods until at
/// most [`STRETCHES_MAX`] are left.
#[must_use]
pub fn tidy(ahead: Vec<Stretch>) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::new();
    for next in BinaryHeap::from(ahead).into_sorted_vec() {
        match joined.last_mut().filter(|last| next.from <= last.until.plus(GAP)) {
            Some(last) => last.until = last.until.max(next.until),
            None => joined.push(next),
        }
    }
    while joined.len() > STRETCHES_MAX {
        join_closest(&mut joined);
    }
    joined
}

fn join_closest(joined: &mut Vec<Stretch>) {
    let gap = |pair: &[Stretch]| match pair {
        [one, next] => next.from.since(one.until),
        _ => u64::MAX,
    };
    let closest = joined.windows(2).map(gap).enumerate().min_by_key(|(_, gap)| *gap);
    let Some((place, _)) = closest else { return };
    let next = joined.remove(place.saturating_add(1));
    if let Some(one) = joined.get_mut(place) {
        one.until = one.until.max(next.until);
    }
}

/// Returns `instant` if it is at least five minutes after `now`; otherwise `None`. `instant` is a time that the wall
/// clock has shown, so in the first case the clock was ahead when it showed it.
#[must_use]
pub fn was_ahead_until(instant: UnixTime, now: UnixTime) -> Option<UnixTime> {
    (instant.since(now) >= SLACK).then_some(instant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn at(unix: u64, up: u64) -> Now {
        Now { unix: UnixTime(unix), boot: BootTime(0).plus(up) }
    }

    fn mark(at: u64, moved: u64) -> ClockMark {
        ClockMark { at: UnixTime(at), made: UnixTime(1000), moved }
    }

    fn stretch(from: u64, until: u64) -> Stretch {
        Stretch { from: UnixTime(from), until: UnixTime(until) }
    }

    fn known(at: u64, moved: u64) -> KnownClock {
        KnownClock { mark: mark(at, moved), ahead: vec![] }
    }

    #[test]
    fn the_mark_goes_as_far_as_time_can_have_gone_by() {
        for (unix, up, distance) in [
            (0, 500, Distance::Reached),
            (50_059, 500, Distance::Reached),
            (50_060, 100, Distance::Near),
            (50_300, 100, Distance::Near),
            (50_301, 100, Distance::Far),
            (50_700, 500, Distance::Near),
            (50_701, 500, Distance::Far),
            // The boot clock is behind the mark: the host was booted again, 90 seconds ago.
            (50_390, 90, Distance::Near),
            (50_391, 90, Distance::Far),
            (4_294_967_295, 500, Distance::Far),
        ] {
            assert_eq!(mark(50_000, 100).distance(at(unix, up)), distance, "{unix} {up}");
        }
        assert_eq!(mark(0, 100).distance(at(1400, 200)), Distance::Near);
        assert_eq!(mark(0, 100).distance(at(1401, 200)), Distance::Far);
    }

    #[test]
    fn a_clock_that_nothing_vouches_for_leaves_the_mark_where_it_is() {
        let one = known(50_000, 100).used_far_ahead(at(90_000, 100), Trust::Alone);
        assert_eq!((one.mark, &*one.ahead), (mark(50_000, 100), &[stretch(90_000, 90_000)][..]));
        let two = one.used_far_ahead(at(90_500, 600), Trust::Alone);
        assert_eq!(two.ahead, [stretch(90_000, 90_500)]);
        let three = two.used_far_ahead(at(600_000, 700), Trust::Alone);
        assert_eq!(three.ahead, [stretch(90_000, 90_500), stretch(600_000, 600_000)]);
    }

    #[test]
    fn a_synchronized_clock_is_followed_and_can_be_taken_back() {
        let one = known(50_000, 100).used_far_ahead(at(90_000, 200), Trust::Synchronized);
        assert_eq!(one.mark, mark(90_000, 200));
        // The clock ran on for a while, and then turned out to be wrong.
        let on =
            KnownClock { mark: one.mark.moved_to(UnixTime(95_000), BootTime(0).plus(5200)), ..one };
        let back = on.believing(at(55_000, 5300), &[]);
        assert_eq!(back.mark, mark(55_000, 5300));
        assert_eq!(back.ahead, [stretch(90_000, 95_060)], "codes of then stay used");
    }

    #[test]
    fn what_was_dropped_lies_ahead_and_what_is_past_goes() {
        let before = KnownClock { mark: mark(50_000, 100), ahead: vec![stretch(40_000, 49_000)] };
        let after = before.believing(at(50_500, 600), &[stretch(900_000, 900_030)]);
        assert_eq!(after.ahead, [stretch(900_000, 900_030)]);
        assert_eq!(known(50_000, 100).believing(at(40_000, 600), &[]).ahead, []);
    }

    #[test]
    fn of_too_many_the_closest_become_one() {
        let many = (0..9).map(|n| stretch(n * n * 10_000, n * n * 10_000)).collect();
        let few = tidy(many);
        assert_eq!(few.len(), STRETCHES_MAX);
        for n in 0..9 {
            let time = UnixTime(n * n * 10_000);
            assert!(few.iter().any(|one| one.from <= time && time <= one.until), "{n}");
        }
        assert_eq!(tidy(vec![stretch(5, 9), stretch(0, 100)]), [stretch(0, 100)]);
    }
}
