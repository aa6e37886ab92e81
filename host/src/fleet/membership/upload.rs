//! Uploads what this host knows of shared users: records, sets of backup codes, spent codes and the highest used steps.
//! An upload never lowers or removes anything in the store, except that a newer record replaces an older one.

use std::collections::HashMap;

use twinlock_core::{
    base::{
        account::Folder,
        error::{FileError, FleetError, StoreError},
        secret::Key,
    },
    ledger::{KeyId, names},
    ports::CodeSets,
    record::{Record, code_set_text, text as form},
};

use crate::{
    fleet::{
        ledger::is_of_set,
        membership::{BatchPut, Comparison, FleetMembership, LocalUser, MembershipError, PutRule},
        names::StoreName,
        seal::{self, SealedKind, SealedPlace},
    },
    ledger::HostLedger,
    store::{exported_state, records::HostRecords},
};

/// The records and the ledger of this host.
#[derive(Clone, Copy)]
pub struct HostSide<'a> {
    /// The records and backup codes of this host, without those of the fleet.
    pub records: &'a HostRecords,
    /// The ledger of this host, without that of the fleet.
    pub ledger: &'a HostLedger,
}

/// Which sets of backup codes are uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadScope {
    /// Only the sets of the records that are uploaded.
    NewRecords,
    /// The sets of all records, also of those that the store already has. A restored store may have lost their sets.
    AllRecords,
}

