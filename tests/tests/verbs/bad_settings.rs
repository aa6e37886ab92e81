//! Tests faulty settings files and PAM lines: the last good settings are used, or every login is refused, and the log
//! names the file and the line.

use twinlock_tests::{Machine, Otp};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const TOML: &str = "tries = 1\nwindow = 10\nnot_enrolled = \"allow\"\n";
/// Limits of a login, for the whole program: 64 MiB of address space and two seconds of processor time.
const BOUNDS: &str = "ulimit -v 65536; ulimit -t 2";

/// Creates a machine on which ada is enrolled with an app that shows a new code each second. Carol is not enrolled, and
/// is let in while the settings file is used.
fn machine() -> Machine {
    let m = Machine::new();
    m.user("ada").user("carol").bare();
    m.enrolled_with("ada", &Otp { period: 1, ..Otp::new(KEY) });
    m.settings_alone(TOML);
    sh(&m, "cp -a $E /root/etc");
    m
}

fn sh(m: &Machine, script: &str) {
    let places = "E=/etc/twinlock; T=$E/twinlock.toml; G=$E/settings.good; ";
    m.run(["sh", "-euc", &format!("{places}{script}")]).ok();
}

/// Restores the settings files and clears the used codes.
fn mend(m: &Machine) {
    sh(m, "rm -rf $E /root/elsewhere /run/twinlock/users; cp -a /root/etc $E");
}

/// Calls the module for `user` with the answer `code`. Returns the exit code, the program's error output and the new
/// log lines. Checks that a refused login has rewritten nothing.
#[track_caller]
fn asked(m: &Machine, user: &str, code: &str) -> (Option<i32>, String, String) {
    let records = || m.run(["sh", "-c", "cat /var/lib/twinlock/users/*/record.*"]).ok().to_owned();
    let kept = || format!("{}\n{}", m.tree("/etc/twinlock"), records());
    let (before, logged) = (kept(), m.log().len());
    let said = m.asking(user, code, &[]).first(BOUNDS).output();
    // A successful login may store its source beside the record.
    if said.code != Some(0) {
        assert_eq!(kept(), before);
    }
    (said.code, said.stderr, m.log()[logged..].join("\n"))
}

/// Shell commands that damage the settings file, each with the expected text in the log.
const SETTINGS: [(&str, &str); 35] = [
    ("head -c 4096 /dev/urandom >$T", "twinlock.toml:"),
    ("printf '# \\377\\n' >>$T", "twinlock.toml:4: not UTF-8"),
    ("truncate -s 1G $T", "twinlock.toml: is larger than 64 KiB"),
    ("head -c 65537 /dev/zero | tr '\\0' '#' >$T", "twinlock.toml: is larger than 64 KiB"),
    ("mv $T /root/elsewhere; ln -s /root/elsewhere $T", "twinlock.toml: is a symbolic link"),
    ("rm $T; ln -s /nowhere $T", "twinlock.toml: is a symbolic link"),
    ("rm $T; mkfifo $T", "twinlock.toml: is not a regular file"),
    ("rm $T; mkdir $T", "twinlock.toml: is not a regular file"),
    ("rm $T; mknod -m 600 $T c 1 5", "twinlock.toml: is not a regular file"),
    ("rm $T; mknod -m 600 $T c 1 3", "twinlock.toml: is not a regular file"),
    (
        "rm $T; perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0);bind(S,sockaddr_un($ARGV[0]))||die' $T",
        "twinlock.toml: cannot be read or written (errno 6)",
    ),
    ("chmod 646 $T", "twinlock.toml: can be written to by users other than root"),
    ("chmod 664 $T", "twinlock.toml: can be written to by users other than root"),
    ("chown 20001 $T", "twinlock.toml: does not belong to root"),
    ("ln $T $E/twin", "twinlock.toml: has a second name"),
    ("echo 'windwo = 1' >>$T", "twinlock.toml:4: there is no setting windwo"),
    ("echo 'tries = 1' >>$T", "twinlock.toml:4: duplicate key"),
    ("sed -i 's/10/11/' $T", "twinlock.toml:2: window = 11 is not between 0 and 10"),
    ("sed -i 's/10/-1/' $T", "twinlock.toml:2: window = -1 is not between 0 and 10"),
    ("sed -i 's/10/99999999999999999999/' $T", "twinlock.toml:2: "),
    ("sed -i 's/10/\"10\"/' $T", "twinlock.toml:2: "),
    ("sed -i 's/allow/alow/' $T", "twinlock.toml:3: not_enrolled = 'alow' is none of"),
    ("sed -i 's/allow/al\\x00ow/' $T", "twinlock.toml:3: "),
    ("sed -i 's/tries/tries\\x00/' $T", "twinlock.toml:1: "),
    (
        "printf '[[rule]]\\naction = \"exmpt\"\\n' >>$T",
        "twinlock.toml:5: action = 'exmpt' is none of",
    ),
    ("printf '[[rule]]\\nuser = \"carol\"\\n' >>$T", "twinlock.toml:4: missing field `action`"),
    (
        "printf '[[rule]]\\naction = \"exempt\"\\nnetwork = \"home\"\\n' >>$T",
        "twinlock.toml:6: network = 'home'",
    ),
    ("echo '[throttle' >>$T", "twinlock.toml:4: "),
    ("echo 'records = \"../x\"' >>$T", "twinlock.toml:4: records must be a whole path"),
    ("tr '\\n' '\\r' <$T >/tmp/x; cat /tmp/x >$T", "twinlock.toml:"),
    ("printf '%020000d' 0 | tr 0 '[' | sed 's/^/x = /' >>$T", "twinlock.toml:4: "),
    ("printf '%015000d' 0 | sed 's/0/{a=/g;s/^/x = /' >>$T", "twinlock.toml:4: "),
    ("printf '%030000d' 0 | sed 's/0/a./g;s/$/a = 1/' >>$T", "twinlock.toml:1: recursion limit"),
    ("printf '%010000d' 0 | sed 's/0/[[x]]\\n/g' >>$T", "twinlock.toml:4: there is no setting x"),
    ("printf 'x = \"\\033[31m\"\\n' >>$T", "twinlock.toml:4: "),
];

