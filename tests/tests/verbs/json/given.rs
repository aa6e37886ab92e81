//! Tests the JSON output of commands that issue something to one user, or revoke it.

use twinlock_tests::{Machine, Otp, Scratch};

use super::{ADA, BOB, Page, login, people};

pub const ROWS: &[&str] = &[
    "enroll USER",
    "invite USER",
    "reset USER",
    "backup-codes USER",
    "show-key USER",
    "bypass USER",
    "change USER",
    "unlock USER",
    "devices USER",
    "forget USER",
    "remove USER",
    "remove USER --authenticator",
    "import uri USER",
    "import migration USER",
    "import qr USER FILE",
    "import record USER",
    "export USER",
];

/// Installs the shell text `then` at `path`, in place of a program that receives mail or ends sessions.
fn program(m: &Machine, path: &str, then: &str) {
    m.file(path).write(format!("#!/bin/sh\n{then}\n")).mode(0o755);
}

#[test]
fn what_an_administrator_gives() {
    let (m, mut page) = (people(), Page::read());
    let [_, invite, reset, codes, show, bypass, change, ..] = *ROWS else { panic!("the rows") };
    let again = || m.enrolled("ada", ADA).scratch("ada", Scratch::FEW);
    page.run(&m, bypass, "bypass ada --yes --reason x");
    page.run(&m, show, "show-key ada --yes --png /root/qr");
    page.run(&m, codes, "backup-codes ada --yes --print");
    page.run(&m, codes, "backup-codes ada --yes");
    page.run(&m, reset, "reset ada --yes");
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    again();
    let settings = "mail_domain = \"example.org\"\nsendmail = \"/root/sendmail\"\n";
    m.settings(settings);
    program(&m, "/root/sendmail", "exec cat >/dev/null");
    page.run(&m, codes, "backup-codes ada --yes");
    m.password("ada", twinlock_tests::PASSWORD);
    page.run(&m, reset, "reset ada --yes --end-sessions --expire-password");
    page.run(&m, invite, "invite bob");
    program(&m, "/root/sendmail", "exit 75");
    page.run(&m, invite, "invite bob");
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    again();
    page.run(&m, codes, "backup-codes ada --yes");
    page.run(&m, reset, "reset ada --yes");
    page.fails(m.call(["twinlock", "--json", "change", "ada"]));
    page.hold_all(&[invite, reset, codes, show, bypass]);
    assert_eq!(change, "change USER");
}

#[test]
fn what_is_forgotten_and_ended() {
    let (m, mut page) = (people(), Page::read());
    let [.., unlock, devices, forget, remove, one_of_several, _, _, _, _, _] = *ROWS else {
        panic!("the rows")
    };
    login(&m, &m.wrong_code("ada"));
    page.run(&m, unlock, "unlock ada");
    let record = m.run(["sh", "-c", "cat /var/lib/twinlock/users/ada/record.*"]).stdout;
    let generation = record.lines().find_map(|line| line.strip_prefix("generation = "));
    let generation = generation.expect("a generation").trim_matches('"');
    let now = twinlock_tests::now();
    let text = format!("{now} {} {} {generation} 203.0.113.7 SHA256:abc", now + 600, u64::MAX);
    m.file("/run/twinlock/users/ada/device.00000000000000000000000000000000").link_to(&text);
    page.run(&m, devices, "devices ada");
    page.run(&m, forget, "forget ada 1");
    page.run(&m, devices, "devices ada");
    page.run(&m, remove, "remove ada --yes");
    let two = format!("HOTP/T30 ada - {}\nHOTP/T30 ada - {}\n", "31".repeat(20), "32".repeat(20));
    m.file("/root/oath").write(two).mode(0o600);
    m.run(["twinlock", "import", "oath", "/root/oath"]).ok();
    page.run(&m, one_of_several, "remove ada --authenticator app-2 --yes");
    page.hold_all(&[unlock, devices, forget, remove, one_of_several]);
}

#[test]
fn what_is_set_up_and_taken_over() {
    let (m, mut page) = (people(), Page::read());
    let [enroll, .., uri, migration, qr, record, export] = *ROWS else { panic!("the rows") };
    let json = |words: &str| m.call(format!("twinlock --json {words}").split(' '));
    let otp = Otp::new(BOB);
    let typed = format!("{BOB}\n{}\n", otp.in_steps(0));
    page.call(enroll, json("enroll bob --secret-stdin").input(typed));
    m.run(["twinlock", "remove", "bob", "--yes"]).ok();
    page.call(uri, json("import uri bob").input(format!("{}\n", otp.uri("bob"))));
    m.run(["twinlock", "remove", "bob", "--yes"]).ok();
    let seed = include_str!("../../../fuzz/seeds/migration/two");
    page.call(migration, json("import migration bob --name box").input(seed));
    m.run(["twinlock", "show-key", "bob", "--yes", "--png", "/root/bob.png"]).ok();
    page.run(&m, qr, "import qr bob /root/bob.png");
    let exported = page.run(&m, export, "export ada");
    let text = exported["export"].as_str().expect("a text");
    let without_instant = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("exported "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let plain = m.run(["twinlock", "export", "ada"]);
    assert_eq!(without_instant(text), without_instant(plain.ok()));
    page.call(record, json("import record ada").input(text));
    page.call(record, json("import record ada").input(format!("{exported}\n")));
    page.hold_all(&[enroll, uri, migration, qr, record, export]);
}

/// Command lines that fail when root runs them. Between them, they reach many different errors.
const FAILURES: &[&str] = &[
    "",
    "frobnicate",
    "list --jsno",
    "list --csv",
    "status",
    "status nobo",
    "enroll ada",
    "enroll nobo",
    "enroll --from /none",
    "invite ada",
    "invite --group nobo --until 2099-01-31",
    "invite --group nobo --until 2001-01-31",
    "reset nobo",
    "reset bob",
    "reset ada",
    "backup-codes bob",
    "show-key ada",
    "bypass ada --yes",
    "bypass ada --uses 11",
    "change ada",
    "unlock ada",
    "devices nobo",
    "forget ada",
    "forget ada 1",
    "remove bob",
    "import uri ada",
    "import uri bob",
    "import migration bob",
    "import record",
    "import record ada",
    "import oath /none",
    "export bob",
    "explain ada@web01",
    "verify bob",
    "settings check /none",
    "list --group nobo",
];

#[test]
fn failures_are_one_object_with_the_status() {
    let (m, mut page) = (people(), Page::read());
    for words in FAILURES {
        page.fails(m.call(format!("twinlock --json {words}").split_whitespace()));
    }
    for words in ["status ada", "list", "why ada", "deliver", "epoch now", "import google ada"] {
        page.fails(m.call(format!("twinlock --json {words}").split(' ')).as_user("bob"));
    }
    page.hold_all(&["a failure"]);
}
