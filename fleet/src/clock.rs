//! The clocks and the random numbers of the daemon.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::{
    rand::{GetRandomFlags, getrandom},
    time::{ClockId, clock_gettime},
};

/// Returns the time since boot, including the time for which the host sleeps. Leases of the store expire during that
/// time, too.
pub(crate) fn since_boot() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

/// Returns the Unix time in seconds.
pub(crate) fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Returns a random number. Two clones of a running machine may get the same one.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    // A kernel that has just been started may lack randomness; the clock then tells two callers apart.
    let filled = getrandom(&mut bytes, GetRandomFlags::NONBLOCK) == Ok(bytes.len());
    let clock = u64::try_from(since_boot().as_nanos()).unwrap_or(u64::MAX);
    if filled { u64::from_ne_bytes(bytes) } else { clock }
}

/// A point in time until which a client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(Duration);

impl Deadline {
    /// Returns the deadline that is `time` from now.
    pub(crate) fn within(time: Duration) -> Self {
        Self(since_boot().saturating_add(time))
    }

    /// Returns the time that is left; zero if the deadline has passed.
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_sub(since_boot())
    }
}
