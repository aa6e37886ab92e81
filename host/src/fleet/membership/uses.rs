//! Reports when and on which hosts codes of a user were used or refused, from the entries of the store. Only commands
//! report it; a login never does.

use twinlock_core::{
    base::{account::Account, error::FleetError, request::SourceLabel, time::UnixTime},
    ledger::names as ledger_names,
    otp::hotp::Keyed,
    record::{Authenticator, Record},
    wire::fleet::{StoreEntry, StoreRead, Transaction},
};

use crate::fleet::{
    entries::number,
    membership::{FleetHostReport, FleetMembership},
    names::{StoreName, with_host},
    session::Fleet,
};

/// Length in bytes of a used step's value up to the mark of the host: step (8), nonce (16), time (8).
const STEP_START: usize = 32;
/// Length in bytes of a spent backup code's value up to the mark of the host: nonce (16), time (8).
const SPENT_START: usize = 24;

/// One use of a code, or one counted attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetUse {
    /// What was used.
    pub kind: FleetUseKind,
    /// Time of the use by the clock of the host.
    pub at: UnixTime,
    /// Source of a counted attempt; `None` for an accepted code.
    pub source: Option<SourceLabel>,
    /// Name of the host in the fleet; `None` if no host of the fleet has made the entry, for example because the host
    /// has left the fleet.
    pub host: Option<String>,
}

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FleetUseKind {
    /// A code of an authenticator was accepted.
    Code,
    /// A backup code was accepted.
    BackupCode,
    /// An attempt that still counts: a wrong code, or a login that was cut off.
    Attempt,
}

impl FleetUseKind {
    /// Returns the word for this kind in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::BackupCode => "backup_code",
            Self::Attempt => "attempt",
        }
    }
}

impl Fleet {
    /// Returns the last accepted code of each authenticator of a record, the spent codes of its set of backup codes, and
    /// the attempts of the account that still count. The newest comes first. Returns nothing if the account is not
    /// shared.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer, or an attempt cannot be opened.
    pub fn uses(
        &self,
        account: &Account,
        record: Option<&Record>,
    ) -> Result<Vec<FleetUse>, FleetError> {
        if !self.shares(account.uid) {
            return Ok(Vec::new());
        }
        let name = StoreName::of_user(&self.key, &account.name);
        let list = |prefix: String| StoreRead::Prefix { prefix, after: String::new(), limit: 0 };
        let spent = record.and_then(|record| record.codes).map(|id| name.spent(id));
        let reads = std::iter::once(name.ledger()).chain(spent).map(list).collect();
        let reply = self.transact(Transaction { reads, ..Transaction::default() })?;
        let tops: Vec<String> = record
            .iter()
            .flat_map(|it| &it.authenticators)
            .filter_map(|it| self.top_of(&name, it))
            .collect();
        let mut found: Vec<FleetUse> =
            reply.entries.iter().filter_map(|it| self.accepted(&tops, it)).collect();
        for stored in self.understood(&name, &[], reply.entries)?.attempts {
            let at = ledger_names::read_instant(&stored.content).ok_or(FleetError::Unsealed)?;
            let source = ledger_names::read_try(&stored.name).map(|charged| charged.source);
            let host = Some(self.name_of_node(&stored.host));
            found.push(FleetUse { kind: FleetUseKind::Attempt, at, source, host });
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.at));
        Ok(found)
    }

    fn top_of(&self, name: &StoreName, of: &Authenticator) -> Option<String> {
        let keyed = Keyed::new(&of.key, of.parameters.algorithm)?;
        Some(name.top(&self.key, keyed.mark(of)))
    }

    /// Returns the use in an entry of a used step or of a spent backup code; `None` for another entry, and for one
    /// without a time, such as that of a code that was used before its host joined the fleet or of an imported step.
    fn accepted(&self, tops: &[String], entry: &StoreEntry) -> Option<FleetUse> {
        let (kind, length) = if tops.contains(&entry.key) {
            (FleetUseKind::Code, STEP_START)
        } else if entry.key.starts_with("s/") {
            (FleetUseKind::BackupCode, SPENT_START)
        } else {
            return None;
        };
        let start = entry.value.get(..length)?;
        let at = UnixTime(number(start.get(length - 8..)?).filter(|at| *at > 0)?);
        let is_of = |host: &str| with_host(&self.key, &entry.key, start, host) == entry.value;
        let host = self.marking_host(&is_of);
        Some(FleetUse { kind, at, source: None, host })
    }

    /// Returns the name in the fleet of the host whose system name `is_of` accepts; `None` if it accepts none.
    fn marking_host(&self, is_of: &dyn Fn(&str) -> bool) -> Option<String> {
        let nodes = self.hosts().iter().map(node_of);
        let mut nodes = nodes.chain(std::iter::once(self.scope.host.as_str()));
        nodes.find(|node| is_of(node)).map(|node| self.name_of_node(node))
    }

    /// Returns the name in the fleet of the host with a system name; the system name itself if the fleet has no such
    /// host.
    #[must_use]
    pub fn name_of_node(&self, node: &str) -> String {
        let host = self.hosts().iter().find(|host| node_of(host) == node);
        host.map_or(node, |host| host.name.as_str()).to_owned()
    }

    /// Returns the name of this host in the fleet.
    #[must_use]
    pub fn own_name(&self) -> String {
        self.name_of_node(&self.scope.host)
    }

    /// Returns the hosts of the fleet, read once; none if the store does not answer.
    fn hosts(&self) -> &[FleetHostReport] {
        let (key, store, entropy) = (&self.key, &*self.store, &*self.entropy);
        self.hosts
            .get_or_init(|| FleetMembership { key, store, entropy }.hosts().unwrap_or_default())
    }
}

