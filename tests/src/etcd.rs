//! A real cluster of etcd for tests: starts its nodes, stops, kills and restarts them, and restores a snapshot on them.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::certificates::{Authority, ClientKind, Identity};
use crate::etcd_node::{Node, NodeAddresses};
use crate::fleet_network::FleetNetwork;
use crate::ports::Port;
use crate::server_room::{FOLDER, ServerNetwork, ServerRoom};
use crate::unpacked::unpacked_program;

/// Maximum time of a wait for the cluster. An election takes one or two seconds, and more on a busy host.
const PATIENCE: Duration = Duration::from_secs(60);
/// Name of the package with which the line of etcd's packages in `tests/unpacked.txt` begins.
const PACKAGES: &str = "etcd-server";

/// How a cluster is set up.
#[derive(Clone, Debug)]
pub struct EtcdOptions {
    /// Whether nodes and clients must have certificates. Without TLS, anyone on the host may use the cluster.
    pub tls: bool,
    /// Maximum size of the database in bytes; `None` for etcd's default, 2 GiB.
    pub quota: Option<u64>,
    /// How long old revisions are kept, such as `1h`; `None` keeps them for ever, which is etcd's default.
    pub compaction: Option<&'static str>,
}

impl Default for EtcdOptions {
    /// With TLS, and with etcd's own defaults.
    fn default() -> EtcdOptions {
        EtcdOptions { tls: true, quota: None, compaction: None }
    }
}

/// A cluster of etcd. Its data is in memory, so that it neither waits for a disk nor leaves anything behind.
///
/// Nodes are numbered from 0. When this value is dropped, or when the test process dies for any reason, the nodes are
/// killed and the data is removed.
///
/// ```no_run
/// use twinlock_tests::{EtcdCluster, EtcdOptions};
///
/// let etcd = EtcdCluster::start(3, &EtcdOptions::default());
/// etcd.put("/twinlock/f/meta", "1");
/// etcd.kill(etcd.leader());
/// etcd.put("/twinlock/f/meta", "2");
/// ```
pub struct EtcdCluster {
    nodes: Mutex<Vec<Node>>,
    /// Password of etcd's user root; `None` while authentication is off.
    pub(crate) root_password: Mutex<Option<String>>,
    authority: Option<Authority>,
    options: EtcdOptions,
    room: ServerRoom,
    // Given back after the nodes have ended.
    _ports: Vec<Port>,
}

impl EtcdCluster {
    /// Starts a cluster on free ports of 127.0.0.1, and waits until it accepts writes. `nodes` is 1, 3 or 5.
    pub fn start(nodes: usize, options: &EtcdOptions) -> EtcdCluster {
        let ports: Vec<Port> = (0..2 * nodes).map(|_| Port::free()).collect();
        let address = |place: usize| format!("127.0.0.1:{}", ports[place].number());
        let addresses = (0..nodes)
            .map(|node| NodeAddresses { client: address(2 * node), peer: address(2 * node + 1) })
            .collect();
        EtcdCluster::at(addresses, ports, ServerNetwork::Host, options)
    }

    /// Starts a cluster in a network of hosts. The node with the number N listens at port 2379 of 10.77.0.(N+1).
    pub fn start_in(network: &FleetNetwork, nodes: usize, options: &EtcdOptions) -> EtcdCluster {
        let addresses = (0..nodes).map(|node| {
            let address = network.node_address(node);
            NodeAddresses { client: format!("{address}:2379"), peer: format!("{address}:2380") }
        });
        let addresses = addresses.collect();
        EtcdCluster::at(addresses, Vec::new(), ServerNetwork::Of(network.pid()), options)
    }

    fn at(
        addresses: Vec<NodeAddresses>,
        ports: Vec<Port>,
        network: ServerNetwork,
        options: &EtcdOptions,
    ) -> EtcdCluster {
        let room = ServerRoom::start(network);
        let authority = options.tls.then(|| {
            let authority = Authority::create(&room);
            let hosts = addresses.iter().filter_map(|one| one.client.split(':').next());
            // Clients may also come through a link on loopback.
            let hosts: Vec<&str> = hosts.chain(["127.0.0.1"]).collect();
            authority.node(&room, "node", &hosts);
            authority.client(&room, "admin", ClientKind::Usual);
            authority
        });
        let nodes = addresses.into_iter().enumerate();
        let nodes = nodes.map(|(place, addresses)| Node::new(place, addresses, options.tls));
        let cluster = EtcdCluster {
            nodes: Mutex::new(nodes.collect()),
            root_password: Mutex::new(None),
            authority,
            options: options.clone(),
            room,
            _ports: ports,
        };
        cluster.start_all();
        cluster
    }

    fn start_all(&self) {
        let members = self.members();
        for node in self.nodes().iter_mut() {
            node.start(&self.room, &etcd(), &members, &self.options);
        }
        self.until_healthy();
    }

