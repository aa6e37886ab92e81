//! Checks that before a first factor, unknown, barred, not enrolled, throttled, exempt and enrolled users cannot be
//! told apart by prompts, texts, system calls or work.

use twinlock_tests::{Finished, Machine};

const AHEAD: &str =
    "auth required pam_twinlock.so first_factor=follows\naccount required pam_permit.so\n";
const DECOY: &str =
    "auth required pam_twinlock.so first_factor=failed\naccount required pam_permit.so\n";
const RULE: &str = "[[rule]]\nuser = \"exo\"\naction = \"exempt\"\n";
/// One user of each kind: enrolled, unknown, not enrolled, exempt.
const EACH: [&str; 4] = ["ada", "nix", "bob", "exo"];
/// The answers: a wrong code, eight digits, a password, and the text that sshd sends for barred accounts.
const ANSWERS: [&str; 4] = ["000000", "00000000", "hunter2", "\u{8}\r\u{7f}INCORRECT"];
/// Numbers of wrong codes on record before an attempt. With the second number, every user is throttled.
const ON_FILE: [usize; 2] = [2, 5];
/// The source address of all attempts.
const FROM: &str = "rhost=192.0.2.1";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().app_only("ada").user("bob").user("exo").settings(RULE);
    m.pam("ahead", AHEAD).pam("decoy", DECOY);
    let all = m.file("/etc/passwd").read();
    let few = all.lines().filter(|line| EACH.iter().any(|name| line.starts_with(name)));
    let root = "root:x:0:0:root:/root:/bin/sh".to_owned();
    let lines: Vec<_> = std::iter::once(root).chain(few.map(str::to_owned)).collect();
    m.file("/etc/passwd").write(lines.join("\n") + "\n");
    // Makes several attempts, so that the effects of a user's first attempt are not measured.
    for name in EACH {
        ask(&m, "ahead", name, "000000\n000000\n000000\n000000\n000000\n000000");
        ask(&m, "ahead", name, "000000\n000000\n000000\n000000\n000000\n000000");
    }
    m
}

/// Moves the line of a user to the end of /etc/passwd, so that the look-up costs the same for each user. The cost of
/// the look-up itself discloses no secret.
fn stand_last(m: &Machine, name: &str) {
    let all = m.file("/etc/passwd").read();
    let is_it = |line: &&str| line.split(':').next() == Some(name);
    let (own, others): (Vec<_>, Vec<_>) = all.lines().partition(is_it);
    m.file("/etc/passwd").write([others, own].concat().join("\n") + "\n");
}

/// Calls the module once for the user `name`, always from the same address and without libpam's delay. `lines` has one
/// answer on each line.
fn ask(m: &Machine, service: &str, name: &str, lines: &str) -> Finished {
    let quick = ["--seccomp-bpf", "-qq", "-e", "trace=select,pselect6"];
    let skip = ["-e", "inject=select,pselect6:retval=0"];
    let call = m.pamtester_as(&["-I", FROM], service, name).input(format!("{lines}\n"));
    call.strace("/dev/null", &[&quick[..], &skip[..]].concat()).output()
}

