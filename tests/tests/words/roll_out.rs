//! Compares the output of commands that list, enroll or move many users.

use twinlock_tests::Scratch;

use crate::script;

const BOB: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

#[test]
fn list() {
    let mut s = script("list");
    s.m.file("/etc/group").append("dev:x:3000:ada,bob\n");
    s.both("list");
    s.both("list --group dev");
    s.both("list --group dev --not-enrolled");
    s.both("list --group dev --csv");
    s.pipe("list --group nobo", &[]);
    s.pipe("list --csv --json", &[]);
    s.pipe("list ada", &[]);
    s.unprivileged("list");
    s.finish();
}

#[test]
fn status() {
    let mut s = script("status");
    s.m.scratch("ada", Scratch::FEW);
    s.both("status ada");
    s.both("status bob");
    s.pipe("status nobo", &[]);
    s.pipe("status", &[]);
    s.unprivileged("status ada");
    s.m.run(["twinlock", "reset", "ada", "--yes"]).ok();
    s.both("status ada");
    s.m.file("/run/twinlock").mode(0o777);
    s.pipe("status kim", &[]);
    s.finish();
}

#[test]
fn why() {
    let mut s = script("why");
    s.m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    s.both("why ada");
    let wrong = format!("{}\n", s.m.wrong_code("ada")).repeat(3);
    s.m.pamtester("probe", "ada").input(wrong + "\n").output();
    s.m.settings("[throttle]\nin_a_row = 3\n");
    s.both("why ada");
    s.pipe("why nobo", &[]);
    s.unprivileged("why ada");
    s.m.file("/run/twinlock").mode(0o777);
    s.pipe("why ada", &[]);
    s.finish();
}

#[test]
fn explain() {
    let mut s = script("explain");
    s.both("explain ada --service su");
    s.m.pam("su", "auth required pam_twinlock.so first_factor=stack nullok\n");
    s.both("explain ada --service su");
    s.both("explain bob --service su");
    s.pipe("explain nobo", &[]);
    s.pipe("explain ada@web01", &[]);
    s.pipe("explain", &[]);
    s.unprivileged("explain ada");
    s.finish();
}

#[test]
fn verify() {
    let mut s = script("verify");
    s.m.scratch("kim", Scratch::FEW);
    for typed in ["OWN", "WRONG", "12345678", "hunter2", ""] {
        s.pipe("verify kim", &[typed]);
    }
    let anew = |s: &crate::script::Script| {
        s.m.run(["sh", "-c", "rm -f /run/twinlock/users/kim/used.* /run/twinlock/users/*/try.*"]);
    };
    anew(&s);
    s.terminal("verify kim", &["OWN"]);
    s.terminal("verify kim", &["WRONG"]);
    anew(&s);
    s.terminal("verify ada", &["OWN", "WRONG"]);
    s.pipe("verify bob", &[]);
    s.pipe("verify nobo", &[]);
    s.unprivileged("verify kim");
    s.finish();
}

#[test]
fn enroll() {
    let mut s = script("enroll");
    s.pipe("enroll", &[]);
    s.pipe("enroll ada", &[]);
    s.pipe("enroll nobo", &[]);
    s.pipe("enroll bob --secret-stdin", &["OWN", "no key"]);
    s.pipe("enroll bob --secret-stdin", &["OWN", BOB, "hunter2"]);
    s.pipe("enroll bob --from /none", &[]);
    s.unprivileged("enroll bob");
    s.m.file("/root/people.csv").write("user,mail\nbob,bob@example.org\nnobo,\nada,\n");
    s.pipe("enroll --from /none", &[]);
    s.pipe("enroll --from /etc/passwd", &[]);
    s.m.settings("sendmail = \"/bin/true\"\n");
    s.pipe("enroll --from /root/people.csv", &["OWN"]);
    s.terminal("enroll --from /root/people.csv", &["OWN"]);
    s.pipe("enroll --from /root/people.csv --report /root/people.csv", &[]);
    s.pipe("--json enroll --from /root/people.csv", &["OWN"]);
    s.finish();
}

#[test]
fn invite_group() {
    let mut s = script("invite-group");
    s.m.file("/etc/group").append("dev:x:3000:ada,bob,root\n");
    s.pipe("invite --group dev", &[]);
    s.pipe("invite --group nobo --until 2099-01-31", &[]);
    s.pipe("invite --group dev --until 2001-01-31", &[]);
    s.pipe("invite --group dev --until tomorrow", &[]);
    s.terminal("invite --group dev --until 2099-01-31", &[]);
    s.pipe("invite --group dev --until 2099-01-31 --dry-run --report /root/report", &[]);
    s.pipe("invite --group dev --until 2099-01-31 --report /root/report", &["OWN"]);
    s.pipe("invite --group dev --until 2099-01-31", &["OWN"]);
    s.terminal("invite --group dev --until 2099-01-31", &["OWN"]);
    s.unprivileged("invite --group dev --until 2099-01-31");
    s.finish();
}

#[test]
fn import() {
    let mut s = script("import");
    s.pipe("import uri bob", &[]);
    s.pipe("import uri ada", &[]);
    s.pipe("import uri bob", &["otpauth://totp/x?secret=JBSW"]);
    s.pipe("import uri bob", &["OWN", &format!("otpauth://totp/box:bob?secret={BOB}")]);
    s.m.run(["twinlock", "remove", "bob", "--yes"]).ok();
    let seed = include_str!("../../fuzz/seeds/migration/two");
    s.pipe("import migration bob", &[]);
    s.pipe("import migration bob", &[seed]);
    s.pipe("import migration bob --name token", &["OWN", seed]);
    s.pipe("import migration bob --name token", &["OWN", seed]);
    s.pipe("import migration ada --name box", &["OWN", seed]);
    s.pipe("import record ada", &["odd"]);
    s.unprivileged("import record ada");
    s.pipe("import google ada", &["OWN"]);
    s.pipe("import google", &[]);
    s.pipe("import oath /none", &[]);
    s.pipe("import", &[]);
    s.finish();
}

