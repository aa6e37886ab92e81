//! Some commands quote text from a file. Checks for each of them that no control characters of the file reach the
//! terminal.

use twinlock_tests::{Finished, Machine};

/// Control characters that clear a screen, ring, delete, change the direction of text, and hide text.
const HOSTILE: &str =
    "x\u{1b}[2J\u{9b}31m\u{7}\u{7f}\u{8}\r\u{202e}\u{2066}\u{200b}\u{feff}\u{85}y";

#[track_caller]
fn harmless(done: &Finished, verb: &str) {
    let raw = |letter: &char| {
        (letter.is_control() && *letter != '\n')
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let said = format!("{}{}", done.stdout, done.stderr);
    assert_eq!(said.chars().find(raw), None, "{verb}: {said:?}");
}

/// Returns [`HOSTILE`] as it may be written in a TOML string, which may contain C1 and bidirectional characters as
/// they are. The other control characters are escaped.
fn in_toml() -> String {
    HOSTILE
        .replace('\u{1b}', "\\u001b")
        .replace('\u{7}', "\\u0007")
        .replace('\u{7f}', "\\u007f")
        .replace('\u{8}', "\\b")
        .replace('\r', "\\r")
}

/// Command lines whose output quotes a record.
const OF_RECORDS: &[&str] = &[
    "status ada",
    "list",
    "list --csv",
    "explain ada",
    "settings show",
    "settings check",
    "why ada",
    "devices ada",
    "export ada",
    "show-key ada --yes --png /root/qr",
    "show-key ada --yes --png /root/qr2 --authenticator none",
    "doctor ssh",
    "remove ada --yes",
];

#[test]
fn records_are_quoted_without_controls() {
    let m = Machine::new();
    m.twinlock().user("ada").enrolled("ada", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    m.settings(&format!("issuer = \"{}\"\n", in_toml()));
    let folder = "/var/lib/twinlock/users/ada";
    let names = m.run(["ls", folder]).ok().to_owned();
    let name = names.lines().rfind(|name| name.starts_with("record.")).expect("a record");
    let path = format!("{folder}/{name}");
    let record = m.file(&path).read();
    let mut lines: Vec<String> = record.lines().map(str::to_owned).collect();
    for line in &mut lines {
        if line.starts_with("name = ") {
            *line = format!("name = \"{}\"", in_toml());
        }
    }
    m.file(&path).write(lines.join("\n") + "\n");
    for verb in OF_RECORDS {
        for json in ["", "--json "] {
            let words = format!("twinlock {json}{verb}");
            harmless(&m.run(words.split(' ')), &words);
        }
    }
}

/// Writes lists, files of other modules, settings and PAM files with hostile characters wherever text is allowed.
fn files(m: &Machine) {
    let odd = HOSTILE;
    m.file("/root/list").write(format!("user,mail\n{odd},{odd}@example.org\nada,{odd}\n"));
    m.file("/root/head").write(format!("{odd},mail\nada,x\n"));
    m.file("/root/oath")
        .write(format!("HOTP/T30 {odd} - 31\n{odd}\nHOTP {odd} 1 {odd}\n"))
        .mode(0o600);
    m.file("/home/ada/.google_authenticator")
        .write(format!("JBSWY3DPEHPK3PXP\n\" {odd}\n{odd}\n\" TOTP_AUTH {odd}\n"))
        .mode(0o400)
        .owner(m.uid("ada"));
    m.pam(
        "sshd",
        &format!("auth {odd} pam_{odd}.so {odd}\nauth required pam_unix.so\n@include {odd}\n"),
    );
    m.file("/etc/ssh/sshd_config.d/odd.conf").write(format!("{odd} yes\nMatch User {odd}\n"));
    m.file("/root/draft.toml").write(format!("\"{odd}\" = 1\n"));
    m.file("/root/rules.toml")
        .write(format!("[[rule]]\nuser = \"{}\"\naction = \"require\"\n", in_toml()));
}

#[test]
fn other_files_are_quoted_without_controls() {
    let m = Machine::new();
    m.twinlock().user("ada").user("bob");
    let odd = HOSTILE;
    files(&m);
    let uri = format!("otpauth://totp/{odd}?secret=JBSWY3DPEHPK3PXP&{odd}={odd}\n");
    for (verb, input) in [
        ("enroll --from /root/list", ""),
        ("enroll --from /root/head", ""),
        ("import oath /root/oath", ""),
        ("import google ada", ""),
        ("import google bob --file /root/list", ""),
        ("import uri bob", uri.as_str()),
        ("import migration bob", odd),
        ("import record bob", odd),
        ("import qr bob /root/list", ""),
        ("import qr bob /root/odd.png", ""),
        ("doctor", ""),
        ("doctor ssh", ""),
        ("doctor sshd", ""),
        ("setup ssh --with publickey --dry-run", ""),
        ("setup ssh --with publickey --no-way-back --not-enrolled deny", ""),
        ("teardown ssh --yes", ""),
        ("doctor ssh --verbose", ""),
        ("explain ada@203.0.113.7", ""),
        ("settings check /root/draft.toml", ""),
        ("settings check /root/rules.toml", ""),
        ("verify bob", odd),
    ] {
        for json in ["", "--json "] {
            let words = format!("twinlock {json}{verb}");
            harmless(&m.call(words.split(' ')).input(input).output(), &words);
        }
    }
}
