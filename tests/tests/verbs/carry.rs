//! Tests the export of one user to several hosts: a code used on one host counts as used on the other, a repeated
//! import changes nothing, and no counter goes back.

use twinlock_tests::{Finished, Machine, Otp};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const SCRATCH: [&str; 4] = ["12345678", "23456789", "34567890", "45678901"];

/// Creates a host on which ada has an account with this uid.
fn host(uid: u32) -> Machine {
    let m = Machine::new();
    m.twinlock().user_with_uid("ada", uid).app("ada", &Otp::new(KEY));
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

/// Creates a host on which ada has the uid 1000 and is enrolled with four backup codes.
fn first() -> Machine {
    let m = host(1000);
    let text = format!("{KEY}\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n{}\n", SCRATCH.join("\n"));
    m.file("/home/ada/.google_authenticator").write(text).mode(0o400).owner(m.uid("ada"));
    m.run(["twinlock", "import", "google", "ada"]).ok();
    m
}

fn export(m: &Machine) -> String {
    m.run(["twinlock", "export", "ada"]).ok().to_owned()
}

fn import(m: &Machine, text: &str, words: &str) -> Finished {
    let argv = format!("twinlock import record ada {words}");
    m.call(argv.split_whitespace()).input(text).output()
}

fn lets_in(m: &Machine, code: &str) -> bool {
    m.pamtester("probe", "ada").input(format!("{code}\n\n")).output().code == Some(0)
}

/// Returns the text of an export without the line that contains its time.
fn lasting(export: &str) -> String {
    export.lines().filter(|line| !line.starts_with("exported ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_was_used_there_is_used_here_and_twice_is_once() {
    let (a, b) = (first(), host(2000));
    let code = a.code("ada");
    assert!(lets_in(&a, &code) && lets_in(&a, SCRATCH[0]));
    let text = export(&a);
    assert_eq!(import(&b, &text, "").ok(), "ada is now enrolled as on the other host.\n");
    assert!(!lets_in(&b, &code) && !lets_in(&b, SCRATCH[0]));
    assert_eq!(lasting(&export(&b)).replace("uid = 2000", "uid = 1000"), lasting(&text));
    let state = b.tree("/var/lib/twinlock/users/ada");
    let same = "ada is the same here already; nothing was changed.\n";
    assert_eq!(import(&b, &text, "").ok(), same);
    assert_eq!(b.tree("/var/lib/twinlock/users/ada"), state);
    assert!(lets_in(&b, &b.code_in("ada", 1)) && lets_in(&b, SCRATCH[1]));
    // Neither host restores a code that was used on the other.
    assert_eq!(import(&b, &text, "").ok(), same);
    assert!(!lets_in(&b, SCRATCH[1]));
    assert_eq!(import(&a, &export(&b), "").ok(), same);
    assert!(!lets_in(&a, SCRATCH[1]) && lets_in(&a, SCRATCH[2]));
    assert_eq!(b.logged("event=record_imported user=ada").len(), 1);
    assert!(!a.log().iter().any(|line| line.contains(KEY)));
}

#[test]
fn the_later_change_counts_a_removal_too() {
    let (a, b) = (first(), host(2000));
    let old = export(&a);
    import(&b, &old, "").ok();
    b.run(["sleep", "1.1"]).ok();
    b.run(["twinlock", "remove", "ada", "--yes"]).ok();
    let refused = import(&b, &old, "");
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let said = refused.stderr.replace('\n', " ");
    assert!(
        said.contains("the record here was changed later than the imported record (here 20"),
        "{said}"
    );
    assert!(!lets_in(&b, &b.code("ada")));
    let removal = import(&a, &export(&b), "");
    assert_eq!(removal.code, Some(3), "{removal:?}");
    assert!(removal.stderr.contains("was removed on the other host"), "{removal:?}");
    assert!(lets_in(&a, &a.code("ada")) && lets_in(&a, SCRATCH[0]));
    // If the older record is imported anyway, codes that may have been used here stay used.
    let taken = import(&b, &old, "--older --json");
    let object = "{\"codes_owed\":true,\"state\":\"imported\",\"user\":\"ada\"}\n";
    assert_eq!(taken.ok(), object);
    assert!(lets_in(&b, &b.code_in("ada", 1)) && !lets_in(&b, SCRATCH[0]));
}

#[test]
fn a_terminal_is_shown_no_key_and_a_cut_export_changes_nothing() {
    let (a, b) = (first(), host(2000));
    let mut session = a.call(["twinlock", "export", "ada"]).open();
    session.expect("standard output is a terminal");
    assert_eq!(session.exit_code(), Some(2));
    assert!(!session.transcript().contains(KEY));
    let mut session = a.call(["twinlock", "export", "ada", "--yes"]).open();
    session.expect("# end of export");
    let text = export(&a);
    let before = b.tree("/var/lib/twinlock");
    for cut in [0, 1, 30, text.len() / 2, text.len() - 1] {
        let refused = import(&b, &text[..cut], "");
        assert!(matches!(refused.code, Some(1 | 2)), "{cut}: {refused:?}");
        let said = &refused.stderr;
        assert!(!said.contains(KEY) && said.contains("twinlock export USER"), "{cut}: {said}");
    }
    assert_eq!(b.tree("/var/lib/twinlock"), before);
    assert_eq!(b.run(["twinlock", "export", "ada"]).code, Some(3));
    let nobody = text.replace("\"ada\"", "\"nobo\"");
    assert_eq!(import(&b, &nobody, "").code, Some(1));
    assert_eq!(b.tree("/var/lib/twinlock"), before);
}

#[test]
fn an_account_out_of_googles_app_is_taken_over_once() {
    let m = host(1000);
    m.user("bob");
    let seed = include_str!("../../fuzz/seeds/migration/two");
    let call = |words: &str| {
        let argv = format!("twinlock import migration {words}");
        m.call(argv.split(' ')).input(format!("{seed}\n")).output()
    };
    let vague = call("ada");
    assert_eq!(vague.code, Some(2));
    assert!(vague.stderr.contains("Say which, by --name: box:ada, token.\n"), "{vague:?}");
    let done = call("ada --name token");
    assert_eq!(done.ok(), "ada is enrolled with the authenticator token.\n");
    assert!(call("ada --name token").ok().contains("imported already; nothing was changed"));
    assert_eq!(call("ada --name box").code, Some(3));
    assert_eq!(
        call("bob --name BOX --json").ok(),
        "{\"authenticator\":\"box\",\"state\":\"imported\",\"user\":\"bob\"}\n"
    );
    let status = m.run(["twinlock", "status", "bob"]);
    assert!(status.ok().contains("Authenticator: box (8 digits, 30 s, SHA512)"), "{status:?}");
    let none = call("bob --name cy");
    assert!(none.stderr.contains("The export has 2 QR codes"), "{none:?}");
}

/// Returns exports of a dishonest host, each with one false part.
fn lies(text: &str) -> Vec<(&'static str, String)> {
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).expect("the line");
    let used = line("used.");
    let (name, at) = used.rsplit_once(' ').expect("a used step");
    let (key, step) = name.rsplit_once('.').expect("a step");
    let step: u64 = step.parse().expect("a number");
    let changed = line("changed = ");
    let year = 4_102_444_800_u64;
    vec![
        ("a step far ahead", text.replace(used, &format!("{key}.{} {at}", step + 1000))),
        ("the last step of all", text.replace(used, &format!("{key}.{} {at}", u64::MAX))),
        ("a step used tomorrow", text.replace(used, &format!("{name} {year}"))),
        ("written tomorrow", text.replace(line("exported "), &format!("exported {year}"))),
        ("another user", text.replace("user = \"ada\"", "user = \"bob\"")),
        ("a removal", text.replace("state = \"active\"", "state = \"removed\"")),
        ("changed tomorrow", text.replace(changed, &format!("changed = {year}"))),
        ("codes of tomorrow", text.replace(line("codes_since "), &format!("codes_since {year}"))),
    ]
}

#[test]
fn a_lying_host_changes_nothing() {
    let (a, b) = (first(), host(2000));
    b.user("bob");
    assert!(lets_in(&a, &a.code("ada")));
    import(&b, &export(&a), "").ok();
    b.run(["sleep", "1.1"]).ok();
    a.run(["twinlock", "backup-codes", "ada", "--yes", "--print"]).ok();
    let honest = export(&a);
    let state = |m: &Machine| (m.tree("/var/lib/twinlock"), m.tree("/run/twinlock"));
    let before = state(&b);
    for (what, text) in lies(&honest) {
        assert_ne!(text, honest, "{what}");
        for words in ["", "--older"] {
            let refused = import(&b, &text, words);
            assert!(matches!(refused.code, Some(1..=3)), "{what}: {refused:?}");
        }
        assert_eq!(state(&b), before, "{what}");
    }
    let old_form = b.call(["twinlock", "import", "record"]).input(&honest).output();
    assert_eq!(old_form.code, Some(2), "{old_form:?}");
    assert!(old_form.stderr.replace('\n', " ").contains("ssh HOST twinlock import record ada"));
    assert_eq!(state(&b), before);
    import(&b, &honest, "").ok();
}

#[test]
fn a_counter_far_ahead_kills_no_token() {
    let (a, b) = (host(1000), host(2000));
    let uri = format!("otpauth://hotp/ada?secret={KEY}&counter=5\n");
    a.call(["twinlock", "import", "uri", "ada"]).input(uri).output().ok();
    let honest = export(&a);
    import(&b, &honest, "").ok();
    let before = b.tree("/var/lib/twinlock");
    for counter in ["900000000", "1006", "18446744073709551615"] {
        let text = honest.replace("counter = 5", &format!("counter = {counter}"));
        assert_ne!(text, honest);
        let refused = import(&b, &text, "");
        assert!(matches!(refused.code, Some(1 | 2)), "{counter}: {refused:?}");
        assert_eq!(b.tree("/var/lib/twinlock"), before, "{counter}");
    }
    let moved = honest.replace("counter = 5", "counter = 1005");
    assert!(import(&b, &moved, "").ok().contains("the counter stays where it is"));
}
