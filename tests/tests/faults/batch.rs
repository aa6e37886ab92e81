//! Kills `enroll --from` and `invite --group` at their system calls and makes these calls fail. Checks that each user
//! is enrolled or invited completely or not at all, and that the same command completes the work.

use twinlock_tests::{Cut, Finished, Machine, Otp, Place, says_in_force, thorough};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const BOB: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const SETTINGS: &str = "# ours\nown_code_exempt = [\"root\"]\nwindow = 2\n";
const UNTIL: &str = "2099-01-31";

fn machine() -> Machine {
    let m = Machine::new();
    m.bare();
    for (uid, name) in (2000..).zip(["ada", "bob", "cy"]) {
        m.user_with_uid(name, uid);
    }
    m.file("/etc/group").append("dev:x:3000:ada,bob,cy\n");
    m.settings(SETTINGS);
    let list = format!("user,key\nada,{ADA}\nbob,{BOB}\n");
    m.file("/root/people.csv").write(list).mode(0o600);
    m.app("ada", &Otp::new(ADA)).app("bob", &Otp::new(BOB));
    m
}

fn state(m: &Machine, user: &str) -> String {
    let status = m.run(["twinlock", "--json", "status", user]);
    let (_, rest) = status.ok().split_once("\"state\":\"").expect("a state");
    rest.split_once('"').expect("its end").0.to_owned()
}

/// Returns how many users of the list are enrolled. Checks that none is half enrolled, and that they were enrolled in
/// the order of the list.
fn enrolled(m: &Machine) -> usize {
    let is = |user: &&str| match state(m, user).as_str() {
        "enrolled" => true,
        "not enrolled" => false,
        other => panic!("{user} is {other}: {:?}", m.run(["twinlock", "status", user])),
    };
    let number = ["ada", "bob"].iter().filter(|user| is(user)).count();
    assert!(number != 1 || is(&"ada"), "bob comes after ada");
    number
}

fn chosen(place: &Place) -> bool {
    thorough() || place.writes()
}

fn knows(m: &Machine, user: &str) {
    let verify = m.call(["twinlock", "verify", user]).input(m.code_in(user, 1) + "\n");
    verify.output().ok();
}

/// Repeats the command that was cut off. Checks that it enrolls the remaining users of the list and leaves no
/// temporary files.
fn list_goes_on(m: &Machine, cut: &Cut<'_>) {
    cut.again().ok();
    assert_eq!(enrolled(m), 2);
    for user in ["ada", "bob"] {
        knows(m, user);
    }
    assert_eq!(cut.left(), "");
}

#[test]
fn a_list_killed_anywhere_is_done_up_to_a_person_and_goes_on_there() {
    let m = machine();
    let cut = m.cut("enroll --from /root/people.csv", "");
    let mut done = Vec::new();
    for place in cut.places(chosen) {
        cut.killed(&place);
        done.push(enrolled(&m));
        list_goes_on(&m, &cut);
    }
    assert!(done.is_sorted() && done.first() == Some(&0) && done.last() == Some(&2), "{done:?}");
}

/// The system calls that fail on a full or failing disk, with their errors.
const REFUSALS: [(&str, nix::errno::Errno); 3] = [
    ("renameat2", nix::errno::Errno::EIO),
    ("fsync", nix::errno::Errno::ENOSPC),
    ("fchmod", nix::errno::Errno::EROFS),
];

/// Returns the line about one user in `text`, the output of the command.
fn said<'a>(done: &'a Finished, text: &'a str, user: &str) -> &'a str {
    let line = text.lines().find(|line| line.starts_with(user));
    line.unwrap_or_else(|| panic!("nothing of {user}: {done:?}"))
}

/// Returns the output of the command, with each sentence on one line.
fn unwrapped(done: &Finished) -> String {
    (done.stdout.clone() + &done.stderr).replace("\n    ", " ")
}

#[test]
fn of_a_list_refused_by_the_disk_it_is_said_who_is_enrolled() {
    let m = machine();
    let cut = m.cut("enroll --from /root/people.csv", "");
    for (call, errno) in REFUSALS {
        for nth in 1.. {
            let done = cut.refused(call, errno, nth);
            if done.code == Some(0) {
                break;
            }
            assert_eq!(done.code, Some(6), "{call} {nth}: {done:?}");
            let text = unwrapped(&done);
            for user in ["ada", "bob"] {
                let said = said(&done, &text, user);
                let stands = match state(&m, user).as_str() {
                    "enrolled" => says_in_force(said) || said.ends_with(": enrolled"),
                    _ => said.contains("nothing was changed"),
                };
                assert!(stands, "{call} {nth}: {said}");
            }
            list_goes_on(&m, &cut);
        }
    }
}

fn settings(m: &Machine) -> String {
    m.file("/etc/twinlock/twinlock.toml").read()
}

fn rule() -> String {
    format!("\n[[rule]]\ngroup = \"dev\"\naction = \"remind\"\nuntil = {UNTIL}\n")
}

