//! `cargo xtask demo`: a real sshd that asks for a code, in a private machine (namespaces with files of their own) that
//! ends with the demo.
//!
//! May use: `apart`, `app`, `build`, `command`, `ledger`, `machine`, `packages`, `screen`, `unpacked`.

mod auto;
mod by_hand;
pub(crate) mod fleet;
mod room;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::apart;
use crate::build::{self, Artefacts};
use crate::command::{Done, command};
use crate::machine::becoming_root;
use crate::packages::{self, Chore, Consent};

use room::Room;

/// Who types the answers in the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typist {
    /// The user at the terminal types the answers.
    Person,
    Itself,
}

/// Name of the internal task that runs inside the private namespaces.
pub(crate) const INSIDE: &str = "demo-inside";
/// Name of the internal task that shows the demo with artefacts that are already built. A test runs it.
pub(crate) const BUILT: &str = "demo-built";

/// Shell program that starts the demo. It leaves Ctrl-C to the program in the foreground. When the shell program ends,
/// the namespaces end as well.
const GUARD: &str = include_str!("guard.sh");

/// Builds the artefacts and shows the demo.
pub(crate) fn demo(consent: Consent, typist: Typist) -> Done<ExitCode> {
    packages::ensure(&packages::of(Chore::Demo)?, consent)?;
    if typist == Typist::Person && !crate::command::person() {
        return Err("The demo needs a terminal. Without one: cargo xtask demo --auto".into());
    }
    Err(become_the_demo(&build::release()?, typist)?)
}

/// Shows the demo with artefacts that are already built. `words` are the paths of module and command, and `--auto` if
/// the demo types the answers itself.
pub(crate) fn built(words: &[String]) -> Done<ExitCode> {
    let (artefacts, typist) = told(words)?;
    Err(become_the_demo(&artefacts, typist)?)
}

/// Replaces this process by the demo. If this process waited for the demo, Ctrl-C would end it. Returns only if the
/// demo cannot be started, with a sentence that says why.
fn become_the_demo(artefacts: &Artefacts, typist: Typist) -> Done<String> {
    let mut demo = guarded(typist)?;
    demo.arg(&artefacts.module).arg(&artefacts.command);
    demo.args((typist == Typist::Itself).then_some("--auto"));
    let error = demo.exec();
    Ok(format!("The demo could not be started: {error}."))
}

/// Returns a command that starts the shell program [`GUARD`], which runs the demo in private namespaces.
fn guarded(typist: Typist) -> Done<Command> {
    let this = crate::machine::this_program()?;
    let who = if typist == Typist::Person { "person" } else { "itself" };
    let guard = ["sh", "-c", GUARD, "demo", who];
    let line = [becoming_root()?, &guard, &apart::APART, &["--uts"]].concat();
    let (program, arguments) = line.split_first().ok_or("Nothing to run.")?;
    let mut command = command(program, arguments);
    command.arg(this).arg(INSIDE);
    Ok(command)
}

/// Parses the arguments of an internal task: the paths of module and command, and `--auto` if the demo types the
/// answers itself.
fn told(words: &[String]) -> Done<(Artefacts, Typist)> {
    let [module, command, rest @ ..] = words else {
        return Err("The demo's inside takes a module and a command.".into());
    };
    let typist = match rest.first().map(String::as_str) {
        Some("--auto") => Typist::Itself,
        Some(_) | None => Typist::Person,
    };
    let command = Path::new(command);
    let programs = command.parent().unwrap_or(command).into();
    let artefacts =
        Artefacts { module: Path::new(module).into(), command: command.into(), programs };
    Ok((artefacts, typist))
}

/// Shows the demo. Runs inside the private namespaces.
pub(crate) fn inside(words: &[String]) -> Done<ExitCode> {
    apart::inside()?;
    let (artefacts, typist) = told(words)?;
    // The demo mounts other folders over some of the host's. The repository may be in one of them.
    std::env::set_current_dir("/").map_err(|error| format!("/ cannot be entered: {error}."))?;
    let room = Room::furnish(&artefacts)?;
    match typist {
        Typist::Itself => auto::show(&room)?,
        Typist::Person => by_hand::show(&room)?,
    }
    println!("\nThe demo has ended; nothing of it is left on this machine.");
    Ok(ExitCode::SUCCESS)
}
