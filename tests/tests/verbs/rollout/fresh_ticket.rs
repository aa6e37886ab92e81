//! Tests the tickets that `twinlock deliver` mails again. A member of a group whose ticket has expired is sent a new
//! one after a login, while the rule of the group applies.

use twinlock_tests::{Finished, Machine};

use super::{machine, twinlock};

const HOUR: i64 = 3600;
const OUTBOX: &str = "/var/lib/twinlock/outbox";

/// Creates a machine whose group dev was invited with tickets that are valid for an hour.
fn invited() -> Machine {
    let m = machine();
    let ours = "auth required pam_twinlock.so first_factor=stack";
    m.pam("probe", &format!("auth required pam_permit.so\n{ours}\n"));
    m.file("/etc/twinlock/twinlock.toml").append("ticket_lifetime_mail = \"1 h\"\n");
    twinlock(&m, "invite bob --mail bob@example.net").ok();
    twinlock(&m, "invite --group dev --until 2099-01-31").ok();
    assert_eq!(tickets(&m).len(), 2);
    // Discards the notifications of the commands themselves.
    m.run(["find", OUTBOX, "-type", "l", "-delete"]).ok();
    m
}

fn login(m: &Machine, hours: i64, input: &str) -> Finished {
    m.pamtester("probe", "bob").clock(hours * HOUR).input(input).output()
}

fn deliver(m: &Machine, hours: i64) -> Finished {
    m.call(["twinlock", "deliver"]).clock(hours * HOUR).output()
}

/// Returns the names of the notifications that wait in the outbox.
fn waiting(m: &Machine) -> String {
    let script = format!("ls {OUTBOX} {OUTBOX}/waiting 2>/dev/null | grep @");
    m.run(["sh", "-c", &script]).stdout
}

/// Returns the tickets of all mails, the newest last.
fn tickets(m: &Machine) -> Vec<String> {
    let is_ticket = |line: &&str| {
        let groups: Vec<_> = line.split('-').collect();
        groups.len() == 3
            && groups.iter().all(|group| {
                group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_uppercase())
            })
    };
    let mails = m.file("/root/mail").read();
    mails.lines().map(str::trim).filter(is_ticket).map(Into::into).collect()
}

#[test]
fn login_with_an_expired_ticket_mails_another() {
    let m = invited();
    let quiet = login(&m, 3, "\n");
    assert!(quiet.code == Some(0) && waiting(&m).is_empty(), "{quiet:?}");
    for _ in 0..2 {
        let told = login(&m, 25, "\n");
        assert!(told.code == Some(0), "{told:?}");
        assert!((told.stdout.clone() + &told.stderr).contains("has expired"), "{told:?}");
        assert_eq!(waiting(&m), "bob@ticket-expired\n");
    }
    let sent = deliver(&m, 25);
    assert_eq!(sent.ok(), "1 message sent.\n");
    let mailed = tickets(&m);
    assert_eq!((mailed.len(), waiting(&m).as_str()), (3, ""));
    let mails = m.file("/root/mail").read();
    assert!(
        mails.contains("To: <bob@example.net>") && mails.matches("To: ").count() == 3,
        "{mails}"
    );
    let logged = m.log().join("\n");
    assert!(logged.contains("event=mail_sent user=bob kind=ticket-expired"), "{logged}");
    assert!(!(logged + &sent.stdout + &sent.stderr).contains(&mailed[2]));
    // The first ticket stays expired, and the new one begins set-up.
    let old = login(&m, 25, &format!("{}\n\n", mailed[0]));
    assert!(!(old.stdout.clone() + &old.stderr).contains("type this key"), "{old:?}");
    let fresh = login(&m, 25, &format!("{}\n\n\n", mailed[2]));
    assert!((fresh.stdout.clone() + &fresh.stderr).contains("type this key"), "{fresh:?}");
    // The new ticket has expired as well, but no other is sent before a day has passed.
    assert!(login(&m, 48, "\n").code == Some(0) && waiting(&m).is_empty());
    login(&m, 50, "\n");
    assert_eq!(deliver(&m, 50).ok(), "1 message sent.\n");
    assert_eq!(tickets(&m).len(), 4);
}

