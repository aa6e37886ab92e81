//! Limits how often a user may run an operation within a period. Each use is a name in the user's ledger:
//! `op.WORD.WINDOW.SLOT`.
//!
//! Only one process can create a name, so no more processes succeed at the same time than the limit allows. Periods are
//! measured by the boot clock, so a user gains nothing by a change of the wall clock.

use alloc::{string::String, vec::Vec};

use crate::{
    base::{
        decimal::Decimal,
        error::LedgerError,
        time::{BootTime, UnixTime},
    },
    ledger::names,
    ports::{Creation, UserLedger},
};

const OPERATION: &str = "op.";

/// A limit on how often a user may run an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The word for the operation in ledger names; lower-case letters and `-`.
    pub word: &'static str,
    /// Maximum number of uses within [`Self::seconds`], at least 1.
    pub most: u16,
    /// Time in seconds after which a use no longer counts, at least 1.
    pub seconds: u64,
}

/// Whether a user may run an operation once more.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// The operation may be done. Holds the ledger name of the use, by which the use can be given back.
    Yes(String),
    /// The limit is reached.
    No {
        /// Seconds until the oldest use no longer counts.
        wait: u64,
    },
}

/// A use that is stored in the ledger.
struct Use {
    window: u64,
    /// Time of the use in seconds of the boot clock.
    at: u64,
}

impl Allowance {
    /// Counts one use, if fewer than [`Self::most`] were counted in the last [`Self::seconds`] seconds. `now` is the
    /// time of the boot clock.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be read or written. The operation must not be done then.
    pub fn take(&self, user_ledger: &dyn UserLedger, now: BootTime) -> Result<Taken, LedgerError> {
        let now = now.seconds();
        let window = now / self.seconds.max(1);
        let uses = self.uses(user_ledger, now)?;
        let counts: Vec<&Use> =
            uses.iter().filter(|one| one.at.saturating_add(self.seconds) > now).collect();
        // The slots of this window that are left after the uses of the window before.
        let before = counts.iter().filter(|one| one.window != window).count();
        let slots = usize::from(self.most).saturating_sub(before);
        let mine = counts.len() - before;
        for slot in mine..slots {
            let name = self.name(window, slot);
            match user_ledger.create(&name, &names::instant(UnixTime(now)))? {
                Creation::Made => return Ok(Taken::Yes(name)),
                Creation::Taken => {}
            }
        }
        // A slot that was given back lies below those that are taken.
        for slot in 0..mine.min(slots) {
            let name = self.name(window, slot);
            if user_ledger.content(&name)?.is_none()
                && user_ledger.create(&name, &names::instant(UnixTime(now)))? == Creation::Made
            {
                return Ok(Taken::Yes(name));
            }
        }
        let oldest = counts.iter().map(|one| one.at).min().unwrap_or(now);
        Ok(Taken::No { wait: oldest.saturating_add(self.seconds).saturating_sub(now).max(1) })
    }

    /// Returns the uses of the current window and of the window before, and erases those of older windows and of an
    /// earlier boot. A window is a period of [`Self::seconds`] seconds. `now` is the boot clock in seconds.
    fn uses(&self, user_ledger: &dyn UserLedger, now: u64) -> Result<Vec<Use>, LedgerError> {
        let window = now / self.seconds.max(1);
        let mut uses = Vec::new();
        for name in user_ledger.names()? {
            let Some(of) = self.window(&name) else { continue };
            // A later window is of an earlier boot, where the ledger lies on a disk.
            if of.saturating_add(1) < window || of > window {
                user_ledger.erase(&name);
                continue;
            }
            if let Some(text) = user_ledger.content(&name)? {
                let at = names::read_instant(&text).ok_or(LedgerError::Untrusted)?;
                uses.push(Use { window: of, at: at.0.min(now) });
            }
        }
        Ok(uses)
    }

    fn name(&self, window: u64, slot: usize) -> String {
        let slot = Decimal::of(u64::try_from(slot).unwrap_or(u64::MAX));
        let window = Decimal::of(window);
        [OPERATION, self.word, ".", window.as_str(), ".", slot.as_str()].concat()
    }

    fn window(&self, name: &str) -> Option<u64> {
        let rest = name.strip_prefix(OPERATION)?.strip_prefix(self.word)?.strip_prefix('.')?;
        let (window, slot) = rest.split_once('.')?;
        slot.parse::<u64>().ok()?;
        window.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, string::ToString};
    use core::cell::RefCell;

    use super::*;

    #[derive(Default)]
    struct Names(RefCell<BTreeMap<String, String>>);

    impl UserLedger for Names {
        fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerError> {
            let mut names = self.0.borrow_mut();
            if names.contains_key(name) {
                return Ok(Creation::Taken);
            }
            names.insert(name.to_string(), content.to_string());
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

    const THREE: Allowance = Allowance { word: "change", most: 3, seconds: 100 };

    fn at(seconds: u64) -> BootTime {
        BootTime(0).plus(seconds)
    }

    fn may(names: &Names, seconds: u64) -> bool {
        matches!(THREE.take(names, at(seconds)).unwrap(), Taken::Yes(_))
    }

    #[test]
    fn no_more_than_the_limit_within_any_time() {
        let names = Names::default();
        // At the end of one window and at the beginning of the next.
        assert_eq!([1095, 1098, 1102].map(|at| may(&names, at)), [true; 3]);
        assert_eq!(THREE.take(&names, at(1103)), Ok(Taken::No { wait: 92 }));
        assert!(!may(&names, 1194));
        assert_eq!([1195, 1197, 1198, 1201].map(|at| may(&names, at)), [true, false, true, false]);
        assert!(may(&names, 1202));
        for at in 1203..5000 {
            may(&names, at);
            let held = names.0.borrow();
            let mut ats: Vec<u64> = held.values().map(|text| text.parse().unwrap()).collect();
            ats.sort_unstable();
            let recent = ats.iter().filter(|one| *one + 100 > at).count();
            assert!(recent <= 3 && held.len() <= 6, "{at}: {ats:?}");
        }
    }

    #[test]
    fn what_was_given_back_may_be_done_again() {
        let names = Names::default();
        let Taken::Yes(first) = THREE.take(&names, at(1000)).unwrap() else { panic!() };
        assert!(may(&names, 1001) && may(&names, 1002) && !may(&names, 1003));
        names.erase(&first);
        assert!(may(&names, 1004) && !may(&names, 1005));
    }

    #[test]
    fn uses_of_an_earlier_boot_and_other_names_do_not_count() {
        let names = Names::default();
        assert!(may(&names, 9000) && may(&names, 9001) && may(&names, 9002) && !may(&names, 9003));
        names.0.borrow_mut().insert("op.change.x.1".into(), "1".into());
        names.0.borrow_mut().insert("op.other.10.1".into(), "1000".into());
        assert!(may(&names, 1000) && may(&names, 1001) && may(&names, 1002) && !may(&names, 1003));
    }

    #[test]
    fn a_damaged_use_refuses() {
        let names = Names::default();
        names.0.borrow_mut().insert("op.change.10.0".into(), "yesterday".into());
        assert_eq!(THREE.take(&names, at(1000)), Err(LedgerError::Untrusted));
    }
}
