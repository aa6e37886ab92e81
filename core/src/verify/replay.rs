//! Replay protection: decides whether a step of a key may still be used.

use alloc::vec::Vec;

use crate::{
    base::time::{Step, UnixTime},
    ledger::{KeyId, Stretch, Used},
    record::{Authenticator, MovingFactor, Period},
};

/// The ledger keeps the names of used steps that are at most this many steps below the highest used step of their key.
/// The names are needed if the clock is set back. At 30 seconds per step, this is one day.
const REACH: u64 = 2880;

/// The ledger state by which a step is checked.
pub struct ReplayInput<'a> {
    /// The steps in the ledger whose codes were used.
    pub used: &'a [Used],
    /// The last second for which the ledger does not know the used codes.
    pub floor: UnixTime,
    /// Periods after `floor` in which codes were used before this ledger began. Codes of these periods are refused.
    pub ahead: &'a [Stretch],
    /// The current step by this host's clock.
    pub now: Step,
    /// Number of steps accepted on each side of the current one.
    pub window: u8,
}

/// Whether the code of a step may be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Freshness {
    /// The code may be accepted.
    Fresh,
    /// A code of this step or a later one was used already.
    Used {
        /// The first step whose code can be accepted.
        next: Step,
    },
    /// The ledger does not know whether the step was used, because the step is not newer than the time at which the
    /// ledger began.
    BeforeEpoch {
        /// The first step for which the ledger knows the used codes.
        next: Step,
        /// The last step that may have been used before the ledger began.
        last: Step,
    },
}

/// Returns whether the code of a step of a key may be accepted. `mark` identifies the key in the ledger.
pub fn freshness(
    reading: &ReplayInput<'_>,
    authenticator: &Authenticator,
    mark: KeyId,
    step: Step,
) -> Freshness {
    let bound = epoch_bound(reading, authenticator);
    if step <= bound {
        return Freshness::BeforeEpoch { next: after(bound), last: bound };
    }
    let of_key = || reading.used.iter().filter(|used| used.mark == mark).map(|used| used.step);
    if let Some(last) = last_of_a_time_ahead(reading, authenticator, step) {
        return Freshness::BeforeEpoch { next: after(last), last };
    }
    let Some(highest) = of_key().max() else {
        return Freshness::Fresh;
    };
    if step > highest {
        return Freshness::Fresh;
    }
    if !clock_was_set_back(reading, authenticator, highest) {
        return Freshness::Used { next: after(highest) };
    }
    let oldest = Step(highest.0.saturating_sub(REACH));
    if step < oldest {
        // The ledger name of a step lower than `oldest` may have been removed already.
        let last = Step(highest.0.saturating_add(reading.window.into()));
        return Freshness::BeforeEpoch { next: oldest, last };
    }
    if of_key().any(|used| used == step) {
        return Freshness::Used { next: after(step) };
    }
    Freshness::Fresh
}

/// Returns whether a step is newer than every used step of its key, and newer than every step that the ledger may have
/// forgotten.
#[must_use]
pub fn is_newest(
    reading: &ReplayInput<'_>,
    authenticator: &Authenticator,
    mark: KeyId,
    step: Step,
) -> bool {
    step > newest_gone(reading, authenticator, mark)
}

/// Returns the newest step of a key that was used or that the ledger may have forgotten.
#[must_use]
pub fn newest_gone(reading: &ReplayInput<'_>, authenticator: &Authenticator, mark: KeyId) -> Step {
    let of_key = reading.used.iter().filter(|used| used.mark == mark).map(|used| used.step);
    of_key.fold(epoch_bound(reading, authenticator), Step::max)
}

/// Returns the used steps whose ledger names can be removed. Each of these steps is so far below the highest used step
/// of its key that it is refused even without its name.
pub fn forgotten(used: &[Used]) -> impl Iterator<Item = &Used> {
    // One entry per key. A user has few keys, so the search stays fast after a day of logins.
    let mut highest: Vec<Used> = Vec::new();
    for one in used {
        match highest.iter_mut().find(|top| top.mark == one.mark) {
            Some(top) => top.step = top.step.max(one.step),
            None => highest.push(*one),
        }
    }
    used.iter().filter(move |one| {
        let top = highest.iter().find(|top| top.mark == one.mark);
        top.is_some_and(|top| one.step.0 < top.step.0.saturating_sub(REACH))
    })
}

