//! The ports of a host: those of its disk and ledger, wrapped by the fleet.

use std::rc::Rc;

use twinlock_core::{
    base::{
        account::{Account, Folder, Membership},
        error::{CommitError, LedgerError, LookupError, MachineError, StoreError},
        request::SourceLabel,
        secret::Typed,
        time::{Now, UnixTime},
    },
    event::Event,
    ledger::{Capacity, Horizon},
    notify::notification::Notification,
    policy::{Echo, Limits},
    ports::{
        Accounts, Clock, CodeSets, Conversation, ConversationError, Creation, Entropy, Journal,
        Ledger, LedgerKey, Outbox, Ports, Records, Snapshot, UserLedger,
    },
    record::{
        Record, SetId,
        code_set::{CodeSet, Digest, Recipe, Shape},
    },
};
use zeroize::Zeroizing;

use crate::fleet::{
    Fleet,
    model::{local::LocalHost, world},
};

/// The random bytes and the clock of a host.
pub(super) struct HostRandomClock(pub(super) Rc<LocalHost>);

impl Clock for HostRandomClock {
    fn now(&self) -> Result<Now, MachineError> {
        Ok(self.0.now())
    }
}

impl Entropy for HostRandomClock {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), MachineError> {
        self.0.fill(buffer)
    }
}

/// The ports of a host: those of its disk and ledger, wrapped by the fleet.
pub(super) struct HostPorts {
    pub(super) local: Rc<LocalHost>,
    pub(super) fleet: Fleet,
}

impl HostPorts {
    pub(super) fn ports(&self) -> Ports<'_> {
        Ports {
            records: self,
            codes: self,
            ledger: self,
            conversation: self,
            clock: self,
            accounts: self,
            journal: self,
            entropy: &*self.local,
            outbox: self,
        }
    }
}

impl Records for HostPorts {
    fn newest(&self, account: &Account) -> Result<Option<Snapshot>, StoreError> {
        self.fleet.newest(&*self.local, account)
    }

    fn is_newest(&self, folder: &Folder, snapshot: &Snapshot) -> Result<bool, StoreError> {
        self.fleet.is_newest(&*self.local, folder, snapshot)
    }

    fn renewed(&self, account: &Account) -> Option<Snapshot> {
        self.fleet.renewed(account)
    }

    fn limits(&self) -> Option<Limits> {
        self.fleet.limits()
    }

    fn commit(&self, folder: &Folder, after: u64, record: &Record) -> Result<(), CommitError> {
        self.fleet.commit(&*self.local, folder, after, record)
    }

    fn newest_uniform(
        &self,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreError>, Option<Snapshot>) {
        self.fleet.newest_uniform(&*self.local, account)
    }

    fn note_failures(&self, folder: Option<&Folder>, before: u32, after: u32, now: UnixTime) {
        self.local.note_failures(folder, before, after, now);
    }

    fn forget_failures(&self, folder: &Folder) {
        self.local.forget_failures(folder);
        self.fleet.forget_failures();
    }

    fn remember_source(&self, _: &Folder, _: &SourceLabel, _: UnixTime) {}

    fn mark_clock(&self, _: Now) {}
}

impl CodeSets for HostPorts {
    fn set(&self, folder: &Folder, id: SetId) -> Result<CodeSet, StoreError> {
        self.fleet.set(&*self.local, folder, id)
    }

    fn set_uniform(&self, of: Option<(&Folder, SetId)>) -> Result<CodeSet, StoreError> {
        self.fleet.set_uniform(&*self.local, of)
    }

    fn spent(&self, folder: &Folder, id: SetId) -> Result<Vec<u8>, StoreError> {
        self.fleet.spent(&*self.local, folder, id)
    }

    fn spend(
        &self,
        folder: &Folder,
        id: SetId,
        place: u8,
        now: UnixTime,
    ) -> Result<Creation, StoreError> {
        self.fleet.spend(&*self.local, folder, id, place, now)
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
        self.fleet.lay_down(&*self.local, folder, shape, codes)
    }

    fn take_away(&self, folder: &Folder, id: SetId) {
        self.fleet.take_away(&*self.local, folder, id);
    }
}

impl Ledger for HostPorts {
    fn open(&self, owner: &LedgerKey) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        self.fleet.open(&*self.local, owner)
    }

    fn open_uniform(&self, owner: &LedgerKey) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        self.fleet.open_uniform(&*self.local, owner)
    }

    fn capacity(&self) -> Result<Capacity, LedgerError> {
        self.local.capacity()
    }

    fn floor(&self, now: Now) -> Result<Horizon, LedgerError> {
        self.local.floor(now)
    }

    fn boot_id(&self) -> Result<String, LedgerError> {
        self.local.boot_id()
    }
}

impl Clock for HostPorts {
    fn now(&self) -> Result<Now, MachineError> {
        Ok(self.local.now())
    }
}

impl Conversation for HostPorts {
    fn ask(&self, _: &str, _: Echo) -> Result<Typed, ConversationError> {
        Err(ConversationError)
    }

    fn tell(&self, _: &str) {}
}

impl Accounts for HostPorts {
    fn by_name(&self, _: &str) -> Result<Option<Account>, LookupError> {
        Ok(Some(world::account()))
    }

    fn membership(&self, _: &Account, _: &str) -> Result<Membership, LookupError> {
        Ok(Membership::Outside)
    }

    fn host_name(&self) -> String {
        "host".into()
    }
}

impl Journal for HostPorts {
    fn note(&self, _: &Event) {}
}

impl Outbox for HostPorts {
    fn put(&self, _: &Notification) -> bool {
        true
    }
}
