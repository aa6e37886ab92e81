//! Tests doctor on new files that are not yet in force. doctor judges them as if they were in force, and reads them
//! with the rights of the user who called sudo.

use serde_json::Value;
use twinlock_tests::{Finished, Machine};

use super::wirings::{
    B, K, KEY_ONLY, KEYS, NO_CODE, NO_KEY, PASSWORD_ONLY, PROMPTS, REST, deciding, gets_in, wired,
};

/// Text of files that only root can read.
const SECRET: &str = "correct-horse-battery";
const HOME: &str = "/home/eve";

fn status(done: &Finished) -> (Option<i32>, String, Vec<String>) {
    let report: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
    let heads = if report["findings"].is_array() { deciding(&report) } else { Vec::new() };
    (done.code, report["status"].as_str().unwrap_or_default().to_owned(), heads)
}

/// Runs doctor on files three times: as root, as eve by sudo, and as eve. Sudo lets eve run only `twinlock doctor` as
/// root.
fn judged(m: &Machine, words: &str) -> [Finished; 3] {
    let words = format!("twinlock doctor ssh --json {words}");
    let by_sudo = format!("sudo {words}");
    let eve = |words: &str| m.call(words.split(' ')).as_user("eve").logged_in("eve").output();
    [m.run(words.split(' ')), eve(&by_sudo), eve(&words)]
}

/// Checks that all three runs of [`judged`] give the verdict `expected` and, unless `head` is `None`, the finding
/// `head`.
#[track_caller]
fn verdict(m: &Machine, words: &str, expected: &str, head: Option<&str>) {
    let code = if expected == "closed" { 0 } else { 7 };
    for done in judged(m, words) {
        let (found, status, heads) = status(&done);
        assert_eq!((found, status.as_str()), (Some(code), expected), "{words}: {done:?}");
        assert!(head.is_none_or(|head| heads.iter().any(|one| one == head)), "{heads:?}");
    }
}

fn machine(settings: &str, auth: &str) -> Machine {
    let m = wired(settings, auth);
    let rule = "eve ALL=(root) NOPASSWD: /usr/bin/twinlock doctor *\n";
    m.file("/etc/sudoers.d/eve").write(rule).mode(0o440);
    m.run(["mkdir", "-p", "/root/tree/etc/pam.d", "/root/tree/etc/ssh"]).ok();
    for path in ["/root/secret", "/root/tree/etc/pam.d/sshd"] {
        m.file(path).write(format!("auth required {SECRET}\n")).mode(0o600);
    }
    m
}

fn of_eve(m: &Machine, name: &str, text: &str) -> String {
    let path = format!("{HOME}/{name}");
    m.file(&path).write(text).owner(m.uid("eve"));
    path
}

#[test]
fn candidates_are_judged_before_they_are_in_force() {
    let m = machine(KEYS, K);
    let pam = of_eve(&m, "open.pam", &format!("auth required pam_permit.so\n{REST}"));
    let sshd = of_eve(
        &m,
        "open.conf",
        "UsePAM yes\nPermitRootLogin no\nAuthenticationMethods publickey\n",
    );
    verdict(&m, &format!("--pam {pam}"), "open", Some("way-in not-wired"));
    verdict(&m, &format!("--sshd-config {sshd}"), "open", Some("way-in key-alone"));
    // The files are not in force yet.
    assert_eq!(m.run(["twinlock", "doctor", "ssh"]).code, Some(0));
    assert!(!gets_in(&m, "ada", NO_CODE, 0));
    // Once a file is in force, the users whom the report names can log in.
    m.run(["cp", &sshd, "/etc/ssh/sshd_config.d/05-x.conf"]).ok();
    m.sshd("");
    assert!(gets_in(&m, "ada", KEY_ONLY, 0));

    let m = machine(KEYS, K);
    let pam = of_eve(&m, "closed.pam", &format!("{B}{REST}"));
    let sshd = of_eve(&m, "closed.conf", &format!("UsePAM yes\nPermitRootLogin no\n{PROMPTS}"));
    verdict(&m, &format!("--pam {pam} --sshd-config {sshd}"), "closed", None);
    m.run(["cp", &pam, "/etc/pam.d/sshd"]).ok();
    m.file("/etc/ssh/sshd_config.d/05-x.conf").write(m.file(&sshd).read());
    m.sshd("");
    assert!(!gets_in(&m, "ada", PASSWORD_ONLY, 0));
    assert!(gets_in(&m, "ada", NO_KEY, 1));
}

