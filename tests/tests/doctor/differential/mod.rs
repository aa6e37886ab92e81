//! Differential test of doctor. Generates wirings (PAM stacks with the settings of a host), tries real logins with
//! each, and compares doctor's verdict with the result of the logins.

mod bypasses;
mod changes;
mod client;
mod compare;
mod grammar;
mod lines;
mod people;
mod room;
mod servers;
mod wiring;

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use room::{Room, Tried};
use twinlock_tests::thorough;
use wiring::Wiring;

/// The wirings (generated configurations of a host) that a test tries: the first seed, and the number of seeds.
#[derive(Clone, Copy, Debug)]
struct Range {
    seed: u64,
    count: u64,
}

/// The seeds of the configurations in the usual test run.
const USUAL: Range = Range { seed: 1, count: 40 };
/// The seeds of the configurations in a test run with `--all`.
const WHOLE: Range = Range { seed: 1, count: 500 };
/// Number of machines that run at a time.
const AT_ONCE: u64 = 8;

/// Environment variables with which `cargo xtask wirings` chooses other seeds.
const SEED: &str = "TWINLOCK_WIRINGS_SEED";
const COUNT: &str = "TWINLOCK_WIRINGS_COUNT";

impl Range {
    fn chosen() -> Self {
        let number = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
        };
        let usual = if thorough() { WHOLE } else { USUAL };
        Self {
            seed: number(SEED).unwrap_or(usual.seed),
            count: number(COUNT).unwrap_or(usual.count),
        }
    }
}

/// One generated configuration (wiring), with doctor's report and the real logins.
struct Done {
    real: &'static str,
    status: String,
    known: bool,
    /// Why doctor's verdict is wrong, with all that is needed to reproduce it; `None` if the verdict is right.
    wrong: Option<String>,
}

#[test]
fn no_login_contradicts_doctor() {
    let range = Range::chosen();
    let begun = Instant::now();
    let done = all(range);
    let count = |fits: &dyn Fn(&Done) -> bool| done.iter().filter(|one| fits(one)).count();
    let reals = ["closed", "open", "locked_out"].map(|word| count(&|one| one.real == word));
    let unjudged = count(&|one| one.known && one.status == "cannot_be_judged");
    let known = count(&|one| one.known);
    let [closed, open, shut] = reals;
    let wrong: Vec<&str> = done.iter().filter_map(|one| one.wrong.as_deref()).collect();
    let summary = format!(
        "wirings: seeds {} to {}; by the logins {closed} closed, {open} open, {shut} locked out; {unjudged} of {known} with known modules not judged; {} contradictions; {} s\n",
        range.seed,
        range.seed + range.count - 1,
        wrong.len(),
        begun.elapsed().as_secs(),
    );
    let _ = std::io::stderr().write_all(summary.as_bytes());
    assert!(wrong.is_empty(), "{}\n{summary}", wrong.join("\n\n"));
    assert!(unjudged * 100 <= known, "{summary}");
    // If there are few wirings, the outcomes may be spread less evenly.
    let share = if range.count >= WHOLE.count { 4 } else { 8 };
    assert!(range.count < 40 || reals.iter().all(|one| one * share >= done.len()), "{summary}");
}

fn all(range: Range) -> Vec<Done> {
    let (next, done) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(range.count) {
            scope.spawn(|| {
                let room = Room::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= range.count {
                        return;
                    }
                    let one = one(&room, &grammar::wiring(range.seed + number));
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn one(room: &Room, wiring: &Wiring) -> Done {
    let tried = room.tried(wiring);
    let why = compare::contradiction(wiring, &tried, &|state| room.tried_in(wiring, state));
    let done = Done {
        real: compare::real(wiring, &tried.trials).word(),
        status: tried.report["status"].as_str().unwrap_or_default().to_owned(),
        known: !wiring.auth.iter().any(|line| line.contains("pam_exec")),
        wrong: why.map(|why| told(wiring, &tried, &why)),
    };
    if let Some(text) = &done.wrong {
        // Printed at once, because a run of hours may be stopped.
        let _ = std::io::stderr().write_all(format!("{text}\n\n").as_bytes());
    }
    done
}

/// Returns the message about a wrong verdict: the generated configuration, the table of logins and doctor's report.
fn told(wiring: &Wiring, tried: &Tried, why: &str) -> String {
    let mut text = format!("seed {}: {why}\n{wiring}", wiring.seed);
    if let Some(said) = &tried.not_started {
        writeln!(text, "--- sshd does not start: {said}").expect("a string takes it");
    }
    write!(text, "--- the end of the log\n{}\n", tried.log.join("\n")).expect("a string takes it");
    text.push_str("--- logins: user, address, port, key, password, code\n");
    let word = |has: bool| if has { "right" } else { "wrong" };
    for one in &tried.trials {
        let (end, has) = (one.from, one.has);
        let [key, password, code] = [has.key, has.password, has.code].map(word);
        let result = if one.gets_in { "gets in" } else { "-" };
        writeln!(
            text,
            "{} {:11} {:4} {key} {password} {code} {result}",
            one.person.name, end.address, end.port
        )
        .expect("a string takes it");
    }
    write!(text, "--- doctor\n{}: ", tried.report["status"]).expect("a string takes it");
    for one in tried.report["findings"].as_array().into_iter().flatten() {
        let part = |key: &str| one[key].as_str().unwrap_or_default();
        writeln!(text, "{} {} {}: {}", part("level"), part("id"), part("where"), part("what"))
            .expect("a string takes it");
    }
    text
}
