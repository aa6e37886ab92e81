//! Tests doctor on a running sshd, with real logins: files that sshd has not read, ports and groups of systemd, and
//! users whom sshd refuses.

use super::wirings::{
    ALL_RIGHT, K, KEY_ONLY, KEYS, NO_CODE, deciding, gets_in, report, verdict, wired,
};

/// Returns the text of the warnings about files that a running sshd has not read.
fn not_reloaded(m: &twinlock_tests::Machine) -> Vec<String> {
    let report = report(m).1;
    let findings = report["findings"].as_array().expect("findings").iter();
    let ours = findings.filter(|one| one["id"] == "not-reloaded");
    ours.map(|one| format!("{} {}", one["where"], one["what"])).collect()
}

#[test]
fn an_sshd_that_runs_with_older_files_is_named() {
    let m = wired("AuthenticationMethods publickey\n", K);
    verdict(&m, "open", Some("way-in key-alone"));
    assert_eq!(not_reloaded(&m), Vec::<String>::new());
    let file = "/etc/ssh/sshd_config.d/20-test.conf";
    m.file(file).write(format!("LoginGraceTime 300\nPermitRootLogin no\n{KEYS}"));
    // The changed files require a code, but the running sshd has not read them.
    verdict(&m, "closed", None);
    let found = not_reloaded(&m);
    assert!(found.len() == 1 && found[0].contains(file), "{found:?}");
    assert!(found[0].contains("has not read this file since it was changed"), "{found:?}");
    let sentence = |m: &twinlock_tests::Machine| {
        let report = report(m).1;
        report["verdict"].as_str().expect("a sentence").split(": every").next().map(str::to_owned)
    };
    assert_eq!(sentence(&m).as_deref(), Some("ssh: closed after a reload of sshd"));
    let host = m.run(["twinlock", "doctor"]).stdout;
    assert!(host.starts_with("host: closed after a reload of sshd: sshd asks"), "{host}");
    assert!(gets_in(&m, "ada", KEY_ONLY, 0));
    let before = m.file("/run/sshd.pid").read();
    m.signal("HUP", before.trim().parse().expect("a number"));
    let wait = "for i in $(seq 500); do grep -q . /run/sshd.pid 2>/dev/null && [ /run/sshd.pid -nt $0 ] && exit 0; sleep 0.02; done; exit 1";
    m.run(["sh", "-c", wait, file]).ok();
    assert_eq!(m.file("/run/sshd.pid").read(), before);
    assert_eq!(not_reloaded(&m), Vec::<String>::new());
    verdict(&m, "closed", None);
    assert_eq!(sentence(&m).as_deref(), Some("ssh: closed"));
    assert!(!gets_in(&m, "ada", KEY_ONLY, 0));
    assert!(gets_in(&m, "ada", ALL_RIGHT, 1));
    // If a file is removed, the warning names its folder.
    m.file("/etc/ssh/sshd_config.d/30-more.conf").write("# more\n").remove();
    assert!(not_reloaded(&m)[0].contains("/etc/ssh/sshd_config.d"), "{:?}", not_reloaded(&m));
}

#[test]
fn an_sshd_that_was_not_started_since_the_boot_is_judged() {
    const CODE: &str = "AuthenticationMethods publickey,keyboard-interactive\n";
    const KEY: &str = "AuthenticationMethods publickey\n";
    for (settings, expected) in [
        (CODE.to_owned(), "closed"),
        (KEY.to_owned(), "open"),
        (format!("{CODE}Match User ada\n{KEY}"), "open"),
        ("Nonsense yes\n".to_owned(), "locked_out"),
    ] {
        let m = wired("", K);
        m.stop_sshd();
        m.file("/etc/ssh/sshd_config.d/20-test.conf").write(format!(
            "KbdInteractiveAuthentication yes\nPasswordAuthentication no\n{settings}"
        ));
        // Only root may read it, as the copy of it that sshd reads.
        m.file("/etc/ssh/sshd_config.d/20-test.conf").mode(0o600);
        m.run(["sh", "-c", "rm -r /run/sshd"]).ok();
        let files = m.tree("/etc/ssh");
        verdict(&m, expected, None);
        let report = m.run(["twinlock", "doctor", "ssh"]).stdout;
        assert!(!report.contains("/tmp/twinlock-doctor"), "{report}");
        assert!(!m.file("/run/sshd").exists());
        assert_eq!(m.run(["ls", "-A", "/tmp"]).ok(), "");
        assert_eq!(m.tree("/etc/ssh"), files);
    }
}

