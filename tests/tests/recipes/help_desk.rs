//! Tests the recipe for a help desk: members of a role help users without being root.

use twinlock_tests::{Machine, PASSWORD, Session};

use crate::page::Page;

const ROLES: &str = "/etc/twinlock/roles.toml";

pub fn run(page: &Page) {
    let m = Machine::new();
    m.twinlock().agent();
    m.settings("mail_domain = \"example.org\"\nsendmail = \"/root/sendmail\"\n");
    m.file("/root/sendmail").write("#!/bin/sh\ncat >>/root/mails\n").mode(0o755);
    for name in ["ada", "kim", "lee", "sam"] {
        m.person(name);
    }
    page.follow(&m, "Server");
    let groups = "usermod -aG people ada; usermod -aG people,sudo sam; \
                  usermod -aG helpdesk kim; usermod -aG helpdesk lee";
    m.run(["sh", "-euc", groups]).ok();
    m.epoch_minutes_ago(60);
    refused(page, &m);
    let (_, shown) = acts(page, &m, "A lost phone", "kim");
    page.compare("A lost phone", &shown);
    let mails = mails(&m);
    assert!(mails.contains("Set up two-step verification for ada"), "{mails}");
    assert_eq!(mails.matches("To: <security@example.org>").count(), 1, "{mails}");
    m.run(["sh", "-c", "twinlock remove ada --yes"]).ok();
    m.enrolled_with("ada", &m.otp("ada"));
    let (_, shown) = acts(page, &m, "A phone left at home", "lee");
    page.compare("A phone left at home", &shown);
    assert!(self::mails(&m).contains("Bypass code for ada"));
    two_members(page, &m);
    page.follow(&m, "Undo");
    let mut s = opened(&m, "kim", "twinlock status ada");
    s.expect("No role lets you do this");
    assert_eq!(s.exit_code(), Some(4), "{}", s.transcript());
}

fn two_members(page: &Page, m: &Machine) {
    page.follow(m, "Two members");
    m.run(["twinlock", "roles", "check"]).ok();
    let first = "twinlock reset ada --reason 'lost phone, ticket 19'";
    let (code, shown) = proven(m, opened(m, "kim", first), "kim");
    assert_eq!(code, Some(0), "{shown}");
    let (_, id) = shown.rsplit_once("approve ").expect("a request");
    let id = id.trim().to_owned();
    let mut list = opened(m, "lee", &page.command("Two members", ""));
    assert_eq!(list.exit_code(), Some(0), "{}", list.transcript());
    page.compare("Two members", &list.transcript());
    let (code, shown) = proven(m, opened(m, "lee", &format!("twinlock approve {id}")), "lee");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("ada is reset"), "{shown}");
}

/// Checks that kim is refused with a wrong password, with a wrong code and with a used code, and that she may not help
/// a user whom the role does not cover.
fn refused(page: &Page, m: &Machine) {
    let reset = page.command("A lost phone", "");
    let mut s = opened(m, "kim", &reset);
    s.expect("Your password: ").send_line("wrong").expect("Your password: ").send("\x04");
    assert_eq!(s.exit_code(), Some(130), "{}", s.transcript());
    let mut s = opened(m, "kim", &reset);
    s.expect("Your password: ").send_line(PASSWORD);
    s.expect("code of your app: ")
        .send_line(&m.wrong_code("kim"))
        .expect("wrong")
        .expect("code of your app: ")
        .send("\x04");
    assert_eq!(s.exit_code(), Some(130), "{}", s.transcript());
    let status = opened(m, "kim", "twinlock status ada");
    assert_eq!(proven(m, status, "kim").0, Some(0));
    let used = m.code("kim");
    let mut s = m.call(["sh", "-c", &reset]).as_user("kim").logged_in("kim").open();
    s.expect("Your password: ").send_line(PASSWORD);
    s.expect("code of your app: ")
        .send_line(&used)
        .expect("used already")
        .expect("code of your app: ")
        .send("\x04");
    assert_eq!(s.exit_code(), Some(130), "{}", s.transcript());
    let (code, shown) = proven(m, opened(m, "kim", &reset.replace(" ada ", " sam ")), "kim");
    assert_eq!(code, Some(4), "{shown}");
    assert!(m.run(["twinlock", "status", "ada"]).ok().contains("is enrolled"));
}

/// Opens a command in a session of `user`. Before that, removes the user's used codes from the ledger, so that a code
/// can be used a second time.
fn opened<'m>(m: &'m Machine, user: &str, command: &str) -> Session<'m> {
    let forget = format!("rm -f /run/twinlock/users/{user}/used.*");
    m.run(["sh", "-c", &forget]).ok();
    m.call(["sh", "-c", command]).as_user(user).logged_in(user).open()
}

/// Gives the user's password and code. Returns the exit status, and the text that was shown.
fn proven(m: &Machine, mut s: Session<'_>, user: &str) -> (Option<i32>, String) {
    s.expect("Your password: ").send_line(PASSWORD);
    s.expect("code of your app: ").send_line(&m.code(user));
    (s.exit_code(), s.transcript())
}

/// Runs, as `user`, the command in the section `section` of the page. Gives the password and a code. Checks that the
/// command succeeds. Returns its exit status, and the text that was shown.
fn acts(page: &Page, m: &Machine, section: &str, user: &str) -> (Option<i32>, String) {
    let (code, shown) = proven(m, opened(m, user, &page.command(section, "")), user);
    assert_eq!(code, Some(0), "{shown}");
    assert!(m.file(ROLES).exists());
    (code, shown)
}

fn mails(m: &Machine) -> String {
    m.file("/root/mails").write("");
    m.run(["twinlock", "deliver"]).ok();
    m.file("/root/mails").read()
}
