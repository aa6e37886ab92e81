//! The twinlock command line.

mod acting;
mod actor;
mod ahead;
mod caller_files;
mod commands;
mod confirm;
mod denial;
mod desk;
mod draft;
mod exemption;
mod exit;
mod first_run;
mod inviting;
mod keyboard;
mod listing;
mod logind;
mod mail;
mod mistake;
mod one_time;
mod operation;
mod own_code;
mod password;
mod past_code;
mod people_list;
mod person;
mod picture;
mod piped;
mod progress;
mod proof;
mod qr_reader;
mod reasons;
mod remarks;
mod reminder;
mod report_file;
mod screen;
mod successor;
mod table;
mod terminal;
mod ticket;
mod verbs;
mod wording;

use std::process::ExitCode;

use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use rustix::process::DumpableBehavior;
use twinlock_doctor::Doctor;

use crate::{
    exit::Failure,
    verbs::{Command, Verb},
};

fn main() -> ExitCode {
    // No core dump may contain keys or codes, whatever the kernel's settings.
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    write_errors_are_said();
    wording::use_zone_of_host();
    let command = match Command::try_parse() {
        Ok(command) => command,
        // A script that asks for JSON does not read usage text.
        Err(error) if error.use_stderr() && std::env::args_os().any(|word| word == "--json") => {
            return Failure::from(&error).print(true);
        }
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    // doctor checks the settings itself and has its own exit statuses.
    if let Verb::Doctor(Doctor::Ssh(arguments)) = &command.verb {
        return commands::doctor::ssh(arguments, &command);
    }
    match commands::run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.print(command.json),
    }
}

/// Blocks SIGXFSZ, so that a caller with a file size limit (ulimit -f) gets an error instead of being killed silently
/// in the middle of a verb.
fn write_errors_are_said() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGXFSZ);
    let _ = signals.thread_block();
}
