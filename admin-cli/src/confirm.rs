//! Confirmation of an operation that cannot be undone: the user types the name.

use crate::{
    exit::{Exit, Failure},
    keyboard::{Keyboard, Line, tell},
    verbs::Deed,
    wording::{WIDTH, plain, wrap},
};

/// Announces the operation and asks for the name, unless `--yes` was given. `undone` names what did not happen on a
/// refusal, such as `removed`.
pub fn confirm(
    keyboard: &mut Keyboard,
    deed: &Deed,
    user: &str,
    (said, undone): (&str, &str),
) -> Result<(), Failure> {
    if deed.yes {
        return Ok(());
    }
    tell(&format!("{}\n", wrap(said, WIDTH, 0)));
    match keyboard.ask("Type the name to go on: ")? {
        Line::Typed(line) if line.trim() == user => Ok(()),
        Line::Typed(line) if !line.trim().is_empty() => Err(Failure::new(
            Exit::Refused,
            format!("that is not {}; nothing was {undone}", plain(user)),
            "Type the name as it stands on the command line, or give --yes.",
        )),
        Line::Typed(_) | Line::End | Line::Interrupted => Err(Failure::new(
            Exit::Interrupted,
            format!("stopped; nothing was {undone}"),
            "Where nobody can be asked, give --yes.",
        )),
    }
}