#[test]
fn bad_settings_refuse_and_say_where() {
    let m = machine();
    assert_eq!(asked(&m, "carol", "").0, Some(0));
    let elsewhere =
        ("mv $E /root/elsewhere; ln -s /root/elsewhere $E", "twinlock.toml: is a symbolic link");
    let file = ("rm -r $E; : >$E", "twinlock.toml: is not a regular file");
    for (damage, detail) in SETTINGS.into_iter().chain([elsewhere, file]) {
        mend(&m);
        sh(&m, damage);
        for (user, code) in [("ada", m.code("ada")), ("carol", String::new())] {
            let (exit, said, log) = asked(&m, user, &code);
            assert_eq!(exit, Some(1), "{damage}: {said} {log}");
            assert!(said.contains("Error in service module"), "{damage}: {said}");
            let expected = format!("event=refused reason=settings detail=\"/etc/twinlock/{detail}");
            assert!(log.starts_with("<81>") && log.contains(&expected), "{damage}: {log}");
            assert!(!log.contains(char::is_control), "{damage}: {log:?}");
        }
    }
}

#[test]
fn the_last_good_settings_stand_in_for_bad_ones() {
    let m = machine();
    for (damage, detail) in SETTINGS {
        mend(&m);
        sh(&m, &format!("printf 'tries = 1\\nwindow = 10\\n' >$G; {damage}"));
        let (exit, said, log) = asked(&m, "ada", &m.code("ada"));
        assert_eq!(exit, Some(0), "{damage}: {said} {log}");
        let expected =
            format!("event=settings_fallback using=settings.good detail=\"/etc/twinlock/{detail}");
        assert!(log.starts_with("<81>") && log.contains(&expected), "{damage}: {log}");
        // The faulty settings would let carol in; the last good ones do not.
        let (exit, _, log) = asked(&m, "carol", "");
        assert!(exit == Some(1) && log.contains("reason=not_enrolled"), "{damage}: {log}");
    }
}

#[test]
fn good_settings_that_are_bad_as_well_stand_in_for_nothing() {
    let m = machine();
    for damage in [
        ": >$G; chmod 666 $G",
        ": >$G; chown 20001 $G",
        "echo 'windwo = 1' >$G",
        "ln -s $T $G",
        "mkfifo $G",
        "truncate -s 1G $G",
    ] {
        for bad in ["echo 'windwo = 1' >>$T", "rm $T"] {
            mend(&m);
            sh(&m, &format!("{damage}; {bad}"));
            let (exit, _, log) = asked(&m, "ada", &m.code("ada"));
            assert!(exit == Some(1) && log.contains("reason=settings"), "{damage}: {log}");
        }
    }
}

#[test]
fn what_an_editor_adds_harms_no_settings() {
    let m = machine();
    for change in [
        "sed -i 's/$/\\r/' $T",
        "printf '\\357\\273\\277' | cat - $T >/tmp/x; cat /tmp/x >$T",
        "printf '# no newline' >>$T",
        "chmod 600 $T",
    ] {
        mend(&m);
        sh(&m, change);
        let (exit, said, log) = asked(&m, "carol", "");
        assert_eq!(exit, Some(0), "{change}: {said} {log}");
        assert_eq!(asked(&m, "ada", &m.wrong_code("ada")).0, Some(1), "{change}");
    }
}

