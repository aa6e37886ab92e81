//! Tests the daemon with an etcd that asks for passwords.

use std::fs;

use twinlock_core::wire::fleet::{FleetOutcome, FleetTask};

use crate::{
    client::{eventually, get, put},
    scene::{Daemon, Scene, config},
};

/// Turns on etcd's authentication by passwords. Its user `web1` may read and write the keys of the fleet.
fn switch_on(s: &Scene) {
    let post = |path: &str, body: &str| s.etcd.post(path, body);
    for user in ["root", "web1"] {
        post("/v3/auth/user/add", &format!(r#"{{"name":"{user}","password":"secret"}}"#));
        post("/v3/auth/role/add", &format!(r#"{{"name":"{user}"}}"#));
        post("/v3/auth/user/grant", &format!(r#"{{"user":"{user}","role":"{user}"}}"#));
    }
    // The keys from /twinlock/prod/ to /twinlock/prod0.
    let keys = r#""key":"L3R3aW5sb2NrL3Byb2Qv","range_end":"L3R3aW5sb2NrL3Byb2Qw""#;
    let grant = format!(r#"{{"name":"web1","perm":{{"permType":"READWRITE",{keys}}}}}"#);
    post("/v3/auth/role/grant", &grant);
    let enabled = post("/v3/auth/enable", "{}");
    assert!(!enabled.contains("error"), "{enabled}");
}

fn with_password(s: &Scene, password: &str) -> Daemon {
    fs::write(s.folder.path().join("password"), password).expect("a password file");
    let user = "user = \"web1\"\npassword_file = \"password\"\n";
    Daemon::start(s.folder.path(), &(config(&s.etcd) + user))
}

#[test]
fn a_password_gets_a_token() {
    let Some(mut s) = Scene::joined(&[]) else { return };
    switch_on(&s);
    eventually("it is refused", || s.daemon.transact(get("a")).outcome == FleetOutcome::Denied);
    s.daemon.kill();
    s.daemon = with_password(&s, "wrong\n");
    assert_eq!(s.daemon.transact(get("a")).outcome, FleetOutcome::Denied);
    s.daemon.kill();
    s.daemon = with_password(&s, "secret\n");
    assert_eq!(s.daemon.transact(put("a", vec![1])).outcome, FleetOutcome::Done);
    // After a restart the store does not know the token any more.
    s.etcd.end();
    s.etcd.resume();
    eventually("a new token", || s.daemon.transact(get("a")).outcome == FleetOutcome::Done);
    assert_eq!(s.daemon.ask(FleetTask::Leave).outcome, FleetOutcome::Done);
}

#[test]
fn a_password_that_the_store_does_not_ask_for_is_no_error() {
    let Some(mut s) = Scene::joined(&[]) else { return };
    s.daemon.kill();
    s.daemon = with_password(&s, "secret");
    assert_eq!(s.daemon.transact(get("a")).outcome, FleetOutcome::Done);
    switch_on(&s);
    eventually("a token", || s.daemon.transact(get("a")).outcome == FleetOutcome::Done);
    assert!(s.daemon.log().contains("event=fleet_store_asks_no_password"));
}
