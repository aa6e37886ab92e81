//! Kills imports of one user at their system calls and makes these calls fail. Checks that everything or nothing is
//! imported, and that the same command completes the work.

use nix::errno::Errno;
use twinlock_tests::{Cut, Finished, Machine, Otp, Scratch, says_in_force, thorough};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const KEY_IN_HEX: &str = "48656c6c6f21deadbeef48656c6c6f21deadbeef";
const PERSON: &str = "/var/lib/twinlock/users/ada";

/// An import: the command line, its input, and what ada has afterwards.
struct ImportCase {
    words: &'static str,
    input: String,
    /// A backup code of the imported record that works once, and another one that was already used on the host from
    /// which the record comes (`None` if there is none). `None` if the import brings no backup codes.
    scratch: Option<(&'static str, Option<&'static str>)>,
    app: Otp,
}

fn host() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada");
    let google = format!("{KEY}\n\" TOTP_AUTH\n{}\n{}\n", Scratch::CODES[0], Scratch::CODES[1]);
    m.file("/home/ada/.google_authenticator").write(google).mode(0o400).owner(m.uid("ada"));
    m.file("/etc/users.oath").write(format!("HOTP/T30/6 ada - {KEY_IN_HEX}\n")).mode(0o600);
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

/// Returns an export of ada from another host, on which she has used one code of her app and one of her backup codes.
fn exported() -> String {
    let m = host();
    m.enrolled("ada", KEY).scratch("ada", Scratch::FEW);
    for code in [m.code("ada"), Scratch::CODES[1].to_owned()] {
        m.pamtester("probe", "ada").input(code + "\n").output().ok();
    }
    m.run(["twinlock", "export", "ada"]).ok().to_owned()
}

fn imports() -> [ImportCase; 5] {
    let app = Otp::new(KEY);
    let uri = format!("{}\n", app.uri("ada"));
    let seed = include_str!("../../fuzz/seeds/migration/two");
    let [words, with_name] = ["import uri ada", "import migration ada --name token"];
    [
        ImportCase { words, input: uri, scratch: None, app: app.clone() },
        ImportCase {
            words: with_name,
            input: format!("{seed}\n"),
            scratch: None,
            app: app.clone(),
        },
        ImportCase {
            words: "import record ada",
            input: exported(),
            scratch: Some((Scratch::CODES[0], Some(Scratch::CODES[1]))),
            app: app.clone(),
        },
        ImportCase {
            words: "import google ada",
            input: String::new(),
            scratch: Some((Scratch::CODES[0], None)),
            app: app.clone(),
        },
        ImportCase {
            words: "import oath /etc/users.oath",
            input: String::new(),
            scratch: None,
            app,
        },
    ]
}

fn is_enrolled(m: &Machine) -> bool {
    let status = m.run(["twinlock", "--json", "status", "ada"]);
    let is = |text: &str| status.ok().contains(text);
    let enrolled = is("\"state\":\"enrolled\"");
    assert!(enrolled || is("\"state\":\"not enrolled\""), "{status:?}");
    enrolled
}

/// Returns whether the message after a failed system call is correct. `done` says whether ada's record was changed
/// nevertheless.
fn told(done: bool, said: &str) -> bool {
    if done { says_in_force(said) } else { said.contains("nothing was changed") }
}

fn unwrapped(done: &Finished) -> String {
    (done.stdout.clone() + &done.stderr).replace("\n    ", " ").replace('\n', " ")
}

fn lets_in(m: &Machine, code: &str) -> bool {
    m.pamtester("probe", "ada").input(format!("{code}\n\n")).output().code == Some(0)
}

