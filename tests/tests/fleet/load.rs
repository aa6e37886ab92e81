//! Measures logins through PAM in a fleet: one after the other, a thousand at once, and what each leaves in the store.

use std::time::Duration;

use twinlock_tests::{EtcdOptions, FleetNetwork, RushLogin, crowd_name};

use crate::loss::print;
use crate::pair::Pair;

/// Number of users who log in.
const PEOPLE: u64 = 1_000;

/// Returns the time that `percent` percent of the logins do not exceed.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() - 1) * percent / 100]
}

/// Returns one login of each of these users.
fn one_each(people: std::ops::Range<u64>, code: &str) -> Vec<RushLogin> {
    let login = |number: u64| RushLogin {
        user: crowd_name(number),
        source: format!("192.0.2.{}", number % 250),
        answers: vec![code.to_owned()],
    };
    people.map(login).collect()
}

/// Returns the size of the database of the node that leads, in bytes.
fn size(pair: &Pair<'_>) -> u64 {
    pair.etcd.db_size(pair.etcd.leader())
}

#[test]
fn a_thousand_logins_at_once_all_end_and_most_are_let_in() {
    let network = FleetNetwork::new();
    let pair = Pair::with_people(&network, PEOPLE, &EtcdOptions::default());
    let one = &pair.one;
    let mut rush = one.rush("login-one");
    // The first logins on a host make its folders.
    let before = size(&pair);
    rush.begin(&one_each(0..PEOPLE, &one.code("ada")));
    let ends = rush.go().ends();
    let bytes = size(&pair).saturating_sub(before) / PEOPLE;
    let granted = ends.iter().filter(|end| end.code == 0).count();
    let mut times: Vec<Duration> = ends.iter().map(|end| end.took).collect();
    let [half, most, all] = [50, 95, 100].map(|percent| percentile(&mut times, percent));
    print(&format!(
        "{PEOPLE} logins at once: {granted} granted, p50 {half:?}, p95 {most:?}, max {all:?}; {bytes} bytes of database each"
    ));
    // A slow machine lets fewer in within the three seconds of a login, and refuses the others in time.
    assert!(granted * 10 >= times.len(), "{granted}");
    assert!(all < Duration::from_secs(30), "{all:?}");
    assert!(bytes < 8_000, "{bytes}");
    pair.until_no_charge(Duration::from_secs(60));
}

/// Returns the time of the transactions of a login at each node, without daemon and module.
fn store_alone(pair: &Pair<'_>) -> String {
    let record = pair.etcd.keys("/twinlock/test/r/").swap_remove(0);
    let record = record.trim_start_matches("/twinlock/test/").to_owned();
    let nodes = (0..3).map(|node| pair.etcd.address(node));
    let words = ["python3", "-c", include_str!("store_alone.py")].map(str::to_owned);
    pair.one.run(words.into_iter().chain([record]).chain(nodes)).ok().to_owned()
}

#[test]
fn logins_one_after_the_other_take_little_time_and_space() {
    let network = FleetNetwork::new();
    let pair = Pair::with_people(&network, 300, &EtcdOptions::default());
    let one = &pair.one;
    let mut host = one.host("login-one");
    let mut times = Vec::new();
    let mut grown = [0; 3];
    let wrong = one.wrong_code("ada");
    for (place, wrongs) in [0, 1, 6].into_iter().enumerate() {
        let before = size(&pair);
        for number in 0..300 {
            if wrongs == 0 {
                let login = host.login(&crowd_name(number), &one.code("ada"));
                assert_eq!(login.code, 0, "{:?}", one.log().last());
                times.push(login.took);
            }
            // After the fifth wrong code, none is compared.
            for _ in 0..wrongs {
                host.login(&crowd_name(number), &wrong);
            }
        }
        grown[place] = (size(&pair).saturating_sub(before)) / 300;
    }
    let [half, most, all] = [50, 95, 100].map(|percent| percentile(&mut times, percent));
    print(&format!("one after the other: p50 {half:?}, p95 {most:?}, max {all:?}"));
    print(&format!(
        "the transactions alone, leader {}:\n{}",
        pair.etcd.leader(),
        store_alone(&pair)
    ));
    print(&format!("bytes of database: {grown:?} for a login, a wrong code, and six more"));
    assert!(half < Duration::from_millis(30) && most < Duration::from_millis(80), "{half:?}");
    assert!(grown[0] < 8_000 && grown[1] < 3_000, "{grown:?}");
}
