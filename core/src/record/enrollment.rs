//! Builds the new record of a user who gets an authenticator, a ticket, a bypass code or backup codes, or who is reset
//! or removed.

use alloc::{format, string::String, vec, vec::Vec};

use crate::{
    base::{account::Account, time::UnixTime},
    record::{
        AUTHENTICATORS_MAX, Authenticator, Generation, Record, SetId, Snapshot, State,
        extras::{AuditStamp, Bypass, Purpose, RecordExtras, Ticket},
        voucher::VOUCHERS_MAX,
    },
};

/// A new record, and the sequence number of the record that it replaces.
#[derive(Debug, PartialEq, Eq)]
pub struct Successor {
    /// Sequence number of the record that the new one replaces; 0 if there is none.
    pub after: u64,
    /// The new record.
    pub record: Record,
}

/// The new generation (id of its state) and the time that one change gives to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeStamp {
    /// The generation (id of its state) that the new record gets.
    pub generation: Generation,
    /// Time at which the change is made.
    pub at: UnixTime,
}

/// The user is enrolled already. Enrollment does not replace the authenticator of an enrolled user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyEnrolledError {
    /// Time at which the user's set-up was completed.
    pub since: UnixTime,
}

impl core::fmt::Display for AlreadyEnrolledError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the user is enrolled already")
    }
}

impl core::error::Error for AlreadyEnrolledError {}

/// Returns the record by which a user becomes enrolled. It replaces `before`, which is the tombstone of a removed user
/// or an unfinished set-up; with `None`, it is the first record of the user.
///
/// # Errors
/// [`AlreadyEnrolledError`] if the user is enrolled.
pub fn enroll(
    account: &Account,
    before: Option<&Snapshot>,
    authenticator: Authenticator,
    ChangeStamp { generation, at: now }: ChangeStamp,
) -> Result<Successor, AlreadyEnrolledError> {
    let after = match before {
        None => 0,
        Some(found) if is_enrolled(found) => {
            return Err(AlreadyEnrolledError { since: found.record.since });
        }
        Some(found) => found.sequence,
    };
    let mail = before.and_then(|found| found.record.extras.mail.clone());
    let record = Record {
        user: account.name.clone(),
        uid: account.uid,
        state: State::Active,
        generation,
        since: now,
        authenticators: vec![authenticator],
        codes: None,
        // The first authenticator ends everything in progress, including tickets.
        extras: RecordExtras { mail, ..RecordExtras::default() },
    };
    Ok(Successor { after, record })
}

/// Notes in the record that the new user must be shown the first backup codes. `by` is the administrator who enrolls
/// the user.
pub fn promise_first_codes(record: &mut Record, by: String) {
    record.extras.owed_codes = Some(AuditStamp { by, at: record.since });
}

/// Returns whether the record belongs to an enrolled user, from whom a code is required.
#[must_use]
pub fn is_enrolled(found: &Snapshot) -> bool {
    found.record.state == State::Active
}

/// Returns the tombstone (record of a removed user) that replaces a record; `None` if the record is a tombstone.
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
        since: later(found, now),
        authenticators: Vec::new(),
        codes: None,
        extras: RecordExtras { mail: found.extras.mail.clone(), ..RecordExtras::default() },
    };
    Some(Successor { after: before.sequence, record })
}

/// Returns the record of a user who is about to get the first authenticator, in the state in which set-up has begun.
/// `before` is the user's record, if there is one; the record of an enrolled user is returned unchanged.
#[must_use]
pub fn begun(
    account: &Account,
    before: Option<Record>,
    ChangeStamp { generation, at: now }: ChangeStamp,
) -> Record {
    let extras = match before {
        Some(found) if found.state == State::Active => return found,
        Some(found) => found.extras,
        None => RecordExtras::default(),
    };
    Record {
        user: account.name.clone(),
        uid: account.uid,
        state: State::Pending,
        generation,
        since: now,
        authenticators: Vec::new(),
        codes: None,
        extras,
    }
}

