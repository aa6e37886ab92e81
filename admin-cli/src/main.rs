//! twinlock: what a person types.

mod commands;
mod desk;
mod exit;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use crate::{desk::Desk, verbs::Command};

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let outcome = Desk::open(&command).and_then(|desk| commands::run(&desk, &command.verb));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.print(command.json),
    }
}
