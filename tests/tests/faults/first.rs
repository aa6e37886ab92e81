//! Kills the first command on a new host at its system calls and makes these calls fail. Checks that the same command
//! completes the work, and that until then no user counts as not enrolled.

use nix::errno::Errno;
use twinlock_tests::{Cut, Machine, Otp, Place, thorough};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const STORE: &str = "/var/lib/twinlock";

/// Creates a host with only the files of twinlock's package: it has no store, no ledger and no settings.
fn new_host() -> Machine {
    let m = Machine::new();
    m.files().user("ada");
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

/// Returns commands that may be the first on a host, each with its standard input.
fn firsts() -> Vec<(&'static str, String)> {
    let uri = format!("{}\n", Otp::new(KEY).uri("ada"));
    let mut all = vec![("import uri ada", uri), ("epoch ensure", String::new())];
    all.extend([("epoch now", String::new()), ("invite ada", String::new())]);
    all
}

/// Lets root run the command `words`. Root is not enrolled, so on a new host root may only enroll users. For other
/// commands, writes settings that let root act without a code.
fn lets_root_act(m: &Machine, words: &str) {
    if !words.starts_with("import") && words != "epoch ensure" {
        m.run(["mkdir", "-p", "/etc/twinlock"]).ok();
        m.settings("");
    }
}

/// Returns whether the test kills the command at this call. The ledger has 256 folders for names without an account;
/// calls about one of them stand for all.
fn chosen(place: &Place) -> bool {
    let what = &place.what;
    let stands = !what.contains("/unknown/") || what.contains("/unknown/a0");
    stands && (thorough() || place.writes())
}

/// Returns the names of the files in the store, without random ids and version numbers. Leaves out the names that mark
/// a first record as unfinished, because the next change removes them.
fn names(m: &Machine) -> String {
    let steady = "s/codes[.].*/codes/; s/record[.][0-9]*/record/; /uids.*+/d";
    let names = format!("cd {STORE} && find . | sed '{steady}' | sort");
    m.run(["sh", "-c", &names]).ok().to_owned()
}

/// Returns whether both copies of the store id are equal.
fn is_one_store(m: &Machine) -> bool {
    m.run(["cmp", &format!("{STORE}/store-id"), "/etc/twinlock/store-id"]).code == Some(0)
}

/// Repeats the command that was cut off. Checks that it completes everything that an uninterrupted run creates;
/// `whole` has the names of these files.
fn goes_on(m: &Machine, cut: &Cut<'_>, words: &str, whole: &str) {
    let again = cut.again();
    // If the first enrollment of the host was completed, the repeated command needs a code.
    let is_over = again.code == Some(4) && again.stderr.contains("Enroll yourself first");
    let told = is_over && m.run(["twinlock", "status", "ada"]).ok().starts_with("ada is enrolled");
    assert!(again.code == Some(0) || told, "{words}: {again:?}");
    assert_eq!(names(m), whole, "{words}");
    assert!(is_one_store(m), "{words}");
    assert_eq!(cut.left(), "", "{words}");
}

/// Checks that the module exempts a user without a record only if both copies of the store id are equal. Only then is
/// it proven that the record does not exist.
fn lets_nobody_in_unproven(m: &Machine) {
    m.file("/etc/twinlock/twinlock.toml").write("not_enrolled = \"allow\"\n");
    let done = m.pamtester("probe", "ada").input("\n").output();
    // In this stack only the module decides. It returns PAM_IGNORE for a user who needs no code, so the login fails
    // anyway.
    let exempt = !m.logged("event=allowed").is_empty();
    assert!(done.code != Some(0) && (!exempt || is_one_store(m)), "{:?}", m.log());
    m.file("/etc/twinlock/twinlock.toml").remove();
}

#[test]
fn killed_anywhere_the_first_command_is_done_by_doing_it_again() {
    // The first command creates everything that all commands create, so the usual test runs only this command.
    for (words, input) in firsts().into_iter().take(if thorough() { usize::MAX } else { 1 }) {
        let m = new_host();
        lets_root_act(&m, words);
        let cut = m.cut(words, &input);
        let places = cut.places(chosen);
        let whole = names(&m);
        assert!(is_one_store(&m) && places.len() > 20, "{places:?}");
        for place in &places {
            cut.killed(place);
            goes_on(&m, &cut, words, &whole);
        }
    }
}

#[test]
fn cut_off_anywhere_it_lets_nobody_in_unproven() {
    let m = new_host();
    let cut = m.cut("epoch ensure", "");
    for place in cut.places(|place| {
        chosen(place) && (place.what.starts_with("renameat2") || (thorough() && place.writes()))
    }) {
        cut.killed(&place);
        m.run(["mkdir", "-p", "/etc/twinlock"]).ok();
        lets_nobody_in_unproven(&m);
    }
}

#[test]
fn refused_by_the_disk_it_is_said_and_goes_on() {
    let refusals = [
        ("mkdirat", Errno::ENOSPC),
        ("renameat2", Errno::EIO),
        ("fsync", Errno::ENOSPC),
        ("fchmod", Errno::EROFS),
        ("write", Errno::ENOSPC),
    ];
    for (words, input) in firsts() {
        let m = new_host();
        lets_root_act(&m, words);
        let cut = m.cut(words, &input);
        cut.again().ok();
        let whole = names(&m);
        for (call, errno) in refusals {
            for nth in (1..).take(if thorough() { usize::MAX } else { 12 }) {
                let done = cut.refused(call, errno, nth);
                if done.code == Some(0) {
                    break;
                }
                let said = done.stderr.replace('\n', " ");
                let told = [
                    "nothing was changed",
                    "run it again to create",
                    "no new epoch has begun",
                    "but the change may be lost",
                ];
                assert!(told.iter().any(|told| said.contains(told)), "{call} {nth}: {done:?}");
                goes_on(&m, &cut, words, &whole);
            }
        }
    }
}

#[test]
fn a_full_and_a_read_only_disk_are_said_and_the_first_command_goes_on_there() {
    for state in ["size=4k", "ro"] {
        let m = new_host();
        m.run(["mkdir", STORE]).ok();
        let options = format!("{state},mode=0700");
        m.run(["mount", "-t", "tmpfs", "-o", &options, "small", STORE]).ok();
        for (words, input) in firsts() {
            lets_root_act(&m, words);
            let argv = format!("twinlock {words}");
            let done = m.call(argv.split(' ')).input(&input).output();
            assert_eq!(done.code, Some(6), "{state} {words}: {done:?}");
            let said = done.stderr.replace('\n', " ");
            let told = ["nothing was changed", "run it again to create", "no new epoch has begun"];
            assert!(told.iter().any(|told| said.contains(told)), "{state} {words}: {said}");
        }
        m.run(["mount", "-o", "remount,rw,size=1m", STORE]).ok();
        m.run(["twinlock", "epoch", "ensure"]).ok();
        assert!(is_one_store(&m));
    }
}
