//! Checks that a store that was put back to an earlier state stops the hosts that wrote in the lost time.

use twinlock_tests::FleetNetwork;

use crate::middle::put;
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
    // Afterwards the store has more revisions than host one has ever seen.
    let before = etcd.revision();
    for number in 0..1_000 {
        put(two, &format!("foreign/{number}"), b"x");
    }
    assert_eq!(etcd.revision(), before + 1_000);
    // The store has forgotten the code. Host one has not, and it stops, because it wrote in the lost time.
    assert!(!gets_in(one, &[&code]));
    assert!(!gets_in(one, &[&one.code_in("ada", 1)]));
    assert!(!one.logged("reason=store_rolled_back").is_empty(), "{:?}", one.log());
    assert!(gets_in(two, &[&two.code_in("ada", 1)]), "{:?}", two.log());
}
