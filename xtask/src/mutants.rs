//! Runs mutation tests of the code that decides whether a one-time code is accepted. A mutation test changes the code
//! at one place and checks that some test then fails.

use crate::command::{Done, cargo, run};
use crate::machine::target;
use crate::tools;

const VERSION: &str = "27.1.0";
/// Files that decide whether a login succeeds. If no test notices a change in them, that change could let in a user
/// without a code.
const FILES: [&str; 6] = [
    "verify/replay",
    "verify/judge",
    "verify/voucher_verify",
    "verify/commit_match",
    "record/pending",
    "policy/admission",
];
/// Test programs that run whole logins. The slow randomized tests are left out.
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
/// Maximum time in seconds of each build and of each test run. A mutation may cause an endless loop.
const PATIENCE: &str = "300";

/// Runs the mutation tests. Fails if there is a mutation that no test notices; cargo-mutants then names it. The output
/// of cargo-mutants is in target/mutants.
pub(crate) fn check() -> Done {
    let mut mutants = cargo(&["mutants", "--package", "twinlock-core", "--baseline", "skip"]);
    // cargo finds the program of the subcommand `mutants` in a folder of PATH.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools::folder_of("cargo-mutants", VERSION)?)
        .chain(std::env::split_paths(&path));
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
