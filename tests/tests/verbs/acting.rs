//! Tests whose code a privileged command asks for: the code of the user who has logged in, whatever user id the
//! process has now.

use twinlock_tests::{Call, Finished, Machine, Otp, stock};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const KIM: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const RESET: &str = "twinlock reset ada --yes";

/// Creates a machine on which ada and kim are enrolled, bob is not, and kim and bob may use sudo.
fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("kim").user("bob");
    m.enrolled("ada", ADA).enrolled("kim", KIM);
    m.file("/etc/sudoers.d/all").write("ALL ALL=(ALL:ALL) NOPASSWD: ALL\n").mode(0o440);
    m
}

fn again(m: &Machine) {
    m.run(["twinlock", "remove", "ada", "--yes"]);
    m.run(["rm", "-rf", "/run/twinlock/users"]).ok();
    m.enrolled("ada", ADA);
}

fn words(m: &Machine, line: impl AsRef<str>) -> Call<'_> {
    m.call(["sh", "-c", line.as_ref()])
}

/// Returns the log line of a reset.
fn logged(m: &Machine) -> String {
    let lines = m.logged("event=reset ");
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].split_once("event=reset ").expect("the event").1.to_owned()
}

#[track_caller]
fn refused(done: &Finished, code: i32, said: &str) {
    assert_eq!(done.code, Some(code), "{done:?}");
    assert!(done.stderr.replace('\n', " ").contains(said), "{done:?}");
}

#[test]
fn sudo_and_chains_of_su_and_sudo_change_nobody() {
    for chain in [
        format!("sudo {RESET}"),
        format!("sudo su -c '{RESET}'"),
        format!("sudo setsid {RESET}"),
        format!("sudo env SUDO_USER=bob {RESET}"),
        format!("sudo env -u SUDO_UID {RESET}"),
    ] {
        let m = machine();
        let by = |user: &str, typed: String| {
            words(&m, &chain).as_user(user).logged_in(user).input(typed + "\n").output()
        };
        refused(&by("bob", m.code("kim")), 4, "bob has no second factor");
        refused(&by("kim", m.wrong_code("kim")), 1, "no correct code of your own was typed");
        by("kim", m.code("kim")).ok();
        assert_eq!(logged(&m), format!("user=ada own_code=given actor=uid:{}", m.uid("kim")));
        let status = m.run(["twinlock", "--json", "status", "ada"]);
        assert!(status.ok().contains("\"state\":\"pending\""), "{status:?}");
    }
}

#[test]
fn a_code_of_ones_own_is_spent_and_wrong_ones_are_throttled() {
    let m = machine();
    let by_kim = |typed: String| {
        let call = words(&m, format!("sudo {RESET}")).as_user("kim").logged_in("kim");
        call.input(typed).output()
    };
    let code = m.code("kim");
    by_kim(format!("{code}\n")).ok();
    let accepted = m.logged("event=accepted user=kim service=twinlock");
    assert!(accepted[0].contains(&format!("rhost=uid:{} first_factor=stack", m.uid("kim"))));
    m.run(["twinlock", "remove", "ada", "--yes"]);
    m.enrolled("ada", ADA);
    refused(&by_kim(format!("{code}\n")), 1, "That code was used already. Wait for the next");
    let wrong = m.wrong_code("kim");
    refused(&by_kim(format!("{wrong}\n{wrong}\n{wrong}\n")), 1, "no correct code");
    refused(&by_kim(format!("{wrong}\n{wrong}\n{wrong}\n")), 5, "you typed too many wrong codes");
    refused(&by_kim(m.code_in("kim", 1) + "\n"), 5, "Wait until then");
    let why = m.run(["twinlock", "why", "kim"]);
    assert!(why.ok().contains("twinlock") && why.ok().contains("wrong codes"), "{why:?}");
    assert!(m.run(["twinlock", "status", "ada"]).ok().starts_with("ada is enrolled"));
    m.run(["twinlock", "unlock", "kim"]).ok();
    by_kim(m.code_in("kim", 1) + "\n").ok();
}

#[test]
fn neither_a_bypass_nor_a_ticket_is_a_code_of_ones_own() {
    let m = machine();
    let given = m.run(["twinlock", "bypass", "kim", "--yes", "--reason", "test", "--json"]);
    let bypass = given.ok().split('"').nth(3).expect("the digits").to_owned();
    let call = words(&m, format!("sudo {RESET}")).as_user("kim").logged_in("kim");
    let done = call.input(format!("{bypass}\nABCD-EFGH-IJKL\n")).output();
    refused(&done, 1, "A bypass code or a ticket is not accepted here");
    assert!(m.file("/var/lib/twinlock/users/kim/record.2.toml").read().contains("uses = 1"));
}

