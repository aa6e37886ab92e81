//! The first enrollments of a host: whether any account was enrolled by another run than the one under way.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use twinlock_core::fault::StoreFault;
use twinlock_host::{records::HostRecords, roll};

/// After so many users the store is not read for each one any more, but for each so many-th part of a list: reading
/// it each time would take time by the square of the length.
const SHARE: usize = 64;

/// What a run that was begun on a host without an enrolled account has done so far.
#[derive(Default)]
pub struct FirstRun {
    enrolled: RefCell<BTreeSet<String>>,
    users: Cell<usize>,
    /// The number of users at which the store is read again.
    next_look: Cell<usize>,
}

impl FirstRun {
    /// Returns whether nobody but this run has enrolled an account up to now; called once before each user.
    ///
    /// # Errors
    /// [`StoreFault`] where it cannot be told.
    pub fn goes_on(&self, records: &HostRecords) -> Result<bool, StoreFault> {
        let users = self.users.get();
        self.users.set(users + 1);
        if users < self.next_look.get() {
            return Ok(true);
        }
        self.next_look.set(users + users / SHARE);
        Ok(!roll::any_other_enrolled(records, &self.enrolled.borrow())?)
    }

    /// Notes an account that this run has enrolled.
    pub fn add(&self, user: &str) {
        self.enrolled.borrow_mut().insert(user.to_owned());
    }
}
