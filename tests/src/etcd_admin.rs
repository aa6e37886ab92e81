//! Administers an etcd cluster for tests with etcdctl: reads and writes keys, shows the state of the nodes, saves a
//! snapshot, turns authentication on, and clears a full database.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::call::Finished;
use crate::etcd::EtcdCluster;
use crate::server_room::FOLDER;

/// Maximum time of a wait for a leader.
const PATIENCE: Duration = Duration::from_secs(30);

/// A permission of an etcd role for all keys that begin with `prefix`.
#[derive(Clone, Copy, Debug)]
pub struct EtcdGrant<'a> {
    /// `read`, `write` or `readwrite`.
    pub right: &'a str,
    /// The beginning of the keys.
    pub prefix: &'a str,
}

/// State of a node, as `etcdctl endpoint status` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Id of the node.
    pub member: u64,
    /// Id of the node that is the leader; 0 if the node knows none.
    pub leader: u64,
    /// Revision of the store that the node has reached.
    pub revision: u64,
    /// Size of the database file in bytes.
    pub db_size: u64,
}

impl EtcdCluster {
    /// Runs etcdctl with these arguments, as an administrator, against all nodes that run and are not stopped.
    #[track_caller]
    pub fn etcdctl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Finished {
        self.etcdctl_at(&self.answering(), arguments)
    }

    #[track_caller]
    fn etcdctl_at<'a>(
        &self,
        endpoints: &[String],
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Finished {
        let mut line = self.etcdctl_line();
        line.push(format!("--endpoints={}", endpoints.join(",")));
        let password = self.root_password.lock().unwrap_or_else(PoisonError::into_inner).clone();
        line.extend(password.map(|password| format!("--user=root:{password}")));
        line.extend(arguments.into_iter().map(str::to_owned));
        self.room().run(&line)
    }

    /// Writes a key.
    #[track_caller]
    pub fn put(&self, key: &str, value: &str) -> &Self {
        self.etcdctl(["put", "--", key, value]).ok();
        self
    }

    /// Returns the value of a key as text; `None` if the key does not exist.
    #[track_caller]
    pub fn get(&self, key: &str) -> Option<String> {
        let found = self.etcdctl(["get", key]);
        let value = found.ok().strip_prefix(key)?.strip_prefix('\n')?;
        Some(value.strip_suffix('\n').unwrap_or(value).to_owned())
    }

    /// Deletes a key.
    #[track_caller]
    pub fn delete(&self, key: &str) -> &Self {
        self.etcdctl(["del", key]).ok();
        self
    }

