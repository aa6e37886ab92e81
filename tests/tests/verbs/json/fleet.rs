//! Tests the JSON output of the commands about a fleet, with etcd and the daemon.

use twinlock_tests::{EtcdCluster, EtcdOptions, FleetAccess, FleetHost, FleetNetwork, Otp};

use super::{ADA, BOB, Page};

pub const ROWS: &[&str] = &[
    "fleet init",
    "fleet join",
    "fleet status",
    "fleet leave",
    "fleet rotate",
    "fleet recover",
    "fleet rejoin",
    "fleet throttle",
    "fleet upgrade",
    "fleet etcd-config",
];

fn host<'n>(network: &'n FleetNetwork, name: &str, etcd: &EtcdCluster) -> FleetHost<'n> {
    let host = network.host(name);
    host.twinlock().user("ada").user("bob");
    host.fleet_config(etcd, &FleetAccess::default()).start_fleet();
    host
}

/// Copies the key of the fleet from one host to another.
fn give_key(from: &FleetHost<'_>, to: &FleetHost<'_>) {
    let key = from.file("/etc/twinlock/fleet.key").read();
    to.file("/etc/twinlock/fleet.key").write("").mode(0o600).write(key);
}

#[test]
fn what_a_fleet_prints() {
    let network = FleetNetwork::new();
    let options = EtcdOptions { quota: Some(8 * 1024 * 1024), ..EtcdOptions::default() };
    let etcd = EtcdCluster::start_in(&network, 1, &options);
    let (one, two) = (host(&network, "one", &etcd), host(&network, "two", &etcd));
    let mut page = Page::read();
    let [init, join, status, leave, rotate, ..] = *ROWS else { panic!("five rows") };
    let [.., recover, rejoin, throttle, upgrade, config] = *ROWS else { panic!("five rows") };
    one.enrolled("ada", ADA);
    two.enrolled("ada", BOB);
    page.run(&one, config, config);
    page.fails(one.call("twinlock --json fleet etcd-config --endpoint http://a:1".split(' ')));
    page.run(&one, status, status);
    page.run(&one, init, "fleet init --dry-run");
    page.run(&one, init, init);
    page.fails(one.call("twinlock --json fleet init".split(' ')));
    give_key(&one, &two);
    page.run(&two, join, "fleet join --check");
    page.fails(two.call("twinlock --json fleet join".split(' ')));
    two.settings("not_enrolled = \"allow\"\n");
    page.run(&two, join, "fleet join --check");
    two.settings("");
    page.run(&two, join, "fleet join --take store");
    page.run(&one, upgrade, upgrade);
    for line in [throttle, status, "fleet throttle --clear"] {
        page.run(&one, if line == status { status } else { throttle }, line);
    }
    page.run(&one, rotate, rotate);
    page.fails(one.call("twinlock --json fleet rotate --finish".split(' ')));
    // A host whose entry says nothing, and a record that another host has written at the same time.
    etcd.put("/twinlock/test/hosts/odd", "");
    page.run(&one, status, status);
    page.run(&one, recover, recover);
    page.run(&one, rejoin, rejoin);
    page.run(&one, leave, "fleet leave --stolen odd --yes");
    page.run(&two, leave, "fleet leave --yes");
    fill(&etcd);
    page.run(&one, status, status);
    etcd.kill(0);
    page.run(&one, status, status);
    page.run(&without_tls(&network).0, status, status);
    page.hold_all(&[init, status, leave, rotate, upgrade, config]);
}

/// Calls `with` with a host of a fleet, where ada has entered a wrong code on it and a right one on another host, and
/// again when the other host has left.
pub fn in_a_fleet(mut with: impl FnMut(&FleetHost<'_>)) {
    let network = FleetNetwork::new();
    let etcd = EtcdCluster::start_in(&network, 1, &EtcdOptions::default());
    let (one, two) = (host(&network, "one", &etcd), host(&network, "two", &etcd));
    one.enrolled("ada", ADA);
    two.app("ada", &Otp::new(ADA));
    one.run(["twinlock", "fleet", "init"]).ok();
    give_key(&one, &two);
    two.run(["twinlock", "fleet", "join"]).ok();
    for (host, code) in [(&one, two.wrong_code("ada")), (&two, two.code("ada"))] {
        host.proven("login-one").settings("[fleet]\nenabled = true\n");
        host.pamtester("login-one", "ada").input(format!("{code}\n\n")).output();
    }
    with(&one);
    two.run(["twinlock", "fleet", "leave", "--yes"]).ok();
    with(&one);
}

/// Writes until the quota is used, so that etcd raises an alarm.
fn fill(etcd: &EtcdCluster) {
    let value = "x".repeat(100_000);
    let full = (0..400).any(|_| etcd.etcdctl(["put", "a", &value]).code != Some(0));
    assert!(full, "the quota was not reached");
}

fn without_tls(network: &FleetNetwork) -> (FleetHost<'_>, EtcdCluster) {
    let etcd = EtcdCluster::start(1, &EtcdOptions { tls: false, ..EtcdOptions::default() });
    let three = network.host("three");
    three.twinlock();
    let endpoints = vec!["http://127.0.0.1:2379".to_owned()];
    let access = FleetAccess { endpoints, ..FleetAccess::default() };
    three.fleet_config(&etcd, &access).start_fleet();
    (three, etcd)
}
