//! Tests `twinlock enroll` by which users enroll themselves at a terminal. Checks that, once a code of the new key was
//! accepted, the backup codes are either valid or shown at the next login.

use twinlock_tests::{CutDialogue, Dialogue, Machine, Otp, codes_shown, key_shown, now};

const ALL: [&str; 2] = ["<first>", "<group>"];

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("kim").settings("window = 10\n");
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

fn dialogue(m: &Machine) -> Dialogue<'_> {
    m.dialogue("ada", m.call(["twinlock", "enroll", "ada"]).logged_in("ada").open())
}

fn lets_in(m: &Machine, code: &str) -> bool {
    m.pamtester("probe", "ada").input(format!("{code}\n\n")).output().code == Some(0)
}

fn status(m: &Machine, text: &str) -> bool {
    m.run(["twinlock", "status", "ada"]).ok().contains(text)
}

#[test]
fn the_codes_are_shown_confirmed_and_in_force() {
    let m = machine();
    let mut all = dialogue(&m);
    all.answer(&ALL).session().expect("ada is enrolled with the authenticator app.");
    assert_eq!(all.session().exit_code(), Some(0));
    let screen = all.screen();
    assert!(screen.contains("two-step verification is on for ada"), "{screen}");
    assert!(screen.contains("The next login needs the next\r\ncode.\r\n"), "{screen}");
    let codes = codes_shown(&screen);
    assert_eq!(codes.len(), 10);
    assert!(lets_in(&m, &codes[3]) && !lets_in(&m, &codes[3]));
    assert!(!status(&m, "due since") && !status(&m, "was seen"));
    assert_eq!(m.logged("event=codes_renewed user=ada shown=owner").len(), 1);
}

#[test]
fn who_does_not_confirm_them_is_enrolled_and_shown_others_at_a_login() {
    for end in ["", "\u{4}", "\u{3}"] {
        let m = machine();
        let mut all = dialogue(&m);
        all.answer(&["<first>"]).next_prompt();
        if end.is_empty() {
            // After an empty answer the prompt is repeated: it may be a mistake.
            all.answer(&[end]).next_prompt();
        }
        all.answer(&[end]);
        // ^C also reaches the process that opened the terminal, so the exit status is not always 0.
        let code = all.session().give_up();
        assert!(code == Some(0) || end == "\u{3}", "{code:?}: {}", all.screen());
        let screen = all.screen().replace("\r\n", " ");
        assert!(screen.contains("The next login needs the next code, and shows the backup codes."));
        assert!(screen.contains("Your next login shows you new ones."), "{screen}");
        assert!(status(&m, "due since"));
        assert!(!lets_in(&m, &codes_shown(&screen)[0]));
        let otp = key_shown(&all.screen()).expect("a key");
        let call = m.pamtester("probe", "ada").input(format!("{}\n\n", otp.in_steps(1)));
        let login = call.output();
        assert_eq!(codes_shown(&login.stderr).len(), 10, "{login:?}");
    }
}

/// Checks that an administrator who enrolls another user does not see the backup codes.
#[test]
fn another_who_enrolls_sees_none() {
    let m = machine();
    let session = m.call(["twinlock", "enroll", "ada"]).logged_in("kim").open();
    let mut all = m.dialogue("ada", session);
    all.answer(&["<first>"]);
    assert_eq!(all.session().exit_code(), Some(0));
    let screen = all.screen();
    assert!(codes_shown(&screen).is_empty(), "{screen}");
    assert!(screen.replace("\r\n", " ").contains("and shows the backup codes."), "{screen}");
    let said = m.run(["twinlock", "status", "ada"]);
    assert!(
        said.ok().replace("\n  ", " ").contains("(by kim): the next login shows them."),
        "{said:?}"
    );
    let code = key_shown(&screen).expect("a key").in_steps(1);
    let login = m.pamtester("probe", "ada").input(format!("{code}\n\n\n")).output();
    assert_eq!(codes_shown(&login.stderr).len(), 10, "{login:?}");
}

fn struck(m: &Machine) -> CutDialogue<'_> {
    // The store is created first, as every later command finds it.
    m.run(["twinlock", "epoch", "ensure"]).ok();
    m.cut_dialogue("ada", "enroll ada", &ALL)
}

