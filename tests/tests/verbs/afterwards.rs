//! Checks with a real sshd that everything which a command revokes grants no access afterwards.

use twinlock_tests::{First, Machine, Otp, PROMPT, Scratch, Server, Session, key_shown};

const SETUP: &str = "Type your set-up ticket to begin";

fn machine(server: Server) -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").server(server).scratch("ada", Scratch::FEW);
    m
}

/// Runs `twinlock WORDS`. Returns the quoted value of a key in the JSON that it prints.
fn printed(m: &Machine, words: &str, key: &str) -> String {
    let done = m.run(format!("twinlock --json {words} --yes").split(' '));
    let (_, after) = done.ok().split_once(&format!("\"{key}\":\"")).expect("the key");
    after.split_once('"').expect("its end").0.to_owned()
}

/// Returns whether an answer to the first prompt logs ada in. Further prompts get no answer.
fn gets_in(m: &Machine, first: First, answer: &str) -> bool {
    let mut session = m.past_the_first_factor("ada", first);
    session.expect_one_of(&[PROMPT, SETUP]);
    session.send_line(answer).give_up();
    session.logged_in()
}

fn confirm_codes(session: &mut Session<'_>) -> Vec<String> {
    session.expect("last four letters");
    let transcript = session.transcript();
    let is_code = |word: &&str| word.len() == 24 && word.matches('-').count() == 4;
    let codes: Vec<String> =
        transcript.split_whitespace().filter(is_code).map(str::to_owned).collect();
    let last = codes.last().expect("codes on the screen");
    session.send_line(&last[20..]);
    codes
}

fn set_up(m: &Machine, mut session: Session<'_>) -> Otp {
    session.expect("type this key").expect("shows now: ");
    let otp = key_shown(&session.transcript()).expect("a key on the screen");
    session.send_line(&otp.in_steps(0));
    confirm_codes(&mut session);
    assert!(session.logged_in(), "{}", session.transcript());
    m.app("ada", &otp);
    otp
}

#[test]
fn after_a_reset_nothing_of_before_gets_in_and_the_ticket_begins_anew() {
    let m = machine(Server::Password);
    let bypass = printed(&m, "bypass ada --uses 9 --reason lost", "bypass");
    let (old, code) = (m.otp("ada"), m.code_in("ada", 1));
    assert!(gets_in(&m, First::Password, &m.code("ada")));
    let ticket = printed(&m, "reset ada", "ticket");
    for answer in [&code, &bypass, Scratch::CODES[0], "ABCD-EFGH-IJKL", ""] {
        assert!(!gets_in(&m, First::Password, answer), "{answer}");
    }
    let mut stranger = m.ssh("ada").open();
    stranger.expect("Password: ").send_line("wrong").give_up();
    assert!(!stranger.logged_in());
    let mut session = m.past_the_first_factor("ada", First::Password);
    session.expect(SETUP).send_line(&ticket.to_lowercase());
    let new = set_up(&m, session);
    assert_ne!(new.key, old.key);
    for answer in [&code, &old.in_steps(1), &bypass, &ticket, Scratch::CODES[0]] {
        assert!(!gets_in(&m, First::Password, answer), "{answer}");
    }
    assert!(gets_in(&m, First::Password, &new.in_steps(1)));
}

#[test]
fn a_login_under_way_does_not_outlive_a_reset() {
    let m = machine(Server::Password);
    let mut session = m.at_the_prompt("ada", First::Password);
    printed(&m, "reset ada", "ticket");
    session.send_line(&m.code("ada")).give_up();
    assert!(!session.logged_in(), "{}", session.transcript());
    let mut at_set_up = m.past_the_first_factor("ada", First::Password);
    at_set_up.expect(SETUP);
    m.run(["twinlock", "invite", "ada"]).ok();
    at_set_up.send_line("ABCD-EFGH-IJKL").give_up();
    assert!(!at_set_up.logged_in());
}

#[test]
fn a_remembered_device_does_not_outlive_a_reset() {
    let m = machine(Server::Publickey);
    m.settings("remember_for = \"8h\"\n");
    let mut session = m.at_the_prompt("ada", First::Key);
    session.send_line(&m.code("ada")).expect("or press Enter for no: ").send_line("yes");
    assert!(session.logged_in(), "{}", session.transcript());
    let mut session = m.past_the_first_factor("ada", First::Key);
    assert!(session.logged_in(), "{}", session.transcript());
    let listed = m.run(["twinlock", "devices", "ada"]);
    assert!(listed.ok().contains("127.0.0.1") && listed.ok().contains("SHA256:"), "{listed:?}");
    assert_eq!(m.run(["twinlock", "forget", "ada", "2"]).code, Some(3));
    m.run(["twinlock", "forget", "ada", "1"]).ok();
    assert_eq!(m.run(["twinlock", "forget", "ada", "--all"]).code, Some(3));
    let mut session = m.at_the_prompt("ada", First::Key);
    session.send_line(&m.code_in("ada", 1)).expect("or press Enter for no: ").send_line("yes");
    assert!(session.logged_in(), "{}", session.transcript());
    printed(&m, "reset ada", "ticket");
    // With a verified key, the user is set up without a ticket; no login succeeds before.
    let mut session = m.past_the_first_factor("ada", First::Key);
    session.expect(": ").give_up();
    assert!(!session.logged_in(), "{}", session.transcript());
}