/// Returns the rows of the report files, each with a user and a ticket. The newest ticket of a user comes last.
fn tickets(m: &Machine) -> Vec<(String, String)> {
    let rows = m.run(["sh", "-c", "cat /root/report.csv /root/report-again.csv 2>/dev/null"]);
    let row = |line: &str| {
        let mut fields = line.split(',');
        Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
    };
    rows.stdout.lines().filter(|line| !line.starts_with("user")).filter_map(row).collect()
}

/// Returns whether a login with the ticket begins set-up.
fn begins(m: &Machine, user: &str, ticket: &str) -> bool {
    let done = m.asked(user, &format!("{ticket}\n\n\n"));
    (done.stdout + &done.stderr).contains("type this key")
}

/// Repeats the command that was cut off, with another report file. Checks that it invites the remaining users, and
/// that the last ticket of each user works.
fn invitations_go_on(m: &Machine, cut: &Cut<'_>) {
    let again = format!("twinlock {}-again.csv", INVITE.trim_end_matches(".csv"));
    m.run(again.split(' ')).ok();
    assert_eq!(settings(m), SETTINGS);
    assert!(rules(m).ends_with(&rule()), "{}", rules(m));
    assert_eq!(rules(m).matches("[[rule]]").count(), 1);
    let good = m.file("/etc/twinlock/settings.good").read();
    assert!(good.ends_with(&format!("\n{SETTINGS}{}", rules(m))), "{good}");
    assert_eq!(cut.left(), "");
    let tickets = tickets(m);
    let all = ["ada", "bob", "cy"];
    let tried = if thorough() { &all[..] } else { &all[..1] };
    for user in all {
        let last = tickets.iter().rfind(|(of, _)| of == user);
        let (_, ticket) = last.unwrap_or_else(|| panic!("no ticket of {user}: {tickets:?}"));
        let works = !tried.contains(&user) || begins(m, user, ticket);
        assert!(works, "{user}: {tickets:?}");
    }
}

const INVITE: &str = "invite --group dev --until 2099-01-31 --report /root/report.csv";

fn rules(m: &Machine) -> String {
    m.run(["sh", "-c", "cat /etc/twinlock/rules.toml 2>/dev/null"]).stdout
}

/// Checks that the settings are unchanged, and that the reminder rule for the group is complete or absent. If the rule
/// was written, at least `least` tickets and the rule's entry in accepted.toml must have been written earlier.
fn settings_are_whole(m: &Machine, least: usize) {
    assert_eq!(settings(m), SETTINGS);
    let found = rules(m);
    assert!(found.is_empty() || found.ends_with(&rule()), "{found}");
    assert!(found.is_empty() || tickets(m).len() >= least, "{:?}", tickets(m));
    let accepted = m.run(["sh", "-c", "cat /etc/twinlock/accepted.toml 2>/dev/null"]).stdout;
    let read = twinlock_doctor::accepted::read(&accepted).expect("a whole file");
    let of_sshd = read.accepted.iter().filter(|one| one.service == "sshd");
    let of_rule = of_sshd.filter(|one| one.finding == "rule-reminds").count();
    assert!(of_rule == 1 || of_rule == 0 && found.is_empty(), "{accepted}{found}");
}

#[test]
fn a_group_killed_anywhere_is_invited_by_the_same_command() {
    let m = machine();
    m.run(["twinlock", "settings", "apply"]).ok();
    let cut = m.cut(INVITE, "");
    let durable = |place: &Place| {
        let of_rules = place.what.contains("rules.toml") || place.what.contains("settings.good");
        let of_rules = of_rules || place.what.contains("accepted.toml");
        let calls = ["fsync ", "renameat", "symlinkat"];
        of_rules || calls.iter().any(|it| place.what.starts_with(it))
    };
    for place in cut.places(|place| thorough() || durable(place)) {
        cut.killed(&place);
        settings_are_whole(&m, 3);
        invitations_go_on(&m, &cut);
    }
}

#[test]
fn of_a_group_refused_by_the_disk_it_is_said_what_stands() {
    let m = machine();
    m.run(["twinlock", "settings", "apply"]).ok();
    let cut = m.cut(INVITE, "");
    for (call, errno) in REFUSALS {
        for nth in 1.. {
            let done = cut.refused(call, errno, nth);
            if done.code == Some(0) {
                break;
            }
            settings_are_whole(&m, 1);
            let text = unwrapped(&done).replace('\n', " ");
            let told = [
                "nothing was changed",
                "the rule is in",
                "may be lost",
                "cannot be written",
                "was not written",
            ];
            assert!(told.iter().any(|told| text.contains(told)), "{call} {nth}: {done:?}");
            if rules(&m).is_empty() {
                assert!(!text.contains("rule is in"), "{call} {nth}: {text}");
            }
            invitations_go_on(&m, &cut);
        }
    }
}
