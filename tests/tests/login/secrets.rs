//! Checks that no secret of a command is left in arguments, environments, the log, a core dump, or a file that others
//! can read.

mod at_a_login;
mod by_mail;

use twinlock_tests::{Call, Finished, Machine, Otp, codes_shown, key_shown};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const BOB: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const CY: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
/// The second key in [`EXPORT`], an export of Google's app.
const TOKEN: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR";
const EXPORT: &str = include_str!("../../fuzz/seeds/migration/two");
const TRACE: &str = "/tmp/trace";
/// strace options that show each started program with all arguments and its environment.
const STARTED: [&str; 5] = ["-v", "-s", "65536", "-e", "trace=execve"];

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("bob").user("cy").user("dan");
    m.enrolled("ada", ADA).settings("window = 10\n");
    m
}

fn watched<'m>(m: &'m Machine, words: &str) -> Call<'m> {
    m.call(["twinlock"]).args(words.split(' ')).strace(TRACE, &STARTED)
}

fn done(m: &Machine, words: &str, input: &str) -> Finished {
    let done = watched(m, words).input(input).output();
    assert_eq!(done.code, Some(0), "{words}: {done:?}");
    done
}

/// Returns the forms in which a secret may be written: unchanged, without separators, and in groups.
fn shapes(secret: &str) -> Vec<String> {
    let bare = secret.replace([' ', '-'], "");
    let letters: Vec<char> = bare.chars().collect();
    let groups = |size: usize, between: &str| {
        letters.chunks(size).map(String::from_iter).collect::<Vec<_>>().join(between)
    };
    let mut all = vec![secret.to_owned(), groups(3, " "), groups(4, " "), groups(4, "-")];
    all.push(bare.to_lowercase());
    all.push(bare);
    all
}

/// Searches the machine for the secrets of a command. Only files whose path begins with an entry of `files` may
/// contain them, and only root may access these files.
#[track_caller]
fn kept_quiet(m: &Machine, secrets: &[&str], files: &[&str]) {
    let started = m.file(TRACE).read();
    assert!(started.contains("execve(\"/") && started.contains("PATH="), "{started}");
    m.file(TRACE).remove();
    // Names and link targets are searched as well, because the ledger stores facts in them.
    let names = m.run(["find", "/etc", "/run", "/tmp", "/var", "-printf", "%p %l\n"]);
    let shapes: Vec<String> = secrets.iter().flat_map(|secret| shapes(secret)).collect();
    for shape in &shapes {
        assert!(shape.len() >= 9, "{shape:?} would be found by chance");
        assert!(!names.ok().contains(shape), "{shape} in a name");
        assert!(!started.contains(shape), "{shape} in {started}");
        assert!(m.log().iter().all(|line| !line.contains(shape)), "{shape}: {:?}", m.log());
    }
    let look = ["grep", "-rlFf", "-", "/etc", "/home", "/root", "/run", "/tmp", "/var"];
    let found = m.call(look).input(shapes.join("\n")).output();
    assert!(matches!(found.code, Some(0 | 1)), "{found:?}");
    for file in found.stdout.lines() {
        assert!(files.iter().any(|begin| file.starts_with(begin)), "one of {shapes:?} in {file}");
        let mode = m.run(["stat", "-c", "%a %u", file]).ok().trim().to_owned();
        assert_eq!(mode, "600 0", "{file}");
    }
}

/// Returns the quoted value of a key in the JSON that a command has printed.
fn printed(done: &Finished, key: &str) -> String {
    let (_, after) = done.ok().split_once(&format!("\"{key}\":\"")).expect("the key");
    after.split_once('"').expect("its end").0.to_owned()
}

#[test]
fn what_an_administrator_gives_out_is_nowhere() {
    let m = machine();
    for (words, key) in [
        ("--json bypass ada --yes --reason lost", "bypass"),
        ("--json backup-codes ada --yes", "ticket"),
        ("--json reset ada --yes", "ticket"),
        ("--json invite bob", "ticket"),
    ] {
        let secret = printed(&done(&m, words, ""), key);
        kept_quiet(&m, &[&secret], &[]);
    }
}

#[test]
fn codes_that_are_printed_are_in_the_file_that_was_asked_for_alone() {
    let m = machine();
    let all = done(&m, "backup-codes ada --yes --print --save /root/codes", "");
    let codes = codes_shown(&(all.stdout + &m.file("/root/codes").read()));
    assert!(codes.len() >= 10, "{codes:?}");
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    kept_quiet(&m, &codes, &["/root/codes"]);
}

#[test]
fn a_key_is_in_its_record_alone() {
    let m = machine();
    let record = |user: &str| format!("/var/lib/twinlock/users/{user}/record.");
    done(&m, "show-key ada --yes --svg /root/qr.svg --png /root/qr.png", "");
    for picture in ["/root/qr.svg", "/root/qr.png"] {
        assert_eq!(m.run(["stat", "-c", "%a %u", picture]).ok().trim(), "600 0");
    }
    kept_quiet(&m, &[ADA], &[&record("ada")]);

    let uri = format!("otpauth://totp/box:bob?secret={BOB}\n");
    done(&m, "import uri bob", &uri);
    kept_quiet(&m, &[BOB], &[&record("bob")]);

    m.file("/root/people.csv").write(format!("user,mail,key\ncy,,{CY}\n")).mode(0o600);
    done(&m, "enroll --from /root/people.csv", "");
    kept_quiet(&m, &[CY], &[&record("cy"), "/root/people.csv"]);

    let export = done(&m, "export ada", "").stdout;
    assert!(export.contains(ADA), "{export}");
    kept_quiet(&m, &[ADA], &[&record("ada")]);
    done(&m, "remove ada --yes", "");
    done(&m, "import record ada --older", &export);
    kept_quiet(&m, &[ADA], &[&record("ada")]);
}

