//! Tests the daemon with an etcd that does not answer or has no space, and with clients that do not wait.

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use twinlock_core::wire::fleet::{FleetOutcome, FleetTask};

use crate::{
    client::{charge, delete, eventually, get, put, send},
    scene::Scene,
};

#[test]
fn a_store_that_is_silent_is_not_asked_again() {
    let Some(s) = Scene::joined(&[]) else { return };
    s.etcd.freeze();
    let first = s.daemon.timed(1500, charge("l/ada/try/1", b"nonce"));
    // The write of the entry may have noticed it a moment before.
    assert!([FleetOutcome::Unreachable, FleetOutcome::Busy].contains(&first.outcome));
    assert!(first.took < Duration::from_millis(1700), "{:?}", first.took);
    eventually("the breaker", || s.daemon.transact(get("a")).outcome == FleetOutcome::Busy);
    for _ in 0..20 {
        let next = s.daemon.timed(3000, get("a"));
        assert_eq!(next.outcome, FleetOutcome::Busy);
        assert!(next.took < Duration::from_millis(50), "{:?}", next.took);
    }
    let since: u64 = s.daemon.state("daemon.since").unwrap().parse().unwrap();
    assert!(since > 1_700_000_000, "{since}");
    let endpoint = s.daemon.state(&format!("endpoint.{}", s.etcd.url())).unwrap();
    assert!(endpoint.starts_with("failed "), "{endpoint}");
    s.etcd.thaw();
    eventually("the store is back", || s.daemon.transact(get("a")).outcome == FleetOutcome::Done);
    assert_eq!(s.daemon.state("daemon.since").as_deref(), Some(""));
    eventually("the charge is gone", || s.daemon.value("l/ada/try/1").is_none());
    assert!(s.daemon.log().contains("event=fleet_store_unreachable host=web1 since="));
    assert!(s.daemon.log().contains("event=fleet_store_back host=web1 seconds="));
}

#[test]
fn a_store_that_refuses_connections_is_unreachable() {
    let Some(mut s) = Scene::joined(&[]) else { return };
    s.etcd.end();
    let first = s.daemon.timed(600, get("a"));
    assert!([FleetOutcome::Unreachable, FleetOutcome::Busy].contains(&first.outcome));
    s.etcd.resume();
    eventually("the store is back", || s.daemon.transact(get("a")).outcome == FleetOutcome::Done);
}

#[test]
fn what_a_client_did_not_read_is_taken_back() {
    let Some(s) = Scene::joined(&[]) else { return };
    let unread = send(s.daemon.socket(), 3000, FleetTask::Transact(charge("l/ada/try/1", b"a")));
    eventually("the charge", || s.daemon.value("l/ada/try/1").is_some());
    std::thread::sleep(Duration::from_millis(100));
    // The reply is in the buffer of the connection.
    drop(unread);
    eventually("the charge is gone", || s.daemon.value("l/ada/try/1").is_none());
    assert_eq!(s.daemon.state("daemon.waiting").as_deref(), Some("1"));
    // A client that reads its reply keeps its charge.
    let reply = s.daemon.transact(charge("l/ada/try/2", b"b"));
    assert_eq!(reply.outcome, FleetOutcome::Done);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(s.daemon.value("l/ada/try/2").as_deref(), Some(b"b".as_slice()));
}

#[test]
fn a_client_that_gave_up_is_taken_back_later() {
    let Some(s) = Scene::joined(&[]) else { return };
    s.etcd.freeze();
    let gone: Vec<UnixStream> = (0..20)
        .map(|number| {
            let charge = charge(&format!("l/ada/try/{number}"), b"nonce");
            send(s.daemon.socket(), 800, FleetTask::Transact(charge))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    drop(gone);
    std::thread::sleep(Duration::from_millis(700));
    s.etcd.thaw();
    eventually("the store is back", || s.daemon.transact(get("a")).outcome == FleetOutcome::Done);
    eventually("no charge stands", || {
        let reply = s.daemon.transact(charge("l/ada/try/mine", b"mine"));
        s.daemon.transact(delete("l/ada/try/mine"));
        reply.entries.len() == 1
    });
}

#[test]
fn a_full_store_is_full() {
    let Some(s) = Scene::joined(&["--quota-backend-bytes", "8388608"]) else { return };
    let outcome = (0..400).find_map(|number| {
        let reply = s.daemon.transact(put(&format!("x/{number}"), vec![7; 64 * 1024]));
        (reply.outcome != FleetOutcome::Done).then_some(reply.outcome)
    });
    assert_eq!(outcome, Some(FleetOutcome::Full));
    assert_eq!(s.daemon.transact(charge("l/ada/try/1", b"a")).outcome, FleetOutcome::Full);
    assert_eq!(s.daemon.value("x/0").map(|value| value.len()), Some(64 * 1024));
    assert_eq!(s.daemon.transact(delete("x/0")).outcome, FleetOutcome::Done);
    assert!(s.daemon.log().contains("event=fleet_store_full"));
}

#[test]
fn clients_that_stall_or_send_something_else_hold_nothing() {
    let Some(s) = Scene::joined(&[]) else { return };
    let mut stalled: Vec<UnixStream> = Vec::new();
    for _ in 0..500 {
        let mut connection = UnixStream::connect(s.daemon.socket()).unwrap();
        connection.write_all(b"TWINFLT").unwrap();
        stalled.push(connection);
    }
    let mut other = UnixStream::connect(s.daemon.socket()).unwrap();
    other.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    assert!(matches!(other.read(&mut [0; 8]), Ok(0) | Err(_)));
    assert_eq!(s.daemon.transact(get("a")).outcome, FleetOutcome::Done);
    std::thread::sleep(Duration::from_millis(2200));
    let is_closed = |one: &UnixStream| {
        one.set_nonblocking(true).unwrap();
        let mut one = one;
        // A connection that is closed with something unread is reset.
        !matches!(one.read(&mut [0; 8]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    };
    assert!(stalled.iter().all(is_closed));
}
