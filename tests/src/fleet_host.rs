//! A host of a fleet in tests: a machine that reaches the nodes of etcd, with the daemon `twinlock-fleet`.

use std::fs::File;
use std::ops::Deref;

use nix::sched::{CloneFlags, setns};

use crate::artefacts::built;
use crate::certificates::ClientKind;
use crate::etcd::EtcdCluster;
use crate::fleet_network::FleetNetwork;
use crate::machine::Machine;

/// Path of the daemon's socket.
pub const FLEET_SOCKET: &str = "/run/twinlock-fleet/socket";
const DAEMON: &str = "/usr/libexec/twinlock/twinlock-fleet";
const CONFIG: &str = "/etc/twinlock/fleet.toml";
/// Path of the file that receives the output of the daemon.
const LOG: &str = "/run/twinlock-fleet.log";
/// File with the daemon's process id.
const NUMBER: &str = "/run/twinlock-fleet.pid";

/// Starts the daemon `$0` and waits for its socket. If the daemon ends before, prints its output.
const START: &str = "mkdir -p -m 700 /run/twinlock-fleet /var/lib/twinlock-fleet
rm -f /run/twinlock-fleet/socket
\"$0\" --config /etc/twinlock/fleet.toml --state /var/lib/twinlock-fleet --listen /run/twinlock-fleet/socket \
    >>/run/twinlock-fleet.log 2>&1 </dev/null &
echo $! >/run/twinlock-fleet.pid
until [ -S /run/twinlock-fleet/socket ]; do
    kill -0 $! || { cat /run/twinlock-fleet.log >&2; exit 1; }
    sleep 0.01
done";
/// Sends the daemon the signal `$0` and waits until it has ended.
const END: &str = "pid=$(cat /run/twinlock-fleet.pid)
kill -s \"$0\" $pid
while [ -e /proc/$pid ] && ! grep -q '^State:.Z' /proc/$pid/status; do sleep 0.01; done";
/// Waits until the network interface has a link, and deletes the neighbor entries that failed without it.
const NOTICE_CABLE: &str = "until ip -o link show dev eth0 | grep -q LOWER_UP; do sleep 0.01; done
ip neighbor flush dev eth0";

/// Content of the configuration of a host's daemon, apart from the host's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetAccess {
    /// Name of the fleet.
    pub fleet: String,
    /// URLs of the nodes. Empty for all nodes of the cluster.
    pub endpoints: Vec<String>,
    /// Name and password of the user of etcd; `None` while etcd's authentication is off.
    pub login: Option<(String, String)>,
    /// Numbers of the sealing keys.
    pub key_ids: Vec<u16>,
}

impl Default for FleetAccess {
    /// The fleet `test`, all nodes, no user of etcd, and the sealing key 1.
    fn default() -> FleetAccess {
        let fleet = "test".to_owned();
        FleetAccess { fleet, endpoints: Vec::new(), login: None, key_ids: vec![1] }
    }
}

/// A machine in a network of hosts.
///
/// ```no_run
/// use twinlock_tests::{EtcdCluster, EtcdOptions, FleetAccess, FleetNetwork};
///
/// let network = FleetNetwork::new();
/// let etcd = EtcdCluster::start_in(&network, 3, &EtcdOptions::default());
/// let one = network.host("one");
/// one.twinlock();
/// one.fleet_config(&etcd, &FleetAccess::default()).start_fleet();
/// one.unplug();
/// ```
pub struct FleetHost<'n> {
    machine: Machine,
    network: &'n FleetNetwork,
    name: String,
    address: String,
}

impl FleetNetwork {
    /// Starts a machine with this host name and connects it.
    #[track_caller]
    pub fn host(&self, name: &str) -> FleetHost<'_> {
        let machine = Machine::new();
        // A file below /proc would be that of the host's namespace, in which this process is.
        machine.run(["sh", "-euc", "echo \"$0\" >/proc/sys/kernel/hostname", name]).ok();
        machine.file("/etc/hostname").write(format!("{name}\n"));
        machine.file("/etc/hosts").write(format!("127.0.0.1 localhost {name}\n"));
        let address = self.connect(&machine);
        FleetHost { machine, network: self, name: name.to_owned(), address }
    }
}

impl Deref for FleetHost<'_> {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl FleetHost<'_> {
    /// Returns the host name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the address of the host in its network.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Disconnects the host from the network. Its packets are lost, and its connections stay open.
    #[track_caller]
    pub fn unplug(&self) -> &Self {
        self.network.unplug(&self.address);
        self
    }