#[test]
fn export() {
    let mut s = script("export");
    s.terminal("export ada", &[]);
    s.pipe("export bob", &[]);
    s.pipe("export nobo", &[]);
    s.pipe("export", &[]);
    s.unprivileged("export ada");
    s.finish();
}

#[test]
fn unlock() {
    let mut s = script("unlock");
    s.m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    s.pipe("unlock ada", &[]);
    for how in ["pipe", "terminal"] {
        let wrong = format!("{}\n\n", s.m.wrong_code("ada"));
        s.m.pamtester("probe", "ada").input(wrong).output();
        let own = &["OWN"];
        if how == "pipe" { s.pipe("unlock ada", own) } else { s.terminal("unlock ada", own) }
    }
    s.pipe("unlock nobo", &[]);
    s.unprivileged("unlock ada");
    s.finish();
}

#[test]
fn remembered() {
    let mut s = script("remembered");
    let record = s.m.run(["sh", "-c", "cat /var/lib/twinlock/users/ada/record.*"]).stdout;
    let generation = record.lines().find_map(|line| line.strip_prefix("generation = "));
    let generation = generation.expect("a generation").trim_matches('"');
    let now = twinlock_tests::now();
    s.m.run(["sh", "-c", "umask 077 && mkdir -p /run/twinlock/users/ada"]).ok();
    for (number, from) in (0_u64..).zip(["203.0.113.7", "2001:db8::7"]) {
        let text = format!(
            "{} {} {} {generation} {from} SHA256:abc",
            now - 9 + number,
            now + 900,
            u64::MAX
        );
        s.m.file(&format!("/run/twinlock/users/ada/device.{number:032x}")).link_to(&text);
    }
    s.both("devices ada");
    s.pipe("forget ada 3", &[]);
    s.pipe("forget ada 1", &["OWN"]);
    s.terminal("forget ada --all", &["OWN"]);
    s.pipe("devices nobo", &[]);
    s.unprivileged("devices ada");
    s.unprivileged("forget ada --all");
    s.finish();
}

#[test]
fn change() {
    let mut s = script("change");
    s.pipe("change kim", &[]);
    s.pipe("change ada", &[]);
    s.pipe("change bob", &[]);
    s.pipe("change nobo", &[]);
    s.terminal("change ada", &[]);
    s.terminal("change kim", &[""]);
    s.unprivileged("change ada");
    s.finish();
}

#[test]
fn machine() {
    let mut s = script("machine");
    // The changes below are mailed to root, and no mail program is installed.
    s.both("deliver");
    s.m.settings("window = 2\n");
    s.both("settings check");
    s.pipe("settings apply", &["OWN"]);
    s.terminal("settings apply", &["OWN"]);
    s.both("settings show");
    s.m.settings("windwo = 2\n");
    s.both("settings check");
    s.both("settings apply");
    s.both("settings show");
    s.m.settings("");
    s.pipe("epoch now", &["OWN"]);
    // In the new epoch, current codes count as used, so the epoch is backdated.
    s.m.epoch_minutes_ago(10);
    s.terminal("epoch now", &["OWN"]);
    s.both("epoch show");
    s.both("epoch ensure");
    s.unprivileged("settings check");
    s.unprivileged("settings apply");
    s.unprivileged("epoch now");
    s.unprivileged("deliver");
    s.finish();
}

/// Checks that a long list shows a progress bar on a terminal and removes it at the end, and that a pipe gets only the
/// report.
#[test]
fn progress() {
    let mut s = script("progress");
    let names: Vec<String> = (0..20).map(|number| format!("nobo{number}")).collect();
    s.m.file("/root/many.csv").write(format!("user\nada\n{}\n", names.join("\n")));
    let mut session = s.m.call(["twinlock", "enroll", "--from", "/root/many.csv"]).open();
    assert_eq!(session.exit_code(), Some(1));
    let drawn = session.transcript();
    assert!(drawn.contains("\r[##############################] 21/21"), "{drawn:?}");
    drop(session);
    s.pipe("enroll --from /root/many.csv", &["OWN"]);
    s.terminal("enroll --from /root/many.csv", &["OWN"]);
    s.finish();
}

/// Checks that colors and other control sequences go only to a terminal that supports them.
#[test]
fn colours() {
    let s = script("colours");
    let call = |words: &str| s.m.call(format!("twinlock {words}").split(' '));
    let on_a_terminal = |call: twinlock_tests::Call<'_>| {
        let mut session = call.open();
        session.exit_code();
        session.transcript()
    };
    for (words, paints) in [
        ("--help", true),
        ("list --help", true),
        ("frobnicate", true),
        ("show-key ada --yes --ascii", true),
        ("list", false),
        ("status ada", false),
        ("status nobo", false),
        ("doctor ssh", false),
    ] {
        let piped = call(words).output();
        assert!(!(piped.stdout + &piped.stderr).contains('\x1b'), "{words}");
        assert_eq!(on_a_terminal(call(words)).contains("\x1b["), paints, "{words}");
        for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let plain = on_a_terminal(call(words).env(name, value));
            assert!(!plain.is_empty() && !plain.contains('\x1b'), "{name} {words}: {plain:?}");
        }
    }
}
