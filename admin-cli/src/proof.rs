//! What a typed code says about a record, for an administrator: right, used, or of another time.

use twinlock_core::{
    answer::Code,
    judge::{Evidence, Match, Ruling, judge},
    otp::{hotp::Keyed, totp},
    record::{Authenticator, Record},
    text::duration,
    time::Step,
};

/// How far off a clock may be for its codes to be recognised: steps each way.
const REACH: u64 = 20;

/// What a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Finding {
    /// Right, and not used yet.
    Right {
        /// What it belongs to.
        found: Match,
        /// By how many seconds the app's clock may be ahead of ours.
        ahead: i64,
    },
    /// Right, but it or a later one was used.
    Used {
        /// Seconds until there is another.
        wait: u64,
    },
    /// Right, but the ledger cannot tell whether it was used.
    BeforeEpoch {
        /// Seconds until there is one that it can tell.
        wait: u64,
    },
    /// The code of a clock that is off.
    Off {
        /// By how many seconds it is ahead of ours; negative when it is behind.
        ahead: i64,
    },
    /// Of no authenticator, and of no time nearby.
    Wrong,
}

/// Judges a code as a login would, and looks further where a login would not.
pub fn examine(record: &Record, code: &Code, evidence: &Evidence<'_>) -> Finding {
    match judge(record, code, evidence) {
        Ruling::Right(found) => {
            let owner = record.authenticators.get(found.authenticator);
            let ahead = owner.map_or(0, |owner| ahead(owner, found.step, evidence));
            Finding::Right { found, ahead }
        }
        Ruling::Replayed { wait } => Finding::Used { wait },
        Ruling::BeforeEpoch { wait } => Finding::BeforeEpoch { wait },
        Ruling::Wrong => nearest(record, code, evidence),
    }
}

fn ahead(authenticator: &Authenticator, step: Step, evidence: &Evidence<'_>) -> i64 {
    let period = authenticator.parameters.period;
    let now =
        totp::step_at(evidence.now, period).0.saturating_add_signed(authenticator.drift().into());
    let steps = i64::try_from(step.0).unwrap_or(0).saturating_sub_unsigned(now);
    steps.saturating_mul(i64::try_from(period.seconds()).unwrap_or(0))
}

/// The nearest time whose code it is.
fn nearest(record: &Record, code: &Code, evidence: &Evidence<'_>) -> Finding {
    let found = record.authenticators.iter().filter_map(|owner| {
        let keyed = Keyed::new(&owner.key, owner.parameters.algorithm)?;
        let now = totp::step_at(evidence.now, owner.parameters.period);
        let away =
            (1..=REACH).flat_map(|steps| [now.0.checked_sub(steps), now.0.checked_add(steps)]);
        let mut steps = away.flatten().map(Step);
        steps.find_map(|step| {
            let step = totp::matching_step(
                &keyed,
                owner,
                code.of_length(owner.parameters.digits),
                (step, 0),
            )?;
            Some(ahead(owner, step, evidence))
        })
    });
    let nearest = found.min_by_key(|ahead| ahead.unsigned_abs());
    nearest.map_or(Finding::Wrong, |ahead| Finding::Off { ahead })
}

/// Whose clock has to be looked at, where a code is of another time.
pub fn clock_hint(ahead: i64) -> String {
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
        }
    }

    fn code(record: &Record, steps: i64) -> Code {
        let app = &record.authenticators[0];
        let keyed = Keyed::new(&app.key, app.parameters.algorithm).unwrap();
        let now = totp::step_at(NOW, app.parameters.period).0;
        let number = keyed.truncated(now.saturating_add_signed(steps));
        let digits = twinlock_core::otp::hotp::digits_of(number, app.parameters.digits);
        let Answer::Code(code) = answer::read(&Typed::new((*digits).clone())) else { panic!() };
        code
    }

    fn examined(drift: i32, steps: i64, used: &[Used]) -> Finding {
        let record = record(drift);
        let evidence = Evidence { used, floor: UnixTime(0), now: NOW, window: 1 };
        examine(&record, &code(&record, steps), &evidence)
    }

    #[test]
    fn the_window_is_right_and_says_how_far_off() {
        for (steps, seconds) in [(-1, -30), (0, 0), (1, 30)] {
            let Finding::Right { ahead, .. } = examined(0, steps, &[]) else { panic!("{steps}") };
            assert_eq!(ahead, seconds);
        }
    }

    #[test]
    fn around_the_window_a_clock_is_off_and_beyond_a_code_is_wrong() {
        for (steps, seconds) in [(-2, -60), (2, 60), (-20, -600), (20, 600)] {
            assert_eq!(examined(0, steps, &[]), Finding::Off { ahead: seconds });
        }
        for steps in [-21, 21, 5000] {
            assert_eq!(examined(0, steps, &[]), Finding::Wrong);
        }
    }

    #[test]
    fn a_known_drift_is_not_held_against_the_clock() {
        let Finding::Right { ahead, .. } = examined(10, 11, &[]) else { panic!() };
        assert_eq!(ahead, 30);
        assert_eq!(examined(10, 0, &[]), Finding::Off { ahead: -300 });
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
