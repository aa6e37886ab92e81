//! Tests files whose path the caller gives. A sudoers rule for twinlock alone must not read, create or remove a file
//! that the caller could not.

use twinlock_tests::{Call, Finished, Machine};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// Content of a file that only root can read.
const SECRET: &str = "correct-horse-battery";

/// Creates a machine on which ada may run only twinlock as root, and bob is enrolled.
fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("bob").user("cy").enrolled("bob", KEY);
    m.settings("require_own_code = false\n");
    let rule = "ada ALL=(root) NOPASSWD: /usr/bin/twinlock *\n";
    m.file("/etc/sudoers.d/ada").write(rule).mode(0o440);
    m.file("/root/secret").write(format!("user,mail\n{SECRET},x\n")).mode(0o600);
    m
}

fn sudo<'m>(m: &'m Machine, words: &str) -> Call<'m> {
    let words = format!("sudo twinlock {words}");
    m.call(words.split(' ')).as_user("ada").logged_in("ada")
}

#[track_caller]
fn refused(done: &Finished, code: i32, said: &str) {
    assert_eq!(done.code, Some(code), "{done:?}");
    assert!(done.stderr.replace('\n', " ").contains(said), "{done:?}");
    assert!(!done.stderr.contains(SECRET) && !done.stdout.contains(SECRET), "{done:?}");
}

#[test]
fn files_are_made_as_the_invoking_user() {
    let m = machine();
    for verb in [
        "show-key bob --yes --png",
        "show-key bob --yes --svg",
        "backup-codes bob --yes --save",
        "enroll --from /home/ada/list --report",
    ] {
        m.file("/home/ada/list").write("user,mail\ncy,\n").mode(0o600).owner(m.uid("ada"));
        for place in ["/etc/nologin", "/run/nologin", "/etc/cron.d/x", "/root/x", "/home/bob/x"] {
            let done = sudo(&m, &format!("{verb} {place}")).output();
            assert!(matches!(done.code, Some(1 | 2)), "{verb} {place}: {done:?}");
            assert!(done.stderr.contains("home folder"), "{done:?}");
            assert!(!m.file(place).exists(), "{verb} {place}");
        }
        let open = sudo(&m, &format!("{verb} /tmp/x")).output();
        assert!(open.stderr.replace('\n', " ").contains("other users can write to the folder"));
        assert!(open.stderr.contains("home folder") && !m.file("/tmp/x").exists(), "{open:?}");
    }
    sudo(&m, "show-key bob --yes --png /home/ada/qr").output().ok();
    let made = m.run(["stat", "-c", "%a %U", "/home/ada/qr"]);
    assert_eq!(made.ok(), "600 ada\n");
}

#[test]
fn root_makes_nothing_in_system_folders() {
    let m = machine();
    m.file("/root/link").link_to("/etc");
    for place in ["/etc/nologin", "/run/nologin", "/nologin", "/root/link/nologin", "/tmp/x"] {
        let done = m.run(["twinlock", "show-key", "bob", "--yes", "--png", place]);
        refused(&done, 2, "home folder");
        assert!(!m.file(place).exists(), "{place}");
    }
}

/// The caller lets twinlock write the QR code to a picture file. While twinlock waits for the first code of the new
/// app, the caller replaces the folder of that file by a link to /etc. Checks that no file in /etc is changed.
#[test]
fn a_swapped_folder_costs_no_other_file() {
    for (user, end) in [("ada", "\x03"), ("ada", "\x04"), ("root", "\x03")] {
        let m = machine();
        let home = if user == "root" { "/root" } else { "/home/ada" };
        let folder = format!("{home}/folder");
        m.file(&folder).make_folder().mode(0o700).owner(m.uid(user));
        let words = format!("enroll cy --svg {folder}/shadow");
        let mut session = match user {
            "root" => m.call(format!("twinlock {words}").split(' ')).open(),
            _ => sudo(&m, &words).open(),
        };
        session.expect("now shown in the app: ");
        let shadow = m.file("/etc/shadow").read();
        m.run(["mv", &folder, &format!("{home}/aside")]).ok();
        m.file(&folder).link_to("/etc");
        session.send(end);
        session.expect("stopped; cy is not enrolled");
        // sudo ends by the same signal as the command.
        assert_ne!(session.exit_code(), Some(0), "{}", session.transcript());
        assert_eq!(m.file("/etc/shadow").read(), shadow);
        assert!(!m.file(&format!("{home}/aside/shadow")).exists(), "{user}");
    }
}

