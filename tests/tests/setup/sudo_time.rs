//! Tests the option `--timestamp-timeout`, which says for how long sudo asks for nothing after a code.

use twinlock_tests::{Finished, Machine};

use super::{machine, twinlock};

const FILE: &str = "/etc/sudoers.d/zz-twinlock";
const SETUP: &str = "setup sudo --with password --no-way-back --not-enrolled deny";
const PASSWORD: &str = "ada's password";

/// Returns a machine on which ada may run any command by sudo.
fn with_sudo() -> Machine {
    let m = machine();
    m.sudoer("ada");
    m
}

fn words(said: &Finished) -> String {
    format!("{} {}", said.stdout, said.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs sudo twice on one terminal of ada, and returns whether the second command needs an answer. Gives the code of the
/// step that is `steps` steps after the present one: each call needs a later code.
fn asks_again(m: &Machine, steps: i64) -> bool {
    let line = "sudo -k; sudo true && { sudo -n true && echo no question || echo a question; }";
    let mut session = m.call(["sh", "-c", line]).as_user("ada").open();
    session.expect("assword").hidden().send_line(PASSWORD);
    session.expect("ther ways): ").hidden().send_line(&m.code_in("ada", steps));
    session.expect_one_of(&["no question", "a question"]) == 1
}

#[test]
fn sudo_asks_as_often_as_it_was_told() {
    let m = with_sudo();
    let said = twinlock(&m, SETUP);
    said.ok();
    let usual =
        "After a code, sudo asks for none on the same terminal for 15 minutes (timestamp_timeout).";
    assert!(words(&said).contains(usual), "{said:?}");
    assert!(!asks_again(&m, -1) && !m.file(FILE).exists());
    let each = format!("{SETUP} --timestamp-timeout 0");
    let shown = twinlock(&m, "setup sudo --with password --timestamp-timeout 0 --dry-run");
    assert!(shown.ok().contains("+Defaults timestamp_timeout=0\n"), "{shown:?}");
    assert!(!m.file(FILE).exists());
    twinlock(&m, &each).ok();
    assert_eq!(m.run(["stat", "-c", "%U:%G %a", FILE]).ok(), "root:root 440\n");
    m.run(["visudo", "-c"]).ok();
    assert!(asks_again(&m, 0));
    assert!(twinlock(&m, &each).ok().contains("nothing was changed"));
    let check =
        |minutes: &str| twinlock(&m, &format!("setup sudo --with password --check{minutes}")).code;
    assert_eq!(check(" --timestamp-timeout 0"), Some(0));
    assert_eq!((check(""), check(" --timestamp-timeout 7")), (Some(1), Some(1)));
    // Without the option, setup's file is removed, as with the other options.
    twinlock(&m, SETUP).ok();
    assert!(!m.file(FILE).exists() && !asks_again(&m, 1));
    twinlock(&m, &each).ok();
    twinlock(&m, "teardown sudo --yes").ok();
    assert!(!m.file(FILE).exists());
}

#[test]
fn a_time_that_sudo_would_not_use_is_refused() {
    let m = with_sudo();
    let other = "/etc/sudoers.d/zzz";
    for (text, status, said) in [
        ("Defaults timestamp_timeout=30\n", 3, "another line of sudoers sets a longer"),
        ("Defaults:ada timestamp_timeout=-1\n", 3, "another line of sudoers sets a longer"),
        ("Defaults timestamp_timeou\n nonsense", 3, "visudo does not accept the files"),
    ] {
        m.file(other).write(text).mode(0o440);
        let before = m.tree("/etc");
        let refused = twinlock(&m, &format!("{SETUP} --timestamp-timeout 5"));
        assert_eq!(refused.code, Some(status), "{text}: {refused:?}");
        assert!(words(&refused).contains(said), "{text}: {refused:?}");
        assert_eq!(m.tree("/etc"), before);
    }
    m.run(["rm", other]).ok();
    // An earlier line is overridden.
    m.file("/etc/sudoers.d/early").write("Defaults timestamp_timeout=60\n").mode(0o440);
    twinlock(&m, &format!("{SETUP} --timestamp-timeout 5")).ok();
    let doctor = twinlock(&m, "doctor sudo");
    assert!(!doctor.stdout.contains("sudo-timestamp"), "{doctor:?}");
    twinlock(&m, "teardown sudo --yes").ok();
    m.file(FILE).write("Defaults timestamp_timeout=1\n").mode(0o440);
    let refused = twinlock(&m, &format!("{SETUP} --timestamp-timeout 5"));
    assert!(words(&refused).contains("setup has not written it"), "{refused:?}");
    m.run(["rm", FILE]).ok();
    m.file("/etc/sudoers").write("root ALL=(ALL:ALL) ALL\n").mode(0o440);
    let refused = twinlock(&m, &format!("{SETUP} --timestamp-timeout 5"));
    assert!(words(&refused).contains("does not include /etc/sudoers.d"), "{refused:?}");
    for (line, status) in [("setup su --with password", 2), ("setup ssh --with publickey", 2)] {
        let refused = twinlock(&m, &format!("{line} --dry-run --timestamp-timeout 5"));
        assert_eq!(refused.code, Some(status), "{refused:?}");
    }
    assert!(m.run(["sh", "-c", "ls -d /run/twinlock-sudoers.*"]).code != Some(0));
}
