//! Runs a reset together with another reset or with a login of the same user. Checks that only one of two resets is
//! made, and that a code entered before a reset grants no access after it.

use twinlock_tests::{Blow, Cut, First, Machine, Part, Place, Scratch, Server, Session, thorough};

const KIM: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const KAI: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const RESET: [&str; 6] = ["twinlock", "reset", "ada", "--yes", "--break-glass", "test"];
const SETUP: &str = "Type your set-up ticket to begin";
const LOGIN: [&str; 6] = ["pamtester", "-I", "rhost=192.0.2.1", "probe", "ada", "authenticate"];
const MODULE: Part = Part { from: "/etc/twinlock/twinlock.toml", to: "sendto /dev/log" };

fn rounds(few: usize) -> usize {
    if thorough() { few * 5 } else { few }
}

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").scratch("ada", Scratch::FEW).settings("window = 10\n");
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

/// Checks that ada is reset and everything of hers is revoked: there is one record with one ticket, and no
/// authenticator or bypass code.
#[track_caller]
fn is_reset(m: &Machine, what: &str) {
    let record = m.run(["sh", "-c", "cat /var/lib/twinlock/users/ada/record.*"]).ok().to_owned();
    let count = |part: &str| record.matches(part).count();
    assert!(record.contains("state = \"pending\""), "{what}: {record}");
    let counted = ["version = ", "[[ticket]]", "[[authenticator]]", "[[bypass]]"].map(count);
    assert_eq!(counted, [1, 1, 0, 0], "{what}: {record}");
    m.run(["twinlock", "status", "ada"]).ok();
}

fn lets_in(m: &Machine, answer: &str) -> bool {
    let done = m.call(LOGIN).input(format!("{answer}\n\n")).output();
    done.code == Some(0)
}

/// Returns the ticket that a reset has printed.
fn ticket_of(screen: &str) -> String {
    let is_ticket = |word: &&str| word.len() == 14 && word.matches('-').count() == 2;
    screen.split_whitespace().rfind(is_ticket).expect("a ticket").to_owned()
}

fn asked<'m>(m: &'m Machine, user: &str) -> (Session<'m>, String) {
    let mut session = m.call(["twinlock", "reset", "ada", "--yes"]).logged_in(user).open();
    session.expect("Your own code");
    (session, m.code(user))
}

/// An administrator issues a bypass code for ada during her login, which changes her record. Checks that the login
/// still recognizes that it has reserved the code itself, and is granted.
#[test]
fn login_outlives_a_change_of_its_record() {
    let m = machine();
    m.server(Server::Publickey);
    let mut session = m.at_the_prompt("ada", First::Key);
    m.run(["twinlock", "bypass", "ada", "--yes", "--reason", "test", "--json"]).ok();
    let code = m.code("ada");
    session.send_line(&code);
    assert_eq!(session.logged_in_as().as_deref(), Some("ada"), "{:?}", m.log());
    assert!(!lets_in(&m, &code), "{:?}", m.log());
    let used = m.tree("/run/twinlock/users/ada");
    let claim = used.lines().find(|line| line.contains("/used.")).expect("a claim").to_owned();
    let nonce = claim.rsplit('.').next().expect("a nonce");
    assert!(nonce.trim_end().len() == 32, "{claim}");
}

#[test]
fn of_two_administrators_at_one_instant_one_resets_in_every_round() {
    let m = machine();
    m.user("kim").enrolled("kim", KIM).user("kai").enrolled("kai", KAI).server(Server::Password);
    let cut = m.cut("status ada", "");
    for round in 0..rounds(8) {
        cut.back();
        let mut both = [asked(&m, "kim"), asked(&m, "kai")];
        m.at_once("twinlock", &mut both);
        let codes = both.each_mut().map(|(session, _)| session.exit_code());
        let winner = codes.iter().position(|code| *code == Some(0)).expect("one is done");
        assert_eq!(codes[1 - winner], Some(3), "{round}");
        let loser = both[1 - winner].0.transcript();
        assert!(loser.contains("nothing to reset"), "{round}: {loser}");
        is_reset(&m, &format!("{round}"));
        assert!(!lets_in(&m, &m.code("ada")), "{round}");
        let mut session = m.past_the_first_factor("ada", First::Password);
        session.expect(SETUP).send_line(&ticket_of(&both[winner].0.transcript()));
        session.expect("type this key").give_up();
    }
    assert_eq!(m.logged("event=reset ").len(), rounds(8));
}