    /// Connects the host to the network again after [`FleetHost::unplug`], and waits until the host notices it.
    #[track_caller]
    pub fn plug(&self) -> &Self {
        self.network.plug(&self.address);
        self.run(["timeout", "20", "sh", "-euc", NOTICE_CABLE]).ok();
        self
    }

    /// Writes `/etc/twinlock/fleet.toml`, and the files in `/etc/twinlock/fleet` whose names it contains. With TLS, the
    /// host gets a new certificate.
    #[track_caller]
    pub fn fleet_config(&self, etcd: &EtcdCluster, access: &FleetAccess) -> &Self {
        self.run(["mkdir", "-p", "-m", "755", "/etc/twinlock/fleet"]).ok();
        let endpoints = match access.endpoints.as_slice() {
            [] => etcd.endpoints(),
            some => some.to_vec(),
        };
        let FleetAccess { fleet, login, key_ids, .. } = access;
        let mut text = format!(
            "fleet = \"{fleet}\"\nhost = \"{}\"\nendpoints = {endpoints:?}\nkey_ids = {key_ids:?}\n",
            self.name
        );
        if etcd.has_tls() {
            self.fleet_certificate(etcd, ClientKind::Usual);
            text += "ca = \"fleet/ca.pem\"\ncertificate = \"fleet/host.pem\"\nkey = \"fleet/host.key\"\n";
        }
        if let Some((user, password)) = login {
            self.secret("/etc/twinlock/fleet/password", password);
            text += &format!("user = \"{user}\"\npassword_file = \"fleet/password\"\n");
        }
        self.file(CONFIG).write(text);
        self
    }

    /// Writes a new certificate of this kind, its key and the certificate of the authority to `/etc/twinlock/fleet`.
    #[track_caller]
    pub fn fleet_certificate(&self, etcd: &EtcdCluster, kind: ClientKind) -> &Self {
        let identity = etcd.client(&self.name, kind);
        self.file("/etc/twinlock/fleet/ca.pem").write(etcd.ca());
        self.file("/etc/twinlock/fleet/host.pem").write(identity.certificate);
        self.secret("/etc/twinlock/fleet/host.key", &identity.key);
        self
    }

    fn secret(&self, path: &str, text: &str) {
        self.file(path).write("").mode(0o600).write(text);
    }

    /// Installs the daemon and starts it, as root, with the state in `/var/lib/twinlock-fleet` and the socket
    /// [`FLEET_SOCKET`]. Returns when the socket exists.
    #[track_caller]
    pub fn start_fleet(&self) -> &Self {
        if !self.file(DAEMON).exists() {
            self.install_fleet(&built("twinlock-fleet"));
        }
        self.run(["timeout", "20", "sh", "-euc", START, DAEMON]).ok();
        self
    }

    /// Installs a program as the daemon.
    #[track_caller]
    pub fn install_fleet(&self, program: &[u8]) -> &Self {
        let copy = format!(
            "mkdir -p /usr/libexec/twinlock && cat >{DAEMON}.new && chmod 755 {DAEMON}.new && mv {DAEMON}.new {DAEMON}"
        );
        self.call(["sh", "-euc", &copy]).input(program).output().ok();
        self
    }

    /// Sends the daemon a signal, such as `TERM` or `KILL`, and waits until the daemon has ended.
    #[track_caller]
    pub fn end_fleet(&self, signal: &str) -> &Self {
        self.run(["timeout", "20", "sh", "-euc", END, signal]).ok();
        self
    }

    /// Returns the process id of the daemon inside the machine.
    #[track_caller]
    pub fn fleet_pid(&self) -> u32 {
        self.file(NUMBER).read().trim().parse().expect("the daemon was started")
    }

    /// Returns what the daemon has printed.
    #[track_caller]
    pub fn fleet_output(&self) -> String {
        self.file(LOG).read()
    }
}

impl Machine {
    /// Moves the calling thread into the machine's network. Threads that it starts later are in this network, too.
    pub(crate) fn enter_network(&self) {
        let namespace = File::open(format!("/proc/{}/ns/net", self.holder().pid()));
        let entered = setns(namespace.expect("a network namespace"), CloneFlags::CLONE_NEWNET);
        entered.expect("root may enter its network namespace");
    }
}
