//! `cargo xtask wirings`: generates configurations of PAM and sshd, tries real logins with each of them, and compares
//! the results with the verdict of doctor.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::CommandLine;
use crate::build;
use crate::command::{Done, cargo, run};
use crate::packages::{self, Chore};
use crate::test::as_root;

/// Environment variable with the seed of the first configuration. The test reads it.
pub(crate) const SEED: &str = "TWINLOCK_WIRINGS_SEED";
/// Environment variable with the number of configurations. The test reads it.
pub(crate) const COUNT: &str = "TWINLOCK_WIRINGS_COUNT";

/// Flags that `wirings` accepts.
pub(crate) const FLAGS: [&str; 3] = ["--seed", "--count", "--yes"];

/// Number of configurations if `--count` is not given.
const USUAL: u64 = 40;

/// Builds module and command, and runs the test with generated configurations. If `--seed` is not given, the first seed
/// is the current Unix time in seconds.
pub(crate) fn wirings(typed: &CommandLine) -> Done<ExitCode> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let seed = number("--seed", typed.seed.as_deref())?.unwrap_or(now);
    let count = number("--count", typed.count.as_deref())?.unwrap_or(USUAL);
    packages::ensure(&packages::of(Chore::Wirings)?, typed.consent())?;
    build::for_tests()?;
    let mut test = cargo(&["test", "--locked", "--package", "twinlock-tests", "--test", "doctor"]);
    test.args(["--", "no_login_contradicts_doctor", "--nocapture"]);
    test.env(SEED, seed.to_string()).env(COUNT, count.to_string());
    println!("seeds {seed} to {}", seed.saturating_add(count).saturating_sub(1));
    run(&mut as_root(test)).map(|()| ExitCode::SUCCESS)
}

fn number(option: &str, text: Option<&str>) -> Done<Option<u64>> {
    let read = |text: &str| text.parse().map_err(|_| format!("`{option}` takes a number."));
    text.map(read).transpose()
}
