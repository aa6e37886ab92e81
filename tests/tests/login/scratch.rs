//! Tests imported backup codes: each works once, on any service, and a damaged file with codes locks out no other
//! user.

use std::thread;

use twinlock_tests::{First, LOGGED_IN, Machine, PROMPT, Scratch, Server, Session, codes_shown};

const IN: &str = "successfully authenticated";
const CODES: [&str; 3] = Scratch::CODES;

fn machine() -> Machine {
    let m = Machine::new();
    m.bare().app_only("ada").scratch("ada", Scratch::FEW);
    m
}

fn sh(m: &Machine, script: &str) {
    m.run(["sh", "-euc", script]).ok();
}

/// Returns whether the single answer `code` logs ada in.
fn gets_in(m: &Machine, code: &str) -> bool {
    m.asked("ada", &format!("{code}\n")).code == Some(0)
}

/// Clears all attempts and used codes of the ledger, and the failures next to the records.
fn forget(m: &Machine) {
    sh(m, "rm -rf /run/twinlock/users /var/lib/twinlock/users/*/failed.*");
}

#[test]
fn a_scratch_code_gets_in_by_sshd_and_su_once() {
    let m = Machine::new();
    m.twinlock().person("ada").scratch("ada", Scratch::FEW).server(Server::Publickey).proven("su");
    let mut s = m.at_the_prompt("ada", First::Key);
    s.send_line("1234-5678");
    assert_eq!(s.logged_in_as().as_deref(), Some("ada"), "{}", s.transcript());
    assert!(s.transcript().contains("You have 2 backup codes left."), "{}", s.transcript());
    let mut su = m.su("ada", "ada").open();
    su.expect(PROMPT).send_line(CODES[0]).expect("was used already");
    su.expect(PROMPT).send_line(CODES[1]).expect(LOGGED_IN);
    let accepted = m.logged("event=accepted");
    for (line, left) in accepted.iter().zip([2, 1]) {
        assert!(line.ends_with(&format!("authenticator=scratch_code codes_left={left}")), "{line}");
    }
    assert_eq!((accepted.len(), m.spent("ada")), (2, 2));
    let secrets = [CODES[0], CODES[1], "1234-5678"];
    assert!(secrets.iter().all(|code| m.logged(code).is_empty()), "{:?}", m.log());
}

#[test]
fn a_code_with_one_digit_changed_is_refused_at_each_position() {
    let m = machine();
    for place in 0..8 {
        let mut code = CODES[0].to_owned();
        let digit = (code.as_bytes()[place] - b'0' + 1) % 10;
        code.replace_range(place..=place, &digit.to_string());
        forget(&m);
        assert!(!gets_in(&m, &code), "{code}");
        assert_eq!(m.tries("ada"), 1, "{code}: {}", m.state());
    }
    assert_eq!(m.logged("reason=wrong_code").len(), 8);
    assert!(gets_in(&m, CODES[0]));
}

#[test]
fn guesses_are_counted_and_then_not_even_hashed() {
    let m = machine();
    let trace = || {
        m.asking("ada", &format!("{}\n", Scratch::WRONG), &["-e", "trace=all"]).output();
        m.trace("/tmp/trace").mentioning("/codes.").len()
            + m.trace("/tmp/trace").mentioning("\"codes.").len()
    };
    assert!(trace() > 0);
    for _ in 0..4 {
        assert!(!gets_in(&m, Scratch::WRONG));
    }
    assert_eq!(trace(), 0, "the set was read for a try that is not judged");
    assert!(!gets_in(&m, CODES[0]), "a right one is not judged either");
    assert_eq!(m.logged("reason=throttled").len(), 2, "{:?}", m.log());
    m.run(["twinlock", "unlock", "ada"]).ok();
    assert!(gets_in(&m, CODES[0]));
}

