//! The daemon's report on itself and on each server of the store, and the entry `hosts/HOST` in which each host reports
//! on itself. Both consist of words `NAME=VALUE`.

use twinlock_core::{
    base::error::FleetError,
    wire::fleet::{
        FleetOutcome, FleetReply, FleetTask, StoreEntry, StoreRead, StoreWrite, Transaction,
    },
};

use crate::fleet::{membership::FleetMembership, names::META, session::FleetStore};

/// Prefix of the keys of the hosts' entries.
const HOSTS: &str = "hosts/";

/// The daemon's report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaemonReport {
    /// Name of the fleet in fleet.toml.
    pub fleet: String,
    /// Name of this host in fleet.toml.
    pub host: String,
    /// Version of the daemon.
    pub version: String,
    /// Unix time since which the store does not answer; `None` if the store answers.
    pub since: Option<u64>,
    /// Why the daemon carries out no transactions, as a word: `not_joined`, `rolled_back`, `cloned`; `None` if it
    /// carries them out.
    pub stopped: Option<String>,
    /// Days until this host's certificate expires; `None` without TLS.
    pub certificate_days: Option<i64>,
    /// The servers of the store.
    pub endpoints: Vec<EndpointReport>,
}

/// The daemon's report on one server of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointReport {
    /// URL of the server.
    pub url: String,
    /// Why the server does not answer; `None` if it answers.
    pub failure: Option<String>,
    /// Version of etcd.
    pub version: String,
    /// Milliseconds until the server answered; `None` if it did not answer.
    pub ms: Option<u64>,
    /// Seconds by which the server's clock is ahead of this host's, negative if behind; `None` if the answer had no
    /// date.
    pub clock: Option<i64>,
    /// Whether the server is the leader of the cluster.
    pub is_leader: bool,
    /// Size of the server's database in bytes; `None` if it is not known.
    pub db: Option<u64>,
    /// Maximum size of the server's database in bytes; `None` if it is not known.
    pub quota: Option<u64>,
    /// Alarms of the server, such as `alarm:NOSPACE`.
    pub errors: Vec<String>,
}

/// What a host reports on itself in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FleetHostReport {
    /// Name of the host.
    pub name: String,
    /// The host's system name (`uname -n`); `None` if the host does not report it.
    pub node: Option<String>,
    /// Version of the host's daemon.
    pub version: String,
    /// Formats of the store's entries that the host can read.
    pub formats: Vec<u8>,
    /// Numbers of the sealing keys that the host has.
    pub key_ids: Vec<u16>,
    /// Unix time of the host's last write of its entry; 0 if unknown.
    pub at: u64,
    /// Whether the host has stopped because another machine uses its name.
    pub is_stopped: bool,
}

impl DaemonReport {
    /// Asks the daemon.
    ///
    /// # Errors
    /// [`FleetError`] if the daemon does not answer.
    pub fn ask(store: &dyn FleetStore) -> Result<Self, FleetError> {
        store.ask(FleetTask::State).map(|reply| Self::of(&reply.entries))
    }

    fn of(entries: &[StoreEntry]) -> Self {
        let mut report = Self::default();
        for entry in entries {
            let text = String::from_utf8_lossy(&entry.value).into_owned();
            let some = || Some(text.clone()).filter(|text| !text.is_empty());
            match entry.key.as_str() {
                "daemon.fleet" => report.fleet = text,
                "daemon.host" => report.host = text,
                "daemon.version" => report.version = text,
                "daemon.since" => report.since = text.parse().ok(),
                "daemon.stopped" => report.stopped = some(),
                "daemon.certificate_days" => report.certificate_days = text.parse().ok(),
                key => {
                    let url = key.strip_prefix("endpoint.");
                    report.endpoints.extend(url.map(|url| EndpointReport::of(url, &text)));
                }
            }
        }
        report
    }
}

impl EndpointReport {
    fn of(url: &str, text: &str) -> Self {
        let url = url.to_owned();
        let Some(words) = text.strip_prefix("ok ") else {
            let failure = text.strip_prefix("failed ").unwrap_or(text).to_owned();
            return Self { url, failure: Some(failure), ..Self::default() };
        };
        let errors = value(words, "errors").into_iter().flat_map(|text| text.split(','));
        Self {
            url,
            failure: None,
            version: value(words, "version").unwrap_or_default().to_owned(),
            ms: number(words, "ms"),
            clock: value(words, "clock").and_then(|text| text.parse().ok()),
            is_leader: value(words, "leader") == Some("1"),
            db: number(words, "db"),
            quota: number(words, "quota"),
            errors: errors.map(str::to_owned).collect(),
        }
    }

    /// Returns the used part of the quota in percent; `None` if the size or the quota is unknown.
    #[must_use]
    pub fn used_percent(&self) -> Option<u64> {
        self.db?.checked_mul(100)?.checked_div(self.quota?)
    }
}

impl FleetHostReport {
    fn of(name: &str, text: &str) -> Self {
        let list = |name| value(text, name).unwrap_or_default().split(',');
        Self {
            name: name.to_owned(),
            node: value(text, "node").map(str::to_owned),
            version: value(text, "version").unwrap_or_default().to_owned(),
            formats: list("formats").filter_map(|text| text.parse().ok()).collect(),
            key_ids: list("key_ids").filter_map(|text| text.parse().ok()).collect(),
            at: number(text, "at").unwrap_or_default(),
            is_stopped: value(text, "stopped").is_some(),
        }
    }
}

