//! Tests screen lockers and other programs that do not run as root. The agent verifies the code that the module passes
//! on to it.

use std::time::{Duration, Instant};

use twinlock_tests::{Call, Finished, First, Machine, Server};

use crate::{client::PYTHON_CLIENT, password};

/// PAM lines of a screen locker that gives the same answer to every question.
pub(crate) const ONE_FIELD: &str = "auth required pam_twinlock.so first_factor=follows forward_pass\n\
                                    auth required pam_unix.so use_first_pass\n\
                                    account required pam_permit.so\n";
/// PAM lines of a screen locker that shows the user each question.
pub(crate) const IN_TURN: &str = "auth requisite pam_unix.so\nauth requisite pam_twinlock.so first_factor=stack\n\
                       account required pam_permit.so\n";

/// Maximum duration of a refusal: two seconds for the agent, one and a half for libpam's delay, and the start of
/// programs.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);

/// Returns a machine with the agent, the setting `lockers = true`, and the enrolled user ada.
pub(crate) fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().settings("[agent]\nlockers = true\n").agent();
    m.person("ada").epoch_minutes_ago(60).pam("i3lock", ONE_FIELD).pam("kde", IN_TURN);
    m
}

fn locker<'m>(m: &'m Machine, typed: &str) -> Call<'m> {
    m.pamtester("i3lock", "ada").as_user("ada").input(format!("{typed}\n"))
}

/// Unlocks the screen as ada, with her password directly followed by the code as one answer. Exit code 0 means
/// success.
fn unlock(m: &Machine, code: &str) -> Finished {
    locker(m, &format!("{}{code}", password())).output()
}

fn tries(m: &Machine, budget: &str) -> usize {
    m.tree("/run/twinlock").matches(&format!("/try.{budget}.")).count()
}

#[test]
fn program_of_the_user_is_let_in_by_one_field() {
    let m = machine();
    let code = m.code("ada");
    let said = unlock(&m, &code);
    assert_eq!(said.code, Some(0), "{said:?} {:?}", m.log());
    let log = m.logged("service=i3lock");
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(
        log[0].contains("event=accepted user=ada service=i3lock rhost=agent:")
            && log[0].contains("first_factor=follows"),
        "{log:?}"
    );
    // The same code works nowhere a second time.
    assert_eq!(unlock(&m, &code).code, Some(1));
    assert!(m.logged("reason=replayed").iter().any(|line| line.contains("rhost=agent:")));
    let mut s = m.shipped_pam("sudo").sudoer("ada").sudo("ada").open();
    s.expect("assword").expect(": ").send_line(password());
    s.expect("Verification code").send_line(&code).expect("was used already");
}

#[test]
fn wrong_password_after_a_right_code_is_refused() {
    let m = machine();
    let said = locker(&m, &format!("wrong{}", m.code("ada"))).output();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(m.logged("event=accepted").len(), 1, "{:?}", m.log());
    // A password alone is no guess at a code, and is not sent to the agent.
    let said = locker(&m, password()).output();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(m.logged("reason=not_a_code").len(), 1, "{:?}", m.log());
    assert_eq!(tries(&m, "locker"), 0);
    assert!(m.run(["twinlock", "why", "ada"]).ok().contains("not_a_code"), "{:?}", m.log());
}

#[test]
fn program_that_asks_in_turn_is_told_why() {
    let m = machine();
    let ask = |code: &str| {
        let call = m.pamtester("kde", "ada").as_user("ada");
        call.input(format!("{}\n{code}\n", password())).output()
    };
    let said = ask(&m.wrong_code("ada"));
    assert_eq!(said.code, Some(1));
    assert!((said.stdout + &said.stderr).contains("wrong"), "{:?}", m.log());
    let said = ask(&m.code("ada"));
    assert_eq!(said.code, Some(0), "{said:?} {:?}", m.log());
    let said = ask(&m.code("ada"));
    assert!((said.stdout + &said.stderr).contains("used already"), "{:?}", m.log());
    // A locker gives one try, and accepts no other code than that of an app.
    let call = m.pamtester("kde", "ada").as_user("ada");
    let said = call.input(format!("{}\n?\n4\n{}\n", password(), m.code_in("ada", 1))).output();
    assert_eq!(said.code, Some(1), "{said:?}");
}