/// Leaves exactly `on_file` wrong codes in the ledger for each user who has any. All of them get the current time,
/// because a delay after an older code may be over. The number must be equal, because it affects the work of the
/// module.
fn keep(m: &Machine, on_file: usize) {
    let script = r#"
        rm -f /var/lib/twinlock/users/*/failed.* /var/lib/twinlock/nobody/failed.*
        for d in /run/twinlock/users/* /run/twinlock/unknown/*; do
            cd $d
            rm -f refused.* row.[1-9]*
            set -- try.*
            [ -L $1 ] || continue
            rm try.*
            rest=${1#try.*.*.}
            for slot in $(seq 0 $last); do ln -s $(date +%s) ${1%$rest}$slot.${rest#*.}; done
        done
    "#;
    let last = (on_file - 1).to_string();
    m.call(["sh", "-c", script]).env("last", &last).output().ok();
}

/// Returns what a user sees who types the same answer three times. The error messages differ for exempt users, so they
/// are made equal.
fn seen(m: &Machine, service: &str, name: &str, answer: &str) -> String {
    let said = ask(m, service, name, &[answer; 3].join("\n"));
    assert_eq!(said.code, Some(1));
    said.stdout + &said.stderr.replace("Permission denied", "Authentication failure")
}

#[test]
fn everybody_sees_the_same() {
    let m = machine();
    let ways = ["000000", "hunter2", "?\n1\n000000", "?\n2\nABCD", ""];
    let ahead = ways.map(|answer| ("ahead", answer, 2));
    let decoy = ways.map(|answer| ("decoy", answer, 2));
    let barred = ("ahead", ANSWERS[3], 2);
    for (service, answer, on_file) in
        [&ahead[..], &decoy[..], &[barred, ("ahead", "000000", 5)]].concat()
    {
        let each = EACH.map(|name| {
            keep(&m, on_file);
            seen(&m, service, name, answer)
        });
        assert!(each[0].contains("Verification code"), "{each:?}");
        let same = each.iter().all(|seen| *seen == each[0]);
        assert!(same, "{service} {answer}: {each:#?}");
    }
}

/// Returns the names of the system calls of a login, from the first access to the records on. A name that occurs
/// several times in a row is returned once.
fn calls(m: &Machine, name: &str, answer: &str) -> Vec<String> {
    let call = m.pamtester_as(&["-I", FROM], "ahead", name).input(format!("{answer}\n\n"));
    call.strace("/tmp/trace", &["-e", "inject=select,pselect6:retval=0"]).output();
    let trace = m.trace("/tmp/trace").between("/var/lib/twinlock", "NETLINK_AUDIT");
    let mut names: Vec<String> = trace.names().into_iter().map(str::to_owned).collect();
    names.dedup();
    names
}

#[test]
fn the_same_calls_are_made_for_everybody() {
    let m = machine();
    for answer in ANSWERS {
        let each: Vec<_> =
            ON_FILE.iter().flat_map(|on_file| EACH.map(|name| (*on_file, name))).collect();
        let made: Vec<_> = each
            .iter()
            .map(|(on_file, name)| {
                keep(&m, *on_file);
                calls(&m, name, answer)
            })
            .collect();
        assert!(made[0].len() > 20, "{made:?}");
        for (calls, who) in made.iter().zip(&each) {
            assert_eq!(calls, &made[0], "{who:?} {answer}");
        }
    }
}

/// Fills half of the ledger, and then so much that only the part for logins with a proven first factor is free. Checks
/// that in both cases a wrong code causes the same system calls for all users.
#[test]
fn the_same_calls_are_made_in_a_scarce_ledger() {
    let m = machine();
    let full = "mount -o remount,nr_inodes=2000 /run/twinlock; cd /run/twinlock; \
                while [ $(df --output=iused . | tail -1) -lt $least ]; do \
                for i in $(seq 50); do : >fill.$(date +%s%N); done; done";
    for least in ["1010", "1510"] {
        m.call(["sh", "-c", full]).env("least", least).output().ok();
        ask(&m, "ahead", "ada", "000000");
        for on_file in ON_FILE {
            let each = EACH.map(|name| {
                keep(&m, on_file);
                calls(&m, name, "000000")
            });
            assert!(each[0].len() > 20, "{each:?}");
            assert!(each.iter().all(|calls| *calls == each[0]), "{least} {on_file}: {each:#?}");
            let texts = EACH.map(|name| {
                keep(&m, on_file);
                seen(&m, "ahead", name, "000000")
            });
            assert!(texts.iter().all(|text| *text == texts[0]), "{least} {on_file}: {texts:#?}");
        }
    }
    assert!(!m.logged("reason=ledger_reserved").is_empty(), "{:?}", m.log());
}

/// Checks that the removal of expired attempts, of which each new attempt removes a few, causes the same system calls
/// for every user.
#[test]
fn expired_tries_go_by_the_same_calls() {
    let m = machine();
    m.epoch(1500, 0);
    let old = "at=$(($(date +%s) - 86500)); for d in /run/twinlock/users/* /run/twinlock/unknown/*; do \
               cd $d; set -- try.*; [ -L $1 ] || continue; \
               for i in $(seq 20); do ln -s $at try.unproven.20000.$i.192.0.2.9; done; done";
    let unlinked = |with_old: bool| {
        EACH.map(|name| {
            m.run(["sh", "-c", "rm -f /run/twinlock/*/*/try.unproven.20000.*"]).ok();
            keep(&m, 2);
            if with_old {
                m.run(["sh", "-c", old]).ok();
            }
            let call = m.pamtester_as(&["-I", FROM], "ahead", name).input("000000\n\n");
            call.strace("/tmp/trace", &["-e", "inject=select,pselect6:retval=0"]).output();
            let trace = m.trace("/tmp/trace").between("/var/lib/twinlock", "NETLINK_AUDIT");
            let mut names: Vec<String> = trace.names().into_iter().map(str::to_owned).collect();
            names.dedup();
            let lines = trace.mentioning("try.unproven.20000");
            (names, lines.iter().filter(|line| line.contains("unlinkat(")).count())
        })
    };
    let (without, with) = (unlinked(false), unlinked(true));
    for each in [&without, &with] {
        assert!(each.iter().all(|(names, _)| *names == each[0].0), "{each:#?}");
    }
    assert!(without.iter().all(|(_, removed)| *removed == 0), "{without:#?}");
    assert!(with.iter().all(|(_, removed)| *removed == 8), "{with:#?}");
}