/// Returns 0 if ada is not enrolled, 1 if she is enrolled and must be shown backup codes, 2 if the codes on the screen
/// are valid. Checks that no other state occurs.
fn stands(m: &Machine, screen: &str) -> u8 {
    if status(m, "ada is not enrolled") {
        return 0;
    }
    assert!(status(m, "ada is enrolled since"), "{screen}");
    let otp = key_shown(screen).expect("a key");
    let call = m.call(["twinlock", "verify", "ada"]).input(otp.in_steps(3) + "\n");
    assert_eq!(call.output().code, Some(0), "{screen}");
    let shown = codes_shown(screen);
    let works = shown.last().is_some_and(|code| lets_in(m, code));
    assert_ne!(works, status(m, "due since"), "{screen}");
    1 + u8::from(works)
}

#[test]
fn killed_anywhere_behind_the_proof_it_is_whole() {
    let m = machine();
    let found = struck(&m)
        .killed("code now shown", "is enrolled with", |outcome| stands(&m, &outcome.screen));
    assert!(found.is_sorted() && found[0] == 0 && found.contains(&2), "{found:?}");
}

#[test]
fn refused_by_the_disk_it_is_said_which_stands() {
    let m = machine();
    let mut met = [false; 3];
    struck(&m).refused(|outcome| {
        let stands = stands(&m, &outcome.screen);
        met[usize::from(stands)] = true;
        let said = outcome.said();
        let told: &[&str] = match stands {
            0 => &["nothing was changed"],
            1 => &["and shows the backup codes", "but the change may be lost"],
            _ => &["The next login needs the next code.", "It is not certain that these codes"],
        };
        assert!(told.iter().any(|one| said.contains(one)), "{} {stands}: {said}", outcome.blow);
        assert_eq!(outcome.code == Some(0), said.contains("ada is enrolled with"), "{said}");
        stands == 2 && !said.contains("not certain")
    });
    assert_eq!(met, [true; 3]);
}

/// Creates a machine whose ledger has just begun, and lets kim enroll ada there with a new key. Returns the machine
/// and ada's app.
fn enrolled_since_the_ledger_began() -> (Machine, Otp) {
    let m = machine();
    m.epoch(0, now());
    let session = m.call(["twinlock", "enroll", "ada"]).logged_in("kim").open();
    let mut all = m.dialogue("ada", session);
    all.answer(&["<first>"]);
    assert_eq!(all.session().exit_code(), Some(0));
    let otp = key_shown(&all.screen()).expect("a key");
    drop(all);
    (m, otp)
}

/// Logs in with a code of the user. Returns the reason in the log for its refusal; `None` if the code is accepted,
/// also if new backup codes are then shown.
fn refusal(m: &Machine, user: &str, code: &str) -> Option<String> {
    let seen = m.log().len();
    let login = m.pamtester("probe", user).input(format!("{code}\n\n\n")).output();
    if login.code == Some(0) || codes_shown(&login.stderr).len() == 10 {
        return None;
    }
    let lines = m.log()[seen..].join("\n");
    let reason = lines.split("reason=").nth(1).expect("a reason");
    reason.split_whitespace().next().map(str::to_owned)
}

#[test]
fn key_generated_here_needs_no_wait_and_each_code_works_once() {
    let (m, otp) = enrolled_since_the_ledger_began();
    // The code that proved the key is refused.
    assert_eq!(refusal(&m, "ada", &otp.in_steps(0)).as_deref(), Some("replayed"));
    let next = otp.in_steps(1);
    assert_eq!(refusal(&m, "ada", &next), None);
    assert_eq!(refusal(&m, "ada", &next).as_deref(), Some("replayed"));
    // In a new epoch, and after the ledger has lost its names, codes of this key have to wait like those of any other.
    let later = otp.in_steps(2);
    m.run(["twinlock", "epoch", "now"]).ok();
    assert_eq!(refusal(&m, "ada", &later).as_deref(), Some("before_epoch"));
    let (m, otp) = enrolled_since_the_ledger_began();
    let used = otp.in_steps(1);
    assert_eq!(refusal(&m, "ada", &used), None);
    m.run(["sh", "-c", "rm -r /run/twinlock/users/* /run/twinlock/epoch"]).ok();
    m.run(["twinlock", "epoch", "ensure"]).ok();
    assert_eq!(refusal(&m, "ada", &used).as_deref(), Some("before_epoch"));
}

