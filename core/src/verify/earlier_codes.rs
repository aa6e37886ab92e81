//! Codes of one authenticator that were accepted before. A user who enters one of them again does not guess.

use crate::{
    base::time::Step,
    ledger::{KeyId, Used},
    otp::hotp::{Keyed, is_code_of},
    record::Authenticator,
};

/// Number of the newest accepted codes with which an answer is compared. A program that repeats its code, such as a
/// polling mail client, is recognized until the user has logged in this many times with newer codes.
const COMPARED: usize = 8;

/// The accepted codes of one key. The ledger stores only steps, from which a code can be computed only with the key.
pub struct EarlierCodes<'a> {
    /// The HMAC state of the key.
    pub keyed: &'a Keyed,
    /// The identifier of the key in the ledger.
    pub mark: KeyId,
    /// The steps of all keys of the user whose codes were used.
    pub used: &'a [Used],
}

impl EarlierCodes<'_> {
    /// Returns whether the code of a step was accepted, or was reserved by a login that was interrupted.
    #[must_use]
    pub fn is_used(&self, step: Step) -> bool {
        self.steps().any(|used| used == step)
    }

    /// Returns the first step whose code can be accepted, if `typed` is one of the eight newest accepted codes; `None`
    /// otherwise.
    ///
    /// Computes the same number of codes whether or not any was accepted, so that the time taken reveals nothing.
    #[must_use]
    pub fn repeated(&self, authenticator: &Authenticator, typed: &str) -> Option<Step> {
        let mut newest = [None; COMPARED];
        self.steps().for_each(|step| insert(&mut newest, step));
        let mut found = false;
        for step in newest {
            let counter = step.map_or(0, |step| step.0);
            let same =
                is_code_of(self.keyed.truncated(counter), authenticator.parameters.digits, typed);
            found |= same && step.is_some();
        }
        let last = newest.into_iter().flatten().next().filter(|_| found)?;
        Some(Step(last.0.saturating_add(1)))
    }

    fn steps(&self) -> impl Iterator<Item = Step> {
        self.used.iter().filter(|one| one.mark == self.mark).map(|one| one.step)
    }
}

/// Inserts a step into the newest steps, which are sorted in descending order, and drops the oldest of them.
fn insert(newest: &mut [Option<Step>; COMPARED], step: Step) {
    let mut carried = Some(step);
    for place in newest {
        if carried > *place {
            core::mem::swap(&mut carried, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::secret::Key,
        otp::hotp::digits_of,
        record::{MovingFactor, Parameters},
    };
    use alloc::{string::String, vec, vec::Vec};

    const OTHER: KeyId = KeyId([9; 16]);

    fn app() -> Authenticator {
        Authenticator {
            name: "app".into(),
            key: Key::new(vec![5; 20]).unwrap(),
            parameters: Parameters::default(),
            moving: MovingFactor::default(),
            seen: None,
        }
    }

    fn repeated(steps: &[u64], mark: KeyId, typed: u64) -> Option<Step> {
        let app = app();
        let keyed = Keyed::new(&app.key, app.parameters.algorithm).unwrap();
        let used: Vec<_> = steps.iter().map(|step| Used { mark, step: Step(*step) }).collect();
        let text: String = (*digits_of(keyed.truncated(typed), app.parameters.digits)).clone();
        let mark = keyed.mark(&app);
        EarlierCodes { keyed: &keyed, mark, used: &used }.repeated(&app, &text)
    }

    fn own() -> KeyId {
        let app = app();
        Keyed::new(&app.key, app.parameters.algorithm).unwrap().mark(&app)
    }

    #[test]
    fn accepted_text_is_recognized() {
        let steps = [7, 900, 40, 41, 300];
        for step in steps {
            assert_eq!(repeated(&steps, own(), step), Some(Step(901)), "{step}");
        }
        // Five steps are used, and eight are compared. A missing step must not count as step 0.
        for step in [0, 8, 299, 901] {
            assert_eq!(repeated(&steps, own(), step), None, "{step}");
        }
        assert_eq!(repeated(&[0], own(), 0), Some(Step(1)));
    }

    #[test]
    fn accepted_text_of_another_key_is_a_guess() {
        assert_eq!(repeated(&[7, 8], OTHER, 7), None);
        assert_eq!(repeated(&[], own(), 7), None);
    }

    #[test]
    fn only_the_newest_are_compared() {
        let steps: Vec<u64> = (100..100 + COMPARED as u64 + 1).rev().collect();
        assert_eq!(repeated(&steps, own(), 100), None);
        assert_eq!(repeated(&steps, own(), 101), Some(Step(101 + COMPARED as u64)));
    }
}
