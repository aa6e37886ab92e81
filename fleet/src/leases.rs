//! The leases of the store for values that expire. Only a young lease takes new values, so that each value stays at
//! least for the promised time.

use std::time::Duration;

use twinlock_core::wire::fleet::Stay;

/// Times of a kind of lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseKind {
    /// Time in seconds after which the store deletes the values of the lease.
    pub(crate) ttl: u64,
    /// Time for which the lease takes new values.
    takes: Duration,
}

const DAYS: LeaseKind = LeaseKind { ttl: 72 * 3600, takes: Duration::from_secs(24 * 3600) };
const HOUR: LeaseKind = LeaseKind { ttl: 2 * 3600, takes: Duration::from_secs(3600) };

impl LeaseKind {
    /// Returns the kind for values that stay this long; `None` if they stay forever.
    pub(crate) fn of(stay: Stay) -> Option<Self> {
        match stay {
            Stay::Forever => None,
            Stay::Days => Some(DAYS),
            Stay::Hour => Some(HOUR),
        }
    }
}

/// A lease that the store has granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Number of the lease in the store.
    pub(crate) id: u64,
    /// Time since boot at which the lease was requested.
    granted: Duration,
    /// Time since boot at which the next lease is requested.
    renewed: Duration,
}

/// The numbers of the leases that a transaction uses; `None` for a kind that it does not use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LeaseIds {
    /// The number of the lease for values with [`Stay::Days`].
    pub(crate) days: Option<u64>,
    /// The number of the lease for values with [`Stay::Hour`].
    pub(crate) hour: Option<u64>,
}

/// The current lease of each kind. Times are since boot.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    days: Option<Lease>,
    hour: Option<Lease>,
}

impl Leases {
    fn place(&mut self, stay: Stay) -> Option<&mut Option<Lease>> {
        match stay {
            Stay::Forever => None,
            Stay::Days => Some(&mut self.days),
            Stay::Hour => Some(&mut self.hour),
        }
    }

    /// Returns the number of the lease that takes new values of this kind at the time `now`; `None` if there is none.
    pub(crate) fn current(&self, stay: Stay, now: Duration) -> Option<u64> {
        let kind = LeaseKind::of(stay)?;
        let lease = match stay {
            Stay::Forever => None,
            Stay::Days => self.days,
            Stay::Hour => self.hour,
        };
        lease.filter(|lease| now.saturating_sub(lease.granted) < kind.takes).map(|lease| lease.id)
    }

    /// Returns whether to request a lease of this kind at the time `now`, before it is needed.
    pub(crate) fn is_due(&self, stay: Stay, now: Duration) -> bool {
        let lease = match stay {
            Stay::Forever => return false,
            Stay::Days => self.days,
            Stay::Hour => self.hour,
        };
        lease.is_none_or(|lease| now >= lease.renewed)
    }

    /// Stores a lease that was requested at the time `asked`. The next lease is due after a half to nine tenths of the
    /// time for which this one takes values. The number `random` decides, so that the hosts of a fleet do not request
    /// leases at the same time.
    pub(crate) fn keep(&mut self, stay: Stay, id: u64, asked: Duration, random: u64) {
        let Some(kind) = LeaseKind::of(stay) else { return };
        let thousandths = 500 + u32::try_from(random % 400).unwrap_or_default();
        let renewed = asked + kind.takes * thousandths / 1000;
        if let Some(place) = self.place(stay) {
            *place = Some(Lease { id, granted: asked, renewed });
        }
    }

    /// Forgets the leases that a transaction has used, because one of them does not exist in the store.
    pub(crate) fn forget(&mut self, used: LeaseIds) {
        self.days = self.days.filter(|lease| Some(lease.id) != used.days);
        self.hour = self.hour.filter(|lease| Some(lease.id) != used.hour);
    }

    /// Returns the leases as text: `KIND=NUMBER KIND_age=SECONDS` for each, separated by spaces. The number is in
    /// hexadecimal.
    pub(crate) fn to_text(&self, now: Duration) -> String {
        let one = |name: &str, lease: Option<Lease>| {
            let age = |lease: Lease| now.saturating_sub(lease.granted).as_secs();
            lease.map(|lease| format!("{name}={:x} {name}_age={}", lease.id, age(lease)))
        };
        let all = [one("days", self.days), one("hour", self.hour)];
        all.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3600)
    }

    #[test]
    fn a_lease_takes_values_while_it_is_young() {
        let mut leases = Leases::default();
        assert!(leases.is_due(Stay::Days, hours(1)) && leases.is_due(Stay::Hour, hours(1)));
        assert!(!leases.is_due(Stay::Forever, hours(1)));
        leases.keep(Stay::Days, 7, hours(1), 0);
        assert_eq!(leases.current(Stay::Days, hours(24)), Some(7));
        assert_eq!(leases.current(Stay::Days, hours(25)), None);
        assert_eq!(leases.current(Stay::Hour, hours(1)), None);
        leases.keep(Stay::Hour, 8, hours(1), 0);
        assert_eq!(leases.current(Stay::Hour, hours(2)), None);
        assert_eq!(leases.current(Stay::Hour, hours(2) - Duration::from_secs(1)), Some(8));
        assert_eq!(leases.current(Stay::Forever, hours(1)), None);
        assert_eq!(leases.to_text(hours(2)), "days=7 days_age=3600 hour=8 hour_age=3600");
    }

    #[test]
    fn the_next_lease_is_due_before_the_end() {
        for random in [0, 399, 12_345, u64::MAX] {
            let mut leases = Leases::default();
            leases.keep(Stay::Days, 7, hours(0), random);
            assert!(!leases.is_due(Stay::Days, hours(11)), "{random}");
            assert!(leases.is_due(Stay::Days, hours(22)), "{random}");
        }
    }

    #[test]
    fn only_used_leases_are_forgotten() {
        let mut leases = Leases::default();
        leases.keep(Stay::Days, 7, hours(0), 0);
        leases.keep(Stay::Hour, 8, hours(0), 0);
        leases.forget(LeaseIds { days: Some(6), hour: Some(8) });
        assert_eq!(leases.current(Stay::Days, hours(0)), Some(7));
        assert_eq!(leases.current(Stay::Hour, hours(0)), None);
    }

    #[test]
    fn promised_times_are_kept() {
        // At least 48 hours and at most 72; about one hour.
        assert!(DAYS.ttl - DAYS.takes.as_secs() >= 48 * 3600 && DAYS.ttl <= 72 * 3600);
        assert!(HOUR.ttl - HOUR.takes.as_secs() >= 3600);
    }
}
