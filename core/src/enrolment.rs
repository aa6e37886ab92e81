//! Enrolment: which record follows when somebody gets an authenticator, a voucher or new codes, or loses all of them.

use alloc::{format, string::String, vec, vec::Vec};

use crate::{
    account::Account,
    beside::{Beside, Bypass, FreshKey, Purpose, Ticket, Trace},
    otp::hotp::Keyed,
    record::{AUTHENTICATORS_MAX, Authenticator, Generation, Record, SetId, Snapshot, State},
    time::{BootTime, UnixTime},
    voucher::VOUCHERS_MAX,
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
    (generation, now): Stamp,
) -> Result<Successor, AlreadyEnrolled> {
    let after = match before {
        None => 0,
        Some(found) if is_enrolled(found) => {
            return Err(AlreadyEnrolled { since: found.record.since });
        }
        Some(found) => found.sequence,
    };
    let mail = before.and_then(|found| found.record.beside.mail.clone());
    let record = Record {
        user: account.name.clone(),
        uid: account.uid,
        state: State::Active,
        generation,
        since: now,
        authenticators: vec![authenticator],
        codes: None,
        // What was under way for somebody without an authenticator ends with the first one: tickets, too.
        beside: Beside { mail, ..Beside::default() },
    };
    Ok(Successor { after, record })
}

/// Promises the first codes of somebody who is enrolled by this record, by whoever enrols.
pub fn promise_first_codes(record: &mut Record, by: String) {
    record.beside.owed_codes = Some(Trace { by, at: record.since });
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
        since: later(found, now),
        authenticators: Vec::new(),
        codes: None,
        beside: Beside { mail: found.beside.mail.clone(), ..Beside::default() },
    };
    Some(Successor { after: before.sequence, record })
}

/// Notes that a record's only key was generated on this host, and that no code of it was taken before `since`.
pub fn mark_as_fresh(record: &mut Record, boot_id: &str, since: BootTime) {
    let [only] = record.authenticators.as_slice() else { return };
    let Some(keyed) = Keyed::new(&only.key, only.parameters.algorithm) else { return };
    let mark = keyed.mark(only).0;
    record.beside.fresh_key = Some(FreshKey { mark, boot_id: boot_id.into(), since });
}

/// The record of somebody who has no authenticator and is to get one.
#[must_use]
pub fn begun(account: &Account, before: Option<Record>, (generation, now): Stamp) -> Record {
    let beside = match before {
        Some(found) if found.state == State::Active => return found,
        Some(found) => found.beside,
        None => Beside::default(),
    };
    Record {
        user: account.name.clone(),
        uid: account.uid,
        state: State::Pending,
        generation,
        since: now,
        authenticators: Vec::new(),
        codes: None,
        beside,
    }
}

/// What becomes of somebody whose authenticators are reset: all that let them in is dead, and what would is begun anew.
#[must_use]
pub fn reset(found: Record, trace: Trace, (generation, now): Stamp) -> Record {
    let since = later(&found, now);
    let mail = found.beside.mail;
    Record {
        state: State::Pending,
        generation,
        since,
        authenticators: Vec::new(),
        codes: None,
        beside: Beside { mail, reset: Some(trace), ..Beside::default() },
        ..found
    }
}

/// Puts a new authenticator in the place of another one: the old key stops with the same change.
///
/// The name stays, as it is the owner's. Nothing where there is no such place, or where the new key stands already.
#[must_use]
pub fn replace(
    mut found: Record,
    (place, new): (usize, Authenticator),
    (generation, now): Stamp,
) -> Option<Record> {
    if found.authenticators.iter().any(|other| other.key == new.key) {
        return None;
    }
    let changed = later(&found, now);
    let old = found.authenticators.get_mut(place)?;
    let name = core::mem::take(&mut old.name);
    *old = Authenticator { name, ..new };
    found.beside.pending = None;
    found.beside.changed = Some(changed);
    found.generation = generation;
    Some(found)
}

/// Puts one more authenticator beside the others, under a name that none of them has.
///
/// Nothing where there are as many as a record holds, or where the key stands already.
#[must_use]
pub fn add(mut found: Record, new: Authenticator, (generation, now): Stamp) -> Option<Record> {
    let others = &found.authenticators;
    if others.len() >= AUTHENTICATORS_MAX || others.iter().any(|other| other.key == new.key) {
        return None;
    }
    let name = free_name(&found, &new.name)?;
    let changed = later(&found, now);
    found.authenticators.push(Authenticator { name, ..new });
    found.beside.pending = None;
    found.beside.changed = Some(changed);
    found.generation = generation;
    Some(found)
}

/// The name that one more authenticator gets: the wished one, or the first free one of it with a number.
#[must_use]
pub fn free_name(record: &Record, wished: &str) -> Option<String> {
    let is_free = |name: &String| record.authenticators.iter().all(|other| other.name != *name);
    let numbered = (2..).map(|number| format!("{wished}-{number}"));
    core::iter::once(wished.into()).chain(numbered).find(is_free)
}

