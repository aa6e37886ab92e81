//! Runs `twinlock deliver` while its mail program or its disk fails or its process is killed. Checks that no
//! notification is lost, and that none is sent more than twice.

use std::collections::BTreeMap;

use twinlock_tests::{Finished, Machine, Mail};

const OUTBOX: &str = "/var/lib/twinlock/outbox";
const PROGRAM: &str = "/opt/sendmail";
/// Script of a mail program that stores each mail in a separate file.
const KEEPS: &str = "f=$(mktemp /opt/mail/XXXXXX); cat >$f.part; rm $f; mv $f.part $f\n";

/// Creates a machine whose mail program is a shell script.
fn machine(script: &str) -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("bob");
    m.settings("mail_domain = \"example.org\"\nsendmail = \"/opt/sendmail\"\n");
    m.run(["mkdir", "-p", "/opt/mail"]).ok();
    program(&m, script);
    m
}

fn program(m: &Machine, script: &str) {
    // Written by a separate process, so that no child of this one has the file open: a file open for writing cannot be
    // executed.
    let write = format!("rm -f {PROGRAM}; cat >{PROGRAM}; chmod 755 {PROGRAM}");
    m.call(["sh", "-c", &write]).input(format!("#!/bin/sh\n{script}")).output().ok();
}

/// Adds a recent notification to the outbox, as a login does. `name` is its file name.
fn put(m: &Machine, name: &str) {
    let now = m.run(["date", "+%s"]).ok().trim().to_owned();
    m.file(&format!("{OUTBOX}/{name}")).link_to(&format!("{now} sshd 203.0.113.7 - 3"));
}

fn deliver(m: &Machine) -> Finished {
    m.run(["twinlock", "deliver", "--patience", "2"])
}

fn later(m: &Machine, seconds: i64) -> Finished {
    m.call(["twinlock", "deliver", "--patience", "2"]).clock(seconds).output()
}

fn names(m: &Machine, folder: &str) -> Vec<String> {
    let listed = m.run(["ls", &format!("{OUTBOX}/{folder}")]);
    listed.ok().lines().map(str::to_owned).collect()
}

/// Returns how often each mail was sent, by its Message-ID.
fn kept(m: &Machine) -> BTreeMap<String, usize> {
    let all = m.run([
        "sh",
        "-c",
        "cd /opt/mail && for f in *; do [ ! -f $f ] || { echo 'From x'; cat $f; }; done",
    ]);
    let mut counts = BTreeMap::new();
    for mail in Mail::all(all.ok()) {
        *counts.entry(mail.header("Message-ID").expect("a Message-ID").to_owned()).or_insert(0) +=
            1;
    }
    counts
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn without_the_program_nothing_is_tried_with_every_letter() {
    let m = machine(KEEPS);
    m.run(["rm", PROGRAM]).ok();
    put(&m, "ada@reset");
    put(&m, "bob@reset");
    let said = deliver(&m);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(said.stdout, "0 messages sent, 2 waiting.\n");
    assert_eq!(
        one_line(&said.stderr),
        "twinlock: no mail was sent: /opt/sendmail cannot be started (No such file or directory (os error 2)) \
         Install a mail server or a relay client (postfix, exim, msmtp-mta, nullmailer), or set sendmail in the \
         settings to a program that accepts mail."
    );
    assert_eq!(m.logged("event=mail_failed").len(), 1);
    program(&m, KEEPS);
    assert_eq!(deliver(&m).ok(), "1 message sent, 1 waiting.\n");
    assert_eq!(later(&m, 901).ok(), "1 message sent.\n");
    assert_eq!(kept(&m).len(), 2);
}

#[test]
fn a_slow_program_is_ended_with_all_that_it_started() {
    let m = machine("trap '' TERM; sleep 7654 & sleep 7655\n");
    for name in ["ada@reset", "bob@reset", "ada@guessed", "bob@guessed"] {
        put(&m, name);
    }
    let said = deliver(&m);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.stdout, "0 messages sent, 4 waiting.\n");
    let what = "/opt/sendmail did not end within 2 s, and was killed";
    assert!(one_line(&said.stderr).contains(what), "{said:?}");
    assert_eq!(m.logged("event=mail_failed").len(), 3, "the others wait for a better time");
    let gone = || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        !m.processes().iter().any(|(_, args)| args.contains("sleep 765"))
    };
    assert!((0..50).any(|_| gone()), "{:?}", m.processes());
    program(&m, KEEPS);
    later(&m, 901).ok();
    assert_eq!(kept(&m).len(), 4);
}