/// Repeats the import that was cut off. Checks that everything is imported afterwards. If `was_done`, nothing was left
/// to import, and the command must say so.
fn goes_on(m: &Machine, cut: &Cut<'_>, import: &ImportCase, was_done: bool) {
    let again = cut.again();
    let text = again.stdout.clone() + &again.stderr;
    if was_done {
        assert!(text.contains("already"), "{}: {again:?}", import.words);
    } else {
        again.ok();
    }
    assert!(is_enrolled(m));
    assert_eq!(cut.left(), "", "{}", import.words);
    let sets = m.run(["sh", "-c", &format!("ls {PERSON} | grep -c ^codes")]);
    match import.scratch {
        None => assert_eq!(sets.stdout.trim(), "0"),
        // Each run creates a new set. The set of an interrupted run is not referenced, and is removed after a day.
        Some((_, None)) => assert_ne!(sets.stdout.trim(), "0"),
        Some((_, Some(_))) => assert_eq!(sets.stdout.trim(), "1"),
    }
    if let Some((_, spent)) = import.scratch {
        assert_eq!(m.spent("ada"), usize::from(spent.is_some()));
    }
}

/// Checks that a backup code which was used on the other host is refused here, and that an unused one works once.
fn opens_once(m: &Machine, import: &ImportCase) {
    let Some((scratch, spent)) = import.scratch else { return };
    m.app("ada", &import.app);
    assert!(!spent.is_some_and(|spent| lets_in(m, spent)), "{:?}", m.log());
    assert!(lets_in(m, scratch) && !lets_in(m, scratch), "{:?}", m.log());
}

#[test]
fn killed_anywhere_there_is_nobody_or_the_whole_person() {
    for import in imports() {
        let m = host();
        let cut = m.cut(import.words, &import.input);
        let mut done = Vec::new();
        for place in cut.places(|place| thorough() || place.writes()) {
            cut.killed(&place);
            let is_done = is_enrolled(&m);
            done.push(is_done);
            goes_on(&m, &cut, &import, is_done);
        }
        let whole = done.is_sorted() && done.first() == Some(&false) && done.last() == Some(&true);
        assert!(whole, "{}: {done:?}", import.words);
        opens_once(&m, &import);
    }
}

#[test]
fn refused_by_the_disk_it_is_said_which_of_the_two() {
    let blows = [("renameat2", Errno::EIO), ("fsync", Errno::ENOSPC), ("fchmod", Errno::EROFS)];
    for import in imports() {
        let m = host();
        let cut = m.cut(import.words, &import.input);
        for (call, errno) in blows {
            for nth in 1.. {
                let done = cut.refused(call, errno, nth);
                let said = unwrapped(&done);
                let is_done = is_enrolled(&m);
                if done.code == Some(0) {
                    assert!(is_done && nth > 1, "{call} {nth}");
                    break;
                }
                assert!(told(is_done, &said), "{} {call} {nth}: {done:?}", import.words);
                assert_eq!(done.code, Some(6), "{} {call} {nth}: {done:?}", import.words);
                goes_on(&m, &cut, &import, is_done);
            }
        }
    }
}

#[test]
fn a_full_and_a_read_only_disk_are_said_and_take_nobody() {
    let m = host();
    m.run(["sh", "-c", "mkdir /tmp/store && cp -a /var/lib/twinlock/. /tmp/store"]).ok();
    m.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "small", "/var/lib/twinlock"]).ok();
    m.run(["cp", "-a", "/tmp/store/.", "/var/lib/twinlock"]).ok();
    let filler = "cat /dev/zero >/var/lib/twinlock/filler 2>/dev/null; true";
    m.run(["sh", "-c", filler]).ok();
    for state in ["full", "read-only"] {
        for ImportCase { words, input, .. } in imports() {
            let argv = format!("twinlock {words}");
            let done = m.call(argv.split(' ')).input(input).output();
            assert_eq!(done.code, Some(6), "{state} {words}: {done:?}");
            let said = unwrapped(&done);
            assert!(told(false, &said), "{state} {words}: {said}");
            assert!(!said.contains("ada: imported") && !is_enrolled(&m), "{state} {words}: {said}");
        }
        m.run(["rm", "-f", "/var/lib/twinlock/filler"]);
        m.run(["mount", "-o", "remount,ro", "/var/lib/twinlock"]);
    }
}
