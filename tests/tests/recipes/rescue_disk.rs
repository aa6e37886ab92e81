//! Tests the recipe for recovery from a rescue disk, where the root folder of the machine is mounted at /mnt.

use twinlock_tests::{LOGGED_IN, Machine, PASSWORD, PROMPT, Server, Session, shipped};

use crate::machine;
use crate::page::Page;
use crate::recovery::{bypass_code, sets_up_with};

const SETTINGS: &str = "/etc/twinlock/twinlock.toml";

pub fn run(page: &Page) {
    let m = machine();
    m.person("bob").server(Server::Publickey);
    // As the package installs them: root of the rescue system is not exempt.
    m.settings_alone(&shipped("twinlock.toml"));
    let refused = m.run(["twinlock", "reset", "bob", "--yes"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    let said = rescued(page, &m);
    // The machine has started again: its ledger is empty.
    m.run(["sh", "-c", "rm -rf /run/twinlock/users"]).ok();
    bypass_works_once(&m, &bypass_code(&said));
    sets_up_with(m.ssh("bob").key().open(), &m, "bob", "start");
    switched_off(page, &m);
}

/// Follows the page up to its section about switching twinlock off. Returns what the commands that help a user have
/// printed.
fn rescued(page: &Page, m: &Machine) -> String {
    let before = m.file(SETTINGS).read();
    m.run(["mount", "--bind", "/", "/mnt"]).ok();
    page.follow(m, "Mount the system");
    let mut seen = page.shown(m, "What you see", "").open();
    assert_eq!(seen.exit_code(), Some(6));
    page.compare("What you see", &seen.transcript());
    drop(seen);
    page.follow(m, "Prepare twinlock");
    let said = page.follow(m, "Help a user");
    page.follow(m, "Undo");
    assert_eq!(m.file(SETTINGS).read(), before);
    assert_ne!(m.run(["mountpoint", "-q", "/mnt"]).code, Some(0), "/mnt is still mounted");
    said
}

fn bypass_works_once(m: &Machine, code: &str) {
    let logs_in = |code: &str| {
        let mut s = m.ssh("ada").key().open();
        s.expect(PROMPT).send_line(code);
        s.give_up();
        s.transcript().contains(LOGGED_IN)
    };
    assert!(!logs_in(&m.wrong_code("ada")));
    let mut no_key = m.ssh("ada").open();
    no_key.give_up();
    assert!(!no_key.transcript().contains(PROMPT), "{}", no_key.transcript());
    assert!(logs_in(code), "{:?}", m.log());
    assert!(!logs_in(code), "a bypass code works once");
}

fn switched_off(page: &Page, m: &Machine) {
    let before = m.file(SETTINGS).read();
    m.run(["mount", "--bind", "/", "/mnt"]).ok();
    page.follow(m, "Switch twinlock off");
    m.run(["umount", "/mnt"]).ok();
    assert!(logged_in_without_code(m.ssh("ada").key().open()));
    assert!(!logged_in_without_code(m.ssh("ada").open()), "the key is still checked");
    m.file(SETTINGS).write(before);
    m.ssh("ada").key().open().expect(PROMPT);
}

fn logged_in_without_code(mut s: Session<'_>) -> bool {
    s.give_up();
    let shown = s.transcript();
    assert!(!shown.contains(PROMPT) && !shown.contains(PASSWORD), "{shown}");
    shown.contains(LOGGED_IN)
}