#[test]
fn restored_and_imported_records_revive_no_code() {
    let (m, otp) = enrolled_since_the_ledger_began();
    m.run(["cp", "-a", "/var/lib/twinlock/users/ada", "/root/backup"]).ok();
    let export = m.run(["twinlock", "export", "ada"]).ok().to_owned();
    assert!(!export.contains("fresh_key"), "{export}");
    let used = otp.in_steps(1);
    assert_eq!(refusal(&m, "ada", &used), None);
    // Restores the record as it was before that login.
    let restore = "cd /var/lib/twinlock/users/ada; rm -f *; cp -a /root/backup/. .";
    m.run(["sh", "-c", restore]).ok();
    assert_eq!(refusal(&m, "ada", &used).as_deref(), Some("replayed"));
    // The user is removed, and imported from the export: the key counts as one from another host.
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    let import = m.call(["twinlock", "import", "record", "ada", "--older"]);
    import.input(export).output().ok();
    assert_ne!(refusal(&m, "ada", &used), None);
    assert_eq!(refusal(&m, "ada", &otp.in_steps(2)).as_deref(), Some("before_epoch"));
}

#[test]
fn key_that_was_brought_waits_for_the_epoch() {
    const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let m = machine();
    m.user("bob").epoch(0, now()).enrolled("ada", KEY);
    assert_eq!(refusal(&m, "ada", &m.code_in("ada", 1)).as_deref(), Some("before_epoch"));
    let otp = Otp::new("MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U");
    let typed = format!("MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U\n{}\n", otp.in_steps(0));
    m.call(["twinlock", "enroll", "bob", "--secret-stdin"]).input(typed).output().ok();
    assert_eq!(refusal(&m, "bob", &otp.in_steps(1)).as_deref(), Some("before_epoch"));
}

const AT_A_LOGIN: &str = "window = 10\nnot_enrolled = \"enroll\"\nenroll_needs_ticket = false\n";

/// Creates a machine whose ledger has just begun, and lets ada set up a key at a login. Returns the machine and ada's
/// app.
fn set_up_at_a_login() -> (Machine, Otp) {
    let m = machine();
    m.settings(AT_A_LOGIN).epoch(0, now());
    let mut all = m.dialogue("ada", m.pamtester("probe", "ada").open());
    all.answer(&["start", "<first>", "<group>"]);
    assert_eq!(all.session().give_up(), Some(0), "{}", all.screen());
    let otp = key_shown(&all.screen()).expect("a key");
    drop(all);
    (m, otp)
}

#[test]
fn key_set_up_at_a_login_needs_no_wait() {
    let (m, otp) = set_up_at_a_login();
    assert_eq!(refusal(&m, "ada", &otp.in_steps(0)).as_deref(), Some("replayed"));
    let next = otp.in_steps(1);
    assert_eq!(refusal(&m, "ada", &next), None);
    assert_eq!(refusal(&m, "ada", &next).as_deref(), Some("replayed"));
}

#[test]
fn key_changed_by_its_owner_needs_no_wait() {
    let (m, old) = set_up_at_a_login();
    m.app("ada", &old);
    let mut all = m.dialogue("ada", m.call(["twinlock", "change", "ada"]).logged_in("ada").open());
    all.session().expect("Your own code").send_line(&old.in_steps(1));
    all.answer(&["<first>"]).next_prompt();
    all.session().send_line(&old.in_steps(2));
    assert_eq!(all.session().exit_code(), Some(0), "{}", all.screen());
    let new = key_shown(&all.screen()).expect("a key");
    drop(all);
    let next = new.in_steps(1);
    assert_eq!(refusal(&m, "ada", &next), None);
    assert_eq!(refusal(&m, "ada", &next).as_deref(), Some("replayed"));
    assert_eq!(refusal(&m, "ada", &old.in_steps(3)).as_deref(), Some("wrong_code"));
}

/// Restarts the host after ada has set up a key. The ledger then knows no used step. Checks that codes of the new key
/// count only if they are newer than the ledger.
#[test]
fn restart_makes_a_fresh_key_wait() {
    for back in [0, -120, -3600] {
        let (m, otp) = set_up_at_a_login();
        let used = otp.in_steps(1);
        assert_eq!(refusal(&m, "ada", &used), None);
        let remount = "umount /run/twinlock; mount -t tmpfs -o mode=0700 ledger /run/twinlock";
        m.run(["sh", "-c", remount]).ok();
        m.file("/root/boot-id").write("00000000-1111-4222-8333-444444444444\n");
        m.run(["mount", "--bind", "/root/boot-id", "/proc/sys/kernel/random/boot_id"]).ok();
        m.call(["twinlock", "epoch", "ensure"]).clock(back).output().ok();
        assert_eq!(refusal(&m, "ada", &used).as_deref(), Some("before_epoch"), "{back}");
        assert_eq!(refusal(&m, "ada", &otp.in_steps(2)).as_deref(), Some("before_epoch"), "{back}");
    }
}