#[test]
fn locker_success_changes_only_the_step() {
    let m = machine();
    // These are failures that a login would clear.
    let wrong = format!("{}\n", m.wrong_code("ada")).repeat(3);
    m.proven("one").pamtester("one", "ada").input(wrong).output();
    assert_eq!(tries(&m, "proven"), 3, "{}", m.state());
    let names = |state: &str| -> Vec<String> {
        let names = state.lines().filter(|line| !line.contains("/clock "));
        names.map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    let whole = |state: String| -> Vec<String> {
        // The times of folders and of the clock mark change; all other files must stay as they are.
        let kept = state.lines().filter(|line| !line.contains("/clock ") && !line.contains(" 40"));
        kept.map(str::to_owned).collect()
    };
    let before = m.state();
    assert_eq!(unlock(&m, &m.code("ada")).code, Some(0), "{:?}", m.log());
    let after = m.state();
    let new: Vec<String> =
        names(&after).into_iter().filter(|name| !names(&before).contains(name)).collect();
    assert!(new.len() == 1 && new[0].contains("/used."), "{new:?}");
    let (before, after) = (whole(before), whole(after));
    let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[test]
fn locker_guesses_leave_ssh_open() {
    let m = machine();
    m.server(Server::Publickey).shipped_pam("sudo").sudoer("ada");
    let wrong = m.wrong_code("ada");
    let script = format!(
        "{PYTHON_CLIENT}\nimport sys\nended={{}}\nfor _ in range(1000):\n \
         status,text=unlock('i3lock','code','{wrong}')\n ended[status]=ended.get(status,0)+1\nprint(ended)"
    );
    let said = m.run_as("ada", ["timeout", "300", "python3", "-c", &script]);
    // Five are compared, then delays begin.
    assert_eq!(said.ok().trim(), "{1: 5, 5: 995}", "{:?}", m.log().last());
    assert_eq!(tries(&m, "locker"), 5);
    assert_eq!(tries(&m, "proven"), 0);
    let why = m.run(["twinlock", "why", "ada"]);
    assert!(why.ok().contains("agent:") && why.ok().contains("throttled"), "{why:?}");
    // No locker of ada is served now; ssh and sudo take the next codes at once.
    assert_eq!(unlock(&m, &m.code_in("ada", -1)).code, Some(1));
    let mut s = m.at_the_prompt("ada", First::Key);
    s.send_line(&m.code_in("ada", -1));
    assert!(s.logged_in(), "{}", s.transcript());
    let mut s = m.sudo("ada").open();
    s.expect("assword").expect(": ").send_line(password());
    s.expect("Verification code").send_line(&m.code("ada"));
    assert_eq!(s.logged_in_as().as_deref(), Some("root"), "{}", s.transcript());
    // The success of ssh and sudo does not end the delay of the locker.
    assert_eq!(tries(&m, "locker"), 5);
    assert_eq!(unlock(&m, &m.code_in("ada", 1)).code, Some(1));
    m.run(["twinlock", "unlock", "ada"]).ok();
    assert_eq!(unlock(&m, &m.code_in("ada", 1)).code, Some(0), "{:?}", m.log());
}

#[test]
fn guesses_elsewhere_leave_the_locker_open() {
    let m = machine();
    m.proven("one");
    for _ in 0..7 {
        let wrong = format!("{}\n", m.wrong_code("ada"));
        m.pamtester_as(&["-I", "rhost=192.0.2.1"], "one", "ada").input(wrong.repeat(3)).output();
    }
    assert!(!m.logged("reason=throttled").is_empty(), "{:?}", m.log());
    assert_eq!(unlock(&m, &m.code("ada")).code, Some(0), "{:?}", m.log());
    assert!(tries(&m, "proven") >= 5, "{}", m.state());
}

#[test]
fn backup_codes_tickets_and_bypass_codes_open_no_locker() {
    let m = machine();
    let bypass = m.run(["twinlock", "bypass", "ada", "--yes", "--reason", "test"]);
    let digits: String = bypass.ok().chars().filter(char::is_ascii_digit).take(9).collect();
    assert_eq!(digits.len(), 9, "{bypass:?}");
    for typed in [digits.as_str(), "GXKPTQWMRBNCHDVLSFJZ", "FEJTQYCHWGPV", "", "?"] {
        let call = m.pamtester("kde", "ada").as_user("ada");
        let said = call.input(format!("{}\n{typed}\n", password())).output();
        assert_eq!(said.code, Some(1), "{typed}: {said:?}");
    }
    assert_eq!(m.logged("reason=not_a_code").len(), 4, "{:?}", m.log());
    assert!(m.logged("event=accepted").is_empty() && tries(&m, "locker") == 0, "{:?}", m.log());
    assert!(m.run(["twinlock", "status", "ada"]).ok().contains("ypass"));
}

#[test]
fn user_who_is_not_enrolled_is_treated_as_at_a_login() {
    let m = machine();
    m.user("bob").password("bob", password());
    let as_bob = |typed: &str| {
        m.pamtester("i3lock", "bob").as_user("bob").input(format!("{typed}\n")).output()
    };
    let refused = as_bob(&format!("{}123456", password()));
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        m.logged("reason=not_enrolled").iter().any(|line| line.contains("user=bob")),
        "{:?}",
        m.log()
    );
    assert_eq!(m.logged("reason=agent_refused").len(), 1, "{:?}", m.log());
    m.settings("not_enrolled = \"allow\"\n[agent]\nlockers = true\n");
    let allowed = as_bob(password());
    assert_eq!(allowed.code, Some(0), "{allowed:?} {:?}", m.log());
    assert!(
        m.logged("event=exempt user=bob service=i3lock rhost=agent:").len() == 1,
        "{:?}",
        m.log()
    );
    assert_eq!(as_bob("wrong").code, Some(1));
}

#[test]
fn only_the_own_account_and_only_where_lockers_are_on() {
    let m = machine();
    m.person("bob");
    let said = m.pamtester("i3lock", "ada").as_user("bob");
    let said = said.input(format!("{}{}\n", password(), m.code("ada"))).output();
    assert_eq!(said.code, Some(1), "{said:?}");
    // The agent knows no user 65534, who stands for everybody without a user id here.
    let as_nobody = |user: &str| {
        let ids = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
        let call = m.call(ids).args(["pamtester", "i3lock", user, "authenticate"]);
        call.input(format!("x{}\n", m.code("ada"))).output().code
    };
    assert_eq!([as_nobody("nobody"), as_nobody("ada")], [Some(1); 2]);
    assert_eq!(m.logged("reason=agent_refused").len(), 1, "{:?}", m.log());
    assert_eq!(m.logged("reason=caller_not_root").len(), 2, "{:?}", m.log());
    assert!(m.logged("event=accepted").is_empty());
    m.settings("");
    let said = unlock(&m, &m.code("ada"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(m.logged("reason=caller_not_root").len(), 3, "{:?}", m.log());
    assert!(m.logged("rhost=agent:").iter().all(|line| !line.contains("ada")), "{:?}", m.log());
    // The agent refuses by itself, whatever its client claims.
    let script = format!("{PYTHON_CLIENT}\nprint(unlock('i3lock','code','{}'))", m.code("ada"));
    assert!(m.run_as("ada", ["python3", "-c", &script]).ok().starts_with("(4, "));
}

#[test]
fn exempt_service_needs_no_agent() {
    let m = machine();
    m.run(["rm", "/run/twinlock-agent/socket"]).ok();
    let rule = "[[rule]]\nservice = \"i3lock\"\naction = \"exempt\"\n";
    m.settings(&format!("[agent]\nlockers = true\n{rule}"));
    let said = locker(&m, password()).output();
    assert_eq!(said.code, Some(0), "{said:?} {:?}", m.log());
}

#[test]
fn setup_login_keeps_lockers_working() {
    let m = machine();
    m.settings("");
    for locker in ["i3lock", "swaylock"] {
        // This is the line of Debian's own package.
        m.pam(locker, "auth include login\naccount required pam_permit.so\n");
    }
    let setup = "setup login --with password --no-way-back --unproven --not-enrolled deny --yes";
    let setup = || m.run(["twinlock"].into_iter().chain(setup.split(' ')));
    let login = m.file("/etc/pam.d/login").read();
    let said = setup();
    assert_eq!(said.code, Some(1), "{said:?}");
    let words = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for locker in ["i3lock", "swaylock"] {
        assert!(
            words.contains(&format!("In /etc/pam.d/{locker}, write `@include common-auth`")),
            "{words}"
        );
    }
    assert_eq!(m.file("/etc/pam.d/login").read(), login);
    assert_eq!(locker(&m, password()).output().code, Some(0), "{:?}", m.log());
    // Changes the files as the finding says.
    for locker in ["i3lock", "swaylock"] {
        m.pam(locker, "@include common-auth\naccount required pam_permit.so\n");
    }
    let said = setup();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(m.file("/etc/pam.d/login").read().contains("pam_twinlock.so"));
    assert_eq!(locker(&m, password()).output().code, Some(0), "{:?}", m.log());
    // With a code, doctor wants the lines that suit a program that gives one answer.
    m.settings("[agent]\nlockers = true\n").pam("i3lock", "auth include login\n");
    let report = || m.run(["twinlock", "doctor", "i3lock"]).stdout;
    assert!(report().contains("gives one answer to every question"), "{}", report());
    m.pam("i3lock", ONE_FIELD);
    assert!(!report().contains("cannot be unlocked"), "{}", report());
    assert_eq!(unlock(&m, &m.code("ada")).code, Some(0), "{:?}", m.log());
}

/// Checks that ada's correct password and code are refused within [`REFUSED_WITHIN`], and that the log then has one
/// more line with this reason.
#[track_caller]
fn assert_refused(m: &Machine, reason: &str) {
    let before = m.logged(&format!("reason={reason}")).len();
    let begun = Instant::now();
    let said = unlock(m, &m.code("ada"));
    assert!(begun.elapsed() < REFUSED_WITHIN, "{reason}: {:?}", begun.elapsed());
    assert_eq!(said.code, Some(1), "{reason}: {said:?}");
    assert_eq!(m.logged(&format!("reason={reason}")).len(), before + 1, "{:?}", m.log());
}

/// Replaces the agent by a program of `user` that sends `bytes` to each client, and waits until it listens.
fn squat(m: &Machine, user: &str, bytes: &str) {
    let clear = "rm -f /run/twinlock-agent/socket /tmp/listens; chmod 777 /run/twinlock-agent";
    m.run(["sh", "-c", clear]).ok();
    let serve = format!(
        "import os,socket\ns=socket.socket(socket.AF_UNIX)\npath='/run/twinlock-agent/socket'\n\
         s.bind(path)\nos.chmod(path,0o666)\ns.listen(9)\nopen('/tmp/listens','w')\nkept=[]\n\
         while True:\n c=s.accept()[0]\n kept.append(c)\n c.sendall({bytes})\n"
    );
    let begin = "python3 -c \"$SERVE\" >/dev/null 2>&1 </dev/null & \
                 until [ -e /tmp/listens ]; do sleep 0.01; done";
    m.call(["timeout", "20", "sh", "-c", begin]).as_user(user).env("SERVE", &serve).output().ok();
}

#[test]
fn whatever_is_wrong_with_the_agent_refuses_in_time() {
    let m = machine();
    m.run(["rm", "/run/twinlock-agent/socket"]).ok();
    assert_refused(&m, "agent_unreachable");
    m.run(["sh", "-c", "echo >/run/twinlock-agent/socket"]).ok();
    assert_refused(&m, "agent_unreachable");
    m.user("eve");
    squat(&m, "eve", "b'\\x00\\x03\\x07\\x006'");
    assert_refused(&m, "agent_untrusted");
    for (bytes, reason) in [
        ("b''", "agent_late"),
        ("b'\\x00'", "agent_late"),
        ("b'HTTP/1.1 200 OK\\r\\n'", "agent_broken"),
        ("b'\\x00\\x01\\x05'", "agent_broken"),
        ("b'\\xff'*100000", "agent_broken"),
        ("b'\\x00\\x02\\x04\\x00\\x00\\x03\\x07\\x006'", "agent_broken"),
        ("b'\\x00\\x02\\x07\\x05'", "agent_busy"),
        ("b'\\x00\\x02\\x07\\x04'", "agent_refused"),
        ("b'\\x00\\x02\\x04\\x00'", "agent_late"),
    ] {
        squat(&m, "root", bytes);
        assert_refused(&m, reason);
    }
    assert!(m.logged("event=accepted").is_empty());
    let explained = m.run(["twinlock", "explain", "ada", "--service", "i3lock"]);
    assert!(!explained.stdout.contains("caller_not_root"), "{explained:?}");
}

#[test]
fn stopped_agent_refuses_in_time_and_goes_on() {
    let m = machine();
    let listener = || {
        let all = m.processes();
        let found =
            all.iter().find(|(_, args)| args.starts_with("/usr/libexec/twinlock/twinlock-agent "));
        found.map(|(pid, _)| *pid).expect("the listener runs")
    };
    m.signal("STOP", listener());
    assert_refused(&m, "agent_late");
    m.signal("CONT", listener());
    assert_eq!(unlock(&m, &m.code("ada")).code, Some(0), "{:?}", m.log());
}

#[test]
fn of_fifty_lockers_at_once_one_is_let_in() {
    let m = machine();
    let script = "for i in $(seq 50); do (printf '%s\\n' \"$TYPED\" | pamtester i3lock ada authenticate \
                  >/dev/null 2>&1; echo $?) & done; wait";
    let typed = format!("{}{}", password(), m.code("ada"));
    let ended = m.call(["sh", "-c", script]).as_user("ada").env("TYPED", &typed).output();
    let codes = |wanted: &str| ended.ok().lines().filter(|code| *code == wanted).count();
    assert_eq!([codes("0"), codes("1")], [1, 49], "{ended:?} {:?}", m.log());
    assert_eq!(m.logged("event=accepted").len(), 1);
    assert_eq!(m.logged("event=refused").len(), 49, "{:?}", m.log());
    assert_eq!(tries(&m, "locker"), 0, "{}", m.state());
}
