//! Checks whether the times, steps and counters of an import are plausible for this host's clock and record.

use alloc::vec::Vec;

use crate::merge::AHEAD_MAX;
use twinlock_core::{
    base::time::{Step, UnixTime},
    ledger::{KeyId, Used},
    otp::{hotp::Keyed, totp},
    record::{Authenticator, MovingFactor, Record},
};

/// Maximum number of seconds by which a used step in an export may be in the future, in addition to the error of the
/// authenticator's clock. Until the time of such a step, the user cannot log in with a code.
pub const STEP_AHEAD_MAX: u64 = 600;
/// Maximum number by which an imported counter may exceed the local one. A user uses fewer codes between two imports.
pub const COUNTER_AHEAD_MAX: u64 = 1000;
/// The highest accepted counter of a key that is new to this host.
pub const COUNTER_MAX: u64 = 1_000_000;

/// The times, steps and counters of an export, without its secrets.
pub struct Claims<'a> {
    /// The imported record.
    pub record: &'a Record,
    /// Time at which the export was written.
    pub written: UnixTime,
    /// Time at which the set of backup codes was created; `None` without a set.
    pub codes_since: Option<UnixTime>,
    /// The index of each spent backup code, with the time at which it was spent.
    pub spent: &'a [(u8, UnixTime)],
    /// The steps whose codes were used, with the time of each use.
    pub used: &'a [(Used, UnixTime)],
}

/// Why an export is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImplausibleError {
    /// A time in the export is in the future.
    Time {
        /// The time in the export.
        at: UnixTime,
    },
    /// The export says that a code was used although its step is too far in the future for this host to accept it.
    Step {
        /// Time at which the code of the step is valid.
        at: UnixTime,
    },
    /// A counter is higher than plausible.
    Counter {
        /// The counter in the export.
        there: u64,
        /// The highest plausible counter.
        most: u64,
    },
}

impl core::fmt::Display for ImplausibleError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Time { .. } => f.write_str("the export has a time in the future"),
            Self::Step { .. } => f.write_str("the export says that a later code was used already"),
            Self::Counter { there, most } => write!(
                f,
                "the export has a counter of {there}, but at most {most} is accepted here"
            ),
        }
    }
}

impl core::error::Error for ImplausibleError {}

/// The highest plausible step of one key or code set.
struct Bound {
    mark: KeyId,
    most: u64,
    /// Seconds per step; 0 if the steps are counters or indexes of codes.
    period: u64,
}

/// Checks every time, step and counter of an export against this host's clock and the local record `here`.
///
/// # Errors
/// [`ImplausibleError`] for the first implausible value. The caller then refuses the whole export.
pub fn check(
    claims: &Claims<'_>,
    here: Option<&Record>,
    now: UnixTime,
) -> Result<(), ImplausibleError> {
    check_times(claims, now)?;
    for one in &claims.record.authenticators {
        if let MovingFactor::Counter { next } = one.moving {
            let most = counter_max(one, here);
            if next > most {
                return Err(ImplausibleError::Counter { there: next, most });
            }
        }
    }
    let bounds = bounds(claims.record, here, now);
    for (used, _) in claims.used {
        let Some(bound) = bounds.iter().find(|bound| bound.mark == used.mark) else { continue };
        if used.step.0 > bound.most {
            return Err(match bound.period {
                0 => ImplausibleError::Counter { there: used.step.0, most: bound.most },
                period => {
                    ImplausibleError::Step { at: UnixTime(used.step.0.saturating_mul(period)) }
                }
            });
        }
    }
    Ok(())
}

/// Removes the used steps whose key or code set is neither in `came`, the imported record, nor in `here`, the local
/// one. [`check`] has no bound for such steps.
pub fn keep_known(used: &mut Vec<(Used, UnixTime)>, came: &Record, here: Option<&Record>) {
    let known = bounds(came, here, UnixTime(0));
    used.retain(|(used, _)| known.iter().any(|bound| bound.mark == used.mark));
}

