//! Finds out whether another run has enrolled an account since this run began on a host without enrollments.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    time::{Duration, Instant},
};

use twinlock_core::base::error::StoreError;
use twinlock_host::store::{enrolled_users, records::HostRecords};

/// The store is read before each of the first enrollments of a run, up to this number of users.
const ALWAYS: usize = 64;
/// After the first [`ALWAYS`] users, the store is read again only if this time has passed since it was last read.
/// Reading it for each user would take quadratic time.
const FRESH: Duration = Duration::from_secs(1);

/// State of a run that began on a host without enrolled accounts: the users whom it has enrolled, and when it last read
/// the store.
#[derive(Default)]
pub(crate) struct FirstRun {
    enrolled: RefCell<BTreeSet<String>>,
    /// Time at which the store was last read; `None` if it has not been read yet.
    read_at: Cell<Option<Instant>>,
}

impl FirstRun {
    /// Returns whether this run may go on: whether no other run has enrolled an account. The caller must call this
    /// before it enrolls each user.
    ///
    /// # Errors
    /// [`StoreError`] if the records cannot be read.
    pub(crate) fn goes_on(&self, records: &HostRecords) -> Result<bool, StoreError> {
        if !self.is_due(Instant::now()) {
            return Ok(true);
        }
        let is_over = enrolled_users::any_other_enrolled(records, &self.enrolled.borrow())?;
        self.read_at.set(Some(Instant::now()));
        Ok(!is_over)
    }

    /// Records that this run has enrolled `user`.
    pub(crate) fn add(&self, user: &str) {
        self.enrolled.borrow_mut().insert(user.to_owned());
    }

    fn is_due(&self, now: Instant) -> bool {
        let age = self.read_at.get().map(|read_at| now.saturating_duration_since(read_at));
        self.enrolled.borrow().len() < ALWAYS || age.is_none_or(|age| age >= FRESH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_is_read_for_each_user_of_a_short_run() {
        let run = FirstRun::default();
        let now = Instant::now();
        assert!(run.is_due(now));
        run.read_at.set(Some(now));
        // The same user is enrolled 64 times, as by repeated rows of a list. It counts as one user, so the store is
        // still read.
        for _ in 0..ALWAYS {
            assert!(run.is_due(now));
            run.add("ada");
        }
        assert!(run.is_due(now));
    }

    #[test]
    fn store_is_read_each_second_of_a_long_run() {
        let run = FirstRun::default();
        let now = Instant::now();
        (0..ALWAYS).for_each(|user| run.add(&user.to_string()));
        assert!(run.is_due(now));
        run.read_at.set(Some(now));
        assert!(!run.is_due(now + FRESH / 2));
        assert!(run.is_due(now + FRESH));
    }
}