/// Returns three answers that are accepted before a reset and revoked by it, each with its kind: a code, a backup code
/// and a bypass code.
fn given(m: &Machine) -> [(&'static str, String); 3] {
    let argv = "twinlock --json bypass ada --yes --break-glass test --reason test --uses 9";
    let done = m.call(argv.split(' ')).without_a_login().output();
    let (_, rest) = done.ok().split_once("\"bypass\":\"").expect("a bypass");
    let bypass = rest.split_once('"').expect("its end").0.to_owned();
    [("code", m.code("ada")), ("scratch", Scratch::CODES[0].to_owned()), ("bypass", bypass)]
}

fn chosen(place: &Place) -> bool {
    // The calls for the charge, the claim, and the change of the record.
    let calls = ["symlinkat ", "linkat ", "renameat2 "];
    thorough() || calls.iter().any(|call| place.what.starts_with(call))
}

/// Pauses a login of ada at each of its system calls, and resets her meanwhile. Checks that everything is revoked, and
/// that the login succeeds only if it came before the reset. `typed` is her answer.
fn reset_at_each_call(m: &Machine, cut: &Cut<'_>, what: &str, typed: &str) {
    let line = format!("{typed}\n\n");
    cut.back();
    let mut places = m.struck(&LOGIN, &line, MODULE, None);
    assert_eq!(places.code, Some(0), "{what}: {}", places.said);
    places.places.retain(chosen);
    let mut found = Vec::new();
    for place in &places.places {
        cut.back();
        let mut reset = None;
        let mut meanwhile = || reset = m.call(RESET).without_a_login().output().code;
        let ended = m.struck(&LOGIN, &line, MODULE, Some((place, Blow::Hold(&mut meanwhile))));
        assert!(ended.struck && reset == Some(0), "{what} {place:?}: {reset:?} {ended:?}");
        is_reset(m, &format!("{what} {place:?}"));
        for answer in [typed, &m.code_in("ada", 1), Scratch::CODES[1]] {
            assert!(!lets_in(m, answer), "{what} {place:?}: {answer}");
        }
        found.push(ended.code == Some(0));
    }
    // A reset at an early call makes the login fail. From a certain call on, the reset comes after the login.
    let is_in_order = found.is_sorted() && found.first() == Some(&false);
    assert!(is_in_order && found.last() == Some(&true), "{what}: {found:?} {:?}", places.places);
}

#[test]
fn a_login_is_done_before_the_reset_or_refused_wherever_it_is() {
    let m = machine();
    let all = given(&m);
    let cut = m.cut("status ada", "");
    for (what, typed) in &all {
        reset_at_each_call(&m, &cut, what, typed);
    }
}

#[test]
fn a_login_by_sshd_and_a_reset_at_one_instant() {
    let m = machine();
    m.server(Server::Password);
    let all = given(&m);
    let cut = m.cut("status ada", "");
    let mut in_time = 0;
    for round in 0..rounds(12) {
        cut.back();
        let (what, typed) = &all[round % all.len()];
        let mut session = m.at_the_prompt("ada", First::Password);
        if round % 2 == 0 {
            session.send_line(typed);
            m.call(RESET).without_a_login().output().ok();
        } else {
            let mut reset = m.call(RESET).without_a_login().open();
            session.send_line(typed);
            assert_eq!(reset.exit_code(), Some(0), "{round}: {}", reset.transcript());
        }
        session.give_up();
        in_time += usize::from(session.logged_in());
        is_reset(&m, &format!("{round} {what}"));
        let mut later = m.past_the_first_factor("ada", First::Password);
        later.expect(SETUP).send_line(&m.otp("ada").in_steps(1)).give_up();
        assert!(!later.logged_in(), "{round} {what}: {}", later.transcript());
    }
    assert!(in_time < rounds(12), "no reset was ever first");
}
