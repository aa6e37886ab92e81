//! Tests the recipe for xrdp: its session manager, and real sessions that xrdp's own tool starts.

use twinlock_tests::{Finished, Machine, PASSWORD, Session};

use crate::page::Page;
use crate::{doctor, machine};

/// Script for the session manager, which listens on `::1`, the address of localhost in Debian's /etc/hosts.
/// getaddrinfo returns this address only if some interface has another IPv6 address than the loopback's.
const HOSTS: &str = "echo '::1 localhost' >>/etc/hosts && ip -6 addr add 2001:db8::1/128 dev lo && \
    mkdir -p /run/xrdp/sockdir && ln -sf Xtigervnc /usr/bin/Xvnc";
const STACK: &str = "/etc/pam.d/xrdp-sesman";
const REFUSED: &str = "Connection denied (authentication error)";

pub fn run(page: &Page) {
    let m = machine();
    m.person("bob").unpacked("xrdp");
    m.run(["sh", "-euc", HOSTS]).ok();
    for user in ["ada", "bob"] {
        // Without a window manager the session ends at once.
        m.file(&format!("/home/{user}/startwm.sh")).write("#!/bin/sh\nsleep 1000\n").mode(0o755);
    }
    let before = m.file(STACK).read();
    page.follow(&m, "Server");
    assert_eq!(doctor(&m, "xrdp-sesman"), Some(0));
    page.ran_with(&m, "xrdp");
    page.ran_with(&m, "tigervnc-standalone-server");
    let _server = server(&m);
    logins(page, &m);
    five_wrong_answers(&m);
    page.follow(&m, "Undo");
    assert_eq!(m.file(STACK).read(), before);
    assert_eq!(doctor(&m, "xrdp-sesman"), Some(7));
    assert!(gets_in(&m, "ada", PASSWORD));
    assert!(!gets_in(&m, "ada", "wrong"));
}

fn server(m: &Machine) -> Session<'_> {
    let server = m.call(["xrdp-sesman", "--nodaemon"]).open();
    let listens = "for i in $(seq 600); do ss -Hltn sport = :3350 | grep -q . && exit; sleep 0.1; done; exit 1";
    m.run(["sh", "-c", listens]).ok();
    server
}

fn started(m: &Machine, user: &str, text: &str) -> Finished {
    m.run(["xrdp-sesrun", "-t", "Xvnc", "-p", text, user])
}

/// Starts a session of `user` with the answer `text`. Returns whether it starts, or was started before and is found.
fn gets_in(m: &Machine, user: &str, text: &str) -> bool {
    let said = started(m, user, text).stdout;
    assert_ne!(said.contains("ok data=1 display=:"), said.contains(REFUSED), "{said}");
    said.contains("ok data=1")
}

fn logins(page: &Page, m: &Machine) {
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    assert!(!gets_in(m, "ada", &format!("{PASSWORD}{wrong}")));
    assert_eq!(m.tries("ada"), 1);
    assert!(!gets_in(m, "ada", PASSWORD));
    let mut shown = page.shown(m, "What the user sees", &code).open();
    assert_eq!(shown.exit_code(), Some(0), "{}", shown.transcript());
    page.compare("What the user sees", &shown.transcript());
    assert!(!gets_in(m, "ada", &format!("{PASSWORD}{code}")), "a code works once");
    let sessions =
        |m: &Machine| m.processes().iter().filter(|(_, args)| args.starts_with("Xvnc :")).count();
    assert_eq!(sessions(m), 1, "{:?}", m.processes());
    assert!(gets_in(m, "ada", &format!("{PASSWORD}{}", m.code_in("ada", 1))));
    assert_eq!(sessions(m), 1, "the running session is found again");
    let accepted = m.logged("event=accepted");
    assert_eq!(accepted.len(), 2, "{:?}", m.log());
    assert!(accepted.iter().all(|line| line.contains("rhost=tty:xrdp_sesman")), "{accepted:?}");
}

/// Checks that logins without a client address share the limit of wrong codes, and that `twinlock unlock` ends the
/// delay.
fn five_wrong_answers(m: &Machine) {
    for _ in 0..5 {
        assert!(!gets_in(m, "bob", &format!("{PASSWORD}{}", m.wrong_code("bob"))));
    }
    let right = format!("{PASSWORD}{}", m.code("bob"));
    assert!(!gets_in(m, "bob", &right));
    assert_eq!(m.logged("reason=throttled").len(), 1, "{:?}", m.log());
    m.run(["twinlock", "unlock", "bob"]).ok();
    assert!(gets_in(m, "bob", &right));
}
