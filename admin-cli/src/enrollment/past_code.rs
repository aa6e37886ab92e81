//! Recognizes codes of the past. `twinlock verify` may say that a code was valid in the past, but must reveal nothing
//! about future codes.

use twinlock_core::{
    answer::Code,
    base::time::Step,
    ledger::Used,
    otp::{hotp::Keyed, totp},
    record::{Authenticator, MovingFactor, Record},
    verify::{judge::Evidence, replay},
};

use crate::enrollment::code_diagnosis::{CodeDiagnosis, Skew, clock_of, off_token};

/// A code of an app for a step that is too old for a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Past {
    /// Clock offset that the app has if it shows this code now.
    pub(crate) skew: Skew,
    /// The code's step, as the ledger records used steps.
    pub(crate) used: Used,
    /// Whether this step and all later ones of the app are unused. Only then can a login learn the error of the app's
    /// clock from the next codes.
    pub(crate) is_unused: bool,
}

/// Returns the past step of an app that matches the code, with the smallest clock offset; `None` if there is none.
/// Future steps are not searched: a match would reveal to the caller that the code is going to be valid.
pub(crate) fn past(record: &Record, code: &Code, evidence: &Evidence<'_>) -> Option<Past> {
    let found = record.authenticators.iter().filter_map(|owner| past_of(owner, code, evidence));
    found.min_by_key(|past| past.skew.ahead.unsigned_abs())
}

fn past_of(owner: &Authenticator, code: &Code, evidence: &Evidence<'_>) -> Option<Past> {
    let MovingFactor::Clock { drift } = owner.moving else { return None };
    let end = i64::from(drift).saturating_sub(evidence.window.into());
    let (steps, skew) = clock_of(owner, code, evidence, &|steps| steps < end && steps <= 0)?;
    let keyed = Keyed::new(&owner.key, owner.parameters.algorithm)?;
    let now = totp::step_at(evidence.now, owner.parameters.period);
    let used = Used { mark: keyed.mark(owner), step: Step(now.0.saturating_add_signed(steps)) };
    let reading = evidence.replay_input(owner, used.mark);
    let is_unused = replay::is_newest(&reading, owner, used.mark, used.step);
    Some(Past { skew, used, is_unused })
}

/// Returns whether the code belongs to a counter that a token has passed already, so that no login accepts the code.
pub(crate) fn is_passed(record: &Record, code: &Code, evidence: &Evidence<'_>) -> bool {
    let used = Some(CodeDiagnosis::Used { wait: 0 });
    record.authenticators.iter().any(|owner| off_token(owner, code, evidence) == used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::{
        answer::{self, Answer},
        base::{secret::Typed, time::UnixTime},
        otp::hotp::digits_of,
    };

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn record(drift: i32) -> Record {
        let mut record = Record::nobodys().unwrap();
        record.authenticators[0].moving = MovingFactor::Clock { drift };
        record
    }

    fn code(record: &Record, steps: i64) -> Code {
        let app = &record.authenticators[0];
        let keyed = Keyed::new(&app.key, app.parameters.algorithm).unwrap();
        let now = totp::step_at(NOW, app.parameters.period).0;
        let digits =
            digits_of(keyed.truncated(now.saturating_add_signed(steps)), app.parameters.digits);
        let Answer::Code(code) = answer::read(&Typed::new((*digits).clone())) else { panic!() };
        code
    }

    #[test]
    fn code_of_the_future_is_never_told() {
        for drift in [0, 11, -11, 40, -40] {
            let record = record(drift);
            let evidence = Evidence {
                used: &[],
                floor: UnixTime(0),
                known: None,
                ahead: &[],
                now: NOW,
                window: 1,
            };
            let told = |steps| past(&record, &code(&record, steps), &evidence);
            let end = i64::from(drift).min(2) - 2;
            for steps in -60..=300 {
                assert_eq!(told(steps).is_some(), steps <= end.min(0), "{drift} {steps}");
            }
            assert!(told(end - 68).is_some_and(|past| past.is_unused), "{drift}");
        }
    }

    #[test]
    fn past_code_says_whether_it_was_used() {
        let record = record(0);
        let app = &record.authenticators[0];
        let mark = Keyed::new(&app.key, app.parameters.algorithm).unwrap().mark(app);
        let now = totp::step_at(NOW, app.parameters.period);
        let used = [Used { mark, step: Step(now.0 - 9) }];
        let evidence = Evidence {
            used: &used,
            floor: UnixTime(0),
            known: None,
            ahead: &[],
            now: NOW,
            window: 1,
        };
        for (steps, unused) in [(-10, false), (-9, false), (-8, true), (-2, true)] {
            let found = past(&record, &code(&record, steps), &evidence).unwrap();
            assert_eq!(found.is_unused, unused, "{steps}");
            assert_eq!(found.used, Used { mark, step: Step(now.0.saturating_add_signed(steps)) });
        }
    }
}
