//! `cargo xtask demo`: a real sshd that asks for a code, in a room that ends with the demo.

mod auto;
mod by_hand;
mod room;

use std::path::Path;
use std::process::ExitCode;

use crate::apart::{self, myself_apart};
use crate::build::{self, Artefacts};
use crate::command::{Done, run};
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
    let mut enter = myself_apart(&["--uts"], INSIDE)?;
    enter.arg(&artefacts.module).arg(&artefacts.command);
    enter.args((typist == Typist::Itself).then_some("--auto"));
    run(&mut enter).map_err(|_| "The demo did not come to its end.".to_owned())?;
    Ok(ExitCode::SUCCESS)
}

/// What runs inside the namespaces.
pub(crate) fn inside(words: &[String]) -> Done<ExitCode> {
    let [module, command, rest @ ..] = words else {
        return Err("The demo's inside takes a module and a command.".into());
    };
    apart::inside()?;
    let artefacts =
        Artefacts { module: Path::new(module).into(), command: Path::new(command).into() };
    // The repository may lie in a folder that the room covers.
    std::env::set_current_dir("/").map_err(|error| format!("/ cannot be entered: {error}."))?;
    let room = Room::furnish(&artefacts)?;
    match rest.first().map(String::as_str) {
        Some("--auto") => auto::show(&room)?,
        Some(_) | None => by_hand::show(&room)?,
    }
    println!("\nThe demo has ended; nothing of it is left on this machine.");
    Ok(ExitCode::SUCCESS)
}
