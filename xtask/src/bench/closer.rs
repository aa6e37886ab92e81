//! Details of one accepted login: instructions by function, and its system calls in order.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use twinlock_tests::Profile;

use super::contestants::{App, Contestant, Ending};
use super::layout;
use super::room::{Medium, furnished, replace_module};
use crate::command::{Done, cargo, run};
use crate::machine::target;

/// What to show of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Instructions by object and function.
    Functions,
    /// System calls, with the function that made each.
    Calls,
    /// Nothing; writes the order of the functions for the linker.
    Layout,
}

/// Number of rows for other objects; further ones are small.
const MOST_ROWS: usize = 30;

/// Returns what these flags ask for, if anything.
pub(super) fn wanted(flags: &[String]) -> Option<Look> {
    flags.iter().find_map(|flag| match flag.as_str() {
        "--functions" => Some(Look::Functions),
        "--calls" => Some(Look::Calls),
        "--layout" => Some(Look::Layout),
        _ => None,
    })
}

/// Builds the module with symbols, besides the shipped one.
pub(super) fn with_names() -> Done<PathBuf> {
    let folder = target().join("symbols");
    let mut build = cargo(&["build", "--release", "--locked", "--package", "pam_twinlock"]);
    build.arg("--target-dir").arg(&folder);
    build.env("CARGO_PROFILE_RELEASE_STRIP", "none").env("CARGO_PROFILE_RELEASE_DEBUG", "1");
    run(&mut build)?;
    Ok(folder.join("release/libpam_twinlock.so"))
}

/// Runs the login and prints the details.
pub(super) fn look(look: Look, module: &Path) -> Done<ExitCode> {
    let m = furnished(Medium::Tmpfs)?;
    replace_module(&m, module)?;
    if look == Look::Layout {
        return layout::write(&m, module);
    }
    Contestant::Twinlock.reset(&m);
    let (user, code) = App::new().typed(Ending::Accepted);
    let mut host = m.host(Contestant::Twinlock.name(), &[]);
    let (steps, profile) = host.profiled(user, &[&code]);
    println!(
        "PAM's code is {}; {} instructions and {} system calls, of which the mark at the end is two.\n",
        steps.login.code,
        steps.trail.len(),
        steps.made.len()
    );
    match look {
        Look::Functions => functions(&profile),
        Look::Calls => calls(&profile),
        Look::Layout => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn functions(profile: &Profile) {
    for (object, count) in &profile.objects {
        println!("{count:>8} {object}");
    }
    println!("\n{:>8} {:>8} function of the module, and what it had others do", "own", "others");
    let mut rows: Vec<_> = profile.functions.iter().collect();
    rows.sort_by_key(|(_, row)| Reverse(row.own + row.called));
    for (name, row) in rows {
        println!("{:>8} {:>8} {name}", row.own, row.called);
    }
    println!("\n         function of another object");
    let mut rows: Vec<_> = profile.elsewhere.iter().collect();
    rows.sort_by_key(|(_, count)| Reverse(**count));
    for (name, count) in rows.iter().take(MOST_ROWS) {
        println!("{count:>8} {name}");
    }
}

fn calls(profile: &Profile) {
    println!("   after system call");
    for (made, whose) in &profile.calls {
        println!("{:>8} {:14} {:<60} {whose}", made.at, made.name, made.texts.join(" "));
    }
}
