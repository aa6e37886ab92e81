//! The keys of a fleet: creates a key file, adds a sealing key, and seals entries again that an older key has sealed.

use twinlock_core::{
    base::error::{FleetError, MachineError},
    ports::Entropy,
    record::{
        Generation, State,
        extras::{AuditStamp, KeyDisclosure},
    },
    wire::fleet::StoreEntry,
};
use zeroize::Zeroizing;

use crate::fleet::{
    key_file::{FleetKey, NamingRule, SealingKey},
    membership::{BatchPut, FleetMembership, MembershipError, PutRule},
    names::{META, RECORDS},
    seal::{self, SealedKind, SealedPlace},
};

/// Prefixes of the keys of backup-code sets and of ledgers.
const CODE_SETS: &str = "c/";
const LEDGERS: &str = "l/";
/// Length in bytes of the nonce before a sealed attempt.
const NONCE: usize = 16;
/// Length in bytes of the time before the sealed end of a failure streak.
const TIME: usize = 8;
/// Maximum number of passes over all entries. Logins may write entries during a pass, so that another one is needed.
const PASSES: usize = 8;
/// Number of entries that are collected in memory before they are written.
const CHUNK: usize = 1000;

/// Returns a new key file with random keys.
///
/// # Errors
/// [`FleetError::Seal`] if there are no random bytes.
pub fn new_fleet_key(
    fleet: &str,
    rule: NamingRule,
    entropy: &dyn Entropy,
) -> Result<FleetKey, FleetError> {
    let sealing = vec![SealingKey { id: 1, key: random(entropy)? }];
    let naming = random(entropy)?;
    Ok(FleetKey { fleet: fleet.to_owned(), rule, naming, sealing, seals_with: 1 })
}

/// Returns a key file with one more sealing key. Until [`FleetKey::seals_with`] is changed, the new key only opens
/// values.
///
/// # Errors
/// [`FleetError::Seal`] if there are no random bytes or no free number, [`FleetError::Key`] if `key` cannot be copied.
pub fn with_next_key(key: &FleetKey, entropy: &dyn Entropy) -> Result<FleetKey, FleetError> {
    let mut key = FleetKey::read(&key.write())?;
    let last = key.sealing.last().map_or(0, |last| last.id);
    let id = last.checked_add(1).ok_or(FleetError::Seal)?;
    key.sealing.push(SealingKey { id, key: random(entropy)? });
    Ok(key)
}

/// Returns a key file that contains only the sealing key with the number [`FleetKey::seals_with`].
///
/// # Errors
/// [`FleetError::Key`] if `key` cannot be copied.
pub fn without_old_keys(key: &FleetKey) -> Result<FleetKey, FleetError> {
    let mut key = FleetKey::read(&key.write())?;
    let id = key.seals_with;
    key.sealing.retain(|one| one.id == id);
    Ok(key)
}

fn random(entropy: &dyn Entropy) -> Result<Zeroizing<[u8; 32]>, FleetError> {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(&mut *bytes).map_err(|MachineError| FleetError::Seal)?;
    Ok(bytes)
}

/// Result of sealing all entries again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Number of entries that were sealed again with the current key.
    pub entries: usize,
    /// Number of entries that are still sealed with another key, such as attempts that other hosts have charged.
    pub left: usize,
}