#[test]
fn a_failing_program_is_quoted_and_tried_again_later_and_later() {
    let m = machine("yes noise | head -c 20000000 >&2; exit 75\n");
    let begun = std::time::Instant::now();
    put(&m, "ada@reset");
    let said = deliver(&m);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), "0 messages sent, 1 waiting.\n"));
    let what =
        "twinlock: no mail was sent: /opt/sendmail did not accept the mail (status 75: noise)";
    assert!(one_line(&said.stderr).starts_with(what), "{said:?}");
    program(&m, "echo '550 \u{1b}[2Jno such user' >&2; kill -9 $$\n");
    // The time that has passed since the first attempt is subtracted: on a busy machine it exceeds the margin of this
    // test.
    let passed = i64::try_from(begun.elapsed().as_secs()).expect("a short time");
    let said = later(&m, 898 - passed);
    assert_eq!(said.ok(), "0 messages sent, 1 waiting.\n");
    let said = later(&m, 902);
    assert!(one_line(&said.stderr).contains("(signal 9: 550 \\u{1b}[2Jno such user)"), "{said:?}");
    let tries = |m: &Machine| names(m, "waiting")[0].split('@').nth(2).map(str::to_owned);
    assert!(tries(&m).is_some_and(|tries| tries.starts_with("2.0.")), "{:?}", tries(&m));
    assert_eq!(later(&m, 2000).ok(), "0 messages sent, 1 waiting.\n");
    let given_up = later(&m, 5 * 86_400);
    assert_eq!(given_up.stdout, "0 messages sent, 1 given up (see outbox/dead).\n");
    assert_eq!(m.logged("event=mail_given_up user=ada kind=reset").len(), 1);
    let [dead] = &names(&m, "dead")[..] else { panic!("{:?}", names(&m, "dead")) };
    program(&m, KEEPS);
    m.run(["mv", &format!("{OUTBOX}/dead/{dead}"), &format!("{OUTBOX}/ada@reset")]).ok();
    assert_eq!(deliver(&m).ok(), "1 message sent.\n");
    assert_eq!(kept(&m).len(), 1);
}

#[test]
fn the_program_gets_a_clean_environment_and_no_address_as_an_argument() {
    let m = machine(
        "{ env; echo \"args=$*\"; pwd; ulimit -c; ls -l /proc/self/fd; } >/opt/seen; cat >/opt/text\n",
    );
    put(&m, "ada@reset");
    let call =
        m.call(["twinlock", "deliver"]).env("SECRET", "hunter2").env("MAILCONF", "/tmp/evil");
    call.env("LD_LIBRARY_PATH", "/tmp").first("exec 7</etc/shadow").output().ok();
    let seen = m.file("/opt/seen").read();
    let lines: Vec<&str> = seen.lines().filter(|line| !line.starts_with("_=")).collect();
    for line in ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "args=-t -i", "/"] {
        assert!(lines.contains(&line), "{seen}");
    }
    assert!(!seen.contains("hunter2") && !seen.contains("evil") && !seen.contains("LD_"), "{seen}");
    let mail = Mail::read(&m.file("/opt/text").read());
    assert_eq!(mail.header("To"), Some("<ada@example.org>"));
}

#[test]
fn of_eight_at_once_one_sends_each() {
    let m = machine(KEEPS);
    for round in 0..5 {
        m.run(["sh", "-c", "rm -f /opt/mail/*"]).ok();
        m.run(["sh", "-c", &format!("rm -f {OUTBOX}/sent/*")]).ok();
        for user in ["ada", "bob"] {
            for kind in ["reset", "guessed", "key-changed", "key-shown", "set-up-done"] {
                put(&m, &format!("{user}@{kind}"));
            }
        }
        let eight = "for i in 1 2 3 4 5 6 7 8; do twinlock deliver & done; wait";
        m.run(["sh", "-c", eight]).ok();
        let kept = kept(&m);
        assert_eq!(kept.len(), 10, "{round}: {kept:?}");
        assert!(kept.values().all(|count| *count == 1), "{round}: {kept:?}");
        assert!(names(&m, "waiting").is_empty());
    }
}

#[test]
fn killed_at_any_call_no_letter_is_lost_and_none_goes_out_thrice() {
    let m = machine(KEEPS);
    let calls = [
        "renameat2",
        "symlinkat",
        "unlinkat",
        "fsync",
        "readlinkat",
        "clone3",
        "wait4",
        "sendto",
        "mkdirat",
    ];
    let mut round = 0_i64;
    for call in calls {
        for nth in 1..40 {
            round += 1;
            m.run(["sh", "-c", &format!("rm -rf /opt/mail/* {OUTBOX}/sent/*")]).ok();
            put(&m, "ada@reset");
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let command = m.call(["twinlock", "deliver", "--patience", "2"]);
            // strace detaches at execve, so the fault affects only the command, not the mail program.
            let cut = command.strace("/dev/null", &["-b", "execve", "-e", &inject]).output();
            for after in [0, 100, 200] {
                later(&m, after);
            }
            let kept = kept(&m);
            let count = kept.values().next().copied().unwrap_or_default();
            assert!(kept.len() == 1 && (1..=2).contains(&count), "{inject}: {kept:?}");
            assert_eq!(m.run(["ls", OUTBOX]).ok(), "dead\nsent\nwaiting\n", "{inject}");
            let left = [names(&m, "waiting"), names(&m, "dead")];
            assert!(left.iter().all(Vec::is_empty), "{inject}: {left:?}");
            if cut.code == Some(0) {
                break;
            }
        }
    }
    assert!(round > 20, "{round}");
}