fn after(step: Step) -> Step {
    Step(step.0.saturating_add(1))
}

/// Returns the last step of an authenticator that may have been accepted before the ledger began.
fn epoch_bound(reading: &ReplayInput<'_>, authenticator: &Authenticator) -> Step {
    let ahead = u64::from(authenticator.drift().max(0).unsigned_abs());
    let at_epoch = reading.floor.0 / authenticator.parameters.period.seconds();
    Step(at_epoch.saturating_add(u64::from(reading.window)).saturating_add(ahead))
}

/// Returns the last step of the period in [`ReplayInput::ahead`] that contains `step`; `None` if no period contains it.
fn last_of_a_time_ahead(
    reading: &ReplayInput<'_>,
    authenticator: &Authenticator,
    step: Step,
) -> Option<Step> {
    let (period, drift) = (authenticator.parameters.period.seconds(), authenticator.drift());
    let window = u64::from(reading.window);
    let steps = |stretch: &Stretch| {
        let first = (stretch.from.0 / period).saturating_sub(window);
        let last = (stretch.until.0 / period).saturating_add(window);
        // The drift may have been learned after the codes of the period were used.
        let first = first.saturating_add_signed(i64::from(drift.min(0)));
        let last = last.saturating_add_signed(i64::from(drift.max(0)));
        (Step(first), Step(last))
    };
    let of_all = reading.ahead.iter().map(steps);
    of_all.filter(|(first, last)| (*first..=*last).contains(&step)).map(|(_, last)| last).max()
}

/// Returns the used steps of a key that are more than 1440 steps ahead of the step that the authenticator shows now.
/// They lock out the user, because the ledger may have removed the names of current steps.
pub fn far_ahead<'a>(
    used: &'a [Used],
    authenticator: &Authenticator,
    mark: KeyId,
    now: Step,
) -> impl Iterator<Item = &'a Used> {
    let shown = now.0.saturating_add_signed(i64::from(authenticator.drift()));
    let bound = shown.saturating_add(REACH / 2);
    used.iter().filter(move |one| one.mark == mark && one.step.0 > bound)
}

/// Returns whether the highest used step is further in the future than any code that is accepted now.
fn clock_was_set_back(
    reading: &ReplayInput<'_>,
    authenticator: &Authenticator,
    highest: Step,
) -> bool {
    let ahead = u64::from(authenticator.drift().max(0).unsigned_abs());
    let furthest = reading.now.0.saturating_add(u64::from(reading.window)).saturating_add(ahead);
    highest.0 > furthest
}

