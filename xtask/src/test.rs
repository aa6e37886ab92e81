//! `cargo xtask test`: runs all checks that a change must pass. Prints one line for each step, and then the totals.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::build::{self, Artefacts};
use crate::command::{Done, cargo, exists, run, watched};
use crate::machine::root;
use crate::package::{self, Deb, PackagePurpose, Packages};
use crate::packages::{self, Chore, Consent};
use crate::system_tests::{self, ALL, Environment, Program};
use crate::tally::{Counts, Tally};
use crate::{
    CommandLine, booted, deny, fresh, fuzz, manual, module, mutants, reproducible, transcript,
    unpacked, wirings, without_std,
};

/// How many tests are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The tests that every change must pass.
    Usual,
    /// All tests, including the slow ones.
    Everything,
}

/// Workspace members whose tests need neither root nor libpam's headers.
const WITHOUT_ROOT: [&str; 7] = [
    "twinlock-core",
    "twinlock-host",
    "twinlock-doctor",
    "twinlock-setup",
    "twinlock-migrate",
    "twinlock",
    "xtask",
];

/// Values of the command line, and results of steps that later steps need.
#[derive(Default)]
struct Made {
    artefacts: Option<Artefacts>,
    programs: Option<Vec<Program>>,
    packages: Option<Packages>,
    /// Path of a copy of the RustSec database of vulnerabilities, the value of `--advisory-db`; `None` if the option is
    /// not given.
    advisory_db: Option<PathBuf>,
}

impl Made {
    fn artefacts(&self) -> Done<&Artefacts> {
        self.artefacts.as_ref().ok_or_else(|| "There are no release artefacts to look at.".into())
    }

    fn debs(&self) -> Done<&[Deb]> {
        let packages = self.packages.as_ref().ok_or("There is no package to install.")?;
        Ok(&packages.debs)
    }

    fn run(&self, way: Environment, extent: Extent) -> Done<Counts> {
        let programs = self.programs.as_ref().ok_or("The system tests were not compiled.")?;
        self.artefacts()?;
        system_tests::run(programs, way, extent)
    }
}

/// Which runs include a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// The step is included in every run.
    Always,
    /// The step is included in every run. Later steps need its result, so a run that begins at a later step (`--from`)
    /// includes it as well.
    Makes,
    /// The step is included only in runs with `--all`.
    All,
}

/// A step of the run: its name, which runs include it, and its function.
struct TestStep {
    name: &'static str,
    when: When,
    run: fn(&mut Made, Extent) -> Done<Counts>,
}

/// Builds a step from a function that only succeeds or fails. The step counts as one test.
macro_rules! check {
    ($when:ident, $name:literal, $check:expr) => {
        TestStep {
            name: $name,
            when: When::$when,
            run: |made, _| {
                let check: fn(&mut Made) -> Done = $check;
                check(made).map(|()| ONE)
            },
        }
    };
}

/// Builds a step from a function that returns the numbers of passed and failed tests.
macro_rules! tests {
    ($when:ident, $name:literal, $run:expr) => {
        TestStep { name: $name, when: When::$when, run: $run }
    };
}

/// The numbers of a step that counts as one test, if it has passed.
const ONE: Counts = Counts { passed: 1, failed: 0 };

/// All steps, in the order in which they are run.
const STEPS: &[TestStep] = &[
    check!(Always, "fuzzing: the lock file is current", |_| fuzz::lock_is_current()),
    check!(Always, "formatted", |_| run(&mut cargo(&["fmt", "--all", "--check"]))),
    // The module is checked by itself. Together with the command, cargo would compile it with the features of the
    // command.
    check!(Always, "clippy, module", |_| clippy(&["--package", "pam_twinlock"])),
    check!(Always, "clippy, all else", |_| clippy(&["--workspace", "--exclude", "pam_twinlock"])),
    check!(Always, "manual pages", |_| manual::check()),
    check!(Always, "core builds where there is no std", |_| without_std::check()),
    tests!(Always, "core, host and command, without root", |_, _| without_root()),
    check!(All, "licences, bans and sources of crates", |_| deny::check()),
    tests!(All, "advisories about crates", |made, _| deny::advisories(made.advisory_db.as_deref())),
    check!(All, "parsers under libFuzzer", |_| fuzz::check()),
    check!(All, "a changed decision is noticed", |_| mutants::check()),
    check!(Makes, "release artefacts", |made| {
        made.artefacts = Some(build::for_tests()?);
        Ok(())
    }),
    check!(Always, "module: exports pam_sm_* and nothing else", |made| {
        module::symbols(&made.artefacts()?.module)
    }),
    check!(Always, "module: few crates", |_| module::crates()),
    check!(Always, "module: small", |made| module::size(&made.artefacts()?.module)),
    check!(Always, "module: a panic unwinds", |_| module::unwinds()),
    check!(Always, "artefacts: no folder of the builder", |made| {
        let Artefacts { module: file, command, programs } = made.artefacts()?;
        let programs = build::PROGRAMS.map(|name| programs.join(name));
        let mut all = [file, command].into_iter().chain(&programs);
        all.try_for_each(|one| module::anonymous(one))
    }),
    check!(Makes, "the packages", |made| {
        made.packages = Some(package::build(made.artefacts()?, PackagePurpose::Test)?);
        Ok(())
    }),
    check!(Makes, "servers that the system tests unpack", |_| unpacked::ready()),
    check!(Makes, "system tests: compiled", |made| {
        made.programs = Some(system_tests::programs()?);
        Ok(())
    }),
    tests!(Always, "system tests: real sshd, sudo, su and login", |made, extent| {
        made.run(Environment::Usual, extent)
    }),
    tests!(All, "system tests again: by a sudo user at a terminal", |made, _| {
        made.run(Environment::SudoAtATerminal, Extent::Usual)
    }),
    tests!(All, "system tests again: no terminal, no /usr/sbin in PATH, ulimit -c 0", |made, _| {
        made.run(Environment::Bare, Extent::Usual)
    }),
    check!(Always, "the demo, and README's transcript of it", |_| transcript::check()),
    check!(Always, "the demo of a fleet", |_| transcript::fleet()),
    check!(All, "two builds give the same bytes", |_| reproducible::check()),
    check!(All, "the .deb in a fresh Debian 12", |made| {
        fresh::check(made.artefacts()?, made.debs()?, Some("bookworm"))
    }),
    check!(All, "the .deb in a fresh Debian 13", |made| {
        fresh::check(made.artefacts()?, made.debs()?, Some("trixie"))
    }),
    check!(All, "a Debian that boots", |_| booted::ready()),
    tests!(All, "who acts, and what the units do, in a Debian that boots", |made, _| {
        made.artefacts()?;
        booted_tests()
    }),
];

