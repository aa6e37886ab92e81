//! Tests scp, sftp, rsync and other programs that use ssh. They transfer files after a code, and a client that cannot
//! answer a prompt costs its user no attempt.

use twinlock_tests::{Call, First, Machine, PASSWORD, PROMPT, Server, Session};

fn server(server: Server) -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").server(server);
    m.file("/root/letter").write("dear ada\n");
    m
}

fn copied(m: &Machine, mut s: Session<'_>, user: &str) {
    s.expect(PROMPT).send_line(&m.code(user));
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    assert_eq!(m.file(&format!("/home/{user}/letter")).read(), "dear ada\n");
}

#[test]
fn scp_asks_on_the_terminal_and_copies() {
    let m = server(Server::Publickey);
    let call = m.ssh("ada").key().relative("scp", &["/root/letter", "ada@127.0.0.1:"]);
    copied(&m, call.open(), "ada");
}

#[test]
fn sftp_asks_on_the_terminal_and_copies() {
    let m = server(Server::Publickey);
    let mut s = m.ssh("ada").key().relative("sftp", &["ada@127.0.0.1"]).open();
    s.expect(PROMPT).send_line(&m.code("ada"));
    s.expect("sftp> ").send_line("put /root/letter");
    s.expect("sftp> ").send_line("bye");
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    assert_eq!(m.file("/home/ada/letter").read(), "dear ada\n");
}

#[test]
fn rsync_asks_on_the_terminal_and_copies() {
    let m = server(Server::Publickey);
    let call = m.ssh("ada").key().rsync(&["/root/letter", "ada@127.0.0.1:"]);
    copied(&m, call.open(), "ada");
}

#[test]
fn scp_asks_for_password_and_code() {
    let m = server(Server::Password);
    let mut s = m.ssh("ada").relative("scp", &["/root/letter", "ada@127.0.0.1:"]).open();
    s.expect("Password: ").send_line(PASSWORD);
    copied(&m, s, "ada");
}

#[test]
fn what_a_command_prints_stays_clean() {
    let m = server(Server::Publickey);
    let ssh = m.ssh("ada").key().option("LogLevel=ERROR");
    let askpass = "/root/askpass";
    m.file(askpass).write(format!("#!/bin/sh\necho {}\n", m.code("ada"))).mode(0o755);
    let call = ssh.command(["cat", "/etc/hostname"]).call();
    let call = call.env("SSH_ASKPASS", askpass).env("SSH_ASKPASS_REQUIRE", "force");
    assert_eq!(call.output().ok(), "twinbox\n");
}

#[test]
fn batch_mode_fails_without_a_question_and_costs_nothing() {
    for (kind, first) in Server::WAYS {
        let m = server(kind);
        let before = m.state();
        let ssh = m.ssh("ada").option("BatchMode=yes");
        let ssh = if first == First::Password { ssh } else { ssh.key() };
        let mut s = ssh.open();
        assert_eq!(s.exit_code(), Some(255), "{}", s.transcript());
        assert!(!s.transcript().contains(PROMPT), "{}", s.transcript());
        assert_eq!(m.state(), before, "{kind:?}");
    }
}

#[test]
fn sftp_in_batch_mode_costs_nothing() {
    let m = server(Server::Publickey);
    let before = m.state();
    let sftp = m.ssh("ada").key().relative("sftp", &["-b", "/dev/null", "ada@127.0.0.1"]);
    assert_eq!(sftp.output().code, Some(255));
    assert_eq!(m.state(), before);
}

#[test]
fn ssh_without_a_terminal_costs_no_try() {
    for (kind, first) in Server::WAYS {
        let m = server(kind);
        let ssh = m.ssh("ada").option("NumberOfPasswordPrompts=3");
        let ssh = if first == First::Password { ssh } else { ssh.key() };
        // Without a terminal, ssh answers each prompt with an empty line.
        let ended = ssh.call().first("exec setsid -w \"$@\"").output();
        assert_eq!(ended.code, Some(255), "{kind:?}: {ended:?}");
        assert_eq!(m.tries("ada"), 0, "{kind:?}: {}", m.state());
        let mut s = m.at_the_prompt("ada", first);
        assert!(s.send_line(&m.code("ada")).logged_in(), "{kind:?}: {}", s.transcript());
    }
}

#[test]
fn a_client_that_sends_the_password_to_every_prompt_costs_no_try() {
    let m = server(Server::Password);
    m.file("/root/askpass").write(format!("#!/bin/sh\necho '{PASSWORD}'\n")).mode(0o755);
    let ssh = m.ssh("ada").option("NumberOfPasswordPrompts=3").call();
    let call = ssh.env("SSH_ASKPASS", "/root/askpass").env("SSH_ASKPASS_REQUIRE", "force");
    assert_eq!(call.output().code, Some(255));
    assert_eq!(m.tries("ada"), 0, "{}", m.state());
    let all = format!("{}\n{}", m.log().join("\n"), m.state());
    assert!(!all.contains(PASSWORD), "{all}");
}

#[test]
fn a_shared_connection_is_asked_once() {
    let m = server(Server::Publickey);
    let mut first = shared(&m).open();
    first.expect(PROMPT).send_line(&m.code("ada")).expect("ada");
    let second = shared(&m).output();
    assert_eq!(second.ok(), "ada\n");
    m.run(["ssh", "-O", "exit", "-oControlPath=/root/control", "ada@127.0.0.1"]).ok();
}

fn shared(m: &Machine) -> Call<'_> {
    let ssh = m.ssh("ada").key().option("ControlPath=/root/control");
    let ssh = ssh.option("ControlMaster=auto").option("ControlPersist=60");
    ssh.command(["id", "-un"]).call()
}
