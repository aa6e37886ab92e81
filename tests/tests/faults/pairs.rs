//! Runs two commands on one user at the same time: pauses the first command at each of its system calls and then runs
//! the second one. Checks that the result is as if they had run one after the other.

use std::fs;

use twinlock_tests::{Cut, Ended, Machine, Otp, Place, Scratch, thorough};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const OTHER: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const PERSON: &str = "/var/lib/twinlock/users/ada";
const BY: &str = "--yes";

/// The parts of a user's record that are compared. Random keys and times are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    state: Option<String>,
    has: Vec<(&'static str, usize)>,
}

/// A command line of twinlock, without the program's name, and its standard input.
#[derive(Clone)]
struct PairVerb {
    words: String,
    input: String,
}

/// The exit codes of two commands, and the state of the user afterwards. `first` is `None` if the first command did
/// not run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PairOutcome {
    first: Option<i32>,
    second: Option<i32>,
    facts: Facts,
}

/// Parts of a record that a command adds or removes.
const PARTS: [&str; 9] = [
    "[[authenticator]]",
    "[[ticket]]",
    "[[bypass]]",
    "[owed_codes]",
    "[reset]",
    "\ncodes = ",
    "seen_by = ",
    KEY,
    OTHER,
];

fn facts(m: &Machine, what: &str) -> Facts {
    let folder = m.outside(PERSON);
    let names = fs::read_dir(&folder).into_iter().flatten().flatten();
    let names: Vec<String> =
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let records: Vec<&String> = names.iter().filter(|name| name.starts_with("record.")).collect();
    assert!(records.len() < 2, "{what}: {names:?}");
    assert!(names.iter().all(|name| !name.starts_with("tmp.")), "{what}: {names:?}");
    let text = records.first().map(|name| fs::read_to_string(folder.join(name)).expect("a record"));
    let text = text.unwrap_or_default();
    let line = |begin: &str| text.lines().find_map(|line| line.strip_prefix(begin));
    if let Some(set) = line("codes = ") {
        let name = format!("codes.{}", set.trim_matches('"'));
        assert!(names.contains(&name), "{what}: {name} is named, and not there: {names:?}");
    }
    let state = line("state = ").map(|state| state.trim_matches('"').to_owned());
    let links = m.run(["sh", "-c", "ls /var/lib/twinlock/uids | grep -cv +"]).stdout;
    let links: usize = links.trim().parse().expect("a number");
    // A removed user has no uid link.
    assert!(links == 1 || (links == 0 && state.as_deref().is_none_or(|state| state == "removed")));
    let has = PARTS.iter().map(|part| (*part, text.matches(part).count()));
    Facts { state, has: has.filter(|(_, count)| *count > 0).collect() }
}

fn run(m: &Machine, verb: &PairVerb) -> Option<i32> {
    m.run(["rm", "-f", "/root/report"]).ok();
    let words = format!("twinlock {}", verb.words);
    m.call(words.split(' ')).input(&verb.input).output().code
}

/// Returns the results without concurrency: if the first command runs before the second one, if the first runs after
/// the second, and if only the second one runs.
fn in_turn(m: &Machine, cut: &Cut<'_>, first: &PairVerb, second: &PairVerb) -> [PairOutcome; 3] {
    cut.back();
    let ended = (run(m, first), run(m, second));
    let one = PairOutcome { first: ended.0, second: ended.1, facts: facts(m, &first.words) };
    cut.back();
    let second = run(m, second);
    let alone = PairOutcome { first: None, second, facts: facts(m, &first.words) };
    let first_code = run(m, first);
    let other = PairOutcome { first: first_code, second, facts: facts(m, &first.words) };
    [one, other, alone]
}