#[test]
fn files_are_read_as_the_invoking_user() {
    let m = machine();
    m.file("/home/ada/link").link_to("/root/secret");
    m.file("/home/ada/folder").make_folder().owner(m.uid("ada"));
    for path in ["/root/secret", "/home/ada/link", "/etc/shadow", "/proc/1/environ"] {
        refused(&sudo(&m, &format!("enroll --from {path}")).output(), 2, "cannot be read");
        let oath = sudo(&m, &format!("import oath {path}")).output();
        assert!(matches!(oath.code, Some(1 | 2)) && !oath.stderr.contains(SECRET), "{oath:?}");
        assert!(!oath.stderr.contains("root:"), "{oath:?}");
    }
    refused(&sudo(&m, "enroll --from /root/secret").output(), 2, "ada may not open it");
    refused(&sudo(&m, "import oath /root/secret").output(), 2, "ada may not open it");
    for path in ["/home/ada/folder", "/dev/null", "/dev/tty", "/run/log.sock"] {
        assert_eq!(sudo(&m, &format!("enroll --from {path}")).output().code, Some(2), "{path}");
    }
    let list = "user,mail\ncy,\n";
    for path in ["-", "/dev/stdin", "/proc/self/fd/0"] {
        let done = sudo(&m, &format!("enroll --from {path}")).input(list).output();
        assert!(done.stdout.contains("cy"), "{path}: {done:?}");
    }
    m.file("/home/ada/list").write(list).mode(0o600).owner(m.uid("ada"));
    let done = sudo(&m, "enroll --from /home/ada/list").output();
    assert!(done.stdout.contains("cy"), "{done:?}");
}

#[test]
fn users_files_of_the_invoking_user_are_imported() {
    let m = machine();
    let oath = "HOTP/T30 cy - 3132333435363738393031323334353637383930\n";
    m.file("/home/ada/users.oath").write(oath).mode(0o600).owner(m.uid("ada"));
    let done = sudo(&m, "import oath /home/ada/users.oath --remove-source").output();
    assert!(done.ok().contains("cy"), "{done:?}");
    assert!(!m.file("/home/ada/users.oath").exists());
}

/// In `import google`, the caller gives a pattern (`--file`) for the paths of users' files. Checks that an error
/// message quotes no line of a file that only root can read.
#[test]
fn patterns_for_google_quote_no_line() {
    let m = machine();
    m.file("/etc/gshadow").write(format!("root:{SECRET}::\n")).mode(0o640);
    for path in ["/etc/shadow", "/root/secret", "/etc/gshadow"] {
        let done = sudo(&m, &format!("import google cy --file {path}")).output();
        assert_eq!(done.code, Some(1), "{done:?}");
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(!said.contains(SECRET) && !said.contains("root:"), "{said}");
    }
}

#[test]
fn variables_that_name_nobody_open_nothing() {
    let m = machine();
    m.file("/root/list").write("user,mail\ncy,\n").mode(0o600);
    let from = |set: &[(&str, &str)]| {
        let call = m.call(["twinlock", "enroll", "--from", "/root/list"]);
        set.iter().fold(call, |call, (name, value)| call.env(name, value)).output()
    };
    for value in ["4294967295", "-1", "ada", "0x0", "12345", "", " 0"] {
        assert_eq!(from(&[("SUDO_UID", value)]).code, Some(4), "{value}");
    }
    assert_eq!(from(&[("DOAS_USER", "nobo")]).code, Some(4));
    let (ada, bob) = (m.uid("ada").to_string(), m.uid("bob").to_string());
    assert_eq!(from(&[("SUDO_UID", &ada), ("PKEXEC_UID", &bob)]).code, Some(4));
    refused(&from(&[("SUDO_UID", "0"), ("DOAS_USER", "ada")]), 2, "ada may not open it");
    refused(&from(&[("PKEXEC_UID", &ada)]), 2, "ada may not open it");
    assert!(from(&[("SUDO_UID", "0")]).stdout.contains("cy"));
}

