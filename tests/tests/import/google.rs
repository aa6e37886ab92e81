//! Imports files that Google's own program or PAM module wrote. Checks that the user's app keeps working.

use std::process::Command;

use twinlock_tests::{Finished, Machine, Otp};

const GOOGLE: &str = "auth required pam_google_authenticator.so\n";
const FILE: &str = "/home/ada/.google_authenticator";

fn machine() -> Machine {
    let m = Machine::new();
    m.user("ada").bare().pam("google", GOOGLE);
    m
}

/// Runs Google's program for `user`, and enters the key that the program generates in the user's app.
fn set_up(m: &Machine, user: &str, flags: &str) {
    let fixed = "google-authenticator -C -f -q -Q NONE -l box -i box";
    m.run_as(user, format!("{fixed} {flags}").split(' ')).ok();
    let text = m.file(&format!("/home/{user}/.google_authenticator")).read();
    m.app(user, &Otp::new(text.lines().next().unwrap()));
}

fn scratch_codes(m: &Machine) -> Vec<String> {
    let text = m.file(FILE).read();
    let codes = text.lines().filter(|line| line.len() == 8 && !line.starts_with('"'));
    codes.map(str::to_owned).collect()
}

/// Returns whether Google's module accepts ada's code while the module's clock is shifted by `clock` seconds.
fn google(m: &Machine, code: &str, clock: i64) -> bool {
    let call = m.pamtester("google", "ada").input(format!("{code}\n"));
    let call = if clock == 0 { call } else { call.clock(clock) };
    call.output().stdout.contains("successfully authenticated")
}

fn ours(m: &Machine, code: &str) -> bool {
    m.asked("ada", code).code == Some(0)
}

fn import(m: &Machine, words: &str) -> Finished {
    m.run(format!("twinlock import google {words}").split(' '))
}

