//! Tests the recipe for several ssh connections in a row, as editors and file managers open them: over one shared
//! connection, over separate ones, and with a remembered device.

use twinlock_tests::{Machine, PROMPT};

use crate::page::Page;
use crate::shared::{machine_with_sshd, opens_once, own_connection};

const NAME: &str = "server.example.org";

pub fn run(page: &Page) {
    let m = machine_with_sshd();
    page.ran_with(&m, "openssh-client");
    page.ran_with(&m, "openssh-server");
    page.follow(&m, "One connection for all");
    let _terminal = opens_once(page, &m);
    shared_by_all(&m);
    // The shared connection is still open; the logins below do not use it.
    used_code_waits(page, &m);
    question_in_a_window(&m);
    remembered(page, &m);
    m.run(["twinlock", "reset", "ada", "--yes"]).ok();
    m.run(["ssh", NAME, "true"]).ok();
    page.follow(&m, "Undo");
    let mut without = m.call(["ssh", &format!("ada@{NAME}"), "true"]).open();
    without.expect("Type start to begin");
}

fn shared_by_all(m: &Machine) {
    let accepted = m.logged("event=accepted").len();
    m.file("/root/letter").write("dear ada\n");
    for words in [
        &["ssh", NAME, "true"][..],
        &["scp", "/root/letter", &format!("{NAME}:one")],
        &["sftp", "-b", "/root/batch", NAME],
    ] {
        m.file("/root/batch").write("put /root/letter two\n");
        m.run(words.iter().copied()).ok();
    }
    assert_eq!(
        m.file("/home/ada/one").read() + &m.file("/home/ada/two").read(),
        "dear ada\n".repeat(2)
    );
    assert_eq!(m.logged("event=accepted").len(), accepted);
}

fn used_code_waits(page: &Page, m: &Machine) {
    m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/used.*"]).ok();
    let code = m.code("ada");
    let mut first = own_connection(m);
    first.expect(PROMPT).send_line(&code);
    assert_eq!(first.exit_code(), Some(0), "{}", first.transcript());
    let mut s = page.shown(m, "Without a shared connection", "").open();
    s.expect(PROMPT).send_line(&code);
    s.give_up();
    page.compare("Without a shared connection", &s.transcript());
}

/// Runs two logins at the same time from a program that has no terminal and asks in a window. Checks that the prompt
/// is shown there, and that only one of the two logins with the same code succeeds.
fn question_in_a_window(m: &Machine) {
    m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/used.*"]).ok();
    let ask = format!("#!/bin/sh\necho \"$1\" >>/root/asked\necho {}\n", m.code("ada"));
    m.file("/root/askpass").write(ask).mode(0o755);
    let both = "for n in 1 2; do (ssh -oControlPath=none -oNumberOfPasswordPrompts=1 \"$0\" echo in \
        >/root/window.$n 2>&1 </dev/null) & done; wait; cat /root/window.*";
    let call = m.call(["sh", "-c", both, NAME]);
    let call = call.env("SSH_ASKPASS", "/root/askpass").env("SSH_ASKPASS_REQUIRE", "force");
    let said = call.output();
    assert_eq!(said.stdout.lines().filter(|line| *line == "in").count(), 1, "{said:?}");
    let asked = m.file("/root/asked").read();
    assert!(asked.starts_with(&format!("(ada@{NAME}) {PROMPT}")), "{asked}");
}

fn remembered(page: &Page, m: &Machine) {
    m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/used.*"]).ok();
    page.follow(m, "A remembered device");
    let mut first = page.shown(m, "A remembered device", "").open();
    first.expect(PROMPT).send_line(&m.code("ada"));
    first.expect("or press Enter for no: ").send_line("yes");
    assert_eq!(first.exit_code(), Some(0), "{}", first.transcript());
    page.compare("A remembered device", &first.transcript());
    for _ in 0..3 {
        assert_eq!(own_connection(m).exit_code(), Some(0));
    }
    m.run(["twinlock", "forget", "ada", "--all"]).ok();
    own_connection(m).expect(PROMPT);
}
