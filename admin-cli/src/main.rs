//! twinlock: what a person types.
use std::io::{stderr, stdout};
use std::process::ExitCode;

use clap::Parser;
use twinlock_doctor::{self as doctor, Doctor};

#[derive(Parser)]
#[command(name = "twinlock", version)]
enum Verb {
    /// Find a way in without a code, or a lock-out
    #[command(subcommand)]
    Doctor(Doctor),
}

fn main() -> ExitCode {
    let Verb::Doctor(Doctor::Ssh(arguments)) = Verb::parse();
    match doctor::ssh(&arguments, &mut stdout().lock(), &mut stderr().lock()) {
        Ok(code) => ExitCode::from(code),
        Err(_) => ExitCode::from(doctor::NOT_READABLE),
    }
}
