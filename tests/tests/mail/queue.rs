//! Tests `twinlock deliver` with a real postfix: notifications of the outbox become mails in a mailbox.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use twinlock_tests::{Finished, Machine, Mail, repository};

const OUTBOX: &str = "/var/lib/twinlock/outbox";
const KINDS: [&str; 15] = [
    "backup-code-used",
    "few-codes-left",
    "set-up-done",
    "key-changed",
    "codes-renewed",
    "reset",
    "guessed",
    "bypass-given",
    "key-shown",
    "resynchronized",
    "key-exported",
    "record-imported",
    "mail-changed",
    "removed",
    "unlocked",
];

fn machine(settings: &str) -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("bob");
    m.settings(&format!("mail_domain = \"example.org\"\nmail_from = \"twinlock\"\n{settings}"));
    m.postfix();
    m
}

/// Adds a notification to the outbox, as a login does. Its time is one second later than that of the notification
/// added before it.
fn put(m: &Machine, name: &str) {
    static AT: AtomicU64 = AtomicU64::new(1_800_000_000);
    let at = AT.fetch_add(1, Ordering::Relaxed);
    m.file(&format!("{OUTBOX}/{name}")).link_to(&format!("{at} sshd 203.0.113.7 - 3"));
}

fn deliver(m: &Machine) -> Finished {
    m.run(["twinlock", "deliver"])
}

/// Returns subject and text of the expected mail, with the host name of the test machine.
fn kept(language: &str, kind: &str) -> (String, String) {
    let file = repository().join(format!("tests/vectors/mail/{language}/{kind}.txt"));
    let text = std::fs::read_to_string(file).expect("a mail that is kept");
    let text = text.replace("web01", "twinbox");
    let (subject, body) = text.split_once("\n\n").expect("a subject");
    (subject.trim_start_matches("Subject: ").to_owned(), body.to_owned())
}

#[test]
fn each_kind_arrives_in_both_languages() {
    for language in ["en", "sv"] {
        let m = machine(&format!("language = \"{language}\"\n"));
        for kind in KINDS {
            let name = format!("{OUTBOX}/ada@{kind}");
            let by_another = !["backup-code-used", "few-codes-left", "set-up-done"].contains(&kind)
                && !["key-changed", "codes-renewed", "guessed", "resynchronized"].contains(&kind);
            let what = if by_another { "twinlock uid:1001 kim -" } else { "sshd 203.0.113.7 - 3" };
            m.file(&name).link_to(&format!("1800000000 {what}"));
        }
        assert_eq!(deliver(&m).ok(), "15 messages sent.\n");
        let mails = m.mailbox("ada", 15);
        for kind in KINDS {
            let (subject, body) = kept(language, kind);
            let found = mails.iter().find(|mail| mail.subject() == subject);
            let mail = found.unwrap_or_else(|| panic!("{subject}: {mails:#?}"));
            assert_eq!(mail.body, body);
            headers(mail, kind);
        }
        assert_eq!(m.run(["ls", OUTBOX]).ok(), "dead\nsent\nwaiting\n");
        // A busy log daemon loses lines, so one is enough.
        assert!(!m.logged("event=mail_sent user=ada kind=").is_empty(), "{:?}", m.log());
    }
}

fn headers(mail: &Mail, kind: &str) {
    for (name, value) in [
        ("From", "<twinlock@example.org>"),
        ("To", "<ada@example.org>"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Type", "text/plain; charset=\"utf-8\""),
        ("Delivered-To", "ada@example.org"),
    ] {
        assert_eq!(mail.header(name).unwrap_or_default(), value, "{mail:#?}");
    }
    let id = mail.header("Message-ID").expect("a Message-ID");
    assert_eq!(id, format!("<1800000000.{kind}.ada@twinbox>"));
    assert!(mail.header("Date").is_some_and(|date| date.ends_with("+0000")), "{mail:#?}");
}