/// Returns the record after a reset. Authenticators, backup codes, tickets and bypass codes are removed, and the user
/// must set up again.
#[must_use]
pub fn reset(
    found: Record,
    audit: AuditStamp,
    ChangeStamp { generation, at: now }: ChangeStamp,
) -> Record {
    let since = later(&found, now);
    let mail = found.extras.mail;
    Record {
        state: State::Pending,
        generation,
        since,
        authenticators: Vec::new(),
        codes: None,
        extras: RecordExtras { mail, reset: Some(audit), ..RecordExtras::default() },
        ..found
    }
}

/// Returns the record with the authenticator at index `place` replaced by a new one, which keeps the name that the user
/// chose. The same change invalidates the old key.
///
/// Returns `None` if there is no authenticator at this index, or the record has the new key already.
#[must_use]
pub fn replace(
    mut found: Record,
    place: usize,
    new: Authenticator,
    ChangeStamp { generation, at: now }: ChangeStamp,
) -> Option<Record> {
    if found.authenticators.iter().any(|other| other.key == new.key) {
        return None;
    }
    let changed = later(&found, now);
    let old = found.authenticators.get_mut(place)?;
    let name = core::mem::take(&mut old.name);
    *old = Authenticator { name, ..new };
    found.extras.pending = None;
    found.extras.changed = Some(changed);
    found.generation = generation;
    Some(found)
}

/// Returns the record with another authenticator, under a unique name.
///
/// Returns `None` if the record has [`AUTHENTICATORS_MAX`] authenticators or has the key already.
#[must_use]
pub fn add(
    mut found: Record,
    new: Authenticator,
    ChangeStamp { generation, at: now }: ChangeStamp,
) -> Option<Record> {
    let others = &found.authenticators;
    if others.len() >= AUTHENTICATORS_MAX || others.iter().any(|other| other.key == new.key) {
        return None;
    }
    let name = free_name(&found, &new.name)?;
    let changed = later(&found, now);
    found.authenticators.push(Authenticator { name, ..new });
    found.extras.pending = None;
    found.extras.changed = Some(changed);
    found.generation = generation;
    Some(found)
}

/// Returns an unused name for another authenticator: `wished`, or `wished` followed by the lowest free number. `None`
/// only if no number is free.
#[must_use]
pub fn free_name(record: &Record, wished: &str) -> Option<String> {
    let is_free = |name: &String| record.authenticators.iter().all(|other| other.name != *name);
    let numbered = (2..).map(|number| format!("{wished}-{number}"));
    core::iter::once(wished.into()).chain(numbered).find(is_free)
}

/// Returns the record without the authenticator at index `place`; `None` if there is no authenticator at this index, or
/// if it is the only one.
#[must_use]
pub fn without(
    mut found: Record,
    place: usize,
    ChangeStamp { generation, at: now }: ChangeStamp,
) -> Option<Record> {
    if found.authenticators.len() < 2 || place >= found.authenticators.len() {
        return None;
    }
    let changed = later(&found, now);
    found.authenticators.remove(place);
    found.extras.pending = None;
    found.extras.changed = Some(changed);
    found.generation = generation;
    Some(found)
}

/// Returns the record with a new set of backup codes. The same change invalidates the old set and removes the note that
/// the user must be shown new codes.
#[must_use]
pub fn with_codes(
    mut found: Record,
    codes: SetId,
    ChangeStamp { generation, at: now }: ChangeStamp,
) -> Record {
    found.extras.changed = Some(later(&found, now));
    found.codes = Some(codes);
    found.extras.owed_codes = None;
    found.extras.tickets.retain(|ticket| ticket.purpose != Purpose::Codes);
    found.generation = generation;
    found
}

/// Returns the record without backup codes, and with a note that the user must be shown new ones.
#[must_use]
pub fn owing_codes(
    mut found: Record,
    audit: AuditStamp,
    ChangeStamp { generation, at: now }: ChangeStamp,
) -> Record {
    found.extras.changed = Some(later(&found, now));
    found.codes = None;
    found.extras.owed_codes = Some(audit);
    found.generation = generation;
    found
}

