//! Tests joining and leaving, transactions, and what the entry of a host shows: a store that was restored to an earlier
//! state, and clones.

use std::{fs, process::Command};

use twinlock_core::wire::fleet::{FleetOutcome, FleetTask, StoreTest, Transaction};

use crate::{
    client::{charge, delete, eventually, get, list, put},
    scene::{Daemon, Scene, config},
};

#[test]
fn a_host_joins_and_leaves() {
    let Some(s) = Scene::joined(&[]) else { return };
    assert_eq!(s.daemon.ask(FleetTask::Join).outcome, FleetOutcome::Refused);
    let value = String::from_utf8(s.daemon.value("hosts/web1").unwrap()).unwrap();
    assert!(value.starts_with("counter=") && value.contains(" formats=1 key_ids=1 at="), "{value}");
    assert_eq!(s.daemon.state("daemon.stopped").as_deref(), Some(""));
    let endpoint = s.daemon.state(&format!("endpoint.{}", s.etcd.url())).unwrap();
    for word in ["ok version=3.", " ms=", " clock=", " leader=1 ", " quota=2147483648 "] {
        assert!(endpoint.contains(word), "{endpoint}");
    }
    eventually("leases", || {
        let leases = s.daemon.state("daemon.leases").unwrap();
        leases.contains("days=") && leases.contains("hour=")
    });
    assert_eq!(s.daemon.ask(FleetTask::Leave).outcome, FleetOutcome::Done);
    assert_eq!(s.daemon.ask(FleetTask::Leave).outcome, FleetOutcome::NotJoined);
    assert_eq!(s.daemon.transact(get("a")).outcome, FleetOutcome::NotJoined);
    assert_eq!(s.daemon.state("daemon.stopped").as_deref(), Some("not_joined"));
    assert_eq!(s.daemon.ask(FleetTask::Join).outcome, FleetOutcome::Done);
}

#[test]
fn a_host_that_has_not_joined_may_read_and_writes_nothing() {
    let Some(s) = Scene::joined(&[]) else { return };
    let preview = |transaction| s.daemon.ask(FleetTask::Preview(transaction));
    s.daemon.transact(put("r/ada", vec![7]));
    // A host that has joined has no need of it.
    assert_eq!(preview(get("r/ada")).outcome, FleetOutcome::Refused);
    assert_eq!(s.daemon.ask(FleetTask::Leave).outcome, FleetOutcome::Done);
    let read = preview(list("r/", "", 0));
    assert_eq!((read.outcome, read.entries.len()), (FleetOutcome::Done, 1));
    assert_eq!(read.entries[0].value, [7]);
    let revision = read.revision;
    for written in [put("a", vec![1]), delete("r/ada"), charge("l/ada/try/1", b"nonce")] {
        assert_eq!(preview(written).outcome, FleetOutcome::Malformed);
    }
    let again = preview(get("hosts/web1"));
    assert_eq!(
        (again.outcome, again.entries.len(), again.revision),
        (FleetOutcome::Done, 0, revision)
    );
    // Another machine of this name is in the fleet.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("state")).unwrap();
    let other = Daemon::start(folder.path(), &config(&s.etcd));
    assert_eq!(other.ask(FleetTask::Join).outcome, FleetOutcome::Done);
    assert_eq!(preview(get("r/ada")).outcome, FleetOutcome::Refused);
}

#[test]
fn a_transaction_is_carried_out_as_a_whole() {
    let Some(s) = Scene::joined(&[]) else { return };
    let reply = s.daemon.transact(charge("l/ada/try/1", b"nonce-1"));
    assert_eq!((reply.outcome, reply.entries.len()), (FleetOutcome::Done, 1));
    let entry = &reply.entries[0];
    assert_eq!(
        (entry.key.as_str(), entry.value.as_slice()),
        ("l/ada/try/1", b"nonce-1".as_slice())
    );
    assert_eq!(entry.revision, reply.revision);
    let again = s.daemon.transact(charge("l/ada/try/1", b"nonce-2"));
    assert_eq!((again.outcome, &again.entries), (FleetOutcome::Refused, &reply.entries));
    let mut guarded = delete("l/ada/try/1");
    let test = StoreTest::Value(b"nonce-2".to_vec());
    guarded.compares =
        vec![twinlock_core::wire::fleet::StoreCompare { key: "l/ada/try/1".into(), test }];
    assert_eq!(s.daemon.transact(guarded).outcome, FleetOutcome::Refused);
    assert_eq!(s.daemon.transact(delete("l/ada/try/1")).outcome, FleetOutcome::Done);
    assert_eq!(s.daemon.value("l/ada/try/1"), None);
    assert_eq!(s.daemon.transact(delete("hosts/web1")).outcome, FleetOutcome::Malformed);
    let writes = [put("a", vec![1]).writes, put("a", vec![2]).writes].concat();
    let twice = Transaction { writes, ..Transaction::default() };
    assert_eq!(s.daemon.transact(twice).outcome, FleetOutcome::Malformed);
}

