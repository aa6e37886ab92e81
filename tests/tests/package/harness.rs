//! Tests the private machine of these tests itself (`twinlock_tests::Machine`), with PAM modules that Debian ships.

use std::path::Path;
use std::process::Command;

use twinlock_tests::{Machine, Otp, Session, stock};

const PASSWORD: &str = "correct horse";
const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const ASKS: &str = "KbdInteractiveAuthentication yes\nPasswordAuthentication no\n";

fn machine() -> Machine {
    let m = Machine::new();
    m.user("ada").password("ada", PASSWORD);
    m
}

fn with_google_authenticator(m: &Machine) {
    let secret = "/home/ada/.google_authenticator";
    m.file(secret).write(format!("{KEY}\n\" TOTP_AUTH\n")).mode(0o400).owner(m.uid("ada"));
    m.app("ada", &Otp::new(KEY));
    let first = stock("sshd").replace(
        "@include common-auth\n",
        "@include common-auth\nauth required pam_google_authenticator.so\n",
    );
    m.pam("sshd", &first);
}

#[test]
fn a_password_logs_in_through_sshd() {
    let m = machine();
    m.sshd(ASKS);
    let mut s = m.ssh("ada").open();
    s.expect("Password: ").send_line(PASSWORD);
    assert_eq!(s.logged_in_as().as_deref(), Some("ada"));
    assert_eq!(m.logged("Accepted keyboard-interactive/pam for ada").len(), 1);
}

#[test]
fn a_wrong_password_does_not() {
    let m = machine();
    m.sshd(ASKS);
    let mut s = m.ssh("ada").open();
    s.expect("Password: ").send_line("wrong");
    assert!(!s.logged_in());
    assert_eq!(s.exit_code(), Some(255));
    assert_eq!(m.logged("Accepted").len(), 0);
}

#[test]
fn a_key_logs_in_and_a_stranger_s_key_does_not() {
    let m = machine();
    m.key("ada").user("bob").key("bob").sshd("");
    assert!(m.ssh("ada").key().open().logged_in());
    let stranger = m.ssh("ada").key_of("bob").option("BatchMode=yes").output();
    assert_eq!(stranger.code, Some(255), "{stranger:?}");
    let with_key = m.ssh("ada").key().command(["id", "-un"]).output();
    assert_eq!(with_key.ok(), "ada\n");
}

#[test]
fn a_second_factor_is_asked_for_and_judged() {
    let m = machine();
    with_google_authenticator(&m);
    m.sshd(ASKS);
    let mut s = m.ssh("ada").open();
    s.expect("Password: ").send_line(PASSWORD);
    s.expect("Verification code: ").send_line(&m.wrong_code("ada"));
    assert!(!s.logged_in());
    let mut s = m.ssh("ada").open();
    s.expect("Password: ").send_line(PASSWORD);
    s.expect("Verification code: ").send_line(&m.code("ada"));
    assert!(s.logged_in());
}

#[test]
fn oath_accepts_a_code_of_oathtool_once() {
    let m = machine();
    let hex = "48656c6c6f21deadbeef48656c6c6f21deadbeef";
    m.file("/etc/users.oath").write(format!("HOTP/T30 ada - {hex}\n")).mode(0o600);
    let stack = "auth requisite pam_oath.so usersfile=/etc/users.oath window=2 digits=6\n";
    m.pam("probe", stack).app("ada", &Otp::new(KEY));
    let code = m.code("ada");
    let login = || m.pamtester("probe", "ada").input(format!("{code}\n")).output();
    assert_eq!(login().code, Some(0), "{:?}", login());
    assert_eq!(login().code, Some(1));
}

#[test]
fn sudo_su_and_login_ask_on_a_terminal() {
    let m = machine();
    m.sudoer("ada").user("bob").password("bob", "staple");
    let mut sudo = m.sudo("ada").open();
    sudo.expect("password for ada").send_line(PASSWORD);
    assert_eq!(sudo.logged_in_as().as_deref(), Some("root"));
    let mut su = m.su("ada", "bob").open();
    su.expect("Password: ").send_line("staple");
    assert_eq!(su.logged_in_as().as_deref(), Some("bob"));
    let mut login = m.login("ada").open();
    login.expect("Password: ").send_line(PASSWORD);
    assert_eq!(login.logged_in_as().as_deref(), Some("ada"));
}

