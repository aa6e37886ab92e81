//! Tests `twinlock why`: every kind of refusal is explained in plain words with a remedy, whatever is damaged.

use twinlock_tests::Machine;

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const RECORD: &str = "/var/lib/twinlock/users/ada/record.1.toml";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").enrolled("ada", KEY);
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

fn why(m: &Machine, user: &str) -> String {
    m.run(["twinlock", "why", user]).ok().to_owned()
}

fn answer(m: &Machine, user: &str, lines: &str) {
    let refused = m.pamtester("probe", user).input(lines).output();
    assert_ne!(refused.code, Some(0), "{refused:?}");
}

#[test]
fn each_refusal_is_explained_newest_first() {
    let m = machine();
    assert!(why(&m, "ada").contains("\nNo refusal is recorded.\n\nIf logins are still refused: "));
    let wrong = m.wrong_code("ada");
    let answers =
        ["\n".into(), "hunter2\nhunter2\nhunter2\n".into(), format!("{wrong}\n").repeat(3)];
    for (lines, word) in answers.iter().zip(["stopped", "not_a_code", "wrong_code"]) {
        answer(&m, "ada", lines);
        let said = why(&m, "ada");
        let (_, last) = said.split_once("Last refusals, newest first:\n").unwrap();
        let mut lines = last.lines();
        let head = lines.next().unwrap();
        assert!(head.ends_with(" UTC  probe  from unknown"), "{said}");
        assert!(lines.next().unwrap().starts_with(&format!("  {word}: ")), "{said}");
        assert!(lines.next().unwrap().starts_with("  "), "{said}");
    }
    let code = m.code("ada");
    m.pamtester("probe", "ada").input(format!("{code}\n")).output().ok();
    answer(&m, "ada", &format!("{code}\n").repeat(3));
    assert!(why(&m, "ada").contains("  replayed: the code, or a later one, was used already\n"));
    m.epoch_minutes_ago(0);
    answer(&m, "ada", &format!("{}\n", m.code_in("ada", 1)).repeat(3));
    assert!(why(&m, "ada").contains("  before_epoch: "));
}

#[test]
fn a_throttled_source_is_told_until_when() {
    let m = machine();
    let wrong = format!("{}\n", m.wrong_code("ada")).repeat(3);
    answer(&m, "ada", &wrong);
    answer(&m, "ada", &wrong);
    let said = why(&m, "ada");
    assert!(
        said.contains("Too many wrong codes from unknown: the next is verified at 20"),
        "{said}"
    );
    assert!(said.contains("  throttled: too many wrong codes came from this source\n"), "{said}");
    assert!(said.contains("twinlock unlock ada\n"), "{said}");
    // Repeated attempts from a throttled source do not displace the refusals that caused it.
    for _ in 0..3 {
        answer(&m, "ada", &wrong);
    }
    let said = why(&m, "ada");
    assert_eq!(said.matches("  throttled: ").count(), 1, "{said}");
    assert!(said.contains("  wrong_code: ") && said.contains(" times, first at 20"), "{said}");
    m.run(["twinlock", "unlock", "ada"]).ok();
    assert!(!why(&m, "ada").contains("the next is verified at"));
}

#[test]
fn people_without_a_record_or_an_account_are_told_apart() {
    let m = machine();
    m.user("bob");
    answer(&m, "bob", "\n");
    let said = why(&m, "bob");
    assert!(said.starts_with("bob is not enrolled. To enroll: twinlock enroll bob\n"), "{said}");
    assert!(said.contains("  not_enrolled: no authenticator is set up\n"), "{said}");
    answer(&m, "nobody-here", "\n");
    let said = why(&m, "nobody-here");
    assert!(said.starts_with("There is no account nobody-here."), "{said}");
    assert!(said.contains("  unknown_user: there is no such account\n"), "{said}");
}

