//! Checks that a code works only once: on one service or on two, in one process or in many, and also after the ledger
//! was lost.

use std::thread;

use twinlock_tests::{First, LOGGED_IN, Machine, PASSWORD, PROMPT, Server, Session, now};

const IN: &str = "successfully authenticated";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().proven("one").proven("two");
    m
}

/// Returns whether one of the codes, typed one after the other, logs `user` in.
fn gets_in(m: &Machine, service: &str, user: &str, codes: &[&str]) -> bool {
    let typed = format!("{}\n", codes.join("\n"));
    m.pamtester(service, user).input(typed).output().stdout.contains(IN)
}

#[test]
fn a_code_is_used_up_for_every_service() {
    let m = machine();
    m.person("ada").sudoer("ada").shipped_pam("sudo").server(Server::Publickey);
    let code = m.code("ada");
    assert!(m.at_the_prompt("ada", First::Key).send_line(&code).logged_in());
    let mut sudo = m.sudo("ada").open();
    sudo.expect("password for ada").send_line(PASSWORD);
    sudo.expect(PROMPT).send_line(&code).expect("was used already");
    let next = m.code_in("ada", 1);
    sudo.expect(PROMPT).send_line(&next).expect(LOGGED_IN);
    for service in ["one", "two", "sudo"] {
        assert!(!gets_in(&m, service, "ada", &[&code, &next]), "{service}");
    }
    let mut s = m.at_the_prompt("ada", First::Key);
    s.send_line(&next).expect("was used already").give_up();
    assert!(!s.logged_in(), "{}", s.transcript());
}

#[test]
fn a_code_is_used_up_with_every_code_before_it() {
    let m = machine();
    m.app_only("ada");
    let (last, this, next) = (m.code_in("ada", -1), m.code("ada"), m.code_in("ada", 1));
    assert!(gets_in(&m, "one", "ada", &[&this]));
    assert!(!gets_in(&m, "two", "ada", &[&last, &this]));
    assert!(gets_in(&m, "two", "ada", &[&next]));
}

/// One of the processes that try the same code at the same time. `asked` is the number of codes that it has tried.
struct Rival<'m> {
    session: Session<'m>,
    from: String,
    service: &'static str,
    asked: u32,
}

impl<'m> Rival<'m> {
    fn at_the_prompt(m: &'m Machine, from: String, service: &'static str) -> Rival<'m> {
        let item = format!("rhost={from}");
        let mut session = m.pamtester_as(&["-I", &item], service, "ada").open();
        session.expect(PROMPT);
        Rival { session, from, service, asked: 0 }
    }

    /// Starts the login number `number` (from 0) of those that compete for a code, and leaves it at its prompt. The
    /// first twenty-four logins have their own addresses; the others share one address, at which some of them are
    /// throttled.
    fn number(m: &'m Machine, number: u32) -> Rival<'m> {
        let from = format!("192.0.2.{}", number.min(24));
        Rival::at_the_prompt(m, from, if number.is_multiple_of(2) { "one" } else { "two" })
    }

    fn again(self, m: &'m Machine) -> Rival<'m> {
        let Rival { session, from, service, .. } = self;
        drop(session);
        Rival::at_the_prompt(m, from, service)
    }
}

/// Number of prompts per call, by the settings below.
const TRIES: u32 = 10;

fn round<'m>(m: &'m Machine, rivals: Vec<Rival<'m>>, code: &str) -> (Vec<Rival<'m>>, usize) {
    let (mut about, mut typed) = (Vec::new(), Vec::new());
    for Rival { session, from, service, asked } in rivals {
        about.push((from, service, asked + 1));
        typed.push((session, code.to_owned()));
    }
    m.at_once("pamtester", &mut typed);
    let mut winners = 0;
    let mut next = Vec::new();
    for ((mut session, _), (from, service, asked)) in typed.into_iter().zip(about) {
        let won = session.expect_one_of(&[IN, PROMPT]) == 0;
        winners += usize::from(won);
        let rival = Rival { session, from, service, asked };
        // A call does not prompt again after its last answer, so a new call is begun.
        next.push(if won || asked + 1 == TRIES { rival.again(m) } else { rival });
    }
    (next, winners)
}