#[test]
fn two_machines_at_once_do_not_meet() {
    let (one, other) = (machine(), machine());
    one.sshd(ASKS);
    other.sshd(ASKS);
    one.file("/etc/only-here").write("x");
    assert!(!other.file("/etc/only-here").exists());
    let mut sessions = [one.ssh("ada").open(), other.ssh("ada").open()];
    for s in &mut sessions {
        s.expect("Password: ");
    }
    for s in &mut sessions {
        assert!(s.send_line(PASSWORD).logged_in());
    }
    assert_eq!(one.logged("Accepted").len(), 1);
    assert_eq!(other.logged("Accepted").len(), 1);
}

#[test]
fn what_is_written_stays_inside_and_ends_with_the_machine() {
    let m = machine();
    let path = "/usr/bin/twinlock-tests-was-here";
    m.file(path).write("x");
    m.run(["touch", "/tmp/twinlock-tests-was-here", "/etc/twinlock-tests-was-here"]).ok();
    assert!(m.file(path).exists());
    let name = format!("sleep {}", std::process::id() + 100_000);
    m.run(["sh", "-c", &format!("exec >/dev/null 2>&1; setsid {name} &")]).ok();
    m.sshd(ASKS);
    assert!(m.processes().iter().any(|(_, args)| *args == name));
    assert!(on_this_host(&name));
    drop(m);
    assert!(!on_this_host(&name));
    for path in ["/usr/bin", "/tmp", "/etc"] {
        assert!(!Path::new(path).join("twinlock-tests-was-here").exists());
    }
}

fn on_this_host(args: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("/proc");
    processes.flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).collect::<Vec<_>>().join(&b' ').starts_with(args.as_bytes())
    })
}

#[test]
fn a_listing_tells_a_rewritten_file() {
    let m = machine();
    let list = "/etc/security/of-the-test";
    m.file(list).make_folder();
    let file = "/etc/security/of-the-test/record";
    m.file(file).write("same");
    let before = m.tree(list);
    assert_eq!(before.lines().count(), 2, "{before}");
    assert_eq!(m.tree(list), before);
    m.file(file).write("same");
    assert_ne!(m.tree(list), before);
}

#[test]
fn links_lead_within_the_machine() {
    let m = machine();
    m.file("/etc/way").link_to("/run/goal");
    m.file("/etc/way").write("inside");
    assert_eq!(m.file("/run/goal").read(), "inside");
    assert_eq!(m.file("/etc/way").target(), "/run/goal");
    assert!(!Path::new("/run/goal").exists());
}

#[test]
fn the_log_is_kept_missing_or_deaf() {
    let m = machine();
    m.run(["logger", "--id=1", "-t", "probe", "heard"]).ok();
    assert_eq!(m.logged("heard").len(), 1, "{:?}", m.log());
    m.deaf_log_daemon();
    assert!(m.file("/dev/log").exists());
    assert_eq!(m.log(), Vec::<String>::new());
    m.no_log_daemon();
    assert!(!m.file("/dev/log").exists());
    m.log_daemon().run(["logger", "-t", "probe", "heard again"]).ok();
    assert_eq!(m.logged("heard again").len(), 1);
}

#[test]
fn clocks_limits_and_faults_reach_a_command() {
    let m = machine();
    let real: i64 = m.run(["date", "+%s"]).ok().trim().parse().expect("seconds");
    let off = m.call(["date", "+%s"]).clock(-86_400).output();
    let off: i64 = off.ok().trim().parse().expect("seconds");
    assert!((off - (real - 86_400)).abs() < 3_600);
    let limits =
        m.call(["sh", "-c", "umask; ulimit -f"]).as_user("ada").first("umask 0777; ulimit -f 0");
    assert_eq!(limits.output().ok(), "0777\n0\n");
    let fault =
        m.call(["mkdir", "/tmp/x"]).strace("/tmp/trace", &["-e", "inject=mkdir:error=ENOSPC"]);
    assert!(fault.output().stderr.contains("No space left on device"));
    assert!(m.file("/tmp/trace").read().contains("ENOSPC"));
}

