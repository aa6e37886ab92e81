//! Runs the project's tasks: `cargo xtask demo | test | bench | package`.

mod apart;
mod app;
mod bench;
mod booted;
mod build;
mod command;
mod demo;
mod deny;
mod fresh;
mod fuzz;
mod ledger;
mod machine;
mod manual;
mod module;
mod mutants;
mod package;
mod packages;
mod preflight;
mod reproducible;
mod screen;
mod system_tests;
mod tally;
mod test;
mod tools;
mod transcript;
mod unpacked;
mod wirings;
mod without_std;

use std::process::ExitCode;

use crate::command::Done;
use crate::demo::Typist;
use crate::package::{PackagePurpose, maintainer};
use crate::packages::Consent;
use crate::test::Extent;

const USAGE: &str = "\
Usage: cargo xtask CHORE

  demo            a real sshd on 127.0.0.1 that asks for a code, in a room of its own
       --auto     types by itself and shows what happens
       --fleet    with --auto: two hosts that share their state through three nodes of etcd
  test            everything that a change must pass
       --all      and what takes long: every errno, fuzzing, mutants, the package in a fresh Debian,
                  one that boots, and the system tests by a sudo user at a terminal and without one
       --advisory-db DIR
                  with --all: also checks the crates against this copy of the RustSec database
  bench           what a login costs, compared with pam_google_authenticator and pam_oath: some minutes
       --quick    in a minute, and without writing docs/benchmarks.md
       --layout   writes down for the linker what of the module a login runs
  wirings         generated wirings with real logins, compared with doctor's verdicts: some minutes
       --seed N   the first seed: the wiring of a seed is always the same
       --count N  how many, 40 by default
  package         the packages, in target/package; needs packaging/debian/maintainer
       --try      some with a made-up maintainer, tried in a fresh Debian 12 and 13
       --suite S  with --try: only in the fresh Debian of this name
       --twice    builds the last commit in two folders, and compares the bytes

  --yes           installs missing Debian packages without asking (so does CI=1)

All of these but `package` without --try need Debian 12, root or sudo, and a machine or a virtual machine:
not a chroot, and not a container that forbids namespaces. That is checked before anything else.

  chore      Debian packages       disk, with target/   minutes, on 2 cores
  demo       7                     1 GB                 5
  demo --fleet 10                  1 GB                 5
  test       41 (165 with what     2 GB                 20
             they need, at most)
  test --all 44                    6 GB                 120
  wirings    37                    2 GB                 5
  bench      11                    1 GB                 10
";

/// Flags that `package` accepts.
const PACKAGE_FLAGS: [&str; 4] = ["--try", "--suite", "--twice", "--yes"];

/// The words after `cargo xtask`.
struct CommandLine {
    chore: String,
    flags: Vec<String>,
    /// Value of `--from`: name of the step with which the task `test` begins; `None` if the option is not given.
    from: Option<String>,
    /// Value of `--advisory-db`: path of a copy of the RustSec database of vulnerabilities; `None` if the option is not
    /// given.
    advisory_db: Option<String>,
    /// Value of `--seed`, as typed: seed of the first generated configuration; `None` if the option is not given.
    seed: Option<String>,
    /// Value of `--count`, as typed: number of generated configurations; `None` if the option is not given.
    count: Option<String>,
    /// Value of `--suite`: name of the release whose package is tried in a fresh system; `None` if the option is not
    /// given.
    suite: Option<String>,
}

impl CommandLine {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let chore = words.next().ok_or("Say which chore.")?;
        let (mut flags, mut from, mut advisory_db) = (Vec::new(), None, None);
        let (mut seed, mut count, mut suite) = (None, None, None);
        while let Some(word) = words.next() {
            // Options with a value are parsed only for the tasks that accept them. Internal tasks take arbitrary words.
            if word == "--from" && chore == "test" {
                from = Some(words.next().ok_or("`--from` takes the name of a step.")?);
            } else if word == "--advisory-db" && chore == "test" {
                advisory_db = Some(words.next().ok_or("`--advisory-db` takes a folder.")?);
            } else if word == "--seed" && chore == "wirings" {
                seed = Some(words.next().ok_or("`--seed` takes a number.")?);
            } else if word == "--count" && chore == "wirings" {
                count = Some(words.next().ok_or("`--count` takes a number.")?);
            } else if word == "--suite" && chore == "package" {
                suite = Some(words.next().ok_or("`--suite` takes the name of a release.")?);
            }
            flags.push(word);
        }
        Ok(Self { chore, flags, from, advisory_db, seed, count, suite })
    }

    /// Checks that the task accepts every flag that was typed. `known` are the flags that it accepts.
    ///
    /// # Errors
    /// A sentence that names a flag that the task does not accept.
    fn only(&self, known: &[&str]) -> Result<(), String> {
        match self.flags.iter().find(|flag| !known.contains(&flag.as_str())) {
            Some(flag) => Err(format!("`{}` has no `{flag}`.", self.chore)),
            None => Ok(()),
        }
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|typed| typed == flag)
    }

    fn consent(&self) -> Consent {
        let ci = std::env::var_os("CI").is_some_and(|value| value != "0" && value != "false");
        if ci || self.has("--yes") { Consent::Given } else { Consent::Ask }
    }
}

