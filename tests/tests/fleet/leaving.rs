//! Checks that a host that was taken out gets nobody in any more, and that a change of the sealing key refuses no login.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use twinlock_tests::{EtcdOptions, FleetAccess, FleetHost, FleetNetwork, crowd_name, thorough};

use crate::loss::print;
use crate::pair::{Pair, gets_in};

#[test]
fn host_that_was_taken_out_gets_nobody_in_also_on_a_warm_connection() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    assert!(gets_in(two, &[&two.code_in("ada", -1)]), "{:?}", two.log());
    one.run(["twinlock", "fleet", "leave", "--stolen", "two", "--yes"]).ok();
    let begun = Instant::now();
    assert!(!gets_in(two, &[&two.code("ada")]), "{:?}", two.log());
    print(&format!("a stolen host refused a login {:?} after it was taken out", begun.elapsed()));
    assert!(!two.logged("reason=store_rolled_back").is_empty(), "{:?}", two.log());
    assert!(gets_in(one, &[&one.code("ada")]), "{:?}", one.log());
}

/// Copies the key file of the fleet to another host, in one step.
pub(crate) fn give_key(from: &FleetHost<'_>, to: &FleetHost<'_>) {
    let key = from.file("/etc/twinlock/fleet.key").read();
    to.file("/etc/twinlock/new.key").write("").mode(0o600).write(key);
    to.run(["mv", "/etc/twinlock/new.key", "/etc/twinlock/fleet.key"]).ok();
}

/// What became of logins: how many, how many were refused although the code was new, and how many were let in with a
/// used code.
#[derive(Debug, Default, PartialEq, Eq)]
struct Logins {
    made: u64,
    refused: u64,
    twice: u64,
}

/// Logs users in on a host until `over`, each once, and then once more with the same code on the other host. The user
/// numbers go from `next` to `people`.
fn logins(hosts: [&FleetHost<'_>; 2], people: u64, next: &AtomicU64, over: &AtomicBool) -> Logins {
    let [mut own, mut other] = hosts.map(|host| host.host("login-one"));
    let mut done = Logins::default();
    while !over.load(Ordering::SeqCst) {
        let number = next.fetch_add(1, Ordering::SeqCst);
        if number >= people {
            break;
        }
        let user = crowd_name(number);
        let code = hosts[0].code("ada");
        let entered = own.login(&user, &code).code == 0;
        done.made += 1;
        done.refused += u64::from(!entered);
        done.twice += u64::from(entered && other.login(&user, &code).code == 0);
    }
    done
}

/// Changes the sealing key: a new one is made, put in force, and the old one dropped.
fn rotate(pair: &Pair<'_>) {
    let (one, two) = (&pair.one, &pair.two);
    one.run(["twinlock", "fleet", "rotate"]).ok();
    give_key(one, two);
    for _ in 0..2 {
        one.run(["twinlock", "fleet", "rotate", "--finish"]).ok();
        give_key(one, two);
    }
}

#[test]
fn change_of_the_sealing_key_refuses_no_login() {
    let people = if thorough() { 5_000 } else { 2_000 };
    let rotations = if thorough() { 5 } else { 2 };
    let network = FleetNetwork::new();
    let access = FleetAccess { key_ids: (1..=12).collect(), ..FleetAccess::default() };
    let pair = Pair::with_access(&network, people, &EtcdOptions::default(), &access);
    let (one, two) = (&pair.one, &pair.two);
    // The program that logs in is installed by one thread.
    drop([one.host("login-one"), two.host("login-one")]);
    let (next, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let done = std::thread::scope(|scope| {
        let left = scope.spawn(|| logins([one, two], people, &next, &over));
        let right = scope.spawn(|| logins([two, one], people, &next, &over));
        for _ in 0..rotations {
            std::thread::sleep(Duration::from_millis(500));
            rotate(&pair);
        }
        over.store(true, Ordering::SeqCst);
        [left.join().expect("a thread"), right.join().expect("a thread")]
    });
    let reasons = [one, two].map(|host| {
        let mut reasons = BTreeMap::new();
        for line in host.logged("reason=fleet_").into_iter().chain(host.logged("reason=store_")) {
            let reason = line.split_once("reason=").map_or("", |(_, reason)| reason).to_owned();
            *reasons.entry(reason).or_insert(0) += 1;
        }
        reasons
    });
    print(&format!("{rotations} changes of the key under load: {done:?} {reasons:?}"));
    assert!(done.iter().all(|done| done.made > 0 && done.refused == 0 && done.twice == 0));
}