#[test]
fn sshd_may_live_at_another_time() {
    let m = machine();
    with_google_authenticator(&m);
    m.sshd_with_clock(ASKS, 86_400);
    let mut s = m.ssh("ada").open();
    s.expect("Password: ").send_line(PASSWORD);
    let tomorrow = twinlock_tests::now() + 86_400;
    s.expect("Verification code: ").send_line(&m.otp("ada").at(tomorrow));
    assert!(s.logged_in(), "{}", s.transcript());
}

#[test]
fn a_setuid_program_stays_setuid_under_strace() {
    let m = machine();
    m.user("bob").password("bob", "staple");
    let mut su = m.su("ada", "bob").strace("/tmp/trace", &["-e", "trace=execve"]).open();
    su.expect("Password: ").send_line("staple");
    assert_eq!(su.logged_in_as().as_deref(), Some("bob"));
}

#[test]
fn system_calls_are_counted_between_two_of_them() {
    let m = machine();
    let script = "cd /usr; mkdir /tmp/one; mkdir /tmp/two; cd /etc; mkdir /tmp/three";
    m.call(["sh", "-c", script]).strace("/tmp/trace", &[]).output().ok();
    let all = m.trace("/tmp/trace");
    assert_eq!(all.count("mkdir"), 3, "{all:#?}");
    let some = all.between("chdir(\"/usr\")", "chdir(\"/etc\")");
    assert_eq!(some.count("mkdir"), 2, "{some:#?}");
    assert_eq!(some.mentioning("three"), Vec::<&str>::new());
}

#[test]
fn many_are_let_go_at_one_instant() {
    let m = machine();
    m.pam("probe", "auth required pam_unix.so\n");
    let at_the_prompt = |answer: &str| -> (Session<'_>, String) {
        let mut session = m.pamtester("probe", "ada").open();
        session.expect("Password: ");
        (session, answer.to_owned())
    };
    let mut all: Vec<_> = (0..8).map(|_| at_the_prompt(PASSWORD)).collect();
    all.push(at_the_prompt("wrong"));
    m.at_once("pamtester", &mut all);
    let codes: Vec<_> = all.iter_mut().map(|(session, _)| session.exit_code()).collect();
    assert_eq!(codes[..8], [Some(0); 8]);
    assert_eq!(codes[8], Some(1));
}

#[test]
fn a_command_that_a_signal_ends_says_so() {
    let m = machine();
    assert_eq!(m.run(["sh", "-c", "kill -KILL $$"]).code, Some(128 + 9));
    let mut s = m.call(["sleep", "infinity"]).open();
    while m.pids("sleep").is_empty() {}
    m.signal("KILL", m.pids("sleep")[0]);
    assert_eq!(s.exit_code(), Some(128 + 9));
}

#[test]
fn a_stopped_program_goes_on_when_it_is_woken() {
    let m = machine();
    m.user("bob").password("bob", "staple");
    let mut su = m.su("ada", "bob").open();
    su.expect("Password: ");
    let pids = m.pids("su");
    m.run_as("ada", ["kill", "-STOP", &pids[0].to_string()]).ok();
    let stopped = || m.run(["ps", "-o", "stat=", &pids[0].to_string()]).ok().starts_with('T');
    // The kernel stops su when su next runs; the test runner ends a test that waits forever.
    while !stopped() {}
    m.signal("CONT", pids[0]);
    assert!(su.send_line("staple").logged_in());
}

