//! Checks that a host and its copy both stop, and that the host works again once the copy has ended and the host has
//! rejoined.

use std::time::{Duration, Instant};

use twinlock_tests::{FleetAccess, FleetNetwork, PASSWORD};

use crate::pair::{Pair, gets_in};

/// Starts the daemon with a short time between the writes of the host's entry.
const START: &str = "rm -f /run/twinlock-fleet/socket
/usr/libexec/twinlock/twinlock-fleet --config /etc/twinlock/fleet.toml --state /var/lib/twinlock-fleet \
    --listen /run/twinlock-fleet/socket --interval 1 >>/run/twinlock-fleet.log 2>&1 </dev/null &
echo $! >/run/twinlock-fleet.pid
until [ -S /run/twinlock-fleet/socket ]; do sleep 0.01; done";
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn clone_of_a_host_stops_both() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let one = &pair.one;
    one.end_fleet("TERM");
    let state =
        one.run(["sh", "-c", "tar -C /var/lib/twinlock-fleet -c . | base64"]).ok().to_owned();
    let copy = network.host("one");
    copy.twinlock().proven("login-one").user("ada").password("ada", PASSWORD);
    copy.fleet_config(&pair.etcd, &FleetAccess::default()).start_fleet();
    copy.end_fleet("TERM");
    let unpack = "rm -rf /var/lib/twinlock-fleet/*; base64 -d | tar -C /var/lib/twinlock-fleet -x";
    copy.call(["sh", "-c", unpack]).input(state).output().ok();
    copy.file("/etc/twinlock/fleet.key")
        .write("")
        .mode(0o600)
        .write(one.file("/etc/twinlock/fleet.key").read());
    copy.settings(crate::pair::SHARED);
    for host in [one, &copy] {
        host.run(["timeout", "20", "sh", "-euc", START]).ok();
    }
    let is_stopped = |host: &twinlock_tests::FleetHost<'_>| {
        gets_in(host, &["000000"]);
        !host.logged("reason=host_cloned").is_empty()
    };
    let until = Instant::now() + DEADLINE;
    while !(is_stopped(one) && is_stopped(&copy)) {
        assert!(Instant::now() < until, "{:?}\n{:?}", one.log(), copy.log());
    }
    copy.end_fleet("TERM");
    one.run(["twinlock", "fleet", "rejoin"]).ok();
    assert!(gets_in(one, &[&pair.two.code("ada")]), "{:?}", one.log());
}