/// Returns the seconds until an authenticator with the drift in its record shows the code of a step; 0 if the step has
/// begun. A token shows the code of its next counter at once.
#[must_use]
pub fn seconds_until(step: Step, authenticator: &Authenticator, now: UnixTime) -> u64 {
    if matches!(authenticator.moving, MovingFactor::Counter { .. }) {
        // A token shows the code of its next counter at once.
        return 0;
    }
    let period: Period = authenticator.parameters.period;
    let shown = step.0.saturating_add_signed(-i64::from(authenticator.drift()));
    shown.saturating_mul(period.seconds()).saturating_sub(now.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Key;
    use crate::record::Parameters;
    use alloc::vec;

    const MARK: KeyId = KeyId([7; 16]);

    fn authenticator(drift: i32) -> Authenticator {
        Authenticator {
            name: "app".into(),
            key: Key::new(vec![1; 20]).unwrap(),
            parameters: Parameters::default(),
            moving: MovingFactor::Clock { drift },
            seen: None,
        }
    }

    fn used(steps: impl IntoIterator<Item = u64>) -> Vec<Used> {
        steps.into_iter().map(|step| Used { mark: MARK, step: Step(step) }).collect()
    }

    fn judge(used: &[Used], now: u64, step: u64) -> Freshness {
        let reading =
            ReplayInput { used, floor: UnixTime(0), ahead: &[], now: Step(now), window: 1 };
        freshness(&reading, &authenticator(0), MARK, Step(step))
    }

    #[test]
    fn steps_go_up() {
        let used = used([100]);
        assert_eq!(judge(&used, 100, 99), Freshness::Used { next: Step(101) });
        assert_eq!(judge(&used, 100, 100), Freshness::Used { next: Step(101) });
        assert_eq!(judge(&used, 100, 101), Freshness::Fresh);
        assert_eq!(judge(&[], 100, 99), Freshness::Fresh);
    }

    #[test]
    fn another_key_has_other_steps() {
        let other = [Used { mark: KeyId([8; 16]), step: Step(100) }];
        assert_eq!(judge(&other, 100, 100), Freshness::Fresh);
    }

    #[test]
    fn a_clock_set_back_shuts_nobody_out_and_brings_nothing_back() {
        let used = used(5000..5040);
        for (step, fresh) in [(4990, true), (4999, true), (5000, false), (5003, false)] {
            let ruling = judge(&used, 4990, step);
            assert_eq!(ruling == Freshness::Fresh, fresh, "{step}");
        }
        assert_eq!(judge(&used, 2159, 2159), Freshness::Fresh);
        assert_eq!(
            judge(&used, 2158, 2158),
            Freshness::BeforeEpoch { next: Step(2159), last: Step(5040) }
        );
    }

    #[test]
    fn at_the_edge_the_strict_rule_holds() {
        let used = used([102]);
        assert_eq!(judge(&used, 101, 100), Freshness::Used { next: Step(103) });
        assert_eq!(judge(&used, 100, 100), Freshness::Fresh);
    }

    #[test]
    fn what_the_ledger_may_have_forgotten_counts_as_used() {
        for (drift, bound) in [(0, 101), (3, 104), (-3, 101)] {
            let reading = ReplayInput {
                used: &[],
                floor: UnixTime(100 * 30),
                ahead: &[],
                now: Step(101),
                window: 1,
            };
            let authenticator = authenticator(drift);
            let at = |step| freshness(&reading, &authenticator, MARK, Step(step));
            assert_eq!(
                at(bound),
                Freshness::BeforeEpoch { next: Step(bound + 1), last: Step(bound) }
            );
            assert_eq!(at(bound + 1), Freshness::Fresh);
        }
    }

    #[test]
    fn a_time_ahead_counts_as_used_and_what_lies_around_it_does_not() {
        let ahead = [Stretch { from: UnixTime(3000), until: UnixTime(3300) }];
        for (drift, first, last) in [(0, 99, 111), (3, 99, 114), (-3, 96, 111)] {
            for step in [1, first - 1, first, last, last + 1, 5000] {
                let reading = ReplayInput {
                    used: &[],
                    floor: UnixTime(0),
                    ahead: &ahead,
                    now: Step(step),
                    window: 1,
                };
                let ruling = freshness(&reading, &authenticator(drift), MARK, Step(step));
                let gone = Freshness::BeforeEpoch { next: Step(last + 1), last: Step(last) };
                let known = step > 4 && !(first..=last).contains(&step);
                if (first..=last).contains(&step) {
                    assert_eq!(ruling, gone, "{drift} {step}");
                } else if known {
                    assert_eq!(ruling, Freshness::Fresh, "{drift} {step}");
                }
            }
        }
    }

    #[test]
    fn steps_far_ahead_are_those_that_shut_out() {
        let used = used([10, 100, 1541, 9000]);
        for (drift, ahead) in [(0, &[1541, 9000][..]), (1, &[9000])] {
            let authenticator = authenticator(drift);
            let found = far_ahead(&used, &authenticator, MARK, Step(100));
            assert_eq!(found.map(|one| one.step.0).collect::<Vec<_>>(), ahead);
        }
    }

    #[test]
    fn what_is_forgotten_stays_refused() {
        let used = used([10, 2158, 2159, 5039]);
        let gone: Vec<u64> = forgotten(&used).map(|used| used.step.0).collect();
        assert_eq!(gone, [10, 2158]);
        let kept: Vec<Used> = used.iter().skip(2).copied().collect();
        for now in [10, 2158] {
            assert_ne!(judge(&kept, now, now), Freshness::Fresh, "{now}");
        }
    }

    #[test]
    fn waiting_ends_when_the_phone_shows_the_code() {
        assert_eq!(seconds_until(Step(10), &authenticator(0), UnixTime(283)), 17);
        assert_eq!(seconds_until(Step(10), &authenticator(2), UnixTime(230)), 10);
        assert_eq!(seconds_until(Step(10), &authenticator(0), UnixTime(400)), 0);
    }
}