#[test]
fn reminder_of_the_settings_mails_another_too() {
    let m = invited();
    m.run(["rm", "/etc/twinlock/rules.toml"]).ok();
    m.file("/etc/twinlock/twinlock.toml").append("not_enrolled = \"remind\"\n");
    let quiet = login(&m, 3, "\n");
    assert!(quiet.code == Some(0) && waiting(&m).is_empty(), "{quiet:?}");
    let told = login(&m, 25, "\n");
    assert!(told.code == Some(0), "{told:?}");
    assert!((told.stdout.clone() + &told.stderr).contains("has expired"), "{told:?}");
    assert_eq!(waiting(&m), "bob@ticket-expired\n");
    assert_eq!(deliver(&m, 25).ok(), "1 message sent.\n");
    let mailed = tickets(&m);
    let fresh = login(&m, 25, &format!("{}\n\n\n", mailed[mailed.len() - 1]));
    assert!((fresh.stdout.clone() + &fresh.stderr).contains("type this key"), "{fresh:?}");
}

#[test]
fn day_is_not_used_up_where_no_mail_went() {
    let m = invited();
    let takes = m.file("/usr/local/bin/takes-mail").read();
    m.file("/usr/local/bin/takes-mail").write("#!/bin/sh\nexit 75\n").mode(0o755);
    login(&m, 25, "\n");
    assert_ne!(deliver(&m, 25).code, Some(0));
    assert!(waiting(&m).starts_with("bob@ticket-expired@1.0."), "{}", waiting(&m));
    m.file("/usr/local/bin/takes-mail").write(&takes).mode(0o755);
    assert_eq!(deliver(&m, 26).ok(), "1 message sent.\n");
    let fresh = login(&m, 26, &format!("{}\n\n\n", tickets(&m)[2]));
    assert!((fresh.stdout.clone() + &fresh.stderr).contains("type this key"), "{fresh:?}");
    // If the command is killed while the mail program runs, it is started again.
    let m = invited();
    let kills = "#!/bin/sh\ncat >/dev/null; kill -9 $(cat /proc/$PPID/stat | cut -d' ' -f1)\n";
    m.file("/usr/local/bin/takes-mail").write(kills).mode(0o755);
    login(&m, 25, "\n");
    assert_ne!(deliver(&m, 25).code, Some(0));
    m.file("/usr/local/bin/takes-mail").write(&takes).mode(0o755);
    assert_eq!(deliver(&m, 26).ok(), "1 message sent.\n");
    assert_eq!(tickets(&m).len(), 3);
}

#[test]
fn letter_alone_gives_no_ticket() {
    let m = invited();
    // ada is enrolled, bob's ticket is valid, dee was never invited, and nobody-here is no account.
    for user in ["ada", "bob", "dee", "nobody-here"] {
        let letter = format!("{OUTBOX}/{user}@ticket-expired");
        m.file(&letter).link_to("1800000000 sshd 203.0.113.7 - - to=eve%40example.net");
    }
    let said = deliver(&m, 0);
    assert_eq!(said.ok(), "0 messages sent, 1 dropped (no mail address).\n");
    assert_eq!((tickets(&m).len(), waiting(&m).as_str()), (2, ""));
    // A due ticket goes to the address on record, whatever the notification says.
    let letter = format!("{OUTBOX}/cy@ticket-expired");
    m.file(&letter).link_to("1800000001 sshd 203.0.113.7 - - to=eve%40example.net");
    assert_eq!(deliver(&m, 25).ok(), "1 message sent.\n");
    let mails = m.file("/root/mail").read();
    assert!(
        mails.matches("To: <cy@example.org>").count() == 2 && !mails.contains("eve@"),
        "{mails}"
    );
}
