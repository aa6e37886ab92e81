//! Kills `unlock`, `forget`, `epoch now` and `settings apply` at each of their system calls, and makes each of these
//! calls fail.

use nix::errno::Errno;
use twinlock_tests::{Cut, Finished, Machine, thorough};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const SEAT: &str = "/run/twinlock/users/ada";
const RECORDS: &str = "/var/lib/twinlock";

/// A command that revokes something, and functions that prepare it and find what it has not revoked.
struct RevokingVerb {
    words: &'static str,
    begin: fn(&Machine),
    /// Returns those things that the command should revoke and that are still valid. The list is empty after the
    /// command has succeeded.
    left: fn(&Machine) -> Vec<String>,
    blows: &'static [(&'static str, Errno)],
    /// Texts that the command prints after an error: if everything is still valid, and if only a part is.
    said: [&'static str; 2],
}

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").enrolled("ada", KEY);
    m.settings("remember_for = \"8h\"\n");
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m.pam("key", "auth required pam_twinlock.so first_factor=publickey\n");
    m
}

fn names(m: &Machine, folder: &str, begin: &str) -> Vec<String> {
    let listed = m.run(["ls", folder]);
    listed.stdout.lines().filter(|name| name.starts_with(begin)).map(str::to_owned).collect()
}

fn wrong_codes(m: &Machine) {
    let answers = format!("{}\n", m.wrong_code("ada")).repeat(2);
    m.pamtester("probe", "ada").input(answers + "\n").output();
}

fn remembered(m: &Machine) -> Vec<String> {
    let devices = m.run(["twinlock", "devices", "ada"]);
    devices.ok().lines().filter(|line| line.contains("127.0.0.1")).map(str::to_owned).collect()
}

/// Creates two remembered devices by logins.
fn devices(m: &Machine) {
    for (key, steps) in [("one", 0), ("two", 1)] {
        let info = format!("SSH_AUTH_INFO_0=publickey ssh-ed25519 {key}");
        let items = ["-I", "rhost=127.0.0.1", "-E", &info];
        let mut session = m.pamtester_as(&items, "key", "ada").open();
        session.expect("Verification code").send_line(&m.code_in("ada", steps));
        session.expect("or press Enter for no: ").send_line("yes");
        assert_eq!(session.exit_code(), Some(0), "{}", session.transcript());
    }
}

#[test]
fn wrong_codes_are_forgotten_one_by_one_and_the_rest_by_the_same_command() {
    ended(&RevokingVerb {
        words: "unlock ada",
        begin: wrong_codes,
        left: |m| names(m, SEAT, "try."),
        blows: &[("unlinkat", Errno::EROFS), ("unlinkat", Errno::EIO)],
        said: ["nothing was changed", "the others were cleared"],
    });
}

/// Kills the command at each of its system calls, and makes each of them fail. Checks what is still valid afterwards.
fn ended(end: &RevokingVerb) {
    let m = machine();
    (end.begin)(&m);
    let cut = m.cut(end.words, "");
    let all = (end.left)(&m).len();
    assert!(all > 0, "{}: {:?}", end.words, m.log());
    let mut found = Vec::new();
    for place in cut.places(|place| thorough() || place.writes()) {
        cut.killed(&place);
        let left = (end.left)(&m).len();
        found.push(left);
        goes_on(&m, &cut, end, left);
    }
    assert!(found.is_sorted_by(|before, after| before >= after), "{found:?}");
    for (call, errno) in end.blows {
        for nth in 1.. {
            let done = cut.refused(call, *errno, nth);
            if done.code == Some(0) {
                assert!(nth > 1, "{} {call}", end.words);
                break;
            }
            let left = (end.left)(&m).len();
            let told = if left == all { end.said[0] } else { end.said[1] };
            says(&done, told);
            goes_on(&m, &cut, end, left);
        }
    }
}

