//! Diagnoses a typed code for an administrator: correct, used, or of another time.

use twinlock_core::{
    answer::Code,
    counter,
    judge::{Evidence, Match, Ruling, judge},
    otp::{
        hotp::{Keyed, digits_of, same_code},
        totp,
    },
    record::{Authenticator, Moving, Record},
    resync,
    text::duration,
    time::{Step, UnixTime},
};

/// Seconds before and after now in which every code of an app is recognized.
const NEAR: i64 = 7200;
/// Granularity of time zones, in seconds.
const HALF_HOUR: i64 = 1800;
/// Half hours before and after now that are searched for a wrong time zone. UTC-12 to UTC+14 would need more, but such
/// an error is unlikely.
const ZONES: i64 = 28;
/// How many passed codes of a token are recognized.
const BEHIND: u64 = 20;

/// Distance of a code from the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// Of an app.
    Clock(Skew),
    /// Of a token with a button.
    Presses {
        /// Codes before it that were not used.
        skipped: u64,
    },
}

/// Clock offset of an app, relative to this host and to the learned drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// Seconds by which its clock is ahead of this host's; negative if it is behind.
    pub ahead: i64,
    /// Seconds of the learned drift.
    pub learnt: i64,
    /// From when on a login could learn the offset from two consecutive codes; `None` if never.
    pub learnable: Option<UnixTime>,
}

/// Diagnosis of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Finding {
    /// Correct and unused.
    Right {
        /// The authenticator and step that it matches.
        found: Match,
        /// Distance from the expected code, within the window.
        apart: Apart,
    },
    /// Correct, but this or a later code was used.
    Used {
        /// Seconds until the next code; 0 for a token, whose button has to be pressed.
        wait: u64,
    },
    /// Correct, but older than the epoch, so the ledger cannot tell whether it was used.
    BeforeEpoch {
        /// Seconds until the first code after the epoch.
        wait: u64,
        /// Until when the clock was ahead, if that is the cause.
        ahead: Option<UnixTime>,
    },
    /// Of an authenticator that is too far off for one code.
    Off {
        /// The distance.
        apart: Apart,
    },
    /// Matches no authenticator at any searched time.
    Wrong,
}

/// Judges a code like a login, then searches further away than a login does.
pub fn examine(record: &Record, code: &Code, evidence: &Evidence<'_>) -> Finding {
    match judge(record, code, evidence) {
        Ruling::Right(found) => match record.authenticators.get(found.authenticator) {
            Some(owner) => Finding::Right { found, apart: apart(owner, found, evidence) },
            None => Finding::Wrong,
        },
        Ruling::Replayed { wait } | Ruling::Repeated { wait } | Ruling::RepeatedLate { wait } => {
            Finding::Used { wait }
        }
        Ruling::BeforeEpoch { wait, ahead } => Finding::BeforeEpoch { wait, ahead },
        Ruling::Wrong => beyond(record, code, evidence),
    }
}

fn apart(authenticator: &Authenticator, found: Match, evidence: &Evidence<'_>) -> Apart {
    match authenticator.moving {
        Moving::Clock { drift } => {
            let steps = ahead(authenticator, found.step, evidence);
            Apart::Clock(Skew {
                ahead: seconds(authenticator, steps),
                learnt: seconds(authenticator, drift.into()),
                learnable: None,
            })
        }
        Moving::Counter { next } => {
            let next = counter::lowest_unused(next, found.mark, evidence.used);
            Apart::Presses { skipped: found.step.0.saturating_sub(next) }
        }
    }
}

/// Returns by how many steps a code is ahead of now, ignoring the learned drift.
fn ahead(authenticator: &Authenticator, step: Step, evidence: &Evidence<'_>) -> i64 {
    let now = totp::step_at(evidence.now, authenticator.parameters.period).0;
    i64::try_from(step.0).unwrap_or(0).saturating_sub_unsigned(now)
}

fn seconds(authenticator: &Authenticator, steps: i64) -> i64 {
    let period = authenticator.parameters.period.seconds();
    steps.saturating_mul(i64::try_from(period).unwrap_or(0))
}