/// Checks that a settings file that is truncated at any byte, as by an editor on a full disk, lets no user in.
#[test]
fn settings_cut_anywhere_let_nobody_in() {
    let m = machine();
    m.settings(
        "tries = 1\nnot_enrolled = \"deny\"\n[throttle]\nfree = 5\n[[rule]]\nuser = \"carol\"\n\
         action = \"require\"\n[[rule]]\nuser = \"carola\"\naction = \"exempt\"\n",
    );
    let cut = "T=/etc/twinlock/twinlock.toml; cp $T /tmp/whole; n=$(stat -c %s $T); i=0; \
               while [ $i -lt $n ]; do head -c $i /tmp/whole >$T; for user in ada carol; do \
               echo $CODE | strace --seccomp-bpf -f -qq -o /dev/null -e trace=pselect6 \
               -e inject=pselect6:retval=0 pamtester bare $user authenticate >>/tmp/told 2>&1 && \
               echo $user in at $i; done; i=$((i + 1)); done; echo end $n";
    let call = m.call(["sh", "-uc", cut]).env("CODE", &m.wrong_code("ada"));
    let said = call.output().stdout;
    let bytes = said.strip_prefix("end ").map(str::trim).unwrap_or_else(|| panic!("{said}"));
    // The output is counted, because the log drops some of so many lines at one instant.
    let told = m.file("/tmp/told").read();
    assert!(told.contains("pamtester: Error in service module") && !told.contains("unknown"));
    assert_eq!((told.matches("pamtester: ").count() / 2).to_string(), bytes, "{told}");
}

/// Arguments of the PAM line, each with the expected text in the log.
const ARGUMENTS: [(&[u8], &str); 21] = [
    (b"", "first_factor= is missing"),
    (b"debug echo", "first_factor= is missing"),
    (b"nulok first_factor=stack", "unknown argument nulok"),
    (b"first_factor=stack nulok", "unknown argument nulok"),
    (b"first_factor=stack alwaysok", "write twinlock verify USER"),
    (b"first_factor=stack secret=/etc/keys/${USER}", "twinlock import"),
    (b"first_factor=stack forward_pass", "first_factor=follows forward_pass"),
    (b"first_factor=follows forward_pass echo", "take echo out"),
    (b"first_facter=stack", "unknown argument first_facter=stack"),
    (b"first_factor=password", "first_factor=password is none of publickey, stack"),
    (b"first_factor=", "first_factor= is none of"),
    (b"first_factor", "unknown argument first_factor"),
    (b"FIRST_FACTOR=stack", "unknown argument FIRST_FACTOR"),
    (b"first_factor=failed first_factor=stack", "first_factor= stands twice"),
    (b"first_factor=stack probe=publickey", "exclude each other"),
    (b"probe=stack", "unknown argument probe=stack"),
    (b"first_factor=stack echo=yes", "unknown argument echo=yes"),
    (b"first_factor=stack config=", "must be a whole path"),
    (b"first_factor=stack config=twinlock.toml", "must be a whole path"),
    (b"first_factor=stack \xff", "not UTF-8"),
    (b"first_factor=stack [a\"b\tc\x1b]", "unknown argument a'b?c?"),
];

fn line(m: &Machine, arguments: &[u8]) {
    let mut stack = b"auth required pam_permit.so\nauth required pam_twinlock.so ".to_vec();
    stack.extend_from_slice(arguments);
    stack.push(b'\n');
    m.file("/etc/pam.d/bare").write(stack);
}

#[test]
fn pam_lines_that_are_wrong_refuse_and_say_what_to_write() {
    let m = machine();
    for (arguments, detail) in ARGUMENTS {
        line(&m, arguments);
        for (user, code) in [("ada", m.code("ada")), ("carol", String::new())] {
            let (exit, said, log) = asked(&m, user, &code);
            assert_eq!(exit, Some(1), "{detail}: {said} {log}");
            assert!(said.contains("Error in service module"), "{detail}: {said}");
            assert!(
                log.contains("event=refused service=bare reason=pam_line detail=\""),
                "{detail}: {log}"
            );
            assert!(log.starts_with("<81>") && log.contains(detail), "{detail}: {log}");
            assert!(!log.contains(char::is_control), "{detail}: {log:?}");
        }
    }
}

#[test]
fn a_config_that_cannot_be_trusted_refuses() {
    let m = machine();
    for (make, detail) in [
        ("true", "/etc/twinlock/other: is missing"),
        ("cp $T $E/other; chown 20001 $E/other", "/etc/twinlock/other: does not belong to root"),
        (
            "cp $T $E/other; chmod 666 $E/other",
            "/etc/twinlock/other: can be written to by users other than root",
        ),
        ("ln -s $T $E/other", "/etc/twinlock/other: is a symbolic link"),
        ("mkdir $E/other", "/etc/twinlock/other: is not a regular file"),
        ("echo 'windwo = 1' >$E/other", "/etc/twinlock/other:1: there is no setting"),
    ] {
        mend(&m);
        sh(&m, make);
        line(&m, b"first_factor=stack config=/etc/twinlock/other");
        for (user, code) in [("ada", m.code("ada")), ("carol", String::new())] {
            let (exit, _, log) = asked(&m, user, &code);
            assert!(exit == Some(1) && log.contains(detail), "{make}: {log}");
        }
    }
    mend(&m);
    sh(&m, "cp $T $E/other");
    assert_eq!(asked(&m, "ada", &m.code("ada")).0, Some(0));
    line(&m, b"first_factor=stack [prompt=Code, please: ] debug");
    let (exit, said, _) = asked(&m, "ada", &m.code_in("ada", 3));
    assert!(exit == Some(0) && said.starts_with("Code, please: "), "{said}");
}
