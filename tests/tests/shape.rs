//! Checks the structure of the workspace: dependencies between crates and modules, and rules for files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use twinlock_tests::repository;

/// Kind of a file of core, by the first part of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A data type.
    Noun,
    /// A pure decision.
    Decision,
    /// An interface to the machine.
    Port,
    /// Conversion between text and values.
    Form,
    /// Texts for users.
    Words,
    /// Control flow.
    Order,
}

use Kind::{Decision, Form, Noun, Order, Port, Words};

const CORE: [(&str, Kind); 65] = [
    ("account", Noun),
    ("answer", Noun),
    ("beside", Noun),
    ("code_set", Noun),
    ("decimal", Noun),
    ("pieces", Noun),
    ("event", Noun),
    ("fault", Noun),
    ("foreign", Noun),
    ("ledger", Noun),
    ("letter", Noun),
    ("message", Noun),
    ("network", Noun),
    ("policy", Noun),
    ("questions", Noun),
    ("record", Noun),
    ("request", Noun),
    ("secret", Noun),
    ("time", Noun),
    ("verdict", Noun),
    ("voucher", Noun),
    ("admission", Decision),
    ("authorization", Decision),
    ("backup_code", Decision),
    ("carry", Decision),
    ("carry_bounds", Decision),
    ("counter", Decision),
    ("delivery", Decision),
    ("device", Decision),
    ("earlier_codes", Decision),
    ("enrolment", Decision),
    ("fingerprint", Decision),
    ("clock_mark", Decision),
    ("epoch", Decision),
    ("expiry", Decision),
    ("judge", Decision),
    ("letters", Decision),
    ("otp", Decision),
    ("pending", Decision),
    ("qr", Decision),
    ("replay", Decision),
    ("reserve", Decision),
    ("resync", Decision),
    ("row", Decision),
    ("rules", Decision),
    ("takeover", Decision),
    ("throttle", Decision),
    ("ticket_renewal", Decision),
    ("ports", Port),
    ("format", Form),
    ("text", Words),
    ("attempt", Order),
    ("change", Order),
    ("claimant", Order),
    ("charge", Order),
    ("dialogue", Order),
    ("draw", Order),
    ("facts", Order),
    ("ledger_sweep", Order),
    ("login", Order),
    ("redeem", Order),
    ("refusals", Order),
    ("settle", Order),
    ("spend", Order),
    ("lib", Order),
];

/// Returns the kinds that a kind may use.
fn may_use(kind: Kind) -> &'static [Kind] {
    match kind {
        Noun | Port => &[Noun],
        Decision => &[Noun, Decision],
        // A record's text has its keys in base32.
        Form => &[Noun, Decision, Form],
        Words => &[Noun, Words],
        Order => &[Noun, Decision, Port, Form, Words, Order],
    }
}

/// Each crate with the workspace crates that it may depend on.
const CRATES: [(&str, &[&str]); 6] = [
    ("core", &[]),
    ("host", &["twinlock-core"]),
    ("pam-module", &["twinlock-core", "twinlock-host"]),
    ("admin-cli", &["twinlock-core", "twinlock-host"]),
    ("tests", &["twinlock-core", "twinlock"]),
    ("xtask", &["twinlock-tests"]),
];

/// A source file: its path in the repository and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Returns the text without comments, literals and unit tests, which may use anything.
    fn code(&self) -> String {
        let mut code = String::new();
        for line in self.text.lines().take_while(|line| *line != "#[cfg(test)]") {
            code.push_str(&without_literals(line));
            code.push('\n');
        }
        code
    }
}

/// Returns a line without its comment and without quoted text.
fn without_literals(line: &str) -> String {
    let mut plain = String::new();
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => drop(letters.next()),
            '"' => quoted = !quoted,
            '/' if !quoted && letters.peek() == Some(&'/') => break,
            _ if !quoted => plain.push(letter),
            _ => {}
        }
    }
    plain
}

fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&repository().join(folder), &mut found);
    found.sort();
    let source = |path: PathBuf| {
        let shown = path.strip_prefix(repository()).expect("a file of the repository");
        let text = std::fs::read_to_string(&path).expect("a source file in UTF-8");
        Source { path: shown.display().to_string(), text }
    };
    found.into_iter().map(source).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn everything() -> Vec<Source> {
    CRATES.iter().flat_map(|(name, _)| sources(name)).collect()
}

/// A copied or moved checkout must not read from, or build in, the one it was compiled in.
#[test]
fn no_source_keeps_the_folder_it_was_compiled_in() {
    let compiled_in = concat!("env!(\"CARGO_", "MANIFEST_DIR");
    let program = concat!("env!(\"CARGO_", "BIN_EXE");
    for source in everything() {
        for kept in [compiled_in, program] {
            assert!(!source.text.contains(kept), "{}: ask at run time: {kept}", source.path);
        }
    }
}

/// Returns the first part of a path below `core/src`.
fn part(path: &str) -> &str {
    let below = path.strip_prefix("core/src/").expect("a file of core");
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

/// Returns the parts of core that a code names by `crate::`, in groups too.
fn named(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = code[at + start.len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads(group)),
            None => found.extend([word(rest)]),
        }
    }
    found
}

