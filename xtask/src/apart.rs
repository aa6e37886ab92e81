//! Namespaces of one's own, in which nothing of this machine is changed.

use std::process::Command;

use crate::command::{Done, command};
use crate::machine::becoming_root;

/// Mounts and processes: both end with the first process inside.
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

/// The beginning of a command that root runs in namespaces of its own; what it is to run is its
/// further arguments. More of its own: `--net`, `--uts`.
pub(crate) fn apart(more: &[&str]) -> Done<Command> {
    let line = [becoming_root()?, &APART, more].concat();
    let (program, arguments) = line.split_first().ok_or("Nothing to run.")?;
    Ok(command(program, arguments))
}

/// This program again, in namespaces of its own, at a chore that it refuses elsewhere.
pub(crate) fn myself_apart(more: &[&str], chore: &str) -> Done<Command> {
    let this = crate::machine::this_program()?;
    let mut command = apart(more)?;
    command.arg(this).arg(chore);
    Ok(command)
}

/// Refuses to go on outside such namespaces, where the machine itself would be changed.
pub(crate) fn inside() -> Done {
    if std::process::id() == 1 {
        return Ok(());
    }
    Err("This is what `cargo xtask` calls for itself, and not to be called by hand.".into())
}
