//! Makes each system call of each command that changes a record fail in each possible way. Checks that the old or the
//! new record is stored, and that the output says which.

use std::fs;

use twinlock_tests::{Ended, Machine, Otp, Place, Scratch, says_in_force, thorough};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const PERSON: &str = "/var/lib/twinlock/users/ada";
const BY: &str = "--yes";

/// A command that is made to fail, and a function that prepares it and returns its standard input.
struct FailingVerb {
    words: String,
    begin: fn(&Machine) -> String,
    /// Text that only the record written by the command contains.
    new: &'static str,
}

fn nobody(_: &Machine) -> String {
    String::new()
}

fn enrolled(m: &Machine) -> String {
    m.enrolled("ada", KEY).scratch("ada", Scratch::FEW);
    String::new()
}

fn removed(m: &Machine) -> String {
    enrolled(m);
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    String::new()
}

fn uri(_: &Machine) -> String {
    format!("{}\n", Otp::new(KEY).uri("ada"))
}

fn secret(_: &Machine) -> String {
    format!("{KEY}\n{}\n", Otp::new(KEY).in_steps(0))
}

fn migration(_: &Machine) -> String {
    format!("{}\n", include_str!("../../fuzz/seeds/migration/two"))
}

/// Returns an export of ada, as from another host: she is not known on this machine afterwards.
fn exported(m: &Machine) -> String {
    enrolled(m);
    let export = m.run(["twinlock", "export", "ada"]).ok().to_owned();
    m.run(["sh", "-c", "rm -rf /var/lib/twinlock/users/ada /var/lib/twinlock/uids/*"]).ok();
    export
}

fn google(m: &Machine) -> String {
    let text = format!("{KEY}\n\" TOTP_AUTH\n");
    m.file("/home/ada/.google_authenticator").write(text).mode(0o400).owner(m.uid("ada"));
    String::new()
}

fn oath(m: &Machine) -> String {
    m.file("/etc/users.oath").write("HOTP/T30/6 ada - 00112233445566778899\n").mode(0o600);
    String::new()
}

fn grave() -> Vec<FailingVerb> {
    let grave =
        |words: &str, new| FailingVerb { words: format!("{words} {BY}"), begin: enrolled, new };
    vec![
        grave("reset ada", "state = \"pending\""),
        grave("backup-codes ada", "[owed_codes]"),
        grave("backup-codes ada --save /root/report", "codes = \""),
        grave("show-key ada --png /root/report", "seen_by = \"root\""),
        grave("show-key ada --svg /root/report", "seen_by = \"root\""),
        grave("bypass ada --reason test", "[[bypass]]"),
        grave("remove ada", "state = \"removed\""),
    ]
}

fn verb(words: &str, begin: fn(&Machine) -> String, new: &'static str) -> FailingVerb {
    FailingVerb { words: words.to_owned(), begin, new }
}

fn beginnings() -> Vec<FailingVerb> {
    vec![
        verb("invite ada", removed, "[[ticket]]"),
        verb("invite ada", nobody, "[[ticket]]"),
        verb("enroll ada --secret-stdin --svg /root/report", secret, "state = \"active\""),
    ]
}

fn imports() -> Vec<FailingVerb> {
    vec![
        verb("import uri ada", uri, "state = \"active\""),
        verb("import migration ada --name token", migration, "state = \"active\""),
        verb("import record ada", exported, "state = \"active\""),
        verb("import google ada", google, "state = \"active\""),
        verb("import oath /etc/users.oath", oath, "state = \"active\""),
    ]
}

/// Returns the newest record, or `None` if there is none.
fn record(m: &Machine) -> Option<String> {
    let folder = m.outside(PERSON);
    let names = fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.file_name());
    let number = |name: &str| name.strip_prefix("record.")?.strip_suffix(".toml")?.parse().ok();
    let newest: u64 = names.filter_map(|name| number(&name.to_string_lossy())).max()?;
    Some(fs::read_to_string(folder.join(format!("record.{newest}.toml"))).expect("a record"))
}

/// Returns whether the output of a failed command is correct. `is_new` says whether the command changed the record
/// nevertheless.
fn says(ended: &Ended, is_new: bool) -> bool {
    let said = ended.said.replace("\n    ", " ").replace('\n', " ");
    let old = [
        "nothing was changed",
        "is not enrolled",
        // For a caller who is not authorized, a missing answer, and a name that another command has taken.
        "this needs your own code",
        "there is no acting user to ask for a code",
        "standard input",
        "it cannot be read",
        "in the meantime; that key is in force",
    ];
    let new = ["is reset", "no longer work", "was issued"];
    let told = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let new = told(&new) || says_in_force(&said);
    if is_new { new } else { told(&old) && !new }
}

/// Returns whether the system call allocates memory. A process whose allocation fails ends without a message, as if it
/// were killed.
fn is_of_memory(place: &Place) -> bool {
    let calls = ["brk", "mmap", "mprotect", "mremap", "munmap", "clone3", "getrandom"];
    calls.contains(&place.what.as_str())
}

fn fails(verb: &FailingVerb) -> Vec<String> {
    let m = Machine::new();
    // The window is wide, because each run types codes to prove the enrollment.
    m.twinlock().user("ada").settings("window = 10\n");
    let input = (verb.begin)(&m);
    let cut = m.cut(&verb.words, &input);
    let old = record(&m);
    let mut odd = Vec::new();
    for place in cut.places(|place| !is_of_memory(place) && (thorough() || place.writes())) {
        let all = if thorough() { place.errors().len() } else { 1 };
        for errno in place.errors().iter().take(all) {
            let ended = cut.failed(&place, *errno);
            let is_new = record(&m) != old;
            let whole = !is_new || record(&m).is_some_and(|text| text.contains(verb.new));
            let told = if ended.code == Some(0) { is_new } else { says(&ended, is_new) };
            if !whole || !told {
                let Ended { code, said, .. } = ended;
                odd.push(format!(
                    "{} {} {errno:?}: {code:?} {is_new} {said}",
                    verb.words, place.what
                ));
            }
        }
    }
    odd
}

#[track_caller]
fn always_says_which(verbs: &[FailingVerb]) {
    let odd: Vec<String> = verbs.iter().flat_map(fails).collect();
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

#[test]
fn whatever_fails_of_a_grave_verb_it_is_said_which_record_stands() {
    always_says_which(&grave());
}

#[test]
fn whatever_fails_of_a_beginning_it_is_said_which_record_stands() {
    always_says_which(&beginnings());
}

#[test]
fn whatever_fails_of_an_import_it_is_said_which_record_stands() {
    always_says_which(&imports());
}
