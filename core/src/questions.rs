//! What a login asks: what one answer holds, and what besides a code.

use crate::{policy::Policy, request::Source};

/// What one answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field {
    /// A code alone, asked for as often as `tries` says.
    #[default]
    Code,
    /// What a line before was given: a code is its end, or all of it.
    Given,
    /// A line before should have been given something, and was not.
    Missing,
    /// A password and right behind it a code, in one answer.
    PasswordAndCode,
}

/// What a login may ask besides a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Questions {
    /// Whatever is owed or wished for.
    #[default]
    All,
    /// Nothing: the PAM line says `code_only`. A change that is owed counts as put off.
    CodeOnly,
    /// Nothing: a local user calls the program, as sudo and su are called, which may replace every prompt. What is owed
    /// waits for the user's next login from elsewhere.
    Elsewhere,
}

impl Policy {
    /// Returns what a login may ask besides a code: nothing where one answer holds a password too.
    #[must_use]
    pub fn questions(&self) -> Questions {
        match self.field {
            Field::Code => self.questions,
            Field::Given | Field::PasswordAndCode | Field::Missing => Questions::CodeOnly,
        }
    }

    /// Restricts what is asked to what a program can show whose caller is a local user: such a program may put its own
    /// prompt in place of every text that is shown as one, as `sudo -p` does.
    pub fn restrict_to(&mut self, source: &Source) {
        if matches!(source, Source::Uid(_)) && self.questions == Questions::All {
            self.questions = Questions::Elsewhere;
        }
    }
}
