//! Tests `FleetHost`, the hosts of the fleet's tests: they reach etcd, lose it while they are unplugged, and start and
//! end a daemon. A placeholder program takes the place of the daemon.

use twinlock_tests::{
    ClientKind, EtcdCluster, EtcdOptions, FLEET_SOCKET, FleetAccess, FleetHost, FleetNetwork,
    LossyLink,
};

const PLACEHOLDER: &str = include_str!("placeholder.py");
/// Connects to the socket `$0` and prints what it says.
const CONNECT: &str = "import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
print(s.makefile().read(), end='')";

/// Returns what the placeholder of the daemon says: a line for each endpoint.
fn said(host: &FleetHost<'_>) -> Vec<String> {
    let call = host.run(["python3", "-c", CONNECT, FLEET_SOCKET]);
    call.ok().lines().map(str::to_owned).collect()
}

fn well(host: &FleetHost<'_>) -> usize {
    said(host).iter().filter(|line| line.ends_with("{\"health\":\"true\"}")).count()
}

#[test]
fn hosts_reach_all_nodes() {
    let network = FleetNetwork::new();
    let etcd = EtcdCluster::start_in(&network, 3, &EtcdOptions::default());
    let hosts = [network.host("one"), network.host("two")];
    for host in &hosts {
        host.fleet_config(&etcd, &FleetAccess::default()).install_fleet(PLACEHOLDER.as_bytes());
        host.start_fleet();
        assert_eq!(well(host), 3, "{:?}", said(host));
        assert!(said(host)[0].starts_with(&format!("{} https://10.77.0.1:2379 ", host.name())));
        assert_eq!(host.run(["uname", "-n"]).ok().trim(), host.name());
    }
    let [one, two] = &hosts;
    assert_ne!(one.address(), two.address());
    etcd.kill(0).until_healthy();
    assert_eq!(well(one), 2, "{:?}", said(one));
}

#[test]
fn pulled_cable_separates_one_host() {
    let network = FleetNetwork::new();
    let etcd = EtcdCluster::start_in(&network, 1, &EtcdOptions::default());
    let hosts = [network.host("one"), network.host("two")];
    for host in &hosts {
        host.fleet_config(&etcd, &FleetAccess::default()).install_fleet(PLACEHOLDER.as_bytes());
        host.start_fleet();
    }
    let [one, two] = &hosts;
    one.unplug();
    assert_eq!((well(one), well(two)), (0, 1), "{:?}", said(one));
    one.plug();
    assert_eq!(well(one), 1, "{:?}", said(one));
}

#[test]
fn daemon_is_ended_and_started_again() {
    let network = FleetNetwork::new();
    let etcd = EtcdCluster::start_in(&network, 1, &EtcdOptions::default());
    let one = network.host("one");
    let login = Some(("one".to_owned(), "secret".to_owned()));
    let access = FleetAccess { login, ..FleetAccess::default() };
    one.fleet_config(&etcd, &access).install_fleet(PLACEHOLDER.as_bytes()).start_fleet();
    let first = one.fleet_pid();
    for signal in ["TERM", "KILL"] {
        one.end_fleet(signal);
        assert_ne!(one.run(["python3", "-c", CONNECT, FLEET_SOCKET]).code, Some(0));
        one.start_fleet();
        assert_ne!(one.fleet_pid(), first);
        assert_eq!(well(&one), 1);
    }
    assert_eq!(one.fleet_output(), "");
    let modes =
        ["stat", "-c%a", "/run/twinlock-fleet", FLEET_SOCKET, "/etc/twinlock/fleet/host.key"];
    assert_eq!(one.run(modes).ok(), "700\n600\n600\n");
    assert_eq!(one.file("/etc/twinlock/fleet/password").read(), "secret");
    one.fleet_certificate(&etcd, ClientKind::Foreign).end_fleet("TERM").start_fleet();
    assert_eq!(well(&one), 0);
}

#[test]
fn links_inside_a_host_lose_its_answers() {
    let network = FleetNetwork::new();
    for tls in [false, true] {
        let etcd =
            EtcdCluster::start_in(&network, 1, &EtcdOptions { tls, ..EtcdOptions::default() });
        let one = network.host("one");
        let link = LossyLink::inside(&one, &etcd.address(0), 3);
        let scheme = if tls { "https" } else { "http" };
        let endpoints = vec![format!("{scheme}://{}", link.address())];
        let access = FleetAccess { endpoints, ..FleetAccess::default() };
        one.fleet_config(&etcd, &access).install_fleet(PLACEHOLDER.as_bytes()).start_fleet();
        assert_eq!(well(&one), 1, "{:?}", said(&one));
        link.lose(100);
        assert_eq!(well(&one), 0, "{:?}", said(&one));
        assert_eq!(link.lost(), 1);
    }
}