fn check_times(claims: &Claims<'_>, now: UnixTime) -> Result<(), ImplausibleError> {
    let extras = &claims.record.extras;
    let of_record = [
        Some(claims.written),
        Some(claims.record.since),
        claims.codes_since,
        extras.changed,
        extras.reset.as_ref().map(|audit| audit.at),
        extras.owed_codes.as_ref().map(|audit| audit.at),
    ];
    let of_keys = claims.record.authenticators.iter().map(|one| Some(one.seen.as_ref()?.audit.at));
    let spent = claims.spent.iter().map(|(_, at)| Some(*at));
    let used = claims.used.iter().map(|(_, at)| Some(*at));
    let all = of_record.into_iter().chain(of_keys).chain(spent).chain(used).flatten();
    match all.max().filter(|at| *at > now.plus(AHEAD_MAX)) {
        Some(at) => Err(ImplausibleError::Time { at }),
        None => Ok(()),
    }
}

fn counter_max(one: &Authenticator, here: Option<&Record>) -> u64 {
    let known = here.and_then(|here| here.authenticators.iter().find(|known| known.key == one.key));
    match known.map(|known| known.moving) {
        Some(MovingFactor::Counter { next }) => next.saturating_add(COUNTER_AHEAD_MAX),
        Some(MovingFactor::Clock { .. }) | None => COUNTER_MAX,
    }
}

fn bounds(came: &Record, here: Option<&Record>, now: UnixTime) -> Vec<Bound> {
    let mut bounds = Vec::new();
    // The local record comes first, because its bound counts if both records have the key.
    for record in here.into_iter().chain([came]) {
        let keys = record.authenticators.iter();
        bounds.extend(keys.filter_map(|one| bound(one, here, now)));
        let places = record.codes.map(KeyId::of_set);
        bounds.extend(places.map(|mark| Bound { mark, most: u8::MAX.into(), period: 0 }));
    }
    bounds
}