fn chosen(place: &Place) -> bool {
    // The usual test holds the first verb only right before and right after a file gets its final name.
    let turns = ["renameat2 ", "fsync "];
    let about = place.what.contains("/users/ada/");
    // exit_group is the last call of a program, which cannot be held after it.
    let last = place.what.starts_with("exit_group");
    !last && (thorough() || (about && turns.iter().any(|turn| place.what.starts_with(turn))))
}

/// Returns whether the first command had no effect and says so. This is right if the second command ran earlier, or
/// undid the work of the first. `one` is the result of the first command followed by the second, and `alone` is the
/// result of the second command alone.
fn stood_back(ended: &Ended, outcome: &PairOutcome, [one, alone]: [&PairOutcome; 2]) -> bool {
    let said = ended.said.replace('\n', " ");
    let told = ["nothing was changed", "meanwhile", "already", "nothing to reset", "is not set up"];
    let same =
        |other: &PairOutcome| (outcome.second, &outcome.facts) == (other.second, &other.facts);
    outcome.first != Some(0)
        && told.iter().any(|told| said.contains(told))
        && (same(one) || same(alone))
}

/// Returns whether both commands succeeded with the result `other`, that of the second command followed by the first.
/// This happens if the second command undoes a part of what the first has done, and the first then begins again.
fn undone_and_redone(outcome: &PairOutcome, other: &PairOutcome) -> bool {
    let done = outcome.first == Some(0) && outcome.second == Some(0);
    done && (outcome.first, &outcome.facts) == (other.first, &other.facts)
}

fn at_once(m: &Machine, first: &PairVerb, second: &PairVerb) {
    let cut = m.cut(&first.words, &first.input);
    let serial = in_turn(m, &cut, first, second);
    for place in cut.places(chosen) {
        let mut code = None;
        let ended = cut.held(&place, &mut || code = run(m, second));
        let what = format!("{} / {} at {place:?}", first.words, second.words);
        let outcome = PairOutcome { first: ended.code, second: code, facts: facts(m, &what) };
        let [one, other, alone] = &serial;
        let fits = [one, other].contains(&&outcome)
            || stood_back(&ended, &outcome, [one, alone])
            || undone_and_redone(&outcome, other);
        assert!(fits, "{what}: {outcome:?} {serial:?} {}", ended.said);
    }
    cut.back();
}

fn verb(words: &str) -> PairVerb {
    PairVerb { words: words.to_owned(), input: String::new() }
}

fn grave(words: &str) -> PairVerb {
    verb(&format!("{words} {BY}"))
}

fn import(key: &str) -> PairVerb {
    PairVerb { input: format!("{}\n", Otp::new(key).uri("ada")), ..verb("import uri ada") }
}

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada");
    m
}

#[test]
fn two_verbs_about_one_who_is_enrolled() {
    let m = machine();
    m.enrolled("ada", KEY).scratch("ada", Scratch::FEW);
    let later = exported();
    let verbs = [
        grave("reset ada"),
        grave("backup-codes ada"),
        grave("backup-codes ada --save /root/report"),
        grave("bypass ada --reason test"),
        grave("remove ada"),
        grave("show-key ada --svg /root/report"),
        PairVerb { input: later, ..verb("import record ada") },
    ];
    for first in &verbs[..6] {
        for second in &verbs {
            at_once(&m, first, second);
        }
    }
}

/// Returns an export of ada from another host, where she has another key.
fn exported() -> String {
    let there = Machine::new();
    there.twinlock().user("ada").enrolled("ada", OTHER);
    there.run(["twinlock", "export", "ada"]).ok().to_owned()
}

#[test]
fn two_verbs_about_one_who_is_not() {
    let m = machine();
    for removed in [false, true] {
        if removed {
            m.enrolled("ada", KEY).run(["twinlock", "remove", "ada", "--yes"]).ok();
        }
        let verbs = [verb("invite ada"), import(KEY), import(OTHER), grave("remove ada")];
        for first in &verbs[..3] {
            for second in &verbs {
                at_once(&m, first, second);
            }
        }
    }
}
