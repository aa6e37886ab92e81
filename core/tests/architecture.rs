//! Checks the structure of the workspace. A table says for each folder which other folders it may use. Each file and
//! each function has a maximum length.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on must stop")]

#[path = "sources/circles.rs"]
mod circles;
mod rooms;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use rooms::ROOMS;
use sources::{Source, functions, repository, sources};

/// Maximum number of entries that a crate may have in the table of folders. A maintainer can remember this many.
const MOST_ROOMS: [(&str, usize); 2] = [("core", 17), ("admin-cli", 12)];

/// Each crate, and the crates of the workspace that it may depend on.
const CRATES: [(&str, &[&str]); 11] = [
    ("core", &[]),
    ("host", &["twinlock-core"]),
    ("pam-module", &["twinlock-core", "twinlock-host"]),
    ("migrate", &["twinlock-core", "twinlock-host"]),
    ("doctor", &["twinlock-core", "twinlock-host"]),
    ("setup", &["twinlock-core", "twinlock-host", "twinlock-doctor"]),
    (
        "admin-cli",
        &[
            "twinlock-core",
            "twinlock-host",
            "twinlock-migrate",
            "twinlock-doctor",
            "twinlock-setup",
        ],
    ),
    ("agent", &["twinlock-core", "twinlock-host"]),
    ("fleet", &["twinlock-core"]),
    ("tests", &["twinlock-core", "twinlock-migrate", "twinlock-doctor"]),
    ("xtask", &["twinlock-tests"]),
];

fn everything() -> Vec<Source> {
    CRATES.iter().flat_map(|(name, _)| sources(name)).collect()
}

