//! `twinlock backup-codes` about oneself, cut off and refused by the disk: the old codes stand or the new ones, and it is
//! said which.

use nix::errno::Errno;
use twinlock_tests::{Call, Machine, Scratch, codes_shown, thorough};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const STORE: &str = "/var/lib/twinlock";
/// Two codes of one's own, and the last group of a code that is shown.
const WORDS: [&str; 3] = ["<code>", "<next>", "<group>"];

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").enrolled("ada", ADA).scratch("ada", Scratch::FEW);
    m.settings("window = 10\n");
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m.run(["sh", "-c", &format!("mkdir /tmp/kept && cp -a {STORE}/. /tmp/kept")]).ok();
    m
}

fn back(m: &Machine) {
    let script =
        format!("rm -rf {STORE}/users {STORE}/uids /run/twinlock/users; cp -a /tmp/kept/. {STORE}");
    m.run(["sh", "-c", &script]).ok();
}

/// Goes through the dialogue as far as it comes; what was shown, and its exit status.
fn renewed(m: &Machine, call: Call<'_>) -> (String, Option<i32>) {
    let mut all = m.dialogue("ada", call.logged_in("ada").open());
    for word in WORDS {
        if !all.asks() {
            break;
        }
        all.answer(&[word]);
    }
    let code = all.session().give_up();
    (all.screen(), code)
}

fn struck(m: &Machine, inject: &str) -> (String, Option<i32>) {
    back(m);
    let call = m.call(["twinlock", "backup-codes", "ada"]);
    renewed(m, call.strace("/tmp/trace", &["-s", "200", "-e", inject]))
}

fn lets_in(m: &Machine, code: &str) -> bool {
    m.pamtester("probe", "ada").input(format!("{code}\n\n")).output().code == Some(0)
}

/// Whether the codes that were shown stand in the place of the old ones: exactly one of the two sets does.
fn is_new(m: &Machine, screen: &str) -> bool {
    let new = codes_shown(screen).first().is_some_and(|code| lets_in(m, code));
    assert_ne!(new, lets_in(m, Scratch::CODES[0]), "{screen} {:?}", m.log());
    new
}

#[test]
fn killed_in_its_second_half_the_old_codes_stand_or_the_new_ones() {
    let m = machine();
    let (screen, code) = struck(&m, "trace=all");
    assert_eq!(code, Some(0), "{screen}");
    let mut places = m.trace("/tmp/trace").places("Your own code", "are dead");
    let changing =
        ["fsync", "renameat2", "unlinkat", "symlinkat", "mkdirat", "fchmod", "utimensat"];
    places.retain(|(call, _)| thorough() || changing.contains(&call.as_str()));
    assert!(places.len() > 8, "{places:?}");
    let mut found = Vec::new();
    for (call, nth) in &places {
        let (screen, code) = struck(&m, &format!("inject={call}:signal=KILL:when={nth}"));
        assert_eq!(code, Some(128 + 9), "{call} {nth}: {screen}");
        found.push(is_new(&m, &screen));
    }
    assert!(found.is_sorted() && !found[0] && found.contains(&true), "{found:?} {places:?}");
}

/// What is said where the old ones stand.
const OLD: [&str; 2] = ["nothing was changed", "what was in force still is"];

#[test]
fn refused_by_the_disk_it_is_said_which_of_them_stand() {
    let m = machine();
    for (call, errno) in
        [("renameat2", Errno::EIO), ("fsync", Errno::ENOSPC), ("fchmod", Errno::EROFS)]
    {
        for nth in 1.. {
            let inject = format!("inject={call}:error={errno:?}:when={nth}");
            let (screen, code) = struck(&m, &inject);
            let new = is_new(&m, &screen);
            if code == Some(0) {
                assert!(new && nth > 1, "{inject}: {screen}");
                break;
            }
            let said = screen.replace("\r\n", " ");
            let old = OLD.iter().any(|old| said.contains(old));
            let told = if new { said.contains("all the same") } else { old };
            assert!(told, "{inject} {code:?} {new}: {said}");
        }
    }
}

#[test]
fn on_a_full_and_a_read_only_disk_the_old_ones_stay() {
    let m = machine();
    m.run(["mount", "-t", "tmpfs", "-o", "size=96k,mode=0700", "small", STORE]).ok();
    m.run(["cp", "-a", "/tmp/kept/.", STORE]).ok();
    m.run(["sh", "-c", &format!("cat /dev/zero >{STORE}/filler 2>/dev/null; true")]).ok();
    for state in ["full", "ro"] {
        m.run(["rm", "-rf", "/run/twinlock/users"]).ok();
        let (screen, code) = renewed(&m, m.call(["twinlock", "backup-codes", "ada"]));
        let said = screen.replace("\r\n", " ");
        let told = OLD.iter().any(|old| said.contains(old)) && !said.contains("all the same");
        assert!(code == Some(6) && told, "{state} {code:?}: {said}");
        m.run(["rm", "-f", &format!("{STORE}/filler")]);
        m.run(["mount", "-o", "remount,ro", STORE]).ok();
    }
    m.run(["mount", "-o", "remount,rw", STORE]).ok();
    assert!(lets_in(&m, Scratch::CODES[0]), "{:?}", m.log());
}
