//! Tests the removal of the package: which PAM lines prevent it, wherever they are, and which do not.

use twinlock_tests::{Finished, Machine, repository};

const PRERM: &str = "/var/lib/twinlock.prerm";
const LINE: &str = "auth required pam_twinlock.so first_factor=publickey\n";
const MODULE: &str = "/usr/lib/x86_64-linux-gnu/security/pam_twinlock.so";

/// Creates a machine with twinlock's files, and with the script that dpkg runs before it removes the package.
fn machine() -> Machine {
    let m = Machine::new();
    m.files();
    let script = repository().join("packaging/debian/prerm");
    m.file(PRERM).write(std::fs::read(script).expect("packaging/debian/prerm is there"));
    m.run(["mkdir", "-p", "/etc/custom", "/etc/pam.d/sub/deep", "/usr/lib/pam.d"]).ok();
    m
}

fn removal(m: &Machine) -> Finished {
    m.run(["sh", PRERM, "remove"])
}

/// Checks that the removal is refused, and that the message names `place`, the file and line that name the module.
#[track_caller]
fn kept_by(m: &Machine, place: &str) {
    let refused = removal(m);
    assert_eq!(refused.code, Some(1), "{place}: {refused:#?}");
    let named = refused.stderr.contains(&format!("  {place}:\n"));
    assert!(named, "{place} is not named: {}", refused.stderr);
    assert!(!refused.stderr.contains('\x1b'), "{}", refused.stderr);
}

#[track_caller]
fn not_kept(m: &Machine, text: &str) {
    m.file("/etc/pam.d/a").write(text);
    let removed = removal(m);
    assert_eq!(removed.code, Some(0), "{text}: {}", removed.stderr);
}

#[test]
fn line_is_found_behind_each_kind_of_include() {
    let m = machine();
    m.file("/etc/custom/file").write(format!("# twinlock\n\n{LINE}"));
    for text in [
        "@include /etc/custom/file\n",
        "\t@InClude\t/etc/custom/file # all\n",
        "auth include /etc/custom/file\n",
        "-auth\tSUBSTACK\t/etc/custom/file\n",
        "auth [include] [/etc/custom/file]\n",
        "auth \\\n  substack \\\n  /etc/custom/file\n",
    ] {
        m.file("/etc/pam.d/a").write(text);
        kept_by(&m, "/etc/custom/file, line 3");
    }
    // The line is found through files that include each other in a circle.
    m.file("/etc/pam.d/a").write("auth include sub/deep/b\n");
    m.file("/etc/pam.d/sub/deep/b").write("@include a\n@include /etc/custom/c\n");
    m.file("/etc/custom/c").write("@include a\nauth include /etc/custom/file\n");
    kept_by(&m, "/etc/custom/file, line 3");
    m.file("/etc/pam.d/a").write("@include ../custom/file\n");
    m.file("/etc/pam.d/sub/deep/b").write("");
    kept_by(&m, "/etc/pam.d/../custom/file, line 3");
    not_kept(
        &m,
        "# @include /etc/custom/file\nauth required pam_unix.so # @include /etc/custom/file\n",
    );
}

#[test]
fn line_is_found_in_each_form_and_folder() {
    let m = machine();
    for (text, line) in [
        (LINE.to_owned(), 1),
        (format!("AUTH\tREQUIRED\t{MODULE} \x1b[31m"), 1),
        ("#\nauth \\\n# why\nrequired \\\n\n   pam_twinlock.so\n".to_owned(), 2),
        ("auth [success=ok \\\n default=die] pam_twinlock.so".to_owned(), 1),
        ("auth required pam_unix.so\n-session optional pam_twinlock.so \\".to_owned(), 2),
        ("#auth required \\\nauth required pam_twinlock.so\n".to_owned(), 2),
        (format!("\u{fe}\0\n{LINE}"), 2),
    ] {
        m.file("/etc/pam.d/a").write(&text);
        kept_by(&m, &format!("/etc/pam.d/a, line {line}"));
    }
    m.file("/etc/pam.d/a").remove();
    for file in ["/etc/pam.d/sub/deep/x", "/usr/lib/pam.d/x", "/etc/pam.conf"] {
        m.file(file).write(format!("sshd {LINE}"));
        kept_by(&m, &format!("{file}, line 1"));
        m.file(file).write("");
    }
    m.file("/etc/custom/file").write(LINE);
    for (link, target, place) in [
        ("/etc/pam.d/z", "/etc/custom/file", "/etc/pam.d/z, line 1"),
        ("/etc/pam.d/zz", "../custom", "/etc/pam.d/zz/file, line 1"),
    ] {
        m.file(link).link_to(target);
        kept_by(&m, place);
        m.file(link).remove();
    }
    // A link gives the module another name.
    m.run(["ln", "-s", MODULE, "/usr/lib/x86_64-linux-gnu/security/pam_second.so"]).ok();
    m.file("/etc/pam.d/a").write("auth required pam_second.so\n");
    kept_by(&m, "/etc/pam.d/a, line 1");
}

#[test]
fn comments_and_odd_files_keep_nothing() {
    let m = machine();
    m.run(["mkfifo", "/etc/pam.d/fifo"]).ok();
    m.file("/etc/pam.d/gone").link_to("/nowhere");
    m.file("/etc/pam.d/zero").link_to("/dev/zero");
    m.file("/etc/pam.d/sub/up").link_to("..");
    for text in [
        "",
        "# auth required pam_twinlock.so\n",
        "\t  #auth required \\\n#pam_twinlock.so\n",
        "auth required pam_unix.so # not pam_twinlock.so any more\n",
        "auth required \\\n# pam_twinlock.so\n pam_unix.so\n",
        "@include /dev/zero\n@include\nauth include /nowhere/at/all\n@include fifo\n",
    ] {
        not_kept(&m, text);
    }
}

#[test]
fn broken_command_or_reader_lets_nothing_slip() {
    let m = machine();
    m.file("/usr/bin/twinlock").write("#!/bin/false\n");
    m.file("/etc/pam.d/a").write(LINE);
    kept_by(&m, "/etc/pam.d/a, line 1");
    // Programs in the caller's own folder are not run.
    m.file("/tmp/perl").write("#!/bin/true\n").mode(0o755);
    let own = m.call(["sh", PRERM, "remove"]).env("PATH", "/tmp:/usr/bin:/bin").output();
    assert_eq!(own.code, Some(1), "{own:#?}");
    m.file("/usr/bin/perl").write("#!/bin/false\n");
    m.file("/etc/pam.d/a").write("");
    let refused = removal(&m);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("not every file of PAM can be read"), "{}", refused.stderr);
}