#[test]
fn without_a_pid_file_a_reload_cannot_be_told() {
    let m = wired("AuthenticationMethods publickey\n", K);
    // The start time of a process is known only to the second.
    m.file("/etc/ssh/sshd_config.d/20-test.conf").append("# changed\n");
    m.file("/run/sshd.pid").write("1\n");
    let told = || not_reloaded(&m).iter().any(|one| one.contains("which cannot be told"));
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !told() {
        assert!(std::time::Instant::now() < end, "{:?}", not_reloaded(&m));
        m.file("/etc/ssh/sshd_config.d/20-test.conf").append("# changed\n");
    }
    assert!(gets_in(&m, "ada", KEY_ONLY, 0));
}

/// Python code that passes each connection to port 2222 to a new sshd, as systemd does.
const INETD: &str = "
import os, socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 2222))
s.listen()
if os.fork(): os._exit(0)
os.setsid()
null = os.open('/dev/null', os.O_RDWR)
for n in (0, 1, 2): os.dup2(null, n)
while True:
    c, _ = s.accept()
    if os.fork() == 0:
        for n in (0, 1): os.dup2(c.fileno(), n)
        os.execv('/usr/sbin/sshd', ['/usr/sbin/sshd', '-i'])
    c.close()
";

#[test]
fn a_port_of_a_socket_unit_is_asked_about() {
    let block = "Match LocalPort 2222\n  AuthenticationMethods publickey\nMatch all\n";
    let m = wired(&format!("{KEYS}{block}"), K);
    verdict(&m, "closed", None);
    m.run(["mkdir", "-p", "/etc/systemd/system/ssh.socket.d"]).ok();
    let drop_in = "[Socket]\nListenStream=127.0.0.1:2222\n";
    m.file("/etc/systemd/system/ssh.socket.d/port.conf").write(drop_in);
    verdict(&m, "open", Some("way-in match-without-code"));
    m.run(["python3", "-c", INETD]).ok();
    let ada = m.ssh("ada").key().option("Port=2222").option("BatchMode=yes");
    let ada = ada.option("StrictHostKeyChecking=no").command(["true"]).output();
    assert_eq!(ada.code, Some(0), "{ada:?}");
    assert!(!gets_in(&m, "ada", NO_CODE, 0));
}

#[test]
fn users_whom_sshd_does_not_let_in_are_no_way_in_and_not_locked_out() {
    let open = "Match User eve\n  AuthenticationMethods publickey\nMatch all\n";
    let shut = "Match User eve\n  PubkeyAuthentication no\nMatch all\n";
    for list in ["AllowUsers ada", "DenyUsers eve", "AllowGroups ada", "DenyGroups e*"] {
        for block in [open, shut] {
            let m = wired(&format!("{list}\n{KEYS}{block}"), K);
            verdict(&m, "closed", None);
            assert!(!gets_in(&m, "eve", ALL_RIGHT, 0), "{list}");
            assert!(gets_in(&m, "ada", ALL_RIGHT, 1), "{list}");
        }
    }
    // A list that refuses some users does not hide the ways in of the others.
    for list in ["AllowUsers eve", "DenyUsers ada", "AllowGroups e*", "AllowUsers eve@127.0.0.1"] {
        let m = wired(&format!("{list}\n{KEYS}{open}"), K);
        let report = verdict(&m, "open", Some("way-in match-without-code"));
        assert!(gets_in(&m, "eve", KEY_ONLY, 0), "{list}");
        let all = wired(&format!("{list}\nAuthenticationMethods publickey\n"), K);
        let heads = deciding(&self::report(&all).1);
        assert!(heads.contains(&"way-in key-alone".to_owned()), "{heads:?} {report:#}");
        assert!(gets_in(&all, "eve", KEY_ONLY, 0) && !gets_in(&all, "ada", KEY_ONLY, 0));
    }
}

