//! Checks that the code which sshd loads with the module uses no environment variables, processes, threads, global
//! variables or standard output.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod sources;

use sources::{repository, sources};

/// Returns the paths of the modules below `folder` that are compiled only for commands (feature `tools`) or for tests.
/// `page` is the name of the file in `folder` that contains the `mod` lines.
fn tools(folder: &str, page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join(folder).join(page)).expect("a page");
    let (mut found, mut tool) = (Vec::new(), false);
    for line in text.lines() {
        let name = line.split_once("mod ").map_or("", |(_, name)| name.trim_end_matches(';'));
        if name.is_empty() {
            tool = ["#[cfg(feature = \"tools\")]", "#[cfg(test)]"].contains(&line);
            continue;
        }
        let path = format!("{folder}/{name}");
        if tool {
            found.push(path);
        } else if repository().join(&path).join("mod.rs").is_file() {
            found.extend(tools(&path, "mod.rs"));
        }
        tool = false;
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
    let tools = tools("host/src", "lib.rs");
    assert!(tools.contains(&"host/src/store/enrolled_users".to_owned()), "{tools:?}");
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
