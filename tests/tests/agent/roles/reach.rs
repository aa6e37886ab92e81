//! Tests users whose accounts no role may manage.

use twinlock_tests::Machine;

use super::{ROLES, acts, desk, outbox, role};

/// Returns a machine with accounts that the role does not manage, although they are in its group people. Each account
/// is excluded for another reason.
fn protected() -> Machine {
    let m = desk("");
    for user in ["gus", "lin", "eve", "pat"] {
        m.person(user);
    }
    // gus is in a protected group, lin has one as the primary group, and eve is in another group with the same id as
    // one.
    m.run(["usermod", "-aG", "docker", "gus"]).ok();
    m.run(["usermod", "-g", "sudo", "lin"]).ok();
    let gid = m.run(["getent", "group", "sudo"]).ok().split(':').nth(2).unwrap().to_owned();
    m.file("/etc/group").append(format!("admins:x:{gid}:eve\n"));
    // A second name of pat's user id.
    let uid = m.uid("pat");
    m.file("/etc/passwd").append(format!("patroot:x:{uid}:{uid}::/home/pat:/bin/sh\n"));
    for user in ["root", "daemon", "nobody", "gus", "lin", "eve", "pat", "lee", "kim"] {
        m.run(["usermod", "-aG", "people", user]).ok();
    }
    m
}

#[test]
fn role_never_reaches_protected() {
    let m = protected();
    for (user, reason) in [
        ("root", "system_account"),
        ("daemon", "system_account"),
        ("nobody", "system_account"),
        ("sam", "protected"),
        ("gus", "protected"),
        ("lin", "protected"),
        ("eve", "protected"),
        ("pat", "second_name"),
        ("patroot", "second_name"),
        ("lee", "role_member"),
        ("kim", "own_account"),
    ] {
        for verb in ["status", "reset"] {
            // kim needs no role for her own status.
            if (verb, user) == ("status", "kim") {
                continue;
            }
            let before = m.log().len();
            let reason_given = if verb == "reset" { &["--reason", "x"][..] } else { &[] };
            let done = acts(&m, "kim", &[&[verb, user], reason_given].concat());
            assert_eq!(done.code, Some(4), "{verb} {user}: {done:?}");
            let log = m.log().split_off(before);
            let found = log.iter().any(|line| {
                line.contains("event=role_refused") && line.contains(&format!("reason={reason}"))
            });
            assert!(found, "{verb} {user}: {log:?}");
        }
    }
    assert!(outbox(&m).is_empty(), "{}", outbox(&m));
    let other = acts(&m, "kim", &["reset", "zoe", "--reason", "x"]);
    assert_eq!(other.code, Some(3), "{other:?}");
}

#[test]
fn a_right_that_is_taken_away_is_gone_at_once() {
    let m = desk("");
    let mut s = super::open(&m, "kim", &["reset", "ada", "--reason", "x"]);
    assert!(super::gives_password(&mut s));
    m.run(["gpasswd", "-d", "kim", "helpdesk"]).ok();
    s.send_line(&m.code("kim")).expect("No role lets you do this");
    assert_eq!(s.exit_code(), Some(4), "{}", s.transcript());
    assert!(outbox(&m).is_empty());
}

#[test]
fn without_a_mail_address_no_role_reaches_a_user() {
    let m = desk("");
    m.settings("");
    let done = acts(&m, "kim", &["reset", "ada", "--reason", "x"]);
    assert_eq!(done.code, Some(3), "{done:?}");
    assert!(done.stdout.contains("No mail address of that user is known"), "{done:?}");
}

#[test]
fn unresolvable_group_refuses_role() {
    let m = desk("");
    for (protected, over) in [("wheel", "people"), ("sudo", "nogroup-here")] {
        let text = role("").replace("\"docker\"", &format!("\"{protected}\""));
        m.file(ROLES).write(text.replace("\"people\"", &format!("\"{over}\"")));
        for words in [&["reset", "ada", "--reason", "x"][..], &["status", "ada"], &["requests"]] {
            let done = acts(&m, "kim", words);
            assert_eq!(done.code, Some(6), "{done:?}");
            assert!(done.stdout.contains("roles of this host cannot be used"), "{done:?}");
        }
        let check = m.run(["twinlock", "roles", "check"]);
        assert_eq!(check.code, Some(2), "{check:?}");
        assert!(check.stderr.contains("there is no group"), "{check:?}");
    }
    assert!(m.logged("reason=group_unresolved")[0].contains("group=wheel"));
    m.file(ROLES).write(role(""));
    assert_eq!(acts(&m, "kim", &["status", "ada"]).code, Some(0));
}

#[test]
fn odd_names_reach_nobody() {
    let m = desk("");
    let long = "a".repeat(300);
    let uid = m.uid("ada").to_string();
    for name in ["../ada", "ada\n", "ADA", "a b", "-", "%61da", &long, &uid, "ada ", "\u{202e}ada"]
    {
        let done = acts(&m, "kim", &["reset", name, "--reason", "x"]);
        assert!(matches!(done.code, Some(1..=6)), "{name:?}: {done:?}");
    }
    for reason in ["a\nb", &"x".repeat(129), " "] {
        let done = acts(&m, "kim", &["reset", "ada", "--reason", reason]);
        assert_eq!(done.code, Some(2), "{reason:?}: {done:?}");
    }
    assert!(outbox(&m).is_empty(), "{}", outbox(&m));
    assert!(m.log().iter().all(|line| !line.contains('\u{202e}')));
}

/// Checks that the agent asks NSS for the present groups of the caller, since a process keeps the groups that its user
/// had at the login.
#[test]
fn stale_groups_do_not_count() {
    let m = desk("");
    m.run(["gpasswd", "-d", "kim", "helpdesk"]).ok();
    let uid = m.uid("kim").to_string();
    let own = ["setpriv", "--reuid", &uid, "--regid", &uid];
    let with = |groups: &[&str], words: &[&str]| {
        let line = [&own[..], groups, &["twinlock"], words].concat();
        m.call(line.iter().copied()).logged_in("kim").output()
    };
    let still = ["--groups", "helpdesk"];
    assert!(
        m.call(own.iter().chain(&still).chain(&["id"]).copied())
            .output()
            .stdout
            .contains("(helpdesk)")
    );
    for words in [&["status", "ada"][..], &["reset", "ada", "--reason", "x"], &["requests"]] {
        let done = with(&still, words);
        assert_eq!(done.code, Some(4), "{words:?}: {done:?}");
    }
    assert_eq!(m.logged("reason=no_role").len(), 3, "{:?}", m.log());
    // A new member needs no new login.
    m.run(["usermod", "-aG", "helpdesk", "kim"]).ok();
    let done = with(&["--clear-groups"], &["requests"]);
    assert_eq!(done.code, Some(0), "{done:?}");
}
