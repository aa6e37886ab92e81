//! Counts and limits open connections, so that one user cannot use up the connections of all users.

use std::collections::HashMap;

/// Maximum number of connections that one user may have open at a time.
pub(crate) const PER_USER: usize = 4;
/// Maximum number of connections that all users together may have open at a time.
pub(crate) const IN_ALL: usize = 64;
/// The lowest user id of the ranges that subuid(5) gives to users for their user namespaces. User ids from this one on
/// often have no account.
const FIRST_SUBUID: u32 = 65_536;

/// What the limit on open connections counts together: the connections of one user id, or those of a set of user ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// One user.
    Uid(u32),
    /// All user ids from 65536 on that have no account. They are counted together, because one user may own thousands
    /// of them (subuid(5)).
    WithoutAccount,
}

impl Slot {
    /// Returns the user or set of user ids with which the connections of a user id are counted. `has_account` returns
    /// whether a user id has an account. It is called only for user ids from 65536 on.
    pub(crate) fn of(uid: u32, has_account: impl FnOnce(u32) -> bool) -> Self {
        if uid < FIRST_SUBUID || has_account(uid) { Self::Uid(uid) } else { Self::WithoutAccount }
    }
}

/// The number of connections that are open now: of each user or set of user ids, and in all.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    open: HashMap<Slot, usize>,
    all: usize,
}

impl Slots {
    /// Counts a connection and returns `true`, if it may be served. Otherwise, does not count it and returns `false`.
    pub(crate) fn take(&mut self, slot: Slot) -> bool {
        let open = self.open.get(&slot).copied().unwrap_or_default();
        let fits = open < PER_USER && self.all < IN_ALL;
        if fits {
            self.open.insert(slot, open + 1);
            self.all += 1;
        }
        fits
    }

    /// Removes a connection that has ended from the count.
    pub(crate) fn give_back(&mut self, slot: Slot) {
        if let Some(open) = self.open.get_mut(&slot) {
            *open -= 1;
            self.all -= 1;
            if *open == 0 {
                self.open.remove(&slot);
            }
        }
    }

    /// Returns whether no connection is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.all == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_has_four_and_all_have_64() {
        let mut slots = Slots::default();
        let ada = Slot::of(1000, |_| panic!("not asked"));
        assert!((0..4).all(|_| slots.take(ada)));
        assert!(!slots.take(ada));
        assert!((1001..1061).all(|uid| slots.take(Slot::Uid(uid))));
        assert!(!slots.take(Slot::Uid(2000)));
        slots.give_back(ada);
        assert!(slots.take(Slot::Uid(2000)) && !slots.take(ada));
        for uid in 1001..1061 {
            slots.give_back(Slot::Uid(uid));
        }
        (0..3).for_each(|_| slots.give_back(ada));
        slots.give_back(Slot::Uid(2000));
        assert!(slots.is_idle());
        // If a slot is given back twice, the second call changes nothing.
        slots.give_back(ada);
        assert!(slots.is_idle() && slots.take(ada) && !slots.is_idle());
    }

    #[test]
    fn subuids_share_one_slot_and_accounts_of_a_directory_do_not() {
        let has_account = |uid| uid == 1_600_001;
        assert_eq!(Slot::of(100_000, has_account), Slot::of(165_535, has_account));
        assert_eq!(Slot::of(1_600_001, has_account), Slot::Uid(1_600_001));
        assert_eq!(Slot::of(65_535, |_| false), Slot::Uid(65_535));
    }
}
