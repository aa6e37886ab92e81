//! Tests roles: what a member of a role may do with the accounts of other users, and whose accounts no role may manage.

mod approval;
mod file;
mod limits;
mod reach;

use twinlock_tests::{Finished, Machine, Session};

use crate::password;

const OUTBOX: &str = "/var/lib/twinlock/outbox";
const ROLES: &str = "/etc/twinlock/roles.toml";
/// A mail program that appends each mail to a file.
const SENDMAIL: &str = "#!/bin/sh\ncat >>/root/mails\n";

/// Returns the text of a roles file with one role, whose members are the members of the group helpdesk. They manage the
/// members of the group people. `more` contains further lines of the role.
fn role(more: &str) -> String {
    format!(
        "protected = [\"root\", \"sudo\", \"docker\"]\n[[role]]\nname = \"desk\"\ngroup = \"helpdesk\"\n\
         over = \"people\"\nverbs = [\"status\", \"why\", \"unlock\", \"reset\", \"bypass\"]\n{more}"
    )
}

/// Returns a machine with the agent and four users. kim and lee are members of a role, the group helpdesk, and may help
/// ada. sam is an administrator. `more` contains further lines of the role.
pub(crate) fn desk(more: &str) -> Machine {
    let m = Machine::new();
    m.twinlock().agent();
    m.settings("mail_domain = \"example.org\"\nsendmail = \"/root/sendmail\"\n");
    m.file("/root/sendmail").write(SENDMAIL).mode(0o755);
    for name in ["ada", "kim", "lee", "sam"] {
        m.person(name);
    }
    for group in ["people", "helpdesk", "sudo", "docker"] {
        m.run(["groupadd", "-f", group]).ok();
    }
    for (user, group) in [("ada", "people"), ("kim", "helpdesk"), ("lee", "helpdesk")] {
        m.run(["usermod", "-aG", group, user]).ok();
    }
    m.run(["usermod", "-aG", "people,sudo", "sam"]).ok();
    m.file(ROLES).write(role(more));
    m.run(["find", OUTBOX, "-type", "l", "-delete"]).ok();
    m.epoch_minutes_ago(60);
    m
}

/// Opens `twinlock WORDS` in a session of `user`. Before that, removes the user's used codes from the ledger, so that a
/// code can be used a second time.
fn open<'m>(m: &'m Machine, user: &str, words: &[&str]) -> Session<'m> {
    let forget = format!("rm -f /run/twinlock/users/{user}/used.*");
    m.run(["sh", "-c", &forget]).ok();
    let words = ["twinlock"].into_iter().chain(words.iter().copied());
    m.call(words).as_user(user).logged_in(user).open()
}

/// Types the password if it is asked for. Returns whether a code is asked for after that.
fn gives_password(s: &mut Session<'_>) -> bool {
    if s.expect_one_of(&["Your password: ", "twinlock: ", "No request is open", "To agree"]) > 0 {
        return false;
    }
    s.send_line(password());
    s.expect_one_of(&["Verification code of your app: ", "twinlock: "]) == 0
}

/// Runs `twinlock WORDS` as `user`, and gives password and code if they are asked for. Returns the exit code and the
/// text that was shown.
pub(crate) fn acts(m: &Machine, user: &str, words: &[&str]) -> Finished {
    let mut s = open(m, user, words);
    if gives_password(&mut s) {
        s.send_line(&m.code(user));
    }
    let code = s.exit_code();
    let stdout = s.transcript().split_whitespace().collect::<Vec<_>>().join(" ");
    Finished { code, stdout, stderr: String::new() }
}

