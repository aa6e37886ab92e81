//! Checks what holds while answers of the store are lost: a code gets in once, no guess is free, and no charge stays.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use twinlock_tests::{
    EtcdOptions, FleetNetwork, LOGGED_IN, Machine, PROMPT, Rush, RushEnd, RushLogin, Server,
    Session, crowd_name, now, thorough,
};

use crate::pair::{KEY, Pair, SHARED};

/// Percentages of answers that are lost.
const LOSSES: [u8; 3] = [0, 30, 60];
/// Time within which nothing is left of logins that have ended.
const CLEAN: Duration = Duration::from_secs(60);
/// Free attempts of a source.
const FREE: usize = 5;

/// Returns `count` logins of a user, each from an address of its own if `first` is given, and else from the same one.
fn logins(user: &str, code: &str, count: u8, first: Option<u8>) -> Vec<RushLogin> {
    let login = |number: u8| RushLogin {
        user: user.to_owned(),
        source: first
            .map_or("203.0.113.7".to_owned(), |first| format!("192.0.2.{}", first + number)),
        answers: vec![code.to_owned()],
    };
    (0..count).map(login).collect()
}

/// Lets logins go on at the same time on both hosts. Returns their ends.
fn at_once(left: &mut Rush<'_>, right: &mut Rush<'_>, of: [&[RushLogin]; 2]) -> Vec<RushEnd> {
    left.begin(of[0]);
    right.begin(of[1]);
    left.go();
    right.go();
    [left.ends(), right.ends()].concat()
}

fn granted(ends: &[RushEnd]) -> usize {
    ends.iter().filter(|end| end.code == 0).count()
}

/// Prints figures of a test, also if the output of tests is captured.
pub(crate) fn print(text: &str) {
    let stderr = OpenOptions::new().append(true).open("/dev/stderr");
    let line = format!("{text}\n");
    stderr.expect("standard error").write_all(line.as_bytes()).expect("standard error");
}

fn judged(hosts: &[&Machine]) -> usize {
    hosts.iter().map(|host| host.logged("reason=wrong_code").len()).sum()
}

#[test]
fn one_of_thirty_two_gets_in_although_answers_are_lost() {
    let rounds = if thorough() { 105 } else { 4 };
    let network = FleetNetwork::new();
    let pair = Pair::linked(&network, 3 * rounds, &EtcdOptions::default());
    let (mut left, mut right) = (pair.one.rush("login-one"), pair.two.rush("login-one"));
    let mut people = 0..3 * rounds;
    for lost in LOSSES {
        pair.lose(lost);
        let (mut none, begun) = (0, now());
        for user in people.by_ref().take(usize::try_from(rounds).expect("some rounds")) {
            let (user, code) = (crowd_name(user), pair.one.code("ada"));
            let of = [logins(&user, &code, 16, Some(1)), logins(&user, &code, 16, Some(101))];
            match granted(&at_once(&mut left, &mut right, [&of[0], &of[1]])) {
                0 => none += 1,
                got => assert_eq!(got, 1, "{user}, {lost} % lost"),
            }
        }
        let left = pair.lose(0).until_no_charge(CLEAN);
        let took = now() - begun;
        print(&format!(
            "{lost} % lost: {rounds} rounds of 32, {none} without a grant, {took} s, the last charge gone after {left:?}"
        ));
        assert!(lost > 0 || none == 0, "{none} rounds without a grant");
        assert!(none * 2 <= rounds, "{none} rounds without a grant at {lost} % lost");
    }
}

/// Kills the leader and starts it again, every ten seconds until `over`. Returns how often.
fn kill_leaders(pair: &Pair<'_>, over: &AtomicBool) -> usize {
    let mut killed = 0;
    while !over.load(Ordering::SeqCst) {
        let leader = pair.etcd.leader();
        pair.etcd.kill(leader);
        killed += 1;
        std::thread::sleep(Duration::from_secs(3));
        pair.etcd.restart(leader);
        for _ in 0..70 {
            if !over.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
    pair.etcd.until_healthy();
    killed
}

#[test]
fn one_of_thirty_two_gets_in_although_leaders_are_killed() {
    let rounds = if thorough() { 313 } else { 8 };
    let network = FleetNetwork::new();
    let pair = Pair::with_people(&network, rounds, &EtcdOptions::default());
    let (mut left, mut right) = (pair.one.rush("login-one"), pair.two.rush("login-one"));
    let over = AtomicBool::new(false);
    let (mut none, mut killed) = (0, 0);
    std::thread::scope(|scope| {
        let killing = scope.spawn(|| kill_leaders(&pair, &over));
        for number in 0..rounds {
            let (user, code) = (crowd_name(number), pair.one.code("ada"));
            let of = [logins(&user, &code, 16, Some(1)), logins(&user, &code, 16, Some(101))];
            let got = granted(&at_once(&mut left, &mut right, [&of[0], &of[1]]));
            none += u64::from(got == 0);
            over.store(got > 1 || number + 1 == rounds, Ordering::SeqCst);
            assert!(got <= 1, "{user}: {got} grants");
            // Otherwise a short test would be over before the second leader is killed.
            std::thread::sleep(Duration::from_millis(500));
        }
        killed = killing.join().expect("a thread");
    });
    let left = pair.until_no_charge(CLEAN);
    print(&format!(
        "{killed} leaders killed: {rounds} rounds of 32, {none} without a grant, the last charge gone after {left:?}"
    ));
    assert!(none * 2 <= rounds, "{none} rounds without a grant");
}

/// Opens sixteen ssh logins of a user on a host, each at its prompt and from its own address.
fn ssh_logins<'m>(host: &'m Machine, user: &str) -> Vec<Session<'m>> {
    let login = |number: u8| {
        let from = format!("BindAddress=127.0.0.{}", 10 + number);
        let mut session = host.ssh(user).key().option(&from).open();
        session.expect(PROMPT);
        session
    };
    (0..16).map(login).collect()
}

