//! Tests what `twinlock setup` asks at a terminal: whether users may get in without a code.

use twinlock_tests::{Machine, Session};

use super::machine;

/// Returns a machine with ada, who is enrolled, and the robot runner, which has a key.
fn staff() -> Machine {
    let m = machine();
    m.sshd("").user("runner").key("runner").password("runner", "a password");
    m.run(["groupadd", "admins"]).ok();
    m.run(["usermod", "-aG", "admins", "ada"]).ok();
    m
}

const OPTIONS: [(&str, &str); 3] = [
    ("--group admins", "--group admins: gets in without a code: 1 account"),
    ("--network 192.0.2.0/24 --not-enrolled deny", "from 192.0.2.0/24"),
    ("--robot runner@192.0.2.7 --not-enrolled deny", "192.0.2.7/32"),
];

/// Begins a setup with these options at a terminal, up to the question.
fn asked<'m>(m: &'m Machine, options: &str) -> Session<'m> {
    let line = format!("twinlock setup ssh --with publickey --no-way-back {options}");
    let mut session = m.call(line.split(' ')).open();
    session.expect("Type yes to continue: ");
    session
}

#[test]
fn nothing_but_yes_at_the_terminal_lets_users_in_without_a_code() {
    let m = staff();
    for (options, shown) in OPTIONS {
        let before = m.tree("/etc");
        for answer in ["y", "no", "YES", "yes please", ""] {
            let mut session = asked(&m, options);
            assert!(session.transcript().contains(shown), "{options}: {}", session.transcript());
            session.send_line(answer);
            session.expect("nothing was changed");
            assert_ne!(session.exit_code(), Some(0), "{options}: {answer}");
            assert_eq!(m.tree("/etc"), before, "{options}: {answer}");
        }
        let mut session = asked(&m, options);
        session.send("\u{3}");
        assert_ne!(session.exit_code(), Some(0), "{options}: interrupted");
        assert_eq!(m.tree("/etc"), before, "{options}: interrupted");
    }
}

#[test]
fn yes_at_the_terminal_is_enough_for_each_option() {
    let m = staff();
    for (options, _) in OPTIONS {
        let mut session = asked(&m, options);
        session.send_line("yes").expect("ssh is set up");
        assert_eq!(session.exit_code(), Some(0), "{options}");
        let entries = m.file("/etc/twinlock/accepted.toml").read();
        let option = options.split(' ').next().expect("an option");
        assert!(entries.contains(&format!("twinlock setup ssh {option}")), "{entries}");
    }
    // A teardown wants the name of the service.
    let teardown = |answer: &str| {
        let mut session = m.call(["twinlock", "teardown", "ssh"]).open();
        session.expect("Type the name of the service to continue: ").send_line(answer);
        session.exit_code()
    };
    let before = m.tree("/etc");
    assert_ne!(teardown("yes"), Some(0));
    assert_eq!(m.tree("/etc"), before);
    assert_eq!(teardown("ssh"), Some(0));
    assert!(!m.file("/etc/ssh/sshd_config.d/10-twinlock.conf").exists());
}
