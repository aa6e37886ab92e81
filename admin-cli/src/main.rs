//! twinlock: what a person types.

mod commands;
mod desk;
mod exit;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use twinlock_doctor::Doctor;

use crate::{
    desk::Desk,
    verbs::{Command, Verb},
};

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    // Doctor needs no settings, and speaks where they cannot be read.
    if let Verb::Doctor(Doctor::Ssh(arguments)) = &command.verb {
        return commands::doctor::ssh(arguments, command.json);
    }
    let outcome = Desk::open(&command).and_then(|desk| commands::run(&desk, &command.verb));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.print(command.json),
    }
}
