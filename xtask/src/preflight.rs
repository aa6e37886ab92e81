//! Checks, before a task changes anything, that root can create private machines on this machine. A private machine
//! consists of namespaces with files of their own; changes in it must not reach this machine.

use std::process::{Command, ExitCode, Stdio};

use crate::command::Done;
use crate::machine::becoming_root;

/// Name of the internal task that runs the checks as root.
pub(crate) const INSIDE: &str = "preflight-inside";

/// Runs the checks as root. Fails if private machines cannot be created on this machine.
pub(crate) fn check() -> Done {
    let before = becoming_root()?;
    let this = std::env::current_exe().map_err(|_| refusal("/proc is not mounted"))?;
    let mut words: Vec<_> = before.iter().map(std::ffi::OsString::from).collect();
    words.extend([this.into_os_string(), INSIDE.into()]);
    let (program, arguments) = words.split_first().ok_or("Nothing to run.")?;
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped());
    let checked = command.spawn().and_then(std::process::Child::wait_with_output);
    let checked = checked.map_err(|error| refusal(&format!("root cannot be asked: {error}")))?;
    if checked.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&checked.stdout);
    match said.trim() {
        "" => Err(refusal("root cannot be asked: this takes root, or sudo for everything")),
        reason => Err(refusal(reason)),
    }
}

/// Checks that private machines can be created. Runs as root.
pub(crate) fn inside() -> ExitCode {
    match twinlock_tests::private_machines() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("{}", reason.lines().collect::<Vec<_>>().join(" "));
            ExitCode::FAILURE
        }
    }
}

fn refusal(reason: &str) -> String {
    let reason = reason.trim_end_matches('.');
    format!(
        "Nothing was done, because {reason}; this needs root on a machine or a virtual machine, not in a chroot or in \
         a container that forbids namespaces."
    )
}