/// Returns the index of the step that `--from` names. `name` is the whole name of the step, or the beginning of its
/// name if only one step begins so.
fn named(name: &str) -> Done<usize> {
    let exact = STEPS.iter().position(|step| step.name == name);
    let begun = || STEPS.iter().enumerate().filter(|(_, step)| step.name.starts_with(name));
    let only = || (begun().count() == 1).then(|| begun().next().map(|(at, _)| at)).flatten();
    exact.or_else(only).ok_or_else(|| {
        let names: Vec<String> = STEPS.iter().map(|step| format!("  {}", step.name)).collect();
        format!("`{name}` names no single step. The steps are:\n{}", names.join("\n"))
    })
}

/// Runs all steps. If a step fails, the later ones still run. With `--from`, begins at the named step, but also runs
/// the earlier steps whose results later steps need.
pub(crate) fn test(consent: Consent, extent: Extent, typed: &CommandLine) -> Done<ExitCode> {
    let first = typed.from.as_deref().map_or(Ok(0), named)?;
    let chore = if extent == Extent::Everything { Chore::TestAll } else { Chore::Test };
    packages::ensure(&packages::of(chore)?, consent)?;

    let mut tally = Tally::default();
    let advisory_db = typed.advisory_db.as_ref().map(PathBuf::from);
    let mut made = Made { advisory_db, ..Made::default() };
    for (at, step) in STEPS.iter().enumerate() {
        let due = match step.when {
            When::Always => at >= first,
            When::Makes => true,
            When::All => at >= first && extent == Extent::Everything,
        };
        if due {
            tally.step(step.name, || (step.run)(&mut made, extent));
        }
    }
    Ok(tally.close())
}

fn clippy(packages: &[&str]) -> Done {
    let strict = ["--quiet", "--all-targets", "--locked", "--", "--deny", "warnings"];
    run(&mut cargo(&[&["clippy"], packages, &strict].concat()))
}

fn without_root() -> Done<Counts> {
    let chosen: Vec<&str> = WITHOUT_ROOT.iter().flat_map(|name| ["--package", name]).collect();
    let mut counts = counted(&mut runner(&chosen))?;
    // nextest does not run doc tests.
    if exists("cargo-nextest") {
        let examples = [
            "test",
            "--locked",
            "--doc",
            "--package",
            "twinlock-core",
            "--package",
            "twinlock-host",
        ];
        counts.add(counted(&mut cargo(&examples))?);
    }
    Ok(counts)
}

/// Runs the tests that boot a system. `cargo test` ignores them by default.
fn booted_tests() -> Done<Counts> {
    let mut command = runner(&["--package", "twinlock-tests", "--test", "booted"]);
    let only: &[&str] =
        if exists("cargo-nextest") { &["--run-ignored", "only"] } else { &["--", "--ignored"] };
    command.args(only);
    counted(&mut as_root(command))
}

/// Changes a cargo command so that the tests run as root. cargo itself runs as the caller, so that the files that it
/// writes belong to the caller.
pub(crate) fn as_root(mut command: Command) -> Command {
    if !root() {
        let architecture = std::env::consts::ARCH.to_uppercase();
        let name = format!("CARGO_TARGET_{architecture}_UNKNOWN_LINUX_GNU_RUNNER");
        let kept = ["CARGO_MANIFEST_DIR", "CARGO_TARGET_DIR", ALL, wirings::SEED, wirings::COUNT];
        command.env(name, format!("sudo --preserve-env={}", kept.join(",")));
    }
    command
}

fn runner(chosen: &[&str]) -> Command {
    let nextest = ["nextest", "run", "--locked", "--no-fail-fast", "--no-tests=pass"];
    let plain = ["test", "--locked", "--no-fail-fast", "--lib", "--bins", "--tests"];
    let before: &[&str] = if exists("cargo-nextest") { &nextest } else { &plain };
    cargo(&[before, chosen].concat())
}

/// Runs a test runner. Returns the numbers of passed and failed tests.
fn counted(command: &mut Command) -> Done<Counts> {
    let (status, text) = watched(command)?;
    Ok(Counts::of_a_run(&text, status.success()))
}

#[cfg(test)]
mod tests {
    use super::{STEPS, named};

    #[test]
    fn step_is_found_by_its_text() {
        for (at, step) in STEPS.iter().enumerate() {
            assert_eq!(named(step.name), Ok(at), "{}", step.name);
        }
        assert_eq!(named("the packa"), named("the packages"));
        assert!(named("the .").is_err() && named("").is_err() && named("no step").is_err());
    }
}
