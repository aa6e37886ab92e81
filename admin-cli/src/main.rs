//! The program `twinlock`.

mod authorize;
mod cli;
mod commands;
mod context;
mod enrollment;
mod error;
mod import;
mod mail;
mod self_service;
mod terminal;
mod text;

use std::process::ExitCode;

use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use rustix::process::DumpableBehavior;

use crate::{
    cli::{Command, Verb},
    error::exit::CliError,
};

fn main() -> ExitCode {
    // No core dump may contain keys or codes, whatever the kernel's settings.
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    write_errors_are_said();
    text::use_zone_of_host();
    let command = match Command::try_parse() {
        Ok(command) => command,
        // A script that asks for JSON does not read usage text.
        Err(error) if error.use_stderr() && std::env::args_os().any(|word| word == "--json") => {
            return CliError::from(&error).print(true);
        }
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    // doctor checks the settings itself and has its own exit statuses.
    if let Verb::Doctor(arguments) = &command.verb {
        return commands::doctor::run(arguments, &command);
    }
    if let Some(ended) = self_service::run(&command) {
        return ended;
    }
    match commands::run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.print(command.json),
    }
}

/// Blocks SIGXFSZ. If the caller has set a limit of the file size (ulimit -f), a write then fails with an error, and
/// the signal does not kill the process in the middle of a change.
fn write_errors_are_said() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGXFSZ);
    let _ = signals.thread_block();
}
