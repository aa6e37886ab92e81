//! Checks that a store that was put back, or changed without the key, lets nobody in.

use twinlock_tests::FleetNetwork;

use crate::pair::{Pair, gets_in};

#[test]
fn store_put_back_to_a_snapshot_stops_the_hosts_that_wrote_since() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two, etcd) = (&pair.one, &pair.two, &pair.etcd);
    assert!(gets_in(one, &[&one.code_in("ada", -1)]));
    etcd.snapshot("before");
    let code = one.code("ada");
    assert!(gets_in(one, &[&code]));
    // The daemon writes its host's entry each minute; a restart writes it at once.
    one.end_fleet("TERM").start_fleet();
    etcd.restore("before").until_healthy();
    for number in 0..100 {
        etcd.put(&format!("/foreign/{number}"), "x");
    }
    // The store has forgotten the code. Host one has not, and it stops, because it wrote in the lost time.
    assert!(!gets_in(one, &[&code]));
    assert!(!gets_in(one, &[&one.code_in("ada", 1)]));
    assert!(!one.logged("reason=store_rolled_back").is_empty(), "{:?}", one.log());
    assert!(gets_in(two, &[&two.code_in("ada", 1)]), "{:?}", two.log());
}

#[test]
fn changed_values_are_refused() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two, etcd) = (&pair.one, &pair.two, &pair.etcd);
    assert!(gets_in(two, &[&two.code_in("ada", -1)]));
    let records = etcd.keys("/twinlock/test/r/");
    let whole = etcd.snapshot("whole");
    assert!(records.len() > 256, "{records:?}");
    whole.delete("/twinlock/test/meta");
    assert!(!gets_in(two, &[&two.code("ada")]));
    assert!(!two.logged("reason=fleet_meta_missing").is_empty(), "{:?}", two.log());
    for record in records {
        etcd.delete(&record);
    }
    etcd.restore("whole").until_healthy();
    let _ = one;
}
