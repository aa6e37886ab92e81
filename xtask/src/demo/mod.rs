//! `cargo xtask demo`: a real sshd that asks for a code, in a room that ends with the demo.

mod auto;
mod by_hand;
mod room;

use std::path::Path;
use std::process::ExitCode;

use crate::build::{self, Artefacts};
use crate::command::{Done, command, judged};
use crate::machine::becoming_root;
use crate::packages::{self, Consent};

use room::Room;

/// Who types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typist {
    /// The person at the terminal.
    Person,
    /// The demo itself.
    Itself,
}

/// The chore that the demo calls for itself inside its private namespaces.
pub(crate) const INSIDE: &str = "demo-inside";

/// Builds, and shows it.
pub(crate) fn demo(consent: Consent, typist: Typist) -> Done<ExitCode> {
    packages::ensure(&[packages::TO_BUILD, packages::TO_SHOW].concat(), consent)?;
    if typist == Typist::Person && !crate::command::person() {
        return Err("The demo needs a terminal. Without one: cargo xtask demo --auto".into());
    }
    let artefacts = build::release()?;
    let this =
        std::env::current_exe().map_err(|error| format!("No way back into the demo: {error}."))?;
    let mut words: Vec<&str> = becoming_root()?.to_vec();
    // Mounts and processes of its own: both end with the first process inside.
    words.extend([
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--uts",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]);
    let (program, arguments) = words.split_first().ok_or("Nothing to run.")?;
    let mut enter = command(program, arguments);
    enter.arg(&this).arg(INSIDE).arg(&artefacts.module).arg(&artefacts.command);
    enter.args((typist == Typist::Itself).then_some("--auto"));
    let status = enter
        .status()
        .map_err(|error| format!("unshare (package util-linux) does not start: {error}."))?;
    judged(&enter, status).map_err(|_| "The demo did not come to its end.".to_owned())?;
    Ok(ExitCode::SUCCESS)
}

/// What runs inside the namespaces.
pub(crate) fn inside(words: &[String]) -> Done<ExitCode> {
    let [module, command, rest @ ..] = words else {
        return Err("This is called by `cargo xtask demo`, not by hand.".into());
    };
    // Without this check a call by hand would change the machine itself.
    if std::process::id() != 1 {
        return Err("This is called by `cargo xtask demo`, not by hand.".into());
    }
    let artefacts =
        Artefacts { module: Path::new(module).into(), command: Path::new(command).into() };
    let room = Room::furnish(&artefacts)?;
    match rest.first().map(String::as_str) {
        Some("--auto") => auto::show(&room)?,
        Some(_) | None => by_hand::show(&room)?,
    }
    println!("\nThe demo has ended; nothing of it is left on this machine.");
    Ok(ExitCode::SUCCESS)
}
