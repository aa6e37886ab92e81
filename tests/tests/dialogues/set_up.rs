//! Tests set-up at a login: begun by the word start, by a ticket or after a reminder; continued after an interruption;
//! begun from another place; and with typing errors.

use twinlock_core::record::{
    enrollment::{self, ChangeStamp},
    extras::Purpose,
};
use twinlock_tests::{First, Next};

use crate::people::{
    BOTH, OPEN, TICKET, afresh, by_kim, change, enrolled, forget, seen_through, server, shown,
    speaks, ssh, ticket,
};

const TYPED: [&str; 3] = ["start", "<first>", "<group>"];

#[test]
fn by_typing_start() {
    for language in BOTH {
        let m = server(language, OPEN);
        let mut all = shown(&m, &format!("{language}/set-up"), &TYPED);
        assert!(all.logged_in());
        afresh(&m);
        let words = ["start", "<slow>", "000000", "abc", "i", "a", "<first>", "AAAA", "<group>"];
        let mut all = shown(&m, &format!("{language}/set-up-mistyped"), &words);
        assert!(all.logged_in());
        afresh(&m);
        let words = ["strat", "Börja", "", "<first>", "", "<group>"];
        assert!(shown(&m, &format!("{language}/set-up-slips"), &words).logged_in());
        afresh(&m);
        let mut begun = ssh(&m, First::Key);
        begun.answer(&["start"]).next_prompt();
        drop(begun);
        assert!(shown(&m, &format!("{language}/set-up-gone-on-with"), &TYPED).logged_in());
    }
}

#[test]
fn nothing_is_set_up() {
    for language in BOTH {
        let m = server(language, OPEN);
        assert!(!shown(&m, &format!("{language}/set-up-declined"), &[""]).logged_in());
        let words = [&["start"][..], &["000000"; 10], seen_through(language)].concat();
        assert!(!shown(&m, &format!("{language}/set-up-never-proven"), &words).logged_in());
    }
}

#[test]
fn begun_from_elsewhere() {
    for language in BOTH {
        let m = server(language, OPEN);
        let mut other = m.caller();
        assert_eq!(other.login("bare", "ada", "198.51.100.9"), Next::Asks);
        assert_eq!(other.type_all(&["start"]), Next::Asks);
        drop(other);
        assert!(shown(&m, &format!("{language}/set-up-begun-elsewhere"), &TYPED).logged_in());
    }
}

#[test]
fn by_a_ticket() {
    for language in BOTH {
        let m = server(language, "");
        enrolled(&m);
        change(&m, |found| {
            let stamp = ChangeStamp { generation: found.generation, at: found.since };
            let mut record = enrollment::reset(found, by_kim(), stamp);
            record.extras.reset = None;
            enrollment::give_ticket(&mut record.extras, ticket(Purpose::SetUp));
            record
        });
        let wrong = [&["AAAA-BBBB-CCCC"; 3], seen_through(language)].concat();
        assert!(!shown(&m, &format!("{language}/set-up-without-ticket"), &wrong).logged_in());
        forget(&m);
        let words = ["AAAA-BBBB-CCCC", "123456", TICKET, "<first>", "<group>"];
        let mut all = shown(&m, &format!("{language}/set-up-by-ticket"), &words);
        assert!(all.logged_in(), "the last of three answers is right");
    }
}

#[test]
fn by_a_reminder() {
    for language in BOTH {
        let m = server(language, "not_enrolled = \"remind\"\nenroll_needs_ticket = false\n");
        assert!(shown(&m, &format!("{language}/reminder-put-off"), &[""]).logged_in());
        let rule = "enroll_needs_ticket = false\nenroll_reason = \"Customers' data lies here.\"\n\
                    [[rule]]\nuser = \"ada\"\naction = \"remind\"\nuntil = 2099-12-31\n";
        speaks(&m, language, rule);
        assert!(shown(&m, &format!("{language}/reminder-with-a-reason"), &[""]).logged_in());
        speaks(&m, language, &rule.replace("enroll_reason", "# "));
        assert!(shown(&m, &format!("{language}/reminder-until-a-day"), &TYPED).logged_in());
    }
}
