//! Tests the exact texts, exit statuses, JSON and log lines of the administrator's commands.

use twinlock_tests::{Finished, Machine, Otp, PASSWORD};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").enrolled("ada", KEY).user("bob");
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

fn twinlock(m: &Machine, words: &str) -> Finished {
    m.run(format!("twinlock {words}").split(' '))
}

fn wrong_tries(m: &Machine, count: usize) {
    let answers = format!("{}\n", m.wrong_code("ada")).repeat(count);
    m.pamtester("probe", "ada").input(format!("{answers}\n")).output();
}

/// Command lines that are refused, each with the exit status and the whole message.
const REFUSALS: [(&str, i32, &str); 10] = [
    (
        "status",
        2,
        "root must name a user\nRun twinlock status USER, or for all users twinlock list.\n",
    ),
    ("status nobo", 3, "there is no account nobo\nCheck the spelling (getent passwd NAME).\n"),
    ("enroll nobo", 3, "there is no account nobo\nCheck the spelling (getent passwd NAME).\n"),
    (
        "enroll ada",
        3,
        "ada is enrolled already, and keeps the present key\nTo start again: twinlock remove ada, then enroll again.\n",
    ),
    ("verify bob", 3, "bob is not enrolled\nTo enroll: twinlock enroll bob\n"),
    ("verify ada", 130, "stopped\nNo code was verified.\n"),
    (
        "unlock ada",
        3,
        "ada has no failed attempts\nTo see why logins are refused: twinlock why ada\n",
    ),
    ("remove bob", 3, "bob is not enrolled\nCheck the spelling: twinlock list shows all users.\n"),
    ("remove ada", 130, "stopped; nothing was removed\nIf there is no terminal, give --yes.\n"),
    (
        "settings check /none",
        2,
        "/none cannot be read (No such file or directory (os error 2))\nName a settings file: twinlock settings check FILE\n",
    ),
];

#[test]
fn each_refusal_says_what_and_what_to_do() {
    let m = machine();
    for (words, code, said) in REFUSALS {
        let found = twinlock(&m, words);
        assert_eq!(found.code, Some(code), "{words}: {found:?}");
        let told = found.stderr.split_once("twinlock: ").map(|(_, told)| told);
        assert_eq!(told, Some(said), "{words}");
        assert_eq!(found.stdout, "", "{words}");
    }
    for words in ["frobnicate", "enroll", "list ada", "settings"] {
        let found = twinlock(&m, words);
        assert_eq!((found.code, found.stdout.as_str()), (Some(2), ""), "{words}");
    }
}

#[test]
fn who_is_not_root_is_told_so() {
    let m = machine();
    for words in [
        "enroll ada",
        "status",
        "status ada",
        "list",
        "verify ada",
        "unlock ada",
        "why ada",
        "remove ada",
        "reset ada",
        "invite bob",
        "backup-codes ada",
        "show-key ada",
        "bypass ada --reason x",
        "devices ada",
        "forget ada --all",
        "epoch show",
    ] {
        let found = m.run_as("bob", format!("twinlock {words}").split(' '));
        assert_eq!(found.code, Some(4), "{words}: {found:?}");
        // The message says what a user without sudo can still change at a login.
        let said = &found.stderr;
        assert!(said.contains("root") && said.contains("log in, type ?, then 4"), "{found:?}");
    }
}

#[test]
fn status_and_list_follow_a_life() {
    let m = machine();
    let state = |user: &str| {
        let json = m.run(["twinlock", "--json", "status", user]);
        let rest = json.ok().split_once("\"state\":\"").unwrap().1.to_owned();
        rest.split_once('"').unwrap().0.to_owned()
    };
    assert_eq!((state("ada").as_str(), state("bob").as_str()), ("enrolled", "not enrolled"));
    let shown = twinlock(&m, "status ada").ok().to_owned();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("ada is enrolled since 20") && lines[0].ends_with(" UTC."));
    assert_eq!(lines[1], "Authenticator: twinbox (6 digits, 30 s, SHA1)");
    assert_eq!(lines[2], "Last code: none since this machine was started");
    assert_eq!(lines[3], "Failed attempts: none");
    m.pamtester("probe", "ada").input(format!("{}\n", m.code("ada"))).output().ok();
    wrong_tries(&m, 2);
    let shown = twinlock(&m, "status ada").ok().to_owned();
    assert!(shown.contains("Last code: 20") && shown.contains("Failed attempts: 2"), "{shown}");
    assert_eq!(
        twinlock(&m, "status bob").ok(),
        "bob is not enrolled.\nLogins that need a code are refused. To enroll: twinlock enroll bob\n"
    );
    let listed = twinlock(&m, "list").ok().to_owned();
    assert!(listed.starts_with("USER  STATE     SINCE       LAST CODE         AUTHENTICATORS\n"));
    assert!(listed.ends_with("\n\n1 user: 1 enrolled. Times are UTC.\n"), "{listed}");
    twinlock(&m, "remove ada --yes").ok();
    assert_eq!(state("ada"), "removed");
}

