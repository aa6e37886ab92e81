//! Asks for confirmation of an operation that cannot be undone: the user types the name of the target user.

use crate::{
    cli::PrivilegedArgs,
    error::exit::{CliError, Exit},
    terminal::keyboard::{InputLine, Keyboard, tell},
    text::{WIDTH, plain, wrap},
};

/// Prints `said`, which announces the operation, and asks the caller to type the name `user`. With `--yes`, does
/// neither. `undone` completes the error message "nothing was …", such as `removed`.
///
/// # Errors
/// [`CliError`] if anything but the name is typed.
pub(crate) fn confirm(
    keyboard: &mut Keyboard,
    privileged: &PrivilegedArgs,
    user: &str,
    said: &str,
    undone: &str,
) -> Result<(), CliError> {
    if privileged.yes {
        return Ok(());
    }
    tell(&format!("{}\n", wrap(said, WIDTH, 0)));
    match keyboard.ask("Type the user name to continue: ")? {
        InputLine::Typed(line) if line.trim() == user => Ok(()),
        InputLine::Typed(line) if !line.trim().is_empty() => Err(CliError::new(
            Exit::Refused,
            format!("that is not {}; nothing was {undone}", plain(user)),
            "Type the name as on the command line, or give --yes.",
        )),
        InputLine::Typed(_) | InputLine::End | InputLine::Interrupted => Err(CliError::new(
            Exit::Interrupted,
            format!("stopped; nothing was {undone}"),
            "If there is no terminal, give --yes.",
        )),
    }
}
