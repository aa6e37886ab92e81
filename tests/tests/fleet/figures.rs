//! Measures and prints what logins cost the store: the time of one login at a time and of many at once, and the bytes
//! that a login leaves in the store.

use twinlock_tests::{EtcdOptions, FLEET_SOCKET, FleetNetwork};

use crate::loss::print;
use crate::pair::Pair;

/// Number of logins one after the other, and of logins at once.
const LOGINS: &str = "2000";
const AT_ONCE: &str = "200";

/// Prints measurements of this machine. Fails only at about ten times the usual time.
#[test]
#[ignore = "prints figures, which a busy machine spoils; run it by hand with --run-ignored all --no-capture"]
fn cost_of_a_login_at_the_store() {
    let network = FleetNetwork::new();
    let options = EtcdOptions { compaction: Some("1h"), ..EtcdOptions::default() };
    let pair = Pair::without_users(&network, 3, &options);
    let leader = pair.etcd.leader();
    let before = pair.etcd.db_size(leader);
    let script = include_str!("figures.py");
    let said = pair.one.run(["python3", "-c", script, FLEET_SOCKET, LOGINS, AT_ONCE]);
    let grown = pair.etcd.db_size(leader).saturating_sub(before);
    let logins = LOGINS.parse::<u64>().expect("a number") + 50;
    let text = format!("{}{} bytes of database a login", said.ok(), grown / logins);
    print(&text);
    assert!(!pair.etcd.keys("/twinlock/test/l/").iter().any(|key| key.contains("/try/")));
    assert!(grown / logins < 8_000, "{text}");
}