/// Repeats the command that was cut off. `left` is the number of things that are still valid and that the command
/// should revoke. Checks that the command revokes all of them. Only if `left` is 0, the command may instead say that
/// there is nothing to revoke.
fn goes_on(m: &Machine, cut: &Cut<'_>, end: &RevokingVerb, left: usize) {
    let again = cut.again();
    let fits = again.code == Some(0) || (left == 0 && again.code == Some(3));
    assert!(fits, "{}: {again:?}", end.words);
    assert_eq!((end.left)(m), Vec::<String>::new(), "{}", end.words);
    assert_eq!(cut.left(), "");
}

#[track_caller]
fn says(done: &Finished, told: &str) {
    assert_eq!(done.code, Some(6), "{done:?}");
    assert!(done.stderr.replace('\n', " ").contains(told), "{told}: {done:?}");
}

#[test]
fn devices_are_forgotten_one_by_one_and_the_rest_by_the_same_command() {
    ended(&RevokingVerb {
        words: "forget ada --all",
        begin: devices,
        left: remembered,
        blows: &[("unlinkat", Errno::EROFS)],
        said: ["nothing was changed", "others were forgotten"],
    });
}

fn epoch(m: &Machine) -> String {
    m.file("/run/twinlock/epoch").target()
}

#[test]
fn an_epoch_is_the_old_one_or_a_new_one() {
    let m = machine();
    let cut = m.cut("epoch now", "");
    let old = epoch(&m);
    let mut new = Vec::new();
    for place in cut.places(|place| thorough() || place.writes()) {
        cut.killed(&place);
        new.push(epoch(&m) != old);
        cut.again().ok();
        assert!(epoch(&m) != old && cut.left().is_empty(), "{}", cut.left());
    }
    assert!(new.is_sorted() && new.contains(&true) && new[0] != new[new.len() - 1], "{new:?}");
    for (call, errno) in [("symlinkat", Errno::ENOSPC), ("renameat2", Errno::EROFS)] {
        says(&cut.refused(call, errno, 1), "no new epoch has begun");
        assert_eq!(epoch(&m), old, "{call}");
        cut.again().ok();
        assert_eq!(cut.left(), "");
    }
    cut.back();
    m.run(["mount", "-o", "remount,ro", "/run/twinlock"]).ok();
    says(&cut.again(), "no new epoch has begun");
    assert_eq!(epoch(&m), old);
}

const GOOD: &str = "/etc/twinlock/settings.good";

#[test]
fn the_settings_that_are_kept_are_the_old_ones_or_the_new_ones() {
    let m = machine();
    m.run(["twinlock", "settings", "apply"]).ok();
    let old = m.file(GOOD).read();
    m.settings("window = 3\n");
    let new = m.file("/etc/twinlock/twinlock.toml").read();
    let cut = m.cut("settings apply", "");
    let stands = || {
        let kept = m.file(GOOD).read();
        assert!(kept == old || kept == new, "{kept}");
        kept == new
    };
    let mut found = Vec::new();
    for place in cut.places(|place| thorough() || place.writes()) {
        cut.killed(&place);
        found.push(stands());
        cut.again().ok();
        assert!(stands() && cut.left().is_empty(), "{}", cut.left());
    }
    assert!(found.is_sorted() && !found[0] && found.contains(&true), "{found:?}");
    for (call, errno) in
        [("fsync", Errno::ENOSPC), ("fchmod", Errno::EROFS), ("renameat", Errno::EIO)]
    {
        for nth in 1.. {
            let done = cut.refused(call, errno, nth);
            let is_new = stands();
            if done.code == Some(0) {
                assert!(is_new && nth > 1, "{call}");
                break;
            }
            let told =
                if is_new { "The new copy is in place" } else { "previous copy is still in place" };
            says(&done, told);
            cut.again().ok();
            assert_eq!(cut.left(), "");
        }
    }
}

