//! Tests the JSON output of commands that change how a service asks for a code. A change that waits for its
//! confirmation needs a booted machine: `tests/tests/booted/setup.rs`.

use super::{Page, people};

pub const ROWS: &[&str] = &[
    "setup SERVICE --dry-run",
    "setup SERVICE --print",
    "setup SERVICE --check",
    "setup undo",
    "setup SERVICE",
    "teardown SERVICE",
    "setup confirm WORD",
];

#[test]
fn previews_and_a_change() {
    let (m, mut page) = (people(), Page::read());
    let su = "setup su --with password";
    for (row, form) in [(ROWS[0], "--dry-run"), (ROWS[1], "--print")] {
        page.run(&m, row, &format!("{su} {form}"));
    }
    let check = format!("twinlock --json {su} --check");
    let differs = page.call(ROWS[2], m.call(check.split(' ')));
    assert_eq!(differs["differ"][0], "/etc/pam.d/su");
    let options = "--no-way-back --unproven --not-enrolled deny";
    page.run(&m, ROWS[4], &format!("{su} {options}"));
    page.run(&m, ROWS[2], &format!("{su} --check"));
    page.fails(m.call("twinlock --json setup confirm BCDFGHJK".split(' ')));
    page.run(&m, ROWS[5], "teardown su --yes");
    page.run(&m, ROWS[3], "setup undo");
    page.fails(m.call("twinlock --json setup su --with publickey".split(' ')));
    page.hold_all(&[ROWS[0], ROWS[2], ROWS[5]]);
}