fn counted(m: &Machine, counter: u64) -> String {
    let mut oathtool = Command::new("oathtool");
    oathtool.args(["--hotp", "--base32", "-c", &counter.to_string(), &m.otp("ada").key]);
    let output = oathtool.output().expect("oathtool");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn an_app_goes_on_where_googles_module_left_it() {
    let m = machine();
    set_up(&m, "ada", "-t -d -r 3 -R 30 -w 17 -e 5");
    let (code, scratch) = (m.code("ada"), scratch_codes(&m));
    assert!(google(&m, &code, 0) && google(&m, &scratch[0], 0));
    let trees = || ["/home", "/var/lib/twinlock", "/run/twinlock"].map(|tree| m.tree(tree));
    let before = trees();
    let rehearsed = import(&m, "--dry-run ada");
    assert_eq!(trees(), before);
    let done = import(&m, "ada");
    let said = "ada: imported\n  app: 128-bit key, 6 digits every 30 s, SHA1\n  \
                4 backup codes, 1 used step\n  \
                line 2: RATE_LIMIT is not imported: twinlock counts wrong codes itself\n    \
                (throttle in twinlock.toml)\n  \
                line 3: WINDOW_SIZE is not imported; `window = 8` in twinlock.toml is as\n    \
                wide, for all users\n\
                1 imported. The source files were kept; --remove-source deletes them.\n";
    assert_eq!(done.ok(), said);
    let would = said.replace("ada: imported", "ada: would be imported");
    let would = would.split("1 imported. ").next().unwrap().to_owned();
    assert_eq!(rehearsed.ok(), format!("{would}1 would be imported. Nothing was written.\n"));
    assert!(!ours(&m, &code));
    assert_eq!(m.logged("reason=replayed").len(), 1, "{:?}", m.log());
    assert!(ours(&m, &m.code_in("ada", 1)));
    assert!(!ours(&m, &scratch[0]), "spent before");
    assert!(ours(&m, &scratch[1]) && !ours(&m, &scratch[1]) && ours(&m, &scratch[4]));
    assert_eq!(m.tree("/home"), before[0]);
}

#[test]
fn a_counter_goes_on_to_the_digit() {
    let m = machine();
    set_up(&m, "ada", "-c -w 3 -u -e 0");
    assert!(google(&m, &counted(&m, 1), 0) && google(&m, &counted(&m, 3), 0));
    let said = import(&m, "ada");
    assert!(said.ok().contains("  token: 128-bit key, 6 digits, next counter 4\n"), "{said:?}");
    for (counter, right) in [(3, false), (4, true), (4, false), (6, true), (5, false)] {
        assert_eq!(ours(&m, &counted(&m, counter)), right, "{counter}");
    }
    assert!(import(&m, "ada").ok().contains("imported already; nothing was changed\n"));
    assert!(google(&m, &counted(&m, 4), 0) && google(&m, &counted(&m, 6), 0));
    assert!(google(&m, &counted(&m, 8), 0));
    let said = import(&m, "ada");
    assert!(said.ok().contains("imported already; a counter stays where it is\n"));
    assert!(!ours(&m, &counted(&m, 7)) && ours(&m, &counted(&m, 9)));
}

#[test]
fn many_homes_have_a_bar_on_a_terminal() {
    let m = machine();
    set_up(&m, "ada", "-t -d -w 3 -u -e 0");
    let names: Vec<String> = (0..22).map(|number| format!("u{number}")).collect();
    for name in &names {
        m.user(name);
    }
    m.file("/home/u7/.google_authenticator")
        .write(m.file(FILE).read())
        .mode(0o400)
        .owner(m.uid("u7"));
    let mut session = m.call(["twinlock", "import", "google", "--all"]).open();
    session.expect("[#").expect("/").expect("ada: imported").expect("u7: imported");
    session.expect("2 imported, ").expect(" without a file.");
    assert!(!import(&m, "--all").stderr.contains("[#"), "no bar where nobody looks");
}

#[test]
fn a_clock_that_googles_module_has_learnt_is_known() {
    let m = machine();
    set_up(&m, "ada", "-t -d -w 3 -u -e 0");
    // Codes of a phone that is ten minutes ahead.
    let phone = |steps: i64| m.code_in("ada", 20 + steps);
    assert!(!google(&m, &phone(-4), -120) && !google(&m, &phone(-3), -90));
    assert!(google(&m, &phone(-2), -60), "{}", m.file(FILE).read());
    let code = phone(0);
    assert!(google(&m, &code, 0));
    assert!(import(&m, "ada").ok().contains(", clock 20 steps ahead\n"));
    assert!(!ours(&m, &code));
    assert!(!ours(&m, &m.code("ada")));
    assert!(ours(&m, &phone(1)));
}

#[test]
fn the_code_by_which_the_clock_was_learnt_is_used_up_too() {
    let m = machine();
    set_up(&m, "ada", "-t -d -w 3 -u -e 0");
    let start = m.code_in("ada", 20 - 2);
    let middle = m.code_in("ada", 20 - 1);
    assert!(!google(&m, &start, -60) && !google(&m, &middle, -30));
    let code = m.code_in("ada", 20);
    assert!(google(&m, &code, 0));
    import(&m, "ada").ok();
    assert!(!ours(&m, &code));
}

#[test]
fn without_a_list_of_used_codes_every_code_so_far_is_used() {
    let m = machine();
    set_up(&m, "ada", "-t -D -w 3 -u -e 0");
    let (last, code) = (m.code_in("ada", -1), m.code("ada"));
    assert!(google(&m, &code, 0) && google(&m, &code, 0), "Google's module takes it twice");
    assert!(import(&m, "ada").ok().contains("  DISALLOW_REUSE was not set; protection"));
    assert!(!ours(&m, &code) && !ours(&m, &last));
}

#[test]
fn importing_again_changes_nothing_and_another_key_stays() {
    let m = machine();
    set_up(&m, "ada", "-t -d -w 3 -u -e 3");
    let scratch = scratch_codes(&m);
    import(&m, "ada").ok();
    assert!(ours(&m, &scratch[0]));
    let before = m.tree("/var/lib/twinlock/users");
    let again = import(&m, "ada");
    assert_eq!(
        again.ok(),
        "ada: imported already; nothing was changed\n0 imported, 1 enrolled already.\n"
    );
    assert_eq!(m.tree("/var/lib/twinlock/users"), before);
    assert!(!ours(&m, &scratch[0]) && ours(&m, &scratch[1]));
    m.file(FILE).remove();
    set_up(&m, "ada", "-t -d -w 3 -u -e 2");
    let other = import(&m, "ada");
    assert_eq!(other.code, Some(3));
    assert!(
        other.stdout.contains("ada is enrolled already, and keeps the present key"),
        "{other:?}"
    );
    // With `--all`, another key of an enrolled user is no failure.
    let all = m.run(["twinlock", "import", "google", "--all", "--remove-source"]);
    let said = "ada: already enrolled with another key; the file was left alone\n";
    assert!(all.ok().contains(said) && m.file(FILE).exists(), "{all:?}");
}

#[test]
fn a_code_used_over_there_after_the_import_is_used_up_by_the_next() {
    let m = machine();
    set_up(&m, "ada", "-t -d -w 3 -u -e 0");
    import(&m, "ada").ok();
    let code = m.code("ada");
    assert!(google(&m, &code, 0));
    import(&m, "ada").ok();
    assert!(!ours(&m, &code));
}

#[test]
fn everybody_at_once_and_the_files_are_deleted() {
    let m = machine();
    m.user("bob").user("cy").user("dee");
    for user in ["ada", "bob", "cy"] {
        set_up(&m, user, "-t -d -w 3 -u -e 2");
    }
    m.file("/home/cy/.google_authenticator").write("no key!\n").mode(0o600);
    let done = import(&m, "--all --remove-source --json");
    assert_eq!(done.code, Some(1), "{done:?}");
    for part in ["\"imported\":2", "\"failed\":1", "\"user\":\"cy\"", "\"scratch_codes\":2"] {
        assert!(done.stdout.contains(part), "{part}: {done:?}");
    }
    let left = m.run(["sh", "-c", "ls -A /home/*/ | grep -v profile"]).stdout;
    assert_eq!(left.matches(".google_authenticator").count(), 1, "{left}");
    assert!(!left.contains("twinlock"), "{left}");
    for user in ["ada", "bob"] {
        let code = m.code_in(user, 1);
        assert_eq!(m.asked(user, &code).code, Some(0), "{user}");
    }
    let again = import(&m, "--all");
    assert_eq!(again.code, Some(1));
    let sum = again.stdout.lines().last().unwrap_or_default();
    assert!(
        sum.starts_with("0 imported, 1 not imported, ") && sum.ends_with(" without a file."),
        "{sum}"
    );
}
