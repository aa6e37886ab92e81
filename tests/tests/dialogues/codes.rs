//! Tests backup codes: how many are left, the warning, the renewal after the last one, and codes that must be shown.

use twinlock_core::record::{
    enrollment::{self, ChangeStamp},
    extras::Purpose,
};
use twinlock_tests::{First, Otp, codes_shown};

use crate::people::{
    BOTH, OPEN, TICKET, afresh, by_kim, change, forget, seen_through, server, shown, speaks, ssh,
    ticket, with_codes,
};

#[test]
fn a_code_is_used_up_and_the_person_hears_how_many_are_left() {
    for language in BOTH {
        let m = server(language, &format!("{OPEN}[backup_codes]\ncount = 5\n"));
        let codes = with_codes(&m);
        assert!(shown(&m, &format!("{language}/backup-code"), &[&codes[0]]).logged_in());
        let words = [&codes[0], "?", "2", &codes[3].to_lowercase().replace('-', " ")];
        assert!(shown(&m, &format!("{language}/backup-codes-few-left"), &words).logged_in());
    }
}

#[test]
fn the_last_code_is_renewed() {
    for language in BOTH {
        let m = server(language, OPEN);
        let codes = with_codes(&m);
        let mut caller = m.caller();
        for code in &codes[..9] {
            assert!(caller.gets_in("127.0.0.1", &[code]), "{}", caller.screen());
        }
        let words = [&codes[9], "AAAA", "<group>"];
        assert!(shown(&m, &format!("{language}/last-code"), &words).logged_in());
        assert!(!shown(&m, &format!("{language}/last-code-again"), &[&codes[9], ""]).logged_in());
    }
}

#[test]
fn the_only_code_is_renewed_each_time() {
    for language in BOTH {
        let m = server(language, &format!("{OPEN}[backup_codes]\ncount = 1\n"));
        let codes = with_codes(&m);
        let words = [&[&codes[0][..], "AAAA", "", ""], seen_through(language)].concat();
        assert!(!shown(&m, &format!("{language}/only-code-kept"), &words).logged_in());
        let words = [&codes[0], "<group>"];
        assert!(shown(&m, &format!("{language}/only-code"), &words).logged_in());
    }
}

/// Ada has lost her phone and has one backup code left. Checks that a login with this code shows her new codes, then
/// the menu, and that a new code authorizes the change of the app.
#[test]
fn lost_phone_with_one_code() {
    for language in BOTH {
        let m = server(language, &format!("{OPEN}[backup_codes]\ncount = 1\n"));
        let codes = with_codes(&m);
        let mut all = ssh(&m, First::Key);
        all.answer(&["?", "4", &codes[0], "<group>", "2", "<first>"]).next_prompt();
        let new = codes_shown(&all.screen()).pop().expect("the successor");
        all.answer(&[&new, "<group>"]).is_as_written(&format!("{language}/lost-phone"));
        assert!(all.logged_in());
        let app = twinlock_tests::key_shown(&all.screen()).expect("a key");
        forget(&m);
        m.app("ada", &app);
        assert!(m.caller().gets_in("127.0.0.1", &[&app.in_steps(1)]));
    }
}

#[test]
fn codes_that_were_not_confirmed_are_shown_again() {
    for language in BOTH {
        let m = server(language, OPEN);
        afresh(&m);
        let mut first = ssh(&m, First::Key);
        first.answer(&["start", "<first>", "", ""]);
        first.is_as_written(&format!("{language}/set-up-without-codes"));
        assert!(first.logged_in(), "the key was proven");
        m.app("ada", &twinlock_tests::key_shown(&first.screen()).expect("a key"));
        let words = ["<next>", "<group>"];
        assert!(shown(&m, &format!("{language}/codes-owed"), &words).logged_in());
    }
}

