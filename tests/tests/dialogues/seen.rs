//! Tests a key that another user has seen, so that its owner has to replace it. The owner postpones the replacement,
//! postpones it for the last time, and then replaces the key.

use twinlock_core::record::extras::KeyDisclosure;

use crate::people::{BOTH, OPEN, by_kim, change, forget, seen_through, server, shown, with_codes};

#[test]
fn a_key_that_somebody_has_seen_is_put_off_and_then_replaced() {
    for language in BOTH {
        let m = server(language, &format!("{OPEN}handover_logins = 2\n"));
        with_codes(&m);
        change(&m, |mut record| {
            record.authenticators[0].seen = Some(KeyDisclosure { audit: by_kim(), postponed: 0 });
            record
        });
        let words = ["<code>", ""];
        assert!(shown(&m, &format!("{language}/seen-put-off"), &words).logged_in());
        forget(&m);
        assert!(shown(&m, &format!("{language}/seen-put-off-again"), &words).logged_in());
        forget(&m);
        assert!(!shown(&m, &format!("{language}/seen-not-put-off"), &words).logged_in());
        forget(&m);
        let words = [&["<code>", "strat", "start", "", ""], seen_through(language)].concat();
        assert!(!shown(&m, &format!("{language}/seen-not-replaced"), &words).logged_in());
        forget(&m);
        let words = ["<code>", "start", "<first>", "<next>"];
        let mut all = shown(&m, &format!("{language}/seen-replaced"), &words);
        assert!(all.logged_in());
        forget(&m);
        m.app("ada", &twinlock_tests::key_shown(&all.screen()).expect("a key"));
        assert!(shown(&m, &format!("{language}/plain-code"), &["<code>"]).logged_in());
    }
}
