//! Tests the input of imports: sources that cannot be read, lines for another command, and pictures of QR codes.

use twinlock_tests::{Call, Finished, Machine, Otp};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const HEX: &str = "3132333435363738393031323334353637383930";
const OATH: &str = "/etc/users.oath";
const EXPORT: &str = include_str!("../../fuzz/seeds/migration/two");

fn machine() -> Machine {
    let m = Machine::new();
    m.user("ada").user("bob").user("cy").bare();
    m.settings("require_own_code = false\n");
    let rule = "ada ALL=(root) NOPASSWD: /usr/bin/twinlock *\n";
    m.file("/etc/sudoers.d/ada").write(rule).mode(0o440);
    m
}

fn sudo<'m>(m: &'m Machine, words: &str) -> Call<'m> {
    let words = format!("sudo twinlock {words}");
    m.call(words.split(' ')).as_user("ada").logged_in("ada")
}

fn piped(m: &Machine, words: &str, text: impl AsRef<[u8]>) -> Finished {
    m.call(format!("twinlock import {words}").split(' ')).input(text).output()
}

/// Returns all output as one line.
fn told(done: &Finished) -> String {
    format!("{} {}", done.stdout, done.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn not_enrolled(m: &Machine, user: &str) {
    let status = m.run(["twinlock", "status", user]);
    assert!(status.ok().contains("is not enrolled"), "{status:?}");
}

#[test]
fn oath_files_stay_while_anything_in_them_is_unread() {
    let line = format!("HOTP/T30 ada - {HEX}\n");
    for (text, said) in [
        (format!("{line}#HOTP/T30/6 bob - {HEX}\n"), "line 2: a comment; left out"),
        (format!("# tokens\r\n{line}"), "line 1: a comment; left out"),
        (format!("{line}TOTP/T30 bob - {HEX}\n"), "line 2: a type that twinlock does not know"),
        (format!("\u{feff}HOTP/T30 bob - {HEX}\n{line}"), "line 1: there is a byte order mark"),
        (format!("{line}HOTP bob - {HEX} 0 123456 2026-01-01 x"), "line 2: text after the entry"),
        (format!("HOTP/T30/8 ada - {HEX}\n{line}"), "line 2: the same key as line 1, for codes"),
        (format!("{line}bob's token is in the safe"), "line 2: a type that twinlock does not know"),
    ] {
        let m = machine();
        m.file(OATH).write(&text).mode(0o600);
        let done = m.run(["twinlock", "import", "oath", OATH, "--remove-source"]);
        assert_eq!(done.code, Some(1), "{text}: {done:?}");
        assert!(told(&done).contains(said), "{text}: {done:?}");
        assert!(told(&done).contains("users.oath is kept"), "{done:?}");
        assert_eq!(m.file(OATH).read(), text);
        assert!(!told(&done).contains(HEX), "{done:?}");
    }
}

#[test]
fn oath_files_of_blanks_and_entries_alone_go() {
    let text = format!("\r\n# ----\r\n\t \nHOTP/T30 ada - {HEX}\r\nHOTP/T30 ada - {HEX}");
    let m = machine();
    m.file(OATH).write(&text).mode(0o600);
    let dry = m.run(["twinlock", "import", "oath", OATH, "--remove-source", "--dry-run"]);
    assert!(dry.ok().contains("users.oath would be deleted"), "{dry:?}");
    let done = m.run(["twinlock", "import", "oath", OATH, "--remove-source"]);
    assert!(done.ok().ends_with("/etc/users.oath is deleted.\n"), "{done:?}");
    assert!(!m.file(OATH).exists());
}

#[test]
fn google_files_stay_while_anything_in_them_is_unread() {
    let path = "/home/bob/.google_authenticator";
    for (rest, stays) in [
        ("\" TOTP_AUTH\n\" TOTP_AUTH\n", true),
        ("\" TOTP_AUTH\n\" NEW_OPTION 1\n", true),
        ("\" TOTP_AUTH\n12345678\nold key: ABC\n23456789\n", true),
        ("\" TOTP_AUTH\n\" RATE_LIMIT 3 30 1800000000 spare key JBSWY3DPEHPK3PXP\n", true),
        ("\" TOTP_AUTH\n\" LAST0 spare key JBSWY3DPEHPK3PXP\n", true),
        ("\" TOTP_AUTH\n\" DISALLOW_REUSE spare key JBSWY3DPEHPK3PXP\n", true),
        ("\" TOTP_AUTH\n\" RESETTING_TIME_SKEW spare key JBSWY3DPEHPK3PXP\n", true),
        ("\" TOTP_AUTH\n\" RATE_LIMIT 3 30\n\" LAST0 203.0.113.7 1800000000\n12345678\n", false),
    ] {
        let m = machine();
        m.file(path).write(format!("{KEY}\n{rest}")).mode(0o400).owner(m.uid("bob"));
        let done = m.run(["twinlock", "import", "google", "bob", "--remove-source"]);
        assert_eq!((done.code, m.file(path).exists()), (Some(i32::from(stays)), stays), "{done:?}");
        assert!(
            told(&done).contains(if stays { "is kept: line" } else { "is deleted" }),
            "{done:?}"
        );
    }
}

#[test]
fn damaged_lines_are_not_enrolled_with_other_codes() {
    let m = machine();
    let line = format!("otpauth://totp/box:ada?secret={KEY}");
    for (tail, said) in [
        ("&amp;digits=8", "&amp; in place of &"),
        ("&#38;digits=8", "&amp; in place of &"),
        ("&issuer=box;digits=8", "a parameter inside the value of another one"),
        ("&issuer=box%26period%3D60", "a parameter inside the value of another one"),
        ("&Digits=8", "a parameter that twinlock does not know"),
        ("&algo=SHA256", "a parameter that twinlock does not know"),
        ("&digits=8&digits=6", "a parameter twice"),
        ("&issuer=box\n&digits=8", "several lines"),
    ] {
        let done = piped(&m, "uri ada", format!("{line}{tail}\n"));
        assert_eq!(done.code, Some(2), "{tail}: {done:?}");
        assert!(told(&done).contains(said), "{tail}: {done:?}");
        not_enrolled(&m, "ada");
        let list = format!("user,key\nada,\"{}\"\n", format!("{line}{tail}").replace('\n', ""));
        if !tail.contains('\n') {
            let many = m.call(["twinlock", "enroll", "--from", "-"]).input(list).output();
            assert!(told(&many).contains(said), "{tail}: {many:?}");
            not_enrolled(&m, "ada");
        }
    }
    piped(&m, "uri ada", format!("{line}&image=https%3A%2F%2Fbox%2Flogo.png\r\n")).ok();
}

#[test]
fn texts_of_another_verb_name_that_verb() {
    let m = machine();
    let line = format!("otpauth://totp/box:ada?secret={KEY}");
    for (words, text, said) in [
        ("uri ada", EXPORT.to_owned(), "twinlock import migration ada"),
        ("uri ada", format!("QR-Code:{line}\n"), "zbarimg --raw does not print it"),
        ("uri ada", format!("\u{feff}{line}\n"), "without a byte order mark"),
        ("uri ada", format!("{line}\n{line}\n"), "several lines"),
        ("migration ada", format!("{line}\n"), "twinlock import uri ada"),
        ("migration ada", format!("QR-Code:{EXPORT}"), "zbarimg --raw does not print it"),
        ("migration ada", format!("\u{feff}{EXPORT}"), "without a byte order mark"),
        ("record ada", format!("{line}\n"), "twinlock import uri ada"),
        ("record ada", EXPORT.to_owned(), "twinlock import migration ada"),
    ] {
        let done = piped(&m, words, &text);
        assert_eq!(done.code, Some(2), "{words} {done:?}");
        assert!(told(&done).contains(said), "{words} {done:?}");
        assert!(!told(&done).contains(KEY), "{done:?}");
        not_enrolled(&m, "ada");
    }
    let picture = piped(&m, "uri ada", b"\x89PNG\r\n\x1a\n\xff");
    assert!(told(&picture).contains("twinlock import qr ada FILE.png"), "{picture:?}");
}

#[test]
fn equal_names_of_an_export_are_taken_by_number() {
    let m = machine();
    // An export with one account twice, and with another key under the same name.
    let account = |key: &[u8]| {
        let mut account = vec![0x0a, u8::try_from(key.len()).expect("short")];
        account.extend(key);
        account.extend(b"\x12\x03ada\x1a\x03box\x20\x01\x28\x01\x30\x02");
        let mut field = vec![0x0a, u8::try_from(account.len()).expect("short")];
        field.extend(account);
        field
    };
    let (one, two) = (account(b"12345678901234567890"), account(b"abcdefghijabcdefghij"));
    let text = uri(&[one.clone(), two, one.clone()].concat());
    let vague = piped(&m, "migration ada --name ada", &text);
    assert_eq!(vague.code, Some(2), "{vague:?}");
    let listed = "Say which, by --index: 1 box:ada (6 digits, SHA1), 2 box:ada (6 digits, SHA1).";
    assert!(told(&vague).contains(listed), "{vague:?}");
    assert_eq!(piped(&m, "migration ada --index 3", &text).code, Some(3));
    piped(&m, "migration ada --index 2", &text).ok();
    m.app("ada", &Otp::new("MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK"));
    m.asked("ada", &m.code("ada")).ok();
    // Duplicates count as one key, so no `--index` is needed.
    piped(&m, "migration bob", uri(&[one.clone(), one].concat())).ok();
}

fn uri(payload: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut data = String::new();
    for part in payload.chunks(3) {
        let bits = part.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - part.len()));
        for place in 0..=part.len() {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            data.push_str(&match letter {
                b'+' => "%2B".to_owned(),
                b'/' => "%2F".to_owned(),
                letter => char::from(letter).to_string(),
            });
        }
    }
    format!("otpauth-migration://offline?data={data}\n")
}

