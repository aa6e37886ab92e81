//! Tests administrators, also root, who are not enrolled: all their privileged commands are refused, except for the
//! first enrollments of a host.

use std::collections::BTreeSet;

use twinlock_core::authorization::{OPERATIONS, Proof};
use twinlock_tests::{Finished, Machine, Otp};

use super::{ADA, KIM, URI, by, refused};

const MINE: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const SAID: &str =
    "Enroll yourself first: twinlock enroll root. If root is a robot, name it in own_code_exempt.";
/// Command lines, at least one for each row of the permission table that requires authorization, with the row's name.
const LINES: [(&str, &str); 28] = [
    ("enroll", "enroll bob --secret-stdin"),
    ("enroll --from", "enroll --from /root/people.csv"),
    ("import uri", "import uri bob"),
    ("import migration", "import migration bob --name token"),
    ("import record", "import record bob"),
    ("import qr", "import qr bob /root/qr.png"),
    ("import google|oath USER", "import google bob"),
    ("import google|oath USER", "import oath /root/oath --user bob"),
    ("import google|oath --all", "import google --all"),
    ("import google|oath --all", "import oath /root/oath"),
    ("export", "export ada"),
    ("verify", "verify ada"),
    ("invite", "invite bob"),
    ("invite --group", "invite --group staff --until 2099-01-31"),
    ("reset", "reset ada --yes"),
    ("backup-codes", "backup-codes ada --yes"),
    ("change", "change root"),
    ("show-key", "show-key ada --yes --png /root/key.png"),
    ("bypass", "bypass ada --yes --reason lost"),
    ("unlock", "unlock ada"),
    ("forget", "forget ada --all"),
    ("remove", "remove ada --yes"),
    ("remove --authenticator", "remove ada --authenticator phone --yes"),
    ("settings apply", "settings apply"),
    ("settings apply", "settings apply /root/draft.toml"),
    ("epoch now", "epoch now"),
    ("setup", "setup su --with password --no-way-back"),
    ("teardown", "teardown su --yes"),
];

/// Creates a host without an enrolled user, as package and useradd leave it, with the files that the command lines
/// read.
fn new_host() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("bob").user("kim").settings_alone("");
    m.run(["usermod", "-aG", "staff", "bob"]).ok();
    for (user, key) in [("ada", ADA), ("bob", MINE)] {
        let path = format!("/home/{user}/.google_authenticator");
        m.file(&path).write(format!("{key}\n\" TOTP_AUTH\n")).owner(m.uid(user)).mode(0o400);
    }
    m.file("/root/oath").write_private(
        "HOTP/T30 ada - 00112233445566778899aabbccddeeff00112233\n\
         HOTP/T30 bob - 10112233445566778899aabbccddeeff00112233\n",
    );
    m.file("/root/people.csv").write_private(&format!("user,mail,key\nada,,{ADA}\nbob,,{MINE}\n"));
    m.file("/root/draft.toml").write_private("tries = 2\n");
    m
}

/// Writes files that only their owner can read.
trait Private {
    fn write_private(&self, text: &str);
}

impl Private for twinlock_tests::MachineFile<'_> {
    fn write_private(&self, text: &str) {
        self.write(text).mode(0o600);
    }
}

fn by_root(m: &Machine, line: &str, input: &str) -> Finished {
    let words = ["twinlock"].into_iter().chain(line.split(' '));
    m.call(words).logged_in("root").input(input).output()
}