#[test]
fn of_a_kind_a_person_gets_one_an_hour() {
    let m = machine("");
    put(&m, "ada@guessed");
    assert_eq!(deliver(&m).ok(), "1 message sent.\n");
    for _ in 0..3 {
        put(&m, "ada@guessed");
        assert_eq!(deliver(&m).ok(), "0 messages sent, 1 waiting.\n");
        assert_eq!(m.run(["ls", OUTBOX]).ok(), "dead\nsent\nwaiting\n");
    }
    put(&m, "bob@guessed");
    put(&m, "ada@reset");
    assert_eq!(deliver(&m).ok(), "2 messages sent, 1 waiting.\n");
    let later = m.call(["twinlock", "deliver"]).clock(3590).output();
    assert_eq!(later.ok(), "0 messages sent, 1 waiting.\n");
    let later = m.call(["twinlock", "deliver"]).clock(3700).output();
    assert_eq!(later.ok(), "1 message sent.\n");
    assert_eq!(m.mailbox("ada", 3).len(), 3);
}

/// Checks that resets and other changes are mailed at once, also if there are two within an hour, and that wrong codes
/// are mailed only once an hour.
#[test]
fn second_reset_within_the_hour_is_mailed() {
    let m = machine("require_own_code = false\n");
    m.enrolled("ada", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    m.run(["sh", "-c", &format!("rm -f {OUTBOX}/*@*")]).ok();
    let reset = |seconds: i64| {
        m.call(["twinlock", "reset", "ada", "--yes"]).clock(seconds).output().ok();
        m.call(["twinlock", "deliver"]).clock(seconds).output()
    };
    assert_eq!(reset(0).ok(), "1 message sent.\n");
    // The user is enrolled again, which is mailed as well, and reset again.
    m.enrolled("ada", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_eq!(reset(600).ok(), "2 messages sent.\n");
    let (subject, _) = kept("en", "reset");
    let mails = m.mailbox("ada", 3);
    let told: Vec<_> = mails.iter().filter(|mail| mail.subject() == subject).collect();
    assert!(
        told.len() == 2 && told[0].body != told[1].body,
        "each tells of its own time: {mails:#?}"
    );
    // A waiting notification of one kind does not delay the other kinds.
    put(&m, "ada@guessed");
    deliver(&m).ok();
    put(&m, "ada@guessed");
    m.file(&format!("{OUTBOX}/ada@key-changed.1800000700"))
        .link_to("1800000700 sshd 203.0.113.7 - 3");
    m.file(&format!("{OUTBOX}/ada@key-changed.1800000701"))
        .link_to("1800000701 sshd 203.0.113.7 - 3");
    assert_eq!(deliver(&m).ok(), "2 messages sent, 1 waiting.\n");
    let mails = m.mailbox("ada", 6);
    let subjects: Vec<_> = mails.iter().map(|mail| mail.subject()).collect();
    let of = |kind| subjects.iter().filter(|one| **one == kept("en", kind).0).count();
    assert_eq!((of("reset"), of("guessed"), of("key-changed")), (2, 1, 2), "{subjects:#?}");
}

#[test]
fn mail_goes_to_the_address_on_record_or_to_the_name_or_nowhere() {
    let m = machine("");
    m.enrolled("ada", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    m.run(["sh", "-c", &format!("rm -f {OUTBOX}/*@*")]).ok();
    put(&m, "ada@reset");
    put(&m, "nobody-here@reset");
    let said = deliver(&m);
    assert_eq!(said.ok(), "1 message sent, 1 dropped (no mail address).\n");
    m.mailbox("ada", 1);
    let record = "/var/lib/twinlock/users/ada/record.1.toml";
    let address = |address: &str| {
        m.run(["sed", "-i", "/^mail = /d", record]).ok();
        m.run(["sed", "-i", &format!("/^since = /a mail = \"{address}\""), record]).ok();
    };
    address("bob@localhost");
    put(&m, "ada@key-changed");
    assert_eq!(deliver(&m).ok(), "1 message sent.\n");
    let mail = &m.mailbox("bob", 1)[0];
    assert_eq!(mail.header("To"), Some("<bob@localhost>"));
    address("bob@example.org, eve@example.org");
    put(&m, "ada@set-up-done");
    let odd = deliver(&m);
    assert_eq!(odd.code, Some(3));
    assert_eq!(odd.stdout, "0 messages sent, 1 given up (see outbox/dead).\n");
    let told = odd.stderr.replace('\n', " ");
    assert!(told.contains("eve@example.org is not a mail address that can be used"), "{told}");
    m.settings("");
    put(&m, "bob@reset");
    let said = deliver(&m);
    assert_eq!(said.ok(), "0 messages sent, 1 dropped (no mail address).\n");
    let json = m.run(["twinlock", "--json", "deliver"]);
    assert_eq!(json.ok(), "{\"given_up\":0,\"sent\":0,\"waiting\":0,\"without_address\":0}\n");
}

#[test]
fn an_administrators_text_is_sent_where_it_can_be_used() {
    let m = machine("");
    m.file("/etc/twinlock/text").make_folder();
    let text = m.file("/etc/twinlock/text/reset.txt");
    let send = |count: usize| {
        put(&m, "ada@reset");
        let clock = i64::try_from(count).expect("a count") * 4000;
        m.call(["twinlock", "deliver"]).clock(clock).output().ok();
        m.mailbox("ada", count).pop().expect("a mail")
    };
    text.write("Subject: Återställt för {user}\n\n{service} {source} {by} {{å}}\n");
    let mail = send(1);
    assert_eq!(mail.subject(), "Återställt för ada");
    assert_eq!(mail.body, "sshd 203.0.113.7 ada {å}\n");
    for (count, unusable) in (2..).zip(["Subject: x\n{usr}\n", "Hello\n", "Subject: x\n{"]) {
        text.write(unusable);
        assert_eq!(send(count).subject(), kept("en", "reset").0, "{unusable}");
    }
    text.write("Subject: x\n\ny\n").owner(20_001);
    assert_eq!(send(5).subject(), kept("en", "reset").0);
}

#[test]
fn nothing_of_a_hostile_account_reaches_a_header() {
    let m = machine("");
    let gecos = "Eve\\nBcc: mallory@example.org <x@y>,\"; rm -rf /";
    m.file("/etc/passwd").append(format!("eve:x:30001:100:{gecos}:/:/bin/sh\n"));
    m.file("/etc/passwd").append("-oQ:x:30002:100::/:/bin/sh\nDOM\\al:x:30003:100::/:/bin/sh\n");
    let text = "1800000000 sshd%0A%42cc%3A%20mallory 203.0.113.7 kim%0D%0A%0D%0Ax%E2%80%AE 3";
    for name in ["eve@reset", "-o%51@reset", "%44%4F%4D%5Cal@reset"] {
        m.file(&format!("{OUTBOX}/{name}")).link_to(text);
    }
    let said = deliver(&m);
    assert_eq!(said.ok(), "1 message sent, 2 dropped (no mail address).\n");
    let mails = m.mailbox("eve", 1);
    let mail = &mails[0];
    assert_eq!(mail.header("To"), Some("<eve@example.org>"));
    assert_eq!(mail.header("Bcc"), None);
    assert!(mail.body.contains("sshd?Bcc: mallory on twinbox"), "{mail:#?}");
    assert!(mail.body.contains("kim????x?\n"), "{mail:#?}");
    assert!(!m.file("/var/mail/mallory").exists());
}

#[test]
fn a_flood_is_sent_in_one_run() {
    let m = machine("");
    let mut script = String::from("set -e\n");
    for number in 0..200 {
        let line = format!("ln -s '1800000000 sshd 203.0.113.7 - 3' {OUTBOX}/nobody{number}@reset");
        writeln!(script, "{line}").expect("a string");
    }
    m.call(["sh"]).input(script).output().ok();
    let many = format!("cd {OUTBOX} && seq 20000 | xargs -n 500 touch");
    m.run(["sh", "-c", &many]).ok();
    put(&m, "ada@reset");
    let said = deliver(&m);
    let ends =
        "1 message sent, 200 dropped (no mail address), 20000 given up (see\noutbox/dead).\n";
    assert_eq!(said.ok(), ends);
    assert_eq!(m.mailbox("ada", 1).len(), 1);
    assert_eq!(deliver(&m).ok(), "0 messages sent.\n");
}

#[test]
fn only_root_sends_and_help_does_not_mention_it() {
    let m = machine("");
    let said = m.run_as("bob", ["twinlock", "deliver"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(!m.run(["twinlock", "--help"]).ok().contains("deliver"));
    assert_eq!(m.run(["twinlock", "deliver", "--patience", "0"]).code, Some(2));
}
