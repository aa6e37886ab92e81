//! Tests the diagnosis of codes.

use super::*;
use twinlock_core::{
    answer::{self, Answer},
    base::secret::{Key, Typed},
    ledger::Used,
    record::{MovingFactor, Parameters},
};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn record(drift: i32) -> Record {
    let mut record = Record::of_nobody(Key::new(vec![7; 20]).unwrap());
    record.authenticators[0].moving = MovingFactor::Clock { drift };
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

fn examined(drift: i32, steps: i64, used: &[Used]) -> CodeDiagnosis {
    let record = record(drift);
    let evidence =
        Evidence { used, floor: UnixTime(0), known: None, ahead: &[], now: NOW, window: 1 };
    examine(&record, &code(&record, steps), &evidence)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "in a test, every other case fails it")]
fn skew(finding: CodeDiagnosis) -> Skew {
    match finding {
        CodeDiagnosis::Right { apart: Apart::Clock(skew), .. }
        | CodeDiagnosis::Off { apart: Apart::Clock(skew) } => skew,
        other => panic!("{other:?}"),
    }
}

/// Diagnoses the code that is `steps` steps from now, for an app whose clock is known to be `drift` steps ahead.
/// Returns the seconds by which the app is ahead, and whether a login could learn this error. Panics if a login would
/// accept the code.
fn off(drift: i32, steps: i64) -> (i64, bool) {
    let finding = examined(drift, steps, &[]);
    assert!(matches!(finding, CodeDiagnosis::Off { .. }), "{steps}: {finding:?}");
    (skew(finding).ahead, skew(finding).learnable.is_some())
}

#[test]
fn a_token_is_judged_by_its_counter() {
    let mut record = record(0);
    record.authenticators[0].moving = MovingFactor::Counter { next: 40 };
    let keyed = Keyed::new(&record.authenticators[0].key, Parameters::default().algorithm);
    let keyed = keyed.unwrap();
    let evidence =
        Evidence { used: &[], floor: UnixTime(0), known: None, ahead: &[], now: NOW, window: 1 };
    let presses = |skipped| Apart::Presses { skipped };
    for (counter, skipped) in [(40, 0), (44, 4)] {
        let code = typed(&keyed, counter);
        let CodeDiagnosis::Right { apart, .. } = examine(&record, &code, &evidence) else {
            panic!()
        };
        assert_eq!(apart, presses(skipped));
    }
    for (counter, finding) in [
        (39, CodeDiagnosis::Used { wait: 0 }),
        (20, CodeDiagnosis::Used { wait: 0 }),
        (19, CodeDiagnosis::Wrong),
        (45, CodeDiagnosis::Off { apart: presses(5) }),
        (139, CodeDiagnosis::Off { apart: presses(99) }),
        (140, CodeDiagnosis::Wrong),
    ] {
        assert_eq!(examine(&record, &typed(&keyed, counter), &evidence), finding, "{counter}");
    }
    assert!(hint(presses(5)).contains("pressed 5 times"));
}

#[test]
fn the_window_is_right_and_says_how_far_off() {
    for (steps, seconds) in [(-1, -30), (0, 0), (1, 30)] {
        let finding = examined(0, steps, &[]);
        assert!(matches!(finding, CodeDiagnosis::Right { .. }), "{steps}");
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
        assert_eq!(examined(0, steps, &[]), CodeDiagnosis::Wrong);
    }
    assert!(looked_at(&record(2000).authenticators[0], 2000).len() < 900);
}

#[test]
fn a_known_drift_is_told_from_the_clock() {
    let right = examined(11, 11, &[]);
    assert!(matches!(right, CodeDiagnosis::Right { .. }));
    assert_eq!((skew(right).ahead, skew(right).learnt), (330, 330));
    for steps in [-1, 0, 1] {
        assert_eq!(off(11, steps), (0, true));
    }
    let said = hint(Apart::Clock(skew(examined(11, 0, &[]))));
    assert!(said.contains("is current") && said.contains("is 5 min 30 s fast"), "{said}");
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
    assert_eq!(examined(0, 0, &used), CodeDiagnosis::Used { wait: 30 });
}

#[test]
fn a_hint_says_which_way() {
    let clock_hint = |ahead| clock_hint(Skew { ahead, learnt: 0, learnable: None });
    for (ahead, words, why) in [
        (-270, "about 4 min 30 s behind", "slow"),
        (3600, "about 1 h ahead", "time zone"),
        (60, "1 min ahead", "fast"),
    ] {
        let said = clock_hint(ahead);
        assert!(said.contains(words) && said.contains(why), "{said}");
    }
}