#[test]
fn root_is_refused_at_each_row_of_the_table() {
    let lines: BTreeSet<&str> = LINES.iter().map(|(verb, _)| *verb).collect();
    let rows = OPERATIONS.iter().map(|one| one.permission());
    // A second login proves who confirms a setup, and `setup::ssh` tests it.
    // The agent serves members of a role, and `agent::roles` tests it. The verbs of a fleet need a store, and
    // `fleet::proof` tests them.
    let elsewhere = [Proof::Nothing, Proof::SecondLogin, Proof::PasswordAndCode];
    let asked = rows.filter(|row| !elsewhere.contains(&row.proof));
    let asked = asked.filter(|row| !row.verb.starts_with("fleet "));
    let rows: BTreeSet<&str> = asked.map(|row| row.verb).collect();
    assert_eq!(lines, rows);
    let m = new_host();
    m.settings("").enrolled("ada", ADA);
    by_root(&m, "show-key ada --yes --png /root/qr.png", "").ok();
    m.settings_alone("");
    let folders = ["/var/lib/twinlock/users", "/etc/twinlock", "/etc/pam.d"];
    let stands = || folders.map(|folder| m.tree(folder)).concat();
    let (before, logged) = (stands(), m.log().len());
    for (_, line) in LINES {
        let done = by_root(&m, line, URI);
        refused(&done, SAID);
        assert!(done.stdout.is_empty() && stands() == before, "{line}: {done:?}");
    }
    assert_eq!(m.log().len(), logged, "{:?}", m.log());
    // Commands of the systemd units ask for nothing, and read-only commands need no code.
    for line in ["epoch ensure", "epoch sweep", "deliver", "status ada", "why ada", "list"] {
        by_root(&m, line, "").ok();
    }
    for exempting in ["own_code_exempt = [\"root\"]\n", "require_own_code = false\n"] {
        m.settings_alone(exempting);
        by_root(&m, "export ada", "").ok();
    }
}

#[test]
fn root_enrolls_itself_and_is_asked_from_then_on() {
    let m = new_host();
    m.settings("").enrolled("ada", ADA).settings_alone("");
    by_root(&m, "import uri root", &(Otp::new(KIM).uri("root") + "\n")).ok();
    let logged = m.logged("event=enrolled user=root").remove(0);
    assert!(logged.ends_with("own_code=own_enrollment actor=root"), "{logged}");
    let wrong = Otp::new(KIM).wrong();
    assert_eq!(by_root(&m, "export ada", &format!("{wrong}\n")).code, Some(1));
    by_root(&m, "export ada", &(Otp::new(KIM).in_steps(0) + "\n")).ok();
    let logged = m.logged("event=exported user=ada").remove(0);
    assert!(logged.ends_with("own_code=given actor=root"), "{logged}");
}

#[test]
fn whatever_enrolls_begins_a_new_host_without_a_code() {
    let seed = include_str!("../../../fuzz/seeds/migration/two");
    let uri = URI.replace("bob", "ada");
    let typed = format!("{MINE}\n{}\n", Otp::new(MINE).in_steps(0));
    for (line, input, users) in [
        ("enroll ada --secret-stdin", typed.as_str(), 1),
        ("import uri ada", &uri, 1),
        ("import migration ada --name token", seed, 1),
        ("import google ada", "", 1),
        ("import oath /root/oath --user ada", "", 1),
        // A migration or a list counts as one first enrollment, however many users it has.
        ("import google --all", "", 2),
        ("import google ada bob", "", 2),
        ("import oath /root/oath", "", 2),
        ("enroll --from /root/people.csv", "", 2),
        ("enroll --from -", "user,mail,key\nada,,MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U\n", 1),
    ] {
        for login in ["root", "kim", ""] {
            let m = new_host();
            let words = ["twinlock"].into_iter().chain(line.split(' '));
            let call = m.call(words).input(input);
            let call =
                if login.is_empty() { call.without_a_login() } else { call.logged_in(login) };
            call.output().ok();
            let logged = m.logged("event=enrolled ");
            assert_eq!(logged.len(), users, "{line}: {logged:?}");
            assert!(logged.iter().all(|one| one.contains("own_code=bootstrap")), "{logged:?}");
            // The first enrollment of the host is done, so the next one needs a code.
            let next = by_root(&m, "import uri kim", URI);
            refused(&next, "Enroll yourself first: twinlock enroll root.");
        }
    }
}

#[test]
fn new_host_frees_nothing_that_does_not_enroll() {
    let m = new_host();
    let frees = |verb: &str| verb.starts_with("enroll") || verb.starts_with("import");
    for (verb, line) in LINES {
        if !frees(verb) {
            refused(&by_root(&m, line, ""), SAID);
        }
    }
    // As in README: first the administrator, then the others with a code.
    by_root(&m, "import uri root", &(Otp::new(KIM).uri("root") + "\n")).ok();
    let code = |step| Otp::new(KIM).in_steps(step) + "\n";
    let group = "invite --group staff --until 2099-01-31 --report /root/tickets.csv";
    by_root(&m, group, &code(0)).ok();
    assert_eq!(m.logged("event=rule_written group=staff").len(), 1);
    by_root(&m, "settings apply", &code(1)).ok();
}

