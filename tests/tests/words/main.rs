//! Compares the output of commands, on a terminal and in a pipe, word for word with the files in
//! `tests/vectors/verbs`.
//!
//! With `TWINLOCK_WRITE_GOLDEN=1` the files are rewritten, to be reviewed and committed.

mod help;
mod paper;
mod roll_out;
mod script;
mod whole;
mod wiring;

use script::{Line, Script};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Creates a script. On its machine, ada and kim are enrolled, kim is the administrator, and bob is not enrolled.
fn script(name: &str) -> Script {
    let script = Script::new(name);
    let m = &script.m;
    m.twinlock().user("ada").user("kim").user("bob");
    m.run([
        "sed",
        "-i",
        "s/^ada:x:20001:20001::/ada:x:20001:20001:Ada Lovelace,,,:/",
        "/etc/passwd",
    ])
    .ok();
    m.enrolled("ada", ADA).enrolled("kim", "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U");
    script
}

#[test]
fn reset() {
    let mut s = script("reset");
    s.pipe("reset nobo", &[]);
    s.pipe("reset bob", &[]);
    s.pipe("reset root", &[]);
    s.terminal("reset ada", &["adda"]);
    s.terminal("reset ada", &["ada", ""]);
    s.pipe("reset ada", &[]);
    s.pipe("reset ada --yes", &[]);
    s.pipe("reset ada --yes", &["hunter2", "WRONG", "WRONG"]);
    s.terminal("reset ada", &["ada", "WRONG", "OWN"]);
    s.pipe("reset ada --yes", &["OWN"]);
    s.again();
    s.pipe("reset ada --yes --end-sessions --expire-password", &["OWN"]);
    s.m.password("ada", twinlock_tests::PASSWORD);
    s.pipe("reset ada --yes --end-sessions --expire-password", &["OWN"]);
    s.again();
    s.pipe("--json reset ada --yes", &["OWN"]);
    s.pipe("--json reset ada --yes", &["OWN"]);
    s.finish();
}

#[test]
fn mail() {
    let mut s = script("mail");
    s.m.settings("mail_domain = \"example.com\"\nsendmail = \"/root/sendmail\"\n");
    let taking = |then: &str| {
        s.m.file("/root/sendmail")
            .write(format!("#!/bin/sh\ncat >/root/mail\n{then}\n"))
            .mode(0o755);
    };
    taking("exit 0");
    s.terminal("reset ada", &["ada", "OWN"]);
    let mail = s.m.file("/root/mail").read();
    assert!(mail.contains("To: <ada@example.com>") && mail.contains("ada on twinbox"), "{mail}");
    s.again();
    s.pipe("--json reset ada --yes", &["OWN"]);
    s.pipe("invite ada --mail ada@example.org", &["OWN"]);
    s.pipe("invite bob", &["OWN"]);
    s.again();
    s.pipe("backup-codes ada --yes", &["OWN"]);
    s.m.file("/root/sendmail").write("#!/bin/sh\necho no room >&2\nexit 75\n").mode(0o755);
    s.pipe("reset ada --yes", &["OWN"]);
    s.pipe("--json invite bob", &["OWN"]);
    s.finish();
}

#[test]
fn devices() {
    let mut s = script("devices");
    s.pipe("devices ada", &[]);
    s.pipe("--json devices ada", &[]);
    s.pipe("forget ada", &[]);
    s.pipe("forget ada 1", &[]);
    s.pipe("forget ada --all", &[]);
    s.finish();
}

#[test]
fn invite() {
    let mut s = script("invite");
    s.m.settings("sendmail = \"/bin/true\"\n");
    s.pipe("invite ada", &[]);
    s.pipe("invite root", &[]);
    s.pipe("invite bob --mail bob", &["OWN"]);
    s.pipe("invite bob", &["OWN"]);
    s.terminal("invite bob --mail bob@example.com", &["OWN"]);
    s.pipe("--json invite bob", &["OWN"]);
    s.finish();
}

#[test]
fn backup_codes() {
    let mut s = script("backup-codes");
    s.pipe("backup-codes bob", &[]);
    s.m.scratch("ada", twinlock_tests::Scratch::FEW);
    s.terminal("backup-codes ada", &["ada", "OWN"]);
    s.pipe("--json backup-codes ada --yes", &["OWN"]);
    s.terminal("backup-codes ada --print", &["ada", "OWN"]);
    s.pipe("backup-codes ada --yes --save /root/codes", &["OWN"]);
    s.pipe("backup-codes ada --yes --save /root/codes", &["OWN"]);
    s.pipe("--json backup-codes ada --yes --print", &["OWN"]);
    s.finish();
}

#[test]
fn show_key() {
    let mut s = script("show-key");
    s.pipe("show-key bob --png /root/qr.png", &[]);
    s.pipe("show-key ada", &[]);
    s.pipe("--json show-key ada", &[]);
    s.terminal("show-key ada --authenticator phone", &[]);
    s.terminal("show-key ada", &["ada", "OWN"]);
    s.pipe("show-key ada --yes --png /root/qr.png", &["OWN"]);
    s.pipe("show-key ada --yes --png /root/qr.png", &["OWN"]);
    s.pipe("--json show-key ada --yes --svg /root/qr.svg", &["OWN"]);
    s.finish();
}

#[test]
fn bypass() {
    let mut s = script("bypass");
    s.pipe("bypass ada", &[]);
    s.pipe("bypass ada --reason phone-lost --for 25h", &[]);
    s.pipe("bypass ada --reason phone-lost --uses 11", &[]);
    s.pipe("bypass bob --reason phone-lost", &[]);
    s.terminal("bypass ada --reason phone-lost", &["ada", "OWN"]);
    s.pipe("bypass ada --reason phone-lost --for 8h --uses 3 --yes", &["OWN"]);
    s.pipe("--json bypass ada --reason phone-lost --yes", &["OWN"]);
    s.finish();
}

#[test]
fn remove() {
    let mut s = script("remove");
    s.pipe("remove bob", &[]);
    s.terminal("remove ada", &["ada", "OWN"]);
    s.again();
    s.pipe("--json remove ada --yes", &["OWN"]);
    s.terminal("remove kim", &["kim", "OWN", "OWN", "NEXT"]);
    s.finish();
}

/// Runs resets whose acting user is refused before the command reads anything, and resets with break-glass and with an
/// empty reason.
#[test]
fn acting() {
    let mut s = script("acting");
    s.by(Line::Person("bob")).pipe("reset ada --yes", &[]);
    s.by(Line::Nobody).pipe("reset ada --yes", &[]);
    s.by(Line::Nobody).terminal("reset ada --yes", &[]);
    s.by(Line::Person("kim")).pipe("reset ada --yes --break-glass fire", &[]);
    s.by(Line::Root).pipe("reset ada --yes --break-glass fire", &[]);
    s.pipe("reset ada --yes --reason=", &[]);
    s.finish();
}
