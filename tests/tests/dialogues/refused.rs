//! Tests refused logins: wrong and used codes, too many of them, unknown users, and an unreadable record.

use crate::people::{BOTH, afresh, enrolled, forget, seen_through, server, shown, speaks};

#[test]
fn a_wrong_code_says_what_is_wrong() {
    for language in BOTH {
        let m = server(language, "");
        enrolled(&m);
        forget(&m);
        let wrong = ["<wrong>", "hunter2", "<wrong>"];
        assert!(!shown(&m, &format!("{language}/wrong-codes"), &wrong).logged_in());
        let letters = ["AAAA-AAAA-AAAA-AAAA-AAAA", "AAAA-AAAA-AAAA", ""];
        assert!(!shown(&m, &format!("{language}/wrong-letters"), &letters).logged_in());
        forget(&m);
        // The same code is typed twice, because the app may show another one by then. It belongs to the next step, so
        // that it is still current at the second login.
        let code = m.code_in("ada", 1);
        assert!(shown(&m, &format!("{language}/right-code"), &[&code]).logged_in());
        assert!(!shown(&m, &format!("{language}/used-code"), &[&code, ""]).logged_in());
    }
}

#[test]
fn guessing_is_slowed_down() {
    for language in BOTH {
        let m = server(language, "[throttle]\nfree = 2\nin_a_row = 6\n");
        enrolled(&m);
        forget(&m);
        let mut other = m.caller();
        for place in 1..4 {
            let place = format!("192.0.2.{place}");
            assert!(!other.gets_in(&place, &["<wrong>"; 2]));
        }
        let words = ["<code>", ""];
        let mut all = shown(&m, &format!("{language}/guessed-from-elsewhere"), &words);
        assert!(!all.logged_in());
        m.run(["twinlock", "unlock", "ada"]).ok();
        let words = [&["<wrong>"; 3], seen_through(language)].concat();
        assert!(!shown(&m, &format!("{language}/guessing"), &words).logged_in());
    }
}

#[test]
fn no_code_would_help() {
    for language in BOTH {
        let m = server(language, "");
        afresh(&m);
        assert!(!shown(&m, &format!("{language}/not-enrolled"), &[""]).logged_in());
        enrolled(&m);
        speaks(&m, language, "");
        m.run(["sh", "-c", "truncate -s 100 /var/lib/twinlock/users/ada/record.*"]).ok();
        assert!(!shown(&m, &format!("{language}/record-unreadable"), &[""]).logged_in());
    }
}