/// The store as a host may read it before it joins. Nothing can be written.
pub struct PreviewStore<'a>(pub &'a dyn FleetStore);

impl FleetStore for PreviewStore<'_> {
    fn ask(&self, task: FleetTask) -> Result<FleetReply, FleetError> {
        match task {
            FleetTask::Transact(transaction) => self.0.ask(FleetTask::Preview(transaction)),
            FleetTask::State | FleetTask::Preview(_) => self.0.ask(task),
            FleetTask::Join | FleetTask::Rejoin | FleetTask::Leave => Err(FleetError::NotJoined),
        }
    }
}

impl FleetMembership<'_> {
    /// Returns the entries of all hosts.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer.
    pub fn hosts(&self) -> Result<Vec<FleetHostReport>, FleetError> {
        let mut found = Vec::new();
        self.each(HOSTS, &mut |entry| -> Result<(), FleetError> {
            let name = entry.key.strip_prefix(HOSTS).unwrap_or_default();
            found.push(FleetHostReport::of(name, &String::from_utf8_lossy(&entry.value)));
            Ok(())
        })?;
        Ok(found)
    }

    /// Deletes the entry of another host, so that the daemon of that host stops.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer, or does not let this host delete it.
    pub fn drop_host(&self, host: &str) -> Result<(), FleetError> {
        let writes = vec![StoreWrite::Delete { key: format!("{HOSTS}{host}") }];
        self.transact(Transaction { writes, ..Transaction::default() }).map(drop)
    }

    /// Returns whether the daemon carries out transactions, for which this host must have joined.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer.
    pub fn is_joined(&self) -> Result<bool, FleetError> {
        match self.read(vec![StoreRead::Key(META.into())]) {
            Ok(_) => Ok(true),
            Err(FleetError::NotJoined) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Has the daemon write this host's entry for the first time. Returns `false` if the store already has an entry
    /// with this host's name, or this host has joined already.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer.
    pub fn join(&self) -> Result<bool, FleetError> {
        self.task(FleetTask::Join)
    }

    /// Has the daemon accept this host's entry as it is in the store.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer.
    pub fn rejoin(&self) -> Result<bool, FleetError> {
        self.task(FleetTask::Rejoin)
    }

    /// Has the daemon delete this host's entry. Returns `false` if another machine has written the entry, which is then
    /// kept.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer.
    pub fn leave(&self) -> Result<bool, FleetError> {
        match self.task(FleetTask::Leave) {
            Err(FleetError::NotJoined) => Ok(true),
            done => done,
        }
    }

    /// Returns whether the store has an entry with this host's name.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer.
    pub fn has_entry(&self) -> Result<bool, FleetError> {
        let reply = self.store.ask(FleetTask::Preview(Transaction::default()))?;
        Ok(reply.outcome == FleetOutcome::Refused)
    }

    fn task(&self, task: FleetTask) -> Result<bool, FleetError> {
        let reply: FleetReply = self.store.ask(task)?;
        Ok(reply.outcome == FleetOutcome::Done)
    }
}

fn value<'a>(words: &'a str, name: &str) -> Option<&'a str> {
    words.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn number(words: &str, name: &str) -> Option<u64> {
    value(words, name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_understood() {
        let entry = |key: &str, value: &str| StoreEntry {
            key: key.into(),
            revision: 0,
            value: value.into(),
        };
        let report = DaemonReport::of(&[
            entry("daemon.version", "0.1.0"),
            entry("daemon.host", "web1"),
            entry("daemon.fleet", "prod"),
            entry("daemon.since", ""),
            entry("daemon.stopped", "not_joined"),
            entry("daemon.certificate_days", "-3"),
            entry(
                "endpoint.https://192.0.2.1:2379",
                "ok version=3.4.23 ms=3 clock=-1 leader=1 db=60 quota=200 raft_term=2 errors=a,b",
            ),
            entry("endpoint.https://192.0.2.2:2379", "failed connect_refused"),
        ]);
        assert_eq!((&*report.host, &*report.fleet, report.since), ("web1", "prod", None));
        assert_eq!(report.stopped.as_deref(), Some("not_joined"));
        assert_eq!(report.certificate_days, Some(-3));
        let [first, second] = &*report.endpoints else { panic!("{report:?}") };
        assert_eq!((first.ms, first.clock, first.is_leader), (Some(3), Some(-1), true));
        assert_eq!((first.used_percent(), first.errors.len()), (Some(30), 2));
        assert_eq!(second.failure.as_deref(), Some("connect_refused"));
        assert_eq!(second.used_percent(), None);
    }

    #[test]
    fn hosts_are_understood() {
        let text = "counter=7 version=0.1.0 formats=1 key_ids=1,2 at=1796069760 nonce=ab";
        let host = FleetHostReport::of("web1", text);
        assert_eq!(
            (&*host.formats, &*host.key_ids, host.at),
            (&[1][..], &[1, 2][..], 1_796_069_760)
        );
        assert_eq!((host.is_stopped, host.node), (false, None));
        let node = FleetHostReport::of("web1", &format!("{text} node=web1.example.org")).node;
        assert_eq!(node.as_deref(), Some("web1.example.org"));
        assert!(FleetHostReport::of("web1", &format!("{text} stopped=cloned")).is_stopped);
        assert_eq!(FleetHostReport::of("x", "").formats, []);
    }
}