/// Searches beyond what a login accepts: apps before tokens, nearest step first.
fn beyond(record: &Record, code: &Code, evidence: &Evidence<'_>) -> Finding {
    let clocks = record.authenticators.iter().filter_map(|owner| off_clock(owner, code, evidence));
    if let Some(skew) = clocks.min_by_key(|skew| skew.ahead.unsigned_abs()) {
        return Finding::Off { apart: Apart::Clock(skew) };
    }
    let mut tokens = record.authenticators.iter();
    tokens.find_map(|owner| off_token(owner, code, evidence)).unwrap_or(Finding::Wrong)
}

/// Returns the clock offset at which the code would be current: near now, within a login's reach, or a time zone away.
fn off_clock(owner: &Authenticator, code: &Code, evidence: &Evidence<'_>) -> Option<Skew> {
    clock_of(owner, (code, evidence), &|_| true).map(|(_, skew)| skew)
}

/// Returns the offset in steps of a code, among those that may be disclosed, and what it says about the clock.
pub fn clock_of(
    owner: &Authenticator,
    (code, evidence): (&Code, &Evidence<'_>),
    may_be_told: &dyn Fn(i64) -> bool,
) -> Option<(i64, Skew)> {
    let Moving::Clock { drift } = owner.moving else { return None };
    let keyed = Keyed::new(&owner.key, owner.parameters.algorithm)?;
    let now = totp::step_at(evidence.now, owner.parameters.period).0;
    let is_of = |steps: &i64| {
        let right =
            digits_of(keyed.truncated(now.saturating_add_signed(*steps)), owner.parameters.digits);
        same_code(code.of_length(owner.parameters.digits), &right)
    };
    let mut told = looked_at(owner, drift.into()).into_iter().filter(|it| may_be_told(*it));
    let steps = told.find(is_of)?;
    let period = owner.parameters.period;
    let is_looked_for = steps.abs_diff(drift.into()) <= resync::reach(period);
    let learns = i32::try_from(steps).ok().filter(|it| is_looked_for && period.believes(*it));
    let mark = keyed.mark(owner);
    let skew = Skew {
        ahead: if steps.abs() <= evidence.window.into() { 0 } else { seconds(owner, steps) },
        learnt: seconds(owner, drift.into()),
        learnable: learns.map(|steps| resync::learnable_from((owner, mark), evidence, steps)),
    };
    Some((steps, skew))
}

/// Returns the clock offsets to search, in steps, nearest first.
fn looked_at(owner: &Authenticator, drift: i64) -> Vec<i64> {
    let period = i64::try_from(owner.parameters.period.seconds()).unwrap_or(1).max(1);
    let reach = i64::try_from(resync::reach(owner.parameters.period)).unwrap_or(0);
    let near = NEAR / period;
    let zones = (-ZONES..=ZONES).flat_map(|zone| {
        let steps = zone * HALF_HOUR / period;
        steps - 2..=steps + 2
    });
    let mut steps: Vec<i64> =
        (-near..=near).chain(drift - reach..=drift + reach).chain(zones).collect();
    steps.sort_by_key(|steps| (steps.unsigned_abs(), *steps));
    steps.dedup();
    steps
}

/// Returns how far a token's code is from the expected one: ahead, or passed.
pub fn off_token(owner: &Authenticator, code: &Code, evidence: &Evidence<'_>) -> Option<Finding> {
    let Moving::Counter { next } = owner.moving else { return None };
    let keyed = Keyed::new(&owner.key, owner.parameters.algorithm)?;
    let next = counter::lowest_unused(next, keyed.mark(owner), evidence.used);
    let is_at = |counter: &u64| {
        let right = digits_of(keyed.truncated(*counter), owner.parameters.digits);
        same_code(code.of_length(owner.parameters.digits), &right)
    };
    let ahead = (next..next.saturating_add(resync::PRESSES)).find(is_at);
    if let Some(counter) = ahead {
        return Some(Finding::Off {
            apart: Apart::Presses { skipped: counter.saturating_sub(next) },
        });
    }
    (next.saturating_sub(BEHIND)..next).find(is_at).map(|_| Finding::Used { wait: 0 })
}

/// Returns what to check if an authenticator is too far off.
pub fn hint(apart: Apart) -> String {
    match apart {
        Apart::Clock(skew) => clock_hint(skew),
        Apart::Presses { skipped } => {
            format!(
                "It belongs to a token whose button was pressed {skipped} times without a login."
            )
        }
    }
}

/// Returns whose clock to check if a code is of another time.
fn clock_hint(Skew { ahead, learnt, .. }: Skew) -> String {
    if ahead == 0 {
        let by = duration(learnt.unsigned_abs());
        let fault = if learnt < 0 { "slow" } else { "fast" };
        return format!(
            "It is of now, and this host goes by a clock that was {by} {fault}: the app's was set right since."
        );
    }
    if let Some(zone) = zone(ahead) {
        let side = if ahead < 0 { "behind" } else { "ahead" };
        return format!(
            "The phone's clock is {} {side}: its time zone or automatic time is off.",
            duration(zone)
        );
    }
    let by = duration(ahead.unsigned_abs());
    let (side, fault) = if ahead < 0 { ("behind", "slow") } else { ("ahead of", "fast") };
    format!(
        "It belongs to a clock that is about {by} {side} this machine's: \
         the phone's is {fault}, or this one's is wrong (date)."
    )
}

/// Returns the whole half hours by which a clock is off, with a tolerance of a minute.
fn zone(ahead: i64) -> Option<u64> {
    let (off, half_hour) = (ahead.unsigned_abs(), HALF_HOUR.unsigned_abs());
    let nearest = (off + half_hour / 2) / half_hour * half_hour;
    (nearest > 0 && off.abs_diff(nearest) <= 60).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::{
        answer::{self, Answer},
        ledger::Used,
        record::{Moving, Parameters},
        secret::{Key, Typed},
    };

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn record(drift: i32) -> Record {
        let mut record = Record::of_nobody(Key::new(vec![7; 20]).unwrap());
        record.authenticators[0].moving = Moving::Clock { drift };
        record
    }

    fn code(record: &Record, steps: i64) -> Code {
        let app = &record.authenticators[0];
        let keyed = Keyed::new(&app.key, app.parameters.algorithm).unwrap();
        let now = totp::step_at(NOW, app.parameters.period).0;
        typed(&keyed, now.saturating_add_signed(steps))
    }

    fn typed(keyed: &Keyed, step: u64) -> Code {
        let digits = digits_of(keyed.truncated(step), Parameters::default().digits);
        let Answer::Code(code) = answer::read(&Typed::new((*digits).clone())) else { panic!() };
        code
    }

    fn examined(drift: i32, steps: i64, used: &[Used]) -> Finding {
        let record = record(drift);
        let evidence = Evidence { used, floor: UnixTime(0), ahead: &[], now: NOW, window: 1 };
        examine(&record, &code(&record, steps), &evidence)
    }

    fn skew(finding: Finding) -> Skew {
        match finding {
            Finding::Right { apart: Apart::Clock(skew), .. }
            | Finding::Off { apart: Apart::Clock(skew) } => skew,
            other => panic!("{other:?}"),
        }
    }

    /// Returns the distance of a code that a login does not accept.
    fn off(drift: i32, steps: i64) -> (i64, bool) {
        let finding = examined(drift, steps, &[]);
        assert!(matches!(finding, Finding::Off { .. }), "{steps}: {finding:?}");
        (skew(finding).ahead, skew(finding).learnable.is_some())
    }

    #[test]
    fn a_token_is_judged_by_its_counter() {
        let mut record = record(0);
        record.authenticators[0].moving = Moving::Counter { next: 40 };
        let keyed = Keyed::new(&record.authenticators[0].key, Parameters::default().algorithm);
        let keyed = keyed.unwrap();
        let evidence = Evidence { used: &[], floor: UnixTime(0), ahead: &[], now: NOW, window: 1 };
        let presses = |skipped| Apart::Presses { skipped };
        for (counter, skipped) in [(40, 0), (44, 4)] {
            let code = typed(&keyed, counter);
            let Finding::Right { apart, .. } = examine(&record, &code, &evidence) else { panic!() };
            assert_eq!(apart, presses(skipped));
        }
        for (counter, finding) in [
            (39, Finding::Used { wait: 0 }),
            (20, Finding::Used { wait: 0 }),
            (19, Finding::Wrong),
            (45, Finding::Off { apart: presses(5) }),
            (139, Finding::Off { apart: presses(99) }),
            (140, Finding::Wrong),
        ] {
            assert_eq!(examine(&record, &typed(&keyed, counter), &evidence), finding, "{counter}");
        }
        assert!(hint(presses(5)).contains("pressed 5 times"));
    }

    #[test]
    fn the_window_is_right_and_says_how_far_off() {
        for (steps, seconds) in [(-1, -30), (0, 0), (1, 30)] {
            let finding = examined(0, steps, &[]);
            assert!(matches!(finding, Finding::Right { .. }), "{steps}");
            assert_eq!(skew(finding), Skew { ahead: seconds, learnt: 0, learnable: None });
        }
    }

    #[test]
    fn around_the_window_a_clock_is_off_and_beyond_a_code_is_wrong() {
        for (steps, seconds) in [(-2, -60), (2, 60), (-20, -600), (20, 600)] {
            assert_eq!(off(0, steps), (seconds, true));
        }
        for (steps, seconds) in [(-21, -630), (21, 630), (-240, -7200), (1678, 50_340)] {
            assert_eq!(off(0, steps), (seconds, false));
        }
        for steps in [-250, 250, 5000] {
            assert_eq!(examined(0, steps, &[]), Finding::Wrong);
        }
        assert!(looked_at(&record(2000).authenticators[0], 2000).len() < 900);
    }

    #[test]
    fn a_known_drift_is_told_from_the_clock() {
        let right = examined(11, 11, &[]);
        assert!(matches!(right, Finding::Right { .. }));
        assert_eq!((skew(right).ahead, skew(right).learnt), (330, 330));
        for steps in [-1, 0, 1] {
            assert_eq!(off(11, steps), (0, true));
        }
        let said = hint(Apart::Clock(skew(examined(11, 0, &[]))));
        assert!(said.contains("of now") && said.contains("was 5 min 30 s fast"), "{said}");
    }

    #[test]
    fn a_phone_set_right_can_be_learnt_behind_the_codes_that_its_old_clock_used() {
        let record = record(11);
        let app = &record.authenticators[0];
        let mark = Keyed::new(&app.key, app.parameters.algorithm).unwrap().mark(app);
        let used = [Used { mark, step: Step(NOW.0 / 30 + 11) }];
        let learnable = skew(examined(11, 0, &used)).learnable;
        assert_eq!(learnable, Some(UnixTime((NOW.0 / 30 + 12) * 30)));
    }

    #[test]
    fn a_used_code_is_said_to_be_used() {
        let record = record(0);
        let app = &record.authenticators[0];
        let mark = Keyed::new(&app.key, app.parameters.algorithm).unwrap().mark(app);
        let used = [Used { mark, step: totp::step_at(NOW, app.parameters.period) }];
        assert_eq!(examined(0, 0, &used), Finding::Used { wait: 30 });
    }

    #[test]
    fn a_hint_says_which_way() {
        let clock_hint = |ahead| clock_hint(Skew { ahead, learnt: 0, learnable: None });
        for (ahead, words, why) in [
            (-270, "about 4 min 30 s behind", "slow"),
            (3600, "1 h ahead", "time zone"),
            (3570, "1 h ahead", "time zone"),
            (-1860, "30 min behind", "time zone"),
            (60, "1 min ahead", "fast"),
        ] {
            let said = clock_hint(ahead);
            assert!(said.contains(words) && said.contains(why), "{said}");
        }
    }
}
