//! Runs programs in private namespaces of the kernel, so that what they change (such as mounts) does not change this
//! machine.

use std::process::Command;

use crate::command::{Done, command};
use crate::machine::becoming_root;

/// Words of a command that starts a program in new mount and PID namespaces. The namespaces end with that program.
pub(crate) const APART: [&str; 8] = [
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];

/// Returns the start of a command that runs a program as root in private namespaces. The caller appends the program and
/// its arguments. `more` are options for further namespaces, such as `--net`.
pub(crate) fn apart(more: &[&str]) -> Done<Command> {
    let line = [becoming_root()?, &APART, more].concat();
    let (program, arguments) = line.split_first().ok_or("Nothing to run.")?;
    Ok(command(program, arguments))
}

/// Returns a command that runs the internal task `chore` of xtask as root in private namespaces. `more` are options for
/// further namespaces.
pub(crate) fn myself_apart(more: &[&str], chore: &str) -> Done<Command> {
    let this = crate::machine::this_program()?;
    let mut command = apart(more)?;
    command.arg(this).arg(chore);
    Ok(command)
}

/// Checks that this process runs in private namespaces. Otherwise the internal task would change the machine itself.
///
/// # Errors
/// A sentence for the user, if this process does not run there.
pub(crate) fn inside() -> Done {
    if std::process::id() == 1 {
        return Ok(());
    }
    Err("This is what `cargo xtask` calls for itself, and not to be called by hand.".into())
}