#[test]
fn of_thirty_two_at_one_instant_one_gets_in() {
    let m = machine();
    m.settings(&format!("window = 10\ntries = {TRIES}\n")).epoch_minutes_ago(30);
    m.app_only("ada");
    let begun = now();
    let mut rivals: Vec<_> = (0..32).map(|number| Rival::number(&m, number)).collect();
    for step in 0..20 {
        let code = m.otp("ada").at(begun - 270 + step * 30);
        let (next, winners) = round(&m, rivals, &code);
        assert_eq!(winners, 1, "round {step}: {}\n{}", m.log().join("\n"), m.state());
        rivals = next;
    }
    // Counted in the ledger, because the log drops some of so many lines at one instant.
    assert_eq!(m.state().matches("/used.").count(), 20, "{}", m.state());
    assert_eq!(m.tries("ada"), 0, "{}", m.state());
}

#[test]
fn sixteen_people_at_one_instant_all_get_in() {
    let m = Machine::new();
    m.twinlock().server(Server::Publickey).sshd("MaxStartups 100\n");
    let people: Vec<_> = (0..16).map(|number| format!("ada{number}")).collect();
    for name in &people {
        m.app_only(name).key(name);
    }
    let waiting = people.iter().map(|name| m.at_the_prompt(name, First::Key));
    let mut waiting: Vec<_> = waiting.zip(&people).map(|(s, name)| (s, m.code(name))).collect();
    m.at_once("ssh", &mut waiting);
    for (session, _) in &mut waiting {
        assert!(session.logged_in(), "{}", session.transcript());
    }
}

/// Shell commands by which a ledger is lost while the machine runs.
const LOST: [&str; 6] = [
    "rm -rf /run/twinlock/*",
    "umount /run/twinlock && rmdir /run/twinlock && echo ledger_mounted = false >$S",
    "umount /run/twinlock && chmod 700 /run/twinlock && echo ledger_mounted = false >$S",
    "umount /run/twinlock && mount -t tmpfs -o mode=0700 ledger /run/twinlock",
    "rm /run/twinlock/epoch",
    "rm /run/twinlock/epoch && ln -s nonsense /run/twinlock/epoch",
];

#[test]
fn a_lost_ledger_brings_no_code_back() {
    thread::scope(|scope| {
        for loss in LOST {
            scope.spawn(move || {
                let m = machine();
                m.app_only("ada");
                let code = m.code("ada");
                assert!(gets_in(&m, "one", "ada", &[&code]), "{loss}");
                let settings = "S=/etc/twinlock/twinlock.toml";
                m.run(["sh", "-c", &format!("{settings}; {loss}")]).ok();
                let ahead = m.code_in("ada", 1);
                assert!(!gets_in(&m, "one", "ada", &[&code, &ahead, &code]), "{loss}");
                assert_eq!(m.logged("reason=before_epoch").len(), 3, "{loss}: {:?}", m.log());
                // As if two minutes had passed since the ledger was created again.
                m.epoch(2, 0);
                let later = m.otp("ada").at(now() + 120);
                let call = m.pamtester("one", "ada").clock(120).input(format!("{later}\n"));
                assert!(call.output().stdout.contains(IN), "{loss}: {:?}", m.log());
            });
        }
    });
}

const MOUNT: &str = "mount -t tmpfs -o mode=0700,nosuid,nodev,noexec ledger /run/twinlock";

