//! Checks that no file of a crate uses itself by way of other files, except in the circles that are allowed.
//! Re-exports in the `mod.rs` of a folder are not followed.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{paths, sources};

/// The circles that are allowed: the name of the crate, and the files that use each other. Such files are the parts of
/// one struct whose `impl` blocks are in several files, a table and the functions that it names, or a file and a
/// submodule of it.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("core", &["verify::attempt", "verify::charge"]),
    (
        "core",
        &["policy::settings::general", "policy::settings::sections", "policy::settings::table"],
    ),
    ("core", &["record::text", "record::text::extras"]),
    (
        "host",
        &[
            "store::commit",
            "store::records",
            "store::sweep",
            "store::uid_link",
            "store::uniform_reads",
        ],
    ),
    ("admin-cli", &["commands::doctor::candidate", "commands::doctor::effects"]),
];

/// Returns the files that each file of a crate uses, as module paths.
fn uses(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources(&format!("{name}/src"));
    let path = |source: &crate::sources::Source| {
        let below = source.path.split_once("/src/").map_or("", |(_, below)| below);
        below.trim_end_matches(".rs").replace('/', "::")
    };
    let files: BTreeSet<String> = sources.iter().map(&path).collect();
    let mut uses = BTreeMap::new();
    for source in &sources {
        let own = path(source);
        let named = paths(&source.code()).into_iter().filter_map(|used| {
            let ends = used.match_indices("::").map(|(at, _)| at).chain([used.len()]);
            ends.filter_map(|end| files.get(&used[..end])).last().cloned()
        });
        uses.insert(own.clone(), named.filter(|used| *used != own).collect());
    }
    uses
}

/// Returns the files that a file uses, directly or through other files.
fn reached(uses: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(file) = next.pop() {
        for used in uses.get(&file).into_iter().flatten() {
            if found.insert(used.clone()) {
                next.push(used.clone());
            }
        }
    }
    found
}

#[test]
fn no_file_uses_itself_by_way_of_others() {
    let mut circles = BTreeSet::new();
    for name in ["core", "host", "pam-module", "admin-cli", "migrate"] {
        let uses = uses(name);
        for file in uses.keys() {
            let there = reached(&uses, file);
            if there.contains(file) {
                let back = |other: &&String| reached(&uses, other).contains(file);
                let circle: Vec<String> = there.iter().filter(back).cloned().collect();
                circles.insert((name, circle));
            }
        }
    }
    let allowed = ALLOWED.map(|(name, files)| (name, files.iter().map(ToString::to_string)));
    let allowed: BTreeSet<(&str, Vec<String>)> =
        allowed.into_iter().map(|(name, files)| (name, files.collect())).collect();
    assert_eq!(circles, allowed, "a circle is new, or one is gone and is to leave the list");
}
