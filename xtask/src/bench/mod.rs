//! `cargo xtask bench`: measures the cost of a login and compares it with the cost of logins by two other modules.
//!
//! May use: `build`, `command`, `machine`, `packages`.

mod agent;
mod contestants;
mod figures;
mod layout;
mod measure;
mod profile;
mod report;
mod room;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::command::{Done, command, output, run};
use crate::machine::{becoming_root, repository, target};
use crate::packages::{self, Chore};
use crate::{CommandLine, build};

use figures::Figures;
use room::Medium;

/// Name of the internal task that measures as root.
pub(crate) const INSIDE: &str = "bench-inside";
/// Flags that `bench` accepts.
pub(crate) const FLAGS: [&str; 3] = ["--quick", "--layout", "--yes"];
/// Path of the report in the repository.
const REPORT: &str = "docs/benchmarks.md";
/// Debian packages whose versions affect the figures. The report names the versions.
const PACKAGES: [&str; 6] = [
    "libpam0g",
    "libpam-google-authenticator",
    "libpam-oath",
    "openssh-server",
    "libc6",
    "valgrind",
];

/// Free memory in KiB that is needed for a tmpfs with the records of a million users.
const MEMORY_FOR_A_MILLION: u64 = 14 * 1024 * 1024;

/// Builds the artefacts, measures as root and prints the report. After a full run (without `--quick`), also stores the
/// report in the repository.
pub(crate) fn bench(typed: &CommandLine) -> Done<ExitCode> {
    packages::ensure(&packages::of(Chore::Bench)?, typed.consent())?;
    build::for_tests()?;
    let mut measure = as_root()?;
    measure.args(typed.flags.iter().filter(|flag| *flag != "--yes"));
    measure.arg(layout::with_symbols()?);
    if typed.has("--layout") {
        return run(&mut measure).map(|()| ExitCode::SUCCESS);
    }
    run(&mut measure)?;
    let report = read(&kept())?;
    print!("{}", String::from_utf8_lossy(&report));
    if !typed.has("--quick") {
        write(&repository().join(REPORT), &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the start of a command that runs the internal task [`INSIDE`] as root.
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

/// Measures, and writes the report to the path [`kept`]. Runs as root.
pub(crate) fn inside(flags: &[String]) -> Done<ExitCode> {
    if let [layout, module] = flags
        && layout == "--layout"
    {
        return layout::write(Path::new(module));
    }
    let quick = flags.iter().any(|flag| flag == "--quick");
    let module = flags.last().ok_or("No module with symbols.")?;
    let (rounds, logins) = if quick { (9, 3) } else { (51, 11) };
    let sizes: &[u64] = match (quick, free_memory() < MEMORY_FOR_A_MILLION) {
        (true, _) => &[10, 1_000],
        (false, true) => &[10, 1_000, 100_000],
        (false, false) => &[10, 1_000, 100_000, 1_000_000],
    };
    let mut figures = Figures::default();
    let m = room::furnished(Medium::Tmpfs)?;
    measure::time(&m, Medium::Tmpfs, rounds, &mut figures)?;
    measure::count(&m, &mut figures)?;
    let profile = profile::table(&m, Path::new(module))?;
    let disk = room::kind_of_disk()?;
    if disk.is_some() {
        let m = room::furnished(Medium::Disk)?;
        measure::time(&m, Medium::Disk, rounds, &mut figures)?;
        measure::ssh(&m, logins, &mut figures)?;
    }
    agent::measure(&m, rounds, &mut figures)?;
    measure::crowd(&m, sizes, rounds.min(21), &mut figures)?;
    room::clear_disk()?;
    let about = about(disk.as_deref().unwrap_or("none"));
    write(&kept(), report::report(&figures, &about, sizes, &profile).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a sentence for the report with the date, the processor, the kernel, the load and the versions of packages.
/// `disk` is the type of the disk's file system.
fn about(disk: &str) -> String {
    let said = |program: &str, words: &[&str]| {
        let said = output(&mut command(program, words)).unwrap_or_default();
        said.lines().collect::<Vec<_>>().join(", ")
    };
    let query = ["--show", "--showformat=${Package} ${Version}\n"];
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name\t: "));
    format!(
        "Measured on {} on {} (Linux {}, disk: {disk}; {}) with twinlock {}, {}.",
        said("date", &["--utc", "+%Y-%m-%d"]),
        model.unwrap_or(std::env::consts::ARCH),
        said("uname", &["--kernel-release"]),
        company(),
        env!("CARGO_PKG_VERSION"),
        said("dpkg-query", &[&query[..], &PACKAGES[..]].concat()),
    )
}

/// Returns a clause for the report that says whether other work ran on this machine. The load average shows that: the
/// measurement itself causes a load below 1.5.
fn company() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default();
    if load < 1.5 {
        return "no other work".into();
    }
    format!("shared with other work, load {load:.1}: times are long, ratios were paired")
}

/// Returns the free memory of this machine in KiB; 0 if it cannot be read.
fn free_memory() -> u64 {
    let table = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Returns the path of the report of the last run, in the target folder.
fn kept() -> PathBuf {
    target().join("bench.md")
}

fn read(file: &Path) -> Done<Vec<u8>> {
    fs::read(file).map_err(|error| format!("{} cannot be read: {error}.", file.display()))
}

fn write(file: &Path, bytes: &[u8]) -> Done {
    fs::write(file, bytes)
        .map_err(|error| format!("{} cannot be written: {error}.", file.display()))
}
