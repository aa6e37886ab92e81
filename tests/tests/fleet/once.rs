//! Checks that a code works only once in the whole fleet, whichever host it is typed on.

use std::thread;

use twinlock_tests::{EtcdOptions, First, FleetHost, FleetNetwork, PROMPT, Server, Session, now};

use crate::pair::{IN, KEY, Pair, gets_in};

#[test]
fn code_of_one_host_is_used_on_the_other() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let (one, two) = (&pair.one, &pair.two);
    for host in [one, two] {
        host.server(Server::Publickey);
    }
    let code = one.code("ada");
    assert!(two.at_the_prompt("ada", First::Key).send_line(&code).logged_in());
    let mut again = one.at_the_prompt("ada", First::Key);
    again.send_line(&code).expect("was used already");
    let next = one.code_in("ada", 1);
    again.expect(PROMPT).send_line(&next);
    assert!(again.logged_in(), "{}", again.transcript());
    assert_eq!(pair.charges(), [""; 0]);
}

#[test]
fn unknown_user_of_the_other_host_is_refused_like_any_other() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    // Eve is an account of host two, and nobody has enrolled her anywhere.
    pair.two.user("eve");
    let eve = pair.two.pamtester("login-one", "eve").input("123456\n").output();
    assert!(!eve.stdout.contains(IN), "{}", eve.stdout);
    assert!(!pair.two.logged("reason=not_enrolled").is_empty(), "{:?}", pair.two.log());
}

#[test]
fn backup_code_works_on_one_host() {
    let network = FleetNetwork::new();
    let pair = Pair::without_users(&network, 3, &EtcdOptions::default());
    let (one, two) = (&pair.one, &pair.two);
    let codes = ["10000001", "20000002", "30000003"];
    let file = format!("{KEY}\n\" TOTP_AUTH\n{}\n", codes.join("\n"));
    one.file("/root/ada").write(file).mode(0o600);
    one.run(["twinlock", "import", "google", "ada", "--file", "/root/ada"]).ok();
    assert!(gets_in(two, &[codes[0]]), "{:?}", two.log());
    assert!(!gets_in(one, &[codes[0]]));
    assert!(!one.logged("reason=spent").is_empty(), "{:?}", one.log());
    assert!(!gets_in(two, &[codes[0]]));
    assert!(gets_in(one, &[codes[1]]), "{:?}", one.log());
    assert!(!gets_in(two, &[codes[1]]));
}

/// Opens sixteen logins on a host, each at its prompt and from its own address. The first address is 192.0.2.`first`,
/// and each further login has the next address.
fn rivals<'m>(host: &'m FleetHost<'_>, first: u32) -> Vec<Session<'m>> {
    let login = |number: u32| {
        let item = format!("rhost=192.0.2.{}", first + number);
        let mut session = host.pamtester_as(&["-I", &item], "login-one", "ada").open();
        session.expect(PROMPT);
        session
    };
    (0..16).map(login).collect()
}

/// Types the code into all sessions of a host at once. Returns how many logins succeed.
fn winners<'m>(host: &'m FleetHost<'_>, sessions: Vec<Session<'m>>, code: &str) -> usize {
    let mut typed: Vec<_> =
        sessions.into_iter().map(|session| (session, code.to_owned())).collect();
    host.at_once("pamtester", &mut typed);
    let mut winners = 0;
    for (mut session, _) in typed {
        winners += usize::from(session.expect_one_of(&[IN, PROMPT]) == 0);
    }
    winners
}

#[test]
fn of_thirty_two_on_two_hosts_one_gets_in() {
    let network = FleetNetwork::new();
    let pair = Pair::new(&network);
    let begun = now();
    for host in [&pair.one, &pair.two] {
        host.settings(&format!("window = 10\n{}", crate::pair::SHARED)).epoch_minutes_ago(30);
    }
    for step in 0..10 {
        let code = pair.one.otp("ada").at(begun - 270 + step * 30);
        let (left, right) = (rivals(&pair.one, 1), rivals(&pair.two, 101));
        let (left, right) = thread::scope(|scope| {
            let left = scope.spawn(|| winners(&pair.one, left, &code));
            let right = scope.spawn(|| winners(&pair.two, right, &code));
            (left.join().expect("a thread"), right.join().expect("a thread"))
        });
        assert_eq!(left + right, 1, "round {step}: {:?} {:?}", pair.one.log(), pair.two.log());
    }
    assert_eq!(pair.charges(), [""; 0]);
}