/// Checks that no used code works again if the ledger is a plain folder because its mount has failed, and if it is
/// mounted or unmounted later. The settings allow a ledger without a mount here.
#[test]
fn ledger_below_a_mount_brings_no_code_back() {
    let m = machine();
    m.app_only("ada");
    m.run(["umount", "/run/twinlock"]).ok();
    m.settings("ledger_mounted = false\n");
    m.run(["chmod", "700", "/run/twinlock"]).ok();
    m.run(["twinlock", "epoch", "ensure"]).ok();
    m.epoch_minutes_ago(10);
    let (first, second) = (m.code("ada"), m.code_in("ada", 1));
    assert!(gets_in(&m, "one", "ada", &[&first]), "{:?}", m.log());
    let below = m.tree("/run/twinlock");
    assert!(below.contains("/used.") && below.contains("/epoch"), "{below}");
    m.run(["sh", "-c", MOUNT]).ok();
    m.run(["twinlock", "epoch", "ensure"]).ok();
    m.epoch_minutes_ago(10);
    assert!(gets_in(&m, "one", "ada", &[&second]), "{:?}", m.log());
    m.run(["umount", "/run/twinlock"]).ok();
    let uncovered = m.tree("/run/twinlock");
    assert!(!uncovered.contains("/used.") && !uncovered.contains("/epoch"), "{uncovered}");
    assert!(!gets_in(&m, "one", "ada", &[&second, &first, &second]), "{:?}", m.log());
    assert_eq!(m.logged("reason=before_epoch").len(), 3, "{:?}", m.log());
}

/// Unmounts the ledger. Checks that then every login is refused, that nothing is written into the folder below the
/// mount, and that mounting the ledger repairs this.
#[test]
fn folder_without_its_mount_refuses() {
    let m = machine();
    m.app_only("ada");
    for how in ["true", "chmod 755 /run/twinlock", "rmdir /run/twinlock"] {
        m.run(["umount", "/run/twinlock"]).ok();
        m.run(["sh", "-c", how]).ok();
        assert!(!gets_in(&m, "one", "ada", &[&m.code("ada")]), "{how}");
        let ensured = m.run(["twinlock", "epoch", "ensure"]);
        assert_eq!(ensured.code, Some(6), "{how}: {ensured:?}");
        assert!(ensured.stderr.contains("Start the mount unit first"), "{how}: {ensured:?}");
        m.run(["sh", "-c", "mkdir -p /run/twinlock; test -z \"$(ls -A /run/twinlock)\""]).ok();
        m.run(["sh", "-c", MOUNT]).ok();
        m.run(["twinlock", "epoch", "ensure"]).ok();
    }
    assert!(m.logged("reason=ledger_not_mounted").len() >= 3, "{:?}", m.log());
    m.epoch_minutes_ago(10);
    assert!(gets_in(&m, "one", "ada", &[&m.code("ada")]), "{:?}", m.log());
}

/// Checks that a bind mount of the ledger over itself is the same ledger and is not emptied.
#[test]
fn ledger_bound_over_itself_stays() {
    let m = machine();
    m.app_only("ada");
    let code = m.code("ada");
    assert!(gets_in(&m, "one", "ada", &[&code]));
    m.run(["mount", "--bind", "/run/twinlock", "/run/twinlock"]).ok();
    m.run(["twinlock", "epoch", "ensure"]).ok();
    assert!(m.tree("/run/twinlock").contains("/used."));
    assert!(!gets_in(&m, "one", "ada", &[&code, &code, &code]));
}

#[test]
fn a_code_stays_used_whatever_an_administrator_does() {
    let m = machine();
    m.app_only("ada");
    let otp = m.otp("ada");
    let code = m.code("ada");
    assert!(gets_in(&m, "one", "ada", &[&code]));
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    m.enrolled_with("ada", &otp);
    assert!(!gets_in(&m, "two", "ada", &[&code, &m.wrong_code("ada")]));
    m.run(["twinlock", "unlock", "ada"]).ok();
    assert!(!gets_in(&m, "one", "ada", &[&code]));
    m.run(["twinlock", "epoch", "now"]).ok();
    let ahead = m.code_in("ada", 1);
    assert!(!gets_in(&m, "one", "ada", &[&code, &ahead, &code]));
    assert_eq!(m.logged("reason=before_epoch").len(), 3, "{:?}", m.log());
}