#[test]
fn folders_use_only_what_their_row_allows() {
    let mut wrong = Vec::new();
    for (name, rows) in ROOMS {
        let rows: BTreeMap<&str, &[&str]> = rows.iter().copied().collect();
        for source in sources(&format!("{name}/src")) {
            let room = source.room().to_owned();
            let code = source.code();
            if code.contains("super::") {
                wrong.push(format!("{} has a path with super::", source.path));
            }
            if ["lib", "main"].contains(&room.as_str()) {
                continue;
            }
            let Some(allowed) = rows.get(room.as_str()) else {
                wrong.push(format!("{}: `{room}` of {name} has no row", source.path));
                continue;
            };
            for used in sources::used(&code).into_iter().filter(|used| *used != room) {
                if !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{} uses `{used}`", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_row_uses_itself_by_way_of_others() {
    for (name, rows) in ROOMS {
        let mut known = BTreeSet::new();
        for (room, uses) in rows {
            let unknown = uses.iter().find(|used| !known.contains(*used));
            assert_eq!(unknown, None, "{name}: `{room}` may use only rows before it");
            known.insert(*room);
        }
        let most =
            MOST_ROOMS.iter().find(|(of, _)| *of == name).map_or(usize::MAX, |(_, most)| *most);
        assert!(rows.len() <= most, "{name} has {} folders, at most {most} are wanted", rows.len());
    }
}

#[test]
fn rows_name_what_exists() {
    for (name, rows) in ROOMS {
        let found: BTreeSet<String> =
            sources(&format!("{name}/src")).iter().map(|source| source.room().to_owned()).collect();
        for (room, _) in rows {
            assert!(found.contains(*room), "{name} has no `{room}`");
        }
    }
}

#[test]
fn no_function_takes_a_tuple() {
    let mut found = Vec::new();
    let of_rooms = ROOMS.iter().map(|(name, _)| format!("{name}/src"));
    let folders = of_rooms.chain(["tests/src", "tests/tests", "xtask/src"].map(str::to_owned));
    for source in folders.flat_map(|folder| sources(&folder)) {
        for function in functions(&source.whole_code()) {
            if function.takes_a_tuple() {
                found.push(format!("{}: {}", source.path, function.name));
            }
        }
    }
    assert!(found.is_empty(), "functions that take a tuple: {found:#?}");
}

/// Checks that no type alias names a tuple, because a parameter of this type would hide the tuple from the test
/// `no_function_takes_a_tuple`.
#[test]
fn no_alias_names_a_tuple() {
    for source in ROOMS.iter().flat_map(|(name, _)| sources(&format!("{name}/src"))) {
        for line in source.code().lines() {
            let alias = line.trim_start_matches("pub ").strip_prefix("type ");
            let of = alias.and_then(|alias| alias.split_once(" = ")).map_or("", |(_, of)| of);
            let of = of.trim_start_matches("Option<");
            assert!(!of.starts_with('('), "{}: {line}", source.path);
        }
    }
}

/// Checks that no two types of the crates that ship have the same name, so that a name has one meaning.
#[test]
fn no_two_types_have_the_same_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let shipped = CRATES.iter().filter(|(name, _)| !["tests", "xtask"].contains(name));
    for source in shipped.flat_map(|(name, _)| sources(&format!("{name}/src"))) {
        for line in source.code().lines() {
            let line = line.strip_prefix("pub").unwrap_or(line);
            let line =
                line.split_once(") ").filter(|_| line.starts_with('(')).map_or(line, |it| it.1);
            let kinds = ["struct ", "enum ", "trait ", "type "];
            let named = kinds.iter().find_map(|kind| line.trim_start().strip_prefix(kind));
            // An indented type belongs to a trait.
            let Some(named) = named.filter(|_| !line.starts_with("  ")) else { continue };
            let end = named.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(named.len());
            places.entry(named[..end].to_owned()).or_default().push(source.path.clone());
        }
    }
    assert!(places.len() > 500, "{}", places.len());
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "types with the same name: {places:#?}");
}

/// Checks that a function may exceed clippy's maximum length only if the reason of its exemption says that it is a
/// table, a match or a list.
#[test]
fn functions_are_short_where_they_are_no_tables() {
    let bounds = std::fs::read_to_string(repository().join("clippy.toml")).expect("clippy.toml");
    assert!(bounds.contains("too-many-lines-threshold = 40"), "{bounds}");
    assert!(bounds.contains("too-many-arguments-threshold = 6"), "{bounds}");
    let mut long = Vec::new();
    for source in ROOMS.iter().flat_map(|(name, _)| sources(&format!("{name}/src"))) {
        for line in source.text.lines().filter(|line| line.contains("clippy::too_many_lines")) {
            let is_table = ["a table", "a match", "a list"].iter().any(|word| line.contains(word));
            if !is_table {
                long.push(format!("{}: {line}", source.path));
            }
        }
    }
    assert!(long.is_empty(), "functions that are long and no table: {long:#?}");
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

/// Checks that crates that are packaged inherit the lints of the workspace. `tests` and `xtask` may panic; their
/// manifests list the lints that they keep.
#[test]
fn crates_that_ship_inherit_the_lints() {
    for (name, _) in ROOMS {
        let manifest = std::fs::read_to_string(repository().join(name).join("Cargo.toml"));
        let manifest = manifest.expect("a crate's manifest");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} has lints of its own");
    }
}

/// Checks that no source file reads the path of its checkout at compile time. Otherwise, tests in a copied or moved
/// checkout would read the files of the original checkout.
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

#[test]
fn each_file_says_what_it_is_in_a_sentence() {
    for source in everything() {
        let said = source.text.lines().map_while(|line| line.strip_prefix("//!"));
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
fn unsafe_code_stands_in_four_files() {
    let is_word = |code: &str| {
        let parts = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        parts.into_iter().any(|part| part == "unsafe")
    };
    let found: Vec<String> =
        everything().into_iter().filter(|one| is_word(&one.code())).map(|one| one.path).collect();
    let four = [
        "host/src/argon_memory.rs",
        "host/src/synchronized.rs",
        "pam-module/src/ffi.rs",
        "agent/src/pam_application.rs",
    ];
    assert_eq!(found, four);
}