/// Writes the files of another host into a folder of eve. The group files and the drop-in exist only on that host.
fn tree(m: &Machine, drop_in: &str) {
    let folders = "pam.d ssh/sshd_config.d twinlock default systemd/system";
    let make = format!(
        "cd {HOME}; for x in {folders}; do mkdir -p tree/etc/$x; done; mkdir -p tree/usr/sbin tree/usr/local/sbin tree/usr/bin tree/bin"
    );
    m.run(["sh", "-c", &make]).ok();
    let write = |path: &str, text: &str| {
        m.file(&format!("{HOME}/tree/{path}")).write(text);
    };
    write("etc/pam.d/sshd", &format!("{K}@include common-account\n"));
    write("etc/pam.d/common-account", "account required pam_unix.so\n");
    write("etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n");
    write("etc/ssh/sshd_config.d/10-x.conf", drop_in);
    write("etc/passwd", "root:x:0:0::/root:/bin/sh\nup:x:1000:7::/home/up:/bin/sh\n");
    write("etc/group", "files:x:7:\n");
    write("etc/twinlock/twinlock.toml", "window = 1\n");
    m.run(["chown", "-R", "eve:", HOME]).ok();
}

#[test]
fn a_tree_is_judged_by_its_own_files() {
    // The drop-ins of the host itself are open, and must not affect the verdict on the tree.
    let m = machine("AuthenticationMethods publickey\n", "auth required pam_permit.so\n");
    let settings = format!("PermitRootLogin no\nLoginGraceTime 300\n{KEYS}");
    tree(&m, &settings);
    let words = format!("--root {HOME}/tree");
    verdict(&m, &words, "closed", None);
    let block = "Match Group files\n  AuthenticationMethods publickey\nMatch all\n";
    tree(&m, &format!("{settings}{block}"));
    verdict(&m, &words, "open", Some("way-in match-without-code"));
    // Without the tree's /etc/passwd, any account may exist.
    m.file(&format!("{HOME}/tree/etc/passwd")).remove();
    verdict(&m, &words, "open", Some("way-in match-without-code"));
    tree(&m, &settings);
    for (text, head) in [
        ("not_enrolled = \"allow\"\n", "way-in not-enrolled-allowed"),
        ("windwo = 1\n", "lock-out settings-refuse"),
    ] {
        of_eve(&m, "tree/etc/twinlock/twinlock.toml", text);
        let expected = if head.starts_with("way-in") { "open" } else { "locked_out" };
        verdict(&m, &words, expected, Some(head));
    }
    tree(&m, &settings);
    of_eve(&m, "tree/etc/default/ssh", "SSHD_OPTS=-oAuthenticationMethods=publickey\n");
    verdict(&m, &words, "open", Some("way-in key-alone"));
}

