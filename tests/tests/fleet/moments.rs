//! Checks what holds if something happens between two transactions of a login: a reset, or a late copy of an earlier
//! transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use twinlock_core::wire::fleet::{FleetRequest, FleetTask, StoreTest, StoreWrite};
use twinlock_tests::{EtcdOptions, FleetNetwork, RushLogin, crowd_name, thorough};

use crate::loss::print;
use crate::middle::Middleman;
use crate::pair::{Pair, SHARED, gets_in};

/// How late copies of requests come.
const LATE: Duration = Duration::from_secs(10);

/// Returns whether a request is a claim: it writes a used step that is higher than before.
fn is_claim(request: &FleetRequest) -> bool {
    let FleetTask::Transact(transaction) = &request.task else { return false };
    let is_top =
        |write: &StoreWrite| matches!(write, StoreWrite::Put { key, .. } if key.contains("/top/"));
    transaction.writes.iter().any(is_top)
        && transaction.compares.iter().any(|one| matches!(one.test, StoreTest::Value(_)))
}

#[test]
fn reset_between_charge_and_claim_lets_nobody_in_by_the_old_key() {
    let times = if thorough() { 1_000 } else { 20 };
    let network = FleetNetwork::new();
    let pair = Pair::linked(&network, times, &EtcdOptions::default());
    let (one, two) = (&pair.one, &pair.two);
    let claims = Arc::new(AtomicUsize::new(0));
    let (told, done) = std::sync::mpsc::sync_channel::<()>(0);
    let (go, gone) = std::sync::mpsc::sync_channel::<()>(0);
    let (counted, gone) = (Arc::clone(&claims), std::sync::Mutex::new(gone));
    let middle = Middleman::of(
        two,
        Box::new(move |request, daemon| {
            if is_claim(request) {
                counted.fetch_add(1, Ordering::SeqCst);
                told.send(()).expect("the test waits");
                gone.lock().expect("a channel").recv().expect("the test goes on");
            }
            daemon(request)
        }),
    );
    let mut rush = two.rush("login-one");
    for number in 0..times {
        let (user, source) = (crowd_name(number), "192.0.2.1".to_owned());
        let login = RushLogin { user: user.clone(), source, answers: vec![two.code("ada")] };
        rush.begin(&[login]).go();
        done.recv_timeout(Duration::from_secs(30)).expect("a claim");
        one.run(["twinlock", "reset", &user, "--reason", "lost phone", "--yes"]).ok();
        go.send(()).expect("the middleman waits");
        let ends = rush.ends();
        assert_ne!(ends[0].code, 0, "{user}: {:?}", two.log());
    }
    drop(middle);
    let claims = claims.load(Ordering::SeqCst);
    print(&format!("{times} resets between charge and claim, {claims} claims, no grant"));
    pair.until_no_charge(Duration::from_secs(60));
}

#[test]
fn late_copies_take_no_charge_away_and_let_nobody_in() {
    let network = FleetNetwork::new();
    // Requests can be copied only without TLS.
    let options = EtcdOptions { tls: false, ..EtcdOptions::default() };
    let pair = Pair::linked(&network, 1, &options);
    let (one, two) = (&pair.one, &pair.two);
    one.settings(&format!("[throttle]\nfree = 20\n{SHARED}"));
    for link in &pair.links {
        link.copy_after(Some(LATE));
    }
    let begun = Instant::now();
    let (code, wrong) = (one.code("ada"), one.wrong_code("ada"));
    // A claim, whose charge is deleted with it; refunds of a used code; charges that stay.
    assert!(gets_in(one, &[&code]), "{:?}", one.log());
    for host in [one, two, one] {
        assert!(!gets_in(host, &[&code]), "{:?}", host.log());
    }
    for host in [one, two, one] {
        assert!(!gets_in(host, &[&wrong]));
    }
    let charges = pair.charges();
    assert_eq!(charges.len(), 3, "{charges:?}");
    for link in &pair.links {
        link.copy_after(None);
    }
    while begun.elapsed() < LATE + Duration::from_secs(8) {
        assert!(!gets_in(two, &[&code]), "{:?}", two.log());
        let kept = pair.charges();
        assert!(charges.iter().all(|charge| kept.contains(charge)), "{charges:?} {kept:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
    let copies: u64 = pair.links.iter().map(twinlock_tests::LossyLink::copied).sum();
    print(&format!(
        "{copies} late copies; {} charges before and {} after them",
        charges.len(),
        pair.charges().len()
    ));
    assert!(copies >= 10, "{copies}");
    let until = Instant::now() + Duration::from_secs(60);
    while pair.charges() != charges {
        assert!(Instant::now() < until, "{charges:?} {:?}", pair.charges());
        std::thread::sleep(Duration::from_millis(500));
    }
}
