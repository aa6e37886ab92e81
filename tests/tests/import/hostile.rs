//! Imports from home folders of hostile users. Checks that an import reads only the user's own file, never waits, and
//! writes nothing in the folder, and that a killed import leaves the old or the new state.

use twinlock_tests::{Finished, Machine, Otp};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const FILE: &str = "/home/ada/.google_authenticator";

fn machine() -> Machine {
    let m = Machine::new();
    m.user("ada").user("eve").bare();
    m.app("ada", &Otp::new(KEY));
    m
}

fn text() -> String {
    format!("{KEY}\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n12345678\n23456789\n34567890\n")
}

/// Writes the file of Google's program to the home folder of `user`, with the owner and mode that the program sets.
fn write(m: &Machine, user: &str) {
    let file = format!("/home/{user}/.google_authenticator");
    m.file(&file).write(text()).mode(0o400).owner(m.uid(user));
}

fn import(m: &Machine, words: &str) -> Finished {
    m.run(format!("twinlock import google {words}").split(' '))
}

fn sh(m: &Machine, script: &str) {
    m.run(["sh", "-euc", script]).ok();
}

/// Changes to ada's file before an import by root, each with the expected message.
const TRAPS: [(&str, &str); 18] = [
    ("mkfifo -m 600 $F; chown ada $F", "it is not a regular file"),
    ("mkdir $F; chown ada $F", "it is not a regular file"),
    ("cp -a /dev/zero $F", "it is not a regular file"),
    ("mknod $F b 7 99", "it is not a regular file"),
    (
        "perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => shift, Listen => 1) or die' $F",
        "it is not a regular file",
    ),
    ("ln -s /etc/shadow $F", "is a symbolic link"),
    ("ln -s /dev/zero $F", "is a symbolic link"),
    ("ln -s .google_authenticator $F", "is a symbolic link"),
    ("mv /home/ada /home/real; ln -s real /home/ada; chmod 775 /home", "is a symbolic link"),
    ("truncate -s 1G $F; chmod 600 $F; chown ada $F", "it is too large"),
    ("head -c 70000 /dev/zero >$F; chmod 600 $F; chown ada $F", "it is too large"),
    ("cp /etc/shadow /home/s; ln /home/s $F", "a second hard link"),
    ("cp -a /home/eve/.google_authenticator $F", "belongs to another user"),
    (
        "cp /home/eve/.google_authenticator $F; chown ada $F; ln $F /home/ada/x",
        "a second hard link",
    ),
    (
        "cp /home/eve/.google_authenticator $F; chown ada $F; chmod 640 $F",
        "accessible to other users",
    ),
    (
        "cp -a /home/eve/.google_authenticator $F; chown ada $F; chmod 777 /home/ada",
        "accessible to other users",
    ),
    (
        "cp -a /home/eve/.google_authenticator $F; chown ada $F; chown eve /home/ada",
        "belongs to another user",
    ),
    (": >$F; chmod 600 $F; chown ada $F", "it is empty"),
];

#[test]
fn no_trap_in_a_home_is_walked_into_and_nobody_else_suffers() {
    for (trap, said) in TRAPS {
        let m = machine();
        write(&m, "eve");
        sh(&m, &format!("F={FILE}; {trap}"));
        let before = (m.tree("/home"), m.tree("/etc/shadow"));
        let done = import(&m, "ada eve");
        let told = done.stdout.replace("\n    ", " ");
        assert_eq!(done.code, Some(1), "{trap}: {told}");
        assert!(told.contains("ada: not imported: ") && told.contains(said), "{trap}: {told}");
        assert!(told.contains("eve: imported\n"), "{trap}: {told}");
        assert_eq!((m.tree("/home"), m.tree("/etc/shadow")), before, "{trap}");
    }
}

/// Checks that accounts with no home folder, or with one that is shared or odd, are skipped by an import with `--all`,
/// and refused if the command names them.
#[test]
fn odd_homes_are_passed_over_among_all_and_told_one_by_one() {
    let m = machine();
    write(&m, "ada");
    write(&m, "eve");
    for (name, home) in [
        ("up", "/home/../home/ada"),
        ("relative", "home/ada"),
        ("none", ""),
        ("slash", "/"),
        ("gone", "/nonexistent"),
        ("null", "/dev/null"),
        ("odd", "/home/\u{1b}[2J\u{e9}"),
        ("twin", "/home/ada"),
    ] {
        let uid = 30_000 + u32::from(name.as_bytes()[0]) * 100 + u32::from(name.as_bytes()[1]);
        m.file("/etc/passwd").append(format!("{name}:x:{uid}:{uid}::{home}:/bin/sh\n"));
        let one = import(&m, name);
        assert_ne!(one.code, Some(0), "{name}: {one:?}");
        assert!(one.stdout.contains(&format!("{name}: not imported: ")), "{name}: {one:?}");
        assert!(!one.stdout.contains('\u{1b}'), "{one:?}");
    }
    let all = import(&m, "--all");
    assert_eq!(all.code, Some(1), "{all:?}");
    let told = all.stdout.replace("\n    ", " ");
    assert!(told.contains("ada: imported\n") && told.contains("eve: imported\n"), "{told}");
    assert!(told.contains("twin: not imported: /home/ada/.google_authenticator: it, or a folder"));
    assert_eq!(told.matches("not imported: ").count(), 1, "{told}");
}

