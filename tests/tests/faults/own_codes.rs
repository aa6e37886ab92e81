//! Kills `twinlock backup-codes` of a user who renews their own codes, and makes its system calls fail. Checks that
//! the old or the new codes are valid, and that the output says which.

use twinlock_tests::{Machine, Scratch, codes_shown, says_in_force};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const STORE: &str = "/var/lib/twinlock";
/// The answers at the prompts: two codes of the user's app, and the last group of the last code on the screen.
const WORDS: [&str; 3] = ["<code>", "<next>", "<group>"];

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").enrolled("ada", ADA).scratch("ada", Scratch::FEW);
    m.settings("window = 10\n");
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m.run(["sh", "-c", &format!("mkdir /tmp/kept && cp -a {STORE}/. /tmp/kept")]).ok();
    m
}

fn lets_in(m: &Machine, code: &str) -> bool {
    m.pamtester("probe", "ada").input(format!("{code}\n\n")).output().code == Some(0)
}

/// Returns whether the codes on the screen have replaced the old ones. Checks that exactly one of the two sets works.
fn is_new(m: &Machine, screen: &str) -> bool {
    let new = codes_shown(screen).first().is_some_and(|code| lets_in(m, code));
    assert_ne!(new, lets_in(m, Scratch::CODES[0]), "{screen} {:?}", m.log());
    new
}

#[test]
fn killed_in_its_second_half_the_old_codes_stand_or_the_new_ones() {
    let m = machine();
    let found = m.cut_dialogue("ada", "backup-codes ada", &WORDS).killed(
        "Your own code",
        "no longer work",
        |outcome| is_new(&m, &outcome.screen),
    );
    assert!(found.is_sorted() && !found[0] && found.contains(&true), "{found:?}");
}

/// Returns whether the output says that the old codes are valid, and not that the new ones are.
fn says_old(said: &str) -> bool {
    said.contains("nothing was changed") && !says_in_force(said)
}

#[test]
fn refused_by_the_disk_it_is_said_which_of_them_stand() {
    let m = machine();
    m.cut_dialogue("ada", "backup-codes ada", &WORDS).refused(|outcome| {
        let new = is_new(&m, &outcome.screen);
        let done = outcome.code == Some(0);
        let said = outcome.said();
        let told = if new { says_in_force(&said) } else { says_old(&said) };
        assert!(done || told, "{} {new}: {said}", outcome.blow);
        assert!(new || !done, "{}: {said}", outcome.blow);
        done
    });
}

#[test]
fn on_a_full_and_a_read_only_disk_the_old_ones_stay() {
    let m = machine();
    m.run(["mount", "-t", "tmpfs", "-o", "size=96k,mode=0700", "small", STORE]).ok();
    m.run(["cp", "-a", "/tmp/kept/.", STORE]).ok();
    m.run(["sh", "-c", &format!("cat /dev/zero >{STORE}/filler 2>/dev/null; true")]).ok();
    for state in ["full", "ro"] {
        m.run(["rm", "-rf", "/run/twinlock/users"]).ok();
        let call = m.call(["twinlock", "backup-codes", "ada"]).logged_in("ada");
        let mut all = m.dialogue("ada", call.open());
        let code = all.answer_while_asked(&WORDS);
        let said = all.screen().replace("\r\n", " ");
        assert!(code == Some(6) && says_old(&said), "{state} {code:?}: {said}");
        m.run(["rm", "-f", &format!("{STORE}/filler")]);
        m.run(["mount", "-o", "remount,ro", STORE]).ok();
    }
    m.run(["mount", "-o", "remount,rw", STORE]).ok();
    assert!(lets_in(&m, Scratch::CODES[0]), "{:?}", m.log());
}