#[test]
fn killed_while_the_program_runs_a_letter_goes_out_once_more_and_is_kept_then() {
    let m = machine(&format!("{KEEPS}sleep 1\nkill -9 $PPID\n"));
    put(&m, "ada@reset");
    for after in [0, 100, 200, 300, 400] {
        later(&m, after);
    }
    assert_eq!(kept(&m).values().copied().collect::<Vec<_>>(), [2]);
    assert_eq!(names(&m, "dead").len(), 1);
}

#[test]
fn a_failing_disk_is_said_and_nothing_is_lost() {
    let m = machine(KEEPS);
    for (call, error) in [
        ("renameat2", "ENOSPC"),
        ("renameat2", "EROFS"),
        ("symlinkat", "ENOSPC"),
        ("unlinkat", "EROFS"),
        ("unlinkat", "EIO"),
        ("fsync", "EIO"),
        ("getdents64", "EIO"),
    ] {
        for nth in 1..12 {
            m.run(["sh", "-c", &format!("rm -f /opt/mail/* {OUTBOX}/sent/*")]).ok();
            put(&m, "ada@reset");
            let inject = format!("inject={call}:error={error}:when={nth}");
            let command = m.call(["twinlock", "deliver", "--patience", "2"]);
            let cut = command.strace("/dev/null", &["-b", "execve", "-e", &inject]).output();
            assert!(cut.code == Some(0) || cut.code == Some(6), "{inject}: {cut:?}");
            let told = cut.stderr.contains("(record");
            assert_eq!(told, cut.code == Some(6), "{inject}: {cut:?}");
            for after in [0, 100, 200] {
                later(&m, after);
            }
            let kept = kept(&m);
            let count = kept.values().next().copied().unwrap_or_default();
            assert!(kept.len() == 1 && (1..=2).contains(&count), "{inject}: {kept:?}");
        }
    }
}

#[test]
fn on_a_read_only_disk_letters_wait_and_that_is_said() {
    let m = machine(KEEPS);
    put(&m, "ada@reset");
    deliver(&m).ok();
    put(&m, "bob@reset");
    let own = "cp -a /var/lib/twinlock /opt/store; mount -t tmpfs -o mode=0700 own /var/lib/twinlock; \
               cp -a /opt/store/. /var/lib/twinlock; mount -o remount,ro /var/lib/twinlock";
    m.run(["sh", "-c", own]).ok();
    for _ in 0..2 {
        let done = deliver(&m);
        assert_eq!(done.code, Some(6), "{done:?}");
        assert!(one_line(&done.stderr).contains("unsent mail stays queued"), "{done:?}");
        assert!(kept(&m).len() == 1 && m.run(["ls", OUTBOX]).ok().contains("bob@reset"));
    }
    m.run(["mount", "-o", "remount,rw", "/var/lib/twinlock"]).ok();
    assert_eq!(deliver(&m).ok(), "1 message sent.\n");
    assert_eq!(kept(&m).values().copied().collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn on_a_full_disk_letters_still_go() {
    let m = machine(KEEPS);
    let full = format!(
        "cp -a /var/lib/twinlock /opt/store; mount -t tmpfs -o size=1m,nr_inodes=200,mode=0700 full /var/lib/twinlock; \
         cp -a /opt/store/. /var/lib/twinlock; ln -s '1800000000 sshd 203.0.113.7 - 3' {OUTBOX}/ada@reset; \
         twinlock deliver >/dev/null 2>&1; ln -s '1800000000 sshd 203.0.113.7 - 3' {OUTBOX}/bob@reset; \
         head -c 9m /dev/zero >/var/lib/twinlock/fill 2>/dev/null; \
         i=0; while ln -s x /var/lib/twinlock/fill.$i 2>/dev/null; do i=$((i + 1)); done; ! touch /var/lib/twinlock/x 2>/dev/null"
    );
    m.run(["sh", "-c", &full]).ok();
    assert_eq!(deliver(&m).ok(), "1 message sent.\n");
    assert_eq!(kept(&m).len(), 2);
    assert!(names(&m, "waiting").is_empty());
}
