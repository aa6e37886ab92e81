//! The implementations of all ports of twinlock-core for this host, built from the settings.

use twinlock_core::{
    policy::Policy,
    ports::{Conversation, Ports},
};

use crate::{
    accounts::Nss,
    clock::KernelClock,
    entropy::KernelEntropy,
    fleet::{self, SharedLedger, SharedRecords},
    journal::Syslog,
    ledger::HostLedger,
    outbox::HostOutbox,
    settings,
    store::{records::HostRecords, store_id},
    trusted_dir::Owner,
};

/// This host's implementations of the ports of twinlock-core (see [`Ports`]).
#[derive(Debug)]
pub struct Machine {
    /// The records folder.
    pub records: SharedRecords,
    /// The ledger folder.
    pub ledger: SharedLedger,
    /// The accounts and groups that NSS knows.
    pub accounts: Nss,
    /// The wall clock and the boot clock.
    pub clock: KernelClock,
    /// The connection to the system log.
    pub journal: Syslog,
    /// The queue of notifications by mail.
    pub outbox: HostOutbox,
}

impl Machine {
    /// Creates the implementations for the settings in `policy`. `settings_path` is the file from which the settings
    /// were read. `owner` must own the files of the records and the ledger.
    #[must_use]
    pub fn new(policy: &Policy, settings_path: &str, owner: Owner) -> Self {
        let places = &policy.places;
        let copy = settings::sibling(settings_path, store_id::NAME);
        let fleet = fleet::of_host(policy, settings_path, owner);
        let records = HostRecords::new(places.records.clone(), &copy, owner);
        Self {
            records: SharedRecords::new(records, fleet.clone()),
            ledger: SharedLedger::new(HostLedger::new(places, owner), fleet),
            accounts: Nss::default(),
            clock: KernelClock,
            journal: Syslog::default(),
            outbox: HostOutbox::new(places.records.clone(), owner),
        }
    }

    /// Returns these implementations as the ports of twinlock-core, with `conversation` as the dialogue with the user.
    #[must_use]
    pub fn ports<'a>(&'a self, conversation: &'a dyn Conversation) -> Ports<'a> {
        Ports {
            records: &self.records,
            codes: &self.records,
            ledger: &self.ledger,
            conversation,
            clock: &self.clock,
            accounts: &self.accounts,
            journal: &self.journal,
            entropy: &KernelEntropy,
            outbox: &self.outbox,
        }
    }
}
