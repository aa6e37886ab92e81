//! Checks that an attacker who can write to the store, or who is the daemon, opens nothing that one host alone would not
//! open.

use std::sync::Mutex;
use std::time::Duration;

use twinlock_core::wire::fleet::{
    FleetOutcome, FleetReply, FleetRequest, FleetTask, StoreEntry, StoreRead, Transaction,
};
use twinlock_tests::{FleetHost, FleetNetwork};

use crate::middle::{Middleman, asked, delete, put, value};
use crate::pair::{IN, Pair, gets_in};

/// Returns the key of ada's record in the store: of all records, only hers has changed since the fleet began.
fn record_of_ada(pair: &Pair<'_>) -> String {
    let records = pair.etcd.keys("/twinlock/test/r/");
    let names: Vec<&str> =
        records.iter().filter_map(|key| key.strip_prefix("/twinlock/test/")).collect();
    let before: Vec<_> = names.iter().map(|key| value(&pair.one, key)).collect();
    pair.one.run(["twinlock", "backup-codes", "ada", "--yes"]).ok();
    let changed = names.iter().zip(before).find(|(key, old)| value(&pair.one, key) != *old);
    changed.map(|(key, _)| (*key).to_owned()).expect("a record that has changed")
}

/// Tries a code on a host, which must refuse it and log `reason`.
#[track_caller]
fn is_refused(host: &FleetHost<'_>, code: &str, reason: &str) {
    let before = host.logged(reason).len();
    assert!(!gets_in(host, &[code]));
    assert!(host.logged(reason).len() > before, "{reason}: {:?}", host.log());
}

#[test]
fn older_moved_and_changed_records_are_refused_where_the_newer_was_seen() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    one.user("bob").enrolled("bob", "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U");
    two.user("bob");
    let key = record_of_ada(&pair);
    let older = value(one, &key).expect("ada's record");
    one.run(["twinlock", "backup-codes", "ada", "--yes"]).ok();
    let newest = value(one, &key).expect("ada's record");
    assert_ne!(older, newest);
    assert!(gets_in(two, &[&two.code_in("ada", -1)]), "{:?}", two.log());
    put(one, &key, &older);
    for host in [one, two] {
        is_refused(host, &one.code("ada"), "reason=fleet_record_older");
    }
    for bit in [0, 8, 80, 300, newest.len() * 8 - 1] {
        let mut changed = newest.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        put(one, &key, &changed);
        for host in [one, two] {
            is_refused(host, &one.code("ada"), "reason=fleet_");
        }
    }
    let others = pair.etcd.keys("/twinlock/test/r/");
    let others = others.iter().filter_map(|other| other.strip_prefix("/twinlock/test/"));
    for other in others.filter(|other| **other != *key).take(2) {
        put(one, &key, &value(one, other).expect("a record"));
        is_refused(two, &one.code("ada"), "reason=fleet_unsealed");
    }
    put(one, &key, &newest);
    assert!(gets_in(two, &[&two.code("ada")]), "{:?}", two.log());
}

#[test]
fn without_a_record_or_the_description_of_the_fleet_nobody_gets_in() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    assert!(gets_in(two, &[&two.code_in("ada", -1)]));
    let key = record_of_ada(&pair);
    for (key, reason) in
        [(key.as_str(), "reason=fleet_record_gone"), ("meta", "reason=fleet_meta_missing")]
    {
        let kept = value(one, key).expect("a value");
        delete(one, key);
        for host in [one, two] {
            is_refused(host, &one.code("ada"), reason);
        }
        put(one, key, &kept);
    }
    assert!(gets_in(two, &[&two.code("ada")]), "{:?}", two.log());
}

/// Returns whether bob gets in with a code.
fn bob_gets_in(host: &FleetHost<'_>, code: &str) -> bool {
    host.pamtester("login-one", "bob").input(format!("{code}\n")).output().stdout.contains(IN)
}