#[test]
fn where_nobody_has_logged_in_it_takes_a_reason_that_is_logged() {
    let m = machine();
    // No user has logged in, as under systemd-run or in a container. The terminal may have any name, or be missing.
    let service = |line: &str| words(&m, line).without_a_login();
    refused(&service(RESET).output(), 4, "no user has logged in here");
    refused(&service(RESET).input(m.code("kim") + "\n").output(), 4, "no user has logged in here");
    let mut terminal = service(RESET).open();
    terminal.expect("no user has logged in here");
    assert_eq!(terminal.exit_code(), Some(4));
    let named = "touch /dev/console /dev/tty1; mount --bind $(tty) /dev/console; mount --bind $(tty) /dev/tty1";
    let mut terminal = service(&format!("{named}; {RESET} </dev/console")).open();
    terminal.expect("no user has logged in here");
    assert_eq!(terminal.exit_code(), Some(4));
    let done = service(&format!("{RESET} --break-glass 'phone of kim lost'")).output();
    done.ok();
    let line = logged(&m);
    assert_eq!(
        line,
        "user=ada break_glass=phone%20of%20kim%20lost own_code=break_glass actor=unset"
    );
    assert!(m.file("/var/lib/twinlock/users/ada/record.2.toml").read().contains("by = \"root\""));
}

#[test]
fn console_on_standard_input_is_no_console() {
    for (major, minor) in [("4", "1"), ("4", "64"), ("5", "1")] {
        let m = machine();
        m.run(["mknod", "/root/any-name", "c", major, minor]).ok();
        // Opened for writing only, which any root process can do without waiting for the serial line.
        let done = words(&m, format!("{RESET} 0>/root/any-name")).without_a_login().output();
        if done.stderr.contains("/root/any-name") {
            // This machine has no such device.
            continue;
        }
        refused(&done, 4, "no user has logged in here");
    }
}

#[test]
fn another_caller_of_sudo_puts_the_login_in_doubt() {
    for chain in [
        // A process without a login uid gives itself that of root or of an exempt robot.
        "echo 0 >/proc/self/loginuid; sudo RESET",
        "echo $(id -u robot) >/proc/self/loginuid; sudo RESET",
        "sudo RESET",
        "echo $(id -u kim) >/proc/self/loginuid; sudo -u bob sudo RESET",
        "echo $(id -u kim) >/proc/self/loginuid; sudo sh -c 'sudo RESET'",
        "echo $(id -u kim) >/proc/self/loginuid; sudo env SUDO_UID=0 RESET",
        "echo $(id -u kim) >/proc/self/loginuid; sudo env SUDO_UID=nobody RESET",
        "echo $(id -u kim) >/proc/self/loginuid; sudo env PKEXEC_UID=0 RESET",
        "echo $(id -u kim) >/proc/self/loginuid; sudo env DOAS_USER=bob RESET",
    ] {
        let m = machine();
        m.user("robot").settings("own_code_exempt = [\"robot\"]\n");
        let whose = if chain.contains("id -u kim") { "kim" } else { "bob" };
        let act = |glass: &str| {
            let line = chain.replace("RESET", &format!("{RESET}{glass}"));
            words(&m, line).as_user(whose).without_a_login().input(m.code("kim") + "\n").output()
        };
        refused(&act(""), 4, "the acting user is unknown");
        assert!(m.logged("event=reset ").is_empty(), "{chain}");
        act(" --break-glass lost").ok();
        let line = m.logged("event=reset ").remove(0);
        assert!(line.contains("break_glass=lost own_code=break_glass invoker="), "{line}");
        let alert = m.run(["ls", "/var/lib/twinlock/outbox"]);
        assert!(alert.ok().contains("root@break-glass."), "{chain}: {alert:?}");
        m.settings("require_own_code = false\n");
        again(&m);
        act("").ok();
    }
}

