//! `cargo xtask bench`: what a login costs, beside the two modules that do the same.

mod contestants;

use std::process::ExitCode;

use twinlock_tests::{Machine, NOTHING};

use crate::command::Done;
use crate::{Typed, build, packages};
use contestants::{Contestant, Ending, furnished, with_symbols};

/// Builds and measures.
pub(crate) fn bench(typed: &Typed) -> Done<ExitCode> {
    packages::ensure(packages::TO_BUILD, typed.consent())?;
    build::release()?;
    if typed.has("--functions") || typed.has("--calls") {
        return show(typed);
    }
    let m = furnished(None)?;
    let base = marks(&m);
    for contestant in Contestant::ALL {
        // Not the first login of that account from there.
        let (user, code) = Ending::Accepted.typed();
        m.host(contestant.name(), &[]).login(user, &[&code]);
    }
    println!(
        "{:26} {:14} {:>4} {:>13} {:>13} {:>6} {:>6} {:>9}",
        "", "", "PAM", "instructions", "second call", "calls", "fsync", "KiB added"
    );
    for ending in Ending::ALL {
        for contestant in Contestant::ALL {
            let mut row = format!("{:26} {:14}", contestant.name(), ending.name());
            let mut host = m.host(contestant.name(), &[]);
            for round in 0..2 {
                contestant.reset(&m);
                let (user, code) = ending.typed();
                let steps = host.stepped(user, &[&code]);
                let count = steps.trail.len() - base.0;
                if round == 0 {
                    row += &format!(" {:>4}", steps.login.code);
                }
                row += &format!(" {count:>13}");
                if round == 1 {
                    let syncs = steps
                        .made
                        .iter()
                        .filter(|made| matches!(made.name.as_str(), "fsync" | "fdatasync"))
                        .count();
                    row += &format!(" {:>6} {:>6}", steps.made.len() - base.1, syncs);
                }
            }
            contestant.reset(&m);
            let (user, code) = ending.typed();
            let peak = m.host(contestant.name(), &[]).peak(user, &[&code]);
            print!("{row} {:>4} {:>4}", peak.resident, peak.anonymous);
            println!(" {:?}", simulated(&m, contestant, ending));
            use std::io::Write;
            drop(std::io::stdout().flush());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The instructions that callgrind counts, of the first call in a process.
fn simulated(m: &Machine, contestant: Contestant, ending: Ending) -> Option<u64> {
    contestant.reset(m);
    let (user, code) = ending.typed();
    let words = [
        "valgrind",
        "--tool=callgrind",
        "--toggle-collect=pam_authenticate",
        "--callgrind-out-file=/tmp/callgrind",
        "pam_host",
        contestant.name(),
    ];
    let said = m.call(words).input(format!("{user}\t{code}\n")).output().stderr;
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

/// What the marks themselves take.
fn marks(m: &Machine) -> (usize, usize) {
    let mut host = m.host(NOTHING, &[]);
    host.login("nobody", &[]);
    let steps = host.stepped("nobody", &[]);
    (steps.trail.len(), steps.made.len())
}

fn show(typed: &Typed) -> Done<ExitCode> {
    let m = furnished(Some(&with_symbols()?))?;
    let (user, code) = Ending::Accepted.typed();
    // Not the first login of that account from there.
    m.host(Contestant::Twinlock.name(), &[]).login(user, &[&code]);
    let mut host = m.host(Contestant::Twinlock.name(), &[]);
    Contestant::Twinlock.reset(&m);
    let (steps, profile) = host.profiled(user, &[&code]);
    println!(
        "PAM says {}; {} instructions, {} system calls",
        steps.login.code,
        steps.trail.len(),
        steps.made.len()
    );
    if typed.has("--calls") {
        for (made, whose) in &profile.calls {
            println!("{:>8} {:14} {:<60} {whose}", made.at, made.name, made.texts.join(" "));
        }
        return Ok(ExitCode::SUCCESS);
    }
    for (object, count) in &profile.objects {
        println!("{count:>8} {object}");
    }
    println!();
    let mut rows: Vec<_> = profile.functions.iter().collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.own + row.called));
    println!("{:>8} {:>8}", "own", "called");
    for (name, row) in rows {
        println!("{:>8} {:>8} {name}", row.own, row.called);
    }
    println!();
    let mut rows: Vec<_> = profile.elsewhere.iter().collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (name, count) in rows.iter().take(30) {
        println!("{count:>8} {name}");
    }
    Ok(ExitCode::SUCCESS)
}
