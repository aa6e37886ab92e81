//! Checks that `twinlock list`, `status` and `why` say on which host of the fleet a code was used or refused.

use serde_json::Value;
use twinlock_tests::{EtcdOptions, FleetHost, FleetNetwork};

use crate::pair::{IN, KEY, Pair, gets_in};

fn json(host: &FleetHost<'_>, words: &str) -> Value {
    let done = host.run(format!("twinlock --json {words}").split(' '));
    serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{words}: {e}: {done:?}"))
}

/// Returns the kind and the host of each use that `why` reports, the newest first.
fn uses(host: &FleetHost<'_>) -> Vec<[String; 2]> {
    let found = json(host, "why ada")["fleet"].take();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or("null").to_owned();
    let all = found.as_array().unwrap_or_else(|| panic!("{found}"));
    all.iter().map(|one| [text(one, "kind"), text(one, "host")]).collect()
}

fn pause() {
    // Uses are sorted by time, in seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
}

#[test]
fn every_host_says_where_a_code_was_used() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    assert_eq!(uses(one), [[""; 2]; 0]);
    assert!(gets_in(two, &[&two.code("ada")]), "{:?}", two.log());
    for host in [one, two] {
        let listed = json(host, "list").as_array().expect("a list")[0].clone();
        assert_eq!(listed["last_host"], "two", "{listed}");
        assert!(listed["last_code"].is_u64(), "{listed}");
        let status = host.run(["twinlock", "status", "ada"]).ok().to_owned();
        assert!(status.contains(" on two\n"), "{status}");
        assert_eq!(uses(host), [["code", "two"]]);
    }
    pause();
    let from = ["-I", "rhost=203.0.113.7"];
    let wrong = format!("{}\n\n", two.wrong_code("ada"));
    let said = two.pamtester_as(&from, "login-one", "ada").input(wrong).output();
    assert!(!said.stdout.contains(IN), "{said:?}");
    assert!(gets_in(one, &[&one.code_in("ada", 1)]), "{:?}", one.log());
    for host in [one, two] {
        let mut found = uses(host);
        found.sort();
        assert_eq!(found, [["attempt", "two"], ["code", "one"]]);
        assert_eq!(json(host, "status ada")["last_host"], "one");
        let why = host.run(["twinlock", "why", "ada"]).ok().to_owned();
        assert!(why.contains("wrong code on two, from 203.0.113.7\n"), "{why}");
        assert!(why.contains("code accepted on one\n"), "{why}");
    }
}

#[test]
fn every_host_says_where_a_backup_code_was_spent() {
    let network = FleetNetwork::new();
    let pair = Pair::without_users(&network, 3, &EtcdOptions::default());
    let (one, two) = (&pair.one, &pair.two);
    let file = format!("{KEY}\n\" TOTP_AUTH\n10000001\n20000002\n30000003\n");
    one.file("/root/ada").write(file).mode(0o600);
    one.run(["twinlock", "import", "google", "ada", "--file", "/root/ada"]).ok();
    // The import has claimed a step, which is no login.
    assert_eq!(uses(one), [[""; 2]; 0]);
    assert!(gets_in(one, &["10000001"]), "{:?}", one.log());
    pause();
    assert!(gets_in(two, &["20000002"]), "{:?}", two.log());
    for host in [one, two] {
        assert_eq!(uses(host), [["backup_code", "two"], ["backup_code", "one"]]);
        assert_eq!(json(host, "status ada")["last_host"], "two");
    }
    // Who reads etcd learns no name of a host from what logins have written.
    for part in ["s", "l"] {
        for key in pair.etcd.keys(&format!("/twinlock/test/{part}/")) {
            let value = pair.etcd.get(&key).unwrap_or_default();
            assert!(!value.contains("one") && !value.contains("two"), "{key}");
        }
    }
}
