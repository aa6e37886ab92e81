//! Tests sudo with every prompt replaced by another text, as Ansible does, and programs that repeat an answer.

use twinlock_tests::{Call, LOGGED_IN, Machine, PASSWORD, Session};

/// Text in place of every prompt.
const OWN: &str = "become-success-key password: ";

fn machine(settings: &str) -> Machine {
    let m = Machine::new();
    m.twinlock().person("ada").sudoer("ada").shipped_pam("sudo").shipped_pam("su");
    m.settings(settings);
    m
}

/// Returns calls of sudo: two that replace its prompts in different ways, and one that does not.
fn ways(m: &Machine) -> [Call<'_>; 3] {
    let command = format!("echo \"{LOGGED_IN}$(id -un)\"");
    let argv = |option: &[&str]| {
        let words = ["sudo", "-k"].into_iter().chain(option.iter().copied());
        m.call(words.chain(["sh", "-c", command.as_str()]).map(str::to_owned)).as_user("ada")
    };
    [argv(&["-p", OWN]), argv(&[]).env("SUDO_PROMPT", OWN), argv(&[])]
}

fn override_prompt(m: &Machine) {
    let lines = format!("Defaults passprompt_override\nDefaults passprompt=\"{OWN}\"\n");
    m.file("/etc/sudoers.d/prompt").write(lines).mode(0o440);
}

/// Waits for the next prompt of sudo: the replaced text [`OWN`], or one of twinlock's own prompts. twinlock's prompts
/// may appear because some versions of sudo apply passprompt_override only to the password prompt. `sudo -p` and
/// SUDO_PROMPT replace every prompt.
fn asked<'s, 'm>(session: &'s mut Session<'m>) -> &'s mut Session<'m> {
    session.expect_one_of(&[OWN, "other ways): ", "Choose 1-3: ", "backup code: "]);
    session
}

/// Answers each further question with an empty line. sudo discards what is typed before its prompt, also Ctrl-C.
fn end(session: &mut Session<'_>) {
    assert_ne!(session.give_up(), Some(0));
}

