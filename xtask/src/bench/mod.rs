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
                    let syncs =
                        steps.made.iter().filter(|made| matches!(made.number, 74 | 75)).count();
                    row += &format!(" {:>6} {:>6}", steps.made.len() - base.1, syncs);
                }
            }
            contestant.reset(&m);
            let (user, code) = ending.typed();
            let peak = m.host(contestant.name(), &[]).peak(user, &[&code]);
            println!("{row} {:>4} {:>4}", peak.resident, peak.anonymous);
            use std::io::Write;
            drop(std::io::stdout().flush());
        }
    }
    Ok(ExitCode::SUCCESS)
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
    let mut host = m.host(Contestant::Twinlock.name(), &[]);
    Contestant::Twinlock.reset(&m);
    let (user, code) = Ending::Accepted.typed();
    let (steps, profile) = host.profiled(user, &[&code]);
    println!(
        "PAM says {}; {} instructions, {} system calls",
        steps.login.code,
        steps.trail.len(),
        steps.made.len()
    );
    if typed.has("--calls") {
        for (made, whose) in &profile.calls {
            println!("{:>8} {:>4} {whose}  {:?}", made.at, made.number, made.texts);
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
