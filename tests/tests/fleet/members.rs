//! Tests of hosts that create, join and leave a fleet with `twinlock fleet`, through the real daemon.

use serde_json::Value;
use twinlock_tests::{EtcdCluster, EtcdOptions, FleetAccess, FleetHost, FleetNetwork};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const BOB: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const EVE: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Prepares a host with accounts and the daemon.
fn ready(host: &FleetHost<'_>, etcd: &EtcdCluster) {
    host.twinlock().user("ada").user("bob");
    host.fleet_config(etcd, &FleetAccess::default()).start_fleet();
}

fn json(host: &FleetHost<'_>, words: &str) -> Value {
    let done = host.run(format!("twinlock --json {words}").split(' '));
    serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{words}: {e}: {done:?}"))
}

/// Copies the key file of the fleet to another host.
fn give_key(from: &FleetHost<'_>, to: &FleetHost<'_>) {
    let key = from.file("/etc/twinlock/fleet.key").read();
    to.file("/etc/twinlock/fleet.key").write("").mode(0o600).write(key);
}

fn enable(host: &FleetHost<'_>) {
    host.settings("[fleet]\nenabled = true\n");
    host.run(["twinlock", "settings", "apply"]).ok();
}

fn check_writes_nothing(host: &FleetHost<'_>, etcd: &EtcdCluster) -> bool {
    let before = etcd.revision();
    json(host, "fleet join --check");
    etcd.revision() == before
}

#[test]
fn a_second_host_joins_and_has_the_records_of_the_first() {
    let network = FleetNetwork::new();
    let etcd = EtcdCluster::start_in(&network, 3, &EtcdOptions::default());
    let (one, two) = (network.host("one"), network.host("two"));
    ready(&one, &etcd);
    ready(&two, &etcd);
    one.enrolled("ada", ADA);
    let preview = json(&one, "fleet init --dry-run");
    assert_eq!((&preview["dry_run"], &preview["records"]), (&true.into(), &1.into()));
    assert!(!one.file("/etc/twinlock/fleet.key").exists());
    let said = one.run(["twinlock", "fleet", "init"]).ok().to_owned();
    assert!(said.contains("The fleet test has begun with the host one"), "{said}");
    assert_eq!(one.run(["stat", "-c%a", "/etc/twinlock/fleet.key"]).ok(), "600\n");
    assert_eq!(one.run(["twinlock", "fleet", "init"]).code, Some(3));
    enable(&one);
    assert_eq!(two.run(["twinlock", "fleet", "join"]).code, Some(3));
    give_key(&one, &two);
    let check = json(&two, "fleet join --check");
    assert_eq!((&check["joined"], &check["only_there"]), (&false.into(), &1.into()));
    // Host one writes its entry each minute; nothing else may be written.
    assert!((0..3).any(|_| check_writes_nothing(&two, &etcd)));
    assert_eq!(etcd.keys("/twinlock/test/hosts/"), ["/twinlock/test/hosts/one"]);
    let joined = json(&two, "fleet join");
    assert_eq!((&joined["joined"], &joined["only_there"]), (&true.into(), &1.into()), "{joined}");
    enable(&two);
    assert_eq!(json(&two, "status ada")["state"], "enrolled");
    let told = two.run(["twinlock", "status", "ada"]);
    assert!(told.stderr.contains("The fleet test shares this user's record."), "{told:?}");
    let status = json(&two, "fleet status");
    assert_eq!(status["hosts"].as_array().map(Vec::len), Some(2), "{status}");
    assert_eq!(status["endpoints"].as_array().map(Vec::len), Some(3), "{status}");
    assert_eq!(status["warnings"], Value::Array(Vec::new()), "{status}");
    let text = two.run(["twinlock", "fleet", "status"]).ok().to_owned();
    assert!(
        text.starts_with("Fleet test, host two\nThis host has joined it, and logins use it.\n")
    );
    assert!(text.contains("Shared records: 1 here. Format 1, epoch 1."), "{text}");
    two.run(["twinlock", "fleet", "leave", "--yes"]).ok();
    assert!(!two.file("/etc/twinlock/fleet.key").exists());
    assert_eq!(etcd.keys("/twinlock/test/hosts/"), ["/twinlock/test/hosts/one"]);
}