/// Returns the entries of the outbox, without those about the enrollment of the users.
fn outbox(m: &Machine) -> String {
    let listed = m.run(["find", OUTBOX, "-type", "l", "-printf", "%f %l\n"]);
    let lines = listed.ok().lines().filter(|line| !line.contains("@set-up-done"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Sends the queued mails by `twinlock deliver`, and returns their text.
fn mails(m: &Machine) -> String {
    m.file("/root/mails").write("");
    m.run(["twinlock", "deliver"]).ok();
    m.file("/root/mails").read()
}

/// Returns the ticket or bypass code from the text of mails, in which it is the first line with a deep indent.
fn secret(mails: &str) -> String {
    let mut lines = mails.lines().filter(|line| line.starts_with("         "));
    lines.next().unwrap_or_else(|| panic!("no ticket: {mails}")).trim().to_owned()
}

#[test]
fn reset_mails_a_ticket_that_the_member_never_sees() {
    let m = desk("notify = \"security@example.net\"\n");
    let done = acts(&m, "kim", &["reset", "ada", "--reason", "lost phone"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("ada is reset. A set-up ticket goes to the user"), "{done:?}");
    let log = m.logged("event=reset");
    let actor = format!("actor=uid:{}", m.uid("kim"));
    for part in ["user=ada role=desk reason=lost%20phone own_code=given", &actor] {
        assert!(log[0].contains(part), "{log:?}");
    }
    let mails = mails(&m);
    let ticket = secret(&mails);
    assert_eq!(ticket.len(), 14, "{ticket}");
    assert!(!done.stdout.contains(&ticket), "{done:?}");
    assert_eq!(mails.matches("To: <ada@example.org>").count(), 2, "{mails}");
    assert_eq!(mails.matches("To: <security@example.net>").count(), 1, "{mails}");
    assert!(mails.contains("kim used a role for ada"), "{mails}");
    let state = m.run(["twinlock", "--json", "status", "ada"]);
    assert!(state.ok().contains("\"state\":\"pending\""), "{state:?}");
    let mut s = m.call(["twinlock", "enroll"]).as_user("ada").open();
    s.expect("Your password: ").send_line(password());
    s.expect(": ").send_line(&ticket).expect("type this key");
    s.give_up();
    // A user who has lost the mail gets another ticket, and the first one ends.
    let again = acts(&m, "lee", &["reset", "ada", "--reason", "mail lost"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_ne!(secret(&self::mails(&m)), ticket);
}

#[test]
fn bypass_code_goes_to_the_user_by_mail_only() {
    let m = desk("bypass_for = \"30m\"\n");
    let done = acts(&m, "kim", &["bypass", "ada", "--reason", "phone at home", "--for", "24h"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("It works once, within 30 min."), "{done:?}");
    let mails = mails(&m);
    let digits = secret(&mails);
    assert_eq!(digits.len(), 11, "{mails}");
    assert!(!done.stdout.contains(&digits));
    let status = m.run(["twinlock", "--json", "status", "ada"]);
    let status: serde_json::Value = serde_json::from_str(status.ok()).unwrap();
    assert_eq!(status["bypasses"][0]["by"], "kim", "{status}");
    let left = status["bypasses"][0]["until"].as_u64().unwrap() - twinlock_tests::now();
    assert!((1700..=1800).contains(&left), "{left}");
    assert!(m.logged("event=bypass_given")[0].contains("user=ada role=desk"));
    // A request that is delivered too late, or after a reset, gives nothing.
    m.run(["sh", "-c", &format!("ln -s '1800000000 twinlock agent:1 kim - for=1800' {OUTBOX}/ada@bypass-by-mail.1800000000")]).ok();
    let now = twinlock_tests::now();
    m.run(["twinlock", "reset", "ada", "--yes"]).ok();
    let link =
        format!("ln -s '{now} twinlock agent:1 kim - for=1800' {OUTBOX}/ada@bypass-by-mail.{now}");
    m.run(["sh", "-c", &link]).ok();
    assert!(!self::mails(&m).contains("Bypass code for ada"));
}

#[test]
fn unlock_clears_and_status_shows_what_a_member_may_know() {
    let m = desk("");
    let none = acts(&m, "kim", &["unlock", "ada", "--reason", "locked out"]);
    assert_eq!(none.code, Some(3), "{none:?}");
    assert!(none.stdout.contains("ada has no failed attempts"), "{none:?}");
    let attempt = "ln -s $(date +%s) /run/twinlock/users/ada/try.proven.20001.0.192.0.2.9";
    m.run(["sh", "-c", &format!("mkdir -p -m 700 /run/twinlock/users/ada; {attempt}")]).ok();
    let seen = acts(&m, "lee", &["status", "ada"]);
    assert_eq!(seen.code, Some(0), "{seen:?}");
    assert!(seen.stdout.contains("ada is enrolled; last change"), "{seen:?}");
    assert!(seen.stdout.contains("Failed attempts: 1"), "{seen:?}");
    assert_eq!(acts(&m, "lee", &["why", "ada"]).code, Some(0));
    // The reason is asked for where it is missing.
    let mut s = open(&m, "kim", &["unlock", "ada"]);
    s.expect("Reason, recorded in the log: ").send_line("locked out, #17");
    assert!(gives_password(&mut s));
    s.send_line(&m.code("kim")).expect("1 failed attempt of ada was cleared.");
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    assert!(m.logged("event=unlocked")[0].contains("reason=locked%20out%2C%20%2317"));
    assert!(outbox(&m).contains("ada@role-used"), "{}", outbox(&m));
    assert_eq!(m.logged("event=role_looked").len(), 2);
}

#[test]
fn without_password_and_code_nothing_is_done_or_told() {
    let m = desk("");
    for user in ["ada", "root", "no-such-user"] {
        let mut s = open(&m, "kim", &["reset", user, "--reason", "x"]);
        s.expect("Your password: ").send_line("wrong").expect("Your password: ").send("\x04");
        assert_eq!(s.exit_code(), Some(130), "{}", s.transcript());
        let mut s = open(&m, "kim", &["reset", user, "--reason", "x"]);
        assert!(gives_password(&mut s));
        s.send_line(&m.wrong_code("kim"))
            .expect("That code is wrong.")
            .expect("code of your app: ")
            .send("\x04");
        assert_eq!(s.exit_code(), Some(130), "{}", s.transcript());
    }
    // Who is in no role learns nothing, not even that a user exists.
    for words in
        [&["reset", "ada", "--reason", "x"][..], &["status", "no-such-user"], &["requests"]]
    {
        let done = acts(&m, "ada", words);
        assert_eq!(done.code, Some(4), "{done:?}");
        assert!(done.stdout.contains("No role lets you do this"), "{done:?}");
    }
    assert!(outbox(&m).is_empty(), "{}", outbox(&m));
    for root in [&["approve", "00000000"][..], &["requests"]] {
        let words = ["twinlock"].into_iter().chain(root.iter().copied());
        assert_eq!(m.run(words).code, Some(4));
    }
}