/// Shell texts that damage the file of ada's backup codes, whose path is in the variable F, each with the expected
/// reason in the log.
const DAMAGES: [(&str, &str); 14] = [
    ("rm $F", "codes_missing"),
    ("chown 1 $F", "codes_untrusted"),
    ("chmod 640 $F", "codes_untrusted"),
    ("ln $F /var/lib/twinlock/x", "codes_untrusted"),
    ("mv $F /tmp/x; ln -s /tmp/x $F", "codes_untrusted"),
    ("rm $F; mkfifo -m 600 $F", "codes_untrusted"),
    ("rm $F; mkdir -m 700 $F", "codes_untrusted"),
    ("truncate -s 1G $F", "codes_untrusted"),
    (": >$F", "codes_malformed"),
    ("sed -i '$d' $F; chmod 600 $F", "codes_malformed"),
    ("sed -i 's/^version = 1/version = 2/' $F; chmod 600 $F", "codes_newer"),
    ("sed -i 's/19456/4294967295/' $F; chmod 600 $F", "codes_malformed"),
    ("sed -i 's/passes = 2/passes = 4000000000/' $F; chmod 600 $F", "codes_malformed"),
    ("head -c 9000 /dev/urandom >$F", "codes_malformed"),
];

#[test]
fn a_damaged_set_refuses_its_codes_and_shuts_nobody_out() {
    thread::scope(|scope| {
        for half in DAMAGES.chunks(7) {
            scope.spawn(|| {
                half.iter().for_each(|(damage, reason)| damaged(&machine(), damage, reason))
            });
        }
    });
}

fn damaged(m: &Machine, damage: &str, reason: &str) {
    let file = m.codes_file("ada", Scratch::FEW);
    sh(m, &format!("F={file}; {damage}"));
    assert!(!gets_in(m, CODES[0]), "{damage}");
    assert_eq!(m.logged(&format!("reason={reason}")).len(), 1, "{damage}: {:?}", m.log());
    // The code was compared with the app's codes and is wrong, so it is charged: a user who damages the file must not
    // guess for free.
    assert_eq!(m.tries("ada"), 1, "{damage}");
    let why = m.run(["twinlock", "why", "ada"]);
    assert!(why.ok().contains("backup codes"), "{damage}: {why:?}");
    let status = m.run(["twinlock", "status", "ada"]);
    assert!(status.ok().contains(&format!("({reason})")), "{damage}: {status:?}");
    assert!(gets_in(m, &m.code("ada")), "{damage}: {:?}", m.log());
}

#[test]
fn a_code_that_cannot_be_spent_is_refused_and_not_lost() {
    let full = "cp -a /var/lib /tmp/lib; mount -t tmpfs -o mode=0755,nr_inodes=128 full /var/lib; \
                cp -a /tmp/lib/twinlock /var/lib; \
                i=0; while true >/var/lib/fill.$i; do i=$((i + 1)); done 2>/dev/null; true";
    let read_only = "mount --bind /var /var; mount -o remount,bind,ro /var";
    for (broken, mended) in [(full, "rm /var/lib/fill.*"), (read_only, "umount /var")] {
        let m = machine();
        sh(&m, broken);
        assert!(!gets_in(&m, CODES[0]), "{broken}");
        assert_eq!(m.logged("reason=code_not_spent").len(), 1, "{:?}", m.log());
        assert!(gets_in(&m, &m.code("ada")), "{broken}: {:?}", m.log());
        sh(&m, mended);
        assert!(gets_in(&m, CODES[0]), "{broken}: {:?}", m.log());
        assert!(!gets_in(&m, CODES[0]), "{broken}");
    }
}

#[test]
fn a_spend_that_does_not_reach_the_disk_lets_nobody_in() {
    let m = machine();
    let how = ["-e", "trace=all", "-e", "inject=fsync:error=EIO"];
    let done = m.asking("ada", &format!("{}\n", CODES[0]), &how).output();
    assert_ne!(done.code, Some(0), "{done:?}");
    assert_eq!(m.logged("reason=code_not_spent").len(), 1, "{:?}", m.log());
    assert_eq!(m.spent("ada"), 0);
    assert!(gets_in(&m, CODES[0]));
}

/// Limits under which the 19 MiB that Argon2 needs cannot be allocated.
const TIGHT: [&str; 4] = [
    "prlimit --pid $$ --as=16000000",
    "prlimit --pid $$ --as=20000000",
    "prlimit --pid $$ --data=1000000",
    "prlimit --pid $$ --data=12000000",
];

