//! Runs each subcommand of `twinlock fleet` that changes something, with a code of the acting user, and compares the
//! log lines and mails with the subcommand's row in the permission table.

use std::collections::{BTreeMap, BTreeSet};

use twinlock_core::authorization::{OPERATIONS, Permission, Proof};
use twinlock_tests::{
    EtcdCluster, EtcdOptions, Finished, FleetAccess, FleetHost, FleetNetwork, Machine,
};

const KIM: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const OUTBOX: &str = "/var/lib/twinlock/outbox";

fn rows() -> BTreeMap<&'static str, Permission> {
    let all = OPERATIONS.iter().map(|one| one.permission());
    let asked = all.filter(|row| row.verb.starts_with("fleet ") && row.proof != Proof::Nothing);
    asked.map(|row| (row.verb, row)).collect()
}

fn by_kim(m: &Machine, line: &str, code: &str) -> Finished {
    let line = format!("sudo twinlock {line}");
    m.call(["sh", "-c", &line]).as_user("kim").logged_in("kim").input(format!("{code}\n")).output()
}

fn host<'n>(network: &'n FleetNetwork, name: &str, etcd: &EtcdCluster) -> FleetHost<'n> {
    let host = network.host(name);
    host.twinlock().user("kim").enrolled("kim", KIM);
    host.settings("mail_domain = \"example.org\"\n[fleet]\nlowest_uid = 50000\n");
    host.file("/etc/sudoers.d/kim").write("kim ALL=(root) NOPASSWD: ALL\n").mode(0o440);
    host.fleet_config(etcd, &FleetAccess { key_ids: vec![1, 2], ..FleetAccess::default() });
    host.start_fleet();
    host
}

/// The log lines and mails, by row of the permission table.
type Seen = BTreeMap<&'static str, [BTreeSet<String>; 2]>;

/// Runs a command with a wrong code, which changes nothing, and then with a right one.
fn run(host: &FleetHost<'_>, row: &'static str, line: &str, seen: &mut Seen) {
    host.run(["find", OUTBOX, "-type", "l", "-delete"]).ok();
    let before = host.log().len();
    let wrong = by_kim(host, line, &host.wrong_code("kim"));
    assert!(matches!(wrong.code, Some(1 | 130)), "{line}: {wrong:?}");
    let logged = || -> BTreeSet<String> {
        let own = format!(" own_code=given actor=uid:{}", host.uid("kim"));
        let lines = host.log().split_off(before);
        let event =
            |line: &String| line.split_once("event=")?.1.split(' ').next().map(str::to_owned);
        lines.iter().filter(|line| line.ends_with(&own)).filter_map(event).collect()
    };
    assert!(logged().is_empty(), "{line}");
    host.run(["twinlock", "unlock", "kim"]).ok();
    host.run(["find", OUTBOX, "-type", "l", "-delete"]).ok();
    // One code serves for all command lines, so the host must forget that it was used.
    host.run(["sh", "-c", "rm -f /run/twinlock/users/kim/used.*"]).ok();
    by_kim(host, line, &host.code("kim")).ok();
    let names = host.run(["find", OUTBOX, "-type", "l", "-printf", "%f\n"]);
    let kind = |name: &str| name.split(['@', '.']).nth(1).expect("a kind").to_owned();
    let all = seen.entry(row).or_default();
    all[0].extend(logged());
    all[1].extend(names.ok().lines().map(kind));
}

#[test]
fn each_row_is_asked_logged_and_mailed_as_it_says() {
    let network = FleetNetwork::new();
    let etcd = EtcdCluster::start_in(&network, 1, &EtcdOptions::default());
    let (one, two) = (host(&network, "one", &etcd), host(&network, "two", &etcd));
    let mut seen = Seen::new();
    run(&one, "fleet init", "fleet init", &mut seen);
    let key = one.file("/etc/twinlock/fleet.key").read();
    two.file("/etc/twinlock/fleet.key").write("").mode(0o600).write(key);
    run(&two, "fleet join", "fleet join", &mut seen);
    run(&two, "fleet recover", "fleet recover", &mut seen);
    run(&two, "fleet rejoin", "fleet rejoin", &mut seen);
    run(&two, "fleet throttle", "fleet throttle", &mut seen);
    for line in ["fleet rotate", "fleet rotate --finish", "fleet rotate --finish"] {
        run(&one, "fleet rotate", line, &mut seen);
    }
    run(&one, "fleet leave --stolen", "fleet leave --stolen two --yes", &mut seen);
    run(&one, "fleet leave", "fleet leave --yes", &mut seen);
    for (verb, row) in rows() {
        let logged = row.logged.iter().map(|event| (*event).to_owned()).collect();
        let mailed = row.mailed.iter().map(|kind| kind.word().to_owned()).collect();
        assert_eq!(seen[verb], [logged, mailed], "{verb}");
    }
}