/// Shell text that damages a file, the reason that is reported, and the beginning of the remedy.
type Damage = (&'static str, &'static str, &'static str);

const DAMAGES: [Damage; 7] = [
    ("sed -i 's/^uid.*/uid = x/' $R", "record_malformed", "Restore the user's newest record"),
    ("sed -i 's/^version.*/version = 9/' $R", "record_newer", "Install the newer version"),
    ("sed -i 's/^uid.*/uid = 9/' $R", "record_other_uid", "The account was created again"),
    ("chmod 644 $R", "record_too_open", "Run chmod -R go="),
    ("chown 1 $R", "record_wrong_owner", "run chown -R root:root"),
    ("ln $R /var/lib/twinlock/twin", "record_hard_link", "A record has a second hard link"),
    ("mv $R /x; ln -s /x $R", "record_symlink", "Replace the symbolic link"),
];

#[test]
fn a_broken_record_is_named_with_its_remedy() {
    for (damage, word, remedy) in DAMAGES {
        let m = machine();
        m.run(["sh", "-c", &format!("R={RECORD}; {damage}")]).ok();
        told(&m, word, remedy);
    }
}

#[test]
fn a_store_that_is_not_ours_is_named_with_its_remedy() {
    let others = "0123456789abcdef0123456789abcdef\n";
    let m = machine();
    m.user("bob");
    m.file("/etc/twinlock/store-id").write(others);
    answer(&m, "bob", "\n");
    let said = why(&m, "bob");
    assert!(said.contains("store_id_mismatch: the records folder is not the one"), "{said}");
    let m = machine();
    m.run(["mount", "-t", "tmpfs", "-o", "mode=0700", "empty", "/var/lib/twinlock"]).ok();
    told(&m, "store_id_missing", "Mount the records folder");
    let m = machine();
    m.run(["mv", "/var/lib/twinlock", "/var/lib/elsewhere"]).ok();
    told(&m, "records_missing", "Mount the records folder");
}

fn told(m: &Machine, word: &str, remedy: &str) {
    answer(m, "ada", "\n");
    let said = why(m, "ada");
    let now = "Every login of ada is refused now: ";
    assert!(said.starts_with(now), "{word}: {said}");
    let lines = said.replace("\n  ", " ");
    assert!(lines.contains(&format!(" ({word}")), "{word}: {said}");
    assert!(lines.contains(&format!("from unknown {word}: ")), "{word}: {said}");
    assert_eq!(lines.matches(remedy).count(), 2, "{word}: {said}");
}

#[test]
fn a_ledger_that_cannot_be_used_is_told_too() {
    let m = machine();
    m.file("/run/twinlock").mode(0o755);
    answer(&m, "ada", "\n");
    let said = why(&m, "ada");
    assert!(said.starts_with("ada is enrolled, and the record can be read.\nLedger: "), "{said}");
    let json = m.run(["twinlock", "why", "ada", "--json"]);
    assert!(json.ok().contains("\"ledger\":\"ledger_untrusted\""), "{json:?}");
}

#[test]
fn reset_invitation_and_tickets_are_told() {
    let m = machine();
    m.user("bob").user("carl");
    m.run(["twinlock", "backup-codes", "ada", "--yes"]).ok();
    let said = why(&m, "ada").replace('\n', " ");
    assert!(
        said.contains("ada is enrolled")
            && said.contains("Ticket for new backup codes: from root, until "),
        "{said}"
    );
    let reset = m.run(["twinlock", "reset", "ada", "--yes"]);
    let told = "A login with an ssh key sets up an app without a ticket.";
    assert!(reset.ok().replace('\n', " ").contains(told), "{reset:?}");
    let said = why(&m, "ada").replace("\n  ", " ").replace('\n', " ");
    assert!(said.starts_with("ada was reset by root at "), "{said}");
    assert!(
        said.contains("The next login sets up an app. For a new ticket: twinlock invite ada"),
        "{said}"
    );
    assert!(said.contains("Ticket for set-up: from root, until "), "{said}");
    m.run(["twinlock", "invite", "bob"]).ok();
    let said = why(&m, "bob");
    assert!(said.starts_with("bob is invited, and no app is set up."), "{said}");
    assert!(said.contains("Ticket for set-up: from root, until "), "{said}");
    m.settings("not_enrolled = \"enroll\"\nenroll_needs_ticket = false\n");
    let begun = m.pamtester("probe", "carl").input("start\n\n\n").output();
    assert_ne!(begun.code, Some(0), "{begun:?}");
    let said = why(&m, "carl").replace("\n  ", " ").replace('\n', " ");
    assert!(
        said.starts_with("carl has begun set-up and not finished it, and no app is set up."),
        "{said}"
    );
    assert!(said.contains("Set-up was begun at "), "{said}");
    // If the settings require no ticket, `reset` names the setting.
    m.settings("after_reset = \"login\"\n").run(["twinlock", "remove", "bob", "--yes"]);
    m.enrolled("bob", KEY);
    let reset = m.run(["twinlock", "reset", "bob", "--yes"]);
    assert!(reset.ok().contains("after_reset = \"login\""), "{reset:?}");
}

#[test]
fn one_field_advice_says_password_then_code() {
    let m = machine();
    m.pam("probe", "auth required pam_twinlock.so first_factor=follows forward_pass\n");
    answer(&m, "ada", "hunter2\n");
    let said = why(&m, "ada").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("not_a_code: "), "{said}");
    assert!(said.contains("the password and then the code in one answer."), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}