#[test]
fn pictures_are_taken_directly() {
    let m = machine();
    m.enrolled("bob", KEY);
    m.run(["twinlock", "show-key", "bob", "--yes", "--png", "/root/qr.png"]).ok();
    m.run(["twinlock", "remove", "bob", "--yes"]).ok();
    let done = m.run(["twinlock", "import", "qr", "bob", "/root/qr.png"]);
    assert!(done.ok().starts_with("bob is enrolled with the authenticator"), "{done:?}");
    m.app("bob", &Otp::new(KEY));
    m.asked("bob", &m.code("bob")).ok();
    let again = m.run(["twinlock", "import", "qr", "/root/qr.png", "bob"]);
    assert!(again.ok().contains("imported already"), "{again:?}");
    let none = m.run(["twinlock", "import", "qr", "cy", "/root/qr.png", "--index", "2"]);
    assert_eq!(none.code, Some(3), "{none:?}");
}

#[test]
fn pictures_are_read_as_the_invoking_user() {
    let m = machine();
    m.enrolled("bob", KEY);
    m.run(["twinlock", "show-key", "bob", "--yes", "--png", "/root/qr.png"]).ok();
    m.run(["chmod", "711", "/root"]).ok();
    let denied = sudo(&m, "import qr cy /root/qr.png").output();
    assert!(told(&denied).contains("ada may not open it"), "{denied:?}");
    for path in ["/dev/tty", "/home/ada", "/proc/1/environ", "/etc/shadow"] {
        assert!(matches!(sudo(&m, &format!("import qr cy {path}")).output().code, Some(1 | 2)));
    }
    not_enrolled(&m, "cy");
    m.run(["cp", "/root/qr.png", "/home/ada/qr.png"]).ok();
    m.run(["chown", "ada", "/home/ada/qr.png"]).ok();
    sudo(&m, "import qr cy /home/ada/qr.png").output().ok();
}