/// Returns the time of a change, which is always later than the previous change. Hosts order their records by this
/// time, even if their clocks differ.
fn later(found: &Record, now: UnixTime) -> UnixTime {
    let before = found.extras.changed.map_or(found.since, |changed| changed.max(found.since));
    now.max(before.plus(1))
}

/// Adds a ticket. Removes expired tickets, and the oldest ones if the record would have more than [`VOUCHERS_MAX`].
pub fn give_ticket(extras: &mut RecordExtras, ticket: Ticket) {
    let now = ticket.audit.at;
    if ticket.purpose == Purpose::SetUp {
        // A set-up that was begun without this ticket must not continue with its key.
        extras.pending = None;
    }
    extras.tickets.retain(|other| now < other.voucher.until);
    let spare = (extras.tickets.len() + 1).saturating_sub(VOUCHERS_MAX);
    extras.tickets.drain(..spare);
    extras.tickets.push(ticket);
}

/// Adds a bypass code, unless the record has it already. Removes expired bypass codes, and the oldest ones if the
/// record would have more than [`VOUCHERS_MAX`].
pub fn give_bypass(extras: &mut RecordExtras, bypass: Bypass) {
    let now = bypass.audit.at;
    extras.bypasses.retain(|other| now < other.voucher.until && *other != bypass);
    let spare = (extras.bypasses.len() + 1).saturating_sub(VOUCHERS_MAX);
    extras.bypasses.drain(..spare);
    extras.bypasses.push(bypass);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Key;
    use crate::record::voucher::Voucher;
    use crate::record::{Identity, MovingFactor, Parameters};

    fn account() -> Account {
        Account { name: "ada".into(), uid: 1000, gid: 1000, full_name: String::new() }
    }

    fn authenticator() -> Authenticator {
        Authenticator {
            name: "app".into(),
            key: Key::new(vec![1; 20]).unwrap(),
            parameters: Parameters::default(),
            moving: MovingFactor::default(),
            seen: None,
        }
    }

    fn stamp(at: u64) -> ChangeStamp {
        ChangeStamp { generation: Generation(at), at: UnixTime(at) }
    }

    #[test]
    fn a_bypass_that_is_given_again_is_there_once() {
        let voucher = Voucher { salt: [1; 16], hash: [2; 32], until: UnixTime(60), by_boot: None };
        let bypass = |uses| Bypass {
            voucher: voucher.clone(),
            uses,
            audit: AuditStamp { by: "root".into(), at: UnixTime(0) },
        };
        let mut extras = RecordExtras::default();
        give_bypass(&mut extras, bypass(1));
        give_bypass(&mut extras, bypass(1));
        assert_eq!(extras.bypasses, [bypass(1)]);
    }

    #[test]
    fn one_more_authenticator_has_a_name_and_a_key_of_its_own() {
        let mut record = enroll(&account(), None, authenticator(), stamp(1)).unwrap().record;
        let another =
            |byte: u8| Authenticator { key: Key::new(vec![byte; 20]).unwrap(), ..authenticator() };
        for byte in 2..=16 {
            record = add(record, another(byte), stamp(byte.into())).unwrap();
        }
        let names: Vec<_> = record.authenticators.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names[..3], ["app", "app-2", "app-3"]);
        assert_eq!((names.len(), record.generation), (16, Generation(16)));
        assert_eq!(add(record, another(17), stamp(17)), None);
        let first = enroll(&account(), None, authenticator(), stamp(1)).unwrap().record;
        assert_eq!(add(first, authenticator(), stamp(2)), None);
    }

    #[test]
    fn enrolling_removing_and_enrolling_again_go_on_counting() {
        let first = enroll(&account(), None, authenticator(), stamp(1)).unwrap();
        assert_eq!((first.after, first.record.state), (0, State::Active));
        let first = Snapshot {
            sequence: 1,
            identity: Identity::default(),
            record: first.record,
            known: vec![],
            failures: 0,
        };
        let twice = enroll(&account(), Some(&first), authenticator(), stamp(2));
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
        assert_eq!(enroll(&account(), Some(&gone), authenticator(), stamp(5)).unwrap().after, 2);
    }
}
