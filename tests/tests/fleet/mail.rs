//! Checks that a user of several hosts gets one mail about wrong codes, and not one from each host.

use twinlock_tests::{FleetHost, FleetNetwork};

use crate::pair::{Pair, SHARED};

/// Stands in for sendmail: stores each mail in a file of its own, or fails if /run/mail-fails exists.
const SENDMAIL: &str = "#!/bin/sh
[ -e /run/mail-fails ] && exit 75
cat > \"$(mktemp /run/mails/XXXXXX)\"
";

fn prepare(host: &FleetHost<'_>) {
    let mail = "mail_domain = \"example.org\"\nsendmail = \"/root/sendmail\"\n";
    host.settings(&format!("{mail}{SHARED}"));
    host.run(["mkdir", "-p", "/run/mails"]).ok();
    host.file("/root/sendmail").write(SENDMAIL).mode(0o755);
}

/// Types wrong codes until the user is to be notified. Five are free on all hosts together.
fn guess(host: &FleetHost<'_>) {
    for _ in 0..6 {
        let call = host.pamtester_as(&["-I", "rhost=203.0.113.7"], "login-one", "ada");
        call.input(format!("{}\n\n", host.wrong_code("ada"))).output();
    }
}

fn mails(host: &FleetHost<'_>) -> usize {
    host.run(["twinlock", "deliver"]);
    let to_ada = "cat /run/mails/* /dev/null | grep -c '^To: .*ada@example.org'";
    host.run(["sh", "-c", to_ada]).stdout.trim().parse().expect("a number")
}

#[test]
fn wrong_codes_on_two_hosts_are_one_mail() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    for host in [one, two] {
        prepare(host);
    }
    guess(one);
    guess(two);
    let queued = |host: &FleetHost<'_>| {
        let found = host.run(["sh", "-c", "ls /var/lib/twinlock/outbox | grep -c guessed"]);
        found.stdout.trim().to_owned()
    };
    assert_eq!((queued(one).as_str(), queued(two).as_str()), ("1", "1"));
    // The first host cannot send it, and gives the turn back.
    one.file("/run/mail-fails").write("");
    assert_eq!(mails(one), 0);
    assert_eq!(pair.etcd.keys("/twinlock/test/mail/"), [""; 0]);
    assert_eq!(mails(two), 1);
    let keys = pair.etcd.keys("/twinlock/test/mail/");
    assert!(keys.len() == 1 && keys[0].ends_with("/guessed"), "{keys:?}");
    // The retry of the first host finds that the user has been told.
    one.run(["rm", "/run/mail-fails"]).ok();
    one.call(["twinlock", "deliver"]).clock(1000).output().ok();
    assert_eq!((mails(one), queued(one).as_str()), (0, "0"), "{:?}", one.log());
    assert_eq!(mails(two), 1);
}