#[test]
fn a_group_that_no_file_lists_may_have_any_member() {
    let block = "Match Group remote\n  AuthenticationMethods publickey\nMatch all\n";
    let m = wired(&format!("{KEYS}{block}"), K);
    let stock = "passwd: files\ngroup: files systemd\nshadow: files\nhosts: files\n";
    m.file("/etc/nsswitch.conf").write(stock);
    verdict(&m, "closed", None);
    assert!(!gets_in(&m, "eve", KEY_ONLY, 0));
    m.run(["mkdir", "-p", "/etc/userdb"]).ok();
    m.file("/etc/userdb/remote.group").write("{\"groupName\":\"remote\",\"gid\":7777}\n");
    m.file("/etc/userdb/7777.group").link_to("remote.group");
    m.run(["sed", "-i", r"s/^\(eve:x:[0-9]*\):[0-9]*/\1:7777/", "/etc/passwd"]).ok();
    assert_eq!(m.run(["id", "-gn", "eve"]).ok(), "remote\n");
    let report = verdict(&m, "open", Some("way-in match-without-code"));
    assert!(report.to_string().contains("in group remote"), "{report:#}");
    assert!(gets_in(&m, "eve", KEY_ONLY, 0));
    assert!(!gets_in(&m, "ada", KEY_ONLY, 0));
    // If not all groups of a user are known, a list of groups does not count as refusing the user.
    let block =
        "AllowGroups remote ada\nMatch User eve\n  AuthenticationMethods publickey\nMatch all\n";
    m.sshd(&format!("PermitRootLogin no\n{KEYS}{block}"));
    verdict(&m, "open", Some("way-in match-without-code"));
    assert!(gets_in(&m, "eve", KEY_ONLY, 0));
}

#[test]
fn split_and_negated_patterns_are_seen_from_a_matching_address() {
    for criteria in [
        "Address 0.0.0.0/1,128.0.0.0/1",
        "Address !10.0.0.0/8,*.*.*.*",
        "Address 127.0.0.?,!127.0.0.9",
        "User a?a,!eve",
        "User *,!root,!eve",
        "Group a*,!eve",
    ] {
        let block = format!("Match {criteria}\n  AuthenticationMethods publickey\nMatch all\n");
        let m = wired(&format!("{KEYS}{block}"), K);
        verdict(&m, "open", None);
        assert!(gets_in(&m, "ada", KEY_ONLY, 0), "{criteria}");
    }
    for criteria in
        ["Address !127.0.0.0/8", "User !ada", "Group !x", "Address 192.0.2.0/24 User nobody9"]
    {
        let block = format!("Match {criteria}\n  AuthenticationMethods publickey\nMatch all\n");
        let m = wired(&format!("{KEYS}{block}"), K);
        verdict(&m, "closed", None);
        assert!(!gets_in(&m, "ada", KEY_ONLY, 0), "{criteria}");
    }
}

/// Checks settings that a systemd unit gives sshd by its command line, in ways that administrators write them. The same
/// command line starts an sshd, over which the logins are tried.
#[test]
fn options_of_units_are_read_as_systemd_reads_them() {
    const OPEN: &str = "-o AuthenticationMethods=publickey";
    let unit =
        "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n";
    for drop_in in [
        format!("ExecStart=\nExecStart=/usr/sbin/sshd -D \\\n  {OPEN}\n"),
        format!("ExecStart=\nExecStart=/bin/sh -c 'exec /usr/sbin/sshd -D {OPEN}'\n"),
        format!("ExecStart=\nExecStart=/usr/bin/env sshd -D {OPEN}\n"),
        format!("Environment=\"SSHD_OPTS={OPEN}\"\n"),
        "EnvironmentFile=/etc/ssh/options\n".to_owned(),
    ] {
        let m = wired(KEYS, K);
        let units = "/etc/systemd/system";
        m.run(["mkdir", "-p", &format!("{units}/ssh.service.d")]).ok();
        // Debian's file sets the variable, and files win over lines `Environment`.
        m.run(["rm", "-f", "/etc/default/ssh"]).ok();
        m.file(&format!("{units}/ssh.service")).write(unit);
        verdict(&m, "closed", None);
        m.file("/etc/ssh/options").write(format!("SSHD_OPTS=\"{OPEN}\"\n"));
        m.file(&format!("{units}/ssh.service.d/open.conf")).write(format!("[Service]\n{drop_in}"));
        verdict(&m, "open", Some("way-in key-alone"));
        assert!(!gets_in(&m, "eve", KEY_ONLY, 0));
        m.stop_sshd();
        m.run(["/usr/sbin/sshd", "-o", "AuthenticationMethods=publickey"]).ok();
        let eve = m.ssh("eve").key().option("BatchMode=yes").option("ConnectionAttempts=20");
        assert_eq!(eve.command(["true"]).output().code, Some(0), "{drop_in}");
    }
}