#[test]
fn a_rule_for_doctor_alone_reads_nothing_for_its_user() {
    let m = machine(KEYS, K);
    let quotes = |done: &Finished| {
        let said = format!("{}{}", done.stdout, done.stderr);
        said.contains(SECRET) || said.contains("root:") || said.contains(":19000:")
    };
    let pam = |name: &str, text: &str| format!("--pam {}", of_eve(&m, name, text));
    let sshd = |name: &str, text: &str| format!("--sshd-config {}", of_eve(&m, name, text));
    let each = [
        pam("1", &format!("@include ../../etc/shadow\n{REST}")),
        pam("2", "@include /root/secret\n"),
        pam("3", "auth include /etc/shadow\n"),
        sshd("4", "Include /etc/shadow\n"),
        sshd("5", "Match all\nInclude /root/secret\n"),
        sshd("6", "Include /root/*\n"),
        sshd("7", "Include \"/etc/shadow\"\n"),
        sshd("8", "\"Include\" /etc/shadow\n"),
        sshd("9", "HostKey /etc/shadow\nBanner /etc/shadow\n"),
        "--pam /etc/shadow".to_owned(),
        "--sshd-config /etc/shadow".to_owned(),
        "--root /root/tree".to_owned(),
        "--sshd-says /root".to_owned(),
        pam(
            "10",
            &format!(
                "auth required pam_twinlock.so first_factor=publickey config=/etc/shadow\n{REST}"
            ),
        ),
    ];
    for words in &each {
        let [_, by_sudo, _] = judged(&m, words);
        assert!(!quotes(&by_sudo), "{words}: {by_sudo:?}");
        assert_ne!(by_sudo.code, Some(101), "{by_sudo:?}");
    }
    m.file("/root/T").write(format!("{SECRET} yes\n"));
    m.file("/root/t").write(SECRET);
    let [_, by_sudo, _] = judged(&m, "--sshd-says /root");
    assert!(!quotes(&by_sudo), "{by_sudo:?}");
    // Links that lead out of a tree are resolved inside it, and programs of the tree are not run.
    tree(&m, &format!("PermitRootLogin no\n{KEYS}"));
    let run = "#!/bin/sh\nid >/tmp/ran\n";
    for path in ["usr/sbin/sshd", "usr/local/sbin/sshd", "usr/bin/ssh-keygen", "bin/sh"] {
        m.file(&of_eve(&m, &format!("tree/{path}"), run)).mode(0o755);
    }
    let unit = "[Service]\nExecStart=/usr/sbin/sshd -D -f /etc/shadow -o Banner=/etc/shadow\n";
    of_eve(&m, "tree/etc/systemd/system/ssh.service", unit);
    for target in ["/etc/shadow", "/root/secret", "/dev/zero", "/proc/self/environ"] {
        m.file(&format!("{HOME}/tree/etc/pam.d/sshd")).remove();
        m.file(&format!("{HOME}/tree/etc/pam.d/sshd")).link_to(target);
        let [root, by_sudo, _] = judged(&m, &format!("--root {HOME}/tree"));
        assert!(!quotes(&by_sudo) && !quotes(&root), "{target}: {by_sudo:?} {root:?}");
    }
    assert!(!m.file("/tmp/ran").exists());
    let left = m.run(["sh", "-c", "ls /tmp"]);
    assert!(!left.stdout.contains("twinlock-doctor"), "{}", left.stdout);
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let m = machine(KEYS, K);
    m.run(["mkfifo", &format!("{HOME}/fifo")]).ok();
    m.run(["chown", "eve:", &format!("{HOME}/fifo")]).ok();
    m.run(["truncate", "-s", "2G", &format!("{HOME}/endless")]).ok();
    for name in
        ["/none", "/dev/zero", "/dev/tty", "/home/eve", "/home/eve/fifo", "/home/eve/endless"]
    {
        for option in ["--pam", "--sshd-config"] {
            for done in judged(&m, &format!("{option} {name}")) {
                assert_eq!(done.code, Some(2), "{option} {name}: {done:?}");
                assert!(done.stdout.contains("cannot be read"), "{done:?}");
            }
        }
    }
    for name in ["/none", "/etc/passwd", "/dev/zero"] {
        for done in judged(&m, &format!("--root {name}")) {
            assert_eq!(done.code, Some(2), "{name}: {done:?}");
        }
    }
    for include in ["/dev/zero", "/home/eve/fifo", "/home/eve/endless"] {
        let sshd = of_eve(&m, "c.conf", &format!("Include {include}\n"));
        let pam = of_eve(&m, "c.pam", &format!("@include {include}\n"));
        for words in [format!("--sshd-config {sshd}"), format!("--pam {pam}")] {
            for done in judged(&m, &words) {
                assert_eq!(done.code, Some(8), "{words}: {done:?}");
            }
        }
    }
    let text = format!("UsePAM yes\nPermitRootLogin no\n{KEYS}");
    let piped = "sudo twinlock doctor ssh --sshd-config /dev/stdin";
    let done = m.call(piped.split(' ')).as_user("eve").logged_in("eve").input(&text).output();
    assert!(done.ok().starts_with("ssh: closed"), "{done:?}");
    let said = "note: /etc/ssh/sshd_config (candidate)\n  /dev/stdin was read in its place.";
    assert!(done.stdout.contains(said), "{done:?}");
}

