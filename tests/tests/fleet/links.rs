//! Tests `LossyLink`, a proxy between a client and etcd: answers are lost, requests arrive late or twice, or nothing
//! passes.

use std::process::Command;
use std::time::{Duration, Instant};

use twinlock_tests::{ClientKind, EtcdCluster, EtcdOptions, LossyLink};

use crate::gateway::{put, sent};

const PATIENCE: Duration = Duration::from_secs(20);

fn plain() -> EtcdCluster {
    EtcdCluster::start(1, &EtcdOptions { tls: false, ..EtcdOptions::default() })
}

fn link(etcd: &EtcdCluster) -> (LossyLink, String) {
    let link = LossyLink::to(&etcd.address(0), 7);
    let address = link.address().to_string();
    (link, address)
}

/// Waits until a condition holds.
#[track_caller]
fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn lost_answers_belong_to_requests_that_were_carried_out() {
    let etcd = plain();
    let (link, address) = link(&etcd);
    link.lose(60);
    let answered = |number: usize| {
        let request = put(&format!("k/{number:03}"), "x");
        sent(&address, &request, PATIENCE).is_some()
    };
    let lost = (0..300).filter(|number| !answered(*number)).count();
    assert!((150..=210).contains(&lost), "{lost} of 300 answers were lost");
    assert_eq!((link.lost(), link.passed()), (lost as u64, 300 - lost as u64));
    assert_eq!(etcd.keys("k/").len(), 300);
}

#[test]
fn the_same_seed_loses_the_same_answers() {
    let etcd = plain();
    let lost = |seed| {
        let link = LossyLink::to(&etcd.address(0), seed);
        let address = link.lose(50).address().to_string();
        let answered = (0..40).map(|_| sent(&address, &put("a", "1"), PATIENCE).is_some());
        answered.collect::<Vec<bool>>()
    };
    let first = lost(1);
    assert_eq!(first, lost(1));
    assert_ne!(first, lost(2));
}

#[test]
fn late_copy_undoes_a_later_write() {
    let etcd = plain();
    let (link, address) = link(&etcd);
    link.copy_after(Some(Duration::from_secs(1)));
    assert!(sent(&address, &put("a", "old"), PATIENCE).is_some());
    etcd.put("a", "new");
    assert_eq!(etcd.get("a").as_deref(), Some("new"));
    until("the copy", || link.copied() == 1);
    assert_eq!(etcd.get("a").as_deref(), Some("old"));
}

#[test]
fn delayed_request_arrives_after_its_client_has_left() {
    let etcd = plain();
    let (link, address) = link(&etcd);
    link.delay(Duration::from_millis(500));
    assert_eq!(sent(&address, &put("a", "1"), Duration::from_millis(100)), None);
    assert_eq!(etcd.get("a"), None);
    until("the request", || etcd.get("a").is_some());
}

#[test]
fn hanging_link_passes_everything_later() {
    let etcd = plain();
    let (link, address) = link(&etcd);
    link.hang();
    assert_eq!(sent(&address, &put("a", "1"), Duration::from_millis(300)), None);
    assert_eq!(etcd.get("a"), None);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| sent(&address, &put("b", "2"), PATIENCE));
        std::thread::sleep(Duration::from_millis(100));
        link.go_on();
        assert!(waiting.join().expect("a client").is_some());
    });
    assert_eq!(etcd.get("b").as_deref(), Some("2"));
}

#[test]
fn answers_are_lost_under_tls_too() {
    let etcd = EtcdCluster::start(1, &EtcdOptions::default());
    let (link, address) = link(&etcd);
    etcd.client("one", ClientKind::Usual);
    let files = etcd.client_files("one").map(|file| file.display().to_string());
    let [ca, certificate, key] = files;
    let send = |name: &str| {
        let options = ["-CAfile", &ca, "-cert", &certificate, "-key", &key, "-connect", &address];
        let request = put(name, "1");
        // The request follows the handshake without a pause.
        let script = "printf %s \"$0\" | openssl s_client -quiet \"$@\"";
        let output = Command::new("sh").args(["-c", script, &request]).args(options).output();
        String::from_utf8_lossy(&output.expect("a shell").stdout).into_owned()
    };
    assert!(send("a").contains("200 OK"));
    link.lose(100);
    assert_eq!(send("b"), "");
    assert_eq!((link.lost(), etcd.keys("")), (1, vec!["a".to_owned(), "b".to_owned()]));
}
