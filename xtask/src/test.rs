//! `cargo xtask test`: all that a change must pass, one line per step, the totals at the end.

use std::process::{Command, ExitCode};

use crate::build::{self, Artefacts};
use crate::command::{Done, cargo, exists, run, watched};
use crate::machine::root;
use crate::maintainer::Purpose;
use crate::packages::{self, Consent};
use crate::system_tests::{self, ALL, Way};
use crate::tally::{Counts, Tally};
use crate::{
    bench, booted, deb, fresh, fuzz, mail_server, manual, module, mutants, transcript, without_std,
};

/// How much to test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What every change must pass.
    Usual,
    /// Slow tests too.
    Everything,
}

/// Packages that need neither root nor libpam's headers.
const WITHOUT_ROOT: [&str; 6] =
    ["twinlock-core", "twinlock-host", "twinlock-doctor", "twinlock-migrate", "twinlock", "xtask"];

/// Runs every step, even after a failure.
pub(crate) fn test(consent: Consent, extent: Extent) -> Done<ExitCode> {
    let mut needed = packages::of_the_tests()?;
    let ours = [packages::TO_BUILD, packages::TO_SHOW, packages::TO_PACKAGE].concat();
    needed.extend(ours.iter().map(|&name| name.to_owned()));
    if extent == Extent::Everything {
        let long = [packages::TO_DEBOOTSTRAP, packages::TO_BOOT, packages::TO_FUZZ].concat();
        needed.extend(long.iter().map(|&name| name.to_owned()));
    }
    packages::ensure(&needed, consent)?;

    let mut tally = Tally::default();
    read_through(&mut tally);
    tally.check("manual pages", manual::check);
    tally.check("README's figures are those of the bench", bench::check_readme);
    tally.check("core builds where there is no std", without_std::check);
    tally.step("core, host and command, without root", without_root);
    if extent == Extent::Everything {
        tally.check("parsers under libFuzzer", fuzz::check);
        tally.check("a changed decision is noticed", mutants::check);
    }
    let mut built = None;
    tally.check("release artefacts", || {
        built = Some(build::release()?);
        Ok(())
    });
    if let Some(artefacts) = built {
        look_at(&mut tally, &artefacts);
        let mut deb = None;
        tally.check("the .deb", || {
            deb = Some(deb::package(&artefacts, Purpose::Test)?);
            Ok(())
        });
        tally.check("a mail server for the system tests", mail_server::ready);
        system_tests(&mut tally, extent);
        tally.check("the demo, and README's transcript of it", transcript::check);
        if let (Extent::Everything, Some(deb)) = (extent, deb) {
            tally.check("the .deb in a fresh Debian", || fresh::check(&deb));
            tally.check("a Debian that boots", booted::ready);
            tally.step("who acts, and what the units do, in a Debian that boots", booted_tests);
        }
    }
    Ok(tally.close())
}

fn read_through(tally: &mut Tally) {
    tally.check("fuzzing: the lock file is current", fuzz::lock_is_current);
    tally.check("formatted", || run(&mut cargo(&["fmt", "--all", "--check"])));
    let strict = ["--quiet", "--all-targets", "--locked", "--", "--deny", "warnings"];
    // The module alone: together with the command it would be compiled with the command's features.
    let alone = [&["clippy", "--package", "pam_twinlock"][..], &strict[..]].concat();
    let others =
        [&["clippy", "--workspace", "--exclude", "pam_twinlock"][..], &strict[..]].concat();
    tally.check("clippy, module", || run(&mut cargo(&alone)));
    tally.check("clippy, all else", || run(&mut cargo(&others)));
}

fn look_at(tally: &mut Tally, artefacts: &Artefacts) {
    let Artefacts { module: file, command } = artefacts;
    tally.check("module: exports pam_sm_* and nothing else", || module::symbols(file));
    tally.check("module: few crates", module::crates);
    tally.check("module: small", || module::size(file));
    tally.check("module: a panic unwinds", module::unwinds);
    tally.check("artefacts: no folder of the builder", || {
        module::anonymous(file).and_then(|()| module::anonymous(command))
    });
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

/// Runs the system tests in the usual environment, and in the others too for `--all`, with the same build.
fn system_tests(tally: &mut Tally, extent: Extent) {
    let mut built = None;
    tally.check("system tests: compiled", || {
        built = Some(system_tests::programs()?);
        Ok(())
    });
    let Some(programs) = built else { return };
    let name = "system tests: real sshd, sudo, su and login";
    tally.step(name, || system_tests::run(&programs, Way::Usual, extent));
    if extent == Extent::Everything {
        let name = "system tests again: by a sudo user at a terminal";
        tally.step(name, || system_tests::run(&programs, Way::SudoAtATerminal, Extent::Usual));
        let name = "system tests again: no terminal, no /usr/sbin in PATH, ulimit -c 0";
        tally.step(name, || system_tests::run(&programs, Way::Bare, Extent::Usual));
    }
}

/// Runs the tests that cargo ignores by default.
fn booted_tests() -> Done<Counts> {
    let mut command = runner(&["--package", "twinlock-tests", "--test", "booted"]);
    let only: &[&str] =
        if exists("cargo-nextest") { &["--run-ignored", "only"] } else { &["--", "--ignored"] };
    command.args(only);
    counted(&mut as_root(command))
}

/// Returns a command that runs only the tests as root, so that cargo's files keep their owner.
fn as_root(mut command: Command) -> Command {
    if !root() {
        let architecture = std::env::consts::ARCH.to_uppercase();
        let name = format!("CARGO_TARGET_{architecture}_UNKNOWN_LINUX_GNU_RUNNER");
        command.env(name, format!("sudo --preserve-env=CARGO_MANIFEST_DIR,CARGO_TARGET_DIR,{ALL}"));
    }
    command
}

fn runner(chosen: &[&str]) -> Command {
    let nextest = ["nextest", "run", "--locked", "--no-fail-fast", "--no-tests=pass"];
    let plain = ["test", "--locked", "--no-fail-fast", "--lib", "--bins", "--tests"];
    let before: &[&str] = if exists("cargo-nextest") { &nextest } else { &plain };
    cargo(&[before, chosen].concat())
}

/// Runs a test runner and returns its counts.
fn counted(command: &mut Command) -> Done<Counts> {
    let (status, text) = watched(command)?;
    Ok(Counts::of_a_run(&text, status.success()))
}