#[test]
fn unlock_lets_somebody_try_again() {
    let m = machine();
    for _ in 0..2 {
        wrong_tries(&m, 3);
    }
    let refused = m.pamtester("probe", "ada").input(format!("{}\n\n", m.code("ada"))).output();
    assert!(refused.stderr.contains("Too many wrong codes"), "{refused:?}");
    let unlocked = twinlock(&m, "unlock ada");
    assert_eq!(unlocked.ok(), "5 failed attempts of ada cleared: 5 from unknown.\n");
    let line = "event=unlocked user=ada tries=5 own_code=exempt actor=";
    assert!(m.logged("event=unlocked")[0].ends_with(&format!("{line}{}", m.actor())));
    assert!(m.run(["ls", "/var/lib/twinlock/outbox"]).ok().contains("ada@unlocked."));
    m.pamtester("probe", "ada").input(format!("{}\n", m.code("ada"))).output().ok();
    assert_eq!(twinlock(&m, "unlock ada").code, Some(3));
}

#[test]
fn remove_asks_and_works_where_account_or_record_are_gone() {
    let m = machine();
    let mut s = m.call(["twinlock", "remove", "ada"]).open();
    s.expect("Type the user name to continue: ").send_line("adda").expect("that is not ada");
    assert_eq!(s.exit_code(), Some(1));
    let mut s = m.call(["twinlock", "remove", "ada"]).open();
    s.expect("Type the user name to continue: ").send_line("ada").expect("ada is removed");
    assert_eq!(s.exit_code(), Some(0));
    assert!(
        m.logged("event=removed")[0]
            .ends_with(&format!("event=removed user=ada own_code=exempt actor={}", m.actor()))
    );
    assert!(!m.run(["sh", "-c", "cat /var/lib/twinlock/users/ada/*"]).stdout.contains(KEY));
    let refused = m.pamtester("probe", "ada").input("\n").output();
    assert!(refused.code != Some(0) && refused.stderr.contains("none is set up"), "{refused:?}");
    m.enrolled("ada", KEY).enrolled("bob", "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U");
    m.run(["sed", "-i", "s/^uid.*/uid = x/", "/var/lib/twinlock/users/ada/record.3.toml"]).ok();
    m.run(["sed", "-i", "/^bob:/d", "/etc/passwd"]).ok();
    let listed = twinlock(&m, "list").ok().to_owned();
    assert!(
        listed.contains("ada   broken      -           -          record_malformed, line 3"),
        "{listed}"
    );
    assert!(listed.contains("bob   no account"), "{listed}");
    assert_eq!(twinlock(&m, "enroll ada").code, Some(6));
    twinlock(&m, "remove ada --yes").ok();
    twinlock(&m, "remove bob --yes").ok();
    m.enrolled("ada", KEY);
    m.pamtester("probe", "ada").input(format!("{}\n", m.code("ada"))).output().ok();
}

/// Checks that the exit status of a reset says that a part of it was not done. Also checks that chage does not read a
/// user name as an option, since a name may begin with a dash in a directory service.
#[test]
fn a_reset_says_by_its_status_what_was_left_undone() {
    let m = machine();
    let loginctl = |then: &str| {
        let text = format!("#!/bin/sh\necho \"$@\" >>/root/ended\n{then}\n");
        m.file("/usr/bin/loginctl").write(text).mode(0o755);
    };
    let uid = m.uid("ada");
    m.run(["mkdir", "-p", "/run/systemd/system", &format!("/run/systemd/users/{uid}")]).ok();
    m.password("ada", PASSWORD);
    let reset = || {
        m.run(["twinlock", "remove", "ada", "--yes"]);
        m.enrolled("ada", KEY);
        twinlock(&m, "reset ada --yes --end-sessions --expire-password")
    };
    loginctl("exit 0");
    reset().ok();
    assert_eq!(m.file("/root/ended").read(), format!("terminate-user {uid}\n"));
    let shadow = m.file("/etc/shadow").read();
    assert!(shadow.lines().any(|line| line.starts_with("ada:$6$") && line.contains(":0:0:")));
    loginctl("exit 1");
    let left = reset();
    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(
        left.stderr.replace('\n', " ").contains("failed (exit status: 1); the reset was done.")
    );
    assert!(left.stdout.contains("ada is reset") && left.stdout.contains("Hand this ticket"));
    loginctl("exit 0");
    m.file("/usr/bin/chage")
        .write("#!/bin/sh\ntest \"$*\" = '-d 0 -- ada' && exit 3\n")
        .mode(0o755);
    let left = reset();
    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(left.stderr.contains("`chage -d 0 -- ada` failed (exit status: 3)"), "{left:?}");
}

