//! Tests `EtcdCluster`, the clusters of the fleet's tests: nodes are killed and paused, a snapshot is restored, and
//! unknown clients are refused.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use twinlock_tests::{ClientKind, EtcdCluster, EtcdGrant, EtcdOptions};

fn three() -> EtcdCluster {
    EtcdCluster::start(3, &EtcdOptions::default())
}

/// Sends a request to a node with openssl(1). `files` are the options with the client's files. Returns the answer and
/// openssl's messages.
fn asked(address: &str, files: &[String], request: &str) -> String {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-quiet", "-verify_return_error", "-connect", address]).args(files);
    openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = openssl.spawn().expect("openssl");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), request.as_bytes())
        .expect("openssl reads");
    let output = child.wait_with_output().expect("openssl ends");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Asks a node for its health as the client `name`, whose certificate is of this kind.
fn health(etcd: &EtcdCluster, name: &str, kind: ClientKind) -> String {
    etcd.client(name, kind);
    asked_again(etcd, name)
}

fn asked_again(etcd: &EtcdCluster, name: &str) -> String {
    let files = etcd.client_files(name).map(|file| file.display().to_string());
    let [ca, certificate, key] = files;
    let options = ["-CAfile", &ca, "-cert", &certificate, "-key", &key].map(str::to_owned);
    asked(&etcd.address(0), &options, "GET /health HTTP/1.0\r\n\r\n")
}

#[test]
fn killed_leader_is_replaced() {
    let etcd = three();
    etcd.put("a", "1");
    let leader = etcd.leader();
    let began = Instant::now();
    etcd.kill(leader);
    while etcd.etcdctl(["put", "a", "2", "--command-timeout=500ms"]).code != Some(0) {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", etcd.logs());
    }
    assert_ne!(etcd.leader(), leader);
    etcd.restart(leader).until_healthy();
    assert_eq!(etcd.get("a").as_deref(), Some("2"));
    assert_eq!(etcd.endpoints().len(), 3);
}

#[test]
fn stopped_nodes_end_the_quorum_until_they_go_on() {
    let etcd = three();
    let leader = etcd.leader();
    let others = [(leader + 1) % 3, (leader + 2) % 3];
    for node in others {
        etcd.stop(node);
    }
    let put = || etcd.etcdctl(["put", "a", "1", "--command-timeout=1s"]).code == Some(0);
    assert!(!put());
    for node in others {
        etcd.go_on(node);
    }
    etcd.until_healthy();
    assert!(put());
}

#[test]
fn restored_snapshot_has_a_lower_revision() {
    let etcd = three();
    etcd.put("a", "1").snapshot("before");
    let before = etcd.revision();
    for value in ["2", "3", "4"] {
        etcd.put("a", value);
    }
    assert_eq!(etcd.revision(), before + 3);
    etcd.restore("before");
    assert_eq!(etcd.revision(), before);
    assert_eq!(etcd.get("a").as_deref(), Some("1"));
    etcd.put("a", "5");
    assert_eq!(etcd.revision(), before + 1);
}

#[test]
fn strangers_are_refused_by_tls() {
    let etcd = three();
    assert!(health(&etcd, "usual", ClientKind::Usual).contains("\"health\":\"true\""));
    assert!(health(&etcd, "named", ClientKind::CommonName).contains("\"health\":\"true\""));
    for kind in [ClientKind::Expired, ClientKind::Foreign] {
        let refused = health(&etcd, &format!("{kind:?}"), kind);
        assert!(refused.contains("alert") && !refused.contains("HTTP/"), "{kind:?}: {refused}");
    }
    let ca = etcd.client_files("usual")[0].display().to_string();
    let options = ["-CAfile".to_owned(), ca];
    let refused = asked(&etcd.address(0), &options, "GET /health HTTP/1.0\r\n\r\n");
    assert!(refused.contains("alert") && !refused.contains("HTTP/"), "{refused}");
    let revoked = etcd.client("revoked", ClientKind::Usual);
    assert!(asked_again(&etcd, "revoked").contains("HTTP/"));
    etcd.revoke(&revoked);
    assert!(!asked_again(&etcd, "revoked").contains("HTTP/"));
    assert!(asked_again(&etcd, "usual").contains("HTTP/"));
}

