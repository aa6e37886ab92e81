//! Tests `--config` and `config=`: the file that they name must belong to root and be in folders of root. The file that
//! `--config` names does not decide whose code is asked for or where mail goes.

use twinlock_tests::{Finished, Machine};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Creates a machine on which ada and kim are enrolled, kim may run every command of twinlock as root, and eve has her
/// own folder.
fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("kim").user("eve");
    m.enrolled("ada", KEY).enrolled("kim", KEY);
    m.file("/etc/sudoers.d/help")
        .write("kim ALL=(root) NOPASSWD: /usr/bin/twinlock *\n")
        .mode(0o440);
    m
}

fn sh(m: &Machine, script: &str) {
    m.run(["sh", "-euc", script]).ok();
}

fn as_kim(m: &Machine, words: &str, input: &str) -> Finished {
    let words = format!("sudo twinlock {words}");
    m.call(words.split(' ')).as_user("kim").logged_in("kim").input(input).output()
}

fn asked(m: &Machine) -> Finished {
    m.pamtester("probe", "ada").input(m.code("ada") + "\n").output()
}

/// Settings files that users other than root can change. Each has a shell command, which starts with the good file
/// /d/t.toml, and the path of the file after it.
const WAYS: [(&str, &str); 15] = [
    ("chmod 666 /d/t.toml", "/d/t.toml"),
    ("chmod 620 /d/t.toml", "/d/t.toml"),
    ("chown eve /d/t.toml", "/d/t.toml"),
    ("chmod 775 /d", "/d/t.toml"),
    ("chmod 757 /d", "/d/t.toml"),
    ("chmod 1777 /d", "/d/t.toml"),
    ("chown eve /d", "/d/t.toml"),
    ("mv /d /home/eve/d", "/home/eve/d/t.toml"),
    ("mkdir /tmp/d; mv /d/t.toml /tmp/d", "/tmp/d/t.toml"),
    ("mkdir /home/eve/m; mount --bind /d /home/eve/m", "/home/eve/m/t.toml"),
    ("mount --bind /home/eve /d; cp /etc/hosts /d/t.toml; : >/d/t.toml", "/d/t.toml"),
    ("ln -s /d /link", "/link/t.toml"),
    ("ln -s t.toml /d/link.toml", "/d/link.toml"),
    ("ln /d/t.toml /d/twin", "/d/t.toml"),
    ("rm /d/t.toml; mkfifo /d/t.toml", "/d/t.toml"),
];

#[test]
fn files_that_others_can_exchange_are_refused() {
    for (make, path) in WAYS {
        let m = machine();
        sh(&m, &format!("mkdir /d; echo 'require_own_code = false' >/d/t.toml; {make}"));
        let before = m.tree("/home");
        for words in
            ["settings show", "bypass ada --yes --reason x", "settings check", "settings apply"]
        {
            let done = m.run(format!("twinlock --config {path} {words}").split(' '));
            assert!(matches!(done.code, Some(1..=6)), "{make}: {words}: {done:?}");
        }
        assert_eq!(m.tree("/home"), before, "{make}");
        assert!(m.logged("event=bypass_given").is_empty(), "{make}");
        // The module refuses the same file.
        let line = format!("auth required pam_twinlock.so first_factor=stack config={path}\n");
        m.pam("probe", &line);
        let done = asked(&m);
        assert_eq!(done.code, Some(1), "{make}: {done:?}");
        assert_eq!(m.logged("reason=settings").len(), 1, "{make}: {:?}", m.log());
    }
}

#[test]
fn folders_that_are_refused_are_named() {
    let m = machine();
    sh(&m, "mkdir -p /d/e; chmod 775 /d; : >/d/e/t.toml");
    let done = m.run(["twinlock", "--config", "/d/e/t.toml", "list"]);
    let said = done.stderr.replace('\n', " ");
    assert!(
        said.contains("/d/e/t.toml: the folder /d can be written to by users other than root"),
        "{said}"
    );
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack config=/d/e/t.toml\n");
    assert_eq!(asked(&m).code, Some(1));
    let logged = m.logged("reason=settings");
    assert!(
        logged[0].contains("detail=\"/d/e/t.toml: the folder /d can be written to by"),
        "{logged:?}"
    );
}

#[test]
fn named_file_must_be_there_and_the_usual_one_need_not() {
    let m = machine();
    sh(&m, "rm -f /etc/twinlock/twinlock.toml");
    m.run(["twinlock", "list"]).ok();
    for path in ["/etc/twinlock/twinlock.toml", "/etc/twinlock/none.toml", "/none/t.toml"] {
        let done = m.run(["twinlock", "--config", path, "list"]);
        assert_eq!(done.code, Some(6), "{path}: {done:?}");
    }
    for path in ["/etc/../etc/twinlock/t.toml", "../t.toml", "/etc/twinlock/"] {
        let done = m.run(["twinlock", "--config", path, "list"]);
        assert!(
            done.code == Some(2) && done.stderr.contains("Give an absolute path"),
            "{path}: {done:?}"
        );
    }
}