/// Returns the system name of a host. A daemon of an earlier version does not report it, and then the name in the fleet
/// usually is the same.
fn node_of(host: &FleetHostReport) -> &str {
    host.node.as_deref().unwrap_or(&host.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::KernelClock,
        entropy::KernelEntropy,
        fleet::{
            FleetScope,
            membership::test_store::{MemoryStore, key},
        },
    };
    use twinlock_core::{policy::FleetUids, record::SetId};

    const SET: SetId = SetId(7);

    fn account() -> Account {
        Account { name: "ada".into(), uid: 1000, gid: 1000, full_name: String::new() }
    }

    /// Returns the value of a backup code that was spent on a host with this system name.
    fn spent(place: u8, at: u64, node: &str) -> (String, Vec<u8>) {
        let store_key = StoreName::of_user(&key(&[1]), "ada").spent_code(SET, place);
        let start = [&[9; 16][..], &at.to_be_bytes()].concat();
        let value = with_host(&key(&[1]), &store_key, &start, node);
        (store_key, value)
    }

    fn uses_of(entries: &[(String, Vec<u8>)], uid: u32) -> Vec<FleetUse> {
        let store = MemoryStore::joined();
        store.put("hosts/web1", b"counter=1 at=5 nonce=ab node=web1.example.org");
        store.put("hosts/web2", b"counter=1 at=5 nonce=ab");
        entries.iter().for_each(|(key, value)| store.put(key, value));
        let scope = FleetScope {
            lowest_uid: 1000,
            uids: FleetUids::Same,
            host: "web3".into(),
            uid_of: |_| Some(1000),
        };
        let fleet = Fleet::new(
            key(&[1]),
            Box::new(store),
            scope,
            Box::new(KernelEntropy),
            Box::new(KernelClock),
        );
        let mut record =
            Record::of_nobody(twinlock_core::base::secret::Key::new(vec![1; 20]).unwrap());
        record.codes = Some(SET);
        fleet.uses(&Account { uid, ..account() }, Some(&record)).unwrap()
    }

    #[test]
    fn marks_lead_to_the_hosts_of_the_fleet() {
        let all = [
            spent(0, 10, "web1.example.org"),
            spent(1, 20, "web2"),
            spent(2, 30, "web3"),
            spent(3, 40, "gone"),
        ];
        let found = uses_of(&all, 1000);
        let told: Vec<_> = found.iter().map(|one| (one.at.0, one.host.as_deref())).collect();
        let expected = [(40, None), (30, Some("web3")), (20, Some("web2")), (10, Some("web1"))];
        assert_eq!(told, expected);
        assert!(found.iter().all(|one| one.kind == FleetUseKind::BackupCode));
        assert_eq!(uses_of(&all, 999), []);
    }

    #[test]
    fn changed_and_earlier_values_name_no_host() {
        let (store_key, mut value) = spent(0, 10, "web2");
        let moved = spent(1, 20, "web2").1;
        value[20] ^= 1;
        let found = uses_of(&[(store_key.clone(), value.clone())], 1000);
        assert_eq!(found[0].host, None);
        assert_eq!(uses_of(&[(store_key.clone(), moved)], 1000)[0].host, None);
        // An earlier version wrote no mark.
        value[20] ^= 1;
        value.truncate(SPENT_START);
        let found = uses_of(&[(store_key, value)], 1000);
        assert_eq!((found[0].at, found[0].host.as_deref()), (UnixTime(10), None));
    }
}