#[test]
fn list_held_open_since_bootstrap_enrolls_nobody_more() {
    let m = new_host();
    let words = ["twinlock", "enroll", "--from", "-"];
    let mut held = m.call(words).logged_in("kim").open();
    held.send_line("user,mail,key").send_line(&format!("bob,,{MINE}")).expect("bob: enrolled");
    m.settings("").enrolled("ada", ADA).settings_alone("");
    held.send_line(&format!("kim,,{KIM}")).expect("was enrolled in the");
    held.send("\x04");
    assert_eq!(held.exit_code(), Some(1));
    assert!(m.logged("event=enrolled user=kim").is_empty());
    // If a user who was invited before the list is enrolled in the meantime, the list is stopped, too.
    let m = new_host();
    m.settings("").run(["twinlock", "invite", "bob"]).ok();
    m.settings_alone("");
    let mut held = m.call(words).logged_in("kim").open();
    held.send_line("user,mail,key").send_line(&format!("ada,,{ADA}")).expect("ada: enrolled");
    m.settings("").run(["twinlock", "remove", "bob", "--yes"]);
    m.enrolled("bob", MINE).settings_alone("");
    held.send_line(&format!("kim,,{KIM}")).expect("was enrolled in the");
    assert!(m.logged("event=enrolled user=kim").is_empty());
}

#[test]
fn list_on_a_new_host_invites_nobody() {
    let m = new_host();
    m.settings_alone("");
    let list = format!("user,mail,key\nkim,thief@example.org,\nbob,,\nada,,{ADA}\n");
    let words = ["twinlock", "enroll", "--from", "-", "--report", "/root/tickets.csv"];
    let done = m.call(words).logged_in("root").input(&list).output();
    refused_rows(&done, 2);
    assert!(m.logged("event=invited").is_empty(), "{:?}", m.log());
    assert_eq!(m.logged("event=enrolled").len(), 1, "{:?}", m.log());
    assert!(!m.tree("/var/lib/twinlock").contains("kim"), "{}", m.tree("/var/lib/twinlock"));
}

/// Checks that the command refused `rows` rows of a list because root is not enrolled.
fn refused_rows(done: &Finished, rows: usize) {
    let told = format!("{}{}", done.stdout, done.stderr);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        told.matches("Enroll yourself first: twinlock enroll root.").count(),
        rows,
        "{told}"
    );
    assert_ne!(done.code, Some(0));
}

#[test]
fn two_first_enrollments_at_once_leave_a_host_that_takes_codes() {
    let m = new_host();
    let cut = m.cut("import uri bob", URI);
    let places = cut.places(|place| {
        ["symlinkat", "renameat2", "mkdirat"].iter().any(|call| place.what.starts_with(call))
            && !place.what.contains("/unknown/")
    });
    for place in places {
        let mut other = None;
        let held = cut.held(&place, &mut || {
            other = by_root(&m, "import uri ada", &URI.replace("bob", "ada")).code;
        });
        // The command that checks last is refused. If both check in the same instant, both succeed.
        let codes = (other, held.code);
        let both = [(0, 0), (0, 4), (4, 0)].map(|(one, two)| (Some(one), Some(two)));
        assert!(both.contains(&codes), "{place:?}: {codes:?} {}", held.said);
        refused(&by_root(&m, "import uri kim", URI), SAID);
        let list = by_root(&m, "list", "");
        for (user, code) in [("ada", codes.0), ("bob", codes.1)] {
            assert_eq!(list.ok().contains(user), code == Some(0), "{place:?}: {list:?}");
        }
    }
}

#[test]
fn exempt_robot_rolls_out_a_new_host() {
    let m = new_host();
    m.settings("");
    by_root(&m, "invite --group staff --until 2099-01-31 --report /root/tickets.csv", "").ok();
    by_root(&m, "enroll --from /root/people.csv", "").ok();
    let logged = m.logged("event=enrolled ");
    assert!(logged.iter().all(|one| one.contains("own_code=exempt actor=root")), "{logged:?}");
    // sudo does not change who acts: kim is neither root nor a robot.
    m.file("/etc/sudoers.d/all").write("ALL ALL=(root) NOPASSWD: ALL\n").mode(0o440);
    refused(&by(&m, "kim", "sudo twinlock unlock ada", ""), "twinlock enroll kim.");
}
