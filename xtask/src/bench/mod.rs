//! `cargo xtask bench`: the cost of a login, compared with two other modules.

mod about;
mod closer;
mod contestants;
mod counts;
mod crowd;
mod figures;
mod goals;
mod layout;
mod progress;
mod report;
mod room;
mod ssh;
mod times;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::command::{Done, command, run};
use crate::machine::{becoming_root, repository, target};
use crate::packages;
use crate::{Typed, build};

use figures::Figures;
use room::Medium;

/// How much to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything; takes several minutes.
    Full,
    /// A selection; takes about a minute.
    Quick,
}

/// Internal task that runs as root.
pub(crate) const INSIDE: &str = "bench-inside";
/// Accepted flags.
pub(crate) const FLAGS: [&str; 6] =
    ["--quick", "--json", "--functions", "--calls", "--layout", "--yes"];
/// The report in the repository.
const REPORT: &str = "docs/bench.md";

/// Builds, measures as root, and shows the report; stores the report of a full run.
pub(crate) fn bench(typed: &Typed) -> Done<ExitCode> {
    let needed = [packages::TO_BUILD, packages::TO_BENCH].concat();
    packages::ensure(&needed, typed.consent())?;
    build::release()?;
    let mut measure = as_root()?;
    measure.args(typed.flags.iter().filter(|flag| *flag != "--yes"));
    if closer::wanted(&typed.flags).is_some() {
        measure.arg(closer::with_names()?);
        return run(&mut measure).map(|()| ExitCode::SUCCESS);
    }
    run(&mut measure).map_err(|_| "The bench did not come to its end.".to_owned())?;
    let report = read(&kept("md"))?;
    if typed.has("--json") {
        print!("{}", read(&kept("json"))?);
    } else {
        print!("{report}");
    }
    if !typed.has("--quick") {
        keep(&report)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the report to the repository and replaces its sentences in README.md.
fn keep(report: &str) -> Done {
    let (file, readme) = (repository().join(REPORT), repository().join("README.md"));
    let old = fs::read_to_string(&file).unwrap_or_default();
    write(&file, report)?;
    write(&readme, &report::renewed(&read(&readme)?, &old, report))?;
    eprintln!("\nWritten to {REPORT}, and its first sentences to README.md.");
    check_readme()
}

/// Returns a command that runs this program as root for the measurement.
fn as_root() -> Done<Command> {
    let mut words = becoming_root()?.to_vec();
    if !words.is_empty() {
        words.push("--preserve-env=CARGO_TARGET_DIR");
    }
    let this = crate::machine::this_program()?;
    let this = this.to_string_lossy();
    words.extend([&this, INSIDE]);
    let (program, arguments) = words.split_first().ok_or("Nothing to run.")?;
    Ok(command(program, arguments))
}

/// Measures; runs as root.
pub(crate) fn inside(flags: &[String]) -> Done<ExitCode> {
    if let (Some(look), Some(module)) = (closer::wanted(flags), flags.last()) {
        return closer::look(look, Path::new(module));
    }
    let quick = flags.iter().any(|flag| flag == "--quick");
    let extent = if quick { Extent::Quick } else { Extent::Full };
    let disk = room::kind_of_disk()?;
    let figures = measure(extent, disk.is_some())?;
    room::clear_disk()?;
    let about = about::about(disk.as_deref());
    write(&kept("json"), &report::json(&figures, &about))?;
    write(&kept("md"), &report::report(&figures, &about))?;
    Ok(ExitCode::SUCCESS)
}

fn measure(extent: Extent, disk: bool) -> Done<Figures> {
    let mut figures = Figures::default();
    let mut rooms = vec![(Medium::Tmpfs, room::furnished(Medium::Tmpfs)?)];
    if disk {
        rooms.push((Medium::Disk, room::furnished(Medium::Disk)?));
    }
    let (rounds, logins) = match extent {
        Extent::Full => (101, 21),
        Extent::Quick => (9, 3),
    };
    times::time(&rooms, rounds, &mut figures)?;
    if let Some((_, m)) = rooms.last() {
        ssh::log_in(m, logins, &mut figures)?;
    }
    if let Some((_, m)) = rooms.first() {
        counts::count(m, extent, &mut figures)?;
        crowd::fill(m, extent, &mut figures)?;
    }
    Ok(figures)
}

/// Checks that README.md quotes the sentences of the report.
pub(crate) fn check_readme() -> Done {
    let report = read(&repository().join(REPORT))?;
    let readme = read(&repository().join("README.md"))?;
    report::repeated(&report, &readme)
}

/// Returns where the results of the last run are stored.
fn kept(kind: &str) -> PathBuf {
    target().join(format!("bench.{kind}"))
}

fn read(file: &Path) -> Done<String> {
    fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}.", file.display()))
}

fn write(file: &Path, text: &str) -> Done {
    fs::write(file, text).map_err(|error| format!("{} cannot be written: {error}.", file.display()))
}
