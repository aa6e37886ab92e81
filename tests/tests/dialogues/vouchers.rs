//! Tests help by an administrator: a bypass code, and a reset followed by a ticket or by a login.

use twinlock_core::record::{
    enrollment::{self, ChangeStamp},
    extras::{Bypass, Purpose},
};
use twinlock_tests::{First, Machine};

use crate::people::{
    BOTH, OPEN, TICKET, by_kim, change, enrolled, forget, server, shown, ssh, ticket, voucher,
};

const TYPED: [&str; 3] = ["start", "<first>", "<group>"];

#[test]
fn a_bypass_stands_for_a_code() {
    for language in BOTH {
        let m = server(language, "");
        enrolled(&m);
        change(&m, |mut record| {
            let voucher = voucher("123456789");
            let bypass = Bypass { voucher, uses: 1, audit: by_kim() };
            enrollment::give_bypass(&mut record.extras, bypass);
            record
        });
        assert!(shown(&m, &format!("{language}/bypass"), &["123-456-789"]).logged_in());
        let words = ["123456789", ""];
        assert!(!shown(&m, &format!("{language}/bypass-again"), &words).logged_in());
    }
}

fn reset(m: &Machine) {
    enrolled(m);
    forget(m);
    change(m, |found| {
        let stamp = ChangeStamp { generation: found.generation, at: found.since };
        let mut record = enrollment::reset(found, by_kim(), stamp);
        enrollment::give_ticket(&mut record.extras, ticket(Purpose::SetUp));
        record
    });
}

#[test]
fn after_a_reset() {
    for language in BOTH {
        let m = server(language, "");
        reset(&m);
        let mut all = ssh(&m, First::Password);
        all.answer(&["start", TICKET, "<first>", "<group>"]);
        all.is_as_written(&format!("{language}/reset-then-ticket"));
        assert!(all.logged_in());
        reset(&m);
        assert!(shown(&m, &format!("{language}/reset-then-key"), &TYPED).logged_in());
        m.settings(&format!("language = \"{language}\"\nafter_reset = \"login\"\n{OPEN}"));
        reset(&m);
        let mut all = ssh(&m, First::Password);
        all.answer(&TYPED).is_as_written(&format!("{language}/reset-then-login"));
        assert!(all.logged_in());
    }
}
