//! Tests the daemon with an etcd that uses TLS. The program `openssl` makes the certificates.

use std::{fs, path::Path, process::Command};

use twinlock_core::wire::fleet::{FleetOutcome, FleetTask};

use crate::{
    client::{eventually, get, put},
    scene::{Daemon, config},
    store::{Etcd, program},
};

/// Makes an authority `NAME.pem`, and a certificate for a server or host that it has signed.
const AUTHORITY: &str = "\
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=ca' \
    -keyout $0.key -out $0.pem";
const SIGNED: &str = "\
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/O=twinlock' -keyout $1.key -out $1.csr
printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth,clientAuth\\n' >$1.ext
openssl x509 -req -in $1.csr -CA $0.pem -CAkey $0.key -CAcreateserial -days 20 -extfile $1.ext -out $1.pem";

#[track_caller]
fn openssl(folder: &Path, script: &str, words: &[&str]) {
    let done = Command::new("sh").args(["-euc", script]).args(words).current_dir(folder).output();
    let done = done.expect("openssl");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn with_tls(folder: &Path, etcd: &Etcd, ca: &str, host: &str) -> Daemon {
    let tls = format!("ca = \"{ca}.pem\"\ncertificate = \"{host}.pem\"\nkey = \"{host}.key\"\n");
    Daemon::start(folder, &(config(etcd) + &tls))
}

#[test]
fn both_sides_show_certificates() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (ca, names) in [("ca", ["server", "host"].as_slice()), ("other", &["stranger"])] {
        openssl(path, AUTHORITY, &[ca]);
        names.iter().for_each(|name| openssl(path, SIGNED, &[ca, name]));
    }
    let file = |name: &str| path.join(name).to_string_lossy().into_owned();
    let (server, key, ca) = (file("server.pem"), file("server.key"), file("ca.pem"));
    let options = ["--cert-file", &server, "--key-file", &key, "--client-cert-auth"];
    let etcd =
        Etcd::start(&program, path, &[&options, ["--trusted-ca-file", &ca].as_slice()].concat());
    let daemon = with_tls(path, &etcd, "ca", "host");
    eventually("it joins", || daemon.ask(FleetTask::Join).outcome == FleetOutcome::Done);
    assert_eq!(daemon.transact(put("a", vec![1])).outcome, FleetOutcome::Done);
    assert_eq!(daemon.value("a"), Some(vec![1]));
    let days = daemon.state("daemon.certificate_days").unwrap();
    assert!(days == "19" || days == "20", "{days}");
    assert!(daemon.state(&format!("endpoint.{}", etcd.url())).unwrap().contains(" quota="));
    drop(daemon);
    // The host does not trust the store, and the store does not trust the host.
    for (ca, host) in [("other", "host"), ("ca", "stranger")] {
        let daemon = with_tls(path, &etcd, ca, host);
        assert_eq!(daemon.transact(get("a")).outcome, FleetOutcome::Denied, "{}", daemon.log());
    }
    // A key of another certificate.
    fs::copy(path.join("stranger.key"), path.join("host.key")).unwrap();
    let files = "ca = \"ca.pem\"\ncertificate = \"host.pem\"\nkey = \"host.key\"\n";
    fs::write(
        path.join("fleet.toml"),
        format!("fleet = \"a\"\nhost = \"b\"\n{}{files}", config(&etcd)),
    )
    .unwrap();
    let tests = std::env::current_exe().unwrap();
    let done = Command::new(tests.ancestors().nth(2).unwrap().join("twinlock-fleet"))
        .arg("--config")
        .arg(path.join("fleet.toml"))
        .args(["--state", &file(""), "--listen", &file("socket")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("certificate and key cannot be used"), "{said}");
}