#[test]
fn two_records_of_one_user_are_settled_by_a_choice_only() {
    let network = FleetNetwork::new();
    let etcd = EtcdCluster::start_in(&network, 1, &EtcdOptions::default());
    let (one, two) = (network.host("one"), network.host("two"));
    ready(&one, &etcd);
    ready(&two, &etcd);
    one.enrolled("ada", ADA);
    two.enrolled("ada", EVE).enrolled("bob", BOB);
    one.run(["twinlock", "fleet", "init"]).ok();
    give_key(&one, &two);
    let before = etcd.keys("/twinlock/test/");
    let refused = two.run(["twinlock", "fleet", "join"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(
        refused.stderr.contains("with another record in the fleet than here: ada"),
        "{refused:?}"
    );
    assert_eq!(two.run(["twinlock", "fleet", "join", "--check"]).code, Some(1));
    assert_eq!(etcd.keys("/twinlock/test/"), before);
    let joined = json(&two, "fleet join --take merge");
    assert_eq!((&joined["settled"], &joined["sent"]), (&1.into(), &1.into()), "{joined}");
    enable(&one);
    enable(&two);
    for host in [&one, &two] {
        let names = json(host, "status ada")["authenticators"].as_array().map(Vec::len);
        assert_eq!(names, Some(2));
        assert_eq!(json(host, "status bob")["state"], "enrolled");
    }
}

#[test]
fn a_key_is_rotated_and_a_stolen_host_taken_out() {
    let network = FleetNetwork::new();
    let etcd = EtcdCluster::start_in(&network, 1, &EtcdOptions::default());
    let (one, two) = (network.host("one"), network.host("two"));
    ready(&one, &etcd);
    ready(&two, &etcd);
    one.enrolled("ada", ADA);
    one.run(["twinlock", "fleet", "init"]).ok();
    give_key(&one, &two);
    two.run(["twinlock", "fleet", "join"]).ok();
    enable(&one);
    enable(&two);
    assert_eq!(json(&two, "status ada")["state"], "enrolled");
    let stolen = json(&one, "fleet leave --stolen two --yes");
    assert_eq!((&stolen["disclosed"], &stolen["key"]), (&1.into(), &2.into()), "{stolen}");
    assert_eq!(etcd.keys("/twinlock/test/hosts/"), ["/twinlock/test/hosts/one"]);
    assert_eq!(json(&one, "status ada")["seen"].as_array().map(Vec::len), Some(1));
    assert_eq!(two.run(["twinlock", "status", "ada"]).code, Some(0));
    let early = one.run(["twinlock", "fleet", "rotate", "--finish"]);
    assert!(early.stderr.contains("1 host without sealing key 2: one"), "{early:?}");
    let access = FleetAccess { key_ids: vec![1, 2], ..FleetAccess::default() };
    one.end_fleet("TERM").fleet_config(&etcd, &access).start_fleet();
    let mut done = Value::Null;
    for _ in 0..200 {
        done = json(&one, "fleet rotate --finish");
        if done["state"] == "in_force" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    assert_eq!((&done["state"], &done["left"]), (&"in_force".into(), &0.into()), "{done}");
    assert_eq!(json(&one, "status ada")["state"], "enrolled");
    assert_eq!(json(&one, "fleet rotate --finish")["state"], "dropped");
    assert_eq!(json(&one, "status ada")["state"], "enrolled");
}

#[test]
fn a_restored_store_gets_back_what_it_lost() {
    let network = FleetNetwork::new();
    let etcd = EtcdCluster::start_in(&network, 3, &EtcdOptions::default());
    let one = network.host("one");
    ready(&one, &etcd);
    one.enrolled("ada", ADA);
    one.run(["twinlock", "fleet", "init"]).ok();
    enable(&one);
    etcd.snapshot("before");
    one.enrolled("bob", BOB);
    one.run(["twinlock", "reset", "ada", "--yes"]).ok();
    etcd.restore("before");
    let refused = one.run(["twinlock", "status", "ada"]);
    assert!(refused.stdout.contains("(fleet_record_older): logins are refused"), "{refused:?}");
    let status = json(&one, "fleet status");
    let counts = (&status["records"]["newer_here"], &status["records"]["only_here"]);
    assert_eq!(counts, (&1.into(), &1.into()), "{status}");
    assert_eq!(status["warnings"].as_array().map(Vec::len), Some(2), "{status}");
    let recovered = json(&one, "fleet recover");
    assert_eq!((&recovered["sent"], &recovered["epoch"]), (&2.into(), &2.into()), "{recovered}");
    assert_eq!(json(&one, "status ada")["state"], "pending");
    assert_eq!(json(&one, "status bob")["state"], "enrolled");
    let again = json(&one, "fleet recover");
    assert_eq!((&again["sent"], &again["same"]), (&0.into(), &2.into()), "{again}");
    let rejoined = json(&one, "fleet rejoin");
    assert_eq!(rejoined["newer_here"], 0);
    assert_eq!(json(&one, "fleet upgrade")["format"], 1);
}
