//! What a typed code says about a record, for an administrator: right, used, or of another time.

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
    time::Step,
};

/// How many codes of a token are recognised after they were passed.
const BEHIND: u64 = 20;

/// How far a code is from the one that is expected next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// Of an app.
    Clock {
        /// By how many seconds its clock is ahead of ours; negative when it is behind.
        ahead: i64,
    },
    /// Of a token with a button.
    Presses {
        /// Codes before it that nobody typed.
        skipped: u64,
    },
}

/// What a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Finding {
    /// Right, and not used yet.
    Right {
        /// What it belongs to.
        found: Match,
        /// How far it is from what was expected, though within reach.
        apart: Apart,
    },
    /// Right, but it or a later one was used.
    Used {
        /// Seconds until there is another; 0 for a token, whose button has to be pressed.
        wait: u64,
    },
    /// Right, but the ledger cannot tell whether it was used.
    BeforeEpoch {
        /// Seconds until there is one that it can tell.
        wait: u64,
    },
    /// Of an authenticator that is too far off for one code.
    Off {
        /// How far.
        apart: Apart,
    },
    /// Of no authenticator, and of no time nearby.
    Wrong,
}

/// Judges a code as a login would, and looks further where a login would not.
pub fn examine(record: &Record, code: &Code, evidence: &Evidence<'_>) -> Finding {
    match judge(record, code, evidence) {
        Ruling::Right(found) => {
            let owner = record.authenticators.get(found.authenticator);
            let apart =
                owner.map_or(Apart::Clock { ahead: 0 }, |owner| apart(owner, found, evidence));
            Finding::Right { found, apart }
        }
        Ruling::Replayed { wait } => Finding::Used { wait },
        Ruling::BeforeEpoch { wait } => Finding::BeforeEpoch { wait },
        Ruling::Wrong => beyond(record, code, evidence),
    }
}

fn apart(authenticator: &Authenticator, found: Match, evidence: &Evidence<'_>) -> Apart {
    match authenticator.moving {
        Moving::Clock { .. } => Apart::Clock { ahead: ahead(authenticator, found.step, evidence) },
        Moving::Counter { next } => {
            let next = counter::lowest_unused(next, found.mark, evidence.used);
            Apart::Presses { skipped: found.step.0.saturating_sub(next) }
        }
    }
}

fn ahead(authenticator: &Authenticator, step: Step, evidence: &Evidence<'_>) -> i64 {
    let period = authenticator.parameters.period;
    let now =
        totp::step_at(evidence.now, period).0.saturating_add_signed(authenticator.drift().into());
    let steps = i64::try_from(step.0).unwrap_or(0).saturating_sub_unsigned(now);
    steps.saturating_mul(i64::try_from(period.seconds()).unwrap_or(0))
}

/// What a code would be outside of what a login takes: a clock's is told before a token's, and the nearest first.
fn beyond(record: &Record, code: &Code, evidence: &Evidence<'_>) -> Finding {
    let clocks = record.authenticators.iter().filter_map(|owner| off_clock(owner, code, evidence));
    if let Some(ahead) = clocks.min_by_key(|ahead| ahead.unsigned_abs()) {
        return Finding::Off { apart: Apart::Clock { ahead } };
    }
    let mut tokens = record.authenticators.iter();
    tokens.find_map(|owner| off_token(owner, code, evidence)).unwrap_or(Finding::Wrong)
}

/// By how many seconds a clock whose code this is would be ahead.
fn off_clock(owner: &Authenticator, code: &Code, evidence: &Evidence<'_>) -> Option<i64> {
    let Moving::Clock { .. } = owner.moving else { return None };
    let keyed = Keyed::new(&owner.key, owner.parameters.algorithm)?;
    let now = totp::step_at(evidence.now, owner.parameters.period);
    let away =
        (1..=resync::REACH).flat_map(|steps| [now.0.checked_sub(steps), now.0.checked_add(steps)]);
    let mut steps = away.flatten().map(Step);
    steps.find_map(|step| {
        let step =
            totp::matching_step(&keyed, owner, code.of_length(owner.parameters.digits), (step, 0))?;
        Some(ahead(owner, step, evidence))
    })
}

fn off_token(owner: &Authenticator, code: &Code, evidence: &Evidence<'_>) -> Option<Finding> {
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

/// What has to be looked at, where an authenticator is too far off.
pub fn hint(apart: Apart) -> String {
    match apart {
        Apart::Clock { ahead } => clock_hint(ahead),
        Apart::Presses { skipped } => {
            format!(
                "It belongs to a token whose button was pressed {skipped} times without a login."
            )
        }
    }
}

/// Whose clock has to be looked at, where a code is of another time.
fn clock_hint(ahead: i64) -> String {
    let by = duration(ahead.unsigned_abs());
    let (side, fault) = if ahead < 0 { ("behind", "slow") } else { ("ahead of", "fast") };
    format!(
        "It belongs to a clock that is about {by} {side} this machine's: \
         the phone's is {fault}, or this one's is wrong (date)."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::{
        answer::{self, Answer},
        ledger::Used,
        record::{Generation, Moving, Parameters, State},
        secret::{Key, Typed},
        time::UnixTime,
    };

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn record(drift: i32) -> Record {
        let key = Key::new(vec![7; 20]).unwrap();
        let app = Authenticator {
            name: "app".into(),
            key,
            parameters: Parameters::default(),
            moving: Moving::Clock { drift },
        };
        Record {
            user: "ada".into(),
            uid: 1000,
            state: State::Active,
            generation: Generation(1),
            since: UnixTime(0),
            authenticators: vec![app],
            codes: None,
        }
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
        let evidence = Evidence { used, floor: UnixTime(0), now: NOW, window: 1 };
        examine(&record, &code(&record, steps), &evidence)
    }

    fn off(ahead: i64) -> Finding {
        Finding::Off { apart: Apart::Clock { ahead } }
    }

    #[test]
    fn a_token_is_judged_by_its_counter() {
        let mut record = record(0);
        record.authenticators[0].moving = Moving::Counter { next: 40 };
        let keyed = Keyed::new(&record.authenticators[0].key, Parameters::default().algorithm);
        let keyed = keyed.unwrap();
        let evidence = Evidence { used: &[], floor: UnixTime(0), now: NOW, window: 1 };
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
            let Finding::Right { apart, .. } = examined(0, steps, &[]) else { panic!("{steps}") };
            assert_eq!(apart, Apart::Clock { ahead: seconds });
        }
    }

    #[test]
    fn around_the_window_a_clock_is_off_and_beyond_a_code_is_wrong() {
        for (steps, seconds) in [(-2, -60), (2, 60), (-20, -600), (20, 600)] {
            assert_eq!(examined(0, steps, &[]), off(seconds));
        }
        for steps in [-21, 21, 5000] {
            assert_eq!(examined(0, steps, &[]), Finding::Wrong);
        }
    }

    #[test]
    fn a_known_drift_is_not_held_against_the_clock() {
        let Finding::Right { apart, .. } = examined(10, 11, &[]) else { panic!() };
        assert_eq!(apart, Apart::Clock { ahead: 30 });
        assert_eq!(examined(10, 0, &[]), off(-300));
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
        let said = clock_hint(-270);
        assert!(said.contains("about 4 min 30 s behind") && said.contains("slow"), "{said}");
        let said = clock_hint(60);
        assert!(said.contains("1 min ahead") && said.contains("fast"), "{said}");
    }
}