fn main() -> ExitCode {
    let typed = match CommandLine::read(std::env::args().skip(1)) {
        Ok(typed) => typed,
        Err(error) => return misused(&error),
    };
    if let Err(error) = may_begin(&typed) {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    let outcome = match typed.chore.as_str() {
        "test" => typed.only(&["--all", "--from", "--advisory-db", "--yes"]).map(|()| {
            let extent = if typed.has("--all") { Extent::Everything } else { Extent::Usual };
            test::test(typed.consent(), extent, &typed)
        }),
        "demo" => typed.only(&["--auto", "--fleet", "--yes"]).map(|()| shown(&typed)),
        "wirings" => typed.only(&wirings::FLAGS).map(|()| wirings::wirings(&typed)),
        "bench" => typed.only(&bench::FLAGS).map(|()| bench::bench(&typed)),
        bench::INSIDE => Ok(bench::inside(&typed.flags)),
        fresh::INSIDE => Ok(fresh::inside(&typed.flags)),
        demo::INSIDE => Ok(demo::inside(&typed.flags)),
        demo::fleet::INSIDE => Ok(demo::fleet::inside()),
        demo::BUILT => Ok(demo::built(&typed.flags)),
        preflight::INSIDE => return preflight::inside(),
        "package" => typed.only(&PACKAGE_FLAGS).map(|()| package(&typed)),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => Err(format!("There is no chore `{other}`.")),
    };
    match outcome {
        Err(misuse) => misused(&misuse),
        Ok(Err(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Ok(Ok(code)) => code,
    }
}

/// Changes to the folder of the repository. If the task needs private machines (see `preflight`), also checks that root
/// can create them here.
fn may_begin(typed: &CommandLine) -> Done {
    let apart = match typed.chore.as_str() {
        "test" | "demo" | "bench" | "wirings" => true,
        "package" => typed.has("--try"),
        _ => return Ok(()),
    };
    let checkout = machine::checkout().ok_or(
        "This is no checkout of twinlock: enter one, and run `cargo xtask` there.".to_owned(),
    )?;
    // The process that runs as root inherits the working folder, but it does not inherit the variables that cargo sets.
    std::env::set_current_dir(&checkout)
        .map_err(|error| format!("{} cannot be entered: {error}.", checkout.display()))?;
    if apart { preflight::check() } else { Ok(()) }
}

fn shown(typed: &CommandLine) -> Done<ExitCode> {
    let typist = if typed.has("--auto") { Typist::Itself } else { Typist::Person };
    let demo = if typed.has("--fleet") { demo::fleet::demo } else { demo::demo };
    demo(typed.consent(), typist)
}

fn package(typed: &CommandLine) -> Done<ExitCode> {
    if typed.has("--twice") {
        packages::ensure(&[packages::TO_BUILD, packages::TO_PACKAGE].concat(), typed.consent())?;
        return reproducible::check().map(|()| ExitCode::SUCCESS);
    }
    let tried = typed.has("--try");
    let purpose = if tried { PackagePurpose::Test } else { PackagePurpose::Release };
    // If there is no maintainer, this is reported before anything is installed or built.
    maintainer(purpose)?;
    let more =
        if tried { [packages::TO_DEBOOTSTRAP, packages::TO_SHOW].concat() } else { Vec::new() };
    let needed = [packages::TO_BUILD, packages::TO_PACKAGE, &more].concat();
    packages::ensure(&needed, typed.consent())?;
    let artefacts = build::release()?;
    let made = package::build(&artefacts, purpose)?;
    if tried {
        fresh::check(&artefacts, &made.debs, typed.suite.as_deref())?;
    }
    for deb in &made.debs {
        let chosen = typed.suite.as_deref().is_none_or(|suite| suite == deb.release.suite);
        let shown = if tried && chosen && deb.release.can_be_tried() {
            "installed, logged in with, upgraded and removed in a fresh system"
        } else {
            "built, not run"
        };
        println!("{}: {}: {shown}", deb.path.display(), deb.release.name);
    }
    println!("{}: Fedora, RHEL: built, not run", made.rpm.display());
    Ok(ExitCode::SUCCESS)
}

fn misused(error: &str) -> ExitCode {
    eprintln!("{error}\n\n{USAGE}");
    ExitCode::from(2)
}