#[test]
fn after_new_backup_codes_the_old_ones_are_dead() {
    let m = machine(Server::Password);
    let ticket = printed(&m, "backup-codes ada", "ticket");
    assert!(!gets_in(&m, First::Password, Scratch::CODES[0]));
    let mut session = m.at_the_prompt("ada", First::Password);
    session.send_line(&m.code("ada"));
    let codes = confirm_codes(&mut session);
    assert!(session.logged_in(), "{}", session.transcript());
    assert!(!gets_in(&m, First::Password, Scratch::CODES[1]));
    assert!(!gets_in(&m, First::Password, &ticket), "the codes were fetched already");
    assert!(gets_in(&m, First::Password, &codes[0]));
    let done = m.run(["twinlock", "--json", "backup-codes", "ada", "--print", "--yes"]);
    let printed = done.ok().split('"').nth(3).expect("a code").to_owned();
    assert!(!gets_in(&m, First::Password, &codes[1]));
    assert!(gets_in(&m, First::Password, &printed));
    assert!(!gets_in(&m, First::Password, &printed));
}

#[test]
fn a_remembered_device_does_not_outlive_new_backup_codes() {
    let m = machine(Server::Publickey);
    m.settings("window = 10\nremember_for = \"8h\"\n");
    let mut session = m.at_the_prompt("ada", First::Key);
    session.send_line(&m.code("ada")).expect("or press Enter for no: ").send_line("yes");
    assert!(session.logged_in(), "{}", session.transcript());
    let mut session = m.past_the_first_factor("ada", First::Key);
    assert!(session.logged_in(), "remembered: {}", session.transcript());
    printed(&m, "backup-codes ada", "ticket");
    let mut session = m.at_the_prompt("ada", First::Key);
    session.send_line("").give_up();
    assert!(!session.logged_in(), "{}", session.transcript());
}

#[test]
fn after_a_change_the_old_app_and_what_hung_on_it_are_dead() {
    let m = machine(Server::Both);
    m.settings("window = 10\nremember_for = \"8h\"\n");
    let ticket = printed(&m, "backup-codes ada", "ticket");
    let mut session = m.at_the_prompt("ada", First::Key);
    session.send_line(&ticket);
    let codes = confirm_codes(&mut session);
    assert!(session.logged_in(), "{}", session.transcript());
    let mut session = m.at_the_prompt("ada", First::Key);
    session.send_line(&m.code("ada")).expect("or press Enter for no: ").send_line("yes");
    assert!(session.logged_in(), "{}", session.transcript());
    let mut session = m.past_the_first_factor("ada", First::Key);
    assert!(session.logged_in(), "remembered: {}", session.transcript());
    let change = m.call(["twinlock", "change", "ada"]).logged_in("ada").open();
    let mut all = m.dialogue("ada", change);
    all.answer(&["<next>", "<first>", "<later>"]);
    assert_eq!(all.session().exit_code(), Some(0), "{}", all.screen());
    let new = key_shown(&all.screen()).expect("a key");
    // The device is forgotten, so a code is asked for again.
    for answer in [&m.code_in("ada", 3), &ticket, Scratch::CODES[0]] {
        assert!(!gets_in(&m, First::Key, answer), "{answer}");
    }
    assert!(gets_in(&m, First::Key, &codes[0]), "a change of the app leaves the backup codes");
    assert!(gets_in(&m, First::Key, &new.in_steps(1)));
}

#[test]
fn a_ticket_for_codes_is_typed_in_the_apps_place() {
    let m = machine(Server::Password);
    let ticket = printed(&m, "backup-codes ada", "ticket");
    let mut session = m.at_the_prompt("ada", First::Password);
    session.send_line(&ticket);
    let codes = confirm_codes(&mut session);
    assert!(session.logged_in(), "{}", session.transcript());
    assert!(!gets_in(&m, First::Password, &ticket));
    assert!(gets_in(&m, First::Password, &codes[3]));
}

#[test]
fn a_bypass_works_behind_the_password_alone_and_as_often_as_it_was_given() {
    let m = machine(Server::Password);
    let bypass = printed(&m, "bypass ada --uses 2 --reason lost", "bypass");
    let mut stranger = m.ssh("ada").open();
    stranger.expect("Password: ").send_line("wrong").expect(PROMPT).send_line(&bypass).give_up();
    assert!(!stranger.logged_in());
    assert!(gets_in(&m, First::Password, &bypass));
    assert!(gets_in(&m, First::Password, &bypass.replace(' ', "")));
    assert!(!gets_in(&m, First::Password, &bypass));
}

#[test]
fn a_key_that_was_shown_still_works_and_is_to_be_changed() {
    let m = machine(Server::Password);
    m.run("twinlock show-key ada --yes --svg /root/qr.svg".split(' ')).ok();
    assert!(m.logged("event=key_shown user=ada authenticator=")[0].contains("actor=root"));
    let record = m.run(["sh", "-c", "cat /var/lib/twinlock/users/ada/record.*"]);
    assert!(record.ok().contains("seen_by = \"root\""));
    let mut session = m.at_the_prompt("ada", First::Password);
    session.send_line(&m.code("ada")).expect("was seen by root");
}

#[test]
fn of_two_administrators_at_once_one_resets_and_the_other_is_told() {
    let m = machine(Server::Password);
    m.user("kim").enrolled("kim", "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U");
    m.user("kai").enrolled("kai", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    let asked = |user: &str| {
        let call = m.call(["twinlock", "reset", "ada", "--yes"]).logged_in(user);
        let mut session = call.open();
        session.expect("Your own code");
        (session, m.code(user))
    };
    let mut both = [asked("kim"), asked("kai")];
    m.at_once("twinlock", &mut both);
    let mut codes = both.each_mut().map(|(session, _)| session.exit_code());
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(3)]);
    let told = both.iter().filter(|(session, _)| session.transcript().contains("nothing to reset"));
    assert_eq!(told.count(), 1);
    assert_eq!(m.logged("event=reset ").len(), 1);
}