fn each_way(m: &Machine, mut test: impl FnMut(Session<'_>)) {
    for (number, call) in ways(m).into_iter().enumerate() {
        if number == 2 {
            override_prompt(m);
        }
        m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/used.* /run/twinlock/users/ada/try.*"])
            .ok();
        let mut session = call.open();
        session.expect(OWN).send_line(PASSWORD);
        test(session);
    }
}

#[test]
fn sudo_with_a_prompt_of_its_own_lets_in() {
    let m = machine("");
    each_way(&m, |mut s| {
        asked(&mut s).send_line(&m.code("ada"));
        assert_eq!(s.logged_in_as().as_deref(), Some("root"), "{}", s.transcript());
    });
}

/// Checks that a password typed at the second prompt, which looks like the first, is not echoed.
#[test]
fn nothing_typed_at_a_replaced_prompt_is_seen() {
    let m = machine("echo = true\n[backup_codes]\necho = true\n");
    each_way(&m, |mut s| {
        asked(&mut s).send_line(PASSWORD);
        asked(s.expect("That is not a code")).send_line("?");
        asked(s.expect("Other ways to sign in").expect("3  Stop")).send_line("2");
        asked(&mut s).send_line("FEJT-QYCH-WGPV-SARM-XOKB");
        asked(s.expect("That code is wrong")).send_line("");
        s.expect("try again");
        end(&mut s);
        assert!(!s.logged_in());
        let screen = s.transcript();
        assert!(!screen.contains(PASSWORD) && !screen.contains("FEJT"), "{screen}");
    });
}

#[test]
fn key_seen_by_an_administrator_is_told_of_under_a_replaced_prompt() {
    let m = machine("require_own_code = false\n");
    m.run(["twinlock", "show-key", "ada", "--yes", "--png", "/root/qr"]).ok();
    each_way(&m, |mut s| {
        asked(&mut s).send_line(&m.code("ada"));
        s.expect("was seen by");
        assert_eq!(s.logged_in_as().as_deref(), Some("root"), "{}", s.transcript());
    });
}

#[test]
fn nobody_is_set_up_under_a_replaced_prompt() {
    let m = machine(
        "not_enrolled = \"enroll\"\nenroll_needs_ticket = false\nrequire_own_code = false\n",
    );
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    each_way(&m, |mut s| {
        s.expect("log in by ssh").expect("try again");
        end(&mut s);
        assert!(!s.logged_in(), "{}", s.transcript());
        assert!(!s.transcript().contains("otpauth"), "{}", s.transcript());
    });
    assert_eq!(m.logged("reason=not_set_up").len() % 3, 0, "{:?}", m.log());
}

const MAIL: &str = "auth required pam_twinlock.so first_factor=follows forward_pass\n\
                    auth required pam_unix.so use_first_pass nodelay\n\
                    account required pam_permit.so\n";

/// A mail client polls with an old answer again and again. Checks that its user is not throttled.
#[test]
fn polling_mail_client_throttles_nobody() {
    let m = machine("tries = 1\n");
    m.pam("imap", MAIL);
    let typed = format!("{PASSWORD}{}", m.code("ada"));
    let poll = |later: i64| {
        let call = m.pamtester_as(&["-I", "rhost=192.0.2.9"], "imap", "ada").clock(later);
        call.input(format!("{typed}\n")).output().code == Some(0)
    };
    assert!(poll(0));
    for minute in 0..12 {
        assert!(!poll(minute * 60), "{minute}: a code works once");
    }
    assert_eq!(m.tries("ada"), 0, "{}", m.state());
    assert_eq!(m.logged("reason=replayed").len(), 12, "{:?}", m.log());
    assert_eq!(m.logged("reason=wrong_code").len() + m.logged("reason=throttled").len(), 0);
    let why = m.run(["twinlock", "why", "ada"]).ok().to_owned();
    assert!(why.contains("  replayed: "), "{why}");
    // The user is let in from the same address at once, and a guess from there is charged.
    let fresh = format!("{PASSWORD}{}", m.code_in("ada", 1));
    let call = m.pamtester_as(&["-I", "rhost=192.0.2.9"], "imap", "ada");
    assert_eq!(call.input(format!("{fresh}\n")).output().code, Some(0));
    let wrong = format!("{PASSWORD}{}", m.wrong_code("ada"));
    let call = m.pamtester_as(&["-I", "rhost=192.0.2.9"], "imap", "ada");
    assert_ne!(call.input(format!("{wrong}\n")).output().code, Some(0));
    assert_eq!(m.tries("ada"), 1);
}

#[test]
fn parallel_connections_let_one_in_and_charge_none() {
    let m = machine("");
    m.pam("ftp", MAIL);
    let script = "for i in 1 2 3 4 5 6 7 8; do \
                  (printf '%s\\n' \"$TYPED\" | pamtester -I rhost=192.0.2.9 ftp ada authenticate \
                  >/dev/null 2>&1; echo $? >/root/ended.$i) & done; wait; cat /root/ended.*";
    let typed = format!("{PASSWORD}{}", m.code("ada"));
    let ended = m.call(["sh", "-c", script]).env("TYPED", &typed).output();
    let ended = ended.ok();
    assert_eq!(ended.lines().filter(|code| *code == "0").count(), 1, "{ended}");
    assert_eq!(m.tries("ada"), 0, "{}", m.state());
    assert_eq!(m.logged("reason=replayed").len(), 7, "{:?}", m.log());
}

/// Checks that the module refuses screen lockers that run as their user, and that doctor finds them. The PAM files of
/// Debian's i3lock and swaylock include that of login.
#[test]
fn screen_locker_is_refused_as_not_root_and_found() {
    let m = machine("");
    m.shipped_pam("login").pam("swaylock", "auth include login\n");
    let call = m.pamtester("swaylock", "ada").as_user("ada");
    let ended = call.input(format!("{PASSWORD}\n{}\n", m.code("ada"))).output();
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!((ended.stdout + &ended.stderr).contains("does not run as root"), "{:?}", m.log());
    let logged = m.logged("reason=caller_not_root");
    assert!(logged.len() == 1 && logged[0].contains(" uid="), "{:?}", m.log());
    assert!(m.logged("reason=record_io").is_empty());
    let explained = m.run(["twinlock", "explain", "ada", "--service", "swaylock"]);
    assert!(explained.stdout.contains("caller_not_root"), "{explained:?}");
    let report = m.run(["twinlock", "doctor", "ssh"]).stdout;
    assert!(report.contains("swaylock does not run as root"), "{report}");
    m.settings("[[rule]]\nservice = \"swaylock\"\naction = \"exempt\"\n");
    let report = m.run(["twinlock", "doctor", "ssh"]).stdout;
    assert!(!report.contains("swaylock does not run as root"), "{report}");
    let call = m.pamtester("swaylock", "ada").as_user("ada");
    assert!(m.logged("event=exempt").is_empty());
    call.input(format!("{PASSWORD}\n")).output();
    assert_eq!(m.logged("event=exempt").len(), 1, "{:?}", m.log());
}
