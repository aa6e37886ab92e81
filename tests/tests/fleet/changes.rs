//! Checks that a reset, a removal or an unlock on one host takes effect on the other at once.

use twinlock_tests::{First, FleetNetwork, Server};

use crate::pair::{Pair, gets_in};

#[test]
fn reset_between_prompt_and_code_ends_a_login_elsewhere() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    two.server(Server::Publickey);
    assert!(gets_in(two, &[&two.code("ada")]));
    let mut login = two.at_the_prompt("ada", First::Key);
    one.run(["twinlock", "reset", "ada", "--reason", "lost phone", "--yes"]).ok();
    login.send_line(&two.code_in("ada", 1));
    assert!(!login.logged_in(), "{}", login.transcript());
    assert!(!gets_in(two, &[&two.code_in("ada", 1)]));
}

#[test]
fn new_key_counts_on_the_other_host_and_the_old_one_does_not() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    assert!(gets_in(two, &[&two.code("ada")]));
    let old = two.code_in("ada", 1);
    one.run(["twinlock", "remove", "ada", "--yes"]).ok();
    assert!(!gets_in(two, &[&old]));
    one.enrolled("ada", "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK");
    assert!(!gets_in(two, &[&old]));
    assert!(gets_in(two, &[&one.code("ada")]), "{:?}", two.log());
}

#[test]
fn wrong_codes_on_both_hosts_count_together() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    let from = |host: &twinlock_tests::Machine, code: &str| {
        let call = host.pamtester_as(&["-I", "rhost=203.0.113.7"], "login-one", "ada");
        call.input(format!("{code}\n\n")).output()
    };
    let wrong = one.wrong_code("ada");
    for host in [one, two, one, two, one] {
        from(host, &wrong);
    }
    assert_eq!(pair.charges().len(), 5);
    // Five are free. The sixth waits on either host, though no host has seen more than three.
    for host in [one, two] {
        from(host, &wrong);
        assert!(!host.logged("reason=throttled").is_empty(), "{:?}", host.log());
    }
    assert_eq!(pair.charges().len(), 5);
    one.run(["twinlock", "unlock", "ada"]).ok();
    assert_eq!(pair.charges(), [""; 0]);
    assert!(from(one, &one.code("ada")).stdout.contains(crate::pair::IN), "{:?}", one.log());
}

#[test]
fn absence_of_a_record_is_no_way_in_whatever_settings_and_pam_line_say() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let two = &pair.two;
    two.user("eve");
    let line =
        "auth required pam_twinlock.so first_factor=stack nullok\naccount required pam_permit.so\n";
    two.pam("lenient", line);
    let enters = |service: &str| {
        let said = two.pamtester(service, "eve").input("\n").output();
        said.stdout.contains(crate::pair::IN)
    };
    assert!(!enters("lenient"), "{:?}", two.log());
    assert_eq!(two.logged("reason=fleet_open_without_record").len(), 1, "{:?}", two.log());
    // Settings that were not applied are not checked either.
    two.settings(&format!("not_enrolled = \"allow\"\n{}", crate::pair::SHARED));
    assert!(!enters("login-one"), "{:?}", two.log());
    assert_eq!(two.logged("reason=fleet_open_without_record").len(), 2, "{:?}", two.log());
    // A rule is no way in either, also for a user who has a record: the store might show an old one.
    let reminds = "[[rule]]\naction = \"remind\"\n";
    two.settings(&format!("{}{reminds}", crate::pair::SHARED));
    assert!(!enters("login-one"), "{:?}", two.log());
    assert_eq!(two.logged("reason=fleet_open_without_record").len(), 3, "{:?}", two.log());
    two.enrolled("eve", "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK");
    two.run(["twinlock", "remove", "eve", "--yes"]).ok();
    assert!(!enters("login-one"), "{:?}", two.log());
    assert_eq!(two.logged("reason=fleet_open_without_record").len(), 4, "{:?}", two.log());
    let applied = two.run(["twinlock", "settings", "apply"]);
    assert!(applied.stderr.contains("a fleet forbids `action = \"remind\"`"), "{applied:?}");
    // The same host alone lets her in, as it says.
    two.settings(reminds);
    assert!(enters("login-one"), "{:?}", two.log());
    two.settings("not_enrolled = \"allow\"\n");
    assert!(enters("login-one"), "{:?}", two.log());
}

#[test]
fn group_is_not_reminded_in_a_fleet() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let one = &pair.one;
    one.run(["groupadd", "staff2"]).ok();
    let refused = one.run(["twinlock", "invite", "--group", "staff2", "--until", "2099-01-01"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("a fleet forbids the rule"), "{refused:?}");
    assert!(!one.file("/etc/twinlock/rules.toml").exists());
}
