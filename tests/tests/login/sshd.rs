//! Tests logins through a real sshd that is configured as the repository ships it.

use twinlock_tests::{First, LOGGED_IN, Machine, PASSWORD, PROMPT, Server};

fn server(server: Server) -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").server(server);
    m
}

fn gets_in(server_kind: Server, first: First) {
    let m = server(server_kind);
    let mut s = m.at_the_prompt("ada", first);
    s.send_line(&m.code("ada"));
    assert_eq!(s.logged_in_as().as_deref(), Some("ada"), "{}", s.transcript());
    assert_eq!(m.tries("ada"), 0, "{}", m.state());
}

#[test]
fn a_key_and_a_code() {
    gets_in(Server::Publickey, First::Key);
}

#[test]
fn a_password_and_a_code() {
    gets_in(Server::Password, First::Password);
}

#[test]
fn a_key_and_a_password_and_a_code() {
    gets_in(Server::KeyAndPassword, First::KeyThenPassword);
}

#[test]
fn one_server_takes_a_key_or_a_password_before_the_code() {
    gets_in(Server::Both, First::Key);
    gets_in(Server::Both, First::Password);
}

#[test]
fn with_a_key_the_server_for_both_asks_for_no_password() {
    let m = server(Server::Both);
    let mut s = m.at_the_prompt("ada", First::Key);
    s.send_line(&m.code("ada"));
    assert!(s.logged_in());
    assert!(!s.transcript().contains("Password"), "{}", s.transcript());
}

#[test]
fn a_wrong_code_is_refused_and_counted() {
    for (kind, first) in Server::WAYS {
        let m = server(kind);
        let mut s = m.at_the_prompt("ada", first);
        s.send_line(&m.wrong_code("ada")).expect("wrong. 2 tries left.").give_up();
        assert!(!s.logged_in(), "{kind:?}: {}", s.transcript());
        assert_eq!(m.tries("ada"), 1, "{kind:?}: {}", m.state());
    }
}

#[test]
fn after_a_wrong_code_the_right_one_gets_in_and_the_count_is_gone() {
    let m = server(Server::Password);
    let mut s = m.at_the_prompt("ada", First::Password);
    s.send_line(&m.wrong_code("ada")).expect(PROMPT).send_line(&m.code("ada"));
    assert!(s.logged_in(), "{}", s.transcript());
    assert_eq!(m.tries("ada"), 0, "{}", m.state());
}

#[test]
fn a_code_logs_in_once() {
    let m = server(Server::Publickey);
    let code = m.code("ada");
    assert!(m.at_the_prompt("ada", First::Key).send_line(&code).logged_in());
    let mut s = m.at_the_prompt("ada", First::Key);
    s.send_line(&code).expect("was used already").give_up();
    assert!(!s.logged_in(), "{}", s.transcript());
    assert_eq!(m.tries("ada"), 0, "{}", m.state());
}

#[test]
fn an_empty_answer_ends_it_and_costs_nothing() {
    for (kind, first) in Server::WAYS {
        let m = server(kind);
        let mut s = m.at_the_prompt("ada", first);
        s.send_line("");
        assert!(!s.logged_in(), "{kind:?}: {}", s.transcript());
        assert_eq!(s.transcript().matches(PROMPT).count(), 1, "{}", s.transcript());
        assert_eq!(m.tries("ada"), 0, "{kind:?}: {}", m.state());
    }
}

#[test]
fn a_wrong_password_with_the_right_code_is_refused_and_writes_nothing() {
    for kind in [Server::Password, Server::KeyAndPassword, Server::Both] {
        let m = server(kind);
        let before = m.state();
        let client = m.ssh("ada");
        let client = if kind == Server::KeyAndPassword { client.key() } else { client };
        let mut s = client.open();
        s.expect("Password: ").send_line("wrong");
        s.expect(PROMPT).send_line(&m.code("ada")).expect("was not accepted").give_up();
        assert!(!s.logged_in(), "{kind:?}: {}", s.transcript());
        assert_eq!(m.state(), before, "{kind:?}");
        assert_eq!(m.logged("Accepted").len(), 0);
    }
}

#[test]
fn a_key_is_not_enough() {
    for kind in Server::ALL {
        let m = server(kind);
        let before = m.state();
        let key = m.ssh("ada").key().option("BatchMode=yes").output();
        assert_eq!(key.code, Some(255), "{kind:?}: {key:?}");
        assert!(!key.stdout.contains(LOGGED_IN));
        assert_eq!(m.state(), before, "{kind:?}");
    }
}