#[test]
fn a_mistake_is_named_where_it_is_written() {
    let m = machine(KEYS, K);
    let path = of_eve(&m, "bad.conf", "UsePAM yes\nInclude /home/eve/more.conf\n");
    of_eve(&m, "more.conf", "# x\nPermitRotLogin no\n");
    for done in judged(&m, &format!("--sshd-config {path}")) {
        let (code, status, heads) = status(&done);
        assert_eq!((code, status.as_str()), (Some(7), "locked_out"), "{done:?}");
        assert!(heads.contains(&"lock-out sshd-refuses".to_owned()), "{heads:?}");
        assert!(
            done.stdout.contains("/home/eve/more.conf: line 2: Bad configuration option"),
            "{done:?}"
        );
    }
}

/// Starts a doctor that does not end, because its sshd waits. Each running doctor keeps one key in a folder in /tmp;
/// `before` is the path of the key that an earlier doctor has left. Waits until there is only one key and it is not
/// `before`. Returns the process id of the new doctor and the path of its key.
fn begun(m: &Machine, pam: &str, before: &str) -> [String; 2] {
    let script = format!(
        "twinlock doctor ssh --pam {pam} --sshd-config /etc/ssh/sshd_config >/dev/null 2>&1 &
         for i in $(seq 500); do
             set -- /tmp/twinlock-doctor.*/key
             [ $# = 1 ] && [ -e $1 ] && [ $1 != '{before}' ] && echo $! $1 && exit
             sleep 0.05
         done"
    );
    let said = m.run(["sh", "-c", &script]);
    let mut words = said.ok().split_whitespace().map(str::to_owned);
    [(); 2].map(|()| words.next().expect("a process and its key"))
}

/// A doctor that is killed leaves copies of files in /tmp. Checks that the next doctor removes them, but not the
/// copies of a doctor that still runs or of another user.
#[test]
fn copies_of_a_killed_doctor_are_removed() {
    let m = machine(KEYS, K);
    let pam = of_eve(&m, "open.pam", K);
    m.file("/tmp/twinlock-doctor.eve").make_folder().owner(m.uid("eve"));
    m.run(["mv", "/usr/sbin/sshd", "/usr/sbin/sshd.real"]).ok();
    m.file("/usr/sbin/sshd").write("#!/bin/sh\nexec sleep 300\n").mode(0o755);
    let [killed, left] = begun(&m, &pam, "");
    m.run(["kill", "-KILL", &killed]).ok();
    assert!(m.file(&left).exists());
    let [running, key] = begun(&m, &pam, &left);
    assert!(!m.file(&left).exists() && m.file(&key).exists());
    m.run(["mv", "/usr/sbin/sshd.real", "/usr/sbin/sshd"]).ok();
    let judge = || m.run(["twinlock", "doctor", "ssh", "--pam", &pam]).code;
    assert_eq!(judge(), Some(0));
    assert!(m.file(&key).exists());
    m.run(["kill", "-KILL", &running]).ok();
    assert_eq!(judge(), Some(0));
    assert_eq!(m.run(["ls", "/tmp"]).stdout.matches("twinlock-doctor").count(), 1);
}