/// Checks that a reset with `--expire-password` leaves an account without a password as it is. If its password were
/// expired, the user would be forced to change it, could not do so, and could no longer log in with an ssh key.
#[test]
fn account_without_password_is_not_expired() {
    let m = machine();
    let reset = || twinlock(&m, "reset ada --yes --expire-password");
    let lines = m.file("/etc/shadow").read();
    let others: Vec<&str> = lines.lines().filter(|line| !line.starts_with("ada:")).collect();
    let others = format!("{}\n", others.join("\n"));
    for (line, why) in [
        ("ada:!:19000:0:99999:7:::\n", "has no password to log in with"),
        ("ada:*:19000:0:99999:7:::\n", "has no password to log in with"),
        ("ada::19000:0:99999:7:::\n", "has no password to log in with"),
        ("ada:!$6$a$b:19000:0:99999:7:::\n", "has no password to log in with"),
        ("", "has no password on this host"),
    ] {
        let (before, shadow) = (m.tree("/var/lib/twinlock"), format!("{others}{line}"));
        m.file("/etc/shadow").write(&shadow);
        let refused = reset();
        let said = refused.stderr.replace('\n', " ");
        assert_eq!(refused.code, Some(3), "{line}: {refused:?}");
        assert!(said.contains(why) && said.contains("Leave --expire-password out."), "{said}");
        assert_eq!((m.tree("/var/lib/twinlock"), m.file("/etc/shadow").read()), (before, shadow));
    }
    m.file("/etc/shadow").write(&lines);
    twinlock(&m, "reset ada --yes").ok();
}

#[test]
fn hostile_names_are_harmless_on_screen_in_the_log_and_on_disk() {
    let m = machine();
    for (name, shown, folder) in [
        ("a\u{1b}[2J", "a\\u{1b}[2J", "a%1B%5B2%4A"),
        ("..", "..", "%2E."),
        ("DOM\\eve", "DOM\\\\eve", "%44%4F%4D%5Ceve"),
        ("å\u{202e}b", "å\\u{202e}b", "%C3%A5%E2%80%AEb"),
    ] {
        m.file("/etc/passwd")
            .append(format!("{name}:x:{}:100::/:/bin/sh\n", 30_000 + folder.len()));
        let otp = Otp::new(KEY);
        let enroll = m.call(["twinlock", "enroll", "--secret-stdin", "--", name]);
        m.run(["sh", "-c", "rm -rf /run/twinlock/users"]).ok();
        let done = enroll.input(format!("{KEY}\n{}\n", otp.in_steps(0))).output();
        assert!(done.ok().starts_with(&format!("{shown} is enrolled")), "{done:?}");
        assert!(m.file(&format!("/var/lib/twinlock/users/{folder}/record.1.toml")).exists());
        for verb in [&["status"][..], &["why"], &["list"], &["unlock"], &["remove", "--yes"]] {
            let mut words = vec!["twinlock"];
            words.extend(verb);
            words.extend(["--", name].iter().filter(|_| verb != ["list"]));
            let said = m.run(words);
            let said = said.stdout + &said.stderr;
            assert!(said.contains(shown), "{verb:?}: {said}");
            let printable = |letter: char| letter == '\n' || !letter.is_control();
            assert!(said.chars().all(|letter| printable(letter) && letter != '\u{202e}'), "{said}");
        }
    }
    assert!(m.log().iter().all(|line| line.bytes().all(|byte| (0x20..0x7f).contains(&byte))));
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    let m = machine();
    m.settings("[[rule]]\ngroup = \"a-group-that-nobody-has-made-on-this-machine-yet\"\naction = \"exempt\"\n");
    wrong_tries(&m, 3);
    for words in [
        "--help",
        "enroll --help",
        "remove --help",
        "reset --help",
        "invite --help",
        "backup-codes --help",
        "show-key --help",
        "bypass --help",
        "forget --help",
        "invite ada",
        "reset bob --yes",
        "settings check --help",
        "epoch ensure --help",
        "status ada",
        "status bob",
        "list",
        "why ada",
        "why nobody-here",
        "verify bob",
        "unlock bob",
        "settings check",
        "settings apply",
        "settings show",
        "epoch show",
        "enroll ada",
        "remove bob",
    ] {
        let said = twinlock(&m, words);
        for line in said.stdout.lines().chain(said.stderr.lines()) {
            assert!(line.chars().count() <= 78, "{words}: {line}");
        }
    }
}

#[test]
fn the_man_page_and_the_completions_are_printed() {
    let m = machine();
    let page = twinlock(&m, "man").ok().to_owned();
    m.file("/root/twinlock.1").write(&page);
    for words in [
        "twinlock enroll [USER]",
        "--secret-stdin",
        "settings check [FILE]",
        "--break-glass REASON",
        "twinlock reset USER",
        "130",
    ] {
        let read =
            m.run(["sh", "-c", "man -l /root/twinlock.1 2>/dev/null || cat /root/twinlock.1"]);
        let plain = read.stdout.replace("\\-", "-");
        assert!(plain.contains(words), "{words}: {plain}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(twinlock(&m, &format!("completions {shell}")).ok().contains("enroll"), "{shell}");
    }
}
