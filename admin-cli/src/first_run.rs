//! First enrollments of a host: whether another run has enrolled an account since this one began.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use twinlock_core::fault::StoreFault;
use twinlock_host::{records::HostRecords, roll};

/// The store is read for each of the first 64 users, then once for each further 64th part of the list: reading it for
/// every user would take quadratic time.
const SHARE: usize = 64;

/// State of a run that began on a host without an enrolled account.
#[derive(Default)]
pub struct FirstRun {
    enrolled: RefCell<BTreeSet<String>>,
    users: Cell<usize>,
    /// Number of users at which the store is read again.
    next_look: Cell<usize>,
}

impl FirstRun {
    /// Returns whether no other run has enrolled an account so far. Called once before each user.
    ///
    /// # Errors
    /// [`StoreFault`] if the records cannot be read.
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
