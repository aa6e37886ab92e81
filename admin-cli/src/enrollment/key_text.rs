//! Reads a key that the caller gives in base32 on standard input.

use twinlock_core::base::{base32, secret::Key};

use crate::{
    error::exit::{CliError, Exit},
    terminal::keyboard::{InputLine, Keyboard},
};

/// Returns the key on the next line of the input. A line that is not base32 is an error.
pub(crate) fn read(keyboard: &mut Keyboard) -> Result<Key, CliError> {
    match keyboard.ask("Key in base32: ")? {
        InputLine::Typed(line) => base32::parse(&line).map_err(|fault| {
            CliError::new(Exit::Usage, fault.to_string(), "Give the key in base32 (A-Z, 2-7).")
        }),
        InputLine::End => Err(CliError::new(
            Exit::Usage,
            "standard input is empty",
            "Write the key, in base32, to the first line of standard input, and a code to the second.",
        )),
        InputLine::Interrupted => {
            Err(CliError::new(Exit::Interrupted, "stopped", "Nothing was written."))
        }
    }
}
