//! Tests roles whose changes a second member of the role must approve.

use twinlock_tests::Machine;

use super::{acts, desk, gives_password, mails, open, outbox};

/// Requests a reset of ada as kim. Returns the id of the request, with which another member can approve it.
fn asked(m: &Machine) -> String {
    let done = acts(m, "kim", &["reset", "ada", "--reason", "lost phone"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let (_, id) = done.stdout.rsplit_once("twinlock approve ").expect("a request");
    id.trim().to_owned()
}

#[test]
fn approval_needs_another_session() {
    let m = desk("approve = 2\n");
    m.person("una").run(["usermod", "-aG", "helpdesk", "una"]).ok();
    let id = asked(&m);
    assert!(outbox(&m).is_empty(), "{}", outbox(&m));
    assert!(m.logged("event=role_requested")[0].contains("user=ada verb=reset role=desk"));
    // Kim may not approve her own request, neither in her own session nor as lee in a session that she began herself.
    let own = acts(&m, "kim", &["approve", &id]);
    assert_eq!(own.code, Some(4), "{own:?}");
    assert!(own.stdout.contains("Another member of the role must approve"), "{own:?}");
    let words = ["twinlock", "approve", &id];
    let mut by_su = m.call(words).as_user("lee").logged_in("kim").open();
    by_su.expect("Log in yourself to approve a request");
    assert_eq!(by_su.exit_code(), Some(4), "{}", by_su.transcript());
    let listed = acts(&m, "lee", &["requests"]);
    assert!(
        listed.stdout.contains(&format!("{id} reset ada asked by kim (role desk)")),
        "{listed:?}"
    );
    assert!(listed.stdout.contains("lost phone"), "{listed:?}");
    let done = acts(&m, "lee", &["approve", &id]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let log = m.logged("event=reset");
    let (kim, lee) = (m.uid("kim"), m.uid("lee"));
    let who = format!("own_code=given requested_by=uid:{kim} actor=uid:{lee}");
    assert!(
        log[0].contains("user=ada role=desk reason=lost%20phone") && log[0].contains(&who),
        "{log:?}"
    );
    assert!(mails(&m).contains("approved by lee"));
    // A request is used once.
    let twice = acts(&m, "una", &["approve", &id]);
    assert_eq!(twice.code, Some(3), "{twice:?}");
    assert!(twice.stdout.contains("There is no such request"), "{twice:?}");
}

#[test]
fn nobody_but_a_proven_member_approves() {
    let m = desk("approve = 2\n");
    let id = asked(&m);
    // ada is the target of the request, and sam is no member of the role.
    for user in ["ada", "sam"] {
        let other = acts(&m, user, &["approve", &id]);
        assert_eq!(other.code, Some(4), "{other:?}");
    }
    // A wrong code approves nothing.
    let mut s = open(&m, "lee", &["approve", &id]);
    assert!(gives_password(&mut s));
    s.send_line(&m.wrong_code("lee"))
        .expect("That code is wrong.")
        .expect("code of your app: ")
        .send("\x04");
    assert_eq!(s.exit_code(), Some(130), "{}", s.transcript());
    assert!(m.run(["twinlock", "status", "ada"]).ok().contains("is enrolled"));
}

#[test]
fn requests_are_roots_and_end() {
    let m = desk("approve = 2\n");
    let id = asked(&m);
    let folder = "/run/twinlock-agent/requests";
    let modes = m.run(["stat", "-c", "%a %u", folder]);
    assert_eq!(modes.ok(), "700 0\n");
    assert_ne!(m.run_as("kim", ["ls", folder]).code, Some(0));
    for odd in ["", "../x", "zzzzzzzz", "00000000", &id.to_uppercase(), &format!("{id}0")] {
        if *odd == *id {
            continue;
        }
        let done = acts(&m, "lee", &["approve", odd]);
        assert_eq!(done.code, Some(3), "{odd}: {done:?}");
    }
    // Changes the time in the request to ten minutes earlier.
    let path = format!("{folder}/{id}");
    let text = m.file(&path).target();
    let mut lines: Vec<&str> = text.split('\n').collect();
    let earlier = (lines[6].parse::<u64>().unwrap().saturating_sub(601)).to_string();
    lines[6] = &earlier;
    m.file(&path).remove();
    m.file(&path).link_to(&lines.join("\n"));
    if lines[6] != "0" {
        let late = acts(&m, "lee", &["approve", &id]);
        assert_eq!(late.code, Some(3), "{late:?}");
        assert!(acts(&m, "lee", &["requests"]).stdout.contains("No request is open"));
        assert!(!m.file(&path).exists());
    }
    // Both members must have the right when it is approved.
    let id = asked(&m);
    m.run(["gpasswd", "-d", "kim", "helpdesk"]).ok();
    let done = acts(&m, "lee", &["approve", &id]);
    assert_eq!(done.code, Some(4), "{done:?}");
    assert!(m.run(["twinlock", "status", "ada"]).ok().contains("is enrolled"));
}

#[test]
fn requests_that_have_ended_take_no_place() {
    let m = desk("approve = 2\n");
    let id = asked(&m);
    let folder = "/run/twinlock-agent/requests";
    let text = m.file(&format!("{folder}/{id}")).target();
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines[6] = "0";
    let ended = lines.join("\n");
    let fill = "for n in $(seq 256); do ln -s \"$0\" \"$1/$(printf %08x $n)\"; done";
    m.run(["sh", "-c", fill, &ended, folder]).ok();
    asked(&m);
    let left = m.run(["ls", folder]);
    assert_eq!(left.ok().lines().count(), 2, "{left:?}");
}

#[test]
fn two_approvals_at_the_same_instant_make_one_change() {
    let m = desk("approve = 2\n");
    m.person("una").run(["usermod", "-aG", "helpdesk", "una"]).ok();
    let id = asked(&m);
    let mut both: Vec<_> = ["lee", "una"]
        .map(|user| {
            let mut s = open(&m, user, &["approve", &id]);
            assert!(gives_password(&mut s));
            (s, m.code(user))
        })
        .into();
    m.at_once("twinlock-agent-", &mut both);
    let mut codes: Vec<_> = both.iter_mut().map(|(s, _)| s.exit_code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(3)]);
    assert_eq!(m.logged("event=reset").len(), 1);
}
