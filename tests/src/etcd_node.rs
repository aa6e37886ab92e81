//! One node of a cluster for tests: its addresses, its command line and its process.

use std::path::Path;

use crate::etcd::EtcdOptions;
use crate::server_room::{FOLDER, ServerRoom};

/// Starts a program in the background with its output in the file `$0`, and prints its process id.
const START: &str = "\"$@\" >>\"$0\" 2>&1 & echo $!";
/// Kills a process and waits until it has ended.
const KILL: &str = "kill -KILL $0; while kill -0 $0 2>/dev/null; do sleep 0.01; done";

/// Addresses of a node: host and port for clients, and for the other nodes.
#[derive(Clone, Debug)]
pub(crate) struct NodeAddresses {
    pub(crate) client: String,
    pub(crate) peer: String,
}

/// State of a node's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeState {
    Runs,
    Stopped,
    Ended,
}

/// A node of a cluster.
pub(crate) struct Node {
    name: String,
    addresses: NodeAddresses,
    scheme: &'static str,
    /// Process id of the node, as processes in its [`ServerRoom`] see it; 0 before the first start.
    pid: u32,
    state: NodeState,
}

impl Node {
    pub(crate) fn new(place: usize, addresses: NodeAddresses, tls: bool) -> Node {
        let scheme = if tls { "https" } else { "http" };
        Node { name: format!("n{place}"), addresses, scheme, pid: 0, state: NodeState::Ended }
    }

    /// Returns the URL for clients.
    pub(crate) fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.addresses.client)
    }

    /// Returns the addresses without scheme.
    pub(crate) fn addresses(&self) -> &NodeAddresses {
        &self.addresses
    }

    fn peer_url(&self) -> String {
        format!("{}://{}", self.scheme, self.addresses.peer)
    }

    /// Returns the name and URL of the node, as etcd's option `--initial-cluster` expects them.
    pub(crate) fn member(&self) -> String {
        format!("{}={}", self.name, self.peer_url())
    }

    /// Returns whether the node's process runs and is not paused.
    pub(crate) fn answers(&self) -> bool {
        self.state == NodeState::Runs
    }

    /// Starts the node's process. `members` are all nodes, as [`Node::member`] returns them.
    #[track_caller]
    pub(crate) fn start(
        &mut self,
        room: &ServerRoom,
        etcd: &Path,
        members: &str,
        options: &EtcdOptions,
    ) {
        assert_eq!(self.state, NodeState::Ended, "{} runs already", self.name);
        let log = format!("{}.log", self.name);
        let mut line = ["sh", "-c", START, &log].map(str::to_owned).to_vec();
        line.push(etcd.display().to_string());
        line.extend(self.arguments(members, options));
        self.pid = room.run(&line).ok().trim().parse().expect("a process id");
        self.state = NodeState::Runs;
    }

    fn arguments(&self, members: &str, options: &EtcdOptions) -> Vec<String> {
        let data = format!("{FOLDER}/{}", self.name);
        let mut words: Vec<String> = [
            ("name", self.name.as_str()),
            ("data-dir", &data),
            ("listen-client-urls", &self.endpoint()),
            ("advertise-client-urls", &self.endpoint()),
            ("listen-peer-urls", &self.peer_url()),
            ("initial-advertise-peer-urls", &self.peer_url()),
            ("initial-cluster", members),
            ("initial-cluster-token", "twinlock-tests"),
            ("logger", "zap"),
            ("log-outputs", "stderr"),
        ]
        .map(|(name, value)| format!("--{name}={value}"))
        .to_vec();
        if options.tls {
            for side in ["", "peer-"] {
                words.push(format!("--{side}cert-file={FOLDER}/node.pem"));
                words.push(format!("--{side}key-file={FOLDER}/node.key"));
                words.push(format!("--{side}trusted-ca-file={FOLDER}/ca.pem"));
                words.push(format!("--{side}client-cert-auth"));
            }
            words.push(format!("--client-crl-file={FOLDER}/ca.crl"));
        }
        words.extend(options.quota.map(|bytes| format!("--quota-backend-bytes={bytes}")));
        words.extend(options.compaction.map(|keep| format!("--auto-compaction-retention={keep}")));
        words
    }

    /// Stops the process (SIGSTOP): its connections stay open, and nothing answers.
    #[track_caller]
    pub(crate) fn stop(&mut self, room: &ServerRoom) {
        self.expect(NodeState::Runs);
        self.signal(room, "STOP");
        self.state = NodeState::Stopped;
    }

    /// Continues the stopped process.
    #[track_caller]
    pub(crate) fn go_on(&mut self, room: &ServerRoom) {
        self.expect(NodeState::Stopped);
        self.signal(room, "CONT");
        self.state = NodeState::Runs;
    }

    /// Kills the process, if there is one, and waits until it has ended.
    pub(crate) fn kill(&mut self, room: &ServerRoom) {
        if self.state != NodeState::Ended {
            room.run(&["sh", "-c", KILL, &self.pid.to_string()]).ok();
            self.state = NodeState::Ended;
        }
    }

    /// Returns whether the process has ended by itself.
    pub(crate) fn has_crashed(&self, room: &ServerRoom) -> bool {
        let alive = ["sh", "-c", "kill -0 $0", &self.pid.to_string()];
        self.state != NodeState::Ended && room.run(&alive).code != Some(0)
    }

    /// Removes the data of the node, which must not run.
    #[track_caller]
    pub(crate) fn remove_data(&self, room: &ServerRoom) {
        self.expect(NodeState::Ended);
        room.run(&["rm", "-rf", &self.name]).ok();
    }

    /// Returns the arguments of `etcdctl snapshot restore` for this node.
    pub(crate) fn restore_arguments(&self) -> [String; 3] {
        [
            format!("--name={}", self.name),
            format!("--data-dir={FOLDER}/{}", self.name),
            format!("--initial-advertise-peer-urls={}", self.peer_url()),
        ]
    }

    /// Returns the last lines of the node's log.
    pub(crate) fn log(&self, room: &ServerRoom) -> String {
        let text = std::fs::read(room.outside(&format!("{}.log", self.name))).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    #[track_caller]
    fn expect(&self, state: NodeState) {
        assert_eq!(self.state, state, "node {}", self.name);
    }

    #[track_caller]
    fn signal(&self, room: &ServerRoom, name: &str) {
        room.run(&["sh", "-c", &format!("kill -{name} {}", self.pid)]).ok();
    }
}
