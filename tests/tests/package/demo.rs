//! Tests `xtask demo` at a terminal: what Ctrl-C ends at each prompt, and what is left afterwards.

use twinlock_tests::{Machine, PASSWORD, Session, chores, codes_shown, key_shown, now};

const CODE: &str = "Verification code";
const MENU: &str = "so does ^C here";
const AGAIN: &str = "Not enrolled. Enter: once more.";
/// Script that the user runs: it starts the demo and says whether the terminal has the same settings afterwards. The
/// shell itself survives Ctrl-C.
const TYPED: &str = "trap : INT
before=$(stty -g)
xtask demo-built /usr/lib/x86_64-linux-gnu/security/pam_twinlock.so /usr/bin/twinlock
echo \"ended $?\"
[ \"$before\" = \"$(stty -g)\" ] && echo terminal as before";

/// The account that starts the demo.
#[derive(Clone, Copy, Debug)]
enum Who {
    Root,
    SudoUser,
}

const BOTH: [Who; 2] = [Who::Root, Who::SudoUser];

fn machine() -> Machine {
    let m = Machine::new();
    m.files().user("bob").password("bob", PASSWORD);
    m.file("/etc/sudoers.d/bob").write("bob ALL=(ALL:ALL) NOPASSWD: ALL\n").mode(0o440);
    let copy = m.call(["sh", "-c", "cat >/usr/bin/xtask && chmod 755 /usr/bin/xtask"]);
    copy.input(chores()).output().ok();
    m
}

fn started(m: &Machine, who: Who) -> Session<'_> {
    let call = m.call(["sh", "-c", TYPED]).without_a_login();
    match who {
        Who::Root => call.open(),
        Who::SudoUser => call.as_user("bob").open(),
    }
}

/// Returns a session of the demo at ssh's prompt for a code.
fn at_the_code(m: &Machine, who: Who) -> Session<'_> {
    let mut s = started(m, who);
    enroll(&mut s);
    s.expect(CODE).expect(": ");
    s
}

fn enroll(s: &mut Session<'_>) {
    s.expect("now shown in the app: ");
    let app = key_shown(&s.transcript()).expect("a key is shown");
    s.send_line(&app.at(now())).expect("that you have them: ");
    let codes = codes_shown(&s.transcript());
    let last = codes.last().and_then(|code| code.rsplit('-').next()).expect("backup codes");
    s.send_line(last).expect("is enrolled");
}

/// Waits until the newest program with this name reads its terminal. ssh and sudo notice an interrupt only when their
/// read ends.
fn until_it_reads(m: &Machine, program: &str) {
    let look = format!("until grep -qs '^0 ' /proc/$(pgrep -nx {program})/syscall; do :; done");
    m.run(["sh", "-c", &look]).ok();
}

/// Waits until no process of the demo runs. Checks that the machine's mounts are again `mounts`, the text of
/// /proc/1/mounts from before the demo.
fn nothing_is_left(m: &Machine, mounts: &str) {
    for name in ["xtask", "sshd", "ssh", "unshare"] {
        m.run(["pidwait", "--exact", name]);
    }
    let mut left = m.processes();
    left.retain(|(_, args)| !args.contains("ps -e") && !args.contains("<defunct>"));
    assert_eq!(left, []);
    assert_eq!(m.file("/proc/1/mounts").read(), mounts);
}

/// Returns the PID of `xtask demo`.
fn demo(m: &Machine) -> u32 {
    let all = m.processes();
    let found = all.iter().find(|(_, args)| {
        args.contains("demo-inside")
            && !args.starts_with("unshare")
            && !args.contains("xtask demo-built")
    });
    found.unwrap_or_else(|| panic!("no demo among {all:#?}")).0
}

#[test]
fn interrupt_ends_the_program_in_front_alone() {
    for who in BOTH {
        let m = machine();
        let mounts = m.file("/proc/1/mounts").read();
        let mut s = started(&m, who);
        s.expect("now shown in the app: ")
            .send("\x03")
            .expect(AGAIN)
            .expect("demo. ")
            .send_line("");
        enroll(&mut s);
        for _ in 0..3 {
            s.expect(CODE).expect(": ");
            until_it_reads(&m, "ssh");
            s.send("\x03").expect(MENU).expect("> ").send_line("");
        }
        s.expect(CODE).expect(": ").send_line("").expect("Permission denied").expect(MENU);
        s.expect("> ").send_line("w").expect("ada is enrolled").expect("> ");
        s.send("\x03").expect("The demo has ended").expect("ended 0").expect("terminal as before");
        assert!(!s.transcript().contains("Connection refused"), "{who:?}: {}", s.transcript());
        s.exit_code();
        nothing_is_left(&m, &mounts);
    }
}

#[test]
fn interrupt_at_each_question_of_the_demo_ends_it() {
    for who in BOTH {
        let m = machine();
        let mounts = m.file("/proc/1/mounts").read();
        let mut s = started(&m, who);
        s.expect("now shown in the app: ").send("\x03").expect(AGAIN).expect("demo. ").send("\x03");
        s.expect("The demo has ended").expect("ended 0").expect("terminal as before");
        s.exit_code();
        nothing_is_left(&m, &mounts);
    }
}

#[test]
fn two_interrupts_at_once_end_in_order() {
    for who in BOTH {
        let m = machine();
        let mounts = m.file("/proc/1/mounts").read();
        let mut s = at_the_code(&m, who);
        until_it_reads(&m, "ssh");
        // The second Ctrl-C arrives between two programs, or at the menu.
        s.send("\x03\x03").expect(MENU).expect("> ").send("\x03");
        s.expect("The demo has ended").expect("ended 0").expect("terminal as before");
        s.exit_code();
        nothing_is_left(&m, &mounts);
    }
}

#[test]
fn terminated_or_hung_up_it_clears_up() {
    for who in BOTH {
        for (signal, status) in [("TERM", "ended 143"), ("HUP", "ended 129")] {
            let m = machine();
            let mounts = m.file("/proc/1/mounts").read();
            // This prompt hides its input, so the demo is ended while the terminal does not echo.
            let mut s = at_the_code(&m, who);
            m.signal(signal, demo(&m));
            s.expect(status).expect("terminal as before");
            s.exit_code();
            nothing_is_left(&m, &mounts);
        }
    }
}

#[test]
fn closed_terminal_or_kill_leaves_nothing() {
    for who in BOTH {
        for end in ["the shell", "the demo"] {
            let m = machine();
            let mounts = m.file("/proc/1/mounts").read();
            let mut s = at_the_code(&m, who);
            let shell =
                m.processes().into_iter().find(|(_, args)| args.starts_with("sh -c trap :"));
            let (shell, _) = shell.expect("the shell runs");
            // If its shell is killed, the terminal hangs up.
            m.signal("KILL", if end == "the shell" { shell } else { demo(&m) });
            s.exit_code();
            nothing_is_left(&m, &mounts);
        }
    }
}

#[test]
fn interrupt_at_the_password_of_sudo_starts_nothing() {
    let m = machine();
    let mounts = m.file("/proc/1/mounts").read();
    m.file("/etc/sudoers.d/bob").write("bob ALL=(ALL:ALL) ALL\n").mode(0o440);
    let mut s = started(&m, Who::SudoUser);
    s.expect("password for bob: ");
    until_it_reads(&m, "sudo");
    s.send("\x03").expect("ended ").expect("terminal as before");
    s.exit_code();
    assert!(!s.transcript().contains("app"), "{}", s.transcript());
    nothing_is_left(&m, &mounts);
}