/// Checks that `import qr` gives up when the search for a QR code in a picture takes too long. The command promises to
/// give up after ten seconds; on a busy machine, the test allows ten times as long.
#[test]
fn picture_that_is_searched_too_long_is_abandoned() {
    let m = machine();
    // 450 by 450 pixels, full of finder patterns.
    let picture = include_bytes!("../../vectors/tiled-finder-patterns.png");
    m.file("/root/x.png").write(picture).mode(0o600);
    let begun = std::time::Instant::now();
    let done = m.run(["twinlock", "import", "qr", "cy", "/root/x.png"]);
    assert!(begun.elapsed().as_secs() < 100, "{:?}", begun.elapsed());
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(told(&done).contains("Crop the picture to the QR code"), "{done:?}");
    not_enrolled(&m, "cy");
}

#[test]
fn what_is_no_picture_of_a_code_says_what_to_do() {
    let m = machine();
    for (content, said) in [
        (b"otpauth://totp/x?secret=JBSWY3DPEHPK3PXP\n".to_vec(), "twinlock import uri cy <"),
        (b"GIF89a\xff\xfe".to_vec(), "Save it as PNG or JPEG"),
        (b"\x89PNG\r\n\x1a\n\0\0".to_vec(), "cut off, or is damaged"),
    ] {
        m.file("/root/x.png").write(content).mode(0o600);
        let done = m.run(["twinlock", "import", "qr", "cy", "/root/x.png"]);
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(told(&done).contains(said), "{done:?}");
        not_enrolled(&m, "cy");
    }
}