fn bound(one: &Authenticator, here: Option<&Record>, now: UnixTime) -> Option<Bound> {
    let mark = Keyed::new(&one.key, one.parameters.algorithm)?.mark(one);
    let (most, period) = match one.moving {
        MovingFactor::Counter { .. } => (counter_max(one, here), 0),
        MovingFactor::Clock { drift } => {
            let period = one.parameters.period;
            let Step(reached) = totp::step_at(now.plus(STEP_AHEAD_MAX), period);
            let drift = u64::try_from(drift).unwrap_or(0);
            (reached.saturating_add(drift).saturating_add(1), period.seconds())
        }
    };
    Some(Bound { mark, most, period })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use twinlock_core::{
        base::secret::Key,
        record::{
            Generation, Parameters, SetId, State,
            extras::{AuditStamp, RecordExtras},
        },
    };

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn record(moving: MovingFactor) -> Record {
        Record {
            user: "ada".into(),
            uid: 1000,
            state: State::Active,
            generation: Generation(1),
            since: UnixTime(100),
            authenticators: vec![Authenticator {
                name: "app".into(),
                key: Key::new(vec![1; 20]).unwrap(),
                parameters: Parameters::default(),
                moving,
                seen: None,
            }],
            codes: Some(SetId(7)),
            extras: RecordExtras::default(),
        }
    }

    fn clock() -> Record {
        record(MovingFactor::Clock { drift: 0 })
    }

    fn counter(next: u64) -> Record {
        record(MovingFactor::Counter { next })
    }

    fn mark(record: &Record) -> KeyId {
        let one = &record.authenticators[0];
        Keyed::new(&one.key, one.parameters.algorithm).unwrap().mark(one)
    }

    fn claims<'a>(record: &'a Record, used: &'a [(Used, UnixTime)]) -> Claims<'a> {
        Claims { record, written: NOW, codes_since: None, spent: &[], used }
    }

    fn with_step(came: &Record, here: Option<&Record>, step: u64) -> Result<(), ImplausibleError> {
        let used = [(Used { mark: mark(came), step: Step(step) }, NOW)];
        check(&claims(came, &used), here, NOW)
    }

    #[test]
    fn steps_ahead_of_now_are_refused() {
        let here = NOW.0 / 30;
        for (ahead, believed) in [(0, true), (21, true), (22, false), (2_000_000, false)] {
            let found = with_step(&clock(), None, here + ahead);
            assert_eq!(found.is_ok(), believed, "{ahead}");
        }
        let at = UnixTime((here + 40) * 30);
        assert_eq!(with_step(&clock(), None, here + 40), Err(ImplausibleError::Step { at }));
        let drifting = record(MovingFactor::Clock { drift: 20 });
        assert_eq!(with_step(&drifting, None, here + 41), Ok(()));
        // The drift learned on this host is the one that counts.
        assert!(with_step(&drifting, Some(&clock()), here + 41).is_err());
        assert!(with_step(&clock(), None, u64::MAX).is_err());
    }

    #[test]
    fn counters_far_ahead_are_refused() {
        for (came, here, believed) in [
            (1005, Some(5), true),
            (1006, Some(5), false),
            (900_000_000, Some(5), false),
            (u64::MAX, Some(u64::MAX), true),
            (1_000_000, None, true),
            (1_000_001, None, false),
        ] {
            let (came, here) = (counter(came), here.map(counter));
            let found = check(&claims(&came, &[]), here.as_ref(), NOW);
            assert_eq!(found.is_ok(), believed, "{:?}", came.authenticators[0].moving);
            let next =
                here.as_ref().map_or(1_000_000, |here| match here.authenticators[0].moving {
                    MovingFactor::Counter { next } => next.saturating_add(1000),
                    MovingFactor::Clock { .. } => 0,
                });
            let kept = counter(5);
            assert_eq!(with_step(&kept, here.as_ref(), next), Ok(()));
            if let Some(beyond) = next.checked_add(1) {
                assert!(with_step(&kept, here.as_ref(), beyond).is_err(), "{beyond}");
            }
        }
    }

    #[test]
    fn times_to_come_are_refused() {
        let (late, just) = (NOW.plus(3601), NOW.plus(3600));
        let audit = |at| Some(AuditStamp { by: "kim".into(), at });
        let changes: [fn(&mut Record, UnixTime); 4] = [
            |record, at| record.since = at,
            |record, at| record.extras.changed = Some(at),
            |record, at| record.extras.reset = Some(AuditStamp { by: "kim".into(), at }),
            |record, at| {
                let audit = AuditStamp { by: "kim".into(), at };
                record.authenticators[0].seen =
                    Some(twinlock_core::record::extras::KeyDisclosure { audit, postponed: 0 });
            },
        ];
        for change in changes {
            let mut record = clock();
            change(&mut record, just);
            assert_eq!(check(&claims(&record, &[]), None, NOW), Ok(()));
            change(&mut record, late);
            let found = check(&claims(&record, &[]), None, NOW);
            assert_eq!(found, Err(ImplausibleError::Time { at: late }));
        }
        let mut owed = clock();
        owed.extras.owed_codes = audit(UnixTime(u64::MAX));
        assert!(check(&claims(&owed, &[]), None, NOW).is_err());
        let record = clock();
        let used = [(Used { mark: KeyId([9; 16]), step: Step(1) }, late)];
        let of_parts = [
            Claims { written: late, ..claims(&record, &[]) },
            Claims { codes_since: Some(late), ..claims(&record, &[]) },
            Claims { spent: &[(0, late)], ..claims(&record, &[]) },
            claims(&record, &used),
        ];
        for claims in of_parts {
            assert_eq!(check(&claims, None, NOW), Err(ImplausibleError::Time { at: late }));
        }
    }

    #[test]
    fn steps_of_unknown_keys_are_left_out() {
        let (came, here) = (clock(), Record { codes: Some(SetId(8)), ..clock() });
        let used = |mark| (Used { mark, step: Step(1) }, NOW);
        let of_sets = [SetId(7), SetId(8)].map(|id| used(KeyId::of_set(id)));
        let mut all = vec![used(KeyId([9; 16])), used(mark(&came)), of_sets[0], of_sets[1]];
        keep_known(&mut all, &came, Some(&here));
        assert_eq!(all, [used(mark(&came)), of_sets[0], of_sets[1]]);
    }
}