impl FleetMembership<'_> {
    /// Seals all records and sets of backup codes again with the current key. The description of the fleet is sealed
    /// last: while it has an older key, the rotation is incomplete.
    ///
    /// # Errors
    /// [`MembershipError`] if the store does not answer or an entry cannot be opened.
    pub fn reseal(&self) -> Result<Resealed, MembershipError> {
        let mut done = Resealed::default();
        for (prefix, kind) in [
            (RECORDS, SealedKind::Record),
            (CODE_SETS, SealedKind::CodeSet),
            (META, SealedKind::Record),
        ] {
            for _ in 0..PASSES {
                let renew = &|entry: &StoreEntry| self.resealed(entry, kind);
                let written = self.rewrite(prefix, renew)?;
                done.entries += written;
                if written == 0 {
                    break;
                }
            }
        }
        done.left = self.sealed_by_others()?;
        Ok(done)
    }

    /// Returns an entry sealed with the current key; `None` if that key has sealed it already.
    fn resealed(
        &self,
        entry: &StoreEntry,
        kind: SealedKind,
    ) -> Result<Option<BatchPut>, MembershipError> {
        if seal::key_of(&entry.value) == Some(self.key.seals_with) {
            return Ok(None);
        }
        let place = SealedPlace { kind, store_key: &entry.key };
        let opened = seal::open(self.key, &place, &entry.value)?;
        let value = seal::seal(self.key, &place, opened.number, &opened.content, self.entropy)?;
        let rule = PutRule::ReplacesOrSkips(entry.revision);
        Ok(Some(BatchPut { key: entry.key.clone(), value, rule }))
    }

    /// Replaces each entry whose key begins with `prefix` by the entry that `renew` returns for it. If `renew` returns
    /// `None`, keeps the entry. Returns the number of replaced entries.
    fn rewrite(
        &self,
        prefix: &str,
        renew: &dyn Fn(&StoreEntry) -> Result<Option<BatchPut>, MembershipError>,
    ) -> Result<usize, MembershipError> {
        let (mut due, mut count) = (Vec::new(), 0);
        self.each(prefix, &mut |entry| -> Result<(), MembershipError> {
            let renewed = renew(&entry)?;
            due.extend(renewed);
            if due.len() >= CHUNK {
                count += due.len();
                self.write_all(&mut due.drain(..).map(Ok), &mut |_| {})?;
            }
            Ok(())
        })?;
        count += due.len();
        self.write_all(&mut due.into_iter().map(Ok), &mut |_| {})?;
        Ok(count)
    }

    /// Returns the number of entries that are sealed with another key than the current one.
    fn sealed_by_others(&self) -> Result<usize, FleetError> {
        let mut count = 0;
        for prefix in [META, RECORDS, CODE_SETS, LEDGERS] {
            self.each(prefix, &mut |entry| -> Result<(), FleetError> {
                let sealed = sealed_part(&entry);
                let is_other = |id| id != self.key.seals_with;
                count += usize::from(sealed.and_then(seal::key_of).is_some_and(is_other));
                Ok(())
            })?;
        }
        Ok(count)
    }

    /// Marks every authenticator key in the store's records as disclosed, because an attacker may have read it. The
    /// users are asked to replace their keys. Returns the number of changed records.
    ///
    /// # Errors
    /// [`MembershipError`] if the store does not answer or a record cannot be opened.
    pub fn mark_disclosed(&self, audit: &AuditStamp) -> Result<usize, MembershipError> {
        let dummies = self.dummy_keys();
        let renew = &|entry: &StoreEntry| {
            if dummies.contains(&entry.key) { Ok(None) } else { self.disclosed(entry, audit) }
        };
        let mut count = 0;
        for _ in 0..PASSES {
            let written = self.rewrite(RECORDS, renew)?;
            count += written;
            if written == 0 {
                break;
            }
        }
        Ok(count)
    }

    fn disclosed(
        &self,
        entry: &StoreEntry,
        audit: &AuditStamp,
    ) -> Result<Option<BatchPut>, MembershipError> {
        let mut found = self.stored_record(entry)?;
        let unseen = found.record.authenticators.iter_mut().filter(|one| one.seen.is_none());
        let mut changed = false;
        for one in unseen {
            one.seen = Some(KeyDisclosure { audit: audit.clone(), postponed: 0 });
            changed = true;
        }
        if !changed || found.record.state != State::Active {
            return Ok(None);
        }
        let mut generation = [0; 8];
        self.entropy.fill(&mut generation).map_err(|MachineError| FleetError::Seal)?;
        found.record.generation = Generation(u64::from_ne_bytes(generation));
        let place = SealedPlace { kind: SealedKind::Record, store_key: &entry.key };
        let text = twinlock_core::record::text::write(&found.record);
        let next = found.sequence.checked_add(1).ok_or(FleetError::Seal)?;
        let value = seal::seal(self.key, &place, next, text.as_bytes(), self.entropy)?;
        let rule = PutRule::ReplacesOrSkips(entry.revision);
        Ok(Some(BatchPut { key: entry.key.clone(), value, rule }))
    }
}

/// Returns the sealed part of an entry; `None` if it has none.
fn sealed_part(entry: &StoreEntry) -> Option<&[u8]> {
    let Some(rest) = entry.key.strip_prefix(LEDGERS) else { return Some(&entry.value) };
    match rest.split('/').nth(1) {
        Some("try") => entry.value.get(NONCE..),
        Some("row") => entry.value.get(TIME..),
        Some(_) | None => None,
    }
}
