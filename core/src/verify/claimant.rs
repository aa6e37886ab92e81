//! Reserves steps and counters for one attempt: only one process can create the ledger name of a step, and the text of
//! the name identifies the attempt.

use crate::{
    base::{
        error::LedgerError,
        time::{Now, UnixTime},
    },
    ledger::{Nonce, Used, names},
    ports::{Clock, Creation, UserLedger},
};

/// Maximum number of seconds from the counting of an attempt to the reservation of its step. After a longer time, the
/// code counts as used. Without a delay, a login takes milliseconds.
const HELD_UP: u64 = 30;

/// An attempt or command that reserves (claims) the steps that a code uses up.
pub struct Claimant<'a> {
    user_ledger: &'a dyn UserLedger,
    now: UnixTime,
    nonce: Nonce,
}

impl<'a> Claimant<'a> {
    /// Creates a claimant. `nonce` must be unique to the attempt.
    #[must_use]
    pub fn new(user_ledger: &'a dyn UserLedger, now: UnixTime, nonce: Nonce) -> Self {
        Self { user_ledger, now, nonce }
    }

    /// Reserves a step. Returns [`Creation::Made`] if this attempt holds the reservation, also from an earlier call: an
    /// attempt compares its code again if another process changes the record.
    ///
    /// # Errors
    /// [`LedgerError`] if the name of the step cannot be created or read.
    pub fn claim(&self, used: &Used) -> Result<Creation, LedgerError> {
        let name = names::used_name(used);
        match self.user_ledger.create(&name, &names::write_claim(self.now, self.nonce))? {
            Creation::Made => Ok(Creation::Made),
            Creation::Taken => {
                let text = self.user_ledger.content(&name)?;
                let owner = text.and_then(|text| names::read_nonce(&text));
                Ok(if owner == Some(self.nonce) { Creation::Made } else { Creation::Taken })
            }
        }
    }
}

/// Returns whether more than [`HELD_UP`] seconds have passed since `since`, so that the ledger names read at that time
/// may be out of date.
///
/// An attacker who controls the calling program could otherwise use a code twice, by pausing the process after the
/// comparison until the ledger has removed the name of the used code.
pub(crate) fn was_held_up(clock: &dyn Clock, since: Now) -> bool {
    let Ok(now) = clock.now() else { return true };
    let waited = now.boot.0.abs_diff(since.boot.0) / 1_000_000_000;
    waited.max(now.unix.0.abs_diff(since.unix.0)) > HELD_UP
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::time::Step, ledger::KeyId};
    use alloc::{collections::BTreeMap, string::String, vec::Vec};
    use core::cell::RefCell;

    #[derive(Default)]
    struct Names(RefCell<BTreeMap<String, String>>);

    impl UserLedger for Names {
        fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerError> {
            if self.0.borrow().contains_key(name) {
                return Ok(Creation::Taken);
            }
            self.0.borrow_mut().insert(name.into(), content.into());
            Ok(Creation::Made)
        }

        fn names(&self) -> Result<Vec<String>, LedgerError> {
            Ok(self.0.borrow().keys().cloned().collect())
        }

        fn content(&self, name: &str) -> Result<Option<String>, LedgerError> {
            Ok(self.0.borrow().get(name).cloned())
        }

        fn erase(&self, name: &str) {
            self.0.borrow_mut().remove(name);
        }

        fn is_of_all(&self) -> bool {
            false
        }
    }

    const STEP: Used = Used { mark: KeyId([7; 16]), step: Step(60_000_000) };
    const NOW: UnixTime = UnixTime(1_800_000_000);

    #[test]
    fn own_claim_is_kept_and_anothers_refused() {
        let names = Names::default();
        let [own, other] = [1, 2].map(|byte| Claimant::new(&names, NOW, Nonce([byte; 16])));
        assert_eq!(own.claim(&STEP), Ok(Creation::Made));
        assert_eq!(own.claim(&STEP), Ok(Creation::Made));
        assert_eq!(other.claim(&STEP), Ok(Creation::Taken));
        assert_eq!(names.0.borrow().len(), 1);
    }

    #[test]
    fn claim_without_a_nonce_is_anothers() {
        for text in ["1800000000", "0", "", "1800000000.", "1800000000.07", "x.y"] {
            let names = Names::default();
            names.0.borrow_mut().insert(names::used_name(&STEP), text.into());
            let claimant = Claimant::new(&names, NOW, Nonce([1; 16]));
            assert_eq!(claimant.claim(&STEP), Ok(Creation::Taken), "{text}");
        }
    }
}