/// Command lines that create a file for ada. The tests append the path of the file.
const MAKING: [&str; 4] = [
    "show-key bob --yes --png",
    "show-key bob --yes --svg",
    "backup-codes bob --yes --save",
    "enroll --from /home/ada/list --report",
];

/// A folder above ada's own folder can be changed by another user. Checks that twinlock, which ada runs by sudo, then
/// creates no file in ada's folder, whether the path names the folder directly or through a symbolic link, and even if
/// the folder above has the sticky bit.
#[test]
fn each_folder_above_a_new_file_is_closed_to_others() {
    let m = machine();
    let ada = m.uid("ada");
    m.file("/home/ada/list").write("user,mail\ncy,\n").mode(0o600).owner(ada);
    m.file("/home/ada/way").link_to("/srv/open/own");
    for (above, owner, mode) in [
        ("/srv/open", 0, 0o1777),
        ("/srv/open", 0, 0o777),
        ("/srv/open", ada, 0o775),
        ("/srv/open", m.uid("cy"), 0o755),
    ] {
        m.run(["rm", "-rf", above]).ok();
        m.file(above).make_folder().owner(owner);
        m.run(["chmod", &format!("{mode:o}"), above]).ok();
        m.file("/srv/open/own").make_folder().mode(0o700).owner(ada);
        for verb in MAKING {
            for path in ["/srv/open/own/x", "/home/ada/way/x"] {
                let done = sudo(&m, &format!("{verb} {path}")).output();
                assert!(matches!(done.code, Some(1 | 2)), "{verb} {path} {mode:o}: {done:?}");
                let said = done.stderr.replace('\n', " ");
                assert!(said.contains("/srv/open") && said.contains("home folder"), "{done:?}");
                assert!(!m.file("/srv/open/own/x").exists(), "{verb} {path}");
            }
        }
    }
    // The path is refused from inside the folder, too, and for root itself.
    let inside = "cd /srv/open/own && sudo twinlock show-key bob --yes --png x";
    let done = m.call(["sh", "-c", inside]).as_user("ada").logged_in("ada").output();
    refused(&done, 2, "belongs to another user");
    refused(
        &m.run(["twinlock", "show-key", "bob", "--yes", "--png", "/srv/open/own/x"]),
        2,
        "home folder",
    );
    m.file("/srv/open").owner(0);
    sudo(&m, "show-key bob --yes --png /home/ada/way/x").output().ok();
    assert!(m.file("/srv/open/own/x").exists());
}

#[test]
fn pipes_and_hard_links_are_neither_waited_for_nor_written() {
    let m = machine();
    m.file("/home/ada/list").write("user,mail\ncy,\n").mode(0o600).owner(m.uid("ada"));
    m.run(["mkfifo", "-m", "666", "/home/ada/fifo"]).ok();
    m.run(["sh", "-c", "cp -p /root/secret /home/secret && ln /home/secret /home/ada/hard && ln /home/ada/list /home/ada/second"])
        .ok();
    for verb in ["enroll --from", "import oath", "settings check"] {
        let done = sudo(&m, &format!("{verb} /home/ada/fifo")).output();
        assert!(matches!(done.code, Some(1 | 2)), "{verb}: {done:?}");
        assert!(done.stderr.contains("/home/ada/fifo"), "{verb}: {done:?}");
        let done = sudo(&m, &format!("{verb} /home/ada/hard")).output();
        refused(&done, 2, "ada may not open it");
    }
    for verb in MAKING {
        for path in ["/home/ada/fifo", "/home/ada/hard", "/home/ada/second"] {
            let done = sudo(&m, &format!("{verb} {path}")).output();
            assert!(matches!(done.code, Some(1 | 3)), "{verb} {path}: {done:?}");
            assert!(done.stderr.replace('\n', " ").contains("is not overwritten"), "{done:?}");
        }
    }
    assert!(m.file("/home/secret").read().contains(SECRET));
    // A FIFO of the caller may be the list: it is read until its writer closes it.
    let piped = "(printf 'user,mail\\ncy,\\n' >/home/ada/fifo &) ; sudo twinlock enroll --from /home/ada/fifo";
    let done = m.call(["sh", "-c", piped]).as_user("ada").logged_in("ada").output();
    assert!(done.stdout.contains("cy"), "{done:?}");
}