const KEY_OF_OTHER: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

#[test]
fn picture_with_two_codes_needs_index() {
    let m = machine();
    m.file("/root/two.png").write(include_bytes!("../../vectors/pictures/two.png"));
    let vague = m.run(["twinlock", "import", "qr", "ada", "/root/two.png"]);
    assert_eq!(vague.code, Some(2), "{vague:?}");
    for label in ["Example:ada", "Other:ada"] {
        assert!(told(&vague).contains(label), "{vague:?}");
    }
    not_enrolled(&m, "ada");
    for index in ["0", "3", "x"] {
        let none = m.run(["twinlock", "import", "qr", "ada", "/root/two.png", "--index", index]);
        assert!(none.code.is_some_and(|code| code != 0), "{index}: {none:?}");
    }
    not_enrolled(&m, "ada");
    m.run(["twinlock", "import", "qr", "ada", "/root/two.png", "--index", "1"]).ok();
    m.run(["twinlock", "import", "qr", "bob", "/root/two.png", "--index", "2"]).ok();
    let taken = [KEY, KEY_OF_OTHER].map(|key| {
        let is_in = |user| m.run(["twinlock", "export", user]).ok().contains(key);
        [is_in("ada"), is_in("bob")]
    });
    assert!(matches!(taken, [[true, false], [false, true]] | [[false, true], [true, false]]));
}

#[test]
fn picture_of_an_export_is_taken() {
    let m = machine();
    m.file("/root/export.png").write(include_bytes!("../../vectors/pictures/migration.png"));
    let picture = m.run(["twinlock", "import", "qr", "ada", "/root/export.png", "--index", "1"]);
    picture.ok();
    // The key of the export is 12345678901234567890 in base32.
    assert!(m.run(["twinlock", "export", "ada"]).ok().contains(KEY_OF_OTHER));
}

#[test]
fn jpeg_is_taken() {
    let m = machine();
    m.file("/root/one.jpg").write(include_bytes!("../../vectors/pictures/one.jpg"));
    m.run(["twinlock", "import", "qr", "ada", "/root/one.jpg"]).ok();
    m.app("ada", &Otp::new(KEY));
    m.asked("ada", &m.code("ada")).ok();
    let half = &include_bytes!("../../vectors/pictures/one.jpg")[..400];
    m.file("/root/half.jpg").write(half);
    let cut = m.run(["twinlock", "import", "qr", "bob", "/root/half.jpg"]);
    assert_eq!(cut.code, Some(1), "{cut:?}");
    not_enrolled(&m, "bob");
}

/// Checks that unusual pictures of QR codes are read: a photo from the side with noise, a progressive JPEG, one with
/// colors for print, and one of 54 million pixels.
#[test]
fn pictures_of_other_kinds_are_taken() {
    let pictures: [&[u8]; 4] = [
        include_bytes!("../../vectors/pictures/photo.jpg"),
        include_bytes!("../../vectors/pictures/progressive.jpg"),
        include_bytes!("../../vectors/pictures/print.jpg"),
        include_bytes!("../../vectors/pictures/large.png"),
    ];
    for (number, picture) in pictures.into_iter().enumerate() {
        let m = machine();
        m.file("/root/picture").write(picture);
        let taken = m.run(["twinlock", "import", "qr", "ada", "/root/picture"]);
        taken.ok();
        assert_eq!(taken.stderr, "", "{number}");
        m.app("ada", &Otp::new(KEY));
        m.asked("ada", &m.code("ada")).ok();
    }
}

#[test]
fn same_key_for_other_codes_is_not_taken_silently() {
    for other in ["&digits=8", "&period=60", "&algorithm=SHA256"] {
        let m = machine();
        m.enrolled("ada", KEY);
        let record =
            || m.run(["sh", "-c", "cat /var/lib/twinlock/users/ada/record.*"]).ok().to_owned();
        let before = record();
        let uri = format!("otpauth://totp/Example:ada?secret={KEY}&issuer=Example{other}\n");
        let done = piped(&m, "uri ada", uri);
        assert!(done.code.is_some_and(|code| code != 0), "{other}: {done:?}");
        assert!(told(&done).contains("already"), "{other}: {done:?}");
        assert_eq!(record(), before, "{other}");
    }
}