impl FleetMembership<'_> {
    /// Uploads the records that the store lacks or has in an older version. After each transaction, calls `step` with
    /// the number of entries in it.
    ///
    /// # Errors
    /// [`MembershipError`] if the store does not answer, or another host has written a record meanwhile.
    pub fn send_records(
        &self,
        users: &[LocalUser],
        found: &Comparison,
        step: &mut dyn FnMut(usize),
    ) -> Result<(), MembershipError> {
        let first = found.only_here.iter().map(|place| (*place, PutRule::First));
        let newer = found.newer_here.iter().map(|one| (one.user, PutRule::Replaces(one.revision)));
        let mut puts = first.chain(newer).filter_map(|(place, rule)| {
            let user = users.get(place)?;
            let put = self.record_put(&user.name, user.sequence, &user.record, rule);
            Some(put.map_err(MembershipError::Fleet))
        });
        self.write_all(&mut puts, step)
    }

    /// Returns the sealed entry of a record, with the rule for writing it.
    pub(super) fn record_put(
        &self,
        name: &StoreName,
        sequence: u64,
        record: &Record,
        rule: PutRule,
    ) -> Result<BatchPut, FleetError> {
        let key = name.record();
        let place = SealedPlace { kind: SealedKind::Record, store_key: &key };
        let text = form::write(record);
        let value = seal::seal(self.key, &place, sequence, text.as_bytes(), self.entropy)?;
        Ok(BatchPut { key, value, rule })
    }

    /// Uploads the 256 dummy records for user names without an account, so that the stored entries do not reveal
    /// whether a user name has an account.
    ///
    /// # Errors
    /// [`MembershipError`] if the store does not answer.
    pub fn send_dummies(&self) -> Result<(), MembershipError> {
        let mut puts = (0..=u8::MAX).map(|bucket| {
            let mut bytes = vec![0; 20];
            self.entropy.fill(&mut bytes).map_err(|_| FleetError::Seal)?;
            let record = Record::of_nobody(Key::new(bytes).map_err(|_| FleetError::Seal)?);
            let name = StoreName::of_bucket(self.key, bucket);
            Ok(self.record_put(&name, 1, &record, PutRule::Keeps)?)
        });
        self.write_all(&mut puts, &mut |_| {})
    }

    /// Uploads the sets of backup codes and the spent codes. Must be called before the records are uploaded, so that no
    /// record refers to a set that other hosts cannot find.
    ///
    /// # Errors
    /// [`MembershipError`] if the store does not answer, or the codes of this host cannot be read.
    pub fn send_codes(
        &self,
        side: HostSide<'_>,
        users: &[LocalUser],
        found: &Comparison,
        scope: UploadScope,
    ) -> Result<(), MembershipError> {
        let sent = found.only_here.iter().copied();
        let sent =
            sent.chain(found.newer_here.iter().map(|one| one.user)).map(|place| (place, true));
        let all = scope == UploadScope::AllRecords;
        let same = found.same.iter().map(|place| (*place, all));
        let mut puts = sent.chain(same).flat_map(|(place, with_set)| match users.get(place) {
            Some(user) => self.codes_of(side, user, with_set),
            None => Vec::new(),
        });
        self.write_all(&mut puts, &mut |_| {})
    }

    /// Returns the entries of a user's spent codes, and with `with_set` also the entry of the set of backup codes.
    pub(super) fn codes_of(
        &self,
        side: HostSide<'_>,
        user: &LocalUser,
        with_set: bool,
    ) -> Vec<Result<BatchPut, MembershipError>> {
        let Some(id) = user.record.codes else { return Vec::new() };
        let mut puts = Vec::new();
        if with_set {
            match side.records.set(&user.folder, id) {
                Ok(set) => {
                    let key = user.name.code_set(id);
                    let place = SealedPlace { kind: SealedKind::CodeSet, store_key: &key };
                    let text = code_set_text::write(&set);
                    let sealed = seal::seal(self.key, &place, 0, text.as_bytes(), self.entropy);
                    let put = |value| BatchPut { key: key.clone(), value, rule: PutRule::Keeps };
                    puts.push(sealed.map(put).map_err(MembershipError::Fleet));
                }
                // The set came with a record of the fleet, and no login on this host has needed it yet.
                Err(StoreError::File(FileError::Missing)) => {}
                Err(fault) => puts.push(Err(MembershipError::Store(fault))),
            }
        }
        match exported_state::spent_at(side.records, &user.folder, id) {
            Ok(spent) => puts.extend(spent.into_iter().map(|(place, at)| {
                let value = self.with_nonce(&at.0.to_be_bytes())?;
                let key = user.name.spent_code(id, place);
                Ok(BatchPut { key, value, rule: PutRule::Keeps })
            })),
            Err(fault) => puts.push(Err(MembershipError::Store(fault))),
        }
        puts
    }

    /// Uploads the highest used step of each authenticator key of some users. `of` contains their indexes in `users`.
    ///
    /// # Errors
    /// [`MembershipError`] if the store does not answer, or the ledger of this host cannot be read.
    pub fn send_steps(
        &self,
        side: HostSide<'_>,
        users: &[LocalUser],
        of: &[usize],
    ) -> Result<(), MembershipError> {
        let wanted: HashMap<&Folder, &StoreName> = of
            .iter()
            .filter_map(|place| users.get(*place))
            .map(|user| (&user.folder, &user.name))
            .collect();
        let mut tops = Vec::new();
        let mut failure = None;
        side.ledger.visit(&mut |folder, user_ledger| {
            let Some(name) = folder.and_then(|folder| wanted.get(folder)) else { return };
            let mut highest: Vec<UsedTop> = Vec::new();
            let visited = user_ledger.each_name(&mut |entry| {
                let used = names::read_used(entry).filter(|used| !is_of_set(used.mark));
                let Some(used) = used else { return };
                match highest.iter_mut().find(|top| top.mark == used.mark) {
                    Some(top) => top.step = top.step.max(used.step.0),
                    None => highest.push(UsedTop { mark: used.mark, step: used.step.0 }),
                }
            });
            failure = failure.or(visited.err());
            tops.extend(highest.into_iter().map(|top| (name.top(self.key, top.mark), top.step)));
        })?;
        if let Some(fault) = failure {
            return Err(fault.into());
        }
        let mut puts = tops.into_iter().map(|(key, step)| {
            let nonce = self.with_nonce(b"")?;
            let value = [&step.to_be_bytes()[..], &nonce].concat();
            Ok(BatchPut { key, value, rule: PutRule::Raises })
        });
        self.write_all(&mut puts, &mut |_| {})
    }
}

/// The highest used step of an authenticator key.
struct UsedTop {
    mark: KeyId,
    step: u64,
}