#[test]
fn two_clusters_at_once_and_another_afterwards() {
    let (one, two) = (three(), three());
    one.put("a", "1");
    assert_eq!(two.get("a"), None);
    assert!(one.endpoints().iter().all(|endpoint| !two.endpoints().contains(endpoint)));
    let address = one.address(0);
    drop(one);
    std::net::TcpStream::connect(address).expect_err("no node listens any more");
    two.put("a", "2");
    assert_eq!(three().get("a"), None);
}

#[test]
fn roles_bound_what_a_user_may_do() {
    let etcd = EtcdCluster::start(1, &EtcdOptions::default());
    let grants = [
        EtcdGrant { right: "readwrite", prefix: "/t/l/" },
        EtcdGrant { right: "read", prefix: "/t/r/" },
    ];
    etcd.role("login", &grants).user("one", "secret", &["login"]).enable_auth("root's");
    let as_one = |words: &[&str]| {
        let user = "--user=one:secret";
        etcd.etcdctl([&[user], words].concat()).code == Some(0)
    };
    assert!(as_one(&["put", "/t/l/1", "x"]) && as_one(&["get", "/t/r/1"]));
    assert!(!as_one(&["put", "/t/r/1", "x"]) && !as_one(&["get", "/u"]));
    assert_eq!(etcd.keys("/t/"), ["/t/l/1"]);
    etcd.delete_user("one");
    assert!(!as_one(&["get", "/t/r/1"]));
}

#[test]
fn full_store_takes_writes_again_after_compaction() {
    let quota = 4 * 1024 * 1024;
    let options = EtcdOptions { quota: Some(quota), ..EtcdOptions::default() };
    let etcd = EtcdCluster::start(1, &options);
    let value = "x".repeat(100_000);
    let put = || etcd.etcdctl(["put", "a", &value]).code == Some(0);
    let written = (0..200).take_while(|_| put()).count();
    assert!(written < 200, "the quota was not reached");
    assert_eq!(etcd.alarms().len(), 1);
    let full = etcd.db_size(0);
    etcd.compact().defragment().disarm();
    assert!(etcd.db_size(0) < full / 4, "{full}");
    assert!(put() && etcd.alarms().is_empty());
}

#[test]
fn revoked_lease_takes_its_keys_along() {
    let etcd = EtcdCluster::start(1, &EtcdOptions::default());
    let granted = etcd.etcdctl(["lease", "grant", "100"]);
    let id = granted.ok().split(' ').nth(1).expect("an id").to_owned();
    etcd.etcdctl(["put", "a", "1", &format!("--lease={id}")]).ok();
    assert_eq!(etcd.leases(), [id.as_str()]);
    assert!(etcd.lease(&id).contains("attached keys([a])"), "{}", etcd.lease(&id));
    etcd.revoke_lease(&id);
    assert_eq!((etcd.get("a"), etcd.leases()), (None, Vec::new()));
}

#[test]
fn old_revisions_are_forgotten_after_their_time() {
    let options = EtcdOptions { compaction: Some("1s"), ..EtcdOptions::default() };
    let etcd = EtcdCluster::start(1, &options);
    etcd.put("a", "1");
    let old = format!("--rev={}", etcd.revision());
    etcd.put("a", "2");
    let began = Instant::now();
    while etcd.etcdctl(["get", "a", &old]).code == Some(0) {
        assert!(began.elapsed() < Duration::from_secs(30), "{old} is kept");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(etcd.get("a").as_deref(), Some("2"));
}
