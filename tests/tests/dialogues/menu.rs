//! Tests the menu that opens if the user answers `?`: with backup codes, without any, and before a first factor.

use crate::people::{BOTH, OPEN, enrolled, forget, server, shown, with_codes};

#[test]
fn with_backup_codes() {
    for language in BOTH {
        let m = server(language, OPEN);
        let codes = with_codes(&m);
        let words = ["?", "2", &codes[0]];
        assert!(shown(&m, &format!("{language}/menu-backup-code"), &words).logged_in());
        let words = ["?", "7", "?", "1", "<code>"];
        assert!(shown(&m, &format!("{language}/menu-app"), &words).logged_in());
        assert!(!shown(&m, &format!("{language}/menu-stop"), &["?", "3"]).logged_in());
    }
}

#[test]
fn without_backup_codes() {
    for language in BOTH {
        let m = server(language, "");
        enrolled(&m);
        forget(&m);
        let words = ["?", "2", "?", "1", "<code>"];
        assert!(shown(&m, &format!("{language}/menu-without-codes"), &words).logged_in());
    }
}

#[test]
fn before_a_first_factor_it_is_the_same_for_everybody() {
    for language in BOTH {
        let m = server(language, "");
        enrolled(&m);
        for user in ["ada", "nobody"] {
            let mut session = m.ssh(user).open();
            session.expect("Password: ").send_line("not it");
            let mut all = m.dialogue("ada", session);
            all.answer(&["?", "x", "2", "AAAA-AAAA-AAAA-AAAA-AAAA"]);
            all.is_as_written(&format!("{language}/menu-unproven-{user}"));
            assert!(!all.logged_in());
        }
    }
}
