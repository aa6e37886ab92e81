//! Tests the JSON output of commands on many users.

use super::{BOB, Page, people};

/// Ada's key in hexadecimal, as pam_oath's file contains it.
const HEX: &str = "48656c6c6f21deadbeef48656c6c6f21deadbeef";

pub const ROWS: &[&str] = &[
    "enroll --from",
    "invite --group",
    "invite --group --dry-run",
    "import google USER",
    "import oath FILE",
];

#[test]
fn lists_and_groups() {
    let (m, mut page) = (people(), Page::read());
    let list = format!("user,key\nbob,{BOB}\nnobo,\n");
    let from = m.call(["twinlock", "--json", "enroll", "--from", "-"]).input(list);
    page.call(ROWS[0], from);
    m.user("cy").file("/etc/group").append("dev:x:3000:cy,root\n");
    m.settings("mail_domain = \"example.org\"\nsendmail = \"/bin/true\"\n");
    page.run(&m, ROWS[2], "invite --group dev --until 2099-01-31 --dry-run");
    page.run(&m, ROWS[1], "invite --group dev --until 2099-01-31");
    page.hold_all(&ROWS[..3]);
}

#[test]
fn files_of_other_programs() {
    let (m, mut page) = (people(), Page::read());
    let file = |user: &str, text: String| {
        let file = format!("/home/{user}/.google_authenticator");
        m.file(&file).write(text).mode(0o400).owner(m.uid(user));
    };
    file("bob", format!("{BOB}\n\" RATE_LIMIT 3 30\n\" TOTP_AUTH\n12345678\n"));
    file("ada", "no key\n".into());
    page.run(&m, ROWS[3], "import google bob ada");
    page.run(&m, ROWS[3], "import google bob --remove-source");
    m.file("/root/oath")
        .write(format!("HOTP/T30 ada - {HEX}\nHOTP/T30 ada - odd\nHOTP\n"))
        .mode(0o600);
    page.run(&m, ROWS[3], "import oath /root/oath");
    page.run(&m, ROWS[3], "import oath /root/oath --user ada --remove-source");
    page.hold_all(&[ROWS[3]]);
}