#[test]
fn session_of_another_user_puts_the_login_in_doubt() {
    let m = machine();
    let sessions = "/run/systemd/sessions";
    let line = |uid: u32, text: &str| {
        let file = format!("{sessions}/$(cat /proc/self/sessionid)");
        let write = format!("mkdir -p {sessions}; printf 'UID={uid}\\n{text}' >{file}");
        words(&m, format!("{write}; {RESET}")).logged_in("kim").input(m.code("kim") + "\n").output()
    };
    if m.call(["cat", "/proc/self/sessionid"]).logged_in("kim").output().stdout == "4294967295" {
        // This kernel has no audit sessions.
        return;
    }
    refused(&line(m.uid("bob"), "TTY=pts/0\\n"), 4, "the session belongs to another user");
    refused(&line(0, "TTY=tty1\\n"), 4, "the session belongs to another user");
    line(m.uid("kim"), "TTY=pts/0\\n").ok();
}

#[test]
fn root_by_a_key_is_asked_where_root_is_set_up() {
    let m = machine();
    m.key("root").pam("sshd", stock("sshd")).sshd("");
    let reset = || m.ssh("root").key().command(RESET.split(' ')).call();
    m.settings_alone("");
    refused(&reset().output(), 4, "Enroll yourself first: twinlock enroll root.");
    m.settings("");
    reset().output().ok();
    assert_eq!(logged(&m), "user=ada own_code=exempt actor=root");
    again(&m);
    m.settings_alone("");
    m.enrolled("root", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    refused(&reset().output(), 130, "stopped; nothing was changed");
    let otp: Otp = m.otp("root");
    reset().input(otp.in_steps(0) + "\n").output().ok();
    assert!(m.logged("event=reset ")[1].ends_with("own_code=given actor=root"));
}

#[test]
fn a_robot_that_is_exempt_is_not_asked_and_settings_may_ask_nobody() {
    let m = machine();
    m.settings("own_code_exempt = [\"bob\", \"root\"]\n");
    let by_bob = || words(&m, format!("sudo {RESET}")).as_user("bob").logged_in("bob").output();
    by_bob().ok();
    assert_eq!(logged(&m), format!("user=ada own_code=exempt actor=uid:{}", m.uid("bob")));
    again(&m);
    m.settings("own_code_exempt = [\"kim\"]\n");
    refused(&by_bob(), 4, "bob has no second factor");
    m.settings("require_own_code = false\n");
    by_bob().ok();
    assert!(m.logged("event=reset ")[1].contains("own_code=off actor=uid:"));
}

#[test]
fn what_can_be_refused_is_refused_before_a_code_is_spent() {
    let m = machine();
    let by_kim = |line: &str| {
        let call = words(&m, format!("sudo {line}")).as_user("kim").logged_in("kim");
        call.input(m.code("kim") + "\n").output()
    };
    m.file("/home/kim/there").write("");
    for (line, code) in [
        ("twinlock reset bob --yes", 3),
        ("twinlock reset nobo --yes", 3),
        ("twinlock remove bob --yes", 3),
        ("twinlock backup-codes ada --yes --save /home/kim/there", 3),
        ("twinlock show-key ada --yes --png /home/kim/there", 3),
        ("twinlock show-key ada --yes --png /home/kim/qr --authenticator none", 3),
        ("twinlock show-key ada --yes", 2),
        ("twinlock bypass ada --yes", 2),
        ("twinlock bypass bob --yes --reason x", 3),
    ] {
        let done = by_kim(line);
        assert_eq!(done.code, Some(code), "{line}: {done:?}");
    }
    by_kim(RESET).ok();
}

#[test]
fn backup_codes_of_ones_own_take_two_codes_and_are_confirmed() {
    let m = machine();
    let mut session = m.call(["twinlock", "backup-codes", "kim"]).logged_in("kim").open();
    session.expect("Your own code (kim): ").send_line("FEJT-QYCH-WGPV-SARM-XOKB");
    session.expect("A backup code is not accepted here").expect("(kim): ");
    session.send_line(&m.code("kim")).expect(": ").send_line(&m.code_in("kim", 1));
    session.expect("to show that you have them: ");
    let transcript = session.transcript();
    let is_code = |word: &&str| word.len() == 24 && word.matches('-').count() == 4;
    let last = transcript.split_whitespace().rfind(is_code).expect("codes");
    session.send_line(&last[20..]).expect("The old backup codes of kim no longer work.");
    assert_eq!(session.exit_code(), Some(0));
    let reset = words(&m, RESET).logged_in("kim").input(format!("{last}\n")).output();
    reset.ok();
    let piped = m.call(["twinlock", "backup-codes", "kim"]).logged_in("kim").output();
    refused(&piped, 2, "are shown only at a terminal");
}
