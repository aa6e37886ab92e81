//! Counts passed and failed tests, and lists the steps of a run of `cargo xtask test`.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::command::Done;
use crate::machine::target;

/// Numbers of passed and failed tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Number of passed tests.
    pub(crate) passed: u64,
    /// Number of failed tests.
    pub(crate) failed: u64,
}

impl Counts {
    /// Reads the numbers in the summary lines of nextest or `cargo test`, and adds up those of all lines.
    pub(crate) fn read(output: &str) -> Self {
        // nextest also prints the output of each failed test. That output contains a closing line of its own, which
        // must not count.
        let of_nextest = output.lines().any(is_summary);
        let counted = |line: &&str| closing(line) && (!of_nextest || is_summary(line));
        let mut all = Self::default();
        for line in output.lines().filter(counted) {
            all.passed += before(line, "passed");
            all.failed += before(line, "failed") + before(line, "timed");
        }
        all
    }

    /// Reads the numbers in the summary lines of nextest or `cargo test`, and adds them up. If the test runner failed
    /// (`passed` is false) but counted no failed test, counts one failed test. That happens, for example, if the tests
    /// do not compile.
    pub(crate) fn of_a_run(output: &str, passed: bool) -> Self {
        let mut counts = Self::read(output);
        if !passed && counts.failed == 0 {
            counts.failed = 1;
        }
        counts
    }

    /// Adds the numbers of another run.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

fn closing(line: &str) -> bool {
    line.trim_start().starts_with("test result: ") || is_summary(line)
}

/// Returns whether the line is the summary line of nextest.
fn is_summary(line: &str) -> bool {
    line.trim_start().starts_with("Summary [") && line.contains(" run:")
}

/// Returns the number before `word` in the line, such as 12 for `passed` in `12 passed`; 0 if there is none. If there
/// are several, returns their sum.
fn before(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split_whitespace().collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    let found = pairs.filter(|(_, next)| next.trim_end_matches([',', ';']) == word);
    found.filter_map(|(number, _)| number.parse::<u64>().ok()).sum()
}

/// The steps of a run that have ended, each with its time and its numbers of tests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Counts,
    steps: Vec<Closed>,
}

/// A step that has ended.
#[derive(Debug)]
struct Closed {
    name: String,
    time: Duration,
    outcome: Result<Counts, String>,
}

impl Closed {
    /// Returns the line that is printed for the step.
    fn line(&self) -> String {
        let word = match self.outcome {
            Ok(Counts { passed: 0, failed: 0 }) => "not run",
            Ok(Counts { failed: 0, .. }) => "ok",
            Ok(_) | Err(_) => "FAILED",
        };
        format!("{word:<7} {:>7.1} s  {}", self.time.as_secs_f64(), self.name)
    }
}

impl Tally {
    /// Runs a step and prints its result. `step` returns the numbers of passed and failed tests.
    pub(crate) fn step(&mut self, name: &str, step: impl FnOnce() -> Done<Counts>) {
        eprintln!("\n==> {name}");
        let began = Instant::now();
        let outcome = step();
        if let Err(error) = &outcome {
            eprintln!("{error}");
        }
        let counts = outcome.as_ref().copied().unwrap_or(Counts { passed: 0, failed: 1 });
        self.counts.add(counts);
        let done = Closed { name: name.to_owned(), time: began.elapsed(), outcome };
        // The line is printed now, so that a run that is interrupted has shown which steps it has done.
        eprintln!("{}", done.line());
        self.steps.push(done);
    }

    /// Prints all steps and the totals. Returns a failure if a test failed or if no test ran.
    pub(crate) fn close(self) -> ExitCode {
        println!();
        for step in &self.steps {
            println!("{}", step.line());
        }
        for step in &self.steps {
            if let Err(error) = &step.outcome {
                println!("\n{}:\n{error}", step.name);
            }
        }
        match size(&target()) {
            0 => println!(),
            bytes => println!("\n{} takes {}", target().display(), gigabytes(bytes)),
        }
        println!("{} passed, {} failed", self.counts.passed, self.counts.failed);
        let all_well = self.counts.failed == 0 && self.counts.passed > 0;
        if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Returns how many bytes of the disk a folder uses. A file with several hard links counts once.
fn size(folder: &Path) -> u64 {
    let mut seen = HashSet::new();
    let (mut waiting, mut blocks) = (vec![folder.to_owned()], 0_u64);
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if seen.insert((meta.dev(), meta.ino())) {
                blocks += meta.blocks();
            }
            if meta.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    blocks * 512
}

fn gigabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000_000);
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{Counts, gigabytes, size};

    #[test]
    fn a_folder_s_size_counts_what_has_two_names_once() {
        let folder = std::env::temp_dir().join(format!("twinlock-size-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("in")).expect("a folder");
        std::fs::write(folder.join("in/one"), vec![1; 100_000]).expect("a file");
        let alone = size(&folder);
        std::fs::hard_link(folder.join("in/one"), folder.join("two")).expect("a second name");
        let linked = size(&folder);
        std::fs::remove_dir_all(&folder).expect("the folder goes");
        assert!(alone >= 100_000 && linked < alone + 50_000, "{alone} {linked}");
        assert_eq!(gigabytes(2_410_000_000), "2.5 GB");
    }

    #[test]
    fn a_runner_that_died_has_failed() {
        assert_eq!(Counts::of_a_run("", false), Counts { passed: 0, failed: 1 });
        let one =
            "test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(Counts::of_a_run(one, false), Counts { passed: 4, failed: 1 });
    }

    #[test]
    fn closing_lines_of_both_runners_are_added_up() {
        let nextest =
            "     Summary [   0.011s] 3 tests run: 2 passed (1 slow), 1 failed, 0 skipped\n";
        let libtest =
            "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n";
        let talk = "12 passed by, 3 failed\n";
        let counts = Counts::read(&format!("{libtest}{talk}{libtest}"));
        assert_eq!(counts, Counts { passed: 8, failed: 0 });
        let inner = "    test result: FAILED. 0 passed; 1 failed; 0 ignored\n";
        let counts = Counts::read(&format!("{inner}{nextest}{talk}{nextest}"));
        assert_eq!(counts, Counts { passed: 4, failed: 2 });
    }

    #[test]
    fn a_test_that_timed_out_has_failed() {
        let line = "Summary [ 60.0s] 3 tests run: 1 passed, 1 failed, 1 timed out, 0 skipped\n";
        assert_eq!(Counts::read(line), Counts { passed: 1, failed: 2 });
    }
}