#[test]
fn the_same_work_is_done_for_everybody() {
    let m = machine();
    let mut host = m.counted_host("ahead", &[]);
    // The first login resolves the symbols of libpam and the host, which takes instructions once.
    host.counted("nix", "");
    let usual = ["000000", "hunter2"].map(|answer| ON_FILE.map(|on_file| (on_file, answer)));
    for (on_file, answer) in usual.into_iter().flatten() {
        let mut work = [u64::MAX; EACH.len()];
        // Measured again if the counts differ: on a busy host, libpam repeats its requests to the audit system.
        for _ in 0..3 {
            for (least, name) in work.iter_mut().zip(EACH) {
                stand_last(&m, name);
                keep(&m, on_file);
                *least = host.counted(name, answer).1.min(*least);
            }
            if is_even(work) {
                break;
            }
        }
        assert!(is_even(work), "{on_file} {answer}: {EACH:?} {work:?}");
    }
}

/// Returns whether all counts differ by at most two percent.
fn is_even(work: [u64; EACH.len()]) -> bool {
    let (least, most) = (work.iter().min(), work.iter().max());
    least.zip(most).is_some_and(|(least, most)| most - least <= most / 50)
}

/// Checks the module after a failed first factor, where it asks only as a decoy: the text of an accepted code causes
/// the same system calls as any other text, however often a program repeats it.
#[test]
fn decoy_tells_accepted_text_from_none() {
    let m = machine();
    let code = m.code("ada");
    let call = m.pamtester_as(&["-I", FROM], "ahead", "ada").input(format!("{code}\n"));
    m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/try.*"]).ok();
    assert_eq!(call.output().code, Some(0), "{:?}", m.log());
    let calls = |name: &str, answer: &str| {
        let call = m.pamtester_as(&["-I", FROM], "decoy", name).input(format!("{answer}\n"));
        call.strace("/tmp/trace", &["-e", "inject=select,pselect6:retval=0"]).output();
        let mut names: Vec<String> = m
            .trace("/tmp/trace")
            .between("pam.d/decoy", "NETLINK_AUDIT")
            .names()
            .into_iter()
            .map(str::to_owned)
            .collect();
        names.dedup();
        names
    };
    let state = m.state();
    let first = calls("nix", "000000");
    assert!(first.len() > 5, "{first:?}");
    for name in EACH {
        for answer in [code.as_str(), &code, "000000", "hunter2"] {
            assert_eq!(calls(name, answer), first, "{name} {answer}");
        }
    }
    assert_eq!(m.state(), state, "nothing is written");
}

/// Checks that before a first factor, the text of an accepted code causes the same system calls as a wrong code, except
/// those by which the attempt is no longer counted.
#[test]
fn repeated_text_makes_the_calls_of_a_guess() {
    let m = machine();
    let code = m.code("ada");
    m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/try.*"]).ok();
    let call = m.pamtester_as(&["-I", FROM], "ahead", "ada").input(format!("{code}\n"));
    assert_eq!(call.output().code, Some(0), "{:?}", m.log());
    let without_unlink = |answer: &str| {
        keep(&m, 2);
        let names = calls(&m, "ada", answer).into_iter().filter(|name| name != "unlinkat");
        let mut names: Vec<_> = names.collect();
        names.dedup();
        names
    };
    let (repeated, guessed) = (without_unlink(&code), without_unlink("000000"));
    assert_eq!(repeated, guessed);
    assert!(m.logged("reason=replayed").len() == 1, "{:?}", m.log());
}
