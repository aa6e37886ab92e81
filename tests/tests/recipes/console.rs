//! Tests the recipe for recovery at the console: a login, and the commands of a boot without a login.

use twinlock_tests::{LOGGED_IN, Machine, PASSWORD, PROMPT, Server, Session, codes_shown};

use crate::machine;
use crate::page::Page;
use crate::recovery::{bypass_code, sets_up_with, ticket};

const SETTINGS: &str = "/etc/twinlock/twinlock.toml";
/// Script that makes /mnt look like the root folder after a boot with init=/bin/bash: read-only, with nothing mounted
/// below it.
const BEFORE_INIT: &str = "mount --bind / /mnt && mount -o remount,ro,bind /mnt && ! touch /mnt/etc/x 2>/dev/null && \
    test -z \"$(ls /mnt/proc)\"";

pub fn run(page: &Page) {
    let m = machine();
    m.person("bob").shipped_pam("login").server(Server::Publickey);
    page.ran_with(&m, "login");
    backup_code(page, &m);
    boot_without_login(page, &m);
    rule(page, &m);
    without_module(page, &m);
}

/// Starts a login of `user` at the console and types the password. Returns the session.
fn at_console<'m>(m: &'m Machine, user: &str, password: &str) -> Session<'m> {
    let mut s = m.login(user).open();
    s.expect("Password: ").hidden().send_line(password);
    s
}

fn gets_in(m: &Machine, password: &str, code: &str) -> bool {
    let mut s = at_console(m, "ada", password);
    s.expect(PROMPT).hidden().send_line(code);
    // After a wrong code, the module asks again.
    s.expect_one_of(&[LOGGED_IN, PROMPT, "Login incorrect"]) == 0
}

fn backup_code(page: &Page, m: &Machine) {
    let made = m.run(["twinlock", "backup-codes", "ada", "--yes", "--print"]);
    let code = codes_shown(made.ok()).remove(0);
    assert!(!gets_in(m, "wrong", &code));
    assert!(!gets_in(m, PASSWORD, &m.wrong_code("ada")));
    let mut s = page.shown(m, "A backup code", "").open();
    s.expect("Password: ").hidden().send_line(PASSWORD);
    s.expect(PROMPT).hidden().send_line(&code);
    s.expect(LOGGED_IN);
    page.compare("A backup code", &s.transcript());
    assert!(!gets_in(m, PASSWORD, &code), "a backup code works once");
}

fn boot_without_login(page: &Page, m: &Machine) {
    m.run(["sh", "-euc", BEFORE_INIT]).ok();
    let said = page.follow_in_chroot(m, "No code at all", "/mnt");
    m.run(["umount", "-R", "/mnt"]).ok();
    assert!(!gets_in(m, "wrong", &bypass_code(&said)));
    assert!(gets_in(m, PASSWORD, &bypass_code(&said)));
    assert!(!gets_in(m, PASSWORD, &bypass_code(&said)), "a bypass code works once");
    sets_up_with(at_console(m, "bob", PASSWORD), m, "bob", &ticket(&said));
}

fn rule(page: &Page, m: &Machine) {
    let before = m.file(SETTINGS).read();
    page.follow(m, "Switch twinlock off");
    at_console(m, "ada", PASSWORD).expect(LOGGED_IN);
    assert!(!gets_in(m, "wrong", &m.wrong_code("ada")));
    m.file(SETTINGS).write(before);
    at_console(m, "ada", PASSWORD).expect(PROMPT);
}

fn without_module(page: &Page, m: &Machine) {
    m.file("/usr/lib/x86_64-linux-gnu/security/pam_twinlock.so").remove();
    at_console(m, "ada", PASSWORD).expect("Login incorrect");
    page.follow(m, "Take the module out");
    at_console(m, "ada", PASSWORD).expect(LOGGED_IN);
    at_console(m, "ada", "wrong").expect("Login incorrect");
    m.sshd("");
    let mut s = m.ssh("ada").option("PreferredAuthentications=password").open();
    s.expect("password: ").hidden().send_line(PASSWORD);
    assert!(s.logged_in(), "{}", s.transcript());
}