    /// Waits until every node that runs has committed a write. Panics with the logs if that takes too long, or if a
    /// node has ended by itself.
    #[track_caller]
    pub fn until_healthy(&self) -> &Self {
        let end = Instant::now() + PATIENCE;
        while self.etcdctl(["endpoint", "health", "--command-timeout=2s"]).code != Some(0) {
            let crashed = self.nodes().iter().any(|node| node.has_crashed(&self.room));
            assert!(!crashed && Instant::now() < end, "etcd is not ready:\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(10));
        }
        self
    }

    /// Stops a node (SIGSTOP): its connections stay open, and it does not answer.
    #[track_caller]
    pub fn stop(&self, node: usize) -> &Self {
        self.nodes()[node].stop(&self.room);
        self
    }

    /// Continues a stopped node. Does not wait until the node has caught up.
    #[track_caller]
    pub fn go_on(&self, node: usize) -> &Self {
        self.nodes()[node].go_on(&self.room);
        self
    }

    /// Kills a node (SIGKILL), and waits until its process has ended.
    #[track_caller]
    pub fn kill(&self, node: usize) -> &Self {
        self.nodes()[node].kill(&self.room);
        self
    }

    /// Starts a killed node with its old data. Does not wait until the node is ready.
    #[track_caller]
    pub fn restart(&self, node: usize) -> &Self {
        let members = self.members();
        self.nodes()[node].start(&self.room, &etcd(), &members, &self.options);
        self
    }

    /// Puts all nodes back to the snapshot that [`EtcdCluster::snapshot`] has kept under this name, and waits until the
    /// cluster is ready. Afterwards every node runs.
    #[track_caller]
    pub fn restore(&self, name: &str) -> &Self {
        let members = self.members();
        for node in self.nodes().iter_mut() {
            node.kill(&self.room);
            node.remove_data(&self.room);
            let file = format!("{FOLDER}/{name}.snapshot");
            let mut line = self.etcdctl_line();
            line.extend(["snapshot".to_owned(), "restore".to_owned(), file]);
            line.push("--initial-cluster-token=twinlock-tests".to_owned());
            line.push(format!("--initial-cluster={members}"));
            line.extend(node.restore_arguments());
            self.room.run(&line).ok();
        }
        self.start_all();
        self
    }

    /// Returns the URLs of the nodes, in their order.
    pub fn endpoints(&self) -> Vec<String> {
        self.nodes().iter().map(Node::endpoint).collect()
    }

    /// Returns address and port of a node for clients.
    pub fn address(&self, node: usize) -> String {
        self.nodes()[node].addresses().client.clone()
    }

    /// Returns the URLs of the nodes whose process exists and is not paused by [`EtcdCluster::stop`].
    pub(crate) fn answering(&self) -> Vec<String> {
        self.nodes().iter().filter(|node| node.answers()).map(Node::endpoint).collect()
    }

    /// Returns whether nodes and clients must have certificates.
    pub fn has_tls(&self) -> bool {
        self.options.tls
    }

    /// Returns the certificate of the authority that nodes and clients trust, as a PEM text. Panics without TLS.
    pub fn ca(&self) -> String {
        self.authority().certificate(&self.room)
    }

    /// Issues a certificate for a client. `name` is the beginning of its file names; files of an earlier certificate
    /// with this name are replaced. Panics without TLS.
    pub fn client(&self, name: &str, kind: ClientKind) -> Identity {
        self.authority().client(&self.room, &format!("client-{name}"), kind)
    }

    /// Revokes a certificate. Nodes refuse new connections with it at once.
    pub fn revoke(&self, identity: &Identity) -> &Self {
        self.authority().revoke(&self.room, identity);
        self
    }

    /// Returns the paths, for programs of the host, of the authority's certificate and of the certificate and key that
    /// [`EtcdCluster::client`] has issued under this name. The paths are valid while the cluster exists.
    pub fn client_files(&self, name: &str) -> [PathBuf; 3] {
        let names =
            ["ca.pem".to_owned(), format!("client-{name}.pem"), format!("client-{name}.key")];
        names.map(|name| self.room.outside(&name))
    }

    /// Returns the last lines of the logs of all nodes.
    pub fn logs(&self) -> String {
        let nodes = self.nodes();
        let logs = nodes.iter().map(|node| format!("{}:\n{}", node.member(), node.log(&self.room)));
        logs.collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn room(&self) -> &ServerRoom {
        &self.room
    }

    /// Returns the start of a command line of etcdctl, without endpoints and user.
    pub(crate) fn etcdctl_line(&self) -> Vec<String> {
        let program = unpacked_program(PACKAGES, "usr/bin/etcdctl").display().to_string();
        let mut line = vec!["env".to_owned(), "ETCDCTL_API=3".to_owned(), program];
        if self.options.tls {
            let file = |option: &str, name: &str| format!("--{option}={FOLDER}/{name}");
            line.push(file("cacert", "ca.pem"));
            line.push(file("cert", "admin.pem"));
            line.push(file("key", "admin.key"));
        }
        line
    }

    fn members(&self) -> String {
        self.nodes().iter().map(Node::member).collect::<Vec<_>>().join(",")
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[track_caller]
    fn authority(&self) -> &Authority {
        self.authority.as_ref().expect("a cluster with TLS")
    }
}

fn etcd() -> PathBuf {
    unpacked_program(PACKAGES, "usr/bin/etcd")
}
