//! Tests the recipe for Cockpit. A script sends the requests of Cockpit's login page to its web server.

use twinlock_tests::{Machine, PASSWORD, PROMPT, Session};

use crate::page::Page;
use crate::{doctor, machine};

const BROWSER: &str = include_str!("../../host/cockpit.py");
/// Script that does what the install scripts of Cockpit's package do.
const ACCOUNTS: &str = "useradd --system --user-group --shell /usr/sbin/nologin cockpit-wsinstance
    chgrp cockpit-wsinstance /usr/lib/cockpit/cockpit-session
    chmod 4750 /usr/lib/cockpit/cockpit-session
    mkdir -p /etc/cockpit && echo root >/etc/cockpit/disallowed-users";

pub fn run(page: &Page) {
    let m = machine();
    m.unpacked("cockpit-ws");
    m.run(["sh", "-euc", ACCOUNTS]).ok();
    m.file("/root/cockpit.py").write(BROWSER);
    let before = m.file("/etc/pam.d/cockpit").read();
    page.follow(&m, "Server");
    page.ran_with(&m, "cockpit-ws");
    assert_eq!(doctor(&m, "cockpit"), Some(0));
    let running = server(&m);
    let mut logged_in = logins(page, &m);
    stop(&m, running);
    let running = server(&m);
    logged_in.send_line("").expect("Again: 401");
    stop(&m, running);
    page.follow(&m, "Undo");
    assert_eq!(m.file("/etc/pam.d/cockpit").read(), before);
    let _running = server(&m);
    assert!(asked(page, &m, PASSWORD).0.transcript().contains("Logged in."));
    assert!(!asked(page, &m, "wrong").0.transcript().contains("Logged in."));
}

fn server(m: &Machine) -> Session<'_> {
    let server = m.call(["/usr/lib/cockpit/cockpit-ws", "--no-tls", "--port", "9090"]);
    let server = server.args(["--address", "127.0.0.1"]).as_user("cockpit-wsinstance").open();
    let listens = "for i in $(seq 600); do ss -Hltn sport = :9090 | grep -q . && exit; sleep 0.1; done; exit 1";
    m.run(["sh", "-c", listens]).ok();
    server
}

fn stop(m: &Machine, mut server: Session<'_>) {
    let own = "/usr/lib/cockpit/cockpit-ws ";
    let mut processes = m.processes().into_iter();
    let (pid, _) = processes.find(|(_, args)| args.starts_with(own)).expect("the server");
    m.signal("TERM", pid);
    server.exit_code();
}

/// Starts a login to Cockpit and types a password. Returns its session, and whether a code is asked for.
fn asked<'m>(page: &Page, m: &'m Machine, password: &str) -> (Session<'m>, bool) {
    let mut login = page.shown(m, "What the user sees", "").open();
    login.expect("Password: ").hidden().send_line(password);
    let asks = login.expect_one_of(&["Refused.", "Logged in.", PROMPT]) == 2;
    (login, asks)
}

/// Checks logins with correct and with wrong answers. Returns the session of the login that succeeded.
fn logins<'m>(page: &Page, m: &'m Machine) -> Session<'m> {
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    let (mut login, asks) = asked(page, m, PASSWORD);
    assert!(asks);
    login.hidden().send_line(&wrong).expect("That code is wrong").expect(PROMPT).hidden();
    login.send_line(&code).expect("Logged in.");
    page.compare("What the user sees", &login.transcript());
    assert_eq!(m.tries("ada"), 0, "a success clears its own source");
    for _ in 0..3 {
        login.send_line("").expect("Again: 200 True");
    }
    let (mut again, _) = asked(page, m, PASSWORD);
    again.hidden().send_line(&code).expect("That code was used already");
    again.give_up();
    let (mut unproven, asks) = asked(page, m, "wrong");
    if asks {
        // The prompt does not tell that the password was wrong.
        unproven.hidden().send_line(&m.code_in("ada", 1)).expect("Refused.");
    }
    let accepted = m.logged("event=accepted");
    assert_eq!(accepted.len(), 1, "{:?}", m.log());
    assert!(accepted[0].contains("service=cockpit rhost=127.0.0.1"), "{accepted:?}");
    login
}
