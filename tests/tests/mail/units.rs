//! Tests the units that run `twinlock deliver`: systemd's verification, and their triggers.

use twinlock_tests::{Machine, repository};

const UNITS: [&str; 3] =
    ["twinlock-deliver.path", "twinlock-deliver.service", "twinlock-deliver.timer"];

fn shipped(unit: &str) -> String {
    let packaging = repository().join("packaging/systemd");
    std::fs::read_to_string(packaging.join(unit)).expect("a unit that is shipped")
}

#[test]
fn systemd_understands_them() {
    let m = Machine::new();
    m.files();
    m.run(["mkdir", "-p", "/etc/systemd/system"]).ok();
    for unit in UNITS {
        m.file(&format!("/etc/systemd/system/{unit}")).write(shipped(unit));
    }
    for unit in UNITS {
        let path = format!("/etc/systemd/system/{unit}");
        let said = m.run(["systemd-analyze", "verify", "--man=no", &path]);
        // Only lines about twinlock count: systemd also complains about other units that are installed here.
        let ours = said.stderr.lines().filter(|line| line.contains("twinlock"));
        assert_eq!(ours.collect::<Vec<_>>(), Vec::<&str>::new(), "{said:?}");
    }
}

#[test]
fn what_starts_the_service_is_gone_after_each_run() {
    let m = Machine::new();
    m.twinlock().user("ada").settings("mail_domain = \"example.org\"\nsendmail = \"/none\"\n");
    let path = shipped("twinlock-deliver.path");
    let glob = path.lines().find_map(|line| line.strip_prefix("PathExistsGlob="));
    let glob = glob.expect("what the path unit looks for");
    let seen = || m.run(["sh", "-c", &format!("ls -d {glob}")]).code == Some(0);
    m.run(["twinlock", "deliver"]).ok();
    assert!(!seen(), "an empty outbox starts nothing");
    for (name, target) in [
        ("ada@reset", "1800000000 sshd 203.0.113.7 - 3"),
        ("ada@guessed", "1800000000 sshd 203.0.113.7 - -"),
        ("ada@odd", "x"),
        ("@", "x"),
    ] {
        m.file(&format!("/var/lib/twinlock/outbox/{name}")).link_to(target);
        assert!(seen(), "{name} starts the service");
        m.run(["twinlock", "deliver"]);
        assert!(!seen(), "{name} would start it without end");
    }
}
