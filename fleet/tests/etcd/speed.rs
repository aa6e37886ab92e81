//! How long transactions take. It is measured on request: `cargo test --release -p twinlock-fleet --test etcd --
//! --ignored`.

use std::{
    io::Write,
    sync::Barrier,
    time::{Duration, Instant},
};

use twinlock_core::wire::fleet::{FleetOutcome, FleetTask, Transaction};

use crate::{
    client::{charge, receive, send},
    scene::Scene,
};

/// Returns the transaction that charges an attempt of the user with this number.
fn charge_of(user: usize) -> Transaction {
    let mut transaction = charge(&format!("l/{user}/try/0"), b"a nonce of a login");
    if let Some(twinlock_core::wire::fleet::StoreRead::Prefix { prefix, .. }) =
        transaction.reads.first_mut()
    {
        *prefix = format!("l/{user}/");
    }
    transaction
}

/// Prints the median, the 95th percentile and the maximum of times.
fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| {
        let place = times.len().saturating_sub(1) * percent / 100;
        times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    };
    let (half, most, last) = (at(50), at(95), at(100));
    let line = format!("{what}: p50 {half:.2} ms, p95 {most:.2} ms, maximum {last:.2} ms\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error");
}

#[test]
#[ignore = "measures"]
fn transactions_one_by_one_and_at_once() {
    let Some(s) = Scene::joined(&[]) else { return };
    let mut users = 0..;
    let mut one = || {
        let done = s.daemon.timed(3000, charge_of(users.next().expect("a number")));
        assert_eq!(done.outcome, FleetOutcome::Done);
        done.took
    };
    for _ in 0..200 {
        one();
    }
    report("alone", (0..2000).map(|_| one()).collect());
    for count in [32, 200, 1000] {
        let (barrier, begun) = (Barrier::new(count), Instant::now());
        let ask = |user: usize| {
            barrier.wait();
            let begun = Instant::now();
            let task = FleetTask::Transact(charge_of(1_000_000 * count + user));
            (receive(send(s.daemon.socket(), 3000, task)).outcome, begun.elapsed())
        };
        let found: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..count).map(|user| scope.spawn(move || ask(user))).collect();
            all.into_iter().map(|one| one.join().expect("a thread")).collect()
        });
        let whole = begun.elapsed().as_secs_f64();
        let done = found.iter().filter(|one| one.0 == FleetOutcome::Done).count();
        assert_eq!(done, count, "{:?}", found.iter().map(|one| one.0).collect::<Vec<_>>());
        let what = format!("{count} at once, {:.0} a second", count as f64 / whole);
        report(&what, found.into_iter().map(|one| one.1).collect());
    }
}