/// Types the code into all sessions of a host at once. Returns how many logins succeed.
fn ssh_winners<'m>(host: &'m Machine, sessions: Vec<Session<'m>>, code: &str) -> usize {
    let mut typed: Vec<_> =
        sessions.into_iter().map(|session| (session, code.to_owned())).collect();
    host.at_once("ssh", &mut typed);
    let mut winners = 0;
    for (mut session, _) in typed {
        let refused = [PROMPT, "Permission denied", "closed"];
        winners += usize::from(session.expect_one_of(&[&[LOGGED_IN], &refused[..]].concat()) == 0);
    }
    // sshd counts the connections of those who are asked once more.
    host.run(["pkill", "-x", "ssh"]);
    winners
}

#[test]
fn one_of_thirty_two_gets_in_by_ssh_although_answers_are_lost() {
    let rounds = if thorough() { 20 } else { 1 };
    let network = FleetNetwork::new();
    let pair = Pair::linked(&network, 0, &EtcdOptions::default());
    let (one, two) = (&pair.one, &pair.two);
    let people = ["bob", "cid", "dan"];
    for host in [one, two] {
        for user in people {
            host.user(user).key(user);
        }
        host.settings(&format!("window = 10\n{SHARED}")).epoch_minutes_ago(30);
        host.server(Server::Publickey).sshd("MaxStartups 200\nMaxAuthTries 20\n");
    }
    for (user, lost) in people.into_iter().zip(LOSSES) {
        one.enrolled(user, KEY);
        pair.lose(lost);
        let (begun, mut none) = (now(), 0);
        for step in 1..=rounds {
            let code = one.otp(user).at(begun - 270 + step * 30);
            let (left, right) = (ssh_logins(one, user), ssh_logins(two, user));
            let got = std::thread::scope(|scope| {
                let left = scope.spawn(|| ssh_winners(one, left, &code));
                let right = scope.spawn(|| ssh_winners(two, right, &code));
                left.join().expect("a thread") + right.join().expect("a thread")
            });
            assert!(got <= 1, "{got} grants, {lost} % lost");
            none += u64::from(got == 0);
        }
        let left = pair.lose(0).until_no_charge(CLEAN);
        print(&format!(
            "{lost} % lost, by ssh: {rounds} rounds of 32, {none} without a grant, the last charge gone after {left:?}"
        ));
        assert!(lost > 0 || none == 0, "{none} rounds without a grant");
        assert!(rounds == 1 || none * 2 <= rounds, "{none} rounds without a grant");
    }
}

#[test]
fn no_guess_is_free_although_answers_are_lost() {
    let network = FleetNetwork::new();
    let pair = Pair::linked(&network, 3, &EtcdOptions::default());
    let (one, two) = (&pair.one, &pair.two);
    let (mut left, mut right) = (one.rush("login-one"), two.rush("login-one"));
    let wrong = one.wrong_code("ada");
    for (number, lost) in (0..).zip(LOSSES) {
        pair.lose(lost);
        let before = judged(&[one, two]);
        let of = logins(&crowd_name(number), &wrong, 8, None);
        let ends = at_once(&mut left, &mut right, [&of, &of]);
        pair.lose(0);
        let judged = judged(&[one, two]) - before;
        print(&format!("{lost} % lost: {judged} of 16 wrong codes judged"));
        assert_eq!(granted(&ends), 0);
        assert!(judged <= FREE && (lost > 0 || judged == FREE), "{judged} at {lost} % lost");
        let charges = pair.charges();
        assert!(charges.len() >= judged, "{judged} judged, {charges:?}");
        // One of them may have had no failure.
        for host in [one, two] {
            host.run(["twinlock", "unlock", &crowd_name(number)]);
        }
        assert_eq!(pair.charges(), [""; 0]);
    }
}

#[test]
fn each_wrong_code_of_a_login_is_charged_although_answers_are_lost() {
    let network = FleetNetwork::new();
    let pair = Pair::linked(&network, 3, &EtcdOptions::default());
    let one = &pair.one;
    one.settings(&format!("tries = 10\n[throttle]\nfree = 20\n{SHARED}"));
    let mut rush = one.rush("login-one");
    let wrong = one.wrong_code("ada");
    for (number, lost) in (0..).zip(LOSSES) {
        pair.lose(lost);
        let before = judged(&[one]);
        let user = crowd_name(number);
        let answers = vec![wrong.clone(); 10];
        let source = "203.0.113.7".to_owned();
        let ends = rush.begin(&[RushLogin { user: user.clone(), source, answers }]).go().ends();
        pair.lose(0);
        let (judged, charges) = (judged(&[one]) - before, pair.charges().len());
        print(&format!(
            "{lost} % lost: {judged} wrong codes judged in one login, {charges} charges"
        ));
        assert_eq!(granted(&ends), 0);
        assert!(judged > 0 && (lost > 0 || judged == 10), "{judged}: {:?}", one.log());
        assert!(charges >= judged, "{judged} judged, {charges} charged");
        one.run(["twinlock", "unlock", &user]).ok();
        assert_eq!(pair.charges(), [""; 0]);
    }
}
