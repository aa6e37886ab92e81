//! Tests complete dialogues of the commands that show a key or codes on a terminal, with typical mistakes of users.

use crate::{script, script::Line};

/// Setting that accepts old codes, so that several codes of one minute can be asked for one after the other.
const WIDE: &str = "window = 10\n";

#[test]
fn enroll() {
    let mut s = script("enroll-terminal");
    s.m.settings(WIDE);
    s.by(Line::Root).dialogue("bob", "enroll bob", &["<never>", "hunter2", "<slow>", "<first>"]);
    s.m.run(["twinlock", "remove", "bob", "--yes"]).ok();
    s.by(Line::Person("bob")).dialogue(
        "bob",
        "enroll bob --name phone",
        &["<first>", "AAAA", "<group>"],
    );
    s.m.run(["twinlock", "remove", "bob", "--yes"]).ok();
    s.by(Line::Root).dialogue("bob", "enroll bob --ascii", &["hunter2", "", ""]);
    s.dialogue("bob", "enroll bob", &["<never>"; 5]);
    s.pipe("status bob", &[]);
    s.finish();
}

#[test]
fn change() {
    let mut s = script("change-terminal");
    s.m.settings(WIDE);
    s.dialogue("kim", "change kim", &["<code>", "<never>", "hunter2", "<first>", "<next>"]);
    s.finish();
}

#[test]
fn backup_codes() {
    let mut s = script("backup-codes-terminal");
    s.m.settings(WIDE);
    s.dialogue("kim", "backup-codes kim", &["<code>", "<next>", "AAAA", "<group>"]);
    s.finish();
}