#[test]
fn drafts_of_settings_are_read_as_the_invoking_user() {
    let m = machine();
    m.file("/root/draft.toml").write(format!("tries = 1\n{SECRET} = 7\n")).mode(0o600);
    m.file("/home/ada/link").link_to("/root/draft.toml");
    for path in
        ["/root/draft.toml", "/home/ada/link", "/root/secret", "/etc/shadow", "/proc/1/environ"]
    {
        let done = sudo(&m, &format!("settings check {path}")).output();
        refused(&done, 2, "cannot be read");
        assert!(!done.stderr.contains("root:") && !done.stderr.contains("tries"), "{done:?}");
    }
    // If a draft belongs to the caller, its faulty lines are quoted.
    m.file("/home/ada/draft.toml").write("tries = 1\nwindw = 7\n").mode(0o600).owner(m.uid("ada"));
    let done = sudo(&m, "settings check /home/ada/draft.toml").output();
    assert!(done.code == Some(2) && done.stderr.contains("windw"), "{done:?}");
}

/// Checks that `--config`, which can name any file of root, shows the caller nothing of a file that they may not read.
#[test]
fn settings_of_root_are_not_quoted() {
    let m = machine();
    let faulty = format!("tries = 1\n{SECRET} = 7\n");
    m.file("/etc/twinlock/open.toml").write(&faulty);
    m.file("/etc/twinlock/closed.toml").write(&faulty).mode(0o600);
    m.file("/root/draft.toml").write(&faulty);
    m.file("/root/plain").write(format!("{SECRET}\n")).mode(0o644);
    m.file("/home/bob/own.toml").write(&faulty).mode(0o600).owner(m.uid("bob"));
    m.file("/home/ada/link").link_to("/root/draft.toml");
    let verbs =
        ["settings check", "settings show", "settings apply", "list", "why bob", "explain bob"];
    for verb in verbs {
        for path in [
            "/etc/twinlock/closed.toml",
            "/root/draft.toml",
            "/root/plain",
            "/root/secret",
            "/etc/shadow",
            "/home/bob/own.toml",
            "/home/ada/link",
        ] {
            let done = sudo(&m, &format!("--config {path} {verb}")).output();
            let said = format!("{}{}", done.stdout, done.stderr);
            assert!(
                done.code.is_some_and(|code| (1..=8).contains(&code)),
                "{verb} {path}: {done:?}"
            );
            assert!(!said.contains(SECRET) && !said.contains("root:"), "{verb} {path}: {said}");
        }
        // Root, and who may read the file, are told what is wrong with it.
        let quoted = "there is no setting";
        let done = sudo(&m, &format!("--config /etc/twinlock/open.toml {verb}")).output();
        assert!(told(&done).contains(quoted), "{verb}: {done:?}");
        let words = format!("twinlock --config /etc/twinlock/closed.toml {verb}");
        let done = m.run(words.split(' '));
        assert!(told(&done).contains(quoted), "{verb}: {done:?}");
    }
    let done = sudo(&m, "--config /etc/twinlock/closed.toml list").output();
    assert!(told(&done).contains("/etc/twinlock/closed.toml:2: there is a mistake"), "{done:?}");
}

/// Returns all output as one line.
fn told(done: &Finished) -> String {
    format!("{} {}", done.stdout, done.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}
