//! Prints an error of a command: as text on standard error, or as JSON on standard output.

use std::{io::Write, process::ExitCode};

use crate::{
    error::exit::CliError,
    terminal::keyboard::tell,
    text::{Notation, WIDTH, harmless, wrap},
};

impl CliError {
    /// Prints the error and returns its exit status. With `json`, it is printed as JSON.
    pub(crate) fn print(&self, json: bool) -> ExitCode {
        if self.what.is_empty() {
            return ExitCode::from(self.exit as u8);
        }
        if json {
            let object = serde_json::json!({
                "error": self.what, "remedy": self.remedy, "exit": self.exit as u8,
            });
            // A caller that has closed standard output relies on the exit status.
            let object = object.to_string();
            let _ = writeln!(std::io::stdout(), "{}", harmless(&object, Notation::Json));
        } else {
            let what = wrap(&format!("twinlock: {self}"), WIDTH, 0);
            tell(&format!("{what}\n{}\n", wrap(&self.remedy, WIDTH, 0)));
        }
        ExitCode::from(self.exit as u8)
    }
}
