//! Tests of ssh clients that share one connection, for the recipes for editors and for Ansible.

use twinlock_tests::{Machine, PROMPT, Server, Session};

use crate::machine;
use crate::page::Page;

const NAME: &str = "server.example.org";

/// Creates a machine with an sshd that requires a key and a code. The ssh client of root there has ada's key.
pub fn machine_with_sshd() -> Machine {
    let m = machine();
    m.server(Server::Publickey);
    let known = m.file("/etc/ssh/ssh_known_hosts").read().replace("127.0.0.1", NAME);
    m.file("/etc/hosts").append(format!("127.0.0.1 {NAME}\n"));
    let keys = "mkdir -p -m 700 /root/.ssh && cp /root/keys/ada /root/.ssh/id_ed25519 && chmod 600 /root/.ssh/*";
    m.run(["sh", "-euc", keys]).ok();
    m.file("/root/.ssh/known_hosts").write(known);
    m
}

/// Script that waits until the process of the shared connection has left the terminal, as a user's shell does.
/// Otherwise the end of the terminal would end the connection.
const REMAIN: &str = "code=$?; while pgrep -s 0 -x ssh >/dev/null; do sleep 0.1; done; exit $code";

/// Opens the shared connection by the command that the page shows, and types `code`. Returns the session; `None` if
/// the login fails.
fn opened<'m>(page: &Page, m: &'m Machine, code: &str) -> Option<Session<'m>> {
    let command = page.command("What the user sees", "");
    let mut s = m.call(["sh", "-c", &format!("{command}; {REMAIN}")]).open();
    s.expect(PROMPT).send_line(code);
    (s.give_up() == Some(0)).then_some(s)
}

/// Checks logins with a wrong code, without a key, and with a correct code, which works once. Returns the session that
/// opened the shared connection.
pub fn opens_once<'m>(page: &Page, m: &'m Machine) -> Session<'m> {
    let (code, wrong) = (m.code("ada"), m.wrong_code("ada"));
    assert!(opened(page, m, &wrong).is_none());
    let mut no_key = m.call(["ssh", "-oIdentityFile=none", NAME]).open();
    no_key.give_up();
    assert!(!no_key.transcript().contains(PROMPT), "{}", no_key.transcript());
    let shown = opened(page, m, &code).expect("an open connection");
    page.compare("What the user sees", &shown.transcript());
    let mut again = own_connection(m);
    again.expect(PROMPT).send_line(&code).expect("That code was used already");
    assert_ne!(again.give_up(), Some(0));
    assert_eq!(m.logged("event=accepted").len(), 1, "{:?}", m.log());
    shown
}

/// Starts an ssh client that does not use the shared connection.
pub fn own_connection(m: &Machine) -> Session<'_> {
    m.call(["ssh", "-oControlPath=none", NAME, "true"]).open()
}