#[test]
fn a_long_list_comes_in_parts() {
    let Some(s) = Scene::joined(&[]) else { return };
    // Of the maximum size of a sealed record: all at once would be too large an answer.
    for number in 0..250 {
        let reply = s.daemon.transact(put(&format!("r/{number:03}"), vec![7; 66 * 1024]));
        assert_eq!(reply.outcome, FleetOutcome::Done);
    }
    let (mut after, mut count) = (String::new(), 0);
    loop {
        let reply = s.daemon.transact(list("r/", &after, 0));
        assert_eq!(reply.outcome, FleetOutcome::Done, "{}", s.daemon.log());
        count += reply.entries.len();
        after = reply.entries.last().unwrap().key.clone();
        if !reply.more {
            break;
        }
    }
    assert_eq!((count, after.as_str()), (250, "r/249"));
    let reply = s.daemon.transact(list("r/", "r/100", 3));
    let keys: Vec<_> = reply.entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!((keys.as_slice(), reply.more), (["r/101", "r/102", "r/103"].as_slice(), true));
}

#[test]
fn a_store_that_was_put_back_stops_the_host() {
    let Some(mut s) = Scene::joined(&[]) else { return };
    s.etcd.end();
    let copy = s.folder.path().join("copy");
    let copied = Command::new("cp").arg("-a").arg(s.etcd.data()).arg(&copy).status();
    assert!(copied.unwrap().success());
    s.etcd.resume();
    let before = s.daemon.value("hosts/web1").unwrap();
    eventually("the next write", || s.daemon.value("hosts/web1").as_ref() != Some(&before));
    assert_eq!(s.daemon.transact(put("r/ada", vec![1])).outcome, FleetOutcome::Done);
    s.etcd.end();
    fs::remove_dir_all(s.etcd.data()).unwrap();
    fs::rename(&copy, s.etcd.data()).unwrap();
    s.etcd.resume();
    eventually("the stop", || s.daemon.transact(get("r/ada")).outcome == FleetOutcome::RolledBack);
    assert_eq!(s.daemon.state("daemon.stopped").as_deref(), Some("rolled_back"));
    s.daemon.kill();
    s.daemon = Daemon::start(s.folder.path(), &config(&s.etcd));
    assert_eq!(s.daemon.transact(get("r/ada")).outcome, FleetOutcome::RolledBack);
    assert_eq!(s.daemon.ask(FleetTask::Rejoin).outcome, FleetOutcome::Done);
    assert_eq!(s.daemon.value("r/ada"), None);
}

#[test]
fn clones_stop_both() {
    let Some(s) = Scene::joined(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("state")).unwrap();
    fs::copy(s.daemon.state_dir().join("host"), folder.path().join("state/host")).unwrap();
    let clone = Daemon::start(folder.path(), &config(&s.etcd));
    let begun = std::time::Instant::now();
    let both = [&s.daemon, &clone];
    eventually("both stop", || {
        both.iter().all(|daemon| daemon.transact(get("a")).outcome == FleetOutcome::Cloned)
    });
    // Two intervals of one second, and the time to find out.
    assert!(begun.elapsed().as_secs_f64() < 2.5, "{:?}", begun.elapsed());
    assert!(
        s.daemon.log().contains("event=fleet_cloned") && clone.log().contains("event=fleet_cloned")
    );
    drop(clone);
    assert_eq!(s.daemon.ask(FleetTask::Rejoin).outcome, FleetOutcome::Done);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(s.daemon.transact(get("a")).outcome, FleetOutcome::Done);
}

#[test]
fn a_crash_within_a_write_is_no_clone() {
    let Some(mut s) = Scene::joined(&[]) else { return };
    for _ in 0..5 {
        // The write of the entry reaches the store, and its answer does not reach the daemon.
        s.etcd.freeze();
        std::thread::sleep(std::time::Duration::from_millis(1100));
        s.daemon.kill();
        s.etcd.thaw();
        s.daemon = Daemon::start(s.folder.path(), &config(&s.etcd));
        std::thread::sleep(std::time::Duration::from_millis(200));
        eventually("it goes on", || s.daemon.transact(get("a")).outcome == FleetOutcome::Done);
    }
}
