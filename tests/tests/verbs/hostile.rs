//! Runs commands with extreme limits, umasks and clocks. Checks that the old or the new record is stored, that the
//! output says which, and that only root can access new files.

use std::fs;

use twinlock_tests::{Machine, Scratch, says_in_force};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const PERSON: &str = "/var/lib/twinlock/users/ada";
const BY: &str = "--yes --break-glass test";
const YEAR: i64 = 365 * 86_400;

/// Command lines, each with a text that only the new record contains.
const VERBS: [(&str, &str); 6] = [
    ("reset ada", "state = \"pending\""),
    ("backup-codes ada", "[owed_codes]"),
    ("backup-codes ada --save /root/report", "codes = \""),
    ("show-key ada --png /root/report", "seen_by = "),
    ("bypass ada --reason test", "[[bypass]]"),
    ("remove ada", "state = \"removed\""),
];

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").enrolled("ada", KEY).scratch("ada", Scratch::FEW);
    m
}

fn records(m: &Machine) -> Vec<String> {
    let names = fs::read_dir(m.outside(PERSON)).expect("ada's folder").flatten();
    let paths = names.filter(|entry| entry.file_name().to_string_lossy().starts_with("record."));
    paths.map(|entry| fs::read_to_string(entry.path()).expect("a record")).collect()
}

/// Runs each command of [`VERBS`] after the shell text `hostile`, in the same process. Checks that the output of the
/// command agrees with the record that is stored.
fn each_verb(hostile: &str) {
    let m = machine();
    let cut = m.cut("status ada", "");
    let old = records(&m);
    for (verb, new) in VERBS {
        cut.back();
        let argv = format!("twinlock {verb} {BY}");
        let done = m.call(argv.split(' ')).without_a_login().first(hostile).output();
        let what = format!("{hostile}: {verb}: {done:?}");
        let said = (done.stdout.clone() + &done.stderr).replace('\n', " ");
        let now = records(&m);
        if now == old {
            assert!(matches!(done.code, Some(1..=6)), "{what}");
            // Messages of a command that has not begun, and of a command with too few resources to check the result.
            let told = [
                "nothing was changed",
                "standard input cannot be read",
                "cannot open",
                "it is unknown which record",
            ];
            assert!(told.iter().any(|told| said.contains(told)), "{what}");
        } else {
            assert!(now.iter().any(|text| text.contains(new)), "{what} {now:?}");
            let told = ["is reset", "no longer work", "was issued"];
            let is_said = says_in_force(&said) || told.iter().any(|told| said.contains(told));
            assert!(done.code == Some(0) || is_said, "{what}");
        }
        let open = "find /var/lib/twinlock /run/twinlock/users /root/report -not -type l \
                    \\( -perm /077 -o -not -user 0 -o -not -group 0 \\) 2>/dev/null";
        assert_eq!(m.run(["sh", "-c", open]).stdout, "", "{what}");
        assert_eq!(cut.left(), "", "{what}");
    }
}

#[test]
fn a_file_size_limit_of_nothing_is_said() {
    each_verb("ulimit -f 0");
}

#[test]
fn few_descriptors_are_said() {
    for most in 4..10 {
        each_verb(&format!("ulimit -n {most}"));
    }
}

#[test]
fn no_umask_opens_or_shuts_what_is_made() {
    for mask in ["000", "777"] {
        each_verb(&format!("umask {mask}"));
    }
}

#[test]
fn a_clock_that_goes_back_a_year_between_two_verbs_ends_in_the_state_of_the_second() {
    for (first, _) in &VERBS[..5] {
        for (second, new) in VERBS {
            let m = machine();
            let run = |verb: &str, clock: i64| {
                m.run(["rm", "-f", "/root/report"]).ok();
                let argv = format!("twinlock {verb} {BY}");
                m.call(argv.split(' ')).without_a_login().clock(clock).output()
            };
            run(first, 0).ok();
            let done = run(second, -YEAR);
            let now = records(&m);
            let status = m.run(["twinlock", "status", "ada"]);
            assert_eq!((now.len(), status.code), (1, Some(0)), "{first} {second}: {status:?}");
            let is_new = now[0].contains(new);
            assert!(done.code == Some(3) || is_new, "{first} {second}: {done:?} {now:?}");
        }
    }
}

/// Names of programs that commands of twinlock start, and of some that shells and libraries start.
const PROGRAMS: [&str; 24] = [
    "chage",
    "cvtsudoers",
    "doas",
    "getent",
    "id",
    "ip",
    "journalctl",
    "loginctl",
    "ls",
    "mount",
    "passwd",
    "perl",
    "sendmail",
    "sh",
    "ssh",
    "ssh-keygen",
    "sshd",
    "su",
    "sudo",
    "systemctl",
    "true",
    "umount",
    "unshare",
    "nsenter",
];

/// Runs commands of twinlock as root in a folder of hostile programs, with several values of PATH that lead to this
/// folder. Checks that none of these programs is run.
#[test]
fn programs_of_the_callers_path_are_never_run() {
    let m = Machine::new();
    m.twinlock().person("ada").user("bob").sshd("").settings("mail_domain = \"example.org\"\n");
    m.run(["mkdir", "-p", "/tmp/evil", "/run/systemd/system"]).ok();
    for name in PROGRAMS {
        let text = format!("#!/bin/sh\necho {name} >>/root/ran\nexit 0\n");
        m.file(&format!("/tmp/evil/{name}")).write(text).mode(0o755);
    }
    for words in [
        "list --not-enrolled",
        "explain ada",
        "doctor",
        "doctor ssh",
        "setup ssh --with publickey --no-way-back --not-enrolled deny",
        "teardown ssh --yes",
        "setup su --with password --no-way-back --not-enrolled deny",
        "teardown su --yes",
        "invite --group users --until 2099-01-31 --report /root/tickets",
        "import google --all",
        "reset ada --yes --end-sessions --expire-password",
        "deliver",
        "epoch sweep",
        "completions bash",
    ] {
        for path in ["/tmp/evil", "/tmp/evil:/usr/sbin:/usr/bin:/sbin:/bin", ".:/tmp/evil", ""] {
            let path = format!("PATH={path}");
            let call = m.call(["/usr/bin/env", "-C", "/tmp/evil", &path, "/usr/bin/twinlock"]);
            let done = call.args(words.split(' ')).output();
            assert!(done.code.is_some_and(|code| code < 9), "{words}: {done:?}");
            assert!(!m.file("/root/ran").exists(), "{words}: {}", m.file("/root/ran").read());
        }
    }
}