#[test]
fn a_caller_who_allows_no_memory_is_refused_and_charged() {
    let m = machine();
    m.proven("su");
    for limits in TIGHT {
        forget(&m);
        let call = m.su("ada", "ada").first(limits).input(format!("{}\n\n", CODES[0]));
        let done = call.output();
        assert!(!done.stdout.contains(LOGGED_IN), "{limits}: {done:?}");
        assert_eq!((m.spent("ada"), m.tries("ada")), (0, 1), "{limits}: {done:?} {:?}", m.log());
    }
    assert_eq!(m.logged("reason=codes_memory").len(), TIGHT.len(), "{:?}", m.log());
    let call = m.su("ada", "ada").first("umask 777; prlimit --pid $$ --fsize=0");
    let done = call.input(format!("{}\n", CODES[0])).output();
    assert!(done.stdout.contains(LOGGED_IN), "{done:?} {:?}", m.log());
}

/// Returns the number of kilobytes in the line that begins with `line` of /proc/PID/status.
fn kilobytes(m: &Machine, pid: u32, line: &str) -> u64 {
    let status = m.run(["grep", line, &format!("/proc/{pid}/status")]);
    let number = status.ok().split_whitespace().nth(1).map(str::parse);
    number.expect("a number").expect("of kilobytes")
}

#[test]
fn the_process_does_not_keep_the_memory() {
    let m = machine();
    let mut s: Session<'_> = m.pamtester("bare", "ada").args(["authenticate"; 3]).open();
    s.expect(PROMPT);
    let pid = m.pids("pamtester")[0];
    let before = kilobytes(&m, pid, "VmRSS");
    for code in CODES {
        s.send_line(code);
        if code == CODES[2] {
            // The last code of a set logs its owner in only after a new set was shown.
            s.expect("show that you have them: ");
            let last = codes_shown(&s.transcript()).pop().expect("new codes");
            s.send_line(&last[20..]);
        }
        s.expect(IN).expect(PROMPT);
        let (most, after) = (kilobytes(&m, pid, "VmHWM"), kilobytes(&m, pid, "VmRSS"));
        assert!(most > before + 19 * 1024 - 512, "the memory was never there: {most}");
        assert!(after < before + 2048, "{before} kB before, {after} kB after");
    }
}

#[test]
fn before_a_first_factor_everybody_makes_the_same_calls() {
    let m = machine();
    m.pam(
        "first",
        "auth required pam_twinlock.so first_factor=follows\nauth required pam_permit.so\n",
    );
    m.app_only("bob").user("cid");
    let calls = |user: &str| {
        forget(&m);
        let call = m.pamtester_as(&["-v"], "first", user).strace("/tmp/trace", &[]);
        call.input(format!("{}\n\n\n", Scratch::WRONG)).output();
        let trace = m.trace("/tmp/trace");
        let names = trace.between(PROMPT, "not accepted");
        names.names().join(" ")
    };
    // The first login creates what later logins find.
    let _ = calls("ada");
    let enrolled = calls("ada");
    assert!(enrolled.contains("mmap madvise munmap"), "{enrolled}");
    for user in ["bob", "cid", "nobody-here"] {
        assert_eq!(calls(user), enrolled, "{user}");
    }
}

#[test]
fn an_administrator_sees_what_is_left_and_ends_it() {
    let m = machine();
    assert!(gets_in(&m, CODES[2]));
    let status = || m.run(["twinlock", "status", "ada"]).ok().to_owned();
    assert!(status().contains("Backup codes left: 2 of 3"), "{}", status());
    assert!(status().contains("Last code: 20"), "{}", status());
    let json = m.run(["twinlock", "--json", "status", "ada"]);
    assert!(json.ok().contains("\"codes_left\":2"), "{json:?}");
    let verify =
        |code: &str| m.call(["twinlock", "verify", "ada"]).input(format!("{code}\n")).output();
    // A user who may ask about codes does not learn whether any of them still works.
    let said = [CODES[0], CODES[2], Scratch::WRONG].map(verify);
    for one in &said {
        assert_eq!((one.code, &one.stderr), (Some(1), &said[2].stderr));
    }
    assert_eq!((m.spent("ada"), m.tries("ada")), (1, 3), "each is charged, and none is spent");
    let otp = m.otp("ada");
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    let folder = m.tree("/var/lib/twinlock/users/ada");
    assert!(!folder.contains("/codes.") && !folder.contains("/spent."), "{folder}");
    m.enrolled_with("ada", &otp);
    assert!(!gets_in(&m, CODES[0]));
    assert!(m.run(["twinlock", "--json", "status", "ada"]).ok().contains("\"codes_left\":null"));
}
