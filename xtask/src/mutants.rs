//! Changes what decides about a code, here and there, and asks whether a test notices.

use std::path::PathBuf;

use crate::command::{Done, cargo, run};
use crate::machine::target;

const VERSION: &str = "27.1.0";
/// What lets somebody in, by itself: a change that no test notices is a way in that no test would.
const FILES: [&str; 6] = ["replay", "judge", "redeem", "settle", "pending", "admission"];
/// Tests that drive whole logins, without those that draw lives or simulate years.
const TESTS: [&str; 12] = [
    "login",
    "meanwhile",
    "changes",
    "held_open",
    "promises",
    "set_up",
    "backup_codes",
    "resync",
    "counter",
    "row",
    "scratch",
    "one_field",
];
/// Seconds that building and testing may take, each: a change may make a loop of what ends.
const PATIENCE: &str = "300";

/// Fails where a change went unnoticed; cargo-mutants names it, and keeps what it saw in target/mutants.
pub(crate) fn check() -> Done {
    let mut mutants = cargo(&["mutants", "--package", "twinlock-core", "--baseline", "skip"]);
    // Beside cargo's own commands it is found by its folder.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(installed()?).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).map_err(|error| format!("PATH: {error}."))?;
    mutants.env("PATH", path);
    mutants.args(["--timeout", PATIENCE, "--build-timeout", PATIENCE, "--colors", "never"]);
    mutants.arg("--output").arg(target().join("mutants"));
    for file in FILES {
        mutants.args(["--file", &format!("core/src/{file}.rs")]);
    }
    mutants.args(["--", "--lib"]);
    for test in TESTS {
        mutants.args(["--test", test]);
    }
    run(&mut mutants)
}

/// The folder of cargo-mutants, which is put beside the artefacts and nowhere else.
fn installed() -> Done<PathBuf> {
    let root = target().join("tools");
    let folder = root.join("bin");
    if !folder.join("cargo-mutants").is_file() {
        let mut install = cargo(&["install", "--quiet", "--locked", "--version", VERSION]);
        run(install.arg("--root").arg(&root).arg("cargo-mutants"))?;
    }
    Ok(folder)
}
