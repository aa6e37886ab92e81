//! Tests `twinlock change`, by which users replace their own authenticator at a terminal with two codes, also with
//! refusals and interruptions.

use twinlock_tests::{Call, Dialogue, Machine, Otp, Scratch, key_shown, says_in_force};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const KIM: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const STORE: &str = "/var/lib/twinlock";
/// The answers: a code of the old app, a code of the new app, and the next code of the old app.
const WORDS: [&str; 3] = ["<code>", "<first>", "<next>"];

/// Creates a machine on which ada and kim are enrolled and bob is not. Codes of many time steps are accepted, so that
/// several consecutive codes work without waiting.
fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("kim").user("bob");
    m.enrolled("ada", ADA).enrolled("kim", KIM);
    m.settings("window = 10\n");
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

fn change<'m>(m: &'m Machine, user: &str) -> Call<'m> {
    m.call(["twinlock", "change", user]).logged_in("ada")
}

fn dialogue(m: &Machine) -> Dialogue<'_> {
    m.dialogue("ada", change(m, "ada").open())
}

fn lets_in(m: &Machine, code: &str) -> bool {
    m.pamtester("probe", "ada").input(format!("{code}\n\n")).output().code == Some(0)
}

fn records(m: &Machine) -> String {
    m.run(["sh", "-c", &format!("cat {STORE}/users/ada/record.*")]).ok().to_owned()
}

#[test]
fn two_codes_and_a_proof_put_the_new_one_in_the_old_ones_place() {
    let m = machine();
    let mut all = dialogue(&m);
    all.answer(&WORDS).session().expect("The old authenticator of ada no longer works.");
    assert_eq!(all.session().exit_code(), Some(0));
    let new = key_shown(&all.screen()).expect("a key");
    assert_ne!(new.key, ADA);
    assert_eq!(m.logged("event=key_changed user=ada").len(), 1);
    assert!(!records(&m).contains(ADA));
    assert!(!lets_in(&m, &m.code_in("ada", 2)), "the old one");
    assert!(lets_in(&m, &new.in_steps(1)), "the new one: {:?}", m.log());
    assert!(m.log().iter().all(|line| !line.contains(&new.key)));
}

/// Runs `twinlock change` with these answers. Checks that it fails with the message `said`, and that afterwards the
/// old authenticator works and the one on the screen does not.
#[track_caller]
fn changes_nothing(m: &Machine, words: &[&str], said: &str) {
    m.run(["rm", "-rf", "/run/twinlock/users"]).ok();
    let mut all = dialogue(m);
    all.answer(words);
    let code = all.session().give_up();
    let screen = all.screen().replace("\r\n", " ");
    assert!(code != Some(0) && screen.contains(said), "{words:?} {code:?}: {screen}");
    m.run(["rm", "-rf", "/run/twinlock/users"]).ok();
    assert!(key_shown(&all.screen()).is_none_or(|new| !lets_in(m, &new.in_steps(1))), "{words:?}");
    m.run(["rm", "-rf", "/run/twinlock/users"]).ok();
    assert!(lets_in(m, &m.code_in("ada", 3)), "{words:?}: {:?}", m.log());
}

#[test]
fn one_code_is_not_enough_and_neither_is_one_code_twice() {
    let m = machine();
    changes_nothing(&m, &["<code>", "<first>"], "nothing was changed");
    changes_nothing(&m, &["<code>", "<first>", "<code>"], "used already");
    changes_nothing(&m, &["<code>", "<first>", "<wrong>"], "wrong");
    changes_nothing(&m, &["<code>", "<wrong>"], "nothing was changed");
    changes_nothing(&m, &["<code>"], "nothing was changed");
    changes_nothing(&m, &["<wrong>"], "nothing was changed");
    changes_nothing(&m, &["ABCD-EFGH-IJKL"], "A bypass code or a ticket is not accepted here");
}

