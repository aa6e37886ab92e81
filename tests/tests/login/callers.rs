//! Tests sudo, su and login: users can log in, failed logins change nothing, and the module leaves the program that
//! loads it unchanged.

use twinlock_tests::{Call, LOGGED_IN, Machine, PASSWORD, PROMPT, Server, Session, shipped};

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").sudoer("ada").person("bob");
    for service in ["sudo", "sudo-i", "su", "login"] {
        m.shipped_pam(service);
    }
    m
}

/// Returns each program as ada starts it, with the user whose code it asks for and the target user.
fn callers(m: &Machine) -> [(Call<'_>, &'static str, &'static str); 4] {
    let reached = format!("{LOGGED_IN}root");
    [
        (m.sudo("ada"), "ada", "root"),
        // `sudo -i` has its own PAM file. It passes its arguments to a login shell, so they contain no special
        // characters.
        (m.call(["sudo", "-k", "-i", "echo", &reached]).as_user("ada"), "ada", "root"),
        (m.su("ada", "bob"), "bob", "bob"),
        (m.login("ada"), "ada", "ada"),
    ]
}

fn at_the_prompt(call: Call<'_>) -> Session<'_> {
    let mut session = call.open();
    session.expect("assword").expect(": ").send_line(PASSWORD);
    session.expect(PROMPT);
    session
}

#[test]
fn a_password_and_a_code_get_in() {
    let m = machine();
    for (call, asked, reached) in callers(&m) {
        let mut s = at_the_prompt(call);
        // Clears the used code, because ada logs in both by sudo and by login.
        m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/used.*"]).ok();
        s.send_line(&m.code(asked));
        assert_eq!(s.logged_in_as().as_deref(), Some(reached), "{}", s.transcript());
    }
}

#[test]
fn a_wrong_code_does_not_and_is_counted() {
    let m = machine();
    for (call, asked, _) in callers(&m) {
        let before = m.tries(asked);
        let mut s = at_the_prompt(call);
        s.send_line(&m.wrong_code(asked)).expect(PROMPT);
        assert_eq!(m.tries(asked), before + 1, "{}", m.state());
        s.send_line("").expect_one_of(&["try again", "failure", "incorrect"]);
        s.send("\x03");
        drop(s);
    }
}

#[test]
fn a_wrong_password_with_the_right_code_writes_nothing() {
    let m = machine();
    let before = m.state();
    for (call, asked, _) in callers(&m) {
        let mut s = call.open();
        s.expect("assword").expect(": ").send_line("wrong");
        s.expect(PROMPT).send_line(&m.code(asked));
        // The module asks for a code once; then the program asks for the password again.
        s.expect("was not accepted");
        s.expect_one_of(&["try again", "failure", "incorrect"]);
        assert_eq!(m.state(), before, "{}", s.transcript());
    }
}

#[test]
fn su_asks_for_the_code_of_the_target() {
    let m = machine();
    let mut s = at_the_prompt(m.su("ada", "bob"));
    s.send_line(&m.code("ada")).expect(PROMPT).send_line("");
    assert!(!s.logged_in(), "{}", s.transcript());
    assert_eq!(m.tries("bob"), 1);
    assert_eq!(m.tries("ada"), 0);
}

#[test]
fn root_becomes_anybody_without_a_code() {
    let m = machine();
    assert_eq!(m.run(["su", "bob", "-c", "id -un"]).ok(), "bob\n");
}

#[test]
fn what_su_writes_belongs_to_root_whatever_umask_limits_and_environment_the_caller_has() {
    let m = machine();
    let hostile = "umask 0777; ulimit -f 0; ulimit -n 32; ulimit -s 512; ulimit -c unlimited";
    let call = m.su("ada", "bob").first(hostile);
    let call = call.env("TZ", "../../etc/shadow").env("LC_ALL", "tlh").env("HOME", "/nowhere");
    let call = call.env("TMPDIR", "/nowhere").env("RUST_BACKTRACE", "full").env("IFS", "/");
    let mut s = at_the_prompt(call);
    let code = m.code("bob");
    s.send_line(&m.wrong_code("bob")).expect(PROMPT).send_line(&code);
    assert_eq!(s.logged_in_as().as_deref(), Some("bob"), "{}", s.transcript());
    for line in m.tree("/run/twinlock").lines() {
        assert!(line.contains(" 40700 0:0 ") || line.contains(" 120777 0:0 "), "{line}");
    }
    let mut again = at_the_prompt(m.su("ada", "bob"));
    again.send_line(&code).expect("was used already");
}

/// Script that prints the state of the program that has loaded the module. A PAM line runs it right after the module.
/// Leaves out queued signals, which are counted per user and not per process.
const LOOK: &str = "#!/bin/sh
exec >>/root/looked 2>&1
for fd in /proc/$PPID/fd/*; do echo \"fd ${fd##*/} $(readlink $fd | sed 's/[0-9][0-9]*//g')\"; done
grep -E '^(Umask|Uid|Gid|Groups|Threads|Sig[PBIC]|Shd|Cap|NoNewPrivs|Seccomp)' /proc/$PPID/status
cat /proc/$PPID/limits
readlink /proc/$PPID/cwd /proc/$PPID/root
cat /proc/$PPID/oom_score_adj /proc/$PPID/personality
";

fn seen(m: &Machine, service: &str, auth: &str) -> String {
    let file = if service == "sshd" { "sshd-publickey" } else { service };
    let marked = shipped(&format!("pam.d/{file}"));
    let kept = marked.lines().filter(|line| !line.starts_with("auth"));
    let look = "auth required pam_exec.so seteuid quiet /root/look\n";
    m.pam(service, &format!("{auth}{look}{}\n", kept.collect::<Vec<_>>().join("\n")));
    m.file("/root/look").write(LOOK).mode(0o755);
    m.file("/root/looked").write("");
    let call = match service {
        "sudo" => m.sudo("ada"),
        "su" => m.su("ada", "bob"),
        "sshd" => m.ssh("ada").key().call(),
        _ => m.login("ada"),
    };
    let mut s = call.open();
    if auth.contains("pam_twinlock") {
        s.expect(PROMPT);
        m.run(["sh", "-c", "rm -f /run/twinlock/users/*/used.*"]).ok();
        s.send_line(&m.code(if service == "su" { "bob" } else { "ada" }));
    }
    assert!(s.logged_in(), "{}", s.transcript());
    m.file("/root/looked").read()
}

#[test]
fn the_module_leaves_the_program_as_it_was() {
    let m = machine();
    let module = "auth requisite pam_twinlock.so first_factor=stack\n";
    m.server(Server::Publickey);
    for service in ["sudo", "su", "login", "sshd"] {
        let with = seen(&m, service, module);
        let without = seen(&m, service, "auth required pam_permit.so\n");
        assert!(with.contains("Threads:\t1"), "{with}");
        assert_eq!(with, without, "{service}");
    }
}

#[test]
fn the_module_leaves_the_environment_as_it_was() {
    let m = machine();
    let module = "auth requisite pam_twinlock.so first_factor=stack\n";
    let seen = [module, "auth required pam_permit.so\n"].map(|auth| {
        m.pam(
            "su",
            &format!("{auth}account required pam_permit.so\nsession required pam_permit.so\n"),
        );
        let call = m.call(["su", "bob", "-c", "echo START; env; umask; id; echo END"]);
        let mut s = call.as_user("ada").env("KEPT", "as it was").open();
        if auth == module {
            s.expect(PROMPT).send_line(&m.code("bob"));
        }
        s.expect("END");
        s.transcript().split("START").nth(1).map(str::to_owned).expect("a start")
    });
    assert!(seen[0].contains("KEPT=as it was"), "{}", seen[0]);
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn sudo_without_a_question_costs_nothing() {
    let m = machine();
    let before = m.state();
    let ended = m.call(["sudo", "-n", "true"]).as_user("ada").output();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let ended = m.call(["sudo", "-S", "-k", "true"]).as_user("ada").input("").output();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(m.state(), before);
}

/// Returns how many times the module asks ada for a code if each answer is wrong. `arguments` are the arguments of its
/// PAM line.
fn prompts(m: &Machine, arguments: &str) -> usize {
    m.pam("line", &format!("auth required pam_twinlock.so first_factor=stack {arguments}\n"));
    m.run(["sh", "-c", "find /run/twinlock -mindepth 1 ! -name epoch -delete"]).ok();
    let wrong = format!("{}\n", m.wrong_code("ada")).repeat(12);
    let login = m.pamtester("line", "ada").input(wrong).output();
    assert_ne!(login.code, Some(0), "{login:?}");
    login.stderr.matches("erification code (").count()
}

#[test]
fn line_lowers_the_number_of_prompts() {
    let m = machine();
    m.settings("tries = 4\n[throttle]\nfree = 20\n");
    // The smaller of the settings' number and the line's applies.
    for (argument, asked) in [("", 4), ("tries=1", 1), ("tries=3", 3), ("tries=9", 4)] {
        assert_eq!(prompts(&m, argument), asked, "{argument}: {:?}", m.log());
    }
    m.settings("tries = 3\n");
    for argument in ["tries=0", "tries=11", "tries=+1", "tries=", "tries=1 tries=2"] {
        assert_eq!(prompts(&m, argument), 0, "{argument}");
        assert!(!m.logged("tries").is_empty(), "{argument}: {:?}", m.log());
    }
}