/// Returns the first words of the paths in a group.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut found, mut fresh) = (1, Vec::new(), true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            letter if fresh && letter.is_alphabetic() => {
                found.push(word(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[test]
fn paths_are_found_in_every_form() {
    let code = "use crate::{\n    a::{self, b},\n    c,\n    d::{e::{f}, g},\n};\nuse crate::h::i;\nlet x = crate::j::k();";
    let found: Vec<String> = named(code).into_iter().collect();
    assert_eq!(found, ["a", "c", "d", "h", "j"]);
    assert_eq!(without_literals(r#"a("\"crate::x", 'b'); // crate::y"#), "a(, 'b'); ");
}

#[test]
fn inside_core_each_part_uses_what_it_may() {
    let kinds: BTreeMap<&str, Kind> = CORE.into_iter().collect();
    let kind = |name: &str| {
        let found = kinds.get(name).copied();
        found.unwrap_or_else(|| panic!("core's `{name}` has no kind in the table of this test"))
    };
    let mut wrong = Vec::new();
    for source in sources("core/src") {
        let own = kind(part(&source.path));
        let code = source.code();
        for used in named(&code) {
            if !may_use(own).contains(&kind(&used)) {
                wrong.push(format!("{} ({own:?}) uses `{used}`", source.path));
            }
        }
        // A relative path upwards would hide its target from this test.
        if code.contains("super::") {
            wrong.push(format!("{} has a path with super::", source.path));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_are_built_from_what_they_may_use() {
    for (name, allowed) in CRATES {
        let manifest = std::fs::read_to_string(repository().join(name).join("Cargo.toml"));
        let manifest = manifest.expect("a crate's manifest");
        let mut section = "";
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']);
            }
            let used = line.split(['=', '.', ' ']).next().unwrap_or_default();
            let ours = used.starts_with("twinlock") || used == "pam_twinlock";
            if section.ends_with("dependencies") {
                assert!(ours || !line.contains("path ="), "{name} takes a crate by path: {line}");
                assert!(!ours || allowed.contains(&used), "{name} may not use {used}");
            }
        }
    }
    let root = std::fs::read_to_string(repository().join("Cargo.toml")).expect("the manifest");
    let members = root.lines().find(|line| line.starts_with("members")).expect("members");
    assert_eq!(members.matches('"').count() / 2, CRATES.len(), "{members}");
}

#[test]
fn each_file_says_what_it_is_in_a_sentence() {
    for source in everything() {
        let said = source.text.lines().map_while(|line| line.strip_prefix("//! "));
        let said: Vec<&str> = said.collect();
        assert!(said.join(" ").contains(['.', ':']), "{} begins with {said:?}", source.path);
    }
}

#[test]
fn files_are_short_and_have_names_that_say_something() {
    for source in everything() {
        let lines = source.text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", source.path);
        let name = source.path.rsplit('/').next().unwrap_or_default();
        let name = name.trim_end_matches(".rs");
        let empty = ["common", "util", "utils", "helper", "helpers", "misc"];
        assert!(!empty.contains(&name), "{}", source.path);
    }
}

#[test]
fn unsafe_code_stands_in_three_files() {
    let is_word = |code: &str| {
        let parts = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        parts.into_iter().any(|part| part == "unsafe")
    };
    let found: Vec<String> =
        everything().into_iter().filter(|one| is_word(&one.code())).map(|one| one.path).collect();
    let three = ["host/src/argon_memory.rs", "host/src/synchronized.rs", "pam-module/src/ffi.rs"];
    assert_eq!(found, three);
}

/// Returns the modules of host that only the command uses.
fn tools() -> Vec<String> {
    let lib = std::fs::read_to_string(repository().join("host/src/lib.rs")).expect("host");
    let (mut found, mut tool) = (Vec::new(), false);
    for line in lib.lines() {
        if tool {
            let name = line.trim_start_matches("pub ").trim_start_matches("mod ");
            found.push(format!("host/src/{}", name.trim_end_matches(';')));
        }
        tool = line == "#[cfg(feature = \"tools\")]";
    }
    found
}

#[test]
fn what_is_loaded_into_sshd_keeps_its_hands_to_itself() {
    let banned = [
        "std::env",
        "std::process",
        "std::thread",
        "env::",
        "thread::",
        "print!",
        "println!",
        "eprint!",
        "eprintln!",
        "dbg!",
        "setlocale",
        "openlog",
        "umask",
        "sleep(",
        "stdout",
        "stderr",
        "static ",
    ];
    let tools = tools();
    assert!(!tools.is_empty());
    let loaded = ["core/src", "host/src", "pam-module/src"].map(sources);
    for source in loaded.into_iter().flatten() {
        if tools.iter().any(|tool| source.path.starts_with(tool)) {
            continue;
        }
        for line in source.code().lines() {
            let found = banned.iter().find(|word| line.contains(**word));
            // `'static` lifetimes are no globals.
            let lifetime = line.contains("&'static ") && found == Some(&"static ");
            assert!(found.is_none() || lifetime, "{}: {line}", source.path);
        }
    }
}