#[test]
fn a_backup_code_stands_for_one_of_the_two_and_is_spent() {
    let m = machine();
    m.scratch("ada", Scratch::FEW);
    let mut all = dialogue(&m);
    all.answer(&["<code>", "<first>", Scratch::CODES[0]]);
    assert_eq!(all.session().exit_code(), Some(0), "{}", all.screen());
    assert_eq!(m.spent("ada"), 1);
    assert!(!lets_in(&m, Scratch::CODES[0]) && lets_in(&m, Scratch::CODES[1]));
}

#[test]
fn without_a_terminal_an_app_or_a_right_to_it_nothing_is_asked() {
    let m = machine();
    let before = m.tree(&format!("{STORE}/users"));
    let codes = format!("{}\n{}\n", m.code("ada"), m.code_in("ada", 1));
    let of_kim = m.call(["twinlock", "change", "ada"]).logged_in("kim");
    let not_root = m.call(["twinlock", "change", "ada"]).as_user("ada").logged_in("ada");
    let of_bob = m.call(["twinlock", "change", "bob"]).logged_in("bob");
    for (call, code, said) in [
        (change(&m, "ada"), 2, "Run it at a terminal"),
        (change(&m, "ada").args(["--json"]), 2, "Run it at a terminal"),
        (change(&m, "kim"), 4, "only kim can change the authenticator of kim"),
        (of_kim, 4, "only ada can change the authenticator of ada"),
        (of_bob, 4, "bob has no second factor"),
        (change(&m, "bob"), 3, "bob is not enrolled: there is nothing to change"),
        (not_root, 4, "root"),
    ] {
        let done = call.input(&codes).output();
        assert_eq!(done.code, Some(code), "{said}: {done:?}");
        let told = done.stdout.clone() + &done.stderr;
        assert!(told.replace('\n', " ").contains(said), "{said}: {done:?}");
    }
    assert_eq!(m.tree(&format!("{STORE}/users")), before);
    assert!(lets_in(&m, &m.code("ada")), "no code was spent: {:?}", m.log());
}

#[test]
fn a_reset_meanwhile_is_not_undone() {
    for answered in 1..WORDS.len() {
        let m = machine();
        let mut all = dialogue(&m);
        all.answer(&WORDS[..answered]).next_prompt();
        m.run(["twinlock", "reset", "ada", "--yes"]).ok();
        all.answer(&WORDS[answered..=answered]);
        assert_ne!(all.session().give_up(), Some(0), "{}", all.screen());
        let status = m.run(["twinlock", "--json", "status", "ada"]);
        assert!(status.ok().contains("\"state\":\"pending\""), "{status:?}");
        let new = key_shown(&all.screen()).expect("a key").in_steps(1);
        assert!(!lets_in(&m, &new) && !lets_in(&m, &m.code_in("ada", 2)));
        assert!(m.logged("event=key_changed").is_empty());
    }
}

/// Returns whether the new key has replaced the old one. Checks that exactly one of them works.
fn is_new(m: &Machine, screen: &str) -> bool {
    let shown = key_shown(screen);
    let verify = |otp: &Otp| {
        let call = m.call(["twinlock", "verify", "ada"]).input(otp.in_steps(3) + "\n");
        call.output().code == Some(0)
    };
    let new = shown.is_some_and(|shown| verify(&shown));
    assert_ne!(new, verify(&m.otp("ada")), "{screen}");
    new
}

#[test]
fn killed_in_its_second_half_the_old_one_stands_or_the_new_one() {
    let m = machine();
    let found = m.cut_dialogue("ada", "change ada", &WORDS).killed(
        "Your own code",
        "no longer works",
        |outcome| is_new(&m, &outcome.screen),
    );
    assert!(found.is_sorted() && !found[0] && found.contains(&true), "{found:?}");
}

#[test]
fn refused_by_the_disk_it_is_said_which_of_them_stands() {
    let m = machine();
    m.cut_dialogue("ada", "change ada", &WORDS).refused(|outcome| {
        let new = is_new(&m, &outcome.screen);
        let done = outcome.code == Some(0);
        let said = outcome.said();
        let told = if new { says_in_force(&said) } else { said.contains("nothing was changed") };
        assert!(done || told, "{} {new}: {said}", outcome.blow);
        assert!(new || !done, "{}: {said}", outcome.blow);
        done
    });
}
