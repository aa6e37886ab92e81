//! Tests self-service after a correct code: new backup codes, a new authenticator, and the change, removal or addition
//! of one of several authenticators.

use twinlock_core::record::Authenticator;

use crate::people::{BOTH, OPEN, change, forget, server, shown, with_codes};

#[test]
fn new_backup_codes() {
    for language in BOTH {
        let m = server(language, OPEN);
        with_codes(&m);
        let words = ["?", "4", "<code>", "1", "<code>", "<wrong>", "hunter2"];
        let mut all = shown(&m, &format!("{language}/new-codes-not-proven"), &words);
        assert!(all.logged_in(), "one code is a login, and changes nothing");
        forget(&m);
        let words = ["?", "4", "<code>", "1", "<next>", "<group>"];
        assert!(shown(&m, &format!("{language}/new-codes"), &words).logged_in());
        forget(&m);
        let words = ["?", "4", "<code>", "1", ""];
        assert!(shown(&m, &format!("{language}/new-codes-not-wanted"), &words).logged_in());
        forget(&m);
        assert!(shown(&m, &format!("{language}/go-on"), &["?", "4", "<code>", "4"]).logged_in());
    }
}

#[test]
fn a_new_authenticator() {
    for language in BOTH {
        let m = server(language, OPEN);
        let codes = with_codes(&m);
        let words = ["?", "4", "<code>", "2", "<first>", "<next>"];
        let mut all = shown(&m, &format!("{language}/new-authenticator"), &words);
        assert!(all.logged_in());
        let new = twinlock_tests::key_shown(&all.screen()).expect("a key");
        let old = m.otp("ada");
        assert_ne!(new.key, old.key);
        forget(&m);
        assert!(!shown(&m, &format!("{language}/old-authenticator"), &["<code>", ""]).logged_in());
        m.app("ada", &new);
        let words = ["?", "4", "<next>", "2", "<first>", &codes[0]];
        assert!(shown(&m, &format!("{language}/new-authenticator-by-code"), &words).logged_in());
    }
}

#[test]
fn which_of_several() {
    for language in BOTH {
        let m = server(language, OPEN);
        with_codes(&m);
        change(&m, |mut record| {
            let key = twinlock_core::base::secret::Key::new(vec![7; 20]).expect("a key");
            let first = record.authenticators[0].copied();
            record.authenticators.push(Authenticator { name: "work phone".into(), key, ..first });
            record
        });
        let words = ["?", "4", "<code>", "2", "2", "<first>", "<next>"];
        assert!(shown(&m, &format!("{language}/which-authenticator"), &words).logged_in());
    }
}

#[test]
fn one_of_two_is_removed() {
    for language in BOTH {
        let m = server(language, OPEN);
        with_codes(&m);
        change(&m, |mut record| {
            let key = twinlock_core::base::secret::Key::new(vec![7; 20]).expect("a key");
            let first = record.authenticators[0].copied();
            record.authenticators.push(Authenticator { name: "phone".into(), key, ..first });
            record
        });
        let words = ["?", "4", "<code>", "6", "4", "3", "2", "<next>"];
        assert!(shown(&m, &format!("{language}/remove-authenticator"), &words).logged_in());
    }
}

#[test]
fn one_more_authenticator() {
    for language in BOTH {
        let m = server(language, OPEN);
        with_codes(&m);
        let words = ["?", "4", "<code>", "3", "work phone", "<first>", "<next>"];
        let mut all = shown(&m, &format!("{language}/one-more-authenticator"), &words);
        assert!(all.logged_in());
        let new = twinlock_tests::key_shown(&all.screen()).expect("a key");
        for app in [m.otp("ada"), new] {
            forget(&m);
            m.app("ada", &app);
            assert!(shown(&m, &format!("{language}/one-of-two"), &["<code>"]).logged_in());
        }
    }
}
