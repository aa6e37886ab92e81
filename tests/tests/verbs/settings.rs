//! Tests `twinlock settings`: each mistake is reported with file and line, and a good file is stored as a fallback.

mod config;

use twinlock_tests::{Finished, Machine};

const FILE: &str = "/etc/twinlock/twinlock.toml";
/// Setting that lets root act without a code.
const EXEMPT: &str = "own_code_exempt = [\"root\"]\n";
const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const GOOD: &str = "/etc/twinlock/settings.good";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada");
    m
}

fn check(m: &Machine, text: &str) -> Finished {
    m.settings_alone(text).run(["twinlock", "settings", "check"])
}

fn apply(m: &Machine, text: &str) -> Finished {
    m.settings(text).run(["twinlock", "settings", "apply"])
}

fn twinlock(m: &Machine, words: &str) -> Finished {
    m.run(format!("twinlock {words}").split(' '))
}

#[test]
fn each_mistake_is_placed_and_helped() {
    let m = machine();
    let reference = "All settings are explained in twinlock.toml.reference.";
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
    let said = "no mistake. To copy it to settings.good: twinlock settings apply";
    assert_eq!(good.ok().replace('\n', " "), format!("{FILE}: {said} "));
    assert!(!m.file(GOOD).exists());
    let good = apply(&m, "window = 2\n");
    assert_eq!(good.ok(), format!("{FILE}: no mistake; copied to\n{GOOD}.\n"));
    assert_eq!(m.file(GOOD).read(), format!("window = 2\n{EXEMPT}"));
    assert_eq!(m.run(["stat", "-c", "%a %u:%g", GOOD]).ok(), "644 0:0\n");
    for verb in ["check", "apply"] {
        assert_eq!(twinlock(m.settings("window = x\n"), &format!("settings {verb}")).code, Some(2));
    }
    assert_eq!(m.file(GOOD).read(), format!("window = 2\n{EXEMPT}"));
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

/// Returns a listing of the folders that a check of settings must not change.
fn stands(m: &Machine) -> String {
    let folders = ["/etc", "/var/lib/twinlock", "/root", "/home/ada"];
    folders.map(|folder| m.tree(folder)).join("\n")
}

#[test]
fn check_only_reads() {
    let m = machine();
    apply(&m, "tries = 1\n").ok();
    m.file("/root/new.toml").write("tries = 2\n").mode(0o600);
    m.file("/home/ada/new.toml").write("tries = 4\n").mode(0o666).owner(m.uid("ada"));
    m.file("/etc/other").make_folder();
    m.file("/etc/other/t.toml").write("tries = 5\n");
    let before = stands(&m);
    for words in [
        "settings check",
        "settings check /root/new.toml",
        "settings check /home/ada/new.toml",
        "--config /etc/other/t.toml settings check",
        "--config /etc/other/t.toml settings check /home/ada/new.toml",
        "--json settings check /root/new.toml",
    ] {
        twinlock(&m, words).ok();
        assert_eq!(stands(&m), before, "{words}");
    }
    let said = twinlock(&m, "settings check /root/new.toml");
    let told = "/root/new.toml: no mistake. To install it: twinlock settings apply /root/new.toml ";
    assert_eq!(said.ok().replace('\n', " "), told);
    m.run_as("ada", ["twinlock", "settings", "check", "/home/ada/new.toml"]).ok();
    assert_eq!(stands(&m), before);
}

#[test]
fn apply_installs_a_draft_with_its_mode() {
    let m = machine();
    m.settings("tries = 1\n");
    for (mode, end) in
        [(0o600, "tries = 2\n"), (0o644, "# \u{e5}\ntries = 4\nwindow = 2"), (0o440, "")]
    {
        let text = format!("{EXEMPT}{end}");
        m.file("/root/new.toml").write(&text).mode(mode);
        let done = twinlock(&m, "settings apply /root/new.toml");
        assert_eq!(
            done.ok().replace('\n', " "),
            format!("{FILE} is installed, and copied to {GOOD}. ")
        );
        for file in [FILE, GOOD] {
            assert_eq!(m.file(file).read(), text, "{file}");
            let found = m.run(["stat", "-c", "%a %u:%g", file]);
            assert_eq!(found.ok(), format!("{mode:o} 0:0\n"), "{file}");
        }
        m.file("/root/new.toml").remove();
    }
    let logged = m.logged("event=settings_applied ");
    let changed = ["changed=tries ", "changed=window:tries ", "changed=window:tries "];
    assert_eq!(logged.len(), changed.len(), "{logged:?}");
    for (line, changed) in logged.iter().zip(changed) {
        assert!(
            line.contains(&format!("file={FILE} {changed}")) && line.contains("actor=root"),
            "{line}"
        );
    }
}

#[test]
fn apply_refuses_what_others_can_have_written() {
    let m = machine();
    apply(&m, "tries = 1\n").ok();
    let before = m.tree("/etc/twinlock");
    for (make, told) in [
        ("echo 'tries = 2' >$D; chmod 666 $D", "can be written to by others"),
        ("echo 'tries = 2' >$D; chmod 620 $D", "can be written to by others"),
        ("echo 'tries = 2' >$D; chown ada $D", "belongs to neither root nor you"),
        ("echo 'windwo = 2' >$D", "there is no setting windwo"),
        ("mkdir $D", "cannot be read"),
        ("true", "cannot be read"),
        ("echo 'tries = 2' >$D; echo x >/etc/twinlock/rules.toml", "/etc/twinlock/rules.toml:1"),
    ] {
        m.run(["sh", "-ec", &format!("D=/root/new.toml; rm -rf $D; {make}")]).ok();
        let done = twinlock(&m, "settings apply /root/new.toml");
        assert!(matches!(done.code, Some(1..=6)), "{make}: {done:?}");
        assert!(done.stderr.replace('\n', " ").contains(told), "{make}: {done:?}");
        m.run(["rm", "-f", "/etc/twinlock/rules.toml"]).ok();
        let unchanged = |tree: &str| {
            tree.lines()
                .filter(|line| !line.starts_with("/etc/twinlock "))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(unchanged(&m.tree("/etc/twinlock")), unchanged(&before), "{make}");
    }
    m.file("/home/ada/own.toml").write("tries = 3\n");
    let by = m.run_as("ada", ["twinlock", "settings", "apply", "/home/ada/own.toml"]);
    assert!(by.code == Some(4) && by.stderr.contains("only root may apply settings"), "{by:?}");
}

#[test]
fn apply_asks_for_an_own_code() {
    let m = machine();
    m.user("kim").enrolled("kim", KEY);
    m.file("/etc/sudoers.d/all").write("ALL ALL=(ALL:ALL) NOPASSWD: ALL\n").mode(0o440);
    m.settings("tries = 1\n");
    m.file("/home/kim/new.toml").write("require_own_code = false\n").owner(m.uid("kim"));
    let apply = |code: String| {
        let words = ["sudo", "twinlock", "settings", "apply", "/home/kim/new.toml"];
        m.call(words).as_user("kim").logged_in("kim").input(code + "\n").output()
    };
    assert_eq!(apply(m.wrong_code("kim")).code, Some(1));
    assert_eq!(m.file(FILE).read(), format!("tries = 1\n{EXEMPT}"));
    apply(m.code("kim")).ok();
    assert_eq!(m.file(FILE).read(), "require_own_code = false\n");
    let logged = m.logged("event=settings_applied ");
    assert!(
        logged.len() == 1 && logged[0].contains("changed=require_own_code:own_code_exempt:tries"),
        "{logged:?}"
    );
    assert!(
        logged[0].contains(&format!("own_code=given actor=uid:{}", m.uid("kim"))),
        "{logged:?}"
    );
}

#[test]
fn settings_with_a_mistake_are_mended_by_apply() {
    let m = machine();
    // A faulty settings file exempts no user, so root needs a code.
    m.enrolled("root", KEY).settings("windwo = 1\n");
    let text = format!("window = 2\n{EXEMPT}");
    m.file("/root/new.toml").write(&text);
    let apply = m.call(["twinlock", "settings", "apply", "/root/new.toml"]);
    apply.input(m.code("root") + "\n").output().ok();
    assert_eq!(m.file(FILE).read(), text);
    // A fallback copy that logins would not use is replaced.
    for damage in ["chmod 666 $G", "rm $G; mkfifo $G", "ln -sf /etc/passwd $G", "echo [ >$G"] {
        m.run(["sh", "-ec", &format!("G={GOOD}; {damage}")]).ok();
        twinlock(&m, "settings apply").ok();
        assert_eq!(m.file(GOOD).read(), text, "{damage}");
        assert_eq!(m.run(["stat", "-c", "%a %F", GOOD]).ok(), "644 regular file\n", "{damage}");
    }
}

#[test]
fn a_file_that_logins_do_not_trust_does_not_pass() {
    let m = machine();
    m.enrolled("root", KEY).settings("tries = 2\n");
    m.file(FILE).mode(0o666);
    let open = m.run(["twinlock", "settings", "check"]);
    assert_eq!(open.code, Some(2));
    assert_eq!(
        open.stderr,
        format!(
            "twinlock: {FILE}: can be written to by users other than\nroot; logins do not trust it\n\
             Make it a plain file of root: chown root:root, chmod 644.\n"
        )
    );
    let apply = m.call(["twinlock", "settings", "apply"]).input(m.code("root") + "\n");
    let applied = apply.output();
    assert!(applied.code == Some(2) && applied.stderr.contains("do not trust it"), "{applied:?}");
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
             {FILE}:9: warning: rule 3: it exempts all users, root too\n"
        )
    );
    let json = m.run(["twinlock", "--json", "settings", "check"]);
    assert!(json.ok().contains("{\"line\":3,\"what\":\"rule 1: there is no user adda\"}"));
}