/// Removes one authenticator; nothing where there is no such place, or no other one: a record keeps one at least.
#[must_use]
pub fn without(mut found: Record, place: usize, (generation, now): Stamp) -> Option<Record> {
    if found.authenticators.len() < 2 || place >= found.authenticators.len() {
        return None;
    }
    let changed = later(&found, now);
    found.authenticators.remove(place);
    found.beside.pending = None;
    found.beside.changed = Some(changed);
    found.generation = generation;
    Some(found)
}

/// Names a new set of codes; the old one is dead with the same change, and so is what was promised in its stead.
#[must_use]
pub fn with_codes(mut found: Record, codes: SetId, (generation, now): Stamp) -> Record {
    found.beside.changed = Some(later(&found, now));
    found.codes = Some(codes);
    found.beside.owed_codes = None;
    found.beside.tickets.retain(|ticket| ticket.purpose != Purpose::Codes);
    found.generation = generation;
    found
}

/// Takes the codes away, and promises new ones.
#[must_use]
pub fn owing_codes(mut found: Record, trace: Trace, (generation, now): Stamp) -> Record {
    found.beside.changed = Some(later(&found, now));
    found.codes = None;
    found.beside.owed_codes = Some(trace);
    found.generation = generation;
    found
}

/// When a change was made, which is never before the one that it follows: by that, one host knows what another has not
/// seen yet, whatever their clocks say.
fn later(found: &Record, now: UnixTime) -> UnixTime {
    let before = found.beside.changed.map_or(found.since, |changed| changed.max(found.since));
    now.max(before.plus(1))
}

/// Another generation, and when: what a change is stamped with.
pub type Stamp = (Generation, UnixTime);

/// Adds a ticket. Those whose time is over go, and the oldest where there are too many.
pub fn give_ticket(beside: &mut Beside, ticket: Ticket) {
    let now = ticket.trace.at;
    if ticket.purpose == Purpose::SetUp {
        // Whoever was shown a key without this ticket does not go on with it.
        beside.pending = None;
    }
    beside.tickets.retain(|other| now < other.voucher.until);
    let spare = (beside.tickets.len() + 1).saturating_sub(VOUCHERS_MAX);
    beside.tickets.drain(..spare);
    beside.tickets.push(ticket);
}

/// Adds a bypass, as [`give_ticket`] does; one that is there already is not there twice.
pub fn give_bypass(beside: &mut Beside, bypass: Bypass) {
    let now = bypass.trace.at;
    beside.bypasses.retain(|other| now < other.voucher.until && *other != bypass);
    let spare = (beside.bypasses.len() + 1).saturating_sub(VOUCHERS_MAX);
    beside.bypasses.drain(..spare);
    beside.bypasses.push(bypass);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Identity, Moving, Parameters};
    use crate::secret::Key;
    use crate::voucher::Voucher;

    fn account() -> Account {
        Account { name: "ada".into(), uid: 1000, gid: 1000, full_name: String::new() }
    }

    fn authenticator() -> Authenticator {
        Authenticator {
            name: "app".into(),
            key: Key::new(vec![1; 20]).unwrap(),
            parameters: Parameters::default(),
            moving: Moving::default(),
            seen: None,
        }
    }

    fn stamp(at: u64) -> (Generation, UnixTime) {
        (Generation(at), UnixTime(at))
    }

    #[test]
    fn a_bypass_that_is_given_again_is_there_once() {
        let voucher = Voucher { salt: [1; 16], hash: [2; 32], until: UnixTime(60), by_boot: None };
        let bypass = |uses| Bypass {
            voucher: voucher.clone(),
            uses,
            trace: Trace { by: "root".into(), at: UnixTime(0) },
        };
        let mut beside = Beside::default();
        give_bypass(&mut beside, bypass(1));
        give_bypass(&mut beside, bypass(1));
        assert_eq!(beside.bypasses, [bypass(1)]);
    }

    #[test]
    fn one_more_authenticator_has_a_name_and_a_key_of_its_own() {
        let mut record = enrol(&account(), None, authenticator(), stamp(1)).unwrap().record;
        let another =
            |byte: u8| Authenticator { key: Key::new(vec![byte; 20]).unwrap(), ..authenticator() };
        for byte in 2..=16 {
            record = add(record, another(byte), stamp(byte.into())).unwrap();
        }
        let names: Vec<_> = record.authenticators.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names[..3], ["app", "app-2", "app-3"]);
        assert_eq!((names.len(), record.generation), (16, Generation(16)));
        assert_eq!(add(record, another(17), stamp(17)), None);
        let first = enrol(&account(), None, authenticator(), stamp(1)).unwrap().record;
        assert_eq!(add(first, authenticator(), stamp(2)), None);
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