#[test]
fn roots_own_links_on_the_way_are_followed() {
    let m = machine();
    sh(&m, "mkdir -p /var/home; mv /home/ada /var/home/; ln -s ../var/home/ada /home/ada");
    m.file(FILE).write(text()).mode(0o600).owner(m.uid("ada"));
    let up = import(&m, "ada");
    assert!(up.stdout.contains("is a symbolic link"), "a way that goes up is not gone: {up:?}");
    sh(&m, "rm /home/ada; ln -s /var/home/ada /home/ada");
    assert!(import(&m, "ada").ok().starts_with("ada: imported\n"));
    m.file("/root/.google_authenticator").write(text().replace("JBSW", "JBSX")).mode(0o400);
    assert!(import(&m, "root").ok().starts_with("root: imported\n"));
    assert_eq!(m.asked("root", "12345678").code, Some(0));
}

#[test]
fn a_race_for_the_files_place_gives_nothing_away() {
    let m = machine();
    write(&m, "ada");
    sh(&m, "cp -p /etc/shadow /tmp/shadow");
    let script = "cd /home/ada; cp -p .google_authenticator own; while :; do \
                  ln -sf /etc/shadow .google_authenticator; \
                  cp -fp own new; mv -f new .google_authenticator; \
                  ln -sf /tmp/shadow link; mv -f link .google_authenticator; done";
    let racer = m.call(["sh", "-c", script]).as_user("ada").open();
    let before = m.tree("/etc/shadow");
    for _ in 0..60 {
        let done = import(&m, "--remove-source --json ada");
        assert!(!done.stdout.contains("root:"), "{done:?}");
        m.run(["twinlock", "remove", "ada", "--yes"]);
    }
    drop(racer);
    assert_eq!(m.tree("/etc/shadow"), before);
    assert!(m.file("/tmp/shadow").exists());
}

#[test]
fn a_home_that_only_its_owner_may_enter_is_read_as_its_owner() {
    let m = machine();
    write(&m, "ada");
    sh(&m, "chmod 700 /home/ada");
    // Root lacks its capabilities over files of other users, as in a home folder on a file server.
    let squashed = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"];
    let command = ["twinlock", "import", "google", "--remove-source", "ada"];
    let done = m.run(squashed.into_iter().chain(command));
    assert!(done.ok().starts_with("ada: imported\n"), "{done:?}");
    assert!(!m.file(FILE).exists());
}

/// Names of system calls that change something.
const CHANGES: [&str; 9] = [
    "symlinkat",
    "mkdirat",
    "renameat2",
    "unlinkat",
    "fsync",
    "write",
    "utimensat",
    "fchmod",
    "fchmodat",
];
const IMPORT: [&str; 5] = ["twinlock", "import", "google", "--remove-source", "ada"];

/// Removes all records, used codes and code sets, and restores ada's file.
fn begin_again(m: &Machine) {
    let script = "rm -rf /var/lib/twinlock/users/ada /var/lib/twinlock/uids/* /run/twinlock/users \
                  /home/ada/.twinlock-gone.*; cp -p /tmp/source $F.new; mv $F.new $F";
    sh(m, &script.replace("$F", FILE));
}

/// Kills the import at the `nth` call named `call`. Returns whether it had completed before.
fn cut(m: &Machine, call: &str, nth: usize, code: &str) -> bool {
    begin_again(m);
    let inject = format!("inject={call}:signal=KILL:when={nth}");
    let done = m.call(IMPORT).strace("/tmp/trace", &["-qq", "-e", &inject]).output();
    let status = m.run(["twinlock", "status", "--json", "ada"]).stdout;
    let whole = m.file(FILE).exists() && m.file(FILE).read().contains(KEY);
    if status.contains("\"not enrolled\"") {
        assert!(whole, "{call} {nth}: nobody is enrolled, and the file is gone");
        assert_eq!(m.run(IMPORT).code, Some(0), "{call} {nth}");
    } else {
        assert!(status.contains("\"enrolled\""), "{call} {nth}: {status}");
    }
    assert_ne!(m.asked("ada", code).code, Some(0), "{call} {nth}: a used code works");
    done.code == Some(0)
}

#[test]
fn cut_off_anywhere_it_leaves_the_old_state_or_the_new_one() {
    let m = machine();
    write(&m, "ada");
    let code = m.code("ada");
    let used = twinlock_tests::now() / 30;
    let text = text().replace("DISALLOW_REUSE", &format!("DISALLOW_REUSE {used}"));
    m.file(FILE).write(text).mode(0o400);
    sh(&m, &format!("cp -p {FILE} /tmp/source"));
    let mut cuts = 0;
    for call in CHANGES {
        let last = (1..40).find(|nth| cut(&m, call, *nth, &code));
        cuts += last.expect("an import makes fewer than forty calls of a kind") - 1;
    }
    assert!(cuts >= 15, "{cuts}");
    begin_again(&m);
    assert_eq!(m.run(IMPORT).code, Some(0));
    for scratch in ["12345678", "23456789"] {
        assert_eq!(m.asked("ada", scratch).code, Some(0), "{scratch}");
    }
}
