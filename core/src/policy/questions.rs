//! What a login may ask: the content of one answer, and what else besides a code.

use crate::{base::request::Source, policy::Policy};

/// The content of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field {
    /// A code only, asked for up to `tries` times.
    #[default]
    Code,
    /// The answer that the user gave to an earlier module; the code is all of it or its end.
    Given,
    /// An earlier module should have stored an answer, but did not.
    Missing,
    /// A password followed by a code, in one answer.
    PasswordAndCode,
}

/// What a login may ask besides a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Questions {
    /// Everything that is owed or requested.
    #[default]
    All,
    /// Nothing: the PAM line says `code_only`. A change that is owed counts as postponed.
    CodeOnly,
    /// Nothing: a local user runs the program (sudo, su) and may replace every prompt. A change that is owed waits for
    /// the user's next login by ssh or at the console.
    Elsewhere,
}

impl Policy {
    /// Returns what a login may ask besides a code: nothing if one answer also holds the password.
    #[must_use]
    pub fn questions(&self) -> Questions {
        match self.field {
            Field::Code => self.questions,
            Field::Given | Field::PasswordAndCode | Field::Missing => Questions::CodeOnly,
        }
    }

    /// Restricts the questions for programs that a local user runs: such a program may replace every prompt, as `sudo
    /// -p` does.
    pub fn restrict_to(&mut self, source: &Source) {
        if matches!(source, Source::Uid(_)) && self.questions == Questions::All {
            self.questions = Questions::Elsewhere;
        }
    }
}
