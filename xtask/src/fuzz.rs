//! Runs libFuzzer on each parser, for a limited time.

use std::fs;
use std::path::PathBuf;

use crate::command::{Done, cargo, command, output, run};
use crate::machine::{repository, target};

/// Time in seconds for which libFuzzer runs on each parser.
const SECONDS: u32 = 20;
/// Compiler flags that let libFuzzer learn which code an input has reached.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// Builds all fuzz targets and runs each of them. Fails if an input breaks a guarantee, or needs too much time or
/// memory.
pub(crate) fn check() -> Done {
    let program = build()?;
    let seeds = repository().join("tests/fuzz/seeds");
    for name in names(&seeds)? {
        let found = target().join("fuzz/found").join(&name);
        fs::create_dir_all(&found)
            .map_err(|error| format!("{} cannot be made: {error}", found.display()))?;
        let mut fuzzer = command(
            &program.display().to_string(),
            &[
                format!("-max_total_time={SECONDS}"),
                "-max_len=65536".into(),
                "-len_control=20".into(),
                "-timeout=5".into(),
                "-rss_limit_mb=1024".into(),
                "-verbosity=0".into(),
                format!("-artifact_prefix={}/fuzz/{name}.", target().display()),
            ],
        );
        fuzzer.arg(&found).arg(seeds.join(&name)).env("TWINLOCK_FUZZ", &name);
        run(&mut fuzzer).map_err(|error| {
            format!("{error}\nKeep the file that it named in tests/fuzz/seeds/{name}.")
        })?;
    }
    Ok(())
}

/// Checks that the lock file of the workspace of the fuzz targets is up to date. A change of the dependencies of
/// twinlock-core makes it outdated.
pub(crate) fn lock_is_current() -> Done {
    let manifest = ["--manifest-path", "tests/fuzz/Cargo.toml"];
    let metadata = ["metadata", "--locked", "--format-version=1"];
    output(&mut cargo(&[&metadata[..], &manifest].concat())).map(drop).map_err(|error| {
        format!("{error}\nCreate it again: cargo metadata {} >/dev/null", manifest.join(" "))
    })
}

fn build() -> Done<PathBuf> {
    let host = output(&mut command("rustc", &["--print", "host-tuple"]))?;
    let host = host.trim();
    let folder = target().join("fuzz");
    // If a target is given, cargo does not use the flags for build scripts and macros.
    let mut build = cargo(&["build", "--release", "--locked", "--quiet", "--target", host]);
    build.args(["--manifest-path", "tests/fuzz/Cargo.toml"]);
    run(build.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &folder))?;
    Ok(folder.join(host).join("release/twinlock-fuzz"))
}

/// Returns the names of the fuzz targets. The folder `seeds` has one subfolder for each target, with the name of the
/// target and with example inputs for it.
fn names(seeds: &std::path::Path) -> Done<Vec<String>> {
    let folders = fs::read_dir(seeds).map_err(|error| format!("{}: {error}", seeds.display()))?;
    let mut names: Vec<String> =
        folders.flatten().map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}
