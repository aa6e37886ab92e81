//! The records and backup codes of this host. In a fleet, shared users have those of the fleet.

use std::{
    fmt::{Debug, Formatter},
    ops::Deref,
    rc::Rc,
};

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::{CommitError, MachineError, StoreError},
        request::SourceLabel,
        time::{Now, UnixTime},
    },
    policy::Limits,
    ports::{CodeSets, Creation, Records, Snapshot},
    record::{
        Record, SetId,
        code_set::{CodeSet, Digest, Recipe, Shape},
    },
};
use zeroize::Zeroizing;

use crate::{fleet::Fleet, store::records::HostRecords};

/// The records of this host, together with those of its fleet. Methods that concern the files of this host only are
/// those of [`HostRecords`], to which this type dereferences.
pub struct SharedRecords {
    local: HostRecords,
    fleet: Option<Rc<Fleet>>,
}

impl SharedRecords {
    /// Returns the records of a host; `fleet` is `None` if the host belongs to no fleet.
    #[must_use]
    pub fn new(local: HostRecords, fleet: Option<Rc<Fleet>>) -> Self {
        Self { local, fleet }
    }

    /// Returns the fleet of this host; `None` if the host belongs to no fleet.
    #[must_use]
    pub fn fleet(&self) -> Option<&Fleet> {
        self.fleet.as_deref()
    }
}

impl Deref for SharedRecords {
    type Target = HostRecords;

    fn deref(&self) -> &HostRecords {
        &self.local
    }
}

impl Drop for SharedRecords {
    fn drop(&mut self) {
        if let Some(fleet) = &self.fleet {
            fleet.keep_records(&self.local);
        }
    }
}

impl Debug for SharedRecords {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        // The fleet is left out, because it holds keys.
        self.local.fmt(f)
    }
}

impl Records for SharedRecords {
    fn newest(&self, account: &Account) -> Result<Option<Snapshot>, StoreError> {
        match &self.fleet {
            Some(fleet) => fleet.newest(&self.local, account),
            None => self.local.newest(account),
        }
    }

    fn is_newest(&self, folder: &Folder, snapshot: &Snapshot) -> Result<bool, StoreError> {
        match &self.fleet {
            Some(fleet) => fleet.is_newest(&self.local, folder, snapshot),
            None => self.local.is_newest(folder, snapshot),
        }
    }

    fn renewed(&self, account: &Account) -> Option<Snapshot> {
        self.fleet.as_ref()?.renewed(account)
    }

    fn limits(&self) -> Option<Limits> {
        self.fleet.as_ref()?.limits()
    }

    fn commit(&self, folder: &Folder, after: u64, record: &Record) -> Result<(), CommitError> {
        match &self.fleet {
            Some(fleet) => fleet.commit(&self.local, folder, after, record),
            None => self.local.commit(folder, after, record),
        }
    }

    fn newest_uniform(
        &self,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreError>, Option<Snapshot>) {
        match &self.fleet {
            Some(fleet) => fleet.newest_uniform(&self.local, account),
            None => self.local.newest_uniform(account),
        }
    }

    fn note_failures(&self, folder: Option<&Folder>, before: u32, after: u32, now: UnixTime) {
        self.local.note_failures(folder, before, after, now);
    }

    fn forget_failures(&self, folder: &Folder) {
        self.local.forget_failures(folder);
        if let Some(fleet) = &self.fleet {
            fleet.forget_failures();
        }
    }

    fn failed_at(&self, folder: &Folder) -> Option<UnixTime> {
        self.local.failed_at(folder)
    }

    fn remember_source(&self, folder: &Folder, source: &SourceLabel, now: UnixTime) {
        self.local.remember_source(folder, source, now);
    }

    fn mark_clock(&self, now: Now) {
        self.local.mark_clock(now);
    }
}

impl CodeSets for SharedRecords {
    fn set(&self, folder: &Folder, id: SetId) -> Result<CodeSet, StoreError> {
        match &self.fleet {
            Some(fleet) => fleet.set(&self.local, folder, id),
            None => self.local.set(folder, id),
        }
    }

    fn set_uniform(&self, of: Option<(&Folder, SetId)>) -> Result<CodeSet, StoreError> {
        match &self.fleet {
            Some(fleet) => fleet.set_uniform(&self.local, of),
            None => self.local.set_uniform(of),
        }
    }

    fn spent(&self, folder: &Folder, id: SetId) -> Result<Vec<u8>, StoreError> {
        match &self.fleet {
            Some(fleet) => fleet.spent(&self.local, folder, id),
            None => self.local.spent(folder, id),
        }
    }

    fn spend(
        &self,
        folder: &Folder,
        id: SetId,
        place: u8,
        now: UnixTime,
    ) -> Result<Creation, StoreError> {
        match &self.fleet {
            Some(fleet) => fleet.spend(&self.local, folder, id, place, now),
            None => self.local.spend(folder, id, place, now),
        }
    }

    fn digest(&self, code: &str, recipe: &Recipe) -> Result<Digest, MachineError> {
        self.local.digest(code, recipe)
    }

    fn lay_down(
        &self,
        folder: &Folder,
        shape: Shape,
        codes: &[Zeroizing<String>],
    ) -> Result<SetId, CommitError> {
        match &self.fleet {
            Some(fleet) => fleet.lay_down(&self.local, folder, shape, codes),
            None => self.local.lay_down(folder, shape, codes),
        }
    }

    fn take_away(&self, folder: &Folder, id: SetId) {
        match &self.fleet {
            Some(fleet) => fleet.take_away(&self.local, folder, id),
            None => self.local.take_away(folder, id),
        }
    }
}
