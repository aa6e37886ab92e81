//! Tests attacks of users through the agent: on other users, on the log and on secrets.

use twinlock_tests::Machine;

use crate::{client::PYTHON_CLIENT, lockers, machine, password, roles};

/// Adds the user bob to the machine and returns the machine. Bob's lines of the account files contain a byte that is
/// no UTF-8.
fn with_an_odd_byte(m: Machine) -> Machine {
    m.user("bob").password("bob", password());
    let sed = r"LC_ALL=C sed -i 's/^\(bob:[^:]*:[^:]*:[^:]*:\)[^:]*:/\1B\xf6b:/' /etc/passwd
LC_ALL=C sed -i 's/^bob:.*/&\xf6/' /etc/shadow";
    m.run(["sh", "-c", sed]).ok();
    m
}

#[test]
fn odd_byte_of_another_user_keeps_nobody_out() {
    let m = with_an_odd_byte(machine());
    m.run_as("ada", ["twinlock", "status"]).ok();
    let mut s = m.call(["twinlock", "backup-codes"]).as_user("ada").open();
    s.expect("Your password: ").send_line(password());
    s.expect("Verification code of your app: ").give_up();
}

#[test]
fn odd_byte_of_another_user_keeps_no_screen_locked() {
    let m = with_an_odd_byte(lockers::machine());
    let typed = format!("{}{}\n", password(), m.code("ada"));
    m.pamtester("i3lock", "ada").as_user("ada").input(typed).output().ok();
}

/// With chfn of util-linux, every user can write a byte that is no UTF-8 into /etc/passwd. Checks that ada can still
/// use the agent after bob has done so.
#[test]
fn chfn_of_another_user_keeps_nobody_out() {
    let m = machine();
    m.user("bob").password("bob", password());
    m.pam("chfn", "auth required pam_unix.so\naccount required pam_unix.so\n");
    let mut s = m.call(["perl", "-e", r#"exec "chfn", "-r", "\xf6""#]).as_user("bob").open();
    s.expect("assword: ").send_line(password());
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    m.run(["sh", "-c", r"LC_ALL=C grep -a ^bob: /etc/passwd | LC_ALL=C grep -q -a -P '\xf6'"]).ok();
    m.run_as("ada", ["twinlock", "status"]).ok();
}

#[test]
fn locker_answers_do_not_displace_what_refused_a_login() {
    let m = lockers::machine();
    m.proven("one").pamtester("one", "ada").input(format!("{}\n", m.wrong_code("ada"))).output();
    assert!(m.run(["twinlock", "why", "ada"]).ok().contains(" one"));
    let script =
        format!("{PYTHON_CLIENT}\nfor n in range(9):\n print(unlock('i3lock','code','-'))");
    m.run_as("ada", ["python3", "-c", &script]).ok();
    let why = m.run(["twinlock", "why", "ada"]);
    assert!(why.ok().contains(" one"), "{}", why.stdout);
}

#[test]
fn own_key_is_not_printed_into_a_pipe() {
    let m = machine();
    m.run(["chmod", "1777", "/tmp"]).ok();
    let mut s = m.call(["sh", "-c", "twinlock change >/tmp/out"]).as_user("ada").open();
    s.expect("Your password: ").send_line(password());
    s.expect("Verification code of your app: ").send_line(&m.code_in("ada", -1));
    s.expect("type this key").expect("6-digit code").expect(": ").give_up();
    assert_eq!(m.run(["cat", "/tmp/out"]).stdout, "");
    assert!(m.run_as("ada", ["twinlock", "status"]).ok().contains("Backup codes"));
}

/// The log keeps only a limited number of lines of a service, so a flood of lines could push out the line about the
/// use of a role. Checks that about a thousand requests of one user write fewer than 100 lines.
#[test]
fn no_user_fills_the_log_through_the_agent() {
    let m = lockers::machine();
    let roles = "protected = [\"root\"]\n[[role]]\nname = \"desk\"\ngroup = \"daemon\"\n\
                 over = \"users\"\nverbs = [\"status\", \"unlock\"]\napprove = 2\n";
    m.file("/etc/twinlock/roles.toml").write(roles);
    // Frames of type 1, each with a verb and the words of the request; and an answer to the question, if there is one.
    let script = format!(
        "{PYTHON_CLIENT}
for verb,words in [(1,['root']),(3,['root']),(10,['root','lost']),(11,['bob','lost']),(13,[]),(14,['a']),(9,['','i3lock','code'])]:
    for n in range(150):
        s=socket.socket(socket.AF_UNIX); s.connect('/run/twinlock-agent/socket')
        body=b''.join(struct.pack('>H',len(w))+w.encode() for w in words)
        s.sendall(b'TWINLCK\\x01'+frame(1,bytes([verb,0])+body))
        kind,_=receive(s)
        if kind==4:
            s.sendall(frame(2,b'-'))
            receive(s)
        s.close()
"
    );
    let said = m.run_as("ada", ["python3", "-c", &script]);
    said.ok();
    let lines = m.log().iter().filter(|line| line.contains("twinlock")).count();
    assert!(lines < 100, "{lines} lines: {:?}", m.log().last());
    // Guesses are not hidden behind the other answers.
    let wrong = m.wrong_code("ada");
    let script = format!("{PYTHON_CLIENT}\nprint(unlock('i3lock','code','{wrong}'))");
    m.run_as("ada", ["python3", "-c", &script]).ok();
    assert_eq!(m.logged("reason=wrong_code").len(), 1, "{:?}", m.log().last());
}

#[test]
fn members_of_two_roles_approve_by_the_one_of_the_request() {
    let m = roles::desk("approve = 2\n");
    let rules = m.file("/etc/twinlock/roles.toml").read();
    m.run(["groupadd", "leads"]).ok();
    m.run(["usermod", "-aG", "leads", "lee"]).ok();
    let leads = "[[role]]\nname = \"leads\"\ngroup = \"leads\"\nover = \"people\"\n\
                 verbs = [\"reset\"]\n[[role]]\n";
    m.file("/etc/twinlock/roles.toml").write(rules.replacen("[[role]]\n", leads, 1));
    let done = roles::acts(&m, "kim", &["reset", "ada", "--reason", "lost"]);
    let (_, id) = done.stdout.rsplit_once("twinlock approve ").expect("a request");
    let done = roles::acts(&m, "lee", &["approve", id.trim()]);
    assert_eq!(done.code, Some(0), "{done:?}");
}
