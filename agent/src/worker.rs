//! The worker process: serves one connection, which is its standard input, and then ends.

use std::{
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
};

use rustix::process::DumpableBehavior;
use twinlock_core::{
    message::own_account::OwnAccount,
    policy::Policy,
    text,
    wire::{Frame, Received},
};
use twinlock_host::{
    machine::Machine,
    settings::{self},
    trusted_dir::Owner,
};

use crate::{
    caller::{self, CallerError},
    client::Client,
    connection::{Connection, Said},
    operation, password, status,
};

/// Serves the client that is connected to standard input. With the argument `check-password`, only checks a
/// password.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    // No core dump may contain a password or a code.
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let arguments: Vec<String> = arguments.collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {}
        [password::CHECK] => return password::run_check(),
        _ => return ExitCode::from(status::USAGE),
    }
    let Ok(connection) = std::io::stdin().as_fd().try_clone_to_owned() else {
        return ExitCode::FAILURE;
    };
    let Ok(connection) = Connection::new(UnixStream::from(connection)) else {
        return ExitCode::FAILURE;
    };
    serve(&connection);
    ExitCode::SUCCESS
}

fn serve(connection: &Connection) {
    // A client that does not follow the protocol gets no answer.
    let Ok(Said::Begin { bytes }) = connection.begin() else { return };
    let Ok(Some(Received { frame: Frame::Begin(begin), .. })) = Received::read(&bytes) else {
        return;
    };
    let Ok(loaded) = settings::load(settings::PATH, Owner(0)) else {
        return connection.end(status::UNAVAILABLE, &fault(&Policy::default(), "settings"));
    };
    let policy = loaded.policy;
    let account = match caller::of(connection.socket()) {
        Ok(account) => account,
        Err(CallerError::LookupFailed) => {
            return connection.end(status::UNAVAILABLE, &fault(&policy, "lookup_failed"));
        }
        Err(CallerError::Unknown | CallerError::NoAccount) => {
            return connection.end(status::NOT_PERMITTED, &fault(&policy, "unknown_caller"));
        }
    };
    let machine = Machine::new(&policy, settings::PATH, Owner(0));
    if let Some(fleet) = machine.records.fleet() {
        // What a user sees and changes here is what all hosts have.
        fleet.read_every_record();
    }
    let client = Client { policy: &policy, machine: &machine, account: &account, connection };
    let end = operation::serve(&client, &begin);
    connection.end(end.status, &end.text);
}

fn fault(policy: &Policy, reason: &'static str) -> String {
    text::own_account(policy.language, &OwnAccount::Fault(reason))
}
