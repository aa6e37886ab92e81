//! Checks what holds if something happens between two transactions of a login: a reset, or a late copy of an earlier
//! transaction.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use twinlock_core::wire::fleet::{FleetRequest, FleetTask, StoreTest, StoreWrite};
use twinlock_tests::{
    EtcdOptions, FleetAccess, FleetHost, FleetNetwork, RushLogin, crowd_name, thorough,
};

use crate::leaving::give_key;
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

/// A middleman that holds each claim back until the test lets it go on.
struct HeldClaims<'m> {
    _middle: Middleman<'m>,
    held: Receiver<()>,
    go: SyncSender<()>,
}

impl<'m> HeldClaims<'m> {
    fn of(host: &'m FleetHost<'m>) -> HeldClaims<'m> {
        let ((tell, held), (go, gone)) = (sync_channel::<()>(0), sync_channel::<()>(0));
        let gone = Mutex::new(gone);
        let middle = Middleman::of(
            host,
            Box::new(move |request, daemon| {
                if is_claim(request) {
                    tell.send(()).expect("the test waits");
                    gone.lock().expect("a channel").recv().expect("the test goes on");
                }
                daemon(request)
            }),
        );
        HeldClaims { _middle: middle, held, go }
    }

    /// Waits for the claim of a login that was begun, does something, and lets the claim go on.
    fn during(&self, what: impl FnOnce()) {
        self.held.recv_timeout(Duration::from_secs(30)).expect("a claim");
        what();
        self.go.send(()).expect("the middleman waits");
    }
}

#[test]
fn reset_between_charge_and_claim_lets_nobody_in_by_the_old_key() {
    let times = if thorough() { 1_000 } else { 50 };
    let network = FleetNetwork::new();
    let pair = Pair::with_people(&network, times, &EtcdOptions::default());
    let (one, two) = (&pair.one, &pair.two);
    let claims = HeldClaims::of(two);
    let mut rush = two.rush("login-one");
    for number in 0..times {
        let (user, source) = (crowd_name(number), "192.0.2.1".to_owned());
        let login = RushLogin { user: user.clone(), source, answers: vec![two.code("ada")] };
        rush.begin(&[login]).go();
        claims.during(|| {
            one.run(["twinlock", "reset", &user, "--reason", "lost phone", "--yes"]).ok();
        });
        assert_ne!(rush.ends()[0].code, 0, "{user}: {:?}", two.log());
    }
    print(&format!("{times} resets between charge and claim, no grant"));
    pair.until_no_charge(Duration::from_secs(60));
}

#[test]
fn new_sealing_key_between_charge_and_claim_refuses_no_login() {
    let network = FleetNetwork::new();
    let access = FleetAccess { key_ids: vec![1, 2], ..FleetAccess::default() };
    let pair = Pair::with_access(&network, 1, &EtcdOptions::default(), &access);
    let (one, two) = (&pair.one, &pair.two);
    one.run(["twinlock", "fleet", "rotate"]).ok();
    give_key(one, two);
    let claims = HeldClaims::of(two);
    let mut rush = two.rush("login-one");
    let (user, source) = (crowd_name(0), "192.0.2.1".to_owned());
    rush.begin(&[RushLogin { user, source, answers: vec![two.code("ada")] }]).go();
    claims.during(|| {
        // It seals each record once more.
        one.run(["twinlock", "fleet", "rotate", "--finish"]).ok();
    });
    // The claim is tried once more, with the new revision of the record.
    claims.during(|| ());
    assert_eq!(rush.ends()[0].code, 0, "{:?}", two.log());
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
