//! Tests the roles file: who may have write access to it, and the command `twinlock roles`.

use twinlock_tests::Machine;

use super::{ROLES, acts, desk, role};

/// Checks that kim can use no role, that the command says why, and that `twinlock roles check` fails. `what` names the
/// case in the test's own messages.
#[track_caller]
fn refused(m: &Machine, what: &str) {
    let done = acts(m, "kim", &["status", "ada"]);
    assert_eq!(done.code, Some(6), "{what}: {done:?}");
    assert!(done.stdout.contains("roles of this host cannot be used"), "{what}: {done:?}");
    let check = m.run(["twinlock", "roles", "check"]);
    assert_eq!(check.code, Some(2), "{what}: {check:?}");
}

#[test]
fn roles_file_that_others_may_write_refuses() {
    let m = desk("");
    let file = m.file(ROLES);
    file.mode(0o666);
    refused(&m, "mode");
    file.mode(0o664);
    refused(&m, "group");
    file.mode(0o644).owner(m.uid("ada"));
    refused(&m, "owner");
    file.owner(0);
    m.run(["ln", ROLES, "/etc/twinlock/second"]).ok();
    refused(&m, "second name");
    m.file("/etc/twinlock/second").remove();
    m.file("/etc/twinlock").mode(0o777);
    let folder = acts(&m, "kim", &["status", "ada"]);
    assert_ne!(folder.code, Some(0), "{folder:?}");
    m.file("/etc/twinlock").mode(0o755);
    m.run(["mv", ROLES, "/root/roles"]).ok();
    file.link_to("/root/roles");
    refused(&m, "link");
}

#[test]
fn roles_file_with_a_mistake_refuses_every_role() {
    let m = desk("");
    let file = m.file(ROLES);
    let (misspelt, long) = (role("aprove = 2\n"), role(&"#".repeat(70_000)));
    for text in ["", "protected = []\n", "\0", "[[role]]\n", &misspelt, &long, &role("")[..150]] {
        file.write(text);
        refused(&m, text.get(..20).unwrap_or(text));
    }
    assert!(m.logged("reason=roles_file")[0].contains("event=role_refused"));
    file.write(role(""));
    assert_eq!(acts(&m, "kim", &["status", "ada"]).code, Some(0));
    file.remove();
    assert_eq!(acts(&m, "kim", &["status", "ada"]).code, Some(4));
}

#[test]
fn init_protects_the_powerful_and_keeps_an_existing_file() {
    let m = desk("");
    let kept = m.run(["twinlock", "roles", "init"]);
    assert_eq!(kept.code, Some(3), "{kept:?}");
    assert_eq!(m.file(ROLES).read(), role(""));
    m.file(ROLES).remove();
    m.run(["groupadd", "ops"]).ok();
    m.file("/etc/sudoers.d/ops").write("%ops ALL=(ALL) ALL\n%gone ALL=(ALL) ALL\n").mode(0o440);
    let done = m.run(["twinlock", "roles", "init"]);
    assert!(done.ok().contains("was written"), "{done:?}");
    let text = m.file(ROLES).read();
    for group in ["\"root\"", "\"sudo\"", "\"docker\"", "\"shadow\"", "\"ops\""] {
        assert!(text.contains(group), "{group}: {text}");
    }
    assert!(!text.contains("gone") && !text.contains("wheel"), "{text}");
    assert!(m.run(["twinlock", "roles", "check"]).ok().contains("0 roles, no mistake"));
    assert_eq!(acts(&m, "kim", &["status", "ada"]).code, Some(4));
    // An empty file is a file, and is kept.
    m.file(ROLES).write("");
    assert_eq!(m.run(["twinlock", "roles", "init"]).code, Some(3));
    assert_eq!(m.file(ROLES).read(), "");
    m.file(ROLES).remove();
    m.file("/etc/twinlock").mode(0o777);
    assert_eq!(m.run(["twinlock", "roles", "init"]).code, Some(2));
}

#[test]
fn check_and_show_say_what_is_in_force() {
    let m = desk("approve = 2\nnotify = \"s@example.org\"\n");
    let shown = m.run(["twinlock", "roles", "show"]).ok().to_owned();
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Protected: root, sudo, docker",
        "desk: members of helpdesk may run status, why, unlock, reset, bypass for members of people, 10 times a day, if another member approves.",
        "s@example.org is told.",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    m.file("/root/draft").write(role("per_dya = 3\n"));
    let check = m.run(["twinlock", "roles", "check", "/root/draft"]);
    assert_eq!(check.code, Some(2), "{check:?}");
    assert!(check.stderr.contains("/root/draft:7: there is no setting per_dya"), "{check:?}");
    assert!(check.stderr.contains("Did you mean per_day?"), "{check:?}");
    for verb in [&["show"][..], &["check"], &["init"]] {
        let words = ["twinlock", "roles"].into_iter().chain(verb.iter().copied());
        let done = m.call(words).as_user("kim").output();
        assert_eq!(done.code, Some(4), "{done:?}");
    }
}