    /// Returns all keys that begin with `prefix`, in the order of bytes.
    #[track_caller]
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let found = self.etcdctl(["get", "--prefix", "--keys-only", prefix]);
        found.ok().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// Returns the state of a node, which must run.
    #[track_caller]
    pub fn status(&self, node: usize) -> NodeStatus {
        let endpoint = self.endpoints()[node].clone();
        let found = self.etcdctl_at(&[endpoint], ["endpoint", "status", "--write-out=fields"]);
        let field = |name: &str| {
            let start = format!("\"{name}\" : ");
            let line = found.ok().lines().find_map(|line| line.strip_prefix(&start));
            line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name}: {found:?}"))
        };
        NodeStatus {
            member: field("MemberID"),
            leader: field("Leader"),
            revision: field("Revision"),
            db_size: field("DBSize"),
        }
    }

    /// Waits until one of the running nodes is the leader, and returns its number.
    #[track_caller]
    pub fn leader(&self) -> usize {
        let end = Instant::now() + PATIENCE;
        loop {
            let answering = self.answering();
            let endpoints = self.endpoints().into_iter().enumerate();
            let mut running = endpoints.filter(|(_, endpoint)| answering.contains(endpoint));
            let leads = |node: usize| {
                let status = self.status(node);
                status.member == status.leader
            };
            if let Some((node, _)) = running.find(|(node, _)| leads(*node)) {
                return node;
            }
            assert!(Instant::now() < end, "no node is the leader:\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Returns the revision that the leader has reached.
    #[track_caller]
    pub fn revision(&self) -> u64 {
        self.status(self.leader()).revision
    }

    /// Returns the size of a node's database file in bytes.
    #[track_caller]
    pub fn db_size(&self, node: usize) -> u64 {
        self.status(node).db_size
    }

    /// Keeps a snapshot under this name for [`EtcdCluster::restore`].
    #[track_caller]
    pub fn snapshot(&self, name: &str) -> &Self {
        let leader = self.endpoints()[self.leader()].clone();
        let file = format!("{FOLDER}/{name}.snapshot");
        self.etcdctl_at(&[leader], ["snapshot", "save", &file]).ok();
        self
    }

    /// Deletes all revisions before the current one.
    #[track_caller]
    pub fn compact(&self) -> &Self {
        let revision = self.revision().to_string();
        self.etcdctl(["compaction", "--physical", &revision]).ok();
        self
    }

    /// Frees the space of deleted revisions, on every running node.
    #[track_caller]
    pub fn defragment(&self) -> &Self {
        self.etcdctl(["defrag", "--command-timeout=30s"]).ok();
        self
    }

    /// Clears all alarms, such as that of a full database.
    #[track_caller]
    pub fn disarm(&self) -> &Self {
        self.etcdctl(["alarm", "disarm"]).ok();
        self
    }

    /// Returns the alarms, one a line, such as `memberID:1 alarm:NOSPACE`.
    #[track_caller]
    pub fn alarms(&self) -> Vec<String> {
        self.etcdctl(["alarm", "list"]).ok().lines().map(str::to_owned).collect()
    }

    /// Returns the ids of all leases, in hexadecimal.
    #[track_caller]
    pub fn leases(&self) -> Vec<String> {
        // The first line says how many there are.
        self.etcdctl(["lease", "list"]).ok().lines().skip(1).map(str::to_owned).collect()
    }

    /// Returns what etcd says about a lease: granted and remaining time, and its keys.
    #[track_caller]
    pub fn lease(&self, id: &str) -> String {
        self.etcdctl(["lease", "timetolive", "--keys", id]).ok().trim_end().to_owned()
    }

    /// Revokes a lease, which deletes its keys.
    #[track_caller]
    pub fn revoke_lease(&self, id: &str) -> &Self {
        self.etcdctl(["lease", "revoke", id]).ok();
        self
    }

    /// Creates etcd's user root with this password and turns authentication on.
    #[track_caller]
    pub fn enable_auth(&self, password: &str) -> &Self {
        self.user("root", password, &["root"]);
        self.etcdctl(["auth", "enable"]).ok();
        let mut root = self.root_password.lock().unwrap_or_else(PoisonError::into_inner);
        *root = Some(password.to_owned());
        drop(root);
        self
    }

    /// Creates a role with these rights.
    #[track_caller]
    pub fn role(&self, name: &str, grants: &[EtcdGrant<'_>]) -> &Self {
        self.etcdctl(["role", "add", name]).ok();
        for EtcdGrant { right, prefix } in grants {
            self.etcdctl(["role", "grant-permission", "--prefix=true", name, right, prefix]).ok();
        }
        self
    }

    /// Creates a user with a password and these roles. The role `root` is created as well if it is missing.
    #[track_caller]
    pub fn user(&self, name: &str, password: &str, roles: &[&str]) -> &Self {
        self.etcdctl(["user", "add", &format!("{name}:{password}")]).ok();
        for role in roles {
            self.etcdctl(["user", "grant-role", name, role]).ok();
        }
        self
    }

    /// Deletes a user. Its tokens become invalid at once.
    #[track_caller]
    pub fn delete_user(&self, name: &str) -> &Self {
        self.etcdctl(["user", "delete", name]).ok();
        self
    }
}