#[test]
fn revoked_leases_give_no_code_back() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    one.user("bob");
    two.user("bob");
    let file = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U\n\" TOTP_AUTH\n10000001\n20000002\n30000003\n";
    one.file("/root/bob").write(file).mode(0o600);
    one.run(["twinlock", "import", "google", "bob", "--file", "/root/bob"]).ok();
    let code = one.code("ada");
    assert!(gets_in(one, &[&code]), "{:?}", one.log());
    assert!(bob_gets_in(one, "10000001"), "{:?}", one.log());
    for _ in 0..3 {
        gets_in(one, &[&one.wrong_code("ada")]);
    }
    assert_eq!(pair.charges().len(), 3);
    // Of what logins write, only attempts and the end of a streak have a lease.
    for lease in pair.etcd.leases() {
        let keys = pair.etcd.lease(&lease);
        let keys = keys.split_once("attached keys([").map_or("", |(_, keys)| keys);
        let mut own = keys.trim_end_matches("])").split(' ').filter(|key| !key.is_empty());
        assert!(own.all(|key| key.contains("/try/") || key.ends_with("/row")), "{keys}");
        pair.etcd.revoke_lease(&lease);
    }
    assert_eq!(pair.charges(), [""; 0]);
    for host in [one, two] {
        assert!(!gets_in(host, &[&code]), "{:?}", host.log());
        assert!(!bob_gets_in(host, "10000001"), "{:?}", host.log());
    }
    // The wrong codes still count where they were typed, and the store takes logins with a new lease.
    assert_eq!(attempts(one), 3, "{:?}", one.run(["find", "/run/twinlock/users/ada"]).stdout);
    assert!(bob_gets_in(two, "20000002"), "{:?}", two.log());
    assert!(gets_in(two, &[&two.code_in("ada", 1)]), "{:?}", two.log());
}

/// Returns the number of ada's attempts in the ledger of a host itself.
fn attempts(host: &FleetHost<'_>) -> usize {
    let found = host.run(["find", "/run/twinlock/users/ada", "-name", "try.*"]);
    found.ok().lines().count()
}

/// Returns the reply of a daemon that says yes to every transaction, and shows the store as it once was.
fn yes(request: &FleetRequest, shown: &[StoreEntry]) -> FleetReply {
    let reads = match &request.task {
        FleetTask::Transact(transaction) | FleetTask::Preview(transaction) => {
            transaction.reads.as_slice()
        }
        FleetTask::State | FleetTask::Join | FleetTask::Rejoin | FleetTask::Leave => &[],
    };
    let is_read = |entry: &&StoreEntry| {
        reads.iter().any(|read| match read {
            StoreRead::Key(key) => *key == entry.key,
            StoreRead::Prefix { prefix, .. } => entry.key.starts_with(prefix),
        })
    };
    let entries = shown.iter().filter(is_read).cloned().collect();
    FleetReply { entries, ..FleetReply::of(FleetOutcome::Done) }
}

#[test]
fn daemon_that_says_yes_to_everything_opens_nothing() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let one = &pair.one;
    let list = |prefix: &str| StoreRead::Prefix {
        prefix: prefix.to_owned(),
        after: String::new(),
        limit: 0,
    };
    let reads = vec![list("r/"), list("c/"), StoreRead::Key("meta".to_owned())];
    let shown = asked(one, Transaction { reads, ..Transaction::default() }).entries;
    let code = one.code("ada");
    assert!(gets_in(one, &[&code]), "{:?}", one.log());
    let asked = std::sync::Arc::new(Mutex::new(0));
    let counted = std::sync::Arc::clone(&asked);
    let liar = Middleman::of(
        one,
        Box::new(move |request, _| {
            *counted.lock().expect("a count") += 1;
            yes(request, &shown)
        }),
    );
    assert!(!gets_in(one, &[&code]), "{:?}", one.log());
    assert!(*asked.lock().expect("a count") > 0, "{:?}", one.log());
    // A code that the liar itself has let in is used as well.
    let next = one.code_in("ada", 1);
    assert!(gets_in(one, &[&next]), "{:?}", one.log());
    assert!(!gets_in(one, &[&next]) && !gets_in(one, &[&code]), "{:?}", one.log());
    let wrong = one.wrong_code("ada");
    for _ in 0..9 {
        gets_in(one, &[&wrong]);
    }
    assert_eq!(one.logged("reason=wrong_code").len(), 5, "{:?}", one.log());
    assert!(!one.logged("reason=throttled").is_empty(), "{:?}", one.log());
    drop(liar);
    std::thread::sleep(Duration::from_millis(10));
    assert!(!gets_in(one, &[&code]) && !gets_in(one, &[&next]), "{:?}", one.log());
}