/// An administrator has enrolled ada, so the login asks her to replace the key. Checks that she can postpone this, and
/// that the login shows her first backup codes.
#[test]
fn the_first_codes_of_somebody_whom_another_enrolled() {
    for language in BOTH {
        let m = server(language, OPEN);
        m.user("kim");
        let otp = Otp::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
        let typed = format!("{}\n{}\n", otp.key, otp.in_steps(0));
        let enroll = m.call(["twinlock", "enroll", "ada", "--secret-stdin"]).logged_in("kim");
        enroll.input(typed).output().ok();
        m.app("ada", &otp);
        forget(&m);
        let words = ["<code>", "", "<group>"];
        assert!(shown(&m, &format!("{language}/enrolled-by-another"), &words).logged_in());
    }
}

#[test]
fn codes_that_somebody_has_made() {
    for language in BOTH {
        let m = server(language, OPEN);
        with_codes(&m);
        let taken = |with_ticket: bool| {
            change(&m, |found| {
                let stamp = ChangeStamp { generation: found.generation, at: found.since };
                let mut record = enrollment::owing_codes(found, by_kim(), stamp);
                if with_ticket {
                    enrollment::give_ticket(&mut record.extras, ticket(Purpose::Codes));
                }
                record
            });
        };
        taken(true);
        let words = [&[TICKET, "AAAA", "", ""], seen_through(language)].concat();
        assert!(!shown(&m, &format!("{language}/codes-by-ticket-kept"), &words).logged_in());
        // The new codes are also reached by the menu: after a mistaken choice, the ticket is typed at a prompt of its
        // own.
        let words = ["?", "2", "5", TICKET, "<group>"];
        assert!(shown(&m, &format!("{language}/codes-by-ticket-in-menu"), &words).logged_in());
        assert!(!shown(&m, &format!("{language}/ticket-again"), &[TICKET, ""]).logged_in());
        forget(&m);
        taken(true);
        let words = [TICKET, "<group>"];
        assert!(shown(&m, &format!("{language}/codes-by-ticket"), &words).logged_in());
        taken(false);
        forget(&m);
        let words = ["<code>", "<group>"];
        assert!(shown(&m, &format!("{language}/codes-given"), &words).logged_in());
        speaks(&m, language, &format!("{OPEN}[backup_codes]\ncount = 1\n"));
        taken(false);
        let words = ["<next>", "<group>"];
        assert!(shown(&m, &format!("{language}/only-code-given"), &words).logged_in());
    }
}

/// Checks that the final text is shown once. OpenSSH prints a message at the end of authentication twice: as a banner
/// and at the start of the shell.
#[test]
fn final_text_is_shown_once() {
    for (language, text) in
        BOTH.into_iter().zip(["You have 9 backup codes left.", "Du har 9 reservkoder kvar."])
    {
        let m = server(language, OPEN);
        let codes = with_codes(&m);
        let mut shell = ssh(&m, First::Key);
        assert!(shell.answer(&[&codes[0]]).logged_in(), "{}", shell.screen());
        assert_eq!(shell.screen().matches(text).count(), 1, "{}", shell.screen());
    }
}

#[test]
fn final_text_stays_out_of_the_session() {
    let m = server("en", OPEN);
    let codes = with_codes(&m);
    let ssh = m.ssh("ada").key().command(["/usr/bin/env"]).open();
    let mut all = m.dialogue("ada", ssh);
    all.answer(&[&codes[0]]);
    assert_eq!(all.session().exit_code(), Some(0), "{}", all.screen());
    assert!(all.screen().contains("SSH_CONNECTION="), "{}", all.screen());
    assert!(!all.screen().contains("TWINLOCK_"), "{}", all.screen());
}

#[test]
fn refused_login_says_its_final_text() {
    let m = server("en", &format!("{OPEN}tries = 1\n"));
    with_codes(&m);
    let mut refused = ssh(&m, First::Key);
    let wrong = m.wrong_code("ada");
    refused.answer(&[&wrong]);
    assert_ne!(refused.answer_while_asked(&[]), Some(0), "{}", refused.screen());
    assert!(refused.screen().contains("That code is wrong."), "{}", refused.screen());
}
