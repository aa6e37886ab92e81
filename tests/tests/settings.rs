//! `twinlock settings`: each mistake by file and line, and a good file kept for the day of a bad one.

use twinlock_tests::{Finished, Machine};

const FILE: &str = "/etc/twinlock/twinlock.toml";
const GOOD: &str = "/etc/twinlock/settings.good";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada");
    m
}

fn check(m: &Machine, text: &str) -> Finished {
    m.settings(text).run(["twinlock", "settings", "check"])
}

#[test]
fn each_mistake_is_placed_and_helped() {
    let m = machine();
    let reference = "Every setting stands, explained, in twinlock.toml.reference.";
    for (text, line, what, remedy) in [
        ("windwo = 1", 1, "there is no setting windwo", "Did you mean window?"),
        (
            "\n[throttle]\nmaxdelay = 1",
            3,
            "there is no setting maxdelay",
            "Did you mean max_delay?",
        ),
        (
            "[[rule]]\naction = \"exempt\"\nusr = \"a\"",
            3,
            "there is no setting usr",
            "Did you mean user?",
        ),
        ("window = 11", 1, "window = 11 is not between 0 and 10", reference),
        ("tries = 1\ntries = 2", 2, "duplicate key", reference),
        ("language = \"de\"", 1, "language = \"de\" is none of en, sv", reference),
        (
            "[[rule]]\naction = \"ask\"",
            2,
            "action = \"ask\" is none of require, exempt, remind",
            reference,
        ),
        ("records = \"var\"", 1, "records must be a whole path without . and .. in it", reference),
        ("echo = 1", 1, "echo is of type integer where true or false is expected", reference),
    ] {
        let found = check(&m, text);
        assert_eq!(found.code, Some(2), "{text}: {found:?}");
        let told = format!("twinlock: {FILE}:{line}: {what} {remedy} ");
        assert_eq!(found.stderr.replace('\n', " "), told, "{text}");
        assert!(!m.file(GOOD).exists(), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_said_to_be_what_it_is() {
    let m = machine();
    m.file(FILE).write(b"tries = 1\nissuer = \"\xff\"\n");
    let found = m.run(["twinlock", "settings", "check"]);
    assert_eq!(found.stderr, format!("twinlock: {FILE}:2: not UTF-8\nSave the file as UTF-8.\n"));
    let far = check(&m, "zzz = 1").stderr;
    assert!(far.contains("there is no setting zzz\nKnown here: issuer, language,"), "{far}");
    let long = check(&m, &"# comment\n".repeat(7000)).stderr;
    assert!(long.contains("is over 64 KiB"), "{long}");
}

#[test]
fn a_good_file_is_kept_and_stands_in() {
    let m = machine();
    let good = check(&m, "window = 2\n");
    assert_eq!(good.ok(), format!("{FILE}: no mistake; kept as {GOOD}.\n"));
    assert_eq!(m.file(GOOD).read(), "window = 2\n");
    assert_eq!(m.run(["stat", "-c", "%a %u:%g", GOOD]).ok(), "644 0:0\n");
    assert_eq!(check(&m, "window = x\n").code, Some(2));
    assert_eq!(m.file(GOOD).read(), "window = 2\n");
    let shown = m.run(["twinlock", "settings", "show"]);
    assert!(shown.ok().starts_with(&format!("# From {GOOD}\n")), "{shown:?}");
    assert!(shown.stdout.contains("\nwindow = 2  # default: 1\n"), "{shown:?}");
    assert!(
        shown.stderr.contains(":1: ") && shown.stderr.contains("in force instead"),
        "{shown:?}"
    );
    let names = m.run(["ls", "-A", "/etc/twinlock"]);
    assert_eq!(names.ok(), "settings.good\nstore-id\ntwinlock.toml\n");
}

#[test]
fn a_candidate_elsewhere_is_checked_before_it_is_put_in_place() {
    let m = machine();
    m.file("/root/new.toml").write("tries = 2\n").mode(0o600);
    m.run(["twinlock", "settings", "check", "/root/new.toml"]).ok();
    assert_eq!(m.file(GOOD).read(), "tries = 2\n");
    m.file("/home/ada/new.toml").write("tries = 4\n");
    let by_ada = m.run_as("ada", ["twinlock", "settings", "check", "/home/ada/new.toml"]);
    assert_eq!(
        by_ada.ok(),
        "/home/ada/new.toml: no mistake. Only root keeps it as settings.good.\n"
    );
    assert_eq!(m.file(GOOD).read(), "tries = 2\n");
    m.file("/etc/other").make_folder();
    m.file("/etc/other/t.toml").write("tries = 5\n");
    m.run(["twinlock", "--config", "/etc/other/t.toml", "settings", "check"]).ok();
    assert_eq!(m.file("/etc/other/settings.good").read(), "tries = 5\n");
    assert_eq!(m.file(GOOD).read(), "tries = 2\n");
}

#[test]
fn a_file_that_logins_do_not_trust_does_not_pass() {
    let m = machine();
    m.settings("tries = 2\n");
    m.file(FILE).mode(0o666);
    let open = m.run(["twinlock", "settings", "check"]);
    assert_eq!(open.code, Some(2));
    assert_eq!(
        open.stderr,
        format!(
            "twinlock: {FILE}: the file, or a folder above it, is open\nto others; logins do not \
             trust it\nMake it a plain file of root: chown root:root, chmod 644.\n"
        )
    );
    assert!(!m.file(GOOD).exists());
}

#[test]
fn rules_about_nobody_pass_with_a_warning() {
    let m = machine();
    let text = "window = 1\n\n[[rule]]\nuser = \"adda\"\naction = \"exempt\"\n\
                [[rule]]\ngroup = \"stuff\"\naction = \"require\"\n[[rule]]\naction = \"exempt\"\nuntil = 2027-01-31\n";
    let warned = check(&m, text);
    assert_eq!(warned.code, Some(0));
    assert_eq!(
        warned.stderr,
        format!(
            "{FILE}:3: warning: rule 1: there is no user adda\n\
             {FILE}:6: warning: rule 2: there is no group stuff\n\
             {FILE}:9: warning: rule 3: it exempts everybody, root too\n"
        )
    );
    let json = m.run(["twinlock", "--json", "settings", "check"]);
    assert!(json.ok().contains("{\"line\":3,\"what\":\"rule 1: there is no user adda\"}"));
}

#[test]
fn a_kept_file_is_whole_or_the_old_one() {
    let m = machine();
    check(&m, "tries = 1\n").ok();
    m.settings("tries = 2\n");
    for call in ["openat", "write", "fchown", "fchmod", "fsync", "renameat"] {
        for nth in 1.. {
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let cut =
                m.call(["twinlock", "settings", "check"]).strace("/dev/null", &["-e", &inject]);
            let done = cut.output().code == Some(0);
            let kept = m.file(GOOD).read();
            assert!(kept == "tries = 1\n" || kept == "tries = 2\n", "{inject}: {kept}");
            m.file(GOOD).write("tries = 1\n");
            if done {
                break;
            }
        }
    }
}

#[test]
fn what_is_in_force_is_shown_without_a_file_too() {
    let m = machine();
    let shown = m.run(["twinlock", "settings", "show"]).ok().to_owned();
    assert!(shown.starts_with(&format!("# There is no {FILE}: everything has its default\n")));
    let marked =
        shown.lines().filter(|line| line.contains(" = ")).all(|line| line.ends_with("  # default"));
    assert!(marked, "{shown}");
    m.file("/root/shown.toml").write(&shown);
    m.run(["twinlock", "settings", "check", "/root/shown.toml"]).ok();
    let bad = m.settings("[").run(["twinlock", "list"]);
    assert_eq!(bad.code, Some(0), "{bad:?}");
    m.file(GOOD).remove();
    let bad = m.run(["twinlock", "list"]);
    assert_eq!(bad.code, Some(6), "{bad:?}");
    let said = bad.stderr.replace('\n', " ");
    assert!(said.contains("Then run `twinlock settings check`"), "{bad:?}");
}
