//! The same login with ten records and with many.

use std::fs;

use twinlock_tests::Machine;

use super::Extent;
use super::contestants::{App, Contestant, Ending, USER, users_line};
use super::counts::float;
use super::figures::{Figures, What, median};
use super::progress::Progress;
use crate::command::Done;

/// Memory for a million records in a tmpfs with some to spare, in KiB.
const MEMORY_FOR_A_MILLION: u64 = 14 * 1024 * 1024;

/// Numbers of records in a quick run.
const QUICK: [u64; 2] = [10, 1_000];
const FULL: [u64; 4] = [10, 1_000, 100_000, 1_000_000];
/// Largest users file: pam_oath rewrites it at each login, so a longer one only takes time.
const LONGEST_LIST: u64 = 100_000;

/// Adds records to a machine and measures in between.
pub(super) fn fill(m: &Machine, extent: Extent, figures: &mut Figures) -> Done {
    let (sizes, rounds) = match extent {
        Extent::Quick => (QUICK.as_slice(), 9),
        Extent::Full => (FULL.as_slice(), 31),
    };
    let (ruler, mut app, mut there) = (m.ruler(), App::new(), 1);
    for &size in sizes {
        if size == 1_000_000 && free_memory() < MEMORY_FOR_A_MILLION {
            eprintln!("A million records were left out: this machine has too little free memory.");
            break;
        }
        let mut progress = Progress::new("writing records", size);
        m.crowd(USER, there..size, |done| progress.to(done));
        there = size;
        drop(progress);
        Contestant::Twinlock.reset(m);
        let (user, code) = app.typed(Ending::Accepted);
        let (_, cost) = ruler.measure(&mut m.host("twinlock", &[]), user, &[&code]);
        let own = (Ending::Accepted, Contestant::Twinlock);
        if let Some(instructions) = cost.instructions {
            figures.put(What::Among(size), own.0, own.1, float(instructions));
        }
        figures.put(What::CallsAmong(size), own.0, own.1, float(cost.system_calls));
        if size <= LONGEST_LIST {
            lengthen(m, size);
        }
        let who: &[Contestant] = if size <= LONGEST_LIST {
            &[Contestant::Twinlock, Contestant::Oath]
        } else {
            &[Contestant::Twinlock]
        };
        for contestant in who {
            let took = timed(m, *contestant, rounds, &mut app)?;
            figures.put(What::TimeAmong(size), Ending::Accepted, *contestant, took);
        }
    }
    Ok(())
}

/// Adds users to pam_oath's file; the user who logs in is the last.
fn lengthen(m: &Machine, size: u64) {
    let others = (1..size).map(|number| format!("HOTP/T30 u{number:07} - 00\n"));
    m.file("/root/oath").write(others.collect::<String>() + &users_line()).mode(0o600);
}

fn timed(m: &Machine, contestant: Contestant, rounds: u64, app: &mut App) -> Done<f64> {
    let mut host = m.host(contestant.name(), &[]);
    let mut samples = Vec::new();
    for _ in 0..rounds {
        contestant.reset(m);
        let (user, code) = app.typed(Ending::Accepted);
        let login = host.login(user, &[&code]);
        if login.code != 0 {
            return Err(format!("{} refuses the right code.", contestant.name()));
        }
        samples.push(login.took.as_secs_f64() * 1e6);
    }
    median(samples).ok_or_else(|| "No round was run.".into())
}

/// Returns the free memory in KiB.
fn free_memory() -> u64 {
    let table = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let size = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    size.unwrap_or_default()
}
