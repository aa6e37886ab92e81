//! Reads a given key: a line of base32 on standard input.

use twinlock_core::base::{
    base32::{self, KeyText},
    secret::Key,
};

use crate::{
    error::exit::{Exit, Failure},
    terminal::keyboard::{InputLine, Keyboard},
};

/// Reads the first line.
pub(crate) fn read(keyboard: &mut Keyboard) -> Result<Key, Failure> {
    match keyboard.ask("Key in base32: ")? {
        InputLine::Typed(line) => base32::parse(&line).map_err(|fault| {
            Failure::new(
                Exit::Usage,
                complaint("the key", fault),
                "Give the key in base32 (A-Z, 2-7).",
            )
        }),
        InputLine::End => Err(Failure::new(
            Exit::Usage,
            "standard input is empty",
            "Write the key, in base32, to the first line of standard input, and a code to the second.",
        )),
        InputLine::Interrupted => {
            Err(Failure::new(Exit::Interrupted, "stopped", "Nothing was written."))
        }
    }
}

/// Describes what is wrong with a key, without quoting it.
pub(crate) fn complaint(what: &str, fault: KeyText) -> String {
    match fault {
        KeyText::Letter { at } => format!("letter {at} of {what} is no base32 (A-Z, 2-7)"),
        KeyText::Incomplete => format!("{what} is cut off: no key has that many letters"),
        KeyText::Length(length) => {
            format!("the key has {} bytes; 10 to 128 can be used", length.0)
        }
    }
}
