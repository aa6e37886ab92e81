//! Checks that a login succeeds although one etcd node is stopped or killed, and that an absent node costs little time.

use std::time::{Duration, Instant};

use twinlock_tests::FleetNetwork;

use crate::pair::{Pair, gets_in};

/// Tries to log in with codes of successive steps until one is accepted. Returns the duration of the accepted login,
/// and the number of logins.
fn until_in(pair: &Pair<'_>, codes: &[String]) -> (Duration, usize) {
    for (number, code) in codes.iter().enumerate() {
        let begun = Instant::now();
        if gets_in(&pair.one, &[code]) {
            return (begun.elapsed(), number + 1);
        }
    }
    panic!("{}\n{}", pair.one.log().join("\n"), pair.one.fleet_output());
}

#[test]
fn stopped_follower_and_leader_cost_one_login_a_little() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    pair.one.settings(&format!("window = 10\n{}", crate::pair::SHARED)).epoch_minutes_ago(30);
    let codes: Vec<String> = (-9..=9).map(|step| pair.one.code_in("ada", step)).collect();
    assert!(gets_in(&pair.one, &[&codes[0]]));
    let leader = pair.etcd.leader();
    let follower = (leader + 1) % 3;
    pair.etcd.stop(follower);
    let (took, logins) = until_in(&pair, &codes[1..3]);
    assert!(logins == 1 && took < Duration::from_secs(6), "{took:?} {logins}");
    pair.etcd.go_on(follower).until_healthy();
    pair.etcd.stop(leader);
    let (took, logins) = until_in(&pair, &codes[3..10]);
    assert!(took < Duration::from_secs(25), "{took:?} {logins}");
    pair.etcd.go_on(leader).until_healthy();
    pair.etcd.kill(pair.etcd.leader());
    let (took, logins) = until_in(&pair, &codes[10..]);
    assert!(took < Duration::from_secs(20), "{took:?} {logins}");
}