/// Fills the disks of the ledger and of the records. Checks that commands that only remove files still succeed, and
/// that a command that needs space says that there is none.
#[test]
fn a_full_disk_hinders_only_what_needs_room() {
    let m = machine();
    devices(&m);
    wrong_codes(&m);
    m.run(["mount", "-o", "remount,nr_inodes=1024", "/run/twinlock"]).ok();
    fill(&m, "/run/twinlock");
    m.run(["sh", "-c", &format!("mkdir /tmp/store && cp -a {RECORDS}/. /tmp/store")]).ok();
    m.run(["mount", "-t", "tmpfs", "-o", "size=128k,nr_inodes=64,mode=0700", "none", RECORDS]).ok();
    m.run(["cp", "-a", "/tmp/store/.", RECORDS]).ok();
    fill(&m, RECORDS);
    let before = epoch(&m);
    let done = m.run(["twinlock", "epoch", "now"]);
    if done.code != Some(0) {
        says(&done, "no new epoch has begun");
        assert_eq!(epoch(&m), before);
    }
    for (words, left) in
        [("unlock ada", names(&m, SEAT, "try.")), ("forget ada --all", remembered(&m))]
    {
        assert!(!left.is_empty(), "{words}: {:?}", m.log());
        m.call(format!("twinlock {words}").split(' ')).output().ok();
    }
    assert_eq!((names(&m, SEAT, "try."), remembered(&m)), (Vec::new(), Vec::new()));
    // An export marks the key as disclosed before it shows the key, which a full disk prevents.
    let done = m.run(["twinlock", "export", "ada"]);
    says(&done, "nothing was changed");
    assert_eq!(done.stdout, "");
}

/// Fills a file system until neither a block nor an inode is free.
fn fill(m: &Machine, folder: &str) {
    let script = format!(
        "cat /dev/zero >{folder}/filler 2>/dev/null; i=0; \
         while ln -s x {folder}/fill.$i 2>/dev/null; do i=$((i + 1)); done; ! ln -s x {folder}/fill"
    );
    m.run(["sh", "-c", &script]).ok();
}

#[test]
fn settings_on_a_full_and_a_read_only_disk_are_kept_as_they_were() {
    let m = machine();
    let etc = "/etc/twinlock";
    m.run(["twinlock", "settings", "apply"]).ok();
    m.run(["sh", "-c", &format!("mkdir /tmp/etc && cp -a {etc}/. /tmp/etc")]).ok();
    m.run(["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=32,mode=0755", "none", etc]).ok();
    m.run(["cp", "-a", "/tmp/etc/.", etc]).ok();
    let old = m.file(GOOD).read();
    m.settings("window = 3\n");
    for state in ["full", "ro"] {
        fill(&m, etc);
        for words in ["settings apply", "settings apply --json"] {
            let done = m.call(format!("twinlock {words}").split(' ')).output();
            assert_eq!(done.code, Some(6), "{state}: {done:?}");
            let said = (done.stdout + &done.stderr).replace('\n', " ");
            assert!(said.contains("previous copy is still in place"), "{state}: {said}");
            assert_eq!(m.file(GOOD).read(), old, "{state}");
        }
        m.run(["sh", "-c", &format!("rm -f {etc}/fill*")]).ok();
        m.run(["mount", "-o", "remount,ro", etc]).ok();
    }
}

#[test]
fn a_read_only_disk_forgets_nothing_and_that_is_said() {
    let m = machine();
    devices(&m);
    wrong_codes(&m);
    let before = remembered(&m);
    m.run(["mount", "-o", "remount,ro", "/run/twinlock"]).ok();
    says(&m.run(["twinlock", "unlock", "ada"]), "nothing was changed");
    says(&m.run(["twinlock", "forget", "ada", "--all"]), "nothing was changed");
    assert!(!before.is_empty() && remembered(&m) == before);
    m.run(["twinlock", "export", "ada"]).ok();
    assert!(!names(&m, SEAT, "try.").is_empty());
    assert!(m.logged("event=unlocked").is_empty(), "{:?}", m.log());
    m.run(["mount", "-t", "tmpfs", "-o", "ro,mode=0700", "none", RECORDS]).ok();
    let done = m.run(["twinlock", "epoch", "now"]);
    says(&done, "no new epoch has begun");
}
