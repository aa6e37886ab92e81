//! The result of comparing a code with a record, and the steps that the code uses up.

use crate::{
    base::time::{Step, UnixTime},
    ledger::{KeyId, Used},
    record::MovingFactor,
};

/// The result of comparing a code with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Ruling {
    /// The code matches. Its step must still be made unusable for other logins.
    Right(Match),
    /// The code matches, but a code of a later time step was used already.
    Replayed {
        /// Seconds until the app shows a code that can be used.
        wait: u64,
    },
    /// The code was accepted before. The user repeats it and does not guess.
    Repeated {
        /// Seconds until the app shows a code that can be used.
        wait: u64,
    },
    /// The code was accepted before, and its time is no longer accepted. The user repeats it and does not guess.
    RepeatedLate {
        /// Seconds until the app shows a code that can be used.
        wait: u64,
    },
    /// The code matches, but is so old that the ledger does not know whether it was used.
    BeforeEpoch {
        /// Seconds until the app shows a code for which the ledger knows whether it was used.
        wait: u64,
        /// The latest time that the host's clock showed while it was ahead, if this is the cause; `None` for other
        /// causes.
        ahead: Option<UnixTime>,
    },
    /// The code matches no authenticator.
    Wrong,
}

/// The authenticator that a code belongs to, and the steps that the code uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Index of the authenticator in the record.
    pub authenticator: usize,
    /// The identifier of the authenticator's key in the ledger.
    pub mark: KeyId,
    /// The step of the first of two adjacent codes, which is used up too; `None` if one code was enough.
    pub first: Option<Step>,
    /// The step or counter that the code belongs to.
    pub step: Step,
    /// The new moving factor, which must be stored before access is granted; `None` if it is unchanged.
    pub moves: Option<MovingFactor>,
}

impl Match {
    /// Returns the newest step that the code uses up.
    #[must_use]
    pub fn used(&self) -> Used {
        Used { mark: self.mark, step: self.step }
    }

    /// Returns the steps that the code uses up, the newest first. If the process ends after the first is marked as
    /// used, the older step is refused, too.
    pub fn claims(&self) -> impl Iterator<Item = Used> {
        let first = self.first.map(|step| Used { step, ..self.used() });
        [Some(self.used()), first].into_iter().flatten()
    }

    /// Returns the oldest step that the code uses up.
    #[must_use]
    pub fn lowest(&self) -> Step {
        self.first.unwrap_or(self.step)
    }
}