#[test]
fn a_key_that_is_piped_in_is_in_its_record_alone() {
    let m = machine();
    let record = |user: &str| format!("/var/lib/twinlock/users/{user}/record.");
    let code = Otp::new(BOB).in_steps(0);
    done(&m, "enroll bob --secret-stdin", &format!("{BOB}\n{code}\n"));
    kept_quiet(&m, &[BOB], &[&record("bob")]);
    done(&m, "import migration dan --name token", EXPORT);
    assert!(m.file(&(record("dan") + "1.toml")).read().contains(TOKEN));
    let (_, data) = EXPORT.trim().split_once("data=").expect("an export");
    kept_quiet(&m, &[TOKEN, data], &[&record("dan")]);
}

#[test]
fn a_scratch_file_that_is_imported_leaves_its_key_and_codes_nowhere_else() {
    let m = machine();
    let file = "/home/dan/.google_authenticator";
    m.file(file).write(format!("{CY}\n\" TOTP_AUTH\n59173064\n80264917\n")).mode(0o600);
    m.file(file).owner(m.uid("dan"));
    done(&m, "import google dan --remove-source", "");
    assert!(!m.file(file).exists());
    let record = "/var/lib/twinlock/users/dan/record.";
    kept_quiet(&m, &[CY], &[record]);
    let codes = m.run(["grep", "-rlE", "59173064|80264917", "/etc", "/run", "/tmp", "/var"]);
    assert_eq!(codes.stdout, "", "{:?}", m.log());
}

/// Checks that what users type at a terminal (codes of their app, codes of a new app, and other answers) appears only
/// on that terminal.
#[test]
fn what_stands_on_a_terminal_stands_nowhere_else() {
    for (words, user, typed) in [
        ("change ada", "ada", &["<code>", "<first>", "<next>"][..]),
        ("backup-codes ada", "ada", &["<code>", "<next>", "<group>"]),
        ("enroll bob", "bob", &["<first>", "<group>"]),
        ("show-key ada", "ada", &["ada", "<code>", "<next>"]),
    ] {
        let m = machine();
        let session = watched(&m, words).logged_in(user).open();
        let mut all = m.dialogue(user, session);
        all.answer(typed);
        assert_eq!(all.session().exit_code(), Some(0), "{}", all.screen());
        let screen = all.screen();
        let key = key_shown(&screen).map_or(ADA.to_owned(), |otp| otp.key);
        let codes = codes_shown(&screen);
        let secrets: Vec<&str> = codes.iter().chain([&key]).map(String::as_str).collect();
        kept_quiet(&m, &secrets, &[&format!("/var/lib/twinlock/users/{user}/record.")]);
    }
}

/// Returns whether this machine lets a program that dies leave a core dump. It leaves none if the kernel of the host
/// pipes cores to a program, or if the caller's resource limit forbids cores and root may not raise the limit.
fn makes_cores(m: &Machine) -> bool {
    let limit = m.run(["sh", "-c", "ulimit -c unlimited 2>/dev/null; ulimit -c"]);
    let plain = m.file("/proc/sys/kernel/core_pattern").read().trim() == "core";
    plain && limit.ok().trim() != "0"
}

#[test]
fn a_verb_that_dies_with_a_secret_in_it_leaves_no_core() {
    let m = machine();
    m.file("/root/cores").make_folder();
    let cores = || m.run(["find", "/root/cores", "-type", "f"]).stdout;
    let most = "cd /root/cores; ulimit -c unlimited 2>/dev/null";
    m.run(["sh", "-c", &format!("{most}; kill -ABRT $$")]);
    assert_eq!(!cores().is_empty(), makes_cores(&m));
    m.run(["sh", "-c", "rm -f /root/cores/*"]).ok();
    // The command forbids cores for any destination, before it reads anything.
    m.call(["twinlock", "status", "bob"]).strace(TRACE, &["-e", "trace=prctl,openat"]).output();
    let trace = m.file(TRACE).read();
    let forbids = trace.find("PR_SET_DUMPABLE, SUID_DUMP_DISABLE").expect("cores are forbidden");
    assert!(trace.find("/etc/twinlock").is_none_or(|reads| forbids < reads), "{trace}");
    m.file(TRACE).remove();
    let dumping = format!("{most}; exec twinlock enroll bob");
    let mut session = m.call(["sh", "-c", &dumping]).open();
    session.expect("6-digit code now shown in the app: ");
    assert!(key_of(&session.transcript()).is_some(), "{}", session.transcript());
    let pids = m.pids("twinlock");
    assert_eq!(pids.len(), 1);
    m.signal("ABRT", pids[0]);
    assert_eq!(session.exit_code(), Some(128 + 6));
    assert_eq!(cores(), "");
}

/// Returns the key on a screen of `enroll`; `None` if there is none.
fn key_of(screen: &str) -> Option<Otp> {
    let groups = |line: &&str| line.starts_with("    ") && line.trim().len() == 39;
    screen.lines().find(groups).map(|line| Otp::new(&line.replace([' ', '\r'], "")))
}