/// Script that prints what a command finds in a machine: limits, terminal, accounts, variables and ignored signals.
/// The output must not depend on the user who runs these tests.
const FOUND: &str = "cat /etc/hostname; umask; ulimit -S -n; (: </dev/tty) 2>/dev/null || echo no terminal; \
    date +%Z; command -v pivot_root; grep -c -v -e nologin$ -e /bash$ -e /sync$ /etc/passwd; \
    env | cut -d= -f1 | sort | xargs; sed -n 's/^SigIgn:.*\\(........\\)$/\\1/p' /proc/self/status";

#[test]
fn nothing_of_the_caller_reaches_a_machine() {
    let m = Machine::new();
    let found = m.run(["sh", "-c", FOUND]);
    let usual = "twinbox\n0022\n1024\nno terminal\nUTC\n/usr/sbin/pivot_root\n0\n\
        HOME LANG LOGNAME PATH PWD SHELL TERM USER\n";
    let signals = found.stdout.strip_prefix(usual).unwrap_or_else(|| panic!("{found:?}"));
    // Signal 32 is libc's own, which cannot be set.
    let ignored = u32::from_str_radix(signals.trim(), 16).expect("a mask") & 0x7fff_ffff;
    assert_eq!(ignored, 0, "{found:?}");
}

/// Runs the test `nothing_of_the_caller_reaches_a_machine` in a new process. `before` is a shell command in which
/// `TEST` stands for the command line of the test. Returns whether the test succeeded, and its output.
fn again(before: &str) -> (bool, String) {
    let this = std::env::current_exe().expect("this program");
    let test =
        format!("{} --exact harness::nothing_of_the_caller_reaches_a_machine", this.display());
    let output = Command::new("sh")
        .args(["-c", &before.replace("TEST", &test)])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output();
    let output = output.expect("a shell");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_machine_is_the_same_for_every_caller() {
    for before in [
        "PATH=/usr/bin:/bin TEST",
        "umask 077; TEST",
        "ulimit -c 0; ulimit -S -n 200; TEST",
        "trap '' HUP INT QUIT PIPE; TEST",
        "script --quiet --return --command 'TEST' /dev/null </dev/null",
        "env -i PATH=/bin TEST",
        "LANG=sv_SE.UTF-8 LC_ALL=sv_SE.UTF-8 LANGUAGE=sv TZ=Asia/Tokyo TERM=dumb HOME=/nonexistent TEST",
        "TEST <&- >/tmp/harness.$$ 2>&1; code=$?; cat /tmp/harness.$$; rm /tmp/harness.$$; exit $code",
        "unshare --mount TEST",
        "unshare --mount --pid --fork --mount-proc TEST",
        "unshare --mount sh -c 'echo x:x:0:0::/:/bin/zsh >/run/twinlock-passwd.$$; cat /etc/passwd >>/run/twinlock-passwd.$$; \
            mount --bind /run/twinlock-passwd.$$ /etc/passwd; rm /run/twinlock-passwd.$$; TEST'",
    ] {
        let (passed, said) = again(before);
        assert!(passed && said.contains("1 passed"), "{before}: {said}");
    }
}

#[test]
fn no_machine_is_made_in_a_chroot() {
    let mount = "mount --rbind / /mnt && exec chroot /mnt TEST";
    for before in [
        format!("unshare --mount sh -c '{mount}'"),
        format!("unshare --mount --pid --fork --mount-proc sh -c '{mount}'"),
        "unshare --mount sh -c 'mount -t tmpfs none /mnt && mkdir /mnt/in && mount --rbind / /mnt/in && \
            exec chroot /mnt/in TEST'"
            .to_owned(),
    ] {
        let (passed, said) = again(&before);
        assert!(!passed && said.contains("this is a chroot"), "{before}: {said}");
    }
}

#[test]
fn no_machine_is_made_where_namespaces_are_forbidden() {
    for (missing, told) in [
        ("sys_admin", "does not let root enter a mount namespace"),
        ("sys_chroot", "does not let root enter a mount namespace"),
        ("mknod", "does not let root make device nodes"),
    ] {
        let (passed, said) =
            again(&format!("setpriv --bounding-set -{missing} --inh-caps -{missing} TEST"));
        assert!(!passed && said.contains(told), "{missing}: {said}");
    }
}