#[test]
fn a_kept_file_is_whole_or_the_old_one() {
    let m = machine();
    apply(&m, "tries = 1\n").ok();
    m.settings("tries = 2\n");
    let texts = ["tries = 1\n", "tries = 2\n"].map(|text| format!("{text}{EXEMPT}"));
    for call in ["openat", "write", "fchown", "fchmod", "fsync", "renameat"] {
        for nth in 1.. {
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let cut =
                m.call(["twinlock", "settings", "apply"]).strace("/dev/null", &["-e", &inject]);
            let done = cut.output().code == Some(0);
            let kept = m.file(GOOD).read();
            assert!(texts.contains(&kept), "{inject}: {kept}");
            m.file(GOOD).write(&texts[0]);
            if done {
                break;
            }
        }
    }
}

#[test]
fn what_is_in_force_is_shown_without_a_file_too() {
    let m = machine();
    m.file(FILE).remove();
    m.enrolled("root", KEY);
    let shown = m.run(["twinlock", "settings", "show"]).ok().to_owned();
    assert!(
        shown.starts_with(&format!("# There is no {FILE}: all settings have their defaults\n"))
    );
    let marked =
        shown.lines().filter(|line| line.contains(" = ")).all(|line| line.ends_with("  # default"));
    assert!(marked, "{shown}");
    m.file("/root/shown.toml").write(&shown);
    let apply = m.call(["twinlock", "settings", "apply", "/root/shown.toml"]);
    apply.input(m.code("root") + "\n").output().ok();
    let bad = m.settings("[").run(["twinlock", "list"]);
    assert_eq!(bad.code, Some(0), "{bad:?}");
    m.file(GOOD).remove();
    let bad = m.run(["twinlock", "list"]);
    assert_eq!(bad.code, Some(6), "{bad:?}");
    let said = bad.stderr.replace('\n', " ");
    assert!(said.contains("Then run `twinlock settings apply`"), "{bad:?}");
}