#[test]
fn a_code_alone_does_not_get_as_far_as_the_prompt() {
    for kind in [Server::Publickey, Server::KeyAndPassword] {
        let m = server(kind);
        let mut s = m.ssh("ada").open();
        s.expect("Permission denied (publickey)");
        assert!(!s.logged_in());
        assert!(!s.transcript().contains(PROMPT));
    }
}

#[test]
fn a_code_alone_is_refused_even_where_the_drop_in_is_missing() {
    let m = server(Server::Publickey);
    let drop_in = format!("/etc/ssh/sshd_config.d/{}", Server::Publickey.drop_in());
    m.file(&drop_in).remove();
    m.sshd("KbdInteractiveAuthentication yes\nPasswordAuthentication no\n");
    let before = m.state();
    let mut s = m.ssh("ada").open();
    s.expect(PROMPT).send_line(&m.code("ada")).expect("was not accepted").give_up();
    assert!(!s.logged_in(), "{}", s.transcript());
    assert_eq!(m.state(), before);
    assert_eq!(m.logged("no_public_key").len(), 1, "{:?}", m.log());
}

#[test]
fn a_code_without_the_password_is_refused() {
    for kind in [Server::Password, Server::Both] {
        let m = server(kind);
        let before = m.state();
        let mut s = m.ssh("ada").open();
        s.expect("Password: ").send_line(&m.code("ada"));
        s.expect(PROMPT).send_line(&m.code("ada")).expect("was not accepted").give_up();
        assert!(!s.logged_in(), "{kind:?}: {}", s.transcript());
        assert_eq!(m.state(), before, "{kind:?}");
    }
}

#[test]
fn an_unknown_user_sees_what_a_wrong_password_shows() {
    for kind in [Server::Password, Server::Both] {
        let m = server(kind);
        let before = m.state();
        let mut seen = Vec::new();
        for user in ["ada", "nobody-here"] {
            let mut s = m.ssh(user).open();
            s.expect("Password: ").send_line("wrong");
            s.expect(PROMPT).send_line("123456").expect("was not accepted").give_up();
            assert!(!s.logged_in());
            seen.push(s.transcript().replace(user, "USER"));
        }
        assert_eq!(seen[0], seen[1], "{kind:?}");
        assert_eq!(m.state(), before, "{kind:?}");
    }
}

#[test]
fn root_that_sshd_bars_is_refused_and_pays_nothing() {
    let m = Machine::new();
    m.twinlock().person("root").server(Server::Password).sshd("PermitRootLogin no\n");
    let before = m.state();
    let mut s = m.ssh("root").open();
    s.expect("Password: ").send_line(PASSWORD);
    s.expect(PROMPT).send_line(&m.code("root")).expect("was not accepted").give_up();
    assert!(!s.logged_in(), "{}", s.transcript());
    assert_eq!(m.state(), before);
}

fn with_a_robot(kind: Server) -> Machine {
    let m = Machine::new();
    m.twinlock().settings("[[rule]]\nuser = \"robot\"\naction = \"exempt\"\n");
    m.user("robot").password("robot", PASSWORD).key("robot").server(kind);
    m
}

#[test]
fn an_exempt_user_gets_in_by_the_first_factor_alone() {
    for (kind, first) in Server::WAYS {
        let m = with_a_robot(kind);
        let mut s = m.past_the_first_factor("robot", first);
        assert_eq!(s.logged_in_as().as_deref(), Some("robot"), "{kind:?}: {}", s.transcript());
        assert!(!s.transcript().contains(PROMPT), "{kind:?}: {}", s.transcript());
    }
}

#[test]
fn an_exempt_user_does_not_get_in_by_a_wrong_password() {
    for kind in [Server::Password, Server::Both] {
        let m = with_a_robot(kind);
        let mut s = m.ssh("robot").open();
        s.expect("Password: ").send_line("wrong");
        s.expect(PROMPT).give_up();
        assert!(!s.logged_in(), "{kind:?}: {}", s.transcript());
    }
}

#[test]
fn who_is_not_enrolled_is_told_so_behind_the_first_factor() {
    for (kind, first) in Server::WAYS {
        let m = server(kind);
        m.user("bob").password("bob", PASSWORD).key("bob");
        let mut s = m.past_the_first_factor("bob", first);
        s.expect("none is set up").expect("twinlock enroll bob").give_up();
        assert!(!s.logged_in(), "{kind:?}: {}", s.transcript());
        assert_eq!(m.logged("not_enrolled").len(), 1, "{kind:?}: {:?}", m.log());
    }
}
