//! A network for the hosts of a fleet and the nodes of etcd: a bridge in a network namespace of its own, to which each
//! machine has a cable (a pair of veth interfaces). The host's own network is not part of it.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::machine::Machine;
use crate::server_room::{ServerNetwork, ServerRoom};

/// Creates the bridge `fleet` with the addresses of the nodes of etcd, which run in this namespace.
const BRIDGE: &str = "ip link add fleet type bridge
for address in 1 2 3 4 5; do ip address add 10.77.0.$address/24 dev fleet; done
ip link set fleet up";
/// Connects a machine. `$0` is the process id of its first process, `$1` the name of the cable.
const CABLE: &str = "ip link add \"$1\" type veth peer name eth0 netns \"$0\"
ip link set \"$1\" master fleet up";
/// Gives a machine its address `$0`.
const ADDRESS: &str = "ip address add \"$0/24\" dev eth0 && ip link set eth0 up";

/// A network of hosts. It ends when this value is dropped, or when the test process dies for any reason.
///
/// The addresses are 10.77.0.1 to .5 for nodes of etcd, and from .11 for machines.
pub struct FleetNetwork {
    room: ServerRoom,
    machines: AtomicU8,
}

impl FleetNetwork {
    /// Creates the network.
    #[expect(clippy::new_without_default, reason = "it starts processes")]
    pub fn new() -> FleetNetwork {
        let room = ServerRoom::start(ServerNetwork::Own);
        room.run(&["sh", "-euc", BRIDGE]).ok();
        FleetNetwork { room, machines: AtomicU8::new(0) }
    }

    /// Connects a machine and returns its address.
    #[track_caller]
    pub fn connect(&self, machine: &Machine) -> String {
        let number = 11 + self.machines.fetch_add(1, Ordering::Relaxed);
        let address = format!("10.77.0.{number}");
        let pid = machine.holder().pid().to_string();
        self.room.run_in_network(&["sh", "-euc", CABLE, &pid, &cable(&address)]).ok();
        machine.run(["sh", "-euc", ADDRESS, &address]).ok();
        address
    }

    /// Disconnects the machine with this address. Its packets are lost, and connections stay open.
    #[track_caller]
    pub fn unplug(&self, address: &str) -> &Self {
        self.room.run(&["ip", "link", "set", &cable(address), "down"]).ok();
        self
    }

    /// Connects the machine with this address again.
    #[track_caller]
    pub fn plug(&self, address: &str) -> &Self {
        self.room.run(&["ip", "link", "set", &cable(address), "up"]).ok();
        self
    }

    /// Returns the address for a node of etcd, by its number from 0 to 4.
    pub(crate) fn node_address(&self, node: usize) -> String {
        assert!(node < 5, "a cluster has five nodes at most");
        format!("10.77.0.{}", node + 1)
    }

    /// Returns the process id of a process in the network.
    pub(crate) fn pid(&self) -> u32 {
        self.room.pid()
    }
}

/// Returns the name of the interface at the bridge's end of a machine's cable.
fn cable(address: &str) -> String {
    format!("host{}", address.rsplit('.').next().unwrap_or_default())
}