#[test]
fn relative_path_is_seen_from_the_folder_of_the_caller() {
    let m = machine();
    m.file("/etc/twinlock/t.toml").write("window = 4\n");
    for (folder, path) in
        [("/etc/twinlock", "t.toml"), ("/etc", "./twinlock/t.toml"), ("/", "etc//twinlock/t.toml")]
    {
        let shown =
            m.run(["sh", "-c", &format!("cd {folder} && twinlock --config {path} settings show")]);
        assert!(shown.ok().contains("\nwindow = 4 "), "{path}: {shown:?}");
    }
    m.file("/home/eve/t.toml").write("window = 5\n");
    let shown = m.run(["sh", "-c", "cd /home/eve && twinlock --config t.toml settings show"]);
    assert!(shown.stderr.contains("the folder /home/eve does not belong"), "{shown:?}");
}

/// A user lets `settings check` read a draft of the settings file. Checks that this draft is never used for a login. In
/// an earlier version, an attack made the draft replace a settings file that was missing.
#[test]
fn draft_of_the_caller_is_never_in_force() {
    let m = machine();
    let program = "#!/bin/sh\nid -u >/home/kim/ran\n";
    m.file("/home/kim/program").write(program).mode(0o755).owner(m.uid("kim"));
    let draft = "require_own_code = false\nmail_domain = \"example.org\"\nsendmail = \"/home/kim/program\"\n";
    m.file("/home/kim/draft.toml").write(draft).owner(m.uid("kim"));
    let check = as_kim(&m, "--config /home/kim/none.toml settings check /home/kim/draft.toml", "");
    assert!(!m.file("/home/kim/settings.good").exists(), "{check:?}");
    for words in [
        "--config /home/kim/none.toml bypass ada --yes --reason x",
        "--config /home/kim/draft.toml bypass ada --yes --reason x",
        "--config /home/kim/draft.toml settings apply",
        "--config /home/kim/none.toml settings apply /home/kim/draft.toml",
        "settings apply /home/kim/draft.toml",
    ] {
        let done = as_kim(&m, words, "");
        assert!(matches!(done.code, Some(1..=6 | 130)), "{words}: {done:?}");
    }
    as_kim(&m, "--config /home/kim/draft.toml deliver", "");
    assert!(!m.file("/home/kim/ran").exists() && !m.file("/home/kim/settings.good").exists());
    assert!(m.logged("event=bypass_given").is_empty(), "{:?}", m.log());
}

/// The command line names another settings file with `--config`. Checks that this file, even if it belongs to root,
/// does not decide whose code is asked for, where mail goes, or which texts the mail has.
#[test]
fn own_codes_and_mail_are_those_of_etc_twinlock() {
    let m = machine();
    let program = |name: &str| format!("#!/bin/sh\ncat >/root/{name}\n");
    for name in ["own", "other"] {
        m.file(&format!("/usr/local/bin/{name}")).write(program(name)).mode(0o755);
    }
    m.settings("mail_domain = \"example.org\"\nsendmail = \"/usr/local/bin/own\"\n");
    m.file("/etc/other").make_folder();
    m.file("/etc/other/t.toml").write(
        "require_own_code = false\nown_code_exempt = [\"kim\"]\nlanguage = \"sv\"\nmail_domain = \"example.net\"\n\
         sendmail = \"/usr/local/bin/other\"\nwindow = 4\n",
    );
    m.file("/etc/other/text").make_folder();
    m.file("/etc/other/text/ticket-set-up.txt").write("Subject: other\n{ticket}\n");
    let named = "--config /etc/other/t.toml";
    let done = as_kim(&m, &format!("{named} bypass ada --yes --reason x"), "");
    assert!(matches!(done.code, Some(1 | 130)), "{done:?}");
    as_kim(&m, &format!("{named} bypass ada --yes --reason x"), &(m.code("kim") + "\n")).ok();
    assert!(m.logged("event=bypass_given")[0].contains("own_code=given"));
    m.run(format!("twinlock {named} invite eve").split(' ')).ok();
    let mail = m.file("/root/own").read();
    assert!(mail.contains("To: <eve@example.org>") && !mail.contains("Subject: other"), "{mail}");
    assert!(!m.file("/root/other").exists());
    let shown = m.run(format!("twinlock {named} settings show").split(' '));
    assert!(
        shown.ok().contains("\nwindow = 4 ") && shown.stdout.contains("require_own_code = true"),
        "{shown:?}"
    );
}

/// Checks that a wrong code of the acting user is counted in the ledger that the settings in /etc/twinlock set, even
/// if `--config` names a file with another ledger.
#[test]
fn own_codes_are_judged_by_the_records_of_etc_twinlock() {
    let m = machine();
    sh(
        &m,
        "cp -a /var/lib/twinlock /var/lib/other; rm -r /var/lib/other/users/kim; mkdir -m 700 /var/other-ledger",
    );
    m.file("/etc/twinlock/t.toml").write(
        "records = \"/var/lib/other\"\nledger = \"/var/other-ledger\"\nledger_persistent = true\n",
    );
    let words = "--config /etc/twinlock/t.toml bypass ada --yes --reason x";
    let done = as_kim(&m, words, &(m.wrong_code("kim") + "\n"));
    assert!(matches!(done.code, Some(1 | 130)), "{done:?}");
    assert_eq!(m.tries("kim"), 1, "{:?}", m.log());
    as_kim(&m, words, &(m.code("kim") + "\n")).ok();
    assert!(
        m.file("/var/lib/other/users/ada").exists() && m.logged("event=bypass_given").len() == 1
    );
}
