//! Enrolment: which record follows when somebody gets an authenticator, or loses all of them.

use alloc::{string::String, vec, vec::Vec};

use crate::{
    account::Account,
    record::{Authenticator, Generation, Record, Snapshot, State},
    time::UnixTime,
};

/// A record, and the number of the one that it follows.
#[derive(Debug, PartialEq, Eq)]
pub struct Successor {
    /// The number of the record before, 0 for none.
    pub after: u64,
    /// The record.
    pub record: Record,
}

/// The person is enrolled already, since that instant: nothing is replaced silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyEnrolled {
    /// When set-up was finished.
    pub since: UnixTime,
}

/// The first record of a person, or the one after a tombstone.
///
/// # Errors
/// [`AlreadyEnrolled`].
pub fn enrol(
    account: &Account,
    before: Option<&Snapshot>,
    authenticator: Authenticator,
    (generation, now): (Generation, UnixTime),
) -> Result<Successor, AlreadyEnrolled> {
    let after = match before {
        None => 0,
        Some(found) if found.record.state == State::Removed => found.sequence,
        Some(found) => return Err(AlreadyEnrolled { since: found.record.since }),
    };
    let record = Record {
        user: account.name.clone(),
        uid: account.uid,
        state: State::Active,
        generation,
        since: now,
        authenticators: vec![authenticator],
        codes: None,
    };
    Ok(Successor { after, record })
}

/// Whether codes are asked for by this record.
#[must_use]
pub fn is_enrolled(found: &Snapshot) -> bool {
    found.record.state == State::Active
}

/// The tombstone after a record; nothing where there is nobody to remove.
#[must_use]
pub fn remove(before: &Snapshot, generation: Generation, now: UnixTime) -> Option<Successor> {
    let found = &before.record;
    if found.state == State::Removed {
        return None;
    }
    let record = Record {
        user: String::clone(&found.user),
        uid: found.uid,
        state: State::Removed,
        generation,
        since: now,
        authenticators: Vec::new(),
        codes: None,
    };
    Some(Successor { after: before.sequence, record })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Identity, Moving, Parameters};
    use crate::secret::Key;

    fn account() -> Account {
        Account { name: "ada".into(), uid: 1000, gid: 1000, full_name: String::new() }
    }

    fn authenticator() -> Authenticator {
        Authenticator {
            name: "app".into(),
            key: Key::new(vec![1; 20]).unwrap(),
            parameters: Parameters::default(),
            moving: Moving::default(),
        }
    }

    fn stamp(at: u64) -> (Generation, UnixTime) {
        (Generation(at), UnixTime(at))
    }

    #[test]
    fn enrolling_removing_and_enrolling_again_go_on_counting() {
        let first = enrol(&account(), None, authenticator(), stamp(1)).unwrap();
        assert_eq!((first.after, first.record.state), (0, State::Active));
        let first = Snapshot {
            sequence: 1,
            identity: Identity::default(),
            record: first.record,
            known: vec![],
            failures: 0,
        };
        let twice = enrol(&account(), Some(&first), authenticator(), stamp(2));
        assert_eq!(twice.unwrap_err().since, UnixTime(1));
        let gone = remove(&first, Generation(3), UnixTime(3)).unwrap();
        assert_eq!((gone.after, gone.record.state), (1, State::Removed));
        assert!(gone.record.authenticators.is_empty());
        let gone = Snapshot {
            sequence: 2,
            identity: Identity::default(),
            record: gone.record,
            known: vec![],
            failures: 0,
        };
        assert_eq!(remove(&gone, Generation(4), UnixTime(4)), None);
        assert_eq!(enrol(&account(), Some(&gone), authenticator(), stamp(5)).unwrap().after, 2);
    }
}
