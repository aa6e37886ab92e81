//! Checks that while the store does not answer, logins of shared users are refused with a reason and in time, and all
//! other logins still work.

use std::time::{Duration, Instant};

use twinlock_tests::{EtcdOptions, FleetNetwork};

use crate::pair::{IN, Pair, gets_in};

/// Ten times the three seconds that a login may wait for the store.
const DEADLINE: Duration = Duration::from_secs(30);

#[test]
fn logins_without_a_quorum_are_refused_in_time_and_go_on_after_it() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, etcd) = (&pair.one, &pair.etcd);
    assert!(gets_in(one, &[&one.code("ada")]));
    etcd.stop(0).stop(1);
    let begun = Instant::now();
    assert!(!gets_in(one, &[&one.code_in("ada", 1)]));
    assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());
    let report = one.run(["twinlock", "--json", "doctor"]).stdout;
    assert!(report.contains("etcd does not answer"), "{report}");
    let reasons = one.log().join("\n");
    assert!(
        reasons.contains("reason=store_unreachable") || reasons.contains("reason=store_busy"),
        "{reasons}"
    );
    // A user who is not shared needs no store.
    one.enrolled("root", "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK");
    let root = one.pamtester("login-one", "root").input(format!("{}\n", one.code("root")));
    assert!(root.output().stdout.contains(IN), "{}", one.log().join("\n"));
    etcd.go_on(0).go_on(1).until_healthy();
    let code = one.code_in("ada", 1);
    let until = Instant::now() + DEADLINE;
    while !gets_in(one, &[&code]) {
        assert!(Instant::now() < until, "{}", one.log().join("\n"));
    }
    let until = Instant::now() + DEADLINE;
    while !pair.charges().is_empty() {
        assert!(Instant::now() < until, "{:?}", pair.charges());
    }
}

#[test]
fn lost_leader_delays_a_login_and_refuses_none() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    assert!(gets_in(one, &[&one.code_in("ada", -1)]));
    pair.etcd.kill(pair.etcd.leader());
    let begun = Instant::now();
    let code = two.code("ada");
    assert!(gets_in(two, &[&code]), "{:?} {}", begun.elapsed(), two.fleet_output());
    assert!(!gets_in(one, &[&code]));
}

#[test]
fn full_store_is_named() {
    let network = FleetNetwork::new();
    let options = EtcdOptions { quota: Some(8 * 1024 * 1024), ..EtcdOptions::default() };
    let pair = Pair::without_users(&network, 1, &options);
    let (one, etcd) = (&pair.one, &pair.etcd);
    one.enrolled("ada", crate::pair::KEY);
    let large = "x".repeat(100_000);
    while etcd.alarms().is_empty() {
        let key = format!("/filler/{}", etcd.revision());
        etcd.etcdctl(["put", &key, &large]);
    }
    assert!(!gets_in(one, &[&one.code("ada")]));
    assert!(!one.logged("reason=store_full").is_empty(), "{:?}", one.log());
    etcd.etcdctl(["del", "--prefix", "/filler/"]).ok();
    etcd.compact().defragment().disarm();
    let until = Instant::now() + DEADLINE;
    while !gets_in(one, &[&one.code_in("ada", 1)]) {
        assert!(Instant::now() < until, "{}", one.log().join("\n"));
    }
}

#[test]
fn daemon_that_does_not_run_is_named() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    pair.one.end_fleet("KILL");
    assert!(!gets_in(&pair.one, &[&pair.one.code("ada")]));
    assert!(!pair.one.logged("reason=fleet_no_daemon").is_empty(), "{:?}", pair.one.log());
    pair.one.start_fleet();
    assert!(gets_in(&pair.one, &[&pair.one.code("ada")]), "{:?}", pair.one.log());
}
